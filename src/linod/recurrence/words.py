"""The words of phrases: the vocabulary, and a reader that knows what could have stood there."""

from __future__ import annotations

from typing import NoReturn, TypeVar

from linod.recurrence.common import DAY_NAMES, MONTH_NAMES, WEEKEND, WORKDAYS, quoted
from linod.recurrence.model import Event, Frequency, RecurrenceError, Weekday

T = TypeVar("T")

UNKNOWN, UNIT, RANGE, TIME = "L011", "L012", "L013", "L014"
UNITS_HELP = "units are seconds, minutes, hours, days, weeks, months, years"

SINGULAR = {
    "second": Frequency.SECONDLY,
    "minute": Frequency.MINUTELY,
    "hour": Frequency.HOURLY,
    "day": Frequency.DAILY,
    "week": Frequency.WEEKLY,
    "month": Frequency.MONTHLY,
    "year": Frequency.YEARLY,
}
PLURAL = {f"{name}s": frequency for name, frequency in SINGULAR.items()}
DAYS = {name: (Weekday(0, day),) for day, name in enumerate(DAY_NAMES)}
EVERY_DAYS = {**DAYS, "weekday": WORKDAYS, "weekend": WEEKEND}
ON_DAYS = {**DAYS, "weekdays": WORKDAYS, "weekends": WEEKEND}
MONTHS = {name: month for month, name in enumerate(MONTH_NAMES, 1)}
ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "last": -1}
QUARTER_FIRST, QUARTER_LAST = (1, 4, 7, 10), (3, 6, 9, 12)
EVENTS = {"manually": Event.MANUALLY, "continuously": Event.CONTINUOUSLY}
AT_EVENTS = {"start": Event.AT_START, "boot": Event.AT_BOOT}

# What a word that is no fixed one would look like; `nearest` inserts it where it is missing.
A_TIME, A_DAY, A_NUMBER = "09:00", "1", "2"


class Mismatch(RecurrenceError):  # noqa: N818 - it reads as what happened
    """A phrase that stops being one at a word."""

    def __init__(
        self, code: str, message: str, help: str | None, index: int, expected: tuple[str, ...]
    ) -> None:
        super().__init__(code, message, help=help)
        self.index = index
        self.expected = expected


class Words:
    """The words of a phrase, read from the left, and what could have stood at the current one."""

    __slots__ = ("expected", "index", "tokens")

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = [*tokens, ""]
        self.index = 0
        self.expected: list[str] = []

    @property
    def word(self) -> str:
        """The current word; empty at the end."""
        return self.tokens[self.index]

    def advance(self) -> None:
        """Go to the next word."""
        self.index += 1
        self.expected.clear()

    def accept(self, word: str) -> bool:
        """Pass the word if it is there."""
        if self.tokens[self.index] == word:
            self.index += 1
            self.expected.clear()
            return True
        self.expected.append(word)
        return False

    def one_of(self, known: dict[str, T]) -> T | None:
        """Pass one of the known words and return what it stands for."""
        found = known.get(self.tokens[self.index])
        if found is None:
            self.expected.extend(known)
            return None
        self.index += 1
        self.expected.clear()
        return found

    def fail(self, code: str, message: str, help: str | None = None) -> NoReturn:
        """Refuse the current word."""
        raise Mismatch(code, message, help, self.index, tuple(dict.fromkeys(self.expected)))

    def fail_unknown(self, help: str | None = None) -> NoReturn:
        """Refuse the current word because none of the expected ones is there."""
        before = " ".join(self.tokens[max(0, self.index - 3) : self.index])
        place = f" after {quoted(before)}" if before else " at the beginning of a recurrence"
        if not self.word:
            self.fail(UNKNOWN, f"the recurrence ends too early,{place}", help or self._help())
        self.fail(UNKNOWN, f"unknown word {quoted(self.word)}{place}", help or self._help())

    def _help(self) -> str | None:
        shown = [word for word in dict.fromkeys(self.expected) if word != ","]
        return f"expected: {', '.join(shown)}" if 0 < len(shown) <= 12 else None

    def expect_end(self) -> None:
        """Refuse what is left over."""
        if self.word:
            self.fail_unknown()

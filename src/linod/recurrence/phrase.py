"""Phrases: `every weekday at 08:00 and 17:30` and all others, by a strict grammar.

Rules of this border:
- What the grammar does not know is refused, with the nearest phrase that it knows (`nearest`).
- Words are in any case, spaces are free, numbers are ASCII digits.
- What a phrase leaves open (`every day` without a time) stays open: the planner takes it from
  the task's `start`, and without one from the first instant of the period.

    phrase   = "manually" | "continuously" | "at" ("start" | "boot") | "once at" DATE [TIME]
             | "every" [N] UNIT [rest of the unit] | "every" DAYS [TIMES]
             | "every quarter" [ON] [TIMES] | "every easter" [OFFSETS] [TIMES]
    UNIT     = second minute hour [at minute LIST] [between TIME and TIME] [on DAYS]
             | day [TIMES] | week [on DAYS] [TIMES] | month [ON] [TIMES] | year [ON] [TIMES]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import TypeVar

from attrs import evolve, frozen

from linod.recurrence.common import (
    EASTER_MAX,
    EASTER_MIN,
    EVERY_DAY,
    TIMES_MAX,
    UNIT_SECONDS,
    WORKDAYS,
    checked_interval,
    moment,
    quoted,
    refuse,
    time_of_day,
)
from linod.recurrence.model import Basis, Frequency, Interval, Once, Part, Rule, Weekday, Window
from linod.recurrence.words import (
    A_DAY,
    A_NUMBER,
    A_TIME,
    AT_EVENTS,
    DAYS,
    EVENTS,
    EVERY_DAYS,
    MONTHS,
    ON_DAYS,
    ORDINALS,
    PLURAL,
    QUARTER_FIRST,
    QUARTER_LAST,
    RANGE,
    SINGULAR,
    TIME,
    UNIT,
    UNITS_HELP,
    Words,
)

T = TypeVar("T")

_NUMBER = re.compile("[0-9]+")
_SIGNED = re.compile("-?[0-9]{1,9}")
_OFFSET = re.compile("[+-][0-9]{1,9}")


def parse(text: str) -> tuple[Part, ...]:
    """Read a phrase."""
    return parts_of(tokens_of(text))


def tokens_of(text: str) -> list[str]:
    """Split a phrase into words; a comma is a word."""
    return text.lower().replace(",", " , ").split()


def parts_of(tokens: list[str]) -> tuple[Part, ...]:
    """Read the words of a phrase."""
    words = Words(tokens)
    parts = _phrase(words)
    words.expect_end()
    return parts


def _phrase(words: Words) -> tuple[Part, ...]:
    if words.accept("every"):
        return _every(words)
    event = words.one_of(EVENTS)
    if event is not None:
        return (event,)
    if words.accept("at"):
        event = words.one_of(AT_EVENTS)
        return (event,) if event is not None else words.fail_unknown()
    if words.accept("once"):
        return _once(words)
    return words.fail_unknown()


def _once(words: Words) -> tuple[Part, ...]:
    if not words.accept("at"):
        words.fail_unknown()
    text = " ".join(words.tokens[words.index : -1])
    at = moment(text, TIME)
    words.index = len(words.tokens) - 1
    return (Once(at),)


def _every(words: Words) -> tuple[Part, ...]:
    word = words.word
    if _NUMBER.fullmatch(word):
        words.advance()
        return _units(words, int(word) if len(word) < 16 else 10**15)
    frequency = SINGULAR.get(word)
    if frequency is not None:
        words.advance()
        return _OF_UNIT[frequency](words, frequency, 1)
    if word in EVERY_DAYS:
        return _weekly(words, _listed(words, lambda: _days(words, EVERY_DAYS)), 1)
    if words.accept("quarter"):
        return _quarter(words)
    if words.accept("easter"):
        return _easter(words)
    words.expected[:0] = [*SINGULAR, *EVERY_DAYS, A_NUMBER]
    near = get_close_matches(word[:40], [*SINGULAR, *PLURAL, *EVERY_DAYS, *ON_DAYS], 1)
    if near and near[0] in {*SINGULAR, *PLURAL}:
        words.fail(UNIT, f"unknown unit {quoted(word)} in a recurrence", UNITS_HELP)
    return words.fail_unknown(
        "after every: a number and a unit, a unit, weekdays, quarter or easter"
    )


def _units(words: Words, number: int) -> tuple[Part, ...]:
    word = words.word
    known = SINGULAR if number == 1 else PLURAL
    frequency = known.get(word)
    if frequency is None:
        words.expected.extend(known)
        if not word:
            words.fail(UNIT, f"a unit is missing after {quoted(f'every {number}')}", UNITS_HELP)
        if word in SINGULAR or word in PLURAL:
            words.fail(UNIT, f"{quoted(f'{number} {word}')} mixes one and many in a recurrence")
        words.fail(UNIT, f"unknown unit {quoted(word)} in a recurrence", UNITS_HELP)
    checked_interval(number, frequency, RANGE)
    words.advance()
    return _OF_UNIT[frequency](words, frequency, number)


def _elapsed(words: Words, frequency: Frequency, number: int) -> tuple[Part, ...]:
    """Read what follows seconds, minutes and hours."""
    minutes: tuple[int, ...] = ()
    if frequency is Frequency.HOURLY and words.accept("at"):
        if not words.accept("minute"):
            words.fail_unknown()
        minutes = _sorted(_listed(words, lambda: (_minute(words),)))
    window, weekdays = _window(words), _on_days(words)
    window = window or _window(words)
    if not (minutes or window or weekdays):
        return (Interval(seconds=number * UNIT_SECONDS[frequency]),)
    rule = Rule(
        frequency=frequency,
        basis=Basis.FILTERED,
        interval=number,
        minutes=minutes,
        seconds=(0,) if minutes else (),
        weekdays=weekdays,
        window=window,
    )
    return (rule,)


def _minute(words: Words) -> int:
    word = words.word
    if not _NUMBER.fullmatch(word):
        words.expected.append(A_NUMBER)
        words.fail_unknown("write at minute 20")
    if len(word) > 2 or int(word) > 59:
        refuse(RANGE, f"minute {word[:20]} is out of range", "minutes are 0 to 59")
    words.advance()
    return int(word)


def _window(words: Words) -> Window | None:
    if not words.accept("between"):
        return None
    first = _time(words)
    if not words.accept("and"):
        words.fail_unknown("write between 09:00 and 17:45")
    return Window(first, _time(words))


def _on_days(words: Words) -> tuple[Weekday, ...]:
    if not words.accept("on"):
        return ()
    return _sorted(_listed(words, lambda: _days(words, ON_DAYS)))


def _days(words: Words, known: dict[str, tuple[Weekday, ...]]) -> tuple[Weekday, ...]:
    found = words.one_of(known)
    return found if found is not None else words.fail_unknown()


def _daily(words: Words, frequency: Frequency, number: int) -> tuple[Part, ...]:
    return (Rule(frequency=frequency, basis=Basis.WALL, interval=number, times=_times(words)),)


def _weeks(words: Words, _frequency: Frequency, number: int) -> tuple[Part, ...]:
    return _weekly(words, _on_days(words), number)


def _weekly(words: Words, weekdays: Sequence[Weekday], number: int) -> tuple[Part, ...]:
    weekdays = _sorted(weekdays)
    times = _times(words)
    if weekdays == EVERY_DAY and number == 1:
        return (Rule(frequency=Frequency.DAILY, basis=Basis.WALL, times=times),)
    rule = Rule(
        frequency=Frequency.WEEKLY,
        basis=Basis.WALL,
        interval=number,
        weekdays=weekdays,
        times=times,
    )
    return (rule,)


@frozen(order=True)
class _Choice:
    """Days of a period: of a month by number, by counted weekdays, or counted workdays."""

    month_days: tuple[int, ...] = ()
    weekdays: tuple[Weekday, ...] = ()
    positions: tuple[int, ...] = ()


def _months(words: Words, _frequency: Frequency, number: int) -> tuple[Part, ...]:
    choices = _united(_choices(words)) if words.accept("on") else [_Choice()]
    return _rules(words, Frequency.MONTHLY, number, [((), choice) for choice in choices])


def _choices(words: Words) -> list[_Choice]:
    """Read `day 1, 15 and -1` and `the first and third monday`, in any mixture."""
    found: list[_Choice] = []
    is_day = False
    while True:
        if words.accept("day"):
            found.append(_Choice(month_days=(_month_day(words),)))
            is_day = True
        elif is_day and _SIGNED.fullmatch(words.word):
            found.append(_Choice(month_days=(_month_day(words),)))
        else:
            found.extend(_counted(words))
            is_day = False
        if not _accept_and(words):
            return found


def _month_day(words: Words) -> int:
    word = words.word
    if not _SIGNED.fullmatch(word):
        words.expected.append(A_DAY)
        words.fail_unknown("write a day of the month: 1 to 31, or -1 for the last")
    if not 1 <= abs(int(word)) <= 31:
        refuse(RANGE, f"day {word} is out of range", "days are 1 to 31, or -31 to -1 from the end")
    words.advance()
    return int(word)


def _counted(words: Words) -> list[_Choice]:
    """Read `the first monday`, `the first and last friday`, `the last weekday`, `the last day`."""
    ordinals = [_ordinal(words)]
    while words.word in (",", "and"):
        mark = words.index
        _accept_and(words)
        words.accept("the")
        if words.word not in ORDINALS:
            words.index = mark
            break
        ordinals.append(_ordinal(words))
    day = words.one_of(_COUNTED)
    if day is None:
        words.fail_unknown()
    return [_choice(ordinal, day) for ordinal in ordinals]


_COUNTED = {name: name for name in (*DAYS, "weekday", "day")}


def _ordinal(words: Words) -> int:
    """Read `first` to `fifth`, `last`, and `second last`."""
    words.accept("the")
    ordinal = words.one_of(ORDINALS)
    if ordinal is None:
        words.expected.append("day")
        words.fail_unknown()
    if ordinal > 1 and words.accept("last"):
        return -ordinal
    return ordinal


def _choice(ordinal: int, day: str) -> _Choice:
    if day == "day":
        return _Choice(month_days=(ordinal,))
    if day == "weekday":
        return _Choice(weekdays=WORKDAYS, positions=(ordinal,))
    return _Choice(weekdays=(Weekday(ordinal, DAYS[day][0].day),))


def _united(choices: Sequence[_Choice]) -> list[_Choice]:
    """Join choices of one kind: numbered days, counted weekdays, counted workdays."""
    kinds: tuple[list[_Choice], ...] = ([], [], [])
    for choice in choices:
        kinds[0 if choice.month_days else 2 if choice.positions else 1].append(choice)
    return [
        _Choice(
            _sorted(day for choice in kind for day in choice.month_days),
            _sorted(weekday for choice in kind for weekday in choice.weekdays),
            _sorted(position for choice in kind for position in choice.positions),
        )
        for kind in kinds
        if kind
    ]


def _years(words: Words, _frequency: Frequency, number: int) -> tuple[Part, ...]:
    if not words.accept("on"):
        rule = Rule(frequency=Frequency.YEARLY, basis=Basis.WALL, interval=number)
        return (evolve(rule, times=_times(words)),)
    by_month: dict[int, list[_Choice]] = {}
    while True:
        for month, choice in _dates(words):
            by_month.setdefault(month, []).append(choice)
        if not _accept_and(words):
            break
    # A year every second year is a rule of years; each year, one of months.
    if number == 1:
        return _rules(words, Frequency.MONTHLY, 1, _by_choice(by_month))
    choices = [
        ((month,), choice) if choice.positions else (months, choice)
        for months, choice in _by_choice(by_month)
        for month in (months if choice.positions else months[:1])
    ]
    return _rules(words, Frequency.YEARLY, number, choices)


def _dates(words: Words) -> list[tuple[int, _Choice]]:
    """Read `march 1`, or `the last sunday of march`."""
    month = words.one_of(MONTHS)
    if month is not None:
        return [(month, _Choice(month_days=(_month_day(words),)))]
    choices = _counted(words)
    if not words.accept("of"):
        words.fail_unknown("write the last sunday of march")
    month = words.one_of(MONTHS)
    if month is None:
        words.fail_unknown()
    return [(month, choice) for choice in choices]


def _by_choice(by_month: dict[int, list[_Choice]]) -> list[tuple[tuple[int, ...], _Choice]]:
    """Join the months that have equal days, so that one rule holds them."""
    months_of: dict[_Choice, list[int]] = {}
    for month, choices in sorted(by_month.items()):
        for choice in _united(choices):
            months_of.setdefault(choice, []).append(month)
    return [(tuple(months), choice) for choice, months in months_of.items()]


def _quarter(words: Words) -> tuple[Part, ...]:
    """Read days of a quarter: counted from its first month, or back from its last."""
    if not words.accept("on"):
        return _rules(words, Frequency.MONTHLY, 1, [(QUARTER_FIRST, _Choice(month_days=(1,)))])
    chosen = _choices(words)
    first = _united([choice for choice in chosen if _quarter_number(choice) > 0])
    last = _united([choice for choice in chosen if _quarter_number(choice) < 0])
    choices = [(QUARTER_FIRST, choice) for choice in first]
    choices += [(QUARTER_LAST, choice) for choice in last]
    return _rules(words, Frequency.MONTHLY, 1, choices)


def _quarter_number(choice: _Choice) -> int:
    if choice.month_days:
        number = choice.month_days[0]
        if abs(number) > 30:
            hint = "days of a quarter are 1 to 30, or -30 to -1 from its end"
            refuse(RANGE, f"day {number} of a quarter", hint)
        return number
    number = choice.positions[0] if choice.positions else choice.weekdays[0].ordinal
    if abs(number) > 4:
        refuse(RANGE, "the fifth one of a quarter", "count to the fourth, or from the last")
    return number


def _rules(
    words: Words,
    frequency: Frequency,
    number: int,
    choices: Sequence[tuple[tuple[int, ...], _Choice]],
) -> tuple[Part, ...]:
    """Make a rule of each choice; positions select instants, so each time has a rule then."""
    times = _times(words)
    return tuple(
        Rule(
            frequency=frequency,
            basis=Basis.WALL,
            interval=number,
            months=months,
            month_days=choice.month_days,
            weekdays=choice.weekdays,
            positions=choice.positions,
            times=some,
        )
        for months, choice in choices
        for some in ([(time,) for time in times] if choice.positions and times else [times])
    )


def _easter(words: Words) -> tuple[Part, ...]:
    offsets: tuple[int, ...] = (0,)
    if _OFFSET.fullmatch(words.word):
        offsets = _sorted(_listed(words, lambda: (_easter_offset(words),)))
    rule = Rule(
        frequency=Frequency.YEARLY,
        basis=Basis.WALL,
        easter_offsets=offsets,
        times=_times(words),
    )
    return (rule,)


def _easter_offset(words: Words) -> int:
    word = words.word
    if not _OFFSET.fullmatch(word):
        words.expected.append("+1")
        words.fail_unknown("write every easter -2 days")
    if not EASTER_MIN <= int(word) <= EASTER_MAX:
        refuse(RANGE, f"{word} days from easter", f"{EASTER_MIN} to +{EASTER_MAX} days")
    words.advance()
    if not words.accept("day" if word[1:] == "1" else "days"):
        words.fail_unknown()
    return int(word)


_OF_UNIT: dict[Frequency, Callable[[Words, Frequency, int], tuple[Part, ...]]] = {
    Frequency.SECONDLY: _elapsed,
    Frequency.MINUTELY: _elapsed,
    Frequency.HOURLY: _elapsed,
    Frequency.DAILY: _daily,
    Frequency.WEEKLY: _weeks,
    Frequency.MONTHLY: _months,
    Frequency.YEARLY: _years,
}


def _times(words: Words) -> tuple[int, ...]:
    """Read `at 08:00 and 17:30`, if it is there."""
    if not words.accept("at"):
        return ()
    times = [_time(words)]
    while _accept_and(words):
        times.append(_time(words))
    if len(times) > TIMES_MAX:
        refuse(TIME, f"{len(times)} times of day", f"there are at most {TIMES_MAX}")
    return _sorted(times)


def _time(words: Words) -> int:
    word = words.word
    time = time_of_day(word)
    if time is None:
        words.expected.append(A_TIME)
        hint = "write 09:00, 17:30:15, noon or midnight"
        if not word:
            words.fail(TIME, "a time of day is missing at the end", hint)
        words.fail(TIME, f"{quoted(word)} is no time of day", hint)
    words.advance()
    return time


def _listed(words: Words, item: Callable[[], Sequence[T]]) -> list[T]:
    """Read `A, B and C`."""
    found = list(item())
    while _accept_and(words):
        found.extend(item())
    return found


def _accept_and(words: Words) -> bool:
    if words.accept(","):
        words.accept("and")
        return True
    return words.accept("and")


def _sorted(items: Iterable[T]) -> tuple[T, ...]:
    return tuple(sorted(set(items)))  # type: ignore[type-var]

"""The nearest phrase: what somebody may have meant by words that are no phrase.

Rules of this border:
- A suggestion is a whole phrase, and it parses.
- The work is bounded: few repairs, few trials, no more than a line of words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from heapq import heappop, heappush

from linod.recurrence.model import RecurrenceError
from linod.recurrence.phrase import parts_of, tokens_of
from linod.recurrence.words import A_DAY, A_NUMBER, A_TIME, ORDINALS, Mismatch

TRIALS_MAX = 200
"""Phrases that are tried: about 5 ms."""
COST_MAX = 4
WORDS_MAX = 24

EXAMPLES = (
    "every 10 seconds",
    "every minute",
    "every 5 minutes",
    "every 2 hours",
    "every hour at minute 20",
    "every 15 minutes between 09:00 and 17:45 on weekdays",
    "every day at 03:30",
    "every weekday at 08:00",
    "every weekend at 10:00",
    "every monday at 09:00",
    "every monday and thursday at 09:00",
    "every 2 weeks on friday at 12:00",
    "every month on day 1 at 00:30",
    "every month on the last friday at 18:00",
    "every month on the last weekday at 16:00",
    "every quarter on day 1 at 04:00",
    "every year on march 1 at 06:00",
    "every easter -2 days at 10:00",
    "once at 2026-12-01 20:00",
    "at start",
    "at boot",
    "manually",
    "continuously",
)

# What people write for the words of the grammar.
_MEANT = {
    **dict.fromkeys(["s", "sec", "secs"], "seconds"),
    **dict.fromkeys(["m", "min", "mins"], "minutes"),
    **dict.fromkeys(["h", "hr", "hrs"], "hours"),
    **{"d": "days", "w": "weeks", "y": "years", "fortnight": "2 weeks"},
    **dict.fromkeys(["other", "second", "2nd"], "2"),
    **{"third": "3", "3rd": "3", "a": "1", "an": "1"},
    **{"one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6"},
    **{"ten": "10", "fifteen": "15", "twenty": "20", "thirty": "30"},
    **{"midday": "noon", "start-up": "start", "startup": "start", "reboot": "boot"},
    **{"to": "and", "until": "and", "till": "and", "-": "and", "&": "and", "from": "between"},
    **dict.fromkeys(["mon-fri", "monday-friday", "workday", "workdays"], "weekdays"),
    **{"sat-sun": "weekends", "weekends": "weekend", "weekdays": "weekday"},
    **{"before": "-1 day", "after": "+1 day"},
    **{"each": "every", "everyday": "every day", "@": "at", "in": "on"},
    **{"1st": "first", "4th": "fourth", "5th": "fifth", "mon": "monday", "tue": "tuesday"},
    **{"wed": "wednesday", "thu": "thursday", "fri": "friday", "sat": "saturday"},
    **{"sun": "sunday", "jan": "january", "feb": "february", "mar": "march", "apr": "april"},
    **{"jun": "june", "jul": "july", "aug": "august", "sep": "september", "oct": "october"},
    **{"nov": "november", "dec": "december", "months": "month", "on": "at", "at": "on"},
}
_WHOLE = {
    "secondly": "every second",
    "minutely": "every minute",
    "hourly": "every hour",
    "daily": "every day",
    "nightly": "every day at 03:00",
    "weekly": "every week",
    "fortnightly": "every 2 weeks",
    "monthly": "every month",
    "quarterly": "every quarter",
    "yearly": "every year",
    "annually": "every year",
    "never": "manually",
    "none": "manually",
    "always": "continuously",
    "start": "at start",
    "boot": "at boot",
    "reboot": "at boot",
    "easter": "every easter",
    "christmas": "every year on december 25",
}
# Turns of speech: one word repaired at a time, they would become something else.
_TURNS = (
    (r"\bmon(?:day)? ?(?:to|through|thru|till|until|-) ?fri(?:day)?\b", "weekday"),
    (r"\bsat(?:urday)? ?(?:to|-) ?sun(?:day)?\b", "weekend"),
    (r"\b(?:working|work|business) ?days?\b", "weekday"),
    (r"\b(?:morning|afternoon|evening|night)s?\b", "day"),
    (r"\bhalf (?:an )?hour\b", "30 minutes"),
    (r"\bquarter (?:of )?(?:an )?hour\b", "15 minutes"),
    (r"\b([0-9]+)([a-z]{3,})\b", r"\1 \2"),
    (
        r"^(?:on |every |each )*(?:the )?([a-z0-9]+)( [a-z]+)?? "
        r"of (?:every |each |the |a )?(month|quarter)\b",
        r"every \3 on the \1\2",
    ),
    (r"\bon the first day\b", "on day 1"),
    (r"^(weekday|weekend)s?\b", r"every \1"),
)
_EASTER = {"friday": "-2 days", "sunday": "+0 days", "monday": "+1 day"}
_INSERTED = ("at", "on", "every", "day", "minute", "of", "and", A_TIME, A_DAY, A_NUMBER)
_EXAMPLES_OF_WORDS = (A_TIME, A_DAY, A_NUMBER)
_CLOCK = re.compile(r"([0-9]{1,2})(?:[:.h]([0-9]{2}))?(am|pm)?", re.ASCII)
_SIZED = re.compile(r"([0-9]+)([a-z]+)", re.ASCII)
_NTH = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th|\.)", re.ASCII)


def nearest(text: str) -> str | None:
    """Find the phrase that somebody may have meant."""
    tokens = tokens_of(text[:200])
    if not tokens or len(tokens) > WORDS_MAX:
        return None
    turned = _turned(tokens)
    for trial in (turned, tokens) if turned != tokens else (tokens,):
        repaired = _repaired(trial)
        if repaired is not None:
            return repaired
    examples = get_close_matches(" ".join(tokens), EXAMPLES, 1, 0.5)
    return examples[0] if examples else None


def _turned(tokens: list[str]) -> list[str]:
    text = " ".join(tokens)
    for pattern, meant in _TURNS:
        text = re.sub(pattern, meant, text, flags=re.ASCII)
    return tokens_of(text[:200])[:WORDS_MAX]


def _repaired(tokens: list[str]) -> str | None:
    """Try repairs at the word where the phrase stops being one, the least cost first."""
    heap: list[tuple[int, int, list[str]]] = [(0, 0, tokens)]
    seen = {tuple(tokens)}
    for _ in range(TRIALS_MAX):
        if not heap:
            return None
        cost, _, trial = heappop(heap)
        mismatch = _mismatch(trial)
        if mismatch is None:
            return " ".join(trial).replace(" ,", ",")
        for more, repair in _repairs(trial, mismatch):
            if cost + more <= COST_MAX and tuple(repair) not in seen:
                seen.add(tuple(repair))
                heappush(heap, (cost + more, len(seen), repair))
    return None


def _mismatch(tokens: list[str]) -> Mismatch | None:
    try:
        parts_of(tokens)
    except Mismatch as mismatch:
        return mismatch
    except RecurrenceError as error:  # A number out of range: no word to repair.
        return Mismatch(error.code, error.message, None, -1, ())
    return None


def _repairs(tokens: list[str], mismatch: Mismatch) -> Iterator[tuple[int, list[str]]]:
    """Give phrases in which the word at fault is another, is preceded by one, or is gone.

    Leaving a word out costs most, because it changes the meaning.
    """
    if mismatch.index < 0:
        return
    before, after = tokens[: mismatch.index], tokens[mismatch.index + 1 :]
    word = tokens[mismatch.index] if mismatch.index < len(tokens) else ""
    for meant in _meant(word, before, mismatch.expected):
        yield 1, [*before, *meant.split(), *after]
    nth = _NTH.fullmatch(word)
    if nth and before[-1:] == ["the"]:
        yield 1, [*before[:-1], "day", nth[1], *after]
    for inserted in _INSERTED:
        if inserted in mismatch.expected and (not word or inserted not in _EXAMPLES_OF_WORDS):
            yield 1, [*before, inserted, *tokens[mismatch.index :]]
    if after and after[0] in mismatch.expected:
        yield 1, [*before, after[0], word, *after[1:]]
    if word:
        yield COST_MAX - 1, [*before, *after]


def _meant(word: str, before: list[str], expected: tuple[str, ...]) -> Iterator[str]:
    """Give what could be meant by one word."""
    if not word:
        return
    fixed = [known for known in expected if known not in _EXAMPLES_OF_WORDS]
    yield from get_close_matches(word[:40], fixed, 2, 0.6)
    if before == ["every"] and word in ORDINALS:
        yield f"month on the {word}"
    if not before and word in _WHOLE:
        yield _WHOLE[word]
    if before and before[-1] == "easter" and word in _EASTER:
        yield _EASTER[word]
    if A_TIME in expected:
        yield from _clock(word)
    if word in _MEANT:
        yield _MEANT[word]
    sized, nth = _SIZED.fullmatch(word), _NTH.fullmatch(word)
    if nth:
        yield f"month on day {nth[1]}" if before == ["every"] else nth[1]
    elif sized:
        yield f"{sized[1]} {sized[2]}"


def _clock(word: str) -> Iterator[str]:
    """Read 9, 9am, 9.30 and 5:30pm as times of day."""
    found = _CLOCK.fullmatch(word)
    if found:
        hour = int(found[1]) % 12 if found[3] else int(found[1])
        hour += 12 if found[3] == "pm" else 0
        hour = 0 if hour == 24 else hour
        yield f"{hour:02}:{found[2] or '00'}"

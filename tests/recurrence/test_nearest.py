"""Suggestions: the phrase that somebody may have meant, and it always parses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linod.recurrence import RecurrenceError, notation, parse
from linod.recurrence.nearest import EXAMPLES

WORDS = [
    *("every", "evry", "each", "5", "2nd", "0", "-1", "minutes", "mintues", "hour", "day", "days"),
    *("other", "weekday", "mon-fri", "friday", "last", "the", "of", "month", "on", "at", "9am"),
    *("09:00", "24:00", "between", "and", ",", "easter", "quarter", "once", "2026-12-01", "march"),
]


def suggestion(text: str) -> str | None:
    with pytest.raises(RecurrenceError) as caught:
        parse(text)
    return caught.value.suggestion


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("every mintue", "every minute"),
        ("every 5 min", "every 5 minutes"),
        ("every 5m", "every 5 minutes"),
        ("every 5minutes", "every 5 minutes"),
        ("every half hour", "every 30 minutes"),
        ("every monday to friday at 9:00", "every weekday at 9:00"),
        ("monday-friday at 9:00", "every weekday at 9:00"),
        ("every morning at 8", "every day at 08:00"),
        ("every 1st of the month at 03:00", "every month on day 1 at 03:00"),
        ("first monday of every month at 9:00", "every month on the first monday at 9:00"),
        ("every first day of the month at 9:00", "every month on day 1 at 9:00"),
        ("every 2 hour", "every 2 hours"),
        ("evry 5 minuts betwen 9:00 and 17:00", "every 5 minutes between 9:00 and 17:00"),
        ("every 5 minutes from 9:00 to 17:00", "every 5 minutes between 9:00 and 17:00"),
        ("every day 9:00", "every day at 9:00"),
        ("every day at 9am", "every day at 09:00"),
        ("every day at 5:30pm", "every day at 17:30"),
        ("every day at 24:00", "every day at 00:00"),
        ("every other day at noon", "every 2 days at noon"),
        ("daily at 9", "every day at 09:00"),
        ("every weekdays at 9:00", "every weekday at 9:00"),
        ("every mon-fri at 9:00", "every weekday at 9:00"),
        ("every tuesday and wensday at 10:00", "every tuesday and wednesday at 10:00"),
        ("every last friday at 10:00", "every month on the last friday at 10:00"),
        ("every month on the 15th at 9:00", "every month on day 15 at 9:00"),
        ("every year on 1 march", "every year on march 1"),
        ("every easter monday", "every easter +1 day"),
        ("once on 2026-12-01 at 20:00", "once at 2026-12-01 20:00"),
        ("2026-12-01 20:00", "once at 2026-12-01 20:00"),
        ("10 seconds", "every 10 seconds"),
        ("09:30", "every day at 09:30"),
        ("2026-12-24", "once at 2026-12-24"),
        ("never", "manually"),
        ("0 4 * * * /usr/bin/backup --all", "0 4 * * *"),
        ("gibberish", None),
    ],
)
def test_the_nearest_phrase_is_suggested(text: str, expected: str | None) -> None:
    assert expected == suggestion(text)


@pytest.mark.parametrize("text", EXAMPLES)
def test_each_example_parses(text: str) -> None:
    assert parse(text).parts


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=9).map(" ".join))
def test_every_suggestion_parses(text: str) -> None:
    try:
        suggested = notation(parse(text))
    except RecurrenceError as error:
        suggested = error.suggestion or "manually"

    assert parse(suggested).parts

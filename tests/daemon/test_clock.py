"""The alarm goes off at its instant, never before."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from linod.daemon import clock


def rang_after(delay: timedelta) -> tuple[datetime, datetime]:
    async def wait() -> tuple[datetime, datetime]:
        rang = asyncio.Event()
        alarm = clock.Alarm(rang.set)
        when = clock.now() + delay
        alarm.set(when)
        async with asyncio.timeout(5):
            await rang.wait()
        present = clock.now()
        alarm.close()
        return when, present

    return asyncio.run(wait())


def test_an_alarm_is_never_early() -> None:
    for microseconds in (1, 333, 4_567, 20_001):
        when, rang = rang_after(timedelta(microseconds=microseconds))

        assert rang >= when


def test_an_alarm_in_the_past_goes_off_at_once() -> None:
    when, rang = rang_after(timedelta(days=-40_000))

    assert rang > when


def test_the_present_is_cut_to_the_microsecond() -> None:
    first = clock.now()

    assert first.utcoffset() == timedelta(0)
    assert clock.now() >= first


def test_two_requests_at_one_instant_are_told_apart() -> None:
    present = datetime(2026, 11, 21, 7, tzinfo=UTC)

    assert present + timedelta(microseconds=1) == clock.distinct(present, present)


def test_a_request_after_the_clock_was_set_back_does_not_lie_ahead() -> None:
    present = datetime(2026, 11, 21, 7, tzinfo=UTC)

    assert present == clock.distinct(present, present + timedelta(hours=1))

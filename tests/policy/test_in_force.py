"""Which of several holds keeps a task from running."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from linod.policy import Hold, HoldKind, in_force

T = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def pause(task: str = "mail", until: datetime | None = None) -> Hold:
    return Hold(task=task, kind=HoldKind.PAUSE, since=T - HOUR, until=until, by="ann")


DISABLE = Hold(task="mail", kind=HoldKind.DISABLE, since=T - HOUR, by="ann")


def test_without_holds_nothing_holds() -> None:
    assert in_force([], T) is None


def test_a_disable_comes_before_a_pause() -> None:
    assert DISABLE == in_force([pause(), DISABLE], T)


def test_of_two_pauses_the_longer_one_counts() -> None:
    longer = pause("*", T + 2 * HOUR)

    assert longer == in_force([pause(until=T + HOUR), longer], T)


def test_a_pause_without_an_end_is_the_longest() -> None:
    assert pause() == in_force([pause("*", T + HOUR), pause()], T)


def test_what_is_due_at_the_end_of_a_pause_runs() -> None:
    assert in_force([pause(until=T)], T) is None

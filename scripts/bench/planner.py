"""Measure how fast the next instant is found, beside dateutil, croniter, cronsim, APScheduler
and Celery, in one process and in local time with DST.

Each row is one rule and one question: the next instant after random instants of ten years, or the
next 1,000 from one. Every program answers in the form it gives to its own scheduler; rounds take
turns, so that a busy machine slows all of them. Exit status 1 if linod is not ahead in a row.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from celery import Celery
from celery.schedules import crontab, schedule
from croniter import croniter
from cronsim import CronSim
from dateutil import rrule

from linod.planner import Planner
from linod.recurrence import parse

NAME = "Europe/Tallinn"
ZONE = ZoneInfo(NAME)
BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
END = datetime(2030, 1, 1, tzinfo=UTC)
SERIES = 1000
Next = Callable[[datetime], object]
"""Find the instant after one; the peer's own kind of answer."""
Series = Callable[[datetime], int]
"""Find the next 1,000 after an instant, and say how many were found."""


@dataclass(frozen=True)
class Case:
    """One rule, in the words of each program; None where it has none."""

    name: str
    recurrence: str
    cron: str | None
    seconds_cron: str | None
    rrule: dict[str, object]
    interval: timedelta | None = None


CASES = [
    Case(
        "daily",
        "every day at 03:30",
        "30 3 * * *",
        None,
        {"freq": rrule.DAILY, "byhour": 3, "byminute": 30, "bysecond": 0},
    ),
    Case(
        "weekday",
        "every weekday at 07:00",
        "0 7 * * mon-fri",
        None,
        {
            "freq": rrule.WEEKLY,
            "byweekday": range(5),
            "byhour": 7,
            "byminute": 0,
            "bysecond": 0,
        },
    ),
    Case(
        "monthly",
        "every month on day 1 at 04:00",
        "0 4 1 * *",
        None,
        {"freq": rrule.MONTHLY, "bymonthday": 1, "byhour": 4, "byminute": 0, "bysecond": 0},
    ),
    Case(
        "hourly",
        "every hour at minute 20",
        "20 * * * *",
        None,
        {"freq": rrule.HOURLY, "byminute": 20, "bysecond": 0},
    ),
    Case(
        "ten seconds",
        "every 10 seconds",
        None,
        "*/10 * * * * *",
        {"freq": rrule.SECONDLY, "interval": 10},
        timedelta(seconds=10),
    ),
]


@dataclass(frozen=True)
class Peer:
    """One program's way to answer for one case; `why_not` where it has none."""

    name: str
    next: Next | None = None
    series: Series | None = None
    why_not: str = ""
    begin: datetime = BEGIN
    """Where its samples begin."""
    is_slow: bool = False
    """It walks from its start: fewer samples, so that a round ends."""


def linod(case: Case) -> Peer:
    """Build linod's planner."""
    planner = Planner(parse(case.recurrence), NAME)

    def series(begin: datetime) -> int:
        return len(list(islice(planner.between(begin, LATE), SERIES)))

    return Peer("linod", planner.next, series)


def linod_stepping(case: Case) -> Peer:
    """Build linod's planner, asked one by one as the peers are."""
    planner = Planner(parse(case.recurrence), NAME)
    return Peer("linod, one by one", planner.next, stepped(planner.next))


def stepped(following: Callable[[datetime], datetime | None]) -> Series:
    """Ask for the next one, then for the one after it."""

    def series(begin: datetime) -> int:
        at: datetime | None = begin
        found = 0
        while found < SERIES and at is not None:
            at = following(at)
            found += 1
        return found

    return series


LATE = datetime(9999, 1, 1, tzinfo=UTC)


def dateutil(case: Case) -> Peer:
    """dateutil computes on naive local time; the caller has to resolve it.

    It walks from its start, ten years of ten seconds for a minute, so there it gets one day.
    """
    begin = END - timedelta(days=1) if case.interval else BEGIN
    start = begin.replace(tzinfo=None)
    rule = rrule.rrule(dtstart=start, **case.rrule)  # type: ignore[arg-type]

    def following(t: datetime) -> object:
        return rule.after(t.replace(tzinfo=None))

    def series(begin: datetime) -> int:
        naive = begin.replace(tzinfo=None)
        return len(list(rule.xafter(naive, count=SERIES)))

    return Peer("dateutil", following, series, begin=begin, is_slow=True)


def of_croniter(case: Case) -> Peer:
    """croniter takes seconds last by default; `second_at_beginning` takes them first."""
    text = case.cron or case.seconds_cron
    assert text

    def begun(t: datetime) -> croniter:
        return croniter(text, t.astimezone(ZONE), second_at_beginning=case.cron is None)

    def following(t: datetime) -> object:
        return begun(t).get_next(datetime)

    def series(begin: datetime) -> int:
        walk = begun(begin)
        for _ in range(SERIES):
            walk.get_next(datetime)
        return SERIES

    return Peer("croniter", following, series)


def of_cronsim(case: Case) -> Peer:
    """cronsim is an iterator."""
    text = case.cron or case.seconds_cron
    assert text

    def following(t: datetime) -> object:
        return next(CronSim(text, t.astimezone(ZONE)))

    def series(begin: datetime) -> int:
        return len(list(islice(CronSim(text, begin.astimezone(ZONE)), SERIES)))

    return Peer("cronsim", following, series)


def apscheduler(case: Case) -> Peer:
    """APScheduler 3 asks a trigger for the fire time after the previous one."""
    trigger: CronTrigger | IntervalTrigger
    if case.interval:
        trigger = IntervalTrigger(
            seconds=int(case.interval.total_seconds()), start_date=BEGIN, timezone=ZONE
        )
    else:
        trigger = CronTrigger.from_crontab(case.cron, timezone=ZONE)

    def following(t: datetime) -> datetime:
        found: datetime = trigger.get_next_fire_time(None, t.astimezone(ZONE))
        return found

    def series(begin: datetime) -> int:
        at = following(begin)
        for _ in range(SERIES - 1):
            at = trigger.get_next_fire_time(at, at)
        return SERIES

    return Peer("APScheduler", following, series)


def celery(case: Case) -> Peer:
    """beat asks a schedule for the time that remains after the last run; it keeps no iterator."""
    app = Celery(set_as_current=False)
    app.conf.timezone = NAME
    now = [BEGIN]
    rule: crontab | schedule
    if case.interval:
        rule = schedule(case.interval, nowfun=lambda: now[0], app=app)
    else:
        assert case.cron
        rule = crontab(*case.cron.split(), nowfun=lambda: now[0], app=app)

    def following(t: datetime) -> datetime:
        now[0] = t
        return t + rule.remaining_estimate(t)

    return Peer("Celery", following, stepped(following))


PEERS = [linod, linod_stepping, dateutil, of_croniter, of_cronsim, apscheduler, celery]


def build(case: Case) -> list[Peer]:
    """Build every program's answer; one that refuses the rule says why."""
    peers = []
    for make in PEERS:
        try:
            peer = make(case)
            assert peer.next is not None
            peer.next(peer.begin)
            peers.append(peer)
        except Exception as error:  # noqa: BLE001 - whatever it says is its reason
            name = make.__name__.removeprefix("of_")
            peers.append(Peer(name, why_not=f"{type(error).__name__}: {error}"))
    return peers


def samples(number: int, seed: int, begin: datetime) -> list[datetime]:
    """Draw instants up to the end of the ten years."""
    rng = random.Random(seed)
    seconds = int((END - begin).total_seconds())
    return [begin + timedelta(seconds=rng.randrange(seconds)) for _ in range(number)]


def rate_of_next(peer: Peer, number: int, seed: int) -> float:
    """Measure answers a second at random instants."""
    assert peer.next is not None
    instants = samples(min(number, 3) if peer.is_slow else number, seed, peer.begin)
    following = peer.next
    begin = time.perf_counter()
    for instant in instants:
        following(instant)
    return len(instants) / (time.perf_counter() - begin)


def rate_of_series(peer: Peer, number: int, seed: int) -> float:
    """Measure instants a second in walks of 1,000."""
    assert peer.series is not None
    begins = samples(1 if peer.is_slow else max(1, number // SERIES), seed, peer.begin)
    series = peer.series
    begin = time.perf_counter()
    found = sum(series(each) for each in begins)
    return found / (time.perf_counter() - begin)


def measure(
    peers: list[Peer], rate: Callable[[Peer, int, int], float], number: int, rounds: int
) -> dict[str, float]:
    """Give the median rate of each program over rounds in which they take turns."""
    rates: dict[str, list[float]] = {peer.name: [] for peer in peers if not peer.why_not}
    for seed in range(rounds):
        for peer in peers:
            if not peer.why_not:
                rates[peer.name].append(rate(peer, number, seed))
    return {name: statistics.median(each) for name, each in rates.items()}


def show(title: str, rates: dict[str, float], peers: list[Peer]) -> bool:
    """Print one row of the table, a line per program; tell whether linod is ahead."""
    own = rates["linod"]
    print(f"\n{title}")
    for peer in peers:
        if peer.why_not:
            print(f"  {peer.name:18} {'cannot':>14}   {peer.why_not[:70]}")
            continue
        ratio = own / rates[peer.name]
        print(
            f"  {peer.name:18} {rates[peer.name]:>12,.0f}/s   linod is {ratio:,.1f} times as fast"
        )
    others = [rate for name, rate in rates.items() if not name.startswith("linod")]
    return own > max(others)


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds per row (5)")
    parser.add_argument("--number", type=int, default=10_000, help="answers per round (10,000)")
    options = parser.parse_args()
    behind = []
    for case in CASES:
        peers = build(case)
        for question, rate in (("next", rate_of_next), ("the next 1,000", rate_of_series)):
            title = f"{case.name}, {question}: {case.recurrence}"
            if not show(title, measure(peers, rate, options.number, options.rounds), peers):
                behind.append(title)
    print(
        "\n" + (f"linod is behind in: {'; '.join(behind)}" if behind else "linod is ahead in all")
    )
    return 1 if behind else 0


if __name__ == "__main__":
    sys.exit(main())

"""When most goes on: by the hours of a week or of each day, and by the minutes of a day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from attrs import frozen

from linod.simulation.load import MINUTE_US, QUARTER_US, Load, Minute
from linod.store.interface import of_microseconds, to_microseconds

DAYS_APART = timedelta(days=10)
"""A shorter simulation is shown day by day, a longer one as a week."""
_MINUTES_PER_QUARTER = QUARTER_US // MINUTE_US
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@frozen(kw_only=True)
class Heat:
    """How many runs went on, on average, in each hour of the wall clock."""

    by: str
    """What a row is: "weekday" or "day"."""
    rows: tuple[tuple[str, tuple[float | None, ...]], ...]
    """Label and 24 hours; None: that hour was not simulated, or DST leaves it out."""

    @property
    def most(self) -> float:
        """The highest average."""
        return max((hour or 0.0 for _, hours in self.rows for hour in hours), default=0.0)


@frozen(kw_only=True)
class Peak:
    """A minute of the day, at its worst."""

    at: time
    starts: int
    tasks: int
    """Of so many tasks."""
    at_once: int
    times: int
    """On so many days it was like that."""


def heat_of(load: Load, zone: str, begins: datetime, ends: datetime) -> Heat:
    """Lay the load out by hour of the day, and weekday or day."""
    is_long = ends - begins > DAYS_APART
    label = _weekday if is_long else _day
    spent: dict[tuple[str, int], int] = defaultdict(int)
    busy: dict[tuple[str, int], int] = defaultdict(int)
    order: dict[str, tuple[int, ...]] = {}
    for quarter, length_us in _quarters(begins, ends):
        local = of_microseconds(quarter * QUARTER_US).astimezone(ZoneInfo(zone))
        row = label(local)
        order.setdefault(row, (local.weekday(),) if is_long else (local.toordinal(),))
        spent[row, local.hour] += length_us
        busy[row, local.hour] += load.busy_us.get(quarter, 0)
    rows = sorted(order, key=order.__getitem__)
    laid = tuple(
        (row, tuple(_mean(busy, spent, (row, hour)) for hour in range(24))) for row in rows
    )
    return Heat(by="weekday" if is_long else "day", rows=laid)


def _weekday(local: datetime) -> str:
    return _WEEKDAYS[local.weekday()]


def _day(local: datetime) -> str:
    return f"{_weekday(local)} {local:%m-%d}"


def _mean(
    busy: dict[tuple[str, int], int], spent: dict[tuple[str, int], int], cell: tuple[str, int]
) -> float | None:
    return busy[cell] / spent[cell] if cell in spent else None


def _quarters(begins: datetime, ends: datetime) -> Iterator[tuple[int, int]]:
    """The numbers of the quarters of an hour in a stretch of time, with how much of each."""
    first_us, last_us = to_microseconds(begins), to_microseconds(ends)
    for quarter in range(first_us // QUARTER_US, -(-last_us // QUARTER_US)):
        begin_us = max(first_us, quarter * QUARTER_US)
        yield quarter, min(last_us, (quarter + 1) * QUARTER_US) - begin_us


def peaks_of(load: Load, zone: str, at_most: int) -> tuple[Peak, ...]:
    """The minutes of the day in which most tasks start, the worst first."""
    reading = _reading(ZoneInfo(zone))
    seen: dict[int, list[Minute]] = defaultdict(list)
    for number, minute in load.minutes.items():
        seen[reading(number)].append(minute)
    found = [_peak(of_day, minutes) for of_day, minutes in seen.items()]
    found.sort(key=lambda peak: (-peak.tasks, -peak.starts, -peak.at_once, peak.at))
    return tuple(found[:at_most])


def _peak(minute_of_day: int, minutes: list[Minute]) -> Peak:
    tasks, starts = max((minute.tasks, minute.starts) for minute in minutes)
    return Peak(
        at=time(minute_of_day // 60, minute_of_day % 60),
        starts=starts,
        tasks=tasks,
        at_once=max(minute.at_once for minute in minutes),
        times=sum((minute.tasks, minute.starts) == (tasks, starts) for minute in minutes),
    )


def _reading(place: ZoneInfo) -> Callable[[int], int]:
    """Give the minute of the day that the wall clock shows; a zone is asked once per quarter."""
    known: dict[int, int] = {}

    def read(number: int) -> int:
        quarter, rest = divmod(number, _MINUTES_PER_QUARTER)
        if quarter not in known:
            local = datetime.fromtimestamp(quarter * 900, UTC).astimezone(place)
            known[quarter] = local.hour * 60 + local.minute
        return known[quarter] + rest

    return read

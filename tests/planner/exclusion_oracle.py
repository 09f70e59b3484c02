"""An oracle for `exclude`: lists of instants and dates, and zoneinfo for each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from linod.specs import Dst, Fold, Gap

Closed = Callable[[date], bool]
Timed = tuple[datetime, time]
"""An instant, and the wall time that the rule says for it."""

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def left(
    due: Iterable[Timed], closed: Closed, taken: set[datetime], way: int, zone: str, dst: Dst
) -> list[datetime]:
    """List what is left of instants, with what moved; `way` 0 moves nothing."""
    info = ZoneInfo(zone)
    found: set[datetime] = set()
    for instant, at in due:
        if instant in taken:
            continue
        day = instant.astimezone(info).date()
        if not closed(day):
            found.add(instant)
        elif way:
            moved = resolved(datetime.combine(_open(day, way, closed), at), zone, dst)
            found.update(each for each in moved if not closed(each.astimezone(info).date()))
    return sorted(found - taken)


def _open(day: date, way: int, closed: Closed) -> date:
    while closed(day):
        day += way * DAY
    return day


def timed(instants: Iterable[datetime], zone: str) -> Iterator[Timed]:
    """Take for the wall time what the clock shows."""
    for instant in instants:
        yield instant, instant.astimezone(ZoneInfo(zone)).time()


def timed_walls(walls: Iterable[datetime], zone: str, dst: Dst) -> Iterator[Timed]:
    """Resolve wall times, and keep them."""
    for wall in walls:
        for instant in resolved(wall, zone, dst):
            yield instant, wall.time()


def resolved(wall: datetime, zone: str, dst: Dst) -> list[datetime]:
    """List the instants of a wall time."""
    info = ZoneInfo(zone)
    first = wall.replace(tzinfo=info, fold=0).astimezone(UTC)
    second = wall.replace(tzinfo=info, fold=1).astimezone(UTC)
    if first.astimezone(info).replace(tzinfo=None) != wall:
        return [_end_of_gap(second, first, info)] if dst.gap is Gap.END else []
    return {Fold.FIRST: [first], Fold.SECOND: [second], Fold.BOTH: [first, second]}[dst.fold]


def _end_of_gap(low: datetime, high: datetime, info: ZoneInfo) -> datetime:
    before = low.astimezone(info).utcoffset()
    while high - low > SECOND:
        middle = low + (high - low) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(info).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high

"""`allowed`: the wall times between which runs may start; the first is inside, the last is not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from linod.specs import Allowed

_DAYS = 4
_SECOND = timedelta(seconds=1)


def is_open(allowed: Allowed | None, zone: str, instant: datetime) -> bool:
    """Tell whether a run may start at an instant."""
    if allowed is None:
        return True
    reading = instant.astimezone(ZoneInfo(zone)).time()
    if allowed.first <= allowed.last:
        return allowed.first <= reading < allowed.last
    return reading >= allowed.first or reading < allowed.last


def opening(allowed: Allowed | None, zone: str, instant: datetime) -> datetime | None:
    """Give the first instant from this one on at which a run may start; None: not in four days.

    The window opens where the clock shows its beginning, or where the clock is changed into it; a
    gap may swallow a short window whole, then it is that of the next day.
    """
    if allowed is None or is_open(allowed, zone, instant):
        return instant
    place = ZoneInfo(zone)
    candidates = [*_beginnings(allowed.first, instant, place), *_changes(instant, place)]
    return min(
        (opens for opens in candidates if opens > instant and is_open(allowed, zone, opens)),
        default=None,
    )


def _beginnings(first: time, instant: datetime, place: ZoneInfo) -> Iterator[datetime]:
    """Give the instants, from the day before on, that show a time of day; of a fold both."""
    today = instant.astimezone(place).date()
    for number in range(-1, _DAYS):
        wall = datetime.combine(today + timedelta(days=number), first, place)
        for found in (wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1)):
            if found.astimezone(place).replace(tzinfo=None) == wall.replace(tzinfo=None):
                yield found


def _changes(instant: datetime, place: ZoneInfo) -> Iterator[datetime]:
    """Give the instants, from this one on, at which the zone's clock is changed."""
    first = instant.astimezone(UTC).replace(microsecond=0)
    looks = [first + timedelta(hours=6) * number for number in range(4 * _DAYS + 1)]
    for early, late in pairwise(looks):
        if _offset(early, place) != _offset(late, place):
            yield _change(early, late, place)


def _change(early: datetime, late: datetime, place: ZoneInfo) -> datetime:
    """Find by halves the second at which the offset changes."""
    before = _offset(early, place)
    while late - early > _SECOND:
        middle = early + (late - early) // _SECOND // 2 * _SECOND
        if _offset(middle, place) == before:
            early = middle
        else:
            late = middle
    return late


def _offset(instant: datetime, place: ZoneInfo) -> timedelta | None:
    return instant.astimezone(place).utcoffset()

"""`allowed`: the wall times between which runs may start; the first is inside, the last is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from linod.specs import Allowed


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

    The window opens where the clock first shows its beginning or a later time; a gap may swallow
    a short window whole, then it is that of the next day.
    """
    if allowed is None or is_open(allowed, zone, instant):
        return instant
    place = ZoneInfo(zone)
    today = instant.astimezone(place).date()
    days = [today + timedelta(days=number) for number in range(-1, 4)]
    found = [
        opens for day in days for opens in _openings(datetime.combine(day, allowed.first), place)
    ]
    return min(
        (opens for opens in found if opens > instant and is_open(allowed, zone, opens)),
        default=None,
    )


def _openings(wall: datetime, place: ZoneInfo) -> list[datetime]:
    """Give the instants that show a wall time; in a gap, the instant at which that ends."""
    found = [wall.replace(tzinfo=place, fold=fold).astimezone(UTC) for fold in (0, 1)]
    shown = [each.astimezone(place).replace(tzinfo=None) for each in found]
    if wall in shown:
        return found
    return [_end_of_gap(min(found), max(found), place)]


def _end_of_gap(early: datetime, late: datetime, place: ZoneInfo) -> datetime:
    """Find by halves where the offset changes: between the two readings of a time in a gap."""
    before = early.astimezone(place).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) / 2
        middle = middle.replace(microsecond=0)
        if middle in (early, late):
            break
        if middle.astimezone(place).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late

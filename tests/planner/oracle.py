"""An oracle that knows nothing of the planner: it walks UTC minutes and asks zoneinfo for each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)

Minutes = list[tuple[datetime, datetime]]
"""Instants in UTC, and what the clock of the zone shows then."""
Matches = Callable[[datetime], bool]


def minutes(zone: str, first: datetime, last: datetime) -> Minutes:
    """Read the clock of a zone at every minute of UTC."""
    info = ZoneInfo(zone)
    found = []
    while first <= last:
        found.append((first, first.astimezone(info).replace(tzinfo=None, fold=0)))
        first += MINUTE
    return found


def filtered(walked: Minutes, matches: Matches) -> list[datetime]:
    """List the instants at which the clock shows a time of the rule."""
    return [instant for instant, shown in walked if matches(shown)]


def wall(walked: Minutes, matches: Matches, gap: str, fold: str) -> list[datetime]:
    """List when the wall times of a rule happen; what the clock leaves out, when it goes on."""
    passes: dict[datetime, list[datetime]] = {}
    moved = set()
    expected = walked[0][1]
    for instant, shown in walked:
        while expected < shown:
            if matches(expected) and gap == "end":
                moved.add(instant)
            expected += MINUTE
        expected = max(expected, shown + MINUTE)
        if matches(shown):
            passes.setdefault(shown, []).append(instant)
    chosen = {"first": slice(1), "second": slice(-1, None), "both": slice(None)}[fold]
    kept = {instant for each in passes.values() for instant in each[chosen]}
    return sorted(kept | moved)

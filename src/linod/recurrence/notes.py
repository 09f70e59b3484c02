"""What DST does to one instant, in a few words for `linod next`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from linod.recurrence.track import Track
from linod.recurrence.zones import DAY, Zone, wall_of

_SHOWN_MAX = 3
"""Times that are named one by one; of more, the first and the last."""


def note(instant: int, zone: Zone, tracks: Iterable[Track]) -> str | None:
    """Say whether DST moved or doubles an instant."""
    for track in tracks:
        moved = track.moved(instant)
        if moved:
            return _moved(moved, instant + zone.offset(instant), is_shared=track.shows(instant))
    return _pass(instant, zone)


def _moved(readings: Sequence[int], shown: int, *, is_shared: bool) -> str:
    """Say which wall times became this instant."""
    is_same_day = readings[0] // DAY == shown // DAY
    names = [time_text(reading, has_date=not is_same_day) for reading in readings]
    verb = "does" if len(names) == 1 else "do"
    that_day = " that day" if is_same_day else ""
    what = _listed(names)
    if is_shared:
        return f"also for {what}, which {verb} not exist{that_day}"
    return f"moved: {what} {verb} not exist{that_day}"


def _pass(instant: int, zone: Zone) -> str | None:
    """Say which pass of a wall time this is, where the clock shows it twice."""
    segment = zone.segment(instant)
    reading = instant + segment.offset
    if reading < segment.seen:
        return f"second pass of {time_text(reading)}"
    if reading >= segment.again:
        return f"first pass of {time_text(reading)}"
    return None


def time_text(reading: int, *, has_date: bool = False) -> str:
    """Write a reading as `03:30`, with seconds and date where they tell something."""
    form = "%H:%M:%S" if reading % 60 else "%H:%M"
    return wall_of(reading).strftime(f"%Y-%m-%d {form}" if has_date else form)


def _listed(names: Sequence[str]) -> str:
    if len(names) > _SHOWN_MAX:
        return f"{names[0]} to {names[-1]}"
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)

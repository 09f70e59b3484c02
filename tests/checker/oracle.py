"""When tasks are due: an oracle of its own, which walks days and asks zoneinfo for each.

Rules of this border:
- Instants are microseconds since 1970 UTC; every answer is sorted and without repetition.
- A lattice is arithmetic. Its default anchor is Monday 2001-01-01 00:00 in the task's zone, turned
  into UTC once with the zone's standard offset: the lower one of that winter and that summer.
- A wall time in a gap happens at the end of the gap, one in a fold at its first pass.
- Five cron fields are wall times, unless minute or hour begin with `*`: then every minute of UTC
  is asked what the clock shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from attrs import frozen

from .cron import Fields, fields_of
from .instants import SECOND, instant_of, length, ticks

_DAY = timedelta(days=1)
_MINUTE = 60 * SECOND


@frozen(kw_only=True)
class Every:
    """Every so many seconds, through an anchor."""

    seconds: int
    zone: str = "UTC"
    """Of the default anchor."""
    anchor: datetime | None = None


@frozen(kw_only=True)
class Daily:
    """At wall times, on some days of the week (Monday is 0)."""

    times: tuple[time, ...]
    zone: str = "UTC"
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    gap: str = "end"
    """end or skip."""
    fold: str = "first"
    """first, second or both."""


@frozen(kw_only=True)
class Cron5:
    """A cron expression of five fields: numbers, names, ranges, steps, lists, `*`."""

    text: str
    zone: str = "UTC"


@frozen(kw_only=True)
class Instants:
    """These instants: `once`, or any rule that somebody else has worked out."""

    at: tuple[datetime, ...]


@frozen
class Events:
    """Dues that come from what happens: at start, at boot, continuously, after, in a chain."""


@frozen
class Continuously(Events):
    """Dues of which each follows the end of the run before."""


Part = Every | Daily | Cron5 | Instants | Events


def dues_of(parts: Sequence[Part], after: int, through: int) -> Sequence[int]:
    """List when a schedule is due after an instant, up to and with another."""
    found = [_dues_of(part, after, through) for part in parts]
    return found[0] if len(found) == 1 else sorted(set().union(*found))


def _dues_of(part: Part, after: int, through: int) -> Sequence[int]:
    if isinstance(part, Every):
        return _lattice(part, after, through)
    if isinstance(part, Instants):
        return _between(map(ticks, part.at), after, through)
    if isinstance(part, Daily):
        return _between(_daily(part, after, through), after, through)
    return _between(_cron(part, after, through), after, through) if isinstance(part, Cron5) else ()


def _between(instants: Iterator[int], after: int, through: int) -> list[int]:
    return sorted({each for each in instants if after < each <= through})


def _lattice(part: Every, after: int, through: int) -> range:
    step = part.seconds * SECOND
    anchor = ticks(part.anchor) if part.anchor else _default_anchor(part.zone)
    return range(after + step - (after - anchor) % step, through + 1, step)


@cache
def _default_anchor(zone: str) -> int:
    winter, summer = (datetime(2001, month, 1, tzinfo=ZoneInfo(zone)) for month in (1, 7))
    offsets = [each.utcoffset() or timedelta(0) for each in (winter, summer)]
    return ticks(datetime(2001, 1, 1, tzinfo=UTC)) - length(min(offsets))


def _days(zone: str, after: int, through: int) -> Iterator[date]:
    """Give the days of a zone's calendar that can have to do with a stretch of time."""
    day = instant_of(after).astimezone(ZoneInfo(zone)).date() - _DAY
    last = instant_of(through).astimezone(ZoneInfo(zone)).date() + _DAY
    while day <= last:
        yield day
        day += _DAY


def _daily(part: Daily, after: int, through: int) -> Iterator[int]:
    for day in _days(part.zone, after, through):
        if day.weekday() in part.weekdays:
            for wall in part.times:
                yield from resolved(datetime.combine(day, wall), part.zone, part.gap, part.fold)


def _cron(part: Cron5, after: int, through: int) -> Iterator[int]:
    fields = fields_of(part.text)
    if fields.is_wall_clock:
        return _cron_times(fields, part.zone, after, through)
    return _cron_minutes(fields, part.zone, after, through)


def _cron_times(fields: Fields, zone: str, after: int, through: int) -> Iterator[int]:
    for day in _days(zone, after, through):
        if fields.has_day(day):
            for hour in fields.hours:
                for minute in fields.minutes:
                    yield from resolved(datetime.combine(day, time(hour, minute)), zone)


def _cron_minutes(fields: Fields, zone: str, after: int, through: int) -> Iterator[int]:
    clock = ZoneInfo(zone)
    for instant in range(after - after % _MINUTE, through + 1, _MINUTE):
        shown = instant_of(instant).astimezone(clock)
        if fields.has_time(shown) and fields.has_day(shown.date()):
            yield instant


def resolved(wall: datetime, zone: str, gap: str = "end", fold: str = "first") -> list[int]:
    """Say when a naive wall time happens: once, in a fold perhaps twice, in a gap perhaps never."""
    passes = _passes(wall, ZoneInfo(zone))
    if passes:
        return passes[{"first": slice(1), "second": slice(-1, None), "both": slice(None)}[fold]]
    return [_end_of_gap(wall, ZoneInfo(zone))] if gap == "end" else []


def _passes(wall: datetime, zone: ZoneInfo) -> list[int]:
    meant = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return sorted(
        {ticks(each) for each in meant if each.astimezone(zone).replace(tzinfo=None) == wall}
    )


def _end_of_gap(wall: datetime, zone: ZoneInfo) -> int:
    """Find the first second at which the clock of a zone shows more than a wall time it skips."""
    low, high = sorted(ticks(wall.replace(tzinfo=zone, fold=fold)) // SECOND for fold in (0, 1))
    while low < high:
        middle = (low + high) // 2
        if instant_of(middle * SECOND).astimezone(zone).replace(tzinfo=None) < wall:
            low = middle + 1
        else:
            high = middle
    return high * SECOND

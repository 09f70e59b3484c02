"""What `check` says about the meaning of a recurrence in time, beyond its notation.

Rules of this border:
- No clock is read here: what is past is not known, unless the caller says what time it is.
- `start` after `end` and `max_events` without `start` are the loader's to say, at their keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from attrs import frozen

from linod.recurrence.compile import (
    Anchor,
    anchor_of,
    filled_days,
    instants_of,
    last_of,
    step_of,
)
from linod.recurrence.days import month_length
from linod.recurrence.exclusion import Exclusions
from linod.recurrence.instants import Bounded, Instants, Union
from linod.recurrence.model import Event, Frequency, Interval, Once, Recurrence, Rule
from linod.recurrence.zones import (
    DAY,
    FIRST,
    Segment,
    Zone,
    reading_of,
    seconds_of,
    wall_of,
    zone_of,
)
from linod.specs import Dst, Exclusion, Fold, OnExcluded

_HOUR = 3600
_LEAP_YEAR = 2000
_TODAYS_RULES = reading_of(datetime(2034, 1, 1)), reading_of(datetime(2037, 1, 1))  # noqa: DTZ001
"""Years that no database of zones knows by name: what is in them is today's rule for ever."""
_SHOWN = 2
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LISTED_MAX = 4
_NEVER = "L020"


@frozen
class Remark:
    """One thing to say: a code of `linod.codes`, one line, and what to do about it."""

    code: str
    message: str
    help: str | None = None


ALL_EXCLUDED = Remark(
    "L028", "exclude takes out every instant: it is never due", "leave some of them"
)


@frozen
class _Case:
    """One part of a recurrence, and all that it is read with."""

    part: Rule | Interval | Once
    zone: Zone
    anchor: Anchor
    dst: Dst
    now: int | None

    def instants(self) -> Instants:
        """Compile the part without what bounds it."""
        instants = instants_of(self.part, self.zone, self.anchor, self.dst)
        return instants.inner if isinstance(instants, Bounded) else instants


def remarks(
    recurrence: Recurrence,
    zone: str,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    max_events: int | None = None,
    dst: Dst | None = None,
    exclude: tuple[Exclusion, ...] = (),
    on_excluded: OnExcluded = OnExcluded.SKIP,
    now: datetime | None = None,
) -> tuple[Remark, ...]:
    """Say what a person should know about when this is due.

    Args:
        recurrence: What is to be due.
        zone: The task's time zone.
        start: Its anchor and lower bound.
        end: Its upper bound.
        max_events: How often it is due at most.
        dst: What DST does to its wall-clock times.
        exclude: What is taken out of it.
        on_excluded: What becomes of that.
        now: The time from which examples are shown; without it they are the first ones.

    Returns:
        Remarks in the order of the parts; equal ones once.

    """
    del max_events
    at = None if now is None else seconds_of(now)
    anchor, dst = anchor_of(start, zone_of(zone)), dst or Dst()
    cases = [
        _Case(part, zone_of(zone), anchor, dst, at)
        for part in recurrence.parts
        if not isinstance(part, Event)
    ]
    found = list(dict.fromkeys(remark for case in cases for remark in _of_part(case)))
    if not cases or any(remark.code == _NEVER for remark in found):
        return tuple(found)
    excluded = Exclusions(exclude, on_excluded, zone_of(zone), anchor, dst) if exclude else None
    if excluded is not None and _is_excluded_whole(cases, excluded):
        return (*found, ALL_EXCLUDED)
    if not found and (start is not None or end is not None or at is not None):
        found.extend(_bounds(cases, excluded, start, end, at))
    return tuple(found)


def _is_excluded_whole(cases: list[_Case], excluded: Exclusions) -> bool:
    due = _union([case.instants() for case in cases], excluded)
    return due.after(cases[0].anchor.instant - 1) is None


def _union(parts: list[Instants], excluded: Exclusions | None) -> Instants:
    return Union(parts if excluded is None else [excluded.apply(part) for part in parts])


def _of_part(case: _Case) -> Iterator[Remark]:
    part = case.part
    if isinstance(part, Once):
        return
    if part.count is not None and not case.anchor.is_given:
        yield Remark("L021", "COUNT counts from start, which is missing", "add start = …")
    if _ends_before_start(case):
        yield Remark("L022", "UNTIL is before start", "move one of them")
    if isinstance(part, Rule):
        if case.instants().after(case.anchor.instant - 1) is None:
            yield Remark(_NEVER, "it is never due, not once in 400 years", _why_never(part))
            return
        yield from _skipped_days(part, case.anchor)
    yield from _phase(case)


def _ends_before_start(case: _Case) -> bool:
    assert not isinstance(case.part, Once)
    if case.part.until is None or not case.anchor.is_given:
        return False
    return last_of(case.part.until, case.zone, Fold.SECOND) < case.anchor.instant


def _why_never(rule: Rule) -> str | None:
    if rule.month_days and rule.months:
        return "no such month has such a day"
    return None


# -- phase ------------------------------------------------------------------------------------


def _phase(case: _Case) -> Iterator[Remark]:
    """Say where counting begins if nobody said it, and where DST moves what a clock shows."""
    step = step_of(case.part)
    if step is None:
        return
    if not case.anchor.is_given and not _is_natural(case.part, step):
        message = f"no start, so it counts from Monday 2001-01-01: due {_examples(case)}, …"
        yield Remark("L023", message, "set start to an instant at which it is to be due")
    elif _is_elapsed(case.part) and step > 1 and _is_shifted(case.zone, step):
        yield Remark("L024", _shift(case), _fixed_times(case.part, step))


def _is_natural(part: Rule | Interval | Once, step: int) -> bool:
    """Tell whether a step begins anew each midnight, so that its phase is not open."""
    if isinstance(part, Rule) and part.frequency <= Frequency.DAILY:
        return part.interval == 1
    return DAY % step == 0


def _is_elapsed(part: Rule | Interval | Once) -> bool:
    return isinstance(part, Interval) or (
        isinstance(part, Rule) and part.frequency > Frequency.DAILY
    )


def _is_shifted(zone: Zone, step: int) -> bool:
    """Tell whether a change of the clock moves readings by other than whole steps."""
    offsets = [segment.offset for segment in _todays_segments(zone)]
    return DAY % step == 0 and any((offset - offsets[0]) % step for offset in offsets)


def _todays_segments(zone: Zone) -> list[Segment]:
    """List the segments by today's rules, without short ones."""
    at, until = _TODAYS_RULES
    segments = []
    while at < until:
        segments.append(zone.segment(at))
        at = segments[-1].until
    return [segment for segment in segments if segment.until - segment.start > 2 * DAY]


def _examples(case: _Case) -> str:
    at = case.anchor.instant - 1 if case.now is None else case.now
    instants = case.instants()
    found = []
    for _ in range(_SHOWN):
        following = instants.after(at)
        if following is None:
            break
        at = following
        found.append(f"{wall_of(at + case.zone.offset(at)):%Y-%m-%d %H:%M}")
    return ", ".join(found)


def _shift(case: _Case) -> str:
    by_offset = {segment.offset: segment for segment in _todays_segments(case.zone)}
    shown = [_readings(case, by_offset[offset]) for offset in sorted(by_offset)]
    return f"it counts elapsed time, so DST moves what the clock shows: {'; '.join(shown)}"


def _readings(case: _Case, segment: Segment) -> str:
    """List the first times of a day in a segment."""
    midnight = (segment.start + segment.offset) // DAY * DAY + DAY - segment.offset
    instants = case.instants()
    at, found = midnight - 1, []
    for _ in range(_SHOWN):
        following = instants.after(at)
        if following is None:
            break
        at = following
        found.append(f"{wall_of(at + segment.offset):%H:%M}")
    return f"{', '.join(found)}, …"


def _fixed_times(part: Rule | Interval | Once, step: int) -> str:
    """Say how to write what a clock always shows alike."""
    if step % _HOUR or not isinstance(part, Interval):
        return "a cron expression or a list of times stays with the clock"
    hours = range(0, 24, step // _HOUR)
    if len(hours) > _LISTED_MAX:
        every = "*" if len(hours) == 24 else f"*/{step // _HOUR}"
        return f'"0 {every} * * *" stays with the clock'
    times = [f"{hour:02}:00" for hour in hours]
    listed = " and ".join([", ".join(times[:-1]), times[-1]] if times[1:] else times)
    return f'"every day at {listed}" stays with the clock'


# -- days that some months lack -----------------------------------------------------------------


def _skipped_days(rule: Rule, anchor: Anchor) -> Iterator[Remark]:
    """Say which months are passed over because they are too short."""
    days = filled_days(rule, anchor.day)
    numbers = {abs(day) for day in days.month_days}
    if 28 in numbers or days.is_either_day:
        return
    for day in sorted(numbers & {29, 30, 31}):
        months = days.months or tuple(range(1, 13))
        lacking = [month for month in months if month_length(_LEAP_YEAR, month) < day]
        if lacking:
            names = ", ".join(_MONTHS[month - 1] for month in lacking)
            message = f"day {day} does not exist in {names}: skipped there"
            yield Remark("L025", message, "day -1 is the last day of every month")
        elif day == 29 and 2 in months:
            message = "day 29 exists in Feb in leap years only: skipped in others"
            yield Remark("L025", message, "day -1 is the last day of every month")


# -- bounds -------------------------------------------------------------------------------------


def _bounds(
    cases: list[_Case],
    excluded: Exclusions | None,
    start: datetime | None,
    end: datetime | None,
    at: int | None,
) -> Iterator[Remark]:
    """Say one thing about what start, end and the present leave."""
    parts = [instants_of(case.part, case.zone, case.anchor, case.dst) for case in cases]
    due = _union(parts, excluded)
    found = list(_between(due, cases[0], start, end)) if start or end else []
    if not found and at is not None:
        found.extend(_past(due, cases[0].zone, end, at))
    yield from found


def _between(
    due: Instants, case: _Case, start: datetime | None, end: datetime | None
) -> Iterator[Remark]:
    """Say that nothing is due between start and end."""
    last = last_of(end, case.zone, Fold.SECOND)
    if last < case.anchor.instant:
        return
    first = case.anchor.instant if start is not None else FIRST
    following = due.after(first - 1)
    if following is None or following > last:
        yield Remark("L026", "it is never due between start and end", "move start or end")


def _past(due: Instants, zone: Zone, end: datetime | None, now: int) -> Iterator[Remark]:
    """Say that nothing is due any more."""
    following = due.after(now)
    last = None if end is None else last_of(end, zone, Fold.SECOND)
    if following is None or (last is not None and following > last):
        yield Remark("L027", "all its instants are past: it never runs again", "move it, or end")

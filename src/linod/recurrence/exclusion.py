"""What `exclude` of a task takes out of its recurrence, compiled for its zone.

Rules of this border:
- A date and the dates of a calendar close whole local days.
- An excluding recurrence that is daily or coarser and names no time of day closes whole local
  days too; each other one takes out its very instants.
- Only what is on a closed day moves, where `on_excluded` says so; what is taken out by its very
  instant is gone, and nothing moves there. Steps of elapsed time have no time of day to keep:
  what of them is excluded is skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from functools import lru_cache

from attrs import evolve, frozen

from linod.recurrence.closed import ClosedDays, DayList, LocalDays
from linod.recurrence.compile import Anchor, instants_of
from linod.recurrence.excluding import Open, Without, is_in
from linod.recurrence.instants import Bounded, Instants, Listed, Single, Steps, Union
from linod.recurrence.model import Event, Frequency, Interval, Once, Part, Recurrence, Rule
from linod.recurrence.moving import Moved
from linod.recurrence.printing import in_words
from linod.recurrence.track import Track
from linod.recurrence.zones import (
    DAY,
    EPOCH_ORDINAL,
    Zone,
    seconds_of,
    wall_of,
    zone_of,
)
from linod.specs import CalendarName, Dst, Exclusion, OnExcluded

_NESTED_MAX = 8
"""Excluding recurrences that are cut out one after another; more of them are merged first."""


def closes_days(part: Part) -> bool:
    """Tell whether an excluding part means whole days."""
    if not isinstance(part, Rule) or part.frequency > Frequency.DAILY:
        return False
    return not (part.times or part.hours or part.minutes or part.seconds)


def excluding_parts(exclude: Iterable[Exclusion]) -> Iterator[Rule | Interval | Once]:
    """List the parts of excluding recurrences that have instants."""
    for each in exclude:
        if isinstance(each, Recurrence):
            yield from (part for part in each.parts if not isinstance(part, Event))


def moves(recurrence: Recurrence, exclude: tuple[Exclusion, ...]) -> bool:
    """Tell whether there may be something to move: a time of day, and a closed day."""
    if all(isinstance(part, Interval | Event) for part in recurrence.parts):
        return False
    return bool(listed_days(exclude).days) or any(map(closes_days, excluding_parts(exclude)))


@lru_cache(256)
def listed_days(exclude: tuple[Exclusion, ...]) -> DayList:
    """Gather the days that dates and calendars close."""
    dates = {day for each in exclude for day in _dates(each)}
    return DayList(day.toordinal() - EPOCH_ORDINAL for day in dates)


def _dates(exclusion: Exclusion) -> Iterable[date]:
    if isinstance(exclusion, CalendarName):
        return exclusion.days.names
    return () if isinstance(exclusion, Recurrence) else (exclusion,)


class Exclusions:
    """What is taken out, and what becomes of it."""

    __slots__ = ("_days", "_dst", "_entries", "_on_excluded", "_taken")

    def __init__(
        self,
        exclude: tuple[Exclusion, ...],
        on_excluded: OnExcluded,
        zone: Zone,
        anchor: Anchor,
        dst: Dst,
    ) -> None:
        self._entries = [_entry(each, zone, anchor, dst) for each in exclude]
        rules = [rule for entry in self._entries for rule in entry.rules]
        self._days = LocalDays(ClosedDays(listed_days(exclude), rules), zone)
        self._taken = _merged([taken for entry in self._entries for taken in entry.taken])
        self._on_excluded = on_excluded
        self._dst = dst

    def apply(self, instants: Instants) -> Instants:
        """Take out of one part's instants what is excluded, and move what moves."""
        unbounded = innermost(instants)
        for taken in self._taken:
            instants = Without(instants, taken)
        if self._days.closed.is_empty:
            return instants
        if self._on_excluded is OnExcluded.SKIP or isinstance(unbounded, Steps):
            return Open(instants, self._days)
        return Moved(
            instants,
            self._days,
            way=1 if self._on_excluded is OnExcluded.AFTER else -1,
            dst=self._dst,
            track=unbounded if isinstance(unbounded, Track) else None,
            taken=self._taken,
        )

    def by(self, instant: int) -> str | None:
        """Say which exclusion takes an instant out: the first one that does."""
        day = self._days.day(instant)
        entry = next((each for each in self._entries if each.takes(instant, day)), None)
        return None if entry is None else _text(entry.exclusion, day)

    def moved(self, day: int) -> str:
        """Say from which day an instant moved, and why."""
        written = date.fromordinal(day + EPOCH_ORDINAL).isoformat()
        entry = next((each for each in self._entries if each.closes(day)), None)
        cause = written if entry is None else _text(entry.exclusion, day)
        return f"moved from {written}" + (f": {cause}" if cause != written else "")


@frozen(eq=False)
class _Entry:
    """One exclusion, as its rules of days and its instants."""

    exclusion: Exclusion
    rules: tuple[Instants, ...]
    taken: tuple[Instants, ...]

    def closes(self, day: int) -> bool:
        """Tell whether it closes a whole day."""
        if isinstance(self.exclusion, Recurrence):
            return any(is_in(rule, day * DAY) for rule in self.rules)
        return date.fromordinal(day + EPOCH_ORDINAL) in _dates(self.exclusion)

    def takes(self, instant: int, day: int) -> bool:
        """Tell whether it takes out an instant, which is on this day."""
        return self.closes(day) or any(is_in(taken, instant) for taken in self.taken)


def innermost(instants: Instants) -> Instants:
    """Take away the bounds."""
    while isinstance(instants, Bounded):
        instants = instants.inner
    return instants


def _entry(exclusion: Exclusion, zone: Zone, anchor: Anchor, dst: Dst) -> _Entry:
    parts = list(excluding_parts((exclusion,)))
    return _Entry(
        exclusion,
        tuple(_days(part, zone, anchor) for part in parts if closes_days(part)),
        tuple(instants_of(part, zone, anchor, dst) for part in parts if not closes_days(part)),
    )


def _days(rule: Part, zone: Zone, anchor: Anchor) -> Instants:
    """Compile the days of a rule: their midnights, on a clock without DST."""
    assert isinstance(rule, Rule)
    midnight = anchor.reading - anchor.reading % DAY
    until = rule.until
    if isinstance(until, datetime) and until.tzinfo is not None:
        instant = seconds_of(until)
        until = wall_of(instant + zone.offset(instant))
    days = evolve(rule, times=(0,), until=until)
    return instants_of(days, zone_of("UTC"), Anchor(midnight, midnight, anchor.is_given), Dst())


def _merged(taken: Sequence[Instants]) -> list[Instants]:
    """Make few sets of many: single instants are one list."""
    singles = [each for each in taken if isinstance(each, Single)]
    others = [each for each in taken if not isinstance(each, Single)]
    if singles:
        others.append(Listed(each.at for each in singles))
    return [Union(others)] if len(others) > _NESTED_MAX else others


def _text(exclusion: Exclusion, day: int) -> str:
    if isinstance(exclusion, Recurrence):
        return in_words(exclusion)
    if isinstance(exclusion, CalendarName):
        name = exclusion.days.names.get(date.fromordinal(day + EPOCH_ORDINAL))
        return f'calendar "{exclusion.calendar}"' + (f" ({name})" if name else "")
    return exclusion.isoformat()

"""When a task is due: next, previous, count and between, each bounded.

Rules of this border:
- Instants go in and come out as aware UTC datetimes, whole seconds out; inside they are ints.
- No clock is read. Nothing iterates from `start`; a rule with 400 empty years is impossible.
- `next(t) > t` and `previous(t) < t`, whatever DST does.
- What `exclude` takes out is no instant; without it nothing here is slower.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import repeat

from linod.recurrence.compile import anchor_of, instants_of, last_of
from linod.recurrence.definition import definition
from linod.recurrence.excluding import is_in
from linod.recurrence.exclusion import Exclusions, innermost
from linod.recurrence.instants import Bounded, Instants, Union, count, walk
from linod.recurrence.model import Event, Recurrence
from linod.recurrence.moving import Moved
from linod.recurrence.notes import note
from linod.recurrence.track import Track
from linod.recurrence.zones import EPOCH, FIRST, LAST, datetime_of, seconds_of, zone_of
from linod.specs import Chain, Dst, Exclusion, Fold, OnExcluded, Task

_AS_IS = Dst()


class Planner:
    """The instants of a recurrence in a zone, between a start and an end.

    A naive `start` or `end` is read in the zone. `start` is the anchor and the lower bound,
    `end` the upper bound, included; `max_events` counts from `start` what is not excluded.
    """

    __slots__ = (
        *("_after", "_anchor", "_exclusions", "_instants", "_moved", "_nominal", "_parts"),
        *("_tracks", "_zone", "definition"),
    )

    def __init__(
        self,
        recurrence: Recurrence,
        zone: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        max_events: int | None = None,
        dst: Dst = _AS_IS,
        exclude: tuple[Exclusion, ...] = (),
        on_excluded: OnExcluded = OnExcluded.SKIP,
    ) -> None:
        self.definition = definition(
            recurrence, zone, start, end, max_events, dst, exclude, on_excluded
        )
        """Canonical text of everything that defines the instants."""
        self._zone = zone_of(zone)
        anchor = anchor_of(start, self._zone)
        parts = [part for part in recurrence.parts if not isinstance(part, Event)]
        self._anchor = anchor.instant
        compiled = [instants_of(part, self._zone, anchor, dst) for part in parts]
        self._exclusions = (
            Exclusions(exclude, on_excluded, self._zone, anchor, dst) if exclude else None
        )
        first = FIRST if start is None and max_events is None else anchor.instant
        last = last_of(end, self._zone, Fold.SECOND)
        kept = compiled
        if self._exclusions is not None:
            # Bounded before, so that nothing from outside moves in, and after: nothing moves out.
            kept = [self._exclusions.apply(_bounded(each, first, last)) for each in compiled]
        self._nominal = _union(compiled)
        self._instants = _bounded(_union(kept), first, last, max_events)
        self._moved = [each for each in kept if isinstance(each, Moved)]
        self._after = self._instants.after
        self._parts = [innermost(each) for each in compiled]
        self._tracks = [each for each in self._parts if isinstance(each, Track)]

    @classmethod
    def of(cls, task: Task | Chain, zone: str) -> Planner:
        """Build the planner of a task; `zone` is the one its wall-clock times are read in."""
        return cls(
            task.recurrence,
            zone,
            start=task.start,
            end=task.end,
            max_events=task.max_events,
            dst=task.dst,
            exclude=task.exclude,
            on_excluded=task.on_excluded,
        )

    def next(self, t: datetime) -> datetime | None:
        """Give the first instant after `t`."""
        elapsed = t - EPOCH
        found = self._after(elapsed.days * 86_400 + elapsed.seconds)
        return None if found is None else datetime.fromtimestamp(found, UTC)

    def previous(self, t: datetime) -> datetime | None:
        """Give the last instant before `t`."""
        at = seconds_of(t) + (t.microsecond > 0)
        found = self._instants.before(at)
        return None if found is None else datetime_of(found)

    def count(self, a: datetime, b: datetime, at_most: int | None = None) -> int:
        """Count the instants after `a`, up to and with `b`; stop at `at_most`."""
        return count(self._instants, seconds_of(a), seconds_of(b), at_most)

    def between(self, a: datetime, b: datetime) -> Iterator[datetime]:
        """Give the instants after `a`, up to and with `b`, in order."""
        instants = walk(self._instants, seconds_of(a), seconds_of(b))
        return map(datetime.fromtimestamp, instants, repeat(UTC))

    def note(self, due: datetime) -> str | None:
        """Say in a few words whether DST moved or doubles an instant, or an exclusion moved it."""
        instant = seconds_of(due)
        return self._moved_note(instant) or note(instant, self._zone, self._tracks)

    def excluded_by(self, instant: datetime) -> str | None:
        """Say which exclusion took an instant out of the recurrence; None where none did."""
        at = seconds_of(instant)
        if self._exclusions is None or instant.microsecond or not is_in(self._nominal, at):
            return None
        if isinstance(self._instants, Bounded) and not self._instants.spans(at):
            return None
        return self._exclusions.by(at)

    @property
    def is_impossible(self) -> bool:
        """Tell whether it has instants to come from the calendar, but none in 400 years."""
        parts = self._parts
        if self._exclusions is not None:
            parts = [self._exclusions.apply(each) for each in parts]
        return bool(parts) and all(each.after(self._anchor - 1) is None for each in parts)

    def _moved_note(self, instant: int) -> str | None:
        days = (each.origin(instant) for each in self._moved)
        day = next((each for each in days if each is not None), None)
        return None if day is None or self._exclusions is None else self._exclusions.moved(day)


def _union(parts: Sequence[Instants]) -> Instants:
    return parts[0] if len(parts) == 1 else Union(parts)


def _bounded(instants: Instants, first: int, last: int, max_events: int | None = None) -> Instants:
    if first == FIRST and last == LAST and max_events is None:
        return instants
    return Bounded(instants, first, last, max_events)

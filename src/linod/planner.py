"""When a task is due: next, previous, count and between, each bounded.

Rules of this border:
- Instants go in and come out as aware UTC datetimes, whole seconds out; inside they are ints.
- No clock is read. Nothing iterates from `start`; a rule with 400 empty years is impossible.
- `next(t) > t` and `previous(t) < t`, whatever DST does.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import repeat

from linod.recurrence.compile import anchor_of, instants_of, last_of
from linod.recurrence.definition import definition
from linod.recurrence.instants import Bounded, Instants, Union, count, walk
from linod.recurrence.model import Event, Recurrence
from linod.recurrence.notes import note
from linod.recurrence.track import Track
from linod.recurrence.zones import EPOCH, FIRST, datetime_of, seconds_of, zone_of
from linod.specs import Dst, Fold, Task

_AS_IS = Dst()


class Planner:
    """The instants of a recurrence in a zone, between a start and an end.

    A naive `start` or `end` is read in the zone. `start` is the anchor and the lower bound,
    `end` the upper bound, included; `max_events` counts from `start`.
    """

    __slots__ = ("_after", "_anchor", "_instants", "_parts", "_tracks", "_zone", "definition")

    def __init__(
        self,
        recurrence: Recurrence,
        zone: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        max_events: int | None = None,
        dst: Dst = _AS_IS,
    ) -> None:
        self.definition = definition(recurrence, zone, start, end, max_events, dst)
        """Canonical text of everything that defines the instants."""
        self._zone = zone_of(zone)
        anchor = anchor_of(start, self._zone)
        parts = [part for part in recurrence.parts if not isinstance(part, Event)]
        self._anchor = anchor.instant
        compiled = [instants_of(part, self._zone, anchor, dst) for part in parts]
        self._instants: Instants = compiled[0] if len(compiled) == 1 else Union(compiled)
        if start is not None or end is not None or max_events is not None:
            first = anchor.instant if start is not None or max_events is not None else FIRST
            last = last_of(end, self._zone, Fold.SECOND)
            self._instants = Bounded(self._instants, first, last, max_events)
        self._after = self._instants.after
        self._parts = [_innermost(each) for each in compiled]
        self._tracks = [each for each in self._parts if isinstance(each, Track)]

    @classmethod
    def of(cls, task: Task, zone: str) -> Planner:
        """Build the planner of a task; `zone` is the one its wall-clock times are read in."""
        return cls(
            task.recurrence,
            zone,
            start=task.start,
            end=task.end,
            max_events=task.max_events,
            dst=task.dst,
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
        """Say in a few words whether DST moved or doubles an instant."""
        return note(seconds_of(due), self._zone, self._tracks)

    @property
    def is_impossible(self) -> bool:
        """Tell whether it has instants to come from the calendar, but none in 400 years."""
        return bool(self._parts) and all(
            each.after(self._anchor - 1) is None for each in self._parts
        )


def _innermost(instants: Instants) -> Instants:
    return instants.inner if isinstance(instants, Bounded) else instants

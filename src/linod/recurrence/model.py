"""The one typed value that every recurrence notation compiles to.

Rules of this border:
- A value is complete: what a notation leaves open (a start, a phase) stays None or empty and is
  filled by the planner from the task's `start`, never by a parser from a clock.
- Weekdays count from Monday = 0, months from January = 1, as `datetime` does.
- Tuples are sorted and free of duplicates, so that equal meanings are equal values.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import IntEnum, StrEnum

from attrs import frozen

from linod.errors import LinodError


class RecurrenceError(LinodError):
    """A recurrence that linod refuses.

    `code` is a stable code of `linod.diagnostics` (L010 to L029), `help` one line on what would
    be right, `suggestion` the nearest text that is accepted.
    """

    def __init__(
        self, code: str, message: str, *, help: str | None = None, suggestion: str | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help
        self.suggestion = suggestion


class Frequency(IntEnum):
    """FREQ of RFC 5545, coarse to fine; EASTER is a year that begins at Easter Sunday's offset."""

    YEARLY = 0
    MONTHLY = 1
    WEEKLY = 2
    DAILY = 3
    HOURLY = 4
    MINUTELY = 5
    SECONDLY = 6


class Basis(StrEnum):
    """How a rule meets the wall clock (design section 4, points 2 and 3)."""

    WALL = "wall"
    """Computed on naive local time, then resolved: gap to its end, fold to its first pass."""
    FILTERED = "filtered"
    """A lattice in UTC, filtered on the wall reading: runs in both passes, in no gap."""


@frozen(order=True)
class Weekday:
    """BYDAY: `day` 0 = Monday; `ordinal` 0 = every one, 1 = first, -1 = last of the period."""

    ordinal: int
    day: int


@frozen(order=True)
class Window:
    """Wall seconds of the day, both ends included; `first > last` passes midnight."""

    first: int
    last: int


@frozen(kw_only=True)
class Rule:
    """A calendar rule in the terms of RFC 5545 section 3.3.10, with what phrases and cron add.

    Empty tuple = the part is absent. Times of day are `times` (seconds since midnight, each
    an instant of its own: 08:00 and 17:30) or the product of `hours`, `minutes` and `seconds`,
    never both.
    """

    frequency: Frequency
    basis: Basis
    interval: int = 1
    count: int | None = None
    until: datetime | date | None = None
    """Last instant, included: aware UTC, or naive in the task's zone, or a whole local day."""
    months: tuple[int, ...] = ()
    week_numbers: tuple[int, ...] = ()
    year_days: tuple[int, ...] = ()
    month_days: tuple[int, ...] = ()
    weekdays: tuple[Weekday, ...] = ()
    easter_offsets: tuple[int, ...] = ()
    hours: tuple[int, ...] = ()
    minutes: tuple[int, ...] = ()
    seconds: tuple[int, ...] = ()
    times: tuple[int, ...] = ()
    positions: tuple[int, ...] = ()
    week_start: int = 0
    window: Window | None = None
    """`between 09:00 and 17:45`: only for rules finer than daily."""
    is_either_day: bool = False
    """Cron: day-of-month OR day-of-week, where neither field begins with `*` (Vixie)."""
    is_last_workday: bool = False
    """Cron `LW`: the last Monday to Friday of the month joins `month_days`."""


@frozen(kw_only=True)
class Interval:
    """An elapsed recurrence: every `seconds` on a lattice in UTC (design section 4, point 1)."""

    seconds: int
    count: int | None = None
    until: datetime | date | None = None


@frozen
class Once:
    """One instant: naive is read in the task's zone."""

    at: datetime


class Event(StrEnum):
    """Recurrences that come from the engine, not from the calendar."""

    AT_START = "at start"
    AT_BOOT = "at boot"
    MANUALLY = "manually"
    CONTINUOUSLY = "continuously"


Part = Rule | Interval | Once | Event


@frozen
class Recurrence:
    """The union of its parts; equal instants count once."""

    parts: tuple[Part, ...]

    @property
    def is_event(self) -> bool:
        """Tell whether nothing in it has instants of its own."""
        return all(isinstance(part, Event) for part in self.parts)


MANUALLY = Recurrence((Event.MANUALLY,))

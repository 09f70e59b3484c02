"""How much goes on at a time: runs at once, starts a minute, how full pools are.

Times are microseconds since 1970 UTC. Begins and ends come in their order, at one instant the
ends first.
"""

from __future__ import annotations

from attrs import define, field

QUARTER_US = 900_000_000
"""15 minutes: every zone's hours begin with one."""
MINUTE_US = 60_000_000


@define(kw_only=True)
class Minute:
    """What a minute saw."""

    starts: int = 0
    tasks: int = 0
    """Of so many tasks."""
    at_once: int = 0


@define(kw_only=True, eq=False)
class Load:
    """Of all runs with a process together."""

    running: int = 0
    peak: int = 0
    peak_us: int = 0
    """When the peak was reached first."""
    busy_us: dict[int, int] = field(factory=dict)
    """By the number of a quarter of an hour since 1970: the time that runs took in it."""
    minutes: dict[int, Minute] = field(factory=dict)
    """By the number of a minute since 1970, where something started."""

    def begin(self, at_us: int, *, is_first: bool) -> None:
        """A run begins; it is the first one of its task in this minute."""
        self.running += 1
        number = at_us // MINUTE_US
        minute = self.minutes.get(number)
        if minute is None:
            minute = self.minutes[number] = Minute()
        minute.starts += 1
        minute.tasks += is_first
        if self.running > minute.at_once:
            minute.at_once = self.running
            if self.running > self.peak:
                self.peak, self.peak_us = self.running, at_us

    def end(self, began_us: int, at_us: int) -> None:
        """A run that began then ends."""
        self.running -= 1
        self.add(began_us, at_us)

    def add(self, began_us: int, at_us: int) -> None:
        """Count the time of a run."""
        busy_us, quarter = self.busy_us, began_us // QUARTER_US
        while (edge := (quarter + 1) * QUARTER_US) < at_us:
            busy_us[quarter] = busy_us.get(quarter, 0) + edge - began_us
            quarter, began_us = quarter + 1, edge
        busy_us[quarter] = busy_us.get(quarter, 0) + at_us - began_us


@define(kw_only=True, eq=False)
class PoolLoad:
    """Of one pool; `size` is how many runs it holds."""

    size: int
    places: int = 0
    peak: int = 0
    full_us: int = 0
    busy_us: int = 0
    """The time of all its places together in which they were taken."""
    since_us: int = 0

    def change(self, by: int, at_us: int) -> None:
        """A run takes a place or gives one back."""
        self.reach(at_us)
        self.places += by
        self.peak = max(self.peak, self.places)

    def reach(self, at_us: int) -> None:
        """Count the time until now."""
        passed_us = at_us - self.since_us
        self.busy_us += passed_us * self.places
        if self.places >= self.size:
            self.full_us += passed_us
        self.since_us = at_us

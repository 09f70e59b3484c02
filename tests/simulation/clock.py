"""Two clocks: lived time, which nobody can set, and written time, which the daemon reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from attrs import define

BEGINNING = datetime(2026, 10, 24, 20, 0, 0, 500_000, tzinfo=UTC)
"""A Saturday evening: in the night after it most of Europe sets its clocks back."""


@define
class Clock:
    """The time of a simulated machine; a reboot begins its time since boot anew."""

    lived: datetime = BEGINNING
    ahead: timedelta = timedelta(0)
    """How far the clock that can be set is ahead of lived time."""
    booted: datetime = BEGINNING - timedelta(hours=1)

    @property
    def written(self) -> datetime:
        """What the daemon reads."""
        return self.lived + self.ahead

    @property
    def elapsed(self) -> timedelta:
        """The time since boot."""
        return self.lived - self.booted

    def lived_at(self, written: datetime) -> datetime:
        """When the clock will show this, if nobody sets it until then."""
        return written - self.ahead

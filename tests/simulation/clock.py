"""Two clocks: lived time, which nobody can set, and written time, which the daemon reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from attrs import define

BEGINNING = datetime(2026, 10, 24, 20, 0, 0, 500_000, tzinfo=UTC)
"""A Saturday evening: in the night after it most of Europe sets its clocks back."""

_CHANGES = (
    ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
    ("Europe/Tallinn", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 14, 30, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("Europe/Tallinn", datetime(2026, 10, 25, 0, tzinfo=UTC)),
    ("Europe/Tallinn", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 5, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
)
"""When the clocks of a zone are set on over a gap; when the first pass of a fold begins, and when
the second.
"""


def beginning(random: Random) -> tuple[datetime, str]:
    """Choose when a history begins, half of the time near a change; say in which zone that is."""
    if random.random() < 0.5:
        return BEGINNING + timedelta(hours=random.choice([0, 5, 17 * 24])), "UTC"
    zone, change = random.choice(_CHANGES)
    return change - timedelta(minutes=5) + timedelta(seconds=0.5), zone


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

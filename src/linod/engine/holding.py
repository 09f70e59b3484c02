"""Pauses and disables, as the store has them."""

from __future__ import annotations

from datetime import datetime

from linod.policy import ALL, Hold, HoldKind, in_force
from linod.store.interface import Store


class Holding:
    """What is held back, by whom and until when."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._holds: dict[tuple[str, HoldKind], Hold] = {}
        self._is_changed = False

    def load(self) -> None:
        """Read everything from the store again."""
        self._is_changed = True
        self._holds = {(hold.task, hold.kind): hold for hold in self._store.holds()}

    def all(self) -> list[Hold]:
        """All holds, oldest first."""
        return sorted(self._holds.values(), key=lambda hold: (hold.since, hold.task))

    def take_changed(self) -> tuple[Hold, ...] | None:
        """All holds, where one changed since this was asked last."""
        is_changed, self._is_changed = self._is_changed, False
        return tuple(self.all()) if is_changed else None

    def get(self, task: str, kind: HoldKind) -> Hold | None:
        """The hold of this kind on a task, or on ALL."""
        return self._holds.get((task, kind))

    def holding(self, task: str, instant: datetime, *, is_asked: bool = False) -> Hold | None:
        """The hold that keeps what is due at an instant from running.

        A pause of linod as a whole does not hold the members of a chain that a person asked for.
        """
        if not self._holds:
            return None
        keys = [(task, HoldKind.DISABLE), (task, HoldKind.PAUSE)]
        keys += [] if is_asked else [(ALL, HoldKind.PAUSE)]
        return in_force(filter(None, map(self._holds.get, keys)), instant)

    def ended(self, now: datetime) -> list[Hold]:
        """Pauses whose end has come."""
        return [hold for hold in self.all() if hold.until is not None and hold.until <= now]

    def next_end(self) -> datetime | None:
        """When the next pause ends."""
        return min((hold.until for hold in self._holds.values() if hold.until), default=None)

    def put(self, hold: Hold) -> None:
        """Pause or disable."""
        self._is_changed = True
        self._store.put_hold(hold)
        self._holds[hold.task, hold.kind] = hold

    def remove(self, hold: Hold) -> None:
        """End a pause or a disable."""
        self._is_changed = True
        self._store.remove_hold(hold.task, hold.kind)
        self._holds.pop((hold.task, hold.kind), None)

"""Judges figures by their goals."""

from __future__ import annotations

from typing import NamedTuple


class Goal(NamedTuple):
    """A figure and what it may be."""

    name: str
    value: float | None
    """None: it could not be measured, and the goal is missed."""
    limit: float
    unit: str
    is_least: bool = False
    """The value must be at least the limit, not at most."""

    @property
    def is_met(self) -> bool:
        """Say whether it is as it must be."""
        if self.value is None:
            return False
        return self.value >= self.limit if self.is_least else self.value <= self.limit


def judge(goals: list[Goal]) -> int:
    """Print the goals; return 1 where one is missed, else 0."""
    if not goals:
        return 0
    print(f"\n{'goal':<60}{'measured':>12}{'limit':>14}")
    for goal in goals:
        measured = "none" if goal.value is None else f"{goal.value:,.2f}"
        limit = f"{'>=' if goal.is_least else '<='} {goal.limit:,.2f}"
        verdict = "" if goal.is_met else "   MISSED"
        print(f"{goal.name + ', ' + goal.unit:<60}{measured:>12}{limit:>14}{verdict}")
    return 0 if all(goal.is_met for goal in goals) else 1

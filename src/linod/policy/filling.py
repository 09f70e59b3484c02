"""`linod backfill`: which occurrences of the past run again."""

from __future__ import annotations

from collections.abc import Collection

from linod.events import Outcome

BACKFILL_MAX = 10_000
"""Occurrences of one backfill: a year of an hourly task."""


def is_to_fill(outcomes: Collection[Outcome | None], *, is_again: bool) -> bool:
    """Tell whether a backfill runs an occurrence, by its attempts; None stands for one going on."""
    if None in outcomes:
        return False
    return is_again or not {Outcome.SUCCEEDED, Outcome.WARNED} & set(outcomes)

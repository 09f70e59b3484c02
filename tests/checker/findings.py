"""What the checker reports: findings, and the counts that say how much was looked at."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from itertools import groupby

from attrs import frozen

from .instants import instant_of


class Kind(StrEnum):
    """What is wrong."""

    MISSED = "missed"
    DOUBLED = "doubled"
    EARLY = "early"
    LATE = "late"
    OVERLAPPING = "overlapping"
    PHANTOM = "phantom"
    UNDECIDED = "undecided"
    UNJUSTIFIED = "unjustified"


@frozen
class Finding:
    """One thing that is wrong, or the same thing on `count` occurrences, the first at `due`."""

    kind: Kind
    task: str
    due: datetime
    text: str
    count: int = 1

    def __str__(self) -> str:
        more = f" (and {self.count - 1} more)" if self.count > 1 else ""
        return f"{self.kind}: {self.task} due {self.due:%Y-%m-%d %H:%M:%S.%f}: {self.text}{more}"


@frozen
class Counts:
    """How much was looked at; with no finding among `required`, 3/required bounds the rate."""

    occurrences: int = 0
    required: int = 0
    """Occurrences that had to run."""
    optional: int = 0
    """Occurrences of which something that happened allowed another verdict."""
    runs: int = 0
    """Runs that tasks noted down."""
    decided: int = 0
    """Occurrences that a decision covers."""

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.occurrences + other.occurrences,
            self.required + other.required,
            self.optional + other.optional,
            self.runs + other.runs,
            self.decided + other.decided,
        )


@frozen
class Report:
    """Everything that a history was found to be."""

    findings: tuple[Finding, ...]
    counts: Counts


Found = tuple[Kind, str, int, str]
"""A finding in the making: kind, task, due, sentence."""


def folded(found: Iterable[Found]) -> tuple[Finding, ...]:
    """Order findings by task and due, and write those that only repeat the one before as one."""
    ordered = sorted(found, key=lambda each: (each[1], each[2], each[0], each[3]))
    findings = []
    for (kind, task, text), same in groupby(ordered, key=lambda each: (each[0], each[1], each[3])):
        dues = [due for _, _, due, _ in same]
        findings.append(Finding(kind, task, instant_of(dues[0]), text, len(dues)))
    return tuple(findings)

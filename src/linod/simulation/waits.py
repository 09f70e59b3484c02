"""What runs wait for, told apart from which run, which attempt and how many."""

from __future__ import annotations

import re

_KINDS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r'pool "(.+)" was full .*'), r'pool "\1"'),
    (re.compile(r".* \(\[linod\] max_running\)"), "[linod] max_running"),
    (re.compile(r".* \(max_running = \d+\)"), "max_running"),
    (re.compile(r"run \d+ was going on"), "its run before"),
    (re.compile(r"(\S+) was going on \(run \d+\)"), r"\1"),
    (re.compile(r"retry, attempt .*"), "retry.delay"),
    (re.compile(r"lost, try .*"), "on_lost"),
)
ASKED_FOR = frozenset({"retry.delay", "on_lost", "spread", "jitter", "spread and jitter"})
"""Waits that the task itself asks for: they are no sign of too much work."""


def kind_of(held: str) -> str:
    """Name what a run waits for, from the sentence that its row holds."""
    for pattern, kind in _KINDS:
        if found := pattern.fullmatch(held):
            return found.expand(kind)
    return held

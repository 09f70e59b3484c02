"""Priorities and limits that the user of the daemon cannot give."""

from __future__ import annotations

import os
import resource

import pytest

from linod.loader.contained import Powers, without_effect
from linod.specs import Limits, Task

ALICE = Powers(is_root=False, may_nice=False, may_limit=False)
ROOT = Powers(is_root=True, may_nice=True, may_limit=True)
IN_A_CONTAINER = Powers(is_root=True, may_nice=False, may_limit=False)


def told(own: Powers, **keys: object) -> list[tuple[tuple[str, ...], str, str]]:
    return list(without_effect(Task(name="a", command=("true",), **keys), own))


def test_a_priority_above_ones_own_is_roots_to_give() -> None:
    own = os.getpriority(os.PRIO_PROCESS, 0)

    assert told(ALICE, nice=own - 1) == [
        (("nice",), "L095", f"nice has no effect: linod may not raise the priority from {own}")
    ]
    assert told(ALICE, nice=own) == told(ALICE, nice=own + 1) == told(ROOT, nice=own - 1) == []


def test_root_may_not_give_priorities_in_every_container() -> None:
    half = Powers(is_root=True, may_nice=True, may_limit=False)

    assert [code for _, code, _ in told(IN_A_CONTAINER, nice=-5)] == ["L095"]
    assert told(half, nice=-5) == told(ROOT, nice=-5, user="backup") == []
    assert [code for _, code, _ in told(half, nice=-5, user="backup")] == ["L095"]


@pytest.mark.parametrize(("user", "own"), [(None, ALICE), ("backup", ROOT), (None, IN_A_CONTAINER)])
def test_a_limit_above_the_hard_one_is_roots_to_give(user: str | None, own: Powers) -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]

    assert told(own, user=user, limits=Limits(open_files=most + 1)) == [
        (
            ("limits", "open_files"),
            "L095",
            f"limits.open_files has no effect: linod may not raise it from {most}",
        )
    ]
    assert told(own, user=user, limits=Limits(open_files=most)) == []
    assert told(ROOT, limits=Limits(open_files=most + 1)) == []


def test_the_processes_of_root_are_not_counted() -> None:
    limits = Limits(processes=9)

    assert [code for _, code, _ in told(ROOT, limits=limits)] == ["L094"]
    assert told(ROOT, user="backup", limits=limits) == told(ALICE, limits=limits) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="says what root sees")
def test_check_tells_it_at_the_key(load_text) -> None:
    found = load_text(
        '[linod]\ntimezone = "UTC"\n[defaults]\nlimits = { core = "0 B", processes = 9 }\n'
        '[tasks.a]\ncommand = "true"\n[tasks.b]\ncommand = "true"\n'
    ).diagnostics

    assert [(each.code, each.place.line, each.message) for each in found] == [
        (
            "L094",
            4,
            "defaults: limits.processes has no effect: the kernel does not count those of root",
        )
    ]

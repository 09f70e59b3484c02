"""When a run is ended, as far as that can be told without processes."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import pytest

from linod.executor import tree
from linod.executor.kept import KeptRun, Phase
from linod.executor.limiting import Limiting
from linod.executor.messages import Order, TaskSpec

DUE = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
SPEC = TaskSpec(name="mail", procedure="shop.mail", limits={"memory": 1})


class Strays:
    """Find this process to be all that a run has, and signal nobody."""

    def near(self, _run: KeptRun, _runs: Any) -> list[tree.Process]:
        return [tree.Process(os.getpid(), 0, 0, 0)]

    all_of = near

    def signal(self, _processes: Any, number: int) -> None:
        self.signalled = number


@pytest.mark.parametrize("has_ended", [True, False])
def test_who_has_too_much_when_its_run_is_over_is_no_failure_of_it(*, has_ended: bool) -> None:
    def isolate(run: KeptRun) -> None:
        if has_ended:
            run.leave({})

    order = Order(
        run=1, lease="l", task="mail", due=DUE, planned=DUE, attempt=1, trigger="", zone="UTC"
    )
    run, strays, now = KeptRun(order, SPEC), Strays(), 0.0
    limiting = Limiting(strays, {1: run}, isolate, lambda: now)  # type: ignore[arg-type]
    limiting.begin(run)

    limiting.advance(run, 10.0)

    assert run.phase is (Phase.RUNNING if has_ended else Phase.KILLED)
    assert (run.wanted is None) == has_ended
    assert hasattr(strays, "signalled") != has_ended

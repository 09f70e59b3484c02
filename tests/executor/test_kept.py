"""What a keeper makes of what a run says of itself."""

from __future__ import annotations

import resource
import time
from typing import Any

import pytest

from linod.executor.kept import KeptRun
from linod.executor.messages import TaskSpec, rehearsal


def dead_run(said: Any) -> tuple[KeptRun, float]:
    """Give a run that began ten seconds ago, reported its end and died, and now."""
    run, now = KeptRun(rehearsal(), TaskSpec(name="mail", procedure="shop.mail")), time.time()
    run.take_report({"started": [1, now - 10]})
    run.take_report({"end": {"outcome": "succeeded", "ended": said}})
    run.died(0, resource.getrusage(resource.RUSAGE_SELF), is_oom=False)
    return run, now


def test_a_run_ended_when_it_said_so_and_not_when_its_process_was_gone() -> None:
    run, now = dead_run(time.time() - 5)

    assert now - 5.5 < run.result()["ended"] < now - 4.5


@pytest.mark.parametrize("said", [None, "yesterday", float("nan"), 1e300, 0.0, True, 10**400])
def test_where_it_says_what_cannot_be_its_death_counts(said: Any) -> None:
    run, now = dead_run(said)

    assert now <= run.result()["ended"] <= time.time()

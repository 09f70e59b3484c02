"""Runs made of runs are what attrs would make of them."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from linod.changing import changer
from linod.events import Outcome
from linod.store.interface import RunRow

from .suite import SECOND, T, build_run

changed = changer(RunRow)


def test_a_changed_run_is_the_one_that_attrs_makes() -> None:
    run = build_run(id=7, held="a pool", detail={"exit_status": 1})
    changes: dict[str, Any] = {"state": Outcome.FAILED, "ended": T + SECOND, "held": ""}

    assert evolve(run, **changes) == changed(run, **changes)


def test_the_run_that_is_changed_stays_as_it_is() -> None:
    run = build_run(id=7)
    changed(run, id=8, reason="another one")

    assert build_run(id=7) == run


def test_a_field_that_no_run_has_is_none_to_be_changed() -> None:
    with pytest.raises(KeyError):
        changed(build_run(), outcom=Outcome.FAILED)

"""docs/decisions.md is made from what verdicts, states and outcomes mean, and up to date."""

from __future__ import annotations

import re

import pytest

from linod.decisions import decisions, diagram
from linod.events import Outcome, State, Trigger, Verdict
from linod.meanings import OUTCOMES, STATES, TRANSITIONS, TRIGGERS, VERDICTS

from .building import ROOT


def test_the_page_is_up_to_date() -> None:
    page = (ROOT / "docs" / "decisions.md").read_text()

    assert page == decisions(), "run: python -m linod.reference docs"


def test_every_word_has_its_meaning() -> None:
    assert [*Verdict] == [*VERDICTS]
    assert [*Trigger] == [*TRIGGERS]
    assert [*State] == [*STATES]
    assert [*Outcome] == [*OUTCOMES]


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_has_its_row_with_an_example(verdict: Verdict) -> None:
    (row,) = [line for line in decisions().splitlines() if line.startswith(f"| `{verdict}` | ")]

    assert row.count("|") == 5
    assert re.search(r"\| It (ran|did not run) at Sat 2026-11-21 03:3\d EET\b", row)


def test_no_row_has_a_cell_too_many() -> None:
    rows = [line for line in decisions().splitlines() if line.startswith("|")]

    assert {row.count("|") for row in rows} <= {3, 4, 5}


def test_the_diagram_fits_the_page() -> None:
    assert max(map(len, diagram())) <= 100


def test_the_diagram_has_every_state_and_outcome() -> None:
    drawn = set(re.findall(r"[a-z_]+", "\n".join(diagram())))

    assert {*State, *Outcome} <= drawn


def test_no_way_is_written_twice() -> None:
    ways = [(way.before, way.after) for way in TRANSITIONS]

    assert len(ways) == len(set(ways))

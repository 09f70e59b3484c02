"""Every call to the store fails once, in every way; whatever fails, nothing is missed or doubled.

The ordinary run tries a part of them; `LINOD_TEST_STORE_ERRORS=all` tries each one.
"""

from __future__ import annotations

import os
from datetime import timedelta

import pytest

from .faults import COMMITTED, Fault
from .playing import Played, play
from .world import CALM

SEEDS = (3, 11)
LENGTH, CLEARING = timedelta(minutes=2), timedelta(minutes=3)
TRIED = 30
"""Calls of a history that fail, one at a time, in an ordinary run."""


def play_with(seed: int, failing: int, fault: Fault) -> Played:
    done: list[int] = []

    def once(call: int, name: str) -> Fault | None:
        """Fail at this call; where only a commit can fail so, at the next commit."""
        is_fitting = name == "commit" or fault not in COMMITTED
        if done or call < failing or not is_fitting:
            return None
        done.append(call)
        return fault

    return play(seed, LENGTH, CALM, once, CLEARING)


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name.lower())
@pytest.mark.parametrize("seed", SEEDS)
def test_a_call_that_fails_leaves_nothing_missed_or_doubled(seed: int, fault: Fault) -> None:
    calls = play(seed, LENGTH, CALM, clearing=CLEARING).calls
    is_whole = os.environ.get("LINOD_TEST_STORE_ERRORS") == "all"
    # Odd, so that the kinds of calls and of failures meet in all ways.
    step = 1 if is_whole else calls // TRIED | 1
    first = 1 + list(Fault).index(fault) * 7

    found = {
        number: [str(each) for each in play_with(seed, number, fault).findings]
        for number in range(first, calls, step)
    }

    assert {number: told for number, told in found.items() if told} == {}
    assert len(found) >= (calls - first) // step

"""The ends that a keeper tells again to the next daemon are the newest ones, within bounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from linod.executor.spool import ENDS_MAX, SPOOL_MAX, Spool


def kept(lines: list[bytes]) -> list[bytes]:
    spool = Spool()
    for line in lines:
        spool.add(line)
    return list(spool.lines())


@given(st.lists(st.binary(max_size=9), max_size=20))
def test_few_are_kept_in_their_order(lines: list[bytes]) -> None:
    assert kept(lines) == lines


def test_of_long_ones_the_newest_are_kept_that_fit() -> None:
    lines = [bytes([number]) * (SPOOL_MAX // 4) for number in range(9)]

    assert kept(lines) == lines[-4:]


def test_of_short_ones_the_newest_are_kept_up_to_a_number() -> None:
    lines = [b"%d" % number for number in range(ENDS_MAX + 7)]

    assert kept(lines) == lines[-ENDS_MAX:]

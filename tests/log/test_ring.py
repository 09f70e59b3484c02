"""What is kept in memory: within its bound, counted, and there when the worker is not any more."""

from __future__ import annotations

import os
import signal
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linod.log.lines import LINE_MAX
from linod.ring import Ring

from .processes import fork, in_child, until

SIZE = LINE_MAX + 1


def numbers(kept):
    return [each.number for each in kept]


def test_lines_are_kept_by_run_with_their_times() -> None:
    ring = Ring()
    ring.add(1, 0.5, b"one\n")
    ring.add(2, 1.5, b"other\n")
    ring.add(1, 2.5, b"two words\n")

    assert ring.lines(1) == [(1, 0.5, b"one\n"), (2, 2.5, b"two words\n")]
    assert numbers(ring.lines(2)) == [1]
    assert ring.lines(3) == []


@given(st.lists(st.tuples(st.integers(1, 2), st.integers(0, 60_000)), max_size=40))
@settings(max_examples=100, deadline=None)
def test_the_newest_stay_whole_and_in_order_within_the_bound(added) -> None:
    ring, expected, size = Ring(SIZE), [], 0
    counts = {1: 0, 2: 0}
    for run, length in added:
        counts[run] += 1
        ring.add(run, 0.0, b"x" * length + b"\n")
        expected.append((run, counts[run], length + 1))
    newest = []
    for run, number, length in reversed(expected):
        size += length + len(b"%d %d %.6f " % (run, number, 0.0))
        if size > SIZE:
            break
        newest.insert(0, (run, number, length))

    found = [(run, each.number, len(each.line)) for run in (1, 2) for each in ring.lines(run)]
    # The oldest that still fits may not be told from one whose beginning was overwritten.
    assert sorted(found) in (sorted(newest), sorted(newest[1:]))


def test_what_a_killed_process_kept_is_there() -> None:
    ring = Ring()

    def keep():
        for number in range(100):
            ring.add(7, number, b"line %d\n" % number)
        os.kill(os.getpid(), signal.SIGKILL)

    os.waitpid(fork(keep), 0)

    assert [each.line for each in ring.lines(7)] == [b"line %d\n" % each for each in range(100)]


@pytest.mark.parametrize(("length", "kills"), [(3_000, 20), (10, 200)])
def test_a_process_killed_while_it_writes_leaves_whole_lines(length, kills) -> None:
    line = b"x" * length + b"\n"
    for _ in range(kills):
        ring = Ring(SIZE)

        def keep(ring=ring):
            while True:
                ring.add(7, 1.0, line)

        pid = fork(keep)
        try:
            until(lambda ring=ring: len(ring.lines(7)) >= 20)
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        kept = ring.lines(7)

        assert len(kept) >= 20
        assert {each.line for each in kept} == {line}
        assert numbers(kept) == [*range(kept[0].number, kept[0].number + len(kept))]


def test_threads_and_a_signal_handler_keep_each_line_once() -> None:
    def keep():
        ring = Ring()

        def heard(_number, _frame):
            ring.add(9, 0.0, b"signal\n")

        def speak(run):
            for _ in range(500):
                ring.add(run, 0.0, b"line\n")

        signal.signal(signal.SIGPROF, heard)
        signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)
        threads = [threading.Thread(target=speak, args=(run,)) for run in (1, 2)]
        for thread in threads:
            thread.start()
        speak(3)
        for thread in threads:
            thread.join()
        signal.setitimer(signal.ITIMER_PROF, 0)
        for run in (1, 2, 3):
            assert numbers(ring.lines(run)) == [*range(1, 501)]
        signals = ring.lines(9)
        assert numbers(signals) == [*range(1, len(signals) + 1)]

    in_child(keep)

"""A long-lived worker and its orders: each order is of one worker, and of one only."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from linod.events import Outcome
from linod.executor import wire
from linod.executor.forking import Spare
from linod.executor.kept import KeptRun
from linod.executor.member import DEPTH, Given, Member
from linod.executor.messages import Order, TaskSpec
from linod.executor.orders import Inbox, Orders

SPEC = TaskSpec(name="mail", procedure="shop.mail", process="reused", max_runs=10**9)
DUE = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)


def given(number: int) -> Given:
    order = Order(
        run=number,
        lease="l",
        task="mail",
        due=DUE,
        planned=DUE,
        attempt=1,
        trigger="schedule",
        zone="UTC",
    )
    return Given(KeptRun(order, SPEC), {"do": "start", "run": number})


def reads(orders: Orders, report: int) -> None:
    """Report the begin of whatever is read."""
    while (message := orders.next()) is not None:
        os.write(report, wire.encode({"run": message["run"], "started": [1, 1.0]}))


@contextmanager
def worker(*, does: Any = reads, is_async: bool = False) -> Iterator[Member]:
    inbox, (reading, writing) = Inbox(), os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(inbox.writing)
            does(Orders(inbox.reading), writing)
        finally:
            os._exit(0)
    os.close(writing)
    os.set_blocking(reading, False)
    spare = Spare(pid, {"report": reading}, None, inbox)
    member = Member(spare, 0, lambda _run: None, time.monotonic, is_async=is_async)
    try:
        yield member
    finally:
        member.close_orders()
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(reading)


def begun(member: Member) -> list[int]:
    """Return which runs have begun since the last look."""
    try:
        data = os.read(member.pipes["report"], 1 << 16)
    except BlockingIOError:
        return []
    return [run.order.run for run, _ in member.reports(data)]


def until(condition: Any) -> None:
    limit = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < limit, "it takes too long"


def test_what_is_taken_back_while_it_reads_is_of_nobody_else() -> None:
    # Both take messages at the same time: what the keeper gets need not be the last ones.
    count, started, waiting = 3_000, [], [given(number) for number in range(3_000)]
    with worker() as member:
        turn = 0
        while len(started) < count:
            turn += 1
            while waiting and member.has_room() and member.take(waiting[0]):
                waiting.pop(0)
            if turn % 3 == 0:
                back = member.take_back()
                waiting = sorted([*back, *waiting], key=lambda each: each.run.order.run)
            started += begun(member)
            for run in tuple(member.runs.values()):
                member.runs.pop(run.order.run)
            assert turn < 1_000_000, f"{count - len(started)} are lost"

        assert sorted(started) == [*range(count)]
        assert not member.given


def test_it_has_a_bounded_number_of_orders() -> None:
    with worker(does=lambda _orders, _report: time.sleep(600)) as member:
        taken = [
            number
            for number in range(DEPTH + 9)
            if member.has_room() and member.take(given(number))
        ]

        assert taken == [*range(DEPTH)]
        assert [each.run.order.run for each in member.take_back()] == taken
        assert member.load == 0


def test_an_async_one_takes_no_more_than_its_socket_does() -> None:
    with worker(does=lambda _orders, _report: time.sleep(600), is_async=True) as member:
        taken = [number for number in range(10_000) if member.take(given(number))]

        assert 1 <= len(taken) < 10_000
        assert member.load == len(taken)


def test_a_cancel_that_was_not_read_is_not_taken_back() -> None:
    def waits(orders: Orders, report: int) -> None:
        signal.sigwait([signal.SIGUSR1])
        os.write(report, wire.encode({"run": 1, "heard": orders.read()}))
        time.sleep(600)

    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    try:
        with worker(does=waits, is_async=True) as member:
            member.take(given(1))
            member.cancel(given(1).run)
            (back,) = member.take_back()
            os.kill(member.pid, signal.SIGUSR1)
            until(lambda: (data := _read(member)) and heard.extend(data.splitlines()) is None)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])

    assert back.run.order.run == 1
    assert (wire.decode(heard[0]) or {})["heard"] == [{"do": "cancel", "run": 1}]


def waited_for(member: Member, bounces: int) -> float:
    """Say how long an order is left to it that others did not read, so many times."""
    order = given(1)
    order.bounces = bounces
    member.take(order)
    at = member.look_at()
    member.take_back()
    assert at is not None
    return round(at - member.since, 6)


def test_an_order_that_nobody_read_in_time_is_left_longer_to_the_next_within_a_bound() -> None:
    with worker(does=lambda _orders, _report: time.sleep(600)) as member:
        member.reports(b"\n")  # it has said something

        found = [waited_for(member, bounces) for bounces in range(8)]

    assert found == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 1.6, 1.6]


def test_one_that_has_said_nothing_yet_is_given_the_time_to_begin() -> None:
    with worker(does=lambda _orders, _report: time.sleep(600)) as member:
        assert waited_for(member, 0) == 1.0


def test_a_begin_that_is_heard_when_its_process_was_ended_for_another_run_is_lost() -> None:
    with worker(is_async=True) as member:
        for number in (1, 2):
            member.take(given(number))
            until(lambda: begun(member))
        member.take(given(3))
        member.lose_others(member.runs[1])
        until(lambda: begun(member))

        wanted = {number: run.wanted for number, run in member.runs.items()}

    lost = (Outcome.LOST, "its process was ended for run 1")
    assert wanted == {1: None, 2: lost, 3: lost}


heard: list[bytes] = []


def _read(member: Member) -> bytes:
    try:
        return os.read(member.pipes["report"], 1 << 16)
    except BlockingIOError:
        return b""


@pytest.mark.parametrize("is_read", [True, False])
def test_what_was_read_and_not_begun_stays_with_it(*, is_read: bool) -> None:
    def stalls(orders: Orders, report: int) -> None:
        if is_read:
            orders.next()
        os.write(report, b"\n")
        time.sleep(600)

    with worker(does=stalls) as member:
        member.take(given(1))
        until(lambda: _read(member))

        back = [each.run.order.run for each in member.take_back()]

        assert back == ([] if is_read else [1])
        assert member.load == (1 if is_read else 0)
        look = member.look_at()
        assert (look is not None and look > time.monotonic()) if is_read else look is None

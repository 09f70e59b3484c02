"""Where a forked process begins: it executes the run it was forked for, or waits for one."""

from __future__ import annotations

from typing import Any, NoReturn

from linod.executor import rehearsing, reused, worker
from linod.executor.messages import Order, order_of
from linod.executor.orders import ASK, Orders
from linod.executor.worker import Find, Station


def work(station: Station, order: Order, find: Find) -> NoReturn:
    """Execute a run; ends the process."""
    worker.leave(station, lambda: _work(station, order, find))


def wait(station: Station, inbox: int, find: Find, task: str | None) -> NoReturn:
    """Be forked ahead of time, for a task or for any: wait for an order and execute it.

    Ends the process.
    """
    worker.leave(station, lambda: _wait(station, Orders(inbox), find, task))


def _work(station: Station, order: Order, find: Find) -> int:
    ticks, job = worker.become(station), find(order.task)
    worker.prepare(station, job)
    worker.arm(station, job, order)
    return worker.work(station, job, order, ticks)


def _wait(station: Station, orders: Orders, find: Find, task: str | None) -> int:
    ticks = worker.become(station)
    job = None if task is None else find(task)
    if job is None:
        rehearsing.rehearse_log(station)
    else:
        worker.prepare(station, job)
    if job is None or not job.is_bare:
        rehearsing.rehearse(station.directory, station.boot)
    message = _next(station, orders)
    if message is not None and message["do"] == "prepare":
        job = find(message["task"])
        worker.prepare(station, job)
        message = _next(station, orders)
    if message is None:
        return worker.EXIT_REFUSED
    order = order_of(message)
    if job is None:
        job = find(order.task)
        if job.spec.is_reused:
            return reused.serve(station, orders, find, order, ticks)
        worker.prepare(station, job)
    worker.arm(station, job, order)
    if message["do"] == "arm" and orders.next() is None:
        return worker.EXIT_REFUSED
    orders.close()
    return worker.work(station, job, order, ticks)


def _next(station: Station, orders: Orders) -> dict[str, Any] | None:
    """Wait for what is to be done; who asks meanwhile whether this process hears is answered."""
    while (message := orders.next()) is not None and message["do"] == ASK:
        reused.say_awake(station)
    return message

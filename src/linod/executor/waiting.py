"""Where a forked process begins: it executes the run it was forked for, or waits for one."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NoReturn

from linod.executor import reused, worker
from linod.executor.messages import Order, order_of
from linod.executor.orders import Orders
from linod.executor.worker import Job, Station


def work(station: Station, job: Job) -> NoReturn:
    """Execute a run; ends the process."""
    worker.leave(lambda: worker.work(station, job, worker.become(station)))


def wait(station: Station, orders: int, find: Callable[[Order], Job]) -> NoReturn:
    """Be forked ahead of time: wait for an order and execute it; ends the process."""
    worker.leave(lambda: _wait(station, Orders(orders), find))


def _wait(station: Station, orders: Orders, find: Callable[[Order], Job]) -> int:
    ticks = worker.become(station)
    worker.rehearse(station)
    message = orders.next()
    if message is None:
        return worker.EXIT_REFUSED
    job = find(order_of(message))
    if job.spec.is_reused:
        return reused.serve(station, orders, find, job, ticks)
    os.close(orders.descriptor)
    return worker.work(station, job, ticks)

"""Goes the way of a run before there is one: what a first use costs is paid while nobody waits.

Rules of this border:
- Nothing of it can be seen from outside, or by the run that follows.
- It goes through the very functions of a run: what these are changed to, it does too.
"""

from __future__ import annotations

import os

from linod.executor import claims, gate, messages, tree, worker
from linod.executor.binding import Plan
from linod.executor.given import deadline_of
from linod.executor.messages import TaskSpec, deadline_environ
from linod.executor.worker import Job, Station
from linod.log import replace_streams, start_log
from linod.log.lines import Masks

# CPython 3.11 takes eight calls before it specializes code, and some more until it leaves it alone.
_UNTIL_WARM = 10


def _nothing() -> None:
    pass


_JOB = Job(spec=TaskSpec(name="", procedure="-"), procedure=Plan("-", _nothing))


def warm(directory: str, boot: str) -> None:
    """Go the way of a run in a keeper until its code is specialized (PEP 659).

    What the interpreter writes to code as it learns, each worker would write anew, to a page of
    its own.
    """
    environ = dict(os.environ)
    for _ in range(_UNTIL_WARM):
        rehearse(directory, boot)
    os.environ.clear()
    os.environ.update(environ)


def rehearse(directory: str, boot: str) -> None:
    """Pay for what a first use costs after a fork, copied pages, while nobody waits.

    The process is prepared for a task, or `rehearse_log` went before.
    """
    order = messages.rehearsal()
    os.environ.update(order.environ(directory))
    nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    has_entered = claims.enter(nowhere, order.run, nowhere, worker.claimant(0, boot))
    assert not has_entered, "it is no folder"
    mark = tree.mark(order.run, directory)
    reporter = worker.Reporter(nowhere, nowhere, order.run)
    reporter.started(0)
    deadline = deadline_of(reporter.at, 1.0)
    deadline_environ(deadline)
    run, _ = worker.begun(_JOB, order, reporter, deadline)
    end = worker.end_of(_JOB, run, reporter)
    assert end is not None, "only programs end elsewhere"
    reporter.end(worker.masked_end(end, Masks(())))
    gate.pass_through(nowhere)
    for descriptor in (nowhere, mark):
        if descriptor is not None:
            os.close(descriptor)


def rehearse_log(station: Station) -> None:
    """The same for the log, where it is not known yet for which task."""
    start_log(station.log_plan, program="worker")
    replace_streams()

"""What must be so after any trouble: each run began once, each occurrence was decided once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from linod.store import open_reader

from .building import Daemon


def check_nothing_doubled(daemon: Daemon) -> None:
    """What the tasks wrote themselves: each run and each (occurrence, attempt) at most once."""
    lines = daemon.witness()
    assert max(Counter(line.split()[-1] for line in lines).values()) == 1
    by_id = {str(run.id): run for run in daemon.runs()}
    begun = [by_id[line.split()[-1]] for line in lines]
    assert max(Counter((run.task, run.due, run.attempt) for run in begun).values()) == 1
    for run in daemon.runs():
        if run.reason == "never started":
            assert str(run.id) not in {line.split()[-1] for line in lines}


def check_every_second_is_decided(daemon: Daemon, tasks: Iterable[str]) -> None:
    """Of tasks that are due every second: from their first decision to their last."""
    reader = open_reader(daemon.directory / "linod.db")
    for task in tasks:
        rows = list(reversed(reader.decisions(task, limit=100_000)))
        decided = sum(row.count for row in rows)
        assert decided == (rows[-1].last - rows[0].due).total_seconds() + 1
    reader.close()

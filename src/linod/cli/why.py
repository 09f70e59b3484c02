"""`linod why`: why a task ran late, did not run, or waits."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from attrs import frozen

from linod.cli import Told
from linod.cli._finding import Finder
from linod.cli._options import (
    USAGE,
    config_option,
    json_option,
    known,
    now,
    screen_width,
    write,
    write_json,
)
from linod.cli._past import configuration, daemon_status, is_task, planned, reading, zone_of
from linod.cli._plans import planner_of, typed_span
from linod.cli._task_past import TaskPast
from linod.recurrence import in_words
from linod.specs import Chain
from linod.views import wrap
from linod.why import Asked, Finding, facts, sentences

if TYPE_CHECKING:
    from datetime import datetime

    from linod.specs import Config, Task
    from linod.store.interface import Reader


@frozen(kw_only=True)
class Daemon:
    """What the daemon says of itself, if there is one."""

    is_there: bool = True
    is_enabled: bool = True
    trouble: str = ""

    @classmethod
    def of(cls, config: Config) -> Daemon:
        """Ask it; where there is none, it would be as the file says."""
        status = daemon_status(config)
        if status is None:
            return cls(is_there=False, is_enabled=config.linod.enabled)
        is_enabled = bool(status.get("is_enabled", True))
        return cls(is_enabled=is_enabled, trouble=str(status.get("trouble") or ""))


@click.command("why")
@click.argument("task")
@config_option
@click.option("--at", metavar="T", help="At this instant: a date, or a local time.")
@click.option("--last", "is_last", is_flag=True, help="The newest occurrence, whatever became.")
@json_option
def command(
    config_path: str | None, task: str, at: str | None, is_last: bool, is_json: bool
) -> None:
    """Say why a task ran, did not run, or waits; works without a daemon.

    Without --at it is about the last occurrence that did not run as expected. T is when it was
    due, or when it ran ("2026-11-20 03:30", read in the task's zone); of a date, the last that
    did not run as expected on that day. TASK@T asks the same.

    --json prints an object: task, at, verdict, is_expected, text, due, last, count, reason, by,
    run (the last attempt, as an object with late_s, took_s, held, result, …), runs (their
    numbers), other (the run that was in the way), before and after (the nearest instants),
    excluded_by, rule, chain, through (so far it is decided), daemon.
    """
    if at is not None and is_last:
        raise Told("--at and --last are two questions: take one", USAGE)
    name, _, typed = task.partition("@")
    config = configuration(config_path, name)
    with reading(config) as reader:
        if not is_task(config, reader, name):
            known(name, {**config.tasks, **config.chains})
        asked, finder = finder_of(config, reader, name, now(), Daemon.of(config))
        found = find(asked, finder, at or typed or None, is_last=is_last)
    is_open = at is None and not typed and not is_last
    if is_json:
        write_json(facts(asked, found, is_present=is_open))
        return
    text = " ".join(sentences(asked, found, is_present=is_open))
    write(wrap(text, screen_width(sys.stdout)))


def find(asked: Asked, finder: Finder, at: str | None = None, *, is_last: bool = False) -> Finding:
    """Find what a person asks about."""
    if at is not None:
        return finder.at(typed_span(at, asked.zone, "--at"))
    return finder.newest() if is_last else finder.unexpected()


def finder_of(
    config: Config, reader: Reader | None, name: str, present: datetime, daemon: Daemon
) -> tuple[Asked, Finder]:
    """Make who looks for a task; for the member of a chain, also who looks for the chain."""
    past, task = TaskPast(reader, name), _as_task(config, name)
    chain = next((each for each in config.chains.values() if _is_in(name, each)), None)
    if chain is None:
        asked = _asked(config, past, present, daemon)
        return asked, Finder(asked, past, planner_of(config, task) if task is not None else None)
    whole, planner = TaskPast(reader, chain.name), planner_of(config, chain.as_task())
    of_chain = Finder(_asked(config, whole, present, daemon), whole, planner)
    asked = _asked(config, past, present, daemon, whole)
    return asked, Finder(asked, past, planner, of_chain)


def _is_in(name: str, chain: Chain) -> bool:
    return any(name in step for step in chain.tasks)


def _as_task(config: Config, name: str) -> Task | None:
    found = planned(config, name)
    return found.as_task() if isinstance(found, Chain) else found


def _asked(
    config: Config,
    past: TaskPast,
    present: datetime,
    daemon: Daemon,
    chain: TaskPast | None = None,
) -> Asked:
    """Say what is known of a task; of the member of a chain, when the chain is due."""
    due_as = past if chain is None else chain
    rule, cursor = planned(config, due_as.task), due_as.cursor
    return Asked(
        name=past.task,
        now=present,
        zone=zone_of(config, due_as.task),
        task=_as_task(config, past.task),
        rule=in_words(rule.recurrence) if rule is not None else "",
        chain=chain.task if chain is not None else "",
        is_served=daemon.is_there,
        is_enabled=daemon.is_enabled,
        trouble=daemon.trouble,
        hold=past.hold(present) or due_as.hold(present),
        first_seen=cursor.first_seen if cursor is not None else None,
        through=cursor.through if cursor is not None else None,
        traced=past.traced(present),
    )

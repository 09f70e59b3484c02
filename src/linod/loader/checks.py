"""What one key says about another, and one table about another; all in linear time."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from attrs import define, field

from linod.diagnostics import Diagnostic
from linod.keys import keys_of
from linod.loader.contained import powers, without_effect
from linod.loader.identity import has_no_effect
from linod.loader.loaded import WHAT_RUNS, Entry, Kept
from linod.loader.order import Order
from linod.loader.places import Path
from linod.loader.presence import missing
from linod.loader.refusal import dotted
from linod.loader.sinks import check_sinks
from linod.loader.source import Source
from linod.loader.telling import Telling
from linod.recurrence.exclusion import moves
from linod.recurrence.model import Interval, Recurrence
from linod.recurrence.remarks import ALL_EXCLUDED, Remark, remarks
from linod.specs import (
    Calendar,
    CalendarName,
    Chain,
    Config,
    Exclusion,
    Linod,
    OnExcluded,
    Overlap,
    Pool,
    Process,
    Task,
)
from linod.units import format_duration

_SHELL_SIGNS = re.compile(r"[|<>;`]|&&|&\s*$|\$[({A-Za-z_]|[*?]")

_OWN_FILES = ("linod.lock", "linod.sock", "keepers", "runs")
_SPECS: dict[str, type] = {"pools": Pool, "calendars": Calendar, "chains": Chain, "tasks": Task}


def check(config: Config, kept: Kept) -> None:
    """Check the tables against each other; findings are added to `kept`."""
    checks = _Checks(config, kept)
    for source in kept.sources:
        checks.tell_later_defaults(source)
    for (kind, name), entry in kept.entries.items():
        checks.tell_later(kind, entry)
        if kind == "tasks":
            checks.task(name, entry)
        elif kind == "chains":
            checks.chain(name, entry)
    Order(checks).check()
    checks.alike_names()
    checks.store_of_its_own()
    check_sinks(config, kept)


def check_waiting(config: Config, kept: Kept) -> None:
    """Check the names of tasks again, now that the discovered ones are known."""
    Order(Telling(config, kept, is_complete=True)).check()


def remarks_on(task: Task | Chain, zone: str, now: datetime | None) -> tuple[Remark, ...]:
    """Ask what is to be said about the times of a task."""
    if task.recurrence.is_event:
        return ()
    return remarks(
        task.recurrence,
        zone,
        start=task.start,
        end=task.end,
        max_events=task.max_events,
        dst=task.dst,
        exclude=task.exclude,
        on_excluded=task.on_excluded,
        now=now,
    )


@define
class _Checks(Telling):
    """What is checked, and what was found out on the way."""

    remarks: dict[Any, tuple[Remark, ...]] = field(factory=dict)

    # -- later --------------------------------------------------------------------------------

    def tell_later(self, kind: str, entry: Entry) -> None:
        """Say which keys are accepted but wait for their topic."""
        self._tell_later_keys(entry.source, entry.path, entry.table, _SPECS[kind])

    def tell_later_defaults(self, source: Source) -> None:
        """Say the same of [defaults] and [linod]."""
        for name, spec in (("defaults", Task), ("linod", Linod)):
            table = source.data.get(name)
            if isinstance(table, dict):
                self._tell_later_keys(source, (name,), table, spec)

    def _tell_later_keys(
        self, source: Source, path: Path, table: dict[str, Any], spec: type
    ) -> None:
        for key in keys_of(spec):
            if key.name in table and key.later:
                where = (*path, key.name)
                message = f"{dotted(where)} is accepted; its effect comes with {key.later}"
                self.kept.findings.add(source, where, "L090", message, is_key=True)

    # -- one task -----------------------------------------------------------------------------

    def task(self, name: str, entry: Entry) -> None:
        """Check one task."""
        task = self.config.tasks.get(name) or self.kept.flawed.get(name)
        if task is None:
            return
        self._what_runs(task, entry)
        self._period(task, entry)
        self._durations(task, entry)
        self._identity(task, entry)
        self._presence(task, entry)
        for keys, code, message in without_effect(task, powers()):
            self.add(entry, keys, code, message)
        self._names(task, entry)
        self._remarks(task, entry)
        self._exclusions(task, entry)
        if "max_running" in entry.table and task.overlap is not Overlap.ALLOW:
            self._tell_idle(entry, "max_running", 'it goes with overlap = "allow"')
        if "max_runs" in entry.table and task.process is not Process.REUSED:
            self._tell_idle(entry, "max_runs", 'it goes with process = "reused"')
        if "process" in entry.table and task.process is Process.REUSED and _is_program(task):
            self._tell_idle(entry, "process", "a program always has a process of its own")
        command = entry.table.get("command")
        if isinstance(command, str) and (match := _SHELL_SIGNS.search(command)):
            message = f'"{match[0].strip()}" has no meaning here: a command runs without a shell'
            self.add(entry, ("command",), "L080", message, label="write it as shell = …")

    def _what_runs(self, task: Task, entry: Entry) -> None:
        given = [
            key
            for key in _WHAT_RUNS_IN_ORDER
            if getattr(task, key) is not None or entry.table.get(key, "none") != "none"
        ]
        if not given and not (entry.path[1] in self.kept.flawed and self.is_discovering):
            message = "nothing to run"
            advice = "give one of procedure, command, shell, manage"
            self.add(entry, (), "L057", message, is_key=True, help=advice)
        elif len(given) > 1:
            message = f"{given[0]} and {given[1]} exclude each other"
            self.add(entry, (given[1],), "L057", message, is_key=True, help="give one of them")
        elif given and "arguments" in entry.table and "procedure" not in given:
            message = f"arguments go with procedure, not with {given[0]}"
            self.add(entry, ("arguments",), "L058", message, is_key=True)
        elif given and "exit_codes" in entry.table and not {"command", "shell"} & set(given):
            message = f"exit_codes go with command or shell, not with {given[0]}"
            self.add(entry, ("exit_codes",), "L058", message, is_key=True)
        elif given == ["manage"] and self.config.linod.django is None:
            message = "manage needs Django, and [linod] names no settings"
            advice = 'write [linod] django = "PROJECT.settings"'
            self.add(entry, ("manage",), "L045", message, is_key=True, help=advice)

    def _period(self, task: Task | Chain, entry: Entry) -> None:
        if task.max_events is not None and task.start is None:
            message = "max_events counts from start, which is missing"
            self.add(entry, ("max_events",), "L070", message, is_key=True, help="add start = …")
        if task.start is None or task.end is None:
            return
        zone = ZoneInfo(self.config.zone_of(task))
        if _utc(task.end, zone) < _utc(task.start, zone):
            self.add(entry, ("end",), "L067", "end is before start")

    def _durations(self, task: Task, entry: Entry) -> None:
        if task.timeout is not None and task.kill_after > task.timeout:
            longer, limit = format_duration(task.kill_after), format_duration(task.timeout)
            if "kill_after" in entry.table or task.kill_after > timedelta(seconds=30):
                message = f"kill_after ({longer}) is longer than timeout ({limit})"
                self.add(entry, ("kill_after",), "L082", message)
        most = task.retry.max_delay
        if most is not None and most < task.retry.delay:
            message = "retry.max_delay is shorter than retry.delay"
            self.add(entry, ("retry", "max_delay"), "L086", message)
        interval = _interval(task.recurrence)
        if interval is not None:
            self._against_interval(task, entry, interval)

    def _against_interval(self, task: Task, entry: Entry, interval: timedelta) -> None:
        every = format_duration(interval)
        for key in ("jitter", "spread"):
            value = getattr(task, key)
            if value is not None and value > interval:
                message = f"{key} is longer than the time between two runs ({every})"
                self.add(entry, (key,), "L083", message)
        if "catch_up_window" in entry.table and task.catch_up_window < interval:
            message = f"catch_up_window is shorter than the time between two runs ({every})"
            self.add(entry, ("catch_up_window",), "L083", message)
        if task.cooldown is not None:
            for key in ("success", "failure"):
                value = getattr(task.cooldown, key)
                if value is not None and value > interval:
                    message = f"cooldown.{key} is longer than the time between two runs ({every})"
                    self.add(entry, ("cooldown", key), "L083", message)

    def _identity(self, task: Task, entry: Entry) -> None:
        for key in ("user", "group"):
            name = getattr(task, key)
            if name is not None and has_no_effect(key, name, os.geteuid(), os.getegid()):
                message = f'{key} has no effect: only root can run a task as "{name}"'
                self.add(entry, (key,), "L092", message)

    def _presence(self, task: Task, entry: Entry) -> None:
        folder = str(self.config.path.absolute().parent)
        for key, message in missing(task, folder, self.kept.environ.get("PATH")):
            advice = "runs fail until it is there, unless the daemon runs elsewhere"
            self.add(entry, (key,), "L093", message, help=advice)

    def _names(self, task: Task, entry: Entry) -> None:
        if task.pool is not None:
            self.known(task.pool, "pools", "L065", "pool", entry, ("pool",))
        self._calendars(task, entry)

    def _calendars(self, task: Task | Chain, entry: Entry) -> None:
        for index, excluded in enumerate(task.exclude):
            if isinstance(excluded, CalendarName):
                where = ("exclude", index, "calendar")
                self.known(excluded.calendar, "calendars", "L066", "calendar", entry, where)

    def _remarks(self, task: Task | Chain, entry: Entry) -> None:
        if "recurrence" not in entry.table or task.recurrence.is_event:
            return
        for remark in self._remarks_on(task):
            is_of_exclude = remark.code == ALL_EXCLUDED.code and "exclude" in entry.table
            key = "exclude" if is_of_exclude else "recurrence"
            place = entry.source.places.of((*entry.path, key))
            found = Diagnostic(remark.code, remark.message, place, help=remark.help)
            self.kept.findings.diagnostics.append(found)

    def _remarks_on(self, task: Task | Chain) -> tuple[Remark, ...]:
        """Ask once for tasks with the same times."""
        zone = self.config.zone_of(task)
        bounds = (task.start, task.end, task.max_events)
        times = (task.recurrence, zone, *bounds, task.dst, task.exclude, task.on_excluded)
        if times not in self.remarks:
            self.remarks[times] = remarks_on(task, zone, self.kept.now)
        return self.remarks[times]

    # -- exclude ------------------------------------------------------------------------------

    def _exclusions(self, task: Task | Chain, entry: Entry) -> None:
        """Say what of exclude and on_excluded does nothing, and what is wrong in its times."""
        if "exclude" in entry.table and task.exclude and task.recurrence.is_event:
            self._tell_idle(entry, "exclude", "the recurrence has no times to take out")
        elif "on_excluded" in entry.table and task.on_excluded is not OnExcluded.SKIP:
            self._moving(task, entry)
        if "exclude" not in entry.table:
            return
        for index, each in enumerate(task.exclude):
            if isinstance(each, Recurrence):
                self._excluding(task, entry, index, each)

    def _moving(self, task: Task | Chain, entry: Entry) -> None:
        if not task.exclude:
            self._tell_idle(entry, "on_excluded", "there is no exclude")
        elif not moves(task.recurrence, task.exclude) and not _has_unread(task.exclude):
            why = "only times of day on whole excluded days move"
            self._tell_idle(entry, "on_excluded", why)

    def _excluding(self, task: Task | Chain, entry: Entry, index: int, each: Recurrence) -> None:
        zone = self.config.zone_of(task)
        times = (each, zone, task.start, None, None, task.dst, (), OnExcluded.SKIP)
        if times not in self.remarks:
            self.remarks[times] = remarks(each, zone, start=task.start, dst=task.dst)
        for remark in self.remarks[times]:
            if remark.code in _ON_EXCLUDING:
                place = entry.source.places.of((*entry.path, "exclude", index))
                found = Diagnostic(remark.code, remark.message, place, help=remark.help)
                self.kept.findings.diagnostics.append(found)

    def _tell_idle(self, entry: Entry, key: str, why: str) -> None:
        self.add(entry, (key,), "L094", f"{key} has no effect: {why}", is_key=True)

    # -- chains -------------------------------------------------------------------------------

    def chain(self, name: str, entry: Entry) -> None:
        """Check one chain."""
        chain = self.config.chains.get(name)
        if chain is None:
            return
        self._period(chain, entry)
        self._calendars(chain, entry)
        self._remarks(chain, entry)
        self._exclusions(chain, entry)

    # -- all together -------------------------------------------------------------------------

    def store_of_its_own(self) -> None:
        """Refuse a store that is another of linod's files: both would be destroyed."""
        linod, log = self.config.linod, self.config.log
        others = dict.fromkeys(self.config.files, "the configuration")
        if linod.directory is not None:
            others |= {linod.directory / name: "a file of the daemon" for name in _OWN_FILES}
        if log is not None:
            others[log.directory / "linod.log"] = "the log"
        by_path = {os.path.normpath(path): what for path, what in others.items()}
        what = by_path.get(os.path.normpath(linod.store))
        if what is not None:
            message = f"linod.store: {linod.store} is {what} already"
            self.kept.findings.add(self.kept.sources[0], ("linod", "store"), "L058", message)

    def alike_names(self) -> None:
        """Warn of names that differ only by case: files and people mix them up."""
        seen: dict[str, str] = {}
        for (kind, name), entry in self.kept.entries.items():
            if kind not in ("tasks", "chains"):
                continue
            former = seen.setdefault(name.lower(), name)
            if former != name:
                message = f'the name differs from "{former}" only by case'
                self.add(entry, (), "L081", message, is_key=True)


_WHAT_RUNS_IN_ORDER = ("procedure", "command", "shell", "manage")
assert set(_WHAT_RUNS_IN_ORDER) == WHAT_RUNS


# What is also to be said of a recurrence that is excluded: wrong ones, and an open phase.
_ON_EXCLUDING = frozenset({"L020", "L021", "L022", "L023"})


def _is_program(task: Task) -> bool:
    return task.command is not None or task.shell is not None


def _has_unread(exclude: tuple[Exclusion, ...]) -> bool:
    """Tell whether a calendar has no days, which is told where it stands."""
    return any(isinstance(each, CalendarName) and not each.days.names for each in exclude)


def _utc(instant: datetime, zone: ZoneInfo) -> datetime:
    if instant.tzinfo is not None:
        return instant
    try:
        return instant.replace(tzinfo=zone).astimezone(UTC)
    except OverflowError:
        return instant.replace(tzinfo=UTC)


def _interval(recurrence: Recurrence) -> timedelta | None:
    """Give the time between two runs where it is always the same."""
    part = recurrence.parts[0]
    if len(recurrence.parts) == 1 and isinstance(part, Interval):
        return timedelta(seconds=part.seconds)
    return None

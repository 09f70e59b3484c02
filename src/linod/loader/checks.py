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
from linod.loader.graph import cycles
from linod.loader.identity import has_no_effect
from linod.loader.loaded import WHAT_RUNS, Entry, Kept
from linod.loader.places import Path
from linod.loader.presence import missing
from linod.loader.refusal import did_you_mean, dotted
from linod.loader.source import Source
from linod.recurrence.model import Interval, Recurrence
from linod.recurrence.remarks import ALL_EXCLUDED, Remark, remarks
from linod.specs import Calendar, CalendarName, Chain, Config, Linod, Pool, Task
from linod.units import format_duration, nearest

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
    checks.cycles()
    checks.alike_names()
    checks.store_of_its_own()


def check_waiting(config: Config, kept: Kept) -> None:
    """Check the names of tasks again, now that the discovered ones are known."""
    checks = _Checks(config, kept, is_complete=True)
    for (kind, name), entry in kept.entries.items():
        if kind == "tasks" and name in config.tasks and "after" in entry.table:
            checks.after(config.tasks[name], entry)
        elif kind == "chains" and name in config.chains:
            checks.members(config.chains[name], entry)
    checks.cycles()


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
class _Checks:
    """The configuration under check, and where its findings go."""

    config: Config
    kept: Kept
    is_complete: bool = False
    """Tasks that are not known now do not exist."""
    chain_of: dict[str, str] = field(factory=dict)
    remarks: dict[Any, tuple[Remark, ...]] = field(factory=dict)
    guesses_left: int = 200
    """A guess compares with all names; nobody reads more of them."""
    told_defaults: set[tuple[Source, Path, str]] = field(factory=set)

    def add(
        self,
        entry: Entry,
        keys: Path,
        code: str,
        message: str,
        *,
        is_key: bool = False,
        **more: Any,
    ) -> None:
        """Add a finding on a key of a table; on that of [defaults], once, if it is from there."""
        source, path = entry.source, entry.path
        if keys and keys[0] not in entry.table and keys[0] in source.data.get("defaults", ()):
            path = ("defaults",)
            if (source, (*path, *keys), code) in self.told_defaults:
                return
            self.told_defaults.add((source, (*path, *keys), code))
        elif keys and keys[0] not in entry.table:
            keys, is_key = (), True
        shown = f"{dotted(path)}: {message}"
        self.kept.findings.add(source, path + keys, code, shown, is_key=is_key, **more)

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
            if key.name not in table:
                continue
            where, value = (*path, key.name), table[key.name]
            if key.later:
                self._tell_one_later(source, where, dotted(where), key.later)
            elif isinstance(value, str) and value in key.later_values:
                shown = f'{dotted(where)} = "{value}"'
                self._tell_one_later(source, where, shown, key.later_values[value])

    def _tell_one_later(self, source: Source, path: Path, name: str, topic: str) -> None:
        message = f"{name} is accepted; its effect comes with {topic}"
        self.kept.findings.add(source, path, "L090", message, is_key=True)

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
        self._names(task, entry)
        self._remarks(task, entry)
        command = entry.table.get("command")
        if isinstance(command, str) and (match := _SHELL_SIGNS.search(command)):
            message = f'"{match[0].strip()}" has no meaning here: a command runs without a shell'
            self.add(entry, ("command",), "L080", message, label="write it as shell = …")

    @property
    def is_discovering(self) -> bool:
        """Tell whether there are tasks that are known only when procedures are imported."""
        return bool(self.config.linod.discover or self.config.linod.django)

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
        self.after(task, entry)
        if task.pool is not None:
            self._known(task.pool, "pools", "L065", "pool", entry, ("pool",))
        self._calendars(task, entry)

    def after(self, task: Task, entry: Entry) -> None:
        """Check the names that a task waits for."""
        for index, name in enumerate(task.after):
            self._known_task(name, entry, ("after", index))

    def _calendars(self, task: Task | Chain, entry: Entry) -> None:
        for index, excluded in enumerate(task.exclude):
            if isinstance(excluded, CalendarName):
                where = ("exclude", index, "calendar")
                self._known(excluded.calendar, "calendars", "L066", "calendar", entry, where)

    def _known(self, name: str, kind: str, code: str, word: str, entry: Entry, where: Path) -> None:
        if (kind, name) in self.kept.entries:
            return
        label = self._guess(name, kind)
        advice = None if label else f"[{dotted((kind, name))}] is not in any file"
        self.add(entry, where, code, f'unknown {word} "{name[:100]}"', label=label, help=advice)

    def _known_task(self, name: str, entry: Entry, where: Path) -> None:
        """A task of `discover` is known only when the procedures are imported."""
        entries = self.kept.entries
        is_known = ("tasks", name) in entries or ("chains", name) in entries
        if is_known or name in self.config.tasks:
            return
        if self.is_discovering and not self.is_complete:
            return
        label = self._guess(name, "tasks")
        self.add(entry, where, "L063", f'unknown task "{name[:100]}"', label=label)

    def _guess(self, name: str, kind: str) -> str:
        if self.guesses_left == 0:
            return ""
        self.guesses_left -= 1
        return did_you_mean(
            nearest(name, (other for each, other in self.kept.entries if each == kind))
        )

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

    # -- chains -------------------------------------------------------------------------------

    def chain(self, name: str, entry: Entry) -> None:
        """Check one chain."""
        chain = self.config.chains.get(name)
        if chain is None:
            return
        self._period(chain, entry)
        self._calendars(chain, entry)
        self._remarks(chain, entry)
        if not any(chain.tasks):
            self.add(entry, ("tasks",), "L074", "a chain without tasks")
        self.members(chain, entry)

    def members(self, chain: Chain, entry: Entry) -> None:
        """Check the tasks of a chain."""
        written = entry.table.get("tasks", [])
        for index, step in enumerate(chain.tasks):
            is_list = isinstance(written[index], list)
            for inner, member in enumerate(step):
                where = ("tasks", index, inner) if is_list else ("tasks", index)
                self._member(member, chain.name, entry, where)

    def _member(self, member: str, chain: str, entry: Entry, where: Path) -> None:
        self._known_task(member, entry, where)
        other = self.chain_of.setdefault(member, chain)
        task = self.kept.entries.get(("tasks", member))
        if other != chain:
            message = f'"{member}" is in the chain "{other}" already: a task is in one chain only'
            self.add(entry, where, "L074", message)
        elif ("chains", member) in self.kept.entries:
            self.add(entry, where, "L074", f'"{member}" is a chain, not a task')
        elif task is not None and "recurrence" in task.table:
            message = f'"{member}" has a recurrence of its own: in a chain the chain has it'
            self.add(entry, where, "L074", message)

    # -- all together -------------------------------------------------------------------------

    def cycles(self) -> None:
        """Refuse tasks that wait for each other."""
        waits = {name: task.after for name, task in self.config.tasks.items() if task.after}
        for cycle in cycles(waits):
            shown = cycle if len(cycle) <= 8 else (*cycle[:4], "…", *cycle[-3:])
            message = "tasks wait for each other: " + " → ".join((*shown, cycle[0]))
            self._tell_cycle(cycle, message)

    def _tell_cycle(self, cycle: tuple[str, ...], message: str) -> None:
        """Show the first `after` of the cycle that stands in a file."""
        for name, following in zip(cycle, (*cycle[1:], cycle[0]), strict=True):
            entry = self.kept.entries.get(("tasks", name))
            if entry is not None and "after" in entry.table:
                index = self.config.tasks[name].after.index(following)
                self.add(entry, ("after", index), "L064", message)
                return
        first = next(iter(self.kept.sources))
        self.kept.findings.add(first, (), "L064", message)

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

"""Load a configuration: read the files, parse, merge the defaults, check.

The order: main file, [linod], included files; then per file [defaults], pools, calendars,
chains and tasks; then what one table says about another (checks.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path as FilePath
from typing import Any

import attrs
from attrs import define, field

from linod.diagnostics import Diagnostic, Place
from linod.loader.calendars import read_calendars
from linod.loader.checks import check
from linod.loader.env_files import read_env_files
from linod.loader.files import state_of
from linod.loader.includes import included
from linod.loader.loaded import TASK_LIKE, WHAT_RUNS, Entry, Kept, Layer, Loaded, loaded_of, merged
from linod.loader.naming import is_name, near_name, why_no_name
from linod.loader.refusal import dotted
from linod.loader.source import Source, distrusted, read_source, shown_beside
from linod.loader.structure import key_names
from linod.loader.tables import absolute, entry_of, read_table, read_task
from linod.loader.trust import Trust
from linod.loader.zones import system_zone
from linod.specs import Calendar, Chain, Config, Linod, Log, Pool, Task, TaskName, ZoneName
from linod.units import nearest

_TABLES = ("linod", "log", "defaults", "pools", "calendars", "tasks", "chains")
_MAIN_ONLY = frozenset({"linod", "log"})
_NAMED: dict[str, type] = {"pools": Pool, "calendars": Calendar, "chains": Chain}

_NO_KEY = "write at least [linod]: without a task nothing runs"
_OFF = frozenset({"0", "false", "no", "off"})


def load(path: FilePath, environ: Mapping[str, str], now: datetime | None = None) -> Loaded:
    """Load `path` and what it includes; never raises for what a file says.

    Args:
        path: The main file; findings show it as given.
        environ: For `{ env = … }`, TZ and LINOD_ENABLED.
        now: Aware; with it, findings tell what is past and show the coming instants.
    """
    kept = Kept(path, environ, now)
    main = _read(path, str(path), kept)
    if main is None:
        return loaded_of(kept, None)
    if not main.data:
        found = Diagnostic("L008", "the file holds no key", Place(file=main.shown), help=_NO_KEY)
        kept.findings.diagnostics.append(found)
        return loaded_of(kept, None)
    return loaded_of(kept, _Loading(kept, main).config())


def load_source(main: Source, environ: Mapping[str, str], now: datetime | None = None) -> Loaded:
    """Load what will stand in a file: its path is where, and its places are where it is from."""
    kept = Kept(main.path, environ, now, sources=[main])
    kept.findings.diagnostics += distrusted(main.path, main.shown, os.geteuid(), os.getegid())
    return loaded_of(kept, _Loading(kept, main).config())


def _read(path: FilePath, shown: str, kept: Kept) -> Source | None:
    kept.states[path] = state_of(path)
    source, found = read_source(path, shown, os.geteuid(), os.getegid())
    kept.findings.diagnostics += found
    if source is not None:
        kept.sources.append(source)
    return source


@define
class _Loading:
    """One load: the main file, and the named tables found so far."""

    kept: Kept
    main: Source
    named: dict[str, dict[str, Any]] = field(
        factory=lambda: {kind: {} for kind in (*_NAMED, "tasks")}
    )

    def config(self) -> Config | None:
        """Go through all tables; None where [linod] is refused."""
        self._refuse_tables(self.main)
        read = read_table(self.kept, entry_of(self.main, "linod"), Linod)
        linod = self._linod(read)
        zone = self._zone(linod)
        for source in self._included(linod):
            self._refuse_tables(source)
        log = read_table(self.kept, entry_of(self.main, "log"), Log)
        for source in self.kept.sources:
            self._read_named(source, is_discovering=linod.is_discovering)
        self._look_at_modules(linod)
        config = Config(
            path=self.main.path,
            files=tuple(source.path for source in self.kept.sources),
            zone=zone,
            linod=linod,
            log=log if "log" in self.main.data else None,
            **self.named,
        )
        config = read_env_files(read_calendars(config, self.kept), self.kept)
        check(config, self.kept)
        return config if read is not None else None

    # -- tables that stand once ---------------------------------------------------------------

    def _refuse_tables(self, source: Source) -> None:
        for name, value in source.data.items():
            if name not in _TABLES:
                label = _table_meant(name, value)
                known = None if label else "tables are [" + "], [".join(_TABLES) + "]"
                message = f"unknown table or key {dotted((name,))}"
                self._refuse(source, (name,), "L050", message, label=label, help=known)
            elif source is not self.main and name in _MAIN_ONLY:
                message = f"[{name}] stands in the main file only"
                self._refuse(source, (name,), "L009", message)
            elif not isinstance(value, dict):
                self._refuse(source, (name,), "L051", f"{name} is a table", label=f"[{name}]")

    def _refuse(self, source: Source, path: Any, code: str, message: str, **more: Any) -> None:
        self.kept.findings.add(source, path, code, message, is_key=True, **more)

    def _linod(self, read: Linod | None) -> Linod:
        linod: Linod = read or absolute(Linod(), self.main.directory)
        if self.kept.environ.get("LINOD_ENABLED", "").strip().lower() in _OFF:
            return attrs.evolve(linod, enabled=False)
        return linod

    def _included(self, linod: Linod) -> Iterator[Source]:
        for path, index in included(self.main, linod.include, self.kept.findings):
            shown = shown_beside(self.main, path)
            before = len(self.kept.findings.diagnostics)
            source = _read(path, shown, self.kept)
            if source is not None:
                yield source
            else:
                self._blame_include(index, before)

    def _blame_include(self, index: int, before: int) -> None:
        """Show the line that names the file, where there is no file to show."""
        found = self.kept.findings.diagnostics
        place = self.main.places.of(("linod", "include", index))
        for number, each in enumerate(found[before:], before):
            if each.code == "L001" and each.place is not None:
                name = os.path.basename(each.place.file)
                # "x.toml does not exist" names it already.
                message = f"{each.place.file}: {each.message}".replace(
                    f"{name}: {name} ", f"{name} "
                )
                found[number] = attrs.evolve(each, message=message, place=place)

    def _look_at_modules(self, linod: Linod) -> None:
        trust = Trust(linod.import_path, self.kept.findings)
        trust.look_at_folders(self.main)
        for index, name in enumerate(linod.discover):
            trust.look_at_module(self.main, ("linod", "discover", index), name)
        if linod.django is not None:
            trust.look_at_module(self.main, ("linod", "django"), linod.django)
        for index, name in enumerate(linod.setup):
            trust.look_at_module(self.main, ("linod", "setup", index), name.rpartition(".")[0])
        for name, task in self.named["tasks"].items():
            for key, path in (("procedure", task.procedure), ("only_if", task.only_if)):
                if path is not None:
                    entry = self.kept.entries["tasks", name]
                    module = path.rpartition(".")[0]
                    trust.look_at_module(entry.source, (*entry.path, key), module)

    def _zone(self, linod: Linod) -> ZoneName:
        if linod.timezone is not None or "timezone" in entry_of(self.main, "linod").table:
            return linod.timezone or ZoneName("UTC")
        found = system_zone(self.kept.environ)
        place = Place(file=self.main.shown)
        if found is None:
            message = "the system's time zone is not known: UTC is taken"
            advice = 'write [linod] timezone = "…"'
            self.kept.findings.diagnostics.append(Diagnostic("L088", message, place, help=advice))
            return ZoneName("UTC")
        zone, origin = found
        message = f"the time zone is {zone}, the system's (from {origin})"
        self.kept.findings.diagnostics.append(Diagnostic("L091", message, place))
        return zone

    # -- tables of named entries --------------------------------------------------------------

    def _read_named(self, source: Source, *, is_discovering: bool) -> None:
        defaults = self._defaults(source)
        for kind, spec in _NAMED.items():
            for name, entry in self._entries(source, kind):
                parsed = read_table(self.kept, entry, spec, name)
                if parsed is not None:
                    self.named[kind][name] = parsed
        for name, entry in self._entries(source, "tasks"):
            layer = read_task(self.kept, entry, name)
            if layer is None:
                continue
            whole = merged(layer, defaults)
            if is_discovering and not whole.keys & WHAT_RUNS:
                self.kept.overrides[name] = layer
            else:
                self.named["tasks"][name] = whole.task

    def _defaults(self, source: Source) -> Layer:
        entry = entry_of(source, "defaults")
        layer = read_task(self.kept, entry, "defaults") if entry.table else None
        layer = layer or Layer(Task(name=TaskName("defaults")), frozenset())
        self.kept.defaults[source.path] = layer
        return layer

    def _entries(self, source: Source, kind: str) -> Iterator[tuple[str, Entry]]:
        """Give the well-named tables of a kind; refuse the others."""
        named = entry_of(source, kind).table
        if kind == "tasks" and _is_nameless(named):
            message, advice = "a task without a name", "write [tasks.NAME] above its keys"
            self._refuse(source, (kind,), "L060", message, help=advice)
            named = {name: table for name, table in named.items() if name not in key_names(Task)}
        for name, table in named.items():
            path = (kind, name)
            if not isinstance(table, dict):
                message = f"{dotted(path)}: expected a table"
                self._refuse(source, path, "L051", message, help=f"write [{dotted(path)}]")
            elif not is_name(name):
                message, near = f"{dotted(path)}: {why_no_name(name)}", near_name(name)
                label = f"write [{dotted((kind, near))}]" if near else ""
                self._refuse(source, path, "L060", message, label=label)
            else:
                entry = Entry(source, path, table)
                former = self._namesake(kind, name)
                if former is None:
                    self.kept.entries[kind, name] = entry
                    yield name, entry
                else:
                    self._twice(entry, former)

    def _namesake(self, kind: str, name: str) -> Entry | None:
        """Find who has the name already; tasks and chains share one namespace."""
        kinds = ("chains", "tasks") if kind in ("chains", "tasks") else (kind,)
        found = (self.kept.entries.get((each, name)) for each in kinds)
        return next((entry for entry in found if entry is not None), None)

    def _twice(self, entry: Entry, former: Entry) -> None:
        first = former.source.places.of(former.path, is_key=True)
        note = f"first at {first.file}:{first.line}:{first.column}"
        message = f"{dotted(entry.path)}: the name stands twice"
        self._refuse(entry.source, entry.path, "L062", message, notes=(note,))


def _is_nameless(tasks: dict[str, Any]) -> bool:
    """Tell the keys of one task below a bare `[tasks]` from tasks that are no tables."""
    keys = {name for name, value in tasks.items() if not isinstance(value, dict)}
    return bool(keys & TASK_LIKE)


def _table_meant(name: str, value: Any) -> str:
    """Say what an unknown heading was to be: a task without `tasks.`, or a slip of the hand."""
    if isinstance(value, dict) and value.keys() & TASK_LIKE and is_name(name):
        return f"write [tasks.{name}]"
    near = nearest(name, _TABLES)
    if near and isinstance(value, dict) and len(value) == 1 and near in (*_NAMED, "tasks"):
        return f"did you mean [{dotted((near, *value))}]?"
    return f"did you mean [{near}]?" if near else ""

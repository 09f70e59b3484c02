"""What loading gives, and what it keeps so that completing it needs no second look."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path as FilePath
from typing import Any

import attrs
from attrs import define, field, frozen

from linod.codes import Severity
from linod.diagnostics import Diagnostic, Place, sort_diagnostics
from linod.inspection import Declared
from linod.loader.files import State, state_of
from linod.loader.places import Path
from linod.loader.source import Findings, Source
from linod.specs import CalendarDays, Config, Task

IMPORT_CODES = frozenset({"L030", "L034", "L035", "L037"})
"""A procedure that cannot be imported fails its own occurrences, not the daemon's start."""


@frozen(eq=False)
class Entry:
    """One named table of a file, as written: its keys are known even where it is refused."""

    source: Source
    path: Path
    table: dict[str, Any]


@frozen(eq=False)
class Layer:
    """Some keys of a task, parsed; `keys` are those that are given."""

    task: Task
    keys: frozenset[str]


@define(eq=False)
class Kept:
    """The files and the findings of one load."""

    path: FilePath
    environ: Mapping[str, str]
    now: datetime | None = None
    sources: list[Source] = field(factory=list)
    states: dict[FilePath, State | None] = field(factory=dict)
    """Of each file, before it was read."""
    findings: Findings = field(factory=Findings)
    entries: dict[tuple[str, str], Entry] = field(factory=dict)
    """By kind and name, in the order of the files."""
    calendars: dict[str, CalendarDays] = field(factory=dict)
    """The days of each calendar that could be read."""
    variables: dict[FilePath, dict[str, str] | None] = field(factory=dict)
    """Of each env_file; None where it could not be read."""
    defaults: dict[FilePath, Layer] = field(factory=dict)
    flawed: dict[str, Task] = field(factory=dict)
    """Tasks of which some keys were refused, without these: to check the others."""
    has_unread_modules: bool = False
    """A module of `discover` could not be imported: a name may be in it."""
    declared: dict[str, Declared] = field(factory=dict)
    """Discovered tasks by name."""
    late: frozenset[str] = frozenset()
    """Modules that end, crash or hang whoever imports them."""
    overrides: dict[str, Layer] = field(factory=dict)
    """Tasks that name nothing to run: they override a discovered one, if there is one."""


@frozen(kw_only=True)
class Loaded:
    """A configuration as far as it could be read, and all findings."""

    path: FilePath
    partial: Config | None = None
    """All that is right, to look at or to inspect; None where the file or [linod] is not."""
    diagnostics: tuple[Diagnostic, ...] = ()
    kept: Kept | None = field(default=None, repr=False, eq=False)

    @property
    def config(self) -> Config | None:
        """The configuration to act on; None while an error keeps it from being what is meant."""
        return None if self.fatal else self.partial

    def is_outdated(self) -> bool:
        """Tell whether somebody has written a file since it was read."""
        states = self.kept.states if self.kept else {}
        return any(state_of(path) != state for path, state in states.items())

    @property
    def late(self) -> frozenset[str]:
        """The modules that a keeper had better not import before it forks."""
        return self.kept.late if self.kept else frozenset()

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """List the findings that are errors."""
        return tuple(each for each in self.diagnostics if each.severity is Severity.ERROR)

    @property
    def fatal(self) -> tuple[Diagnostic, ...]:
        """List the errors that keep the daemon from starting: all but failed imports."""
        return tuple(each for each in self.errors if each.code not in IMPORT_CODES)


def defined(declared: Declared) -> Place:
    """Point at the definition of a declared procedure."""
    path = FilePath(declared.described.file)
    here = FilePath(os.getcwd())
    shown = path.relative_to(here) if path.is_relative_to(here) else path
    return Place(file=str(shown), line=declared.described.line)


def loaded_of(kept: Kept, partial: Config | None) -> Loaded:
    """Put the parts together, the findings in the order of the files."""
    found = sort_diagnostics(dict.fromkeys(kept.findings.diagnostics))
    return Loaded(path=kept.path, partial=partial, diagnostics=found, kept=kept)


def with_refusal(loaded: Loaded, place: tuple[str, ...], code: str, text: str) -> Loaded:
    """Add what was found of a key of the main file."""
    assert loaded.kept is not None
    kept = attrs.evolve(loaded.kept, findings=Findings(list(loaded.diagnostics)))
    kept.findings.add(kept.sources[0], place, code, text)
    return loaded_of(kept, loaded.partial)


def merged(upper: Layer, lower: Layer) -> Layer:
    """Lay one set of keys over another: a key replaces the other whole, but `env` merges."""
    taken = lower.keys - upper.keys
    # What runs is one choice: a default must not stand beside what the task itself names.
    if upper.keys & WHAT_RUNS:
        taken -= WHAT_RUNS
    values = {name: getattr(lower.task, name) for name in taken}
    if "env" in lower.keys and "env" in upper.keys:
        values["env"] = {**lower.task.env, **upper.task.env}
    task = attrs.evolve(upper.task, **values) if values else upper.task
    return Layer(task, upper.keys | lower.keys)


WHAT_RUNS = frozenset({"procedure", "command", "shell", "manage"})
TASK_LIKE = WHAT_RUNS | {"recurrence"}
"""Keys by which a table is known for a task, wherever it stands."""

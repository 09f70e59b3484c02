"""Add what a child found out: discovered tasks, and the problems of procedures at their place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
from attrs import define

from linod.diagnostics import Diagnostic, Place
from linod.inspection import Declared, Inspection, Problem, ProblemKind
from linod.loader.calendars import filled
from linod.loader.checks import check_waiting, remarks_on
from linod.loader.env_files import with_variables
from linod.loader.loaded import Entry, Kept, Layer, Loaded, defined, loaded_of, merged
from linod.loader.naming import is_name, why_no_name
from linod.loader.places import Path
from linod.loader.refusal import did_you_mean, dotted
from linod.loader.source import Findings, Source
from linod.loader.structure import structure
from linod.loader.tables import absolute, without_off
from linod.loader.telling import Owner, Telling
from linod.recurrence.model import Frequency, Interval, Recurrence, Rule
from linod.specs import Config, DottedPath, LogLevel, Task

_CODES: dict[ProblemKind, str] = {
    ProblemKind.IMPORT_RAISED: "L030",
    ProblemKind.IMPORT_EXITED: "L030",
    ProblemKind.IMPORT_TIMED_OUT: "L030",
    ProblemKind.IMPORT_CRASHED: "L030",
    ProblemKind.MODULE_MISSING: "L034",
    ProblemKind.NAME_MISSING: "L035",
    ProblemKind.NOT_CALLABLE: "L036",
    ProblemKind.UNSUITABLE: "L036",
    ProblemKind.SETUP_FAILED: "L037",
    ProblemKind.ARGUMENT_UNKNOWN: "L031",
    ProblemKind.ARGUMENT_MISSING: "L032",
    ProblemKind.ARGUMENT_INVALID: "L033",
    ProblemKind.STARTS_THREADS: "L038",
    ProblemKind.DECLARATION_INVALID: "L039",
    ProblemKind.USER_UNKNOWN: "L040",
    ProblemKind.DJANGO_FAILED: "L042",
    ProblemKind.COMMAND_UNKNOWN: "L043",
    ProblemKind.COMMAND_REFUSED: "L044",
}
_OF_MODULES = frozenset(kind for kind, code in _CODES.items() if code == "L030")
# Where one of these is told of no task, tasks may be missing that the file has keys for.
_HIDING = _OF_MODULES | {ProblemKind.DJANGO_FAILED, ProblemKind.SETUP_FAILED}
# The key, not its value, is what is wrong.
_ON_KEY = frozenset({ProblemKind.ARGUMENT_UNKNOWN, ProblemKind.ARGUMENT_MISSING})


def complete(loaded: Loaded, inspection: Inspection) -> Loaded:
    """Add the tasks of `discover` and turn the problems found into diagnostics.

    The tasks of the file come first, in its order; discovered ones follow in the order of their
    modules, also those whose keys the file overrides. May be called again with what a further
    inspection of the discovered tasks found.
    """
    if loaded.partial is None or loaded.kept is None:
        return loaded
    kept = attrs.evolve(
        loaded.kept,
        findings=Findings(list(loaded.diagnostics)),
        declared=dict(loaded.kept.declared),
        late=loaded.kept.late | _deadly(inspection.problems),
    )
    completion = _Completion(loaded.partial, kept, inspection)
    config = completion.config()
    for problem in _once_a_module(inspection.problems):
        completion.place(problem)
    return loaded_of(kept, config)


def _deadly(problems: tuple[Problem, ...]) -> frozenset[str]:
    """Name the modules that end, crash or hang whoever imports them."""
    return frozenset(problem.subject for problem in problems if problem.kind in _DEADLY)


_DEADLY = frozenset(
    {ProblemKind.IMPORT_EXITED, ProblemKind.IMPORT_CRASHED, ProblemKind.IMPORT_TIMED_OUT}
)


def _once_a_module(problems: tuple[Problem, ...]) -> Iterator[Problem]:
    """Tell what one module does to many tasks once, at the first of them."""
    groups: dict[Any, list[Problem]] = {}
    for problem in problems:
        of_module = (problem.kind, problem.message)
        groups.setdefault(of_module if problem.kind in _OF_MODULES else problem, []).append(problem)
    for first, *others in groups.values():
        tasks = dict.fromkeys(problem.task for problem in others if problem.task != first.task)
        names = [task for task in tasks if task is not None]
        rest = f" and {len(names) - _NAMED_MAX} more" if len(names) > _NAMED_MAX else ""
        note = f"the same for {', '.join(names[:_NAMED_MAX])}{rest}"
        yield attrs.evolve(first, notes=(*first.notes, note)) if names else first


_NAMED_MAX = 5
"""Tasks that are named; the others are counted."""


@define
class _Completion:
    """One loaded configuration and what the children said about it."""

    loaded: Config
    kept: Kept
    inspection: Inspection

    @property
    def main(self) -> Source:
        return self.kept.sources[0]

    def config(self) -> Config:
        """Add the discovered tasks."""
        tasks = dict(self.loaded.tasks)
        named = {task.procedure for task in tasks.values()}
        for declared in self.inspection.declared:
            if declared.described.path in named or not self._is_free(declared):
                continue
            self.kept.declared[declared.name] = declared
            task = self._task(declared)
            if task is not None:
                tasks[declared.name] = task
        config = attrs.evolve(self.loaded, tasks=tasks)
        if not self._has_unread_modules():
            for name in self.kept.overrides.keys() - self.kept.declared.keys():
                self._nothing_to_run(name)
            check_waiting(config, self.kept)
        return config

    def _has_unread_modules(self) -> bool:
        modules = self.loaded.linod.discover
        self.kept.has_unread_modules |= any(
            problem.task is None and (problem.subject in modules or problem.kind in _HIDING)
            for problem in self.inspection.problems
        )
        return self.kept.has_unread_modules

    def _is_free(self, declared: Declared) -> bool:
        """Refuse what is no name, and a name that another task has."""
        name = declared.name
        if not is_name(name):
            message = f"@linod.procedure of {declared.described.path}: {why_no_name(name)}"
            self._add("L060", message, defined(declared))
            return False
        former = self.kept.declared.get(name)
        if former is not None:
            if former.described.path == declared.described.path:
                return False
            other = f"{former.described.file}:{former.described.line}"
        elif name in self.loaded.tasks or name in self.loaded.chains:
            kind = "tasks" if name in self.loaded.tasks else "chains"
            place = self._place(self.kept.entries[kind, name], (), is_key=True)
            other = f"{place.file}:{place.line}:{place.column}"
        else:
            return True
        message = f'the task name "{name}" of {declared.described.path} is taken'
        self._add("L041", message, defined(declared), notes=(f"by {other}",))
        return False

    def _task(self, declared: Declared) -> Task | None:
        """Lay the keys of the file over those of the decorator over the defaults."""
        layer = self._declared_layer(declared)
        if layer is None:
            return None
        upper = self.kept.overrides.get(declared.name)
        source = self.main
        owner: Owner = declared
        if upper is not None:
            owner = self.kept.entries["tasks", declared.name]
            source = owner.source
            layer = merged(upper, layer)
        whole = merged(layer, self.kept.defaults[source.path])
        task = attrs.evolve(
            with_variables(filled(whole.task, self.kept), Telling(self.loaded, self.kept), owner),
            procedure=DottedPath(declared.described.path),
            description=whole.task.description or declared.described.summary or None,
        )
        if task.log_level is None and "log_level" not in whole.keys:
            level = LogLevel.WARNING if recurs_in_seconds(task.recurrence) else LogLevel.INFO
            task = attrs.evolve(task, log_level=level)
        return task

    def _declared_layer(self, declared: Declared) -> Layer | None:
        keys = dict(declared.keys)
        task, refusals = structure(without_off(keys), Task, declared.name)
        for refusal in refusals:
            refused = refusal.refused
            where = dotted(refusal.path)
            message = f"@linod.procedure of {declared.described.path}: {where}: {refused.reason}"
            self._add("L039", message, defined(declared), label=refused.label, help=refused.help)
        if task is None or refusals:
            return None
        if "recurrence" in keys and "recurrence" not in self._override_keys(declared.name):
            for remark in remarks_on(task, self.loaded.zone_of(task), self.kept.now):
                message = f"{declared.described.path}: {remark.message}"
                self._add(remark.code, message, defined(declared), help=remark.help)
        return Layer(absolute(task, self.main.directory), frozenset(keys))

    def _override_keys(self, name: str) -> frozenset[str]:
        layer = self.kept.overrides.get(name)
        return frozenset() if layer is None else layer.keys

    def _nothing_to_run(self, name: str) -> None:
        entry = self.kept.entries["tasks", name]
        advice = (
            "give one of procedure, command, shell, manage, or the name of a declared procedure"
        )
        message = f"{dotted(entry.path)}: nothing to run, and no discovered task has this name"
        place = self._place(entry, (), is_key=True)
        self._add("L057", message, place, help=advice)

    # -- problems -----------------------------------------------------------------------------

    def place(self, problem: Problem) -> None:
        """Put a problem where the file says what it is about."""
        code, meant = _CODES[problem.kind], did_you_mean(problem.suggestion)
        words = {"label": meant, "help": self._where_modules_are(problem)}
        if problem.task is None and problem.kind is ProblemKind.DECLARATION_INVALID:
            # What was meant stands in the module; the caret is under the name of the module.
            words = {"help": meant or None}
        for place in self._places_of(problem):
            self._add(code, problem.message, place, notes=problem.notes, **words)

    def _where_modules_are(self, problem: Problem) -> str | None:
        if problem.kind is not ProblemKind.MODULE_MISSING or problem.suggestion is not None:
            return None
        paths = ", ".join(str(path) for path in self.loaded.linod.import_path)
        return f"modules are looked for in {paths} (import_path), then where Python looks"

    def _places_of(self, problem: Problem) -> Iterator[Place]:
        if problem.task is None:
            yield self._place_of_module(problem.subject)
            return
        entry = self.kept.entries.get(("tasks", problem.task))
        declared = self.kept.declared.get(problem.task)
        if entry is not None and (declared is None or _is_written(entry, problem.key)):
            is_key = problem.kind in _ON_KEY
            keys = problem.key
            # What is missing has no place: the heading, or the procedure that wants it, has.
            if problem.kind is ProblemKind.ARGUMENT_MISSING and keys != ("only_if",):
                keys = ("arguments",) if "arguments" in entry.table else ("procedure",)
            yield self._place(entry, keys, is_key=is_key)
        elif declared is not None:
            yield defined(declared)
        else:
            yield Place(file=self.main.shown)

    def _place(self, entry: Entry, keys: Path, *, is_key: bool) -> Place:
        return entry.source.places.of(entry.path + keys, is_key=is_key)

    def _place_of_module(self, subject: str) -> Place:
        """Find a module of `discover`, or a callable of `setup`; others come with Django."""
        linod = self.main.data.get("linod", {})
        for key in ("discover", "setup"):
            listed = linod.get(key, ())
            for index, name in enumerate(listed):
                if name == subject or subject.startswith(f"{name}."):
                    return self.main.places.of(("linod", key, index))
        if "django" in linod:
            return self.main.places.of(("linod", "django"))
        return Place(file=self.main.shown)

    def _add(self, code: str, message: str, place: Place, **more: Any) -> None:
        self.kept.findings.diagnostics.append(Diagnostic(code, message, place, **more))


def _is_written(entry: Entry, keys: Path) -> bool:
    return bool(keys) and keys[0] in entry.table


def recurs_in_seconds(recurrence: Recurrence) -> bool:
    """Tell whether something is due more than once a minute, minute after minute."""
    return any(
        (isinstance(part, Interval) and part.seconds < 60)
        or (isinstance(part, Rule) and _fills_minutes(part))
        for part in recurrence.parts
    )


def _fills_minutes(rule: Rule) -> bool:
    is_every_few = rule.frequency is Frequency.SECONDLY and rule.interval < 60
    return len(rule.minutes) != 1 and (len(rule.seconds) > 1 or (is_every_few and not rule.seconds))

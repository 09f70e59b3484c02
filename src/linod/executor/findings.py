"""What the children of check said: claims of strangers; those without sense are dropped."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from attrs import evolve, fields

from linod.executor import wire
from linod.inspection import Declared, Described, Inspection, Problem, ProblemKind
from linod.specs import Task

_Said = TypeVar("_Said", Described, Declared, Problem)


class Findings:
    """What all children found, in order, once."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder.resolve()) + os.sep
        self._described: dict[str, Described] = {}
        self._declared: dict[str, Declared] = {}
        self._problems: dict[Problem, None] = {}
        self._told: set[str | None] = set()

    def add(self, found: list[dict[str, Any]]) -> None:
        """Take what a child said."""
        for message in found:
            with suppress(KeyError, TypeError, ValueError, AttributeError, RecursionError):
                self._add_one(message)

    def _add_one(self, message: dict[str, Any]) -> None:
        if "described" in message:
            described = self._read(message["described"])
            self._described.setdefault(described.path, described)
        elif "looked_at" in message:
            self._told.add(message["looked_at"])
        elif "declared" in message:
            self._declare(message["declared"])
        elif "problem" in message:
            self.add_problem(_problem_of(message["problem"], self._folder))

    def add_problem(self, problem: Problem) -> None:
        """Take a problem."""
        self._problems.setdefault(problem)
        self._told.add(problem.task)

    def has(self, task: Task, path: str) -> bool:
        """Tell whether anything was said about a task, or about what it calls."""
        return path in self._described or task.name in self._told

    def inspection(self) -> Inspection:
        """Return all of it."""
        return Inspection(
            procedures=self._described,
            declared=tuple(self._declared.values()),
            problems=tuple(self._problems),
        )

    def _declare(self, message: dict[str, Any]) -> None:
        described = self._read(message["described"])
        declared = _checked(
            Declared(name=message["name"], described=described, keys=wire.unpack(message["keys"]))
        )
        self._declared.setdefault(described.path, declared)
        self._described.setdefault(described.path, described)

    def _read(self, message: dict[str, Any]) -> Described:
        described = _checked(Described(**message))
        return evolve(described, file=described.file.removeprefix(self._folder))


def _problem_of(message: dict[str, Any], folder: str) -> Problem:
    return _checked(
        Problem(
            **{
                **message,
                "kind": ProblemKind(message["kind"]),
                "key": tuple(message["key"]),
                "notes": tuple(note.replace(folder, "") for note in message["notes"]),
            }
        )
    )


_TYPES = {
    "dict[str, Any]": dict,
    "str | None": str | None,
    **{kind.__name__: kind for kind in (str, int, bool, ProblemKind, Described)},
}


def _checked(said: _Said) -> _Said:
    """Raise TypeError where a child, or who speaks in its name, gives a field of another type."""
    for attribute in fields(type(said)):
        value = getattr(said, attribute.name)
        is_right = isinstance(value, _TYPES.get(str(attribute.type), object))
        if isinstance(value, tuple):
            is_right = all(type(item) in (str, int) for item in value)
        if not is_right:
            raise TypeError(attribute.name)
    return said

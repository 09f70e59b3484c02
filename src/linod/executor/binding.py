"""Binds a task's arguments to the signature of its procedure.

A `Plan` is made once per procedure: the parameters, their annotations resolved, a converter for
each. Checking and binding the arguments of a task is then a walk over a dict, so ten thousand
tasks take about a second.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from difflib import get_close_matches
from inspect import Parameter
from typing import Any

from attrs import frozen

from linod.executor.convert import Key, converter, refusals
from linod.executor.leaves import Moment
from linod.executor.resolve import resolve, underlying
from linod.inspection import Described, ProblemKind
from linod.run import Run

_RUN_NAMES = frozenset({"Run", "linod.Run", "linod.run.Run"})
_TEXT_MAX = 200
_DEFAULT_MAX = 40


@frozen
class Finding:
    """What is wrong with one argument."""

    kind: ProblemKind
    key: Key
    """Below the task: ("arguments", "since")."""
    message: str
    suggestion: str | None = None


@frozen
class Slot:
    """One parameter that arguments can fill."""

    name: str
    kind: Any
    default: Any
    convert: Callable[[Any], Any]

    @property
    def is_required(self) -> bool:
        """Say whether it has to be given."""
        return self.default is Parameter.empty

    @property
    def is_positional_only(self) -> bool:
        """Say whether it has to be given by place."""
        return self.kind is Parameter.POSITIONAL_ONLY


class Unbindable(TypeError):  # noqa: N818 - it reads as what happened
    """The arguments do not fit the signature."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("; ".join(finding.message for finding in findings))
        self.findings = findings


class Plan:
    """How the arguments of one procedure are bound."""

    def __init__(self, path: str, function: Any) -> None:
        self.path = path
        self.function = function
        self.name = path.rpartition(".")[2]
        self._moment = Moment()
        signature = inspect.signature(function)
        hints = _hints(function, signature)
        self.takes_run = _takes_run(signature, hints)
        self.is_async = _is_async(function)
        self._slots, self._rest = self._read(signature, hints)
        self.described = _describe(path, function, signature, takes_run=self.takes_run)

    def check(self, arguments: dict[str, Any]) -> list[Finding]:
        """Return what is wrong with the arguments, in the order of the file; [] if nothing."""
        findings = [self._unknown(name) for name in arguments if self._convert(name) is None]
        # A misspelt name is one slip, not two.
        given = arguments.keys() | {finding.suggestion for finding in findings}
        for slot in self._slots.values():
            if slot.is_required and slot.name not in given:
                findings.append(self._missing(slot.name))
        for name, value in arguments.items():
            findings += self._refused(name, value)
        return findings

    def bind(
        self, arguments: dict[str, Any], due: datetime, run: Run
    ) -> tuple[list[Any], dict[str, Any]]:
        """Return what to call the procedure with; raise Unbindable."""
        if not arguments and not any(slot.is_required for slot in self._slots.values()):
            return ([run] if self.takes_run else []), {}
        self._moment.due = due
        if findings := self.check(arguments):
            raise Unbindable(findings)
        positional = [run] if self.takes_run else []
        return positional + self._by_place(arguments), self._by_name(arguments)

    def _read(
        self, signature: inspect.Signature, hints: dict[str, Any]
    ) -> tuple[dict[str, Slot], Callable[[Any], Any] | None]:
        made = converter(self._moment)
        slots: dict[str, Slot] = {}
        rest = None
        parameters = list(signature.parameters.values())[1 if self.takes_run else 0 :]
        for parameter in parameters:
            convert = _hook(made, hints.get(parameter.name, Any))
            if parameter.kind is Parameter.VAR_KEYWORD:
                rest = convert
            elif parameter.kind is not Parameter.VAR_POSITIONAL:
                slots[parameter.name] = Slot(
                    parameter.name, parameter.kind, parameter.default, convert
                )
        return slots, rest

    def _convert(self, name: str) -> Callable[[Any], Any] | None:
        slot = self._slots.get(name)
        return slot.convert if slot is not None else self._rest

    def _by_place(self, arguments: dict[str, Any]) -> list[Any]:
        """Convert those without a name; where one is left out before another, its default."""
        slots = [slot for slot in self._slots.values() if slot.is_positional_only]
        while slots and slots[-1].name not in arguments:
            slots.pop()
        return [
            slot.convert(arguments[slot.name]) if slot.name in arguments else slot.default
            for slot in slots
        ]

    def _by_name(self, arguments: dict[str, Any]) -> dict[str, Any]:
        by_place = {slot.name for slot in self._slots.values() if slot.is_positional_only}
        named: dict[str, Any] = {}
        for name, value in arguments.items():
            convert = self._convert(name)
            if convert is not None and name not in by_place:
                named[name] = convert(value)
        return named

    def _unknown(self, name: str) -> Finding:
        names = list(self._slots)
        close = get_close_matches(name, names, 1)
        return Finding(
            ProblemKind.ARGUMENT_UNKNOWN,
            ("arguments", name),
            f'{self.name}() has no parameter "{name}"'
            + ("" if names else ": it takes no arguments"),
            close[0] if close else None,
        )

    def _missing(self, name: str) -> Finding:
        return Finding(
            ProblemKind.ARGUMENT_MISSING,
            ("arguments",),
            f'{self.name}() needs the argument "{name}"',
        )

    def _refused(self, name: str, value: Any) -> list[Finding]:
        convert = self._convert(name)
        if convert is None:
            return []
        try:
            convert(value)
        except Exception as error:  # noqa: BLE001 - user classes raise anything when made
            return [
                Finding(
                    ProblemKind.ARGUMENT_INVALID,
                    ("arguments", name, *key),
                    f"{name}: {message}",
                )
                for key, message in refusals(error)
            ]
        return []


def plan_of(path: str) -> Plan:
    """Resolve a dotted path and plan its binding; raises Unresolved."""
    return Plan(path, resolve(path))


def _hook(made: Any, hint: Any) -> Callable[[Any], Any]:
    target = Any if isinstance(hint, typing.TypeVar) else hint
    try:
        hook = made.get_structure_hook(target)
    except Exception as error:  # noqa: BLE001 - hints can be anything
        text = f"linod cannot make {_annotation(hint)} of a value of TOML: {error}"

        def refuse(_: Any) -> Any:
            raise ValueError(text)

        return refuse
    return lambda value: hook(value, target)


def _hints(function: Any, signature: inspect.Signature) -> dict[str, Any]:
    """Resolve annotations, each by itself: one that cannot be resolved is as if not there."""
    body = underlying(function)
    names = getattr(body, "__globals__", {})
    with suppress(Exception):
        return typing.get_type_hints(body, include_extras=True)
    hints = {}
    for parameter in signature.parameters.values():
        if parameter.annotation is Parameter.empty:
            continue
        stub = types.SimpleNamespace(__annotations__={"hint": parameter.annotation})
        try:
            hints[parameter.name] = typing.get_type_hints(stub, names, include_extras=True)["hint"]
        except Exception:  # noqa: BLE001 - user text is evaluated
            hints[parameter.name] = _if_run(parameter.annotation)
    return hints


def _if_run(annotation: Any) -> Any:
    """`run: linod.Run` under `if TYPE_CHECKING` is a run all the same."""
    is_run = isinstance(annotation, str) and annotation.strip("\"'") in _RUN_NAMES
    return Run if is_run else Any


def _is_async(function: Any) -> bool:
    """Tell whether a call gives something to await; a callable object may have such a method."""
    is_known = inspect.iscoroutinefunction(inspect.unwrap(function))
    return is_known or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


def _takes_run(signature: inspect.Signature, hints: dict[str, Any]) -> bool:
    first = next(iter(signature.parameters.values()), None)
    if first is None or first.kind not in (
        Parameter.POSITIONAL_ONLY,
        Parameter.POSITIONAL_OR_KEYWORD,
    ):
        return False
    hint = hints.get(first.name)
    return hint is Run or Run in typing.get_args(hint)


def _describe(
    path: str, function: Any, signature: inspect.Signature, *, takes_run: bool
) -> Described:
    body = underlying(function)
    code = getattr(body, "__code__", None)
    return Described(
        path=path,
        signature=f"{path}{_render(signature)}",
        file=getattr(code, "co_filename", ""),
        line=getattr(code, "co_firstlineno", 0) if code else 0,
        summary=_summary(function, body),
        is_async=inspect.iscoroutinefunction(body),
        takes_run=takes_run,
    )


def _summary(function: Any, body: Any) -> str:
    text = getattr(body, "__doc__", None) or ""
    if inspect.isfunction(function):
        text = function.__doc__ or ""
    lines = str(text).strip().splitlines()
    return lines[0].strip()[:_TEXT_MAX] if lines else ""


def _render(signature: inspect.Signature) -> str:
    """Write a signature as a person would, with names of classes without their modules."""
    parts: list[str] = []
    former: Any = None
    for parameter in signature.parameters.values():
        parts += _separators(former, parameter.kind)
        parts.append(_render_parameter(parameter))
        former = parameter.kind
    if former is Parameter.POSITIONAL_ONLY:
        parts.append("/")
    return f"({', '.join(parts)})"


def _separators(former: Any, kind: Any) -> Iterable[str]:
    if former is Parameter.POSITIONAL_ONLY and kind is not Parameter.POSITIONAL_ONLY:
        yield "/"
    is_bare = former not in (Parameter.VAR_POSITIONAL, Parameter.KEYWORD_ONLY)
    if kind is Parameter.KEYWORD_ONLY and is_bare:
        yield "*"


_STARS: dict[Any, str] = {Parameter.VAR_POSITIONAL: "*", Parameter.VAR_KEYWORD: "**"}


def _render_parameter(parameter: Parameter) -> str:
    text = _STARS.get(parameter.kind, "") + parameter.name
    is_annotated = parameter.annotation is not Parameter.empty
    if is_annotated:
        text += f": {_annotation(parameter.annotation)}"
    if parameter.default is not Parameter.empty:
        equals = " = " if is_annotated else "="
        text += equals + _default(parameter.default)
    return text


def _annotation(annotation: Any) -> str:
    if isinstance(annotation, str):
        return annotation[:_TEXT_MAX]
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return str(annotation.__qualname__)
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        names = (_annotation(argument) for argument in arguments)
        return " | ".join("None" if name == "NoneType" else name for name in names)
    with suppress(Exception):
        text = str(inspect.formatannotation(annotation))
        return text.replace("typing.", "")[:_TEXT_MAX]
    return "…"


def _default(default: Any) -> str:
    try:
        text = repr(default)
    except Exception:  # noqa: BLE001 - a __repr__ of user code
        return "…"
    return text if len(text) <= _DEFAULT_MAX and text.isprintable() else "…"

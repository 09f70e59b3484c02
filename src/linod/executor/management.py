"""Django in keepers, in the children of check and in workers: set up, discovered, commanded.

Rules of this border:
- A management command is called like a procedure without parameters: what holds for the end of
  those holds for it.
- Its module is imported in the keeper to have it warm. Why one cannot be imported is told by the
  worker, which tries again, so that it fails its own runs only.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from difflib import get_close_matches
from typing import Any

from linod.errors import LinodError
from linod.executor import around, calling, resolve
from linod.executor.binding import Plan
from linod.executor.calling import Planned
from linod.executor.resolve import Unresolved
from linod.inspection import ProblemKind
from linod.integrations.django import bridge
from linod.run import Run


class DjangoFailed(LinodError):  # noqa: N818 - it reads as what happened
    """Django cannot be set up."""

    def __init__(self, message: str, notes: tuple[str, ...], suggestion: str | None = None) -> None:
        super().__init__(message)
        self.notes = notes
        self.suggestion = suggestion


def set_up(settings: str) -> None:
    """Set up Django with these settings; raise DjangoFailed where that is not possible."""
    bridge.use_settings(settings)
    try:
        bridge.require()
        resolve.import_by_name(settings)
        bridge.set_up()
    except bridge.DjangoMissing as error:
        raise DjangoFailed(str(error), ()) from error
    except Unresolved as error:
        message = f"django: {error.message}"
        raise DjangoFailed(message, error.notes, error.suggestion) from error.origin
    except BaseException as error:
        message = f"Django cannot be set up with {settings}: {resolve.one_line(error)}"
        raise DjangoFailed(message, resolve.last_lines(error)) from error
    around.add(around.Around(bridge.put_connections_aside, bridge.close_connections))


def warm() -> None:
    """Have ready what nearly every run wants; what cannot be had is told by those that want it."""
    with suppress(Exception):
        bridge.warm()


def module_of_command(name: str) -> str:
    """Return the module of a management command, or raise Unresolved."""
    known = bridge.command_modules()
    if name in known:
        return known[name]
    close = get_close_matches(name, known, 1)
    raise Unresolved(
        ProblemKind.COMMAND_UNKNOWN,
        f'there is no management command "{name}"',
        subject=name,
        suggestion=close[0] if close else None,
    )


def imported(name: str) -> Any:
    """Import the module of a management command, or raise Unresolved."""
    module = resolve.import_by_name(module_of_command(name))
    if not callable(getattr(module, "Command", None)):
        message = f"{module.__name__} has no class Command"
        raise Unresolved(ProblemKind.NAME_MISSING, message, subject=module.__name__)
    return module


def check(words: list[str]) -> None:
    """Raise Unresolved if a command line would not be taken."""
    name, *rest = words
    module = imported(name)
    try:
        refusal = bridge.refusal(module, name, rest)
    except Exception as error:
        message = f"{name} cannot read its arguments: {resolve.one_line(error)}"
        notes = resolve.last_lines(error)
        raise Unresolved(ProblemKind.COMMAND_REFUSED, message, subject=name, notes=notes) from error
    if refusal is not None:
        raise Unresolved(ProblemKind.COMMAND_REFUSED, f"{name}: {refusal}", subject=name)


def managed(words: list[str], run: Run) -> dict[str, Any]:
    """Execute a management command; return how it ended."""
    planned: Planned
    try:
        planned = calling.within_limit(lambda: _plan(words))
    except Unresolved as error:
        planned = error
    return calling.called(f"manage.{words[0]}", planned, {}, run)


def _plan(words: list[str]) -> Plan:
    name, *rest = words
    module = imported(name)

    def command() -> None:
        sys.argv = ["manage.py", *words]  # some commands look
        try:
            bridge.execute(module, name, rest)
        except bridge.CommandFailed as error:
            origin = error.__cause__ or error
            raise calling.Failed(str(error), origin, exit_status=error.status) from error

    return Plan(f"manage.{name}", command)

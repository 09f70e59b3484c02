"""The keeper as describer: imports what a configuration names and says what it found.

Two processes: the outer one holds no user code and waits; the inner one, its child, imports. So
a module that kills its parent at import hits the outer one, not the daemon. Each result is a JSON
line on the result pipe; before each import the module is announced, so that whoever started us
knows which one ended, hung or crashed the process. Between two modules the inner process asks for
a sign of life of the outer one, so that who killed it is not taken for the next.
"""

from __future__ import annotations

import faulthandler
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import date, time, timedelta
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import Any, NoReturn

import attrs

from linod.errors import LinodError
from linod.executor import management, privileges, resolve, tree, wire
from linod.executor.binding import Finding, Plan
from linod.executor.keeper import guarded, open_import_path, planned, set_up, thread_count
from linod.executor.messages import module_of
from linod.executor.resolve import Unresolved
from linod.inspection import Described, Problem, ProblemKind
from linod.integrations.django import bridge
from linod.run import MARK
from linod.specs import Task
from linod.units import format_duration

_LIFE_POLL_S = 0.05
_TASK_KEYS = {attribute.name for attribute in attrs.fields(Task)} - {
    "file_env",
    "procedure",
    "command",
    "shell",
    "manage",
}


def describe(request: int, result: int, fault: int, going: int) -> int:
    """Answer the request in a child of this process, then end what is left of it.

    It is there when `going` can be read; at its end nobody asks.
    """
    if not os.read(going, 1):
        return 0
    os.close(going)
    wanted = json.loads(os.pread(request, os.fstat(request).st_size, 0))
    os.set_inheritable(result, False)
    os.set_inheritable(fault, False)
    try:
        privileges.drop(wanted["user"], wanted["group"])
    except LinodError as error:
        os.write(result, wire.encode({"unusable": str(error)}))
        return 1
    privileges.adopt_orphans()
    parent = os.getpid()
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        ours.close()
        _describe(Describer(wanted, result, theirs), fault, parent)
    theirs.close()
    status = _wait(pid, ours)
    tree.kill_all(lambda table: tree.descendants([parent], table))
    code = os.waitstatus_to_exitcode(status)
    with suppress(OSError):
        os.write(result, wire.encode({"status": code}))
    return 0


def _wait(pid: int, ours: socket.socket) -> int:
    """Give signs of life until the inner process ends; return its wait status."""
    while True:
        if select.select([ours], [], [], _LIFE_POLL_S)[0]:
            try:
                is_asked = ours.send(ours.recv(1)) > 0
            except OSError:
                is_asked = False
            if not is_asked:
                return os.waitpid(pid, 0)[1]
        # What a module forked may keep the socket open.
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return status


def _describe(describer: Describer, fault: int, parent: int) -> NoReturn:
    """Be the inner process."""
    status = 1
    try:
        privileges.die_with_parent(parent)
        faulthandler.enable(fault)
        # Where it hangs is told when whoever waits for us gives up.
        faulthandler.register(signal.SIGUSR1, fault)
        describer.work()
        status = 0
    finally:
        with suppress(BaseException):
            sys.stderr.flush()
        os._exit(status)


class Describer:
    """Imports, binds, and writes down what it finds."""

    def __init__(self, wanted: dict[str, Any], result: int, outer: socket.socket) -> None:
        self._wanted = wanted
        self._outer = outer
        self._result = open(result, "wb")  # noqa: SIM115 - it lives as long as the process
        self._skipped = set(wanted["skip"])
        self._plans: dict[str, Plan | Unresolved] = {}

    def work(self) -> None:
        """Do all that is wanted."""
        open_import_path(self._wanted["import_path"])
        if self._wanted["django"] is not None and not self._set_up_django(self._wanted["django"]):
            return self._finish()
        for path in self._wanted["setup"]:
            self._announce(path)
            try:
                set_up(path)
            except LinodError as error:
                self._problem(ProblemKind.SETUP_FAILED, str(error), subject=path)
                return self._finish()
        for path, calls in self._wanted["procedures"]:
            if module_of(path) not in self._skipped:
                self._bind_all(path, calls)
        for task, words in self._wanted["manage"]:
            self._check_command(task, words)
        for module in self._modules():
            if module not in self._skipped:
                self._discover(module)
        return self._finish()

    def _finish(self) -> None:
        self._ask_for_life()
        self._say({"done": True})
        self._result.flush()

    def _say(self, message: dict[str, Any]) -> None:
        self._result.write(wire.encode(message))

    def _ask_for_life(self) -> None:
        self._outer.send(b"?")
        if not self._outer.recv(1):
            os._exit(1)

    def _announce(self, module: str) -> None:
        self._ask_for_life()
        self._say({"importing": module})
        # Nothing may wait in the buffer: a module that forks would write it twice.
        self._result.flush()

    def _problem(self, kind: ProblemKind, message: str, **fields: Any) -> None:
        problem = Problem(kind=kind, message=message[:2000], **fields)
        self._say({"problem": attrs.asdict(problem)})

    # -- Django -------------------------------------------------------------------------------

    def _set_up_django(self, settings: str) -> bool:
        self._announce(settings)
        try:
            guarded(lambda: management.set_up(settings))
        except management.DjangoFailed as error:
            self._problem(
                ProblemKind.DJANGO_FAILED,
                str(error),
                subject=settings,
                suggestion=error.suggestion,
                notes=error.notes,
            )
            return False
        return True

    def _check_command(self, task: str, words: list[str]) -> None:
        """Look whether a management command is there and takes its arguments."""
        self._say({"looked_at": task})
        try:
            module = management.module_of_command(words[0])
            if module in self._skipped:
                return
            before = thread_count()
            self._announce(module)
            guarded(lambda: management.check(words))
        except Unresolved as error:
            self._unresolved(error, task, ("manage",))
            return
        if thread_count() > before:
            self._threads(module, task, ("manage",))

    # -- procedures ---------------------------------------------------------------------------

    def _bind_all(self, path: str, calls: list[tuple[str, str, Any]]) -> None:
        """Bind a procedure for all that call it: task, key that names it, arguments."""
        plan, has_threads = self._plan(path)
        if has_threads:
            task, key, _ = calls[0]
            self._threads(module_of(path), task, (key,))
        if isinstance(plan, Unresolved):
            for task, key, _ in calls:
                self._unresolved(plan, task, (key,))
            return
        self._say({"described": attrs.asdict(plan.described)})
        for task, key, packed in calls:
            findings = plan.check(wire.unpack(packed))
            if key == "only_if":
                findings = [_of_only_if(finding) for finding in findings]
            self._tell(plan, task, findings)

    def _plan(self, path: str) -> tuple[Plan | Unresolved, bool]:
        before = thread_count()
        self._announce(module_of(path))
        plan: Plan | Unresolved = guarded(lambda: planned(path))
        return plan, thread_count() > before

    def _tell(self, plan: Plan, task: str, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self._problem(
                finding.kind,
                finding.message,
                task=task,
                subject=plan.path,
                key=finding.key,
                suggestion=finding.suggestion,
                notes=(_place(plan.described),),
            )

    def _unresolved(
        self, error: Unresolved, task: str | None, key: tuple[str | int, ...] = ()
    ) -> None:
        self._problem(
            error.kind,
            error.message,
            task=task,
            subject=error.subject,
            key=key,
            suggestion=error.suggestion,
            notes=error.notes,
        )

    def _threads(self, module: str, task: str | None, key: tuple[str | int, ...] = ()) -> None:
        self._problem(
            ProblemKind.STARTS_THREADS,
            f"{module} starts threads when it is imported: each run imports it anew, which is slow",
            task=task,
            subject=module,
            key=key,
        )

    # -- discover -----------------------------------------------------------------------------

    def _modules(self) -> list[str]:
        """List the modules of discover, then those of the apps."""
        named: list[str] = self._wanted["discover"]
        if self._wanted["discovers_apps"]:
            return list(dict.fromkeys([*named, *bridge.task_modules()]))
        return named

    def _discover(self, name: str) -> None:
        before = thread_count()
        self._announce(name)
        try:
            module = guarded(lambda: resolve.import_by_name(name))
        except Unresolved as error:
            self._unresolved(error, None)
            return
        if thread_count() > before:
            self._threads(name, None)
        for attribute, function in list(vars(module).items()):
            keys = _keys_of(function)
            if keys is not None and _is_of(function, name):
                self._declare(f"{name}.{attribute}", keys)

    def _declare(self, path: str, keys: dict[str, Any]) -> None:
        plan = planned(path)
        if isinstance(plan, Unresolved):
            self._unresolved(plan, None)
            return
        given, problems = _checked_keys(keys)
        for message, suggestion in problems:
            self._problem(
                ProblemKind.DECLARATION_INVALID,
                f"@linod.procedure of {path}: {message}",
                subject=path,
                suggestion=suggestion,
                notes=(_place(plan.described),),
            )
        # Its arguments are bound when the file had its word on them: as those of a task.
        name = given.pop("name", path.rpartition(".")[2])
        self._say(
            {
                "declared": {
                    "name": str(name),
                    "described": attrs.asdict(plan.described),
                    "keys": wire.pack(given),
                }
            }
        )


def _of_only_if(finding: Finding) -> Finding:
    """Say at its key, for no arguments are written for it."""
    message = f"{finding.message}, but only_if gives none"
    return attrs.evolve(finding, key=("only_if",), message=message)


def _keys_of(function: Any) -> dict[str, Any] | None:
    try:
        keys = getattr(function, MARK, None)
    except Exception:  # noqa: BLE001 - a __getattr__ of user code
        return None
    return keys if isinstance(keys, dict) else None


def _is_of(function: Any, module: str) -> bool:
    """A package may gather what its modules declare; what comes from elsewhere is not its own."""
    home = getattr(function, "__module__", None)
    return isinstance(home, str) and (home + ".").startswith(module + ".")


def _place(described: Described) -> str:
    return f"{described.signature}, {described.file}:{described.line}"


def _checked_keys(keys: dict[str, Any]) -> tuple[dict[str, Any], Iterable[tuple[str, str | None]]]:
    """Split what the decorator was given into values fit for TOML, and what is wrong."""
    given: dict[str, Any] = {}
    problems: list[tuple[str, str | None]] = []
    for name, value in keys.items():
        if name not in _TASK_KEYS:
            close = get_close_matches(name, sorted(_TASK_KEYS), 1)
            problems.append((f'a task has no key "{name}"', close[0] if close else None))
            continue
        try:
            given[name] = _plain(value)
        except ValueError as error:
            problems.append((f"{name}: {error}", None))
    return given, problems


def _plain(value: Any, depth: int = 0) -> Any:
    """Turn what a person writes in Python into what TOML would hold."""
    if depth > 32:
        raise ValueError("it is nested too deeply")
    if isinstance(value, Enum):
        return _plain(value.value, depth + 1)
    if isinstance(value, bool | int | float | str | date | time):
        return value
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, dict) and all(isinstance(name, str) for name in value):
        return {name: _plain(item, depth + 1) for name, item in value.items()}
    raise ValueError(f"{type(value).__name__} is no value of linod.toml")

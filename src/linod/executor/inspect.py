"""Looks at user code from outside: children import it, and whatever it does stays there.

Rules of this border:
- One child per (user, group, import_env), as for keepers; in the task's user and group when root.
- A module that ends, crashes or hangs its child becomes a problem that names it, and a new child
  goes on without it. The time is bounded, for one module and in all; so is what is read.
- A child runs as the user of its tasks: what it says is untrusted, and dropped if it has no sense.
- Nothing of a child lives on: its whole tree is killed at the end.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any

from attrs import frozen

from linod.executor import messages, privileges, tree, wire
from linod.executor.findings import Findings
from linod.executor.link import program
from linod.executor.messages import KeeperKey, calls_of, module_of
from linod.inspection import Inspection, Problem, ProblemKind
from linod.specs import Config, Task

# Of the time that is left: numpy and Django on a cold disk take seconds, a loop takes for ever;
# so those that hang leave time for the others, however many they are.
_SHARE_OF_ONE = 3
_RESULT_MAX = 256 * 1024 * 1024
_LINE_MAX = 4 * 1024 * 1024
_STDERR_MAX = 4096
_FAULT_MAX = 16 * 1024
_NOTES_MAX = 8
_POLL_S = 0.05


def inspect(
    config: Config,
    timeout_s: float = 60,
    *,
    environ: Mapping[str, str] | None = None,
    is_discovering: bool = True,
) -> Inspection:
    """Import, describe and bind all that a configuration names; blocks, so call it in a thread.

    Args:
        config: The configuration.
        timeout_s: Time in all; one module gets at most a third of what is left of it.
        environ: Environment of the children; ours if not given.
        is_discovering: False looks at the tasks alone.
    """
    limit = time.monotonic() + timeout_s
    own = dict(os.environ if environ is None else environ)
    findings = Findings(config.path.parent)
    groups = _groups(config, is_discovering)
    for key, tasks in groups.items():
        # What is discovered is for our own keeper, or for the only one there is.
        is_first = is_discovering and (key == _OWN or (_OWN not in groups and len(groups) == 1))
        _Group(config, key, tasks, own, limit, findings, is_first).inspect()
    return findings.inspection()


_OWN = KeeperKey(None, None, ())


def _groups(config: Config, is_discovering: bool) -> dict[KeeperKey, list[Task]]:
    """Sort the tasks by keeper; where there is something to discover or to set up, with our own."""
    groups: dict[KeeperKey, list[Task]] = {}
    for task in config.tasks.values():
        if _imports(task) or task.user is not None or task.group is not None:
            groups.setdefault(KeeperKey.of(task), []).append(task)
    is_needed = is_discovering and (config.linod.is_discovering or config.linod.setup)
    if is_needed and _OWN not in groups and len(groups) != 1:
        groups[_OWN] = []
    return groups


def _imports(task: Task) -> dict[str, str]:
    """Return what a task has imported, by key: procedures, and the name of a command."""
    paths = calls_of(task)
    return paths if task.manage is None else {**paths, "manage": task.manage[0]}


def _is_of(module: str, key: str, path: str) -> bool:
    """Tell whether a module was imported for what a task names under a key."""
    if key == "manage":
        return module.endswith(f".management.commands.{path}")
    return module_of(path) == module


@frozen
class _Death:
    """How a child ended before it was done."""

    module: str | None
    kind: ProblemKind
    how: str
    notes: tuple[str, ...]


class _Group:
    """The tasks of one keeper, looked at by as many children as it takes."""

    def __init__(
        self,
        config: Config,
        key: KeeperKey,
        tasks: list[Task],
        environ: dict[str, str],
        limit: float,
        findings: Findings,
        is_discovering: bool,
    ) -> None:
        self._config = config
        self._key = key
        self._tasks = tasks
        self._environ = environ
        self._limit = limit
        self._findings = findings
        self._is_discovering = is_discovering
        self._skip: list[str] = []

    def inspect(self) -> None:
        """Start children until one comes to its end."""
        if self._is_user_unknown():
            return
        while True:
            try:
                child = _Child(self._request(), self._key.environ(self._environ), self._config)
            except OSError as error:
                how = f"the child cannot be started: {error.strerror}"
                self._give_up(_Death(None, ProblemKind.IMPORT_CRASHED, how, ()))
                return
            death = child.listen(self._limit)
            if death is None or death.module is None or death.module in self._skip:
                break
            self._skip.append(death.module)
            self._blame(death)
            if death.module in (*self._config.linod.setup, self._django()):
                return
        self._findings.add(child.found)
        if death is not None:
            self._give_up(death)

    def _request(self) -> dict[str, Any]:
        procedures: dict[str, list[tuple[str, str, Any]]] = {}
        for task in self._tasks:
            for key, path in calls_of(task).items():
                arguments = wire.pack(task.arguments if key == "procedure" else {})
                procedures.setdefault(path, []).append((task.name, key, arguments))
        commands = [(task.name, task.manage) for task in self._tasks if task.manage]
        is_importing = bool(procedures or commands or self._is_discovering)
        return {
            "user": self._key.user,
            "group": self._key.group,
            "import_path": [str(path) for path in self._config.linod.import_path],
            "django": self._django() if is_importing else None,
            "setup": list(self._config.linod.setup) if is_importing else [],
            "procedures": list(procedures.items()),
            "manage": commands if self._django() is not None else [],
            "discover": list(self._config.linod.discover) if self._is_discovering else [],
            "discovers_apps": self._is_discovering and self._django() is not None,
            "skip": self._skip,
        }

    def _django(self) -> str | None:
        return messages.django_of(self._config, self._key)

    def _is_user_unknown(self) -> bool:
        try:
            privileges.check(self._key.user, self._key.group)
        except privileges.UserUnknown as error:
            name = "user" if error.is_user else "group"
            for task in self._tasks:
                self._findings.add_problem(
                    Problem(
                        kind=ProblemKind.USER_UNKNOWN,
                        message=str(error),
                        task=task.name,
                        subject=getattr(task, name) or "",
                        key=(name,),
                    )
                )
            return True
        return False

    def _blame(self, death: _Death) -> None:
        """Say of a module what it did, to everyone who named it."""
        module = death.module or ""
        message = f"{module} {death.how}"
        if module == self._django():
            self._add(ProblemKind.DJANGO_FAILED, f"django: {message}", None, (), module, death)
            return
        if module in self._config.linod.setup:
            self._add(ProblemKind.SETUP_FAILED, f"setup failed: {message}", None, (), module, death)
        is_app = module.endswith(".tasks") and self._is_discovering and self._django() is not None
        if module in self._config.linod.discover or is_app:
            self._add(death.kind, message, None, (), module, death)
        for task in self._tasks:
            for key, path in _imports(task).items():
                if _is_of(module, key, path):
                    self._add(death.kind, message, task.name, (key,), module, death)

    def _give_up(self, death: _Death) -> None:
        """Nothing more can be found out: the time is up, or it is not a module's doing."""
        end = f"was not looked at to the end: {death.how}"
        for task in self._tasks:
            for key, path in _imports(task).items():
                if not self._findings.has(task, path):
                    self._add(death.kind, f"{path} {end}", task.name, (key,), path, death)
        for module in self._config.linod.discover if self._is_discovering else ():
            if module not in self._skip:
                self._add(death.kind, f"{module} {end}", None, (), module, death)

    def _add(
        self,
        kind: ProblemKind,
        message: str,
        task: str | None,
        key: tuple[str | int, ...],
        subject: str,
        death: _Death,
    ) -> None:
        self._findings.add_problem(
            Problem(
                kind=kind, message=message, task=task, key=key, subject=subject, notes=death.notes
            )
        )


class _Child:
    """One child: its process, and what it says until it is done or dead."""

    def __init__(self, request: dict[str, Any], environ: dict[str, str], config: Config) -> None:
        self.found: list[dict[str, Any]] = []
        self._importing: str | None = None
        self._since = time.monotonic()
        self._is_done = False
        self._status: int | None = None
        self._unusable: str | None = None
        self._stderr = bytearray()
        self._buffer = wire.LineBuffer(_LINE_MAX)
        self._taken = 0
        self._fault = tempfile.TemporaryFile()  # noqa: SIM115 - closed in _clear
        self._result, result = os.pipe()
        try:
            self._process = _started(request, result, self._fault.fileno(), environ, config)
        except OSError:
            os.close(self._result)
            self._fault.close()
            raise
        finally:
            os.close(result)

    def listen(self, limit: float) -> _Death | None:
        """Take what the child says; return how it died if it was not done."""
        try:
            return self._listen((limit - time.monotonic()) / _SHARE_OF_ONE, limit)
        finally:
            self._clear()

    def _listen(self, module_s: float, limit: float) -> _Death | None:
        stderr = self._process.stderr
        assert stderr is not None
        with selectors.DefaultSelector() as selector:
            for stream in (self._result, stderr.fileno()):
                os.set_blocking(stream, False)
                selector.register(stream, selectors.EVENT_READ)
            while not self._is_done and self._status is None:
                for key, _ in selector.select(_POLL_S):
                    if not self._read(key.fd):
                        selector.unregister(key.fd)
                if self._process.poll() is not None:
                    self._read_rest(stderr)
                    break
                now = time.monotonic()
                if now > limit:
                    how = "the time for all modules is up"
                    return _Death(None, ProblemKind.IMPORT_TIMED_OUT, how, ())
                is_hung = self._importing is not None and now - self._since > module_s
                if is_hung or self._taken > _RESULT_MAX:
                    return self._hung(now - self._since)
            return None if self._is_done else self._death()

    def _read(self, descriptor: int) -> bool:
        """Take what a pipe has; False at its end."""
        try:
            data = os.read(descriptor, wire.READ_MAX)
        except BlockingIOError:
            return True
        if descriptor == self._result:
            self._take(data)
        else:
            self._stderr = (self._stderr + data)[-_STDERR_MAX:]
        return bool(data)

    def _read_rest(self, stderr: IO[bytes]) -> None:
        for descriptor in (self._result, stderr.fileno()):
            before = -1
            while before != self._taken and self._read(descriptor):
                before = self._taken

    def _take(self, data: bytes) -> None:
        self._taken += len(data)
        for line in self._buffer.feed(data):
            message = wire.decode(line) or {}
            if "importing" in message:
                self._importing = str(message["importing"])
                self._since = time.monotonic()
            elif type(message.get("status")) is int:
                self._status = message["status"]
            elif "unusable" in message:
                self._unusable = str(message["unusable"])
            elif "done" in message:
                self._is_done = True
            else:
                self.found.append(message)

    def _hung(self, after_s: float) -> _Death:
        self._ask_where()
        how = f"was still being imported after {after_s:.0f} s"
        return _Death(self._importing, ProblemKind.IMPORT_TIMED_OUT, how, self._notes())

    def _ask_where(self) -> None:
        """Let the inner process say where it is, for a moment."""
        table = tree.processes()
        for pid in tree.descendants([self._process.pid], table):
            if table[pid].parent == self._process.pid:
                tree.send(signal.SIGUSR1, table[pid])
        time.sleep(_POLL_S)

    def _death(self) -> _Death:
        status = self._status
        if self._importing is None:
            how = self._unusable or f"the child ended ({_how(self._process.returncode or 0)})"
            return _Death(None, ProblemKind.IMPORT_CRASHED, how, self._notes())
        if status is None:
            how = f"killed the process that waits for it ({_how(self._process.returncode)})"
            return _Death(self._importing, ProblemKind.IMPORT_CRASHED, how, self._notes())
        kind = ProblemKind.IMPORT_CRASHED if status < 0 else ProblemKind.IMPORT_EXITED
        verb = "crashes" if status < 0 else "ends the process"
        how = f"{verb} when it is imported: {_how(status)}"
        return _Death(self._importing, kind, how, self._notes())

    def _notes(self) -> tuple[str, ...]:
        """The last lines: of the fault, innermost frame first, or else of stderr."""
        self._fault.seek(0)
        fault = self._fault.read(_FAULT_MAX).decode("utf-8", "replace").splitlines()
        lines = [line for line in fault if line.strip() and not _is_noise(line)]
        if not lines:
            lines = bytes(self._stderr).decode("utf-8", "replace").splitlines()[-_NOTES_MAX:]
        return tuple(line[:300] for line in lines[:_NOTES_MAX])

    def _clear(self) -> None:
        """End all of the child's tree."""
        pid = self._process.pid
        with suppress(OSError):
            os.killpg(pid, signal.SIGSTOP)
        tree.kill_all(lambda table: tree.of_session(pid, table) - _zombie(self._process))
        self._process.wait()
        os.close(self._result)
        self._fault.close()
        if self._process.stderr is not None:
            self._process.stderr.close()


def _started(
    request: dict[str, Any], result: int, fault: int, environ: dict[str, str], config: Config
) -> subprocess.Popen[bytes]:
    with tempfile.TemporaryFile() as file:
        file.write(wire.encode(request))
        file.flush()
        descriptors = (file.fileno(), result, fault)
        return subprocess.Popen(
            [*program(), "describe", *map(str, descriptors)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=descriptors,
            start_new_session=True,
            env=environ,
            cwd=config.path.parent,
        )


def _zombie(process: subprocess.Popen[bytes]) -> set[int]:
    return {process.pid} if process.poll() is not None else set()


def _is_noise(line: str) -> bool:
    ours = os.path.dirname(__file__)
    return "<frozen importlib" in line or ours in line or line.startswith("Extension modules")


def _how(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"

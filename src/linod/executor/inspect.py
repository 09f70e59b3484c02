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
import time
from collections.abc import Mapping
from typing import Any

from linod.executor import messages, privileges, wire
from linod.executor.early import EarlyChild
from linod.executor.findings import Findings
from linod.executor.inspected import Child, Death
from linod.executor.messages import KeeperKey, calls_of, module_of
from linod.inspection import Inspection, Problem, ProblemKind
from linod.specs import Config, Task


def inspect(
    config: Config,
    timeout_s: float = 60,
    *,
    environ: Mapping[str, str] | None = None,
    is_discovering: bool = True,
    early: EarlyChild | None = None,
) -> Inspection:
    """Import, describe and bind all that a configuration names; blocks, so call it in a thread.

    Args:
        config: The configuration.
        timeout_s: Time in all; one module gets at most a third of what is left of it.
        environ: Environment of the children; ours if not given.
        is_discovering: False looks at the tasks alone.
        early: A child that was begun before, to be asked if it is one that would be begun.
    """
    limit = time.monotonic() + timeout_s
    own = dict(os.environ if environ is None else environ)
    findings = Findings(config.path.parent)
    groups = _groups(config, is_discovering)
    for key, tasks in groups.items():
        # What is discovered is for our own keeper, or for the only one there is.
        is_first = is_discovering and (key == _OWN or (_OWN not in groups and len(groups) == 1))
        _Group(config, key, tasks, own, limit, findings, is_first, early).inspect()
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
        early: EarlyChild | None,
    ) -> None:
        self._config = config
        self._key = key
        self._tasks = tasks
        self._environ = environ
        self._limit = limit
        self._findings = findings
        self._is_discovering = is_discovering
        self._early = early
        self._skip: list[str] = []

    def inspect(self) -> None:
        """Start children until one comes to its end."""
        if self._is_user_unknown():
            return
        while True:
            try:
                process = self._process()
            except OSError as error:
                how = f"the child cannot be started: {error.strerror}"
                self._give_up(Death(None, ProblemKind.IMPORT_CRASHED, how, ()))
                return
            child = Child(self._request(), process)
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

    def _process(self) -> EarlyChild:
        environ, directory = self._key.environ(self._environ), self._config.path.parent
        if self._early is not None and self._early.is_for(environ, directory):
            return self._early
        return EarlyChild(environ, directory)

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

    def _blame(self, death: Death) -> None:
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

    def _give_up(self, death: Death) -> None:
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
        death: Death,
    ) -> None:
        self._findings.add_problem(
            Problem(
                kind=kind, message=message, task=task, key=key, subject=subject, notes=death.notes
            )
        )

"""What daemon and keeper say to each other, as values: built on one side, read on the other.

Rules of this border:
- From the daemon: hello (once), task (before its first start), start, stop, follow, unfollow,
  expect (so many starts soon), retire (nothing will be started any more), leave (end all, then
  yourself).
- From the keeper: importing, ready or late (once), unusable, started, progress, lines, ended; to
  the next daemon first: keeping, ended for what the former one may not have read, told.
- A keeper may be older or newer than its daemon: what is not known is passed over, and PROTOCOL
  changes only where that would be wrong.
- Instants are seconds since 1970; arguments are packed (see `wire`).
"""

from __future__ import annotations

import math
import os
import pwd
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attrs import asdict, field, frozen

from linod.events import Outcome, StartRun, StopRun
from linod.executor.runfiles import uid_of
from linod.executor.wire import decode, encode, pack, unpack
from linod.specs import Config, Limits, LogLevel, Process, Reference, Task

MAX_RUNS = 1000
"""Of a reused process, unless the task says otherwise."""
PROTOCOL = 1
"""Of keepers that are taken over."""
DEADLINE = "LINOD_DEADLINE"
"""The one variable that not each run has."""


@frozen
class KeeperKey:
    """What tasks must share to be run by one keeper."""

    user: str | None
    group: str | None
    import_env: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, task: Task) -> KeeperKey:
        """Return the key of a task's keeper."""
        return cls(task.user, task.group, tuple(sorted(task.import_env.items())))

    def environ(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of the keeper: that of its user, as login would set it.

        Another user gets nothing of ours but where programs are, and the language: what else
        is in it may be secret.
        """
        own = dict(environ)
        if self.user is not None and os.geteuid() == 0:
            if uid_of(self.user) != os.geteuid():
                own = {name: own[name] for name in own if _is_for_all(name)}
            own |= _home(self.user)
        return own | dict(self.import_env)


@frozen(kw_only=True)
class Settings:
    """What a keeper is told first: how to become what it is, and what to import."""

    directory: str
    """That of the daemon, absolute: marks the processes of its runs."""
    folder: str
    """Working directory of runs that name none: where linod.toml is."""
    user: str | None
    group: str | None
    import_path: list[str]
    setup: list[str]
    procedures: list[str]
    django: str | None = None
    """Settings of the project."""
    commands: list[str] = field(factory=list)
    """Names of the management commands of its tasks."""
    late: list[str] = field(factory=list)
    """Modules that threaten the keeper: imported in the worker, after the fork."""
    log_plan: dict[str, Any] = field(factory=dict)
    log_level: str | None = None
    """The lowest of its tasks."""
    zones: list[str] = field(factory=list)
    """Time zones of its tasks: read before the fork."""
    nice: int = 0
    """The highest priority of its tasks, as far as only root may give it."""
    identity: str = ""
    """Of everything that makes this keeper what it is but its code: see `identity`."""


@frozen(kw_only=True)
class TaskSpec:
    """What a keeper needs to know of a task."""

    name: str
    procedure: str | None = None
    only_if: str | None = None
    command: list[str] | None = None
    shell: str | None = None
    manage: list[str] | None = None
    arguments: dict[str, Any] = field(factory=dict)
    succeeded: list[int] = field(factory=lambda: [0])
    warned: list[int] = field(factory=list)
    env: dict[str, str] = field(factory=dict)
    directory: str | None = None
    nice: int | None = None
    umask: int | None = None
    limits: dict[str, int] = field(factory=dict)
    """Those that are set: bytes, seconds or counts, by key."""
    log_level: str | None = None
    timeout_s: float | None = None
    kill_after_s: float = 30.0
    secrets: list[str] = field(factory=list)
    process: str = str(Process.FRESH)
    max_runs: int = 0
    """Of a reused process."""

    @property
    def is_reused(self) -> bool:
        """Tell whether its worker goes on to the next run."""
        return self.process == Process.REUSED and not self.is_program

    @property
    def is_program(self) -> bool:
        """Tell whether its worker is to become another program."""
        return self.procedure is None and self.manage is None

    def to_json(self) -> dict[str, Any]:
        """Give plain values for the wire."""
        values = {name: getattr(self, name) for name in _SPEC_NAMES}
        return {"do": "task", **values, "arguments": pack(self.arguments)}

    @classmethod
    def of_json(cls, message: dict[str, Any]) -> TaskSpec:
        """Read what `to_json` gave."""
        values = {name: message[name] for name in _SPEC_NAMES if name in message}
        return cls(**{**values, "arguments": unpack(message["arguments"])})

    @classmethod
    def of(cls, task: Task) -> TaskSpec:
        """Take what matters from a task."""
        return cls(
            name=task.name,
            procedure=task.procedure,
            only_if=task.only_if,
            command=None if task.command is None else list(task.command),
            shell=task.shell,
            manage=None if task.manage is None else list(task.manage),
            arguments=task.arguments,
            succeeded=list(task.exit_codes.succeeded),
            warned=list(task.exit_codes.warned),
            env={**task.file_env, **task.env},
            directory=None if task.directory is None else str(task.directory),
            nice=task.nice,
            umask=task.umask,
            limits=limits_of(task.limits),
            log_level=None if task.log_level is None else str(task.log_level),
            timeout_s=None if task.timeout is None else task.timeout.total_seconds(),
            kill_after_s=task.kill_after.total_seconds(),
            secrets=_secrets_of(task),
            process=str(task.process),
            max_runs=task.max_runs or MAX_RUNS,
        )


def limits_of(limits: Limits) -> dict[str, int]:
    """Return the limits that are set; a second that has begun counts."""
    values = asdict(limits)
    values["cpu_time"] = limits.cpu_time and math.ceil(limits.cpu_time.total_seconds())
    return {name: value for name, value in values.items() if value is not None}


_LEVELS = list(LogLevel)
_MAY_BE_SECRET = ("env", "file_env", "arguments", "command", "shell", "manage")
_ZONES_MAX = 64
_SPEC_NAMES = tuple(attribute.name for attribute in TaskSpec.__attrs_attrs__)


@frozen(kw_only=True)
class Order:
    """One run, as the keeper is told to start it."""

    run: int
    lease: str
    task: str
    due: datetime
    planned: datetime
    attempt: int
    trigger: str
    zone: str
    is_followed: bool = False

    @property
    def key(self) -> str:
        """LINOD_OCCURRENCE_KEY: the same for all attempts."""
        return f"{self.task}@{_iso(self.due)}"

    def environ(self, directory: str, deadline: datetime | None = None) -> dict[str, str]:
        """Return the variables that tell a run who it is."""
        ends = {} if deadline is None else {DEADLINE: _iso(deadline)}
        return {
            **ends,
            "LINOD_OCCURRENCE_KEY": self.key,
            "LINOD_RUN_ID": str(self.run),
            "LINOD_TASK": self.task,
            "LINOD_DUE": _iso(self.due),
            "LINOD_PLANNED": _iso(self.planned),
            "LINOD_ZONE": self.zone,
            "LINOD_ATTEMPT": str(self.attempt),
            "LINOD_TRIGGER": self.trigger,
            "LINOD_DIRECTORY": directory,
        }


def _lowest(levels: Iterable[LogLevel | None]) -> str | None:
    named = [level for level in levels if level is not None]
    return str(min(named, key=_LEVELS.index)) if named else None


def calls_of(task: Task) -> dict[str, str]:
    """Return the dotted paths of what a task calls, by key."""
    paths = {"procedure": task.procedure, "only_if": task.only_if}
    return {key: path for key, path in paths.items() if path is not None}


def django_of(config: Config, key: KeeperKey) -> str | None:
    """Return the settings of a keeper's Django: those that its tasks import with, if they say."""
    if config.linod.django is None:
        return None
    return dict(key.import_env).get("DJANGO_SETTINGS_MODULE", config.linod.django)


def module_of(path: str) -> str:
    """Guess the module of a dotted path without importing it: all but the last name."""
    return path.rpartition(".")[0] or path


def hello(settings: Settings) -> dict[str, Any]:
    """Build the first message."""
    names = (attribute.name for attribute in Settings.__attrs_attrs__)
    return {"do": "hello", **{name: getattr(settings, name) for name in names}}


def settings_of(message: dict[str, Any]) -> Settings:
    """Read the first message."""
    return Settings(**{name: value for name, value in message.items() if name != "do"})


def settings_for(
    config: Config, key: KeeperKey, directory: Path, log_plan: dict[str, Any]
) -> Settings:
    """Say what a keeper of a configuration has to know."""
    tasks = [task for task in config.tasks.values() if KeeperKey.of(task) == key]
    return Settings(
        directory=str(directory.resolve()),
        folder=str(config.path.parent.resolve()),
        user=key.user,
        group=key.group,
        import_path=[str(path) for path in config.linod.import_path],
        setup=list(config.linod.setup),
        django=django_of(config, key),
        commands=list(dict.fromkeys(task.manage[0] for task in tasks if task.manage)),
        procedures=list(dict.fromkeys(path for task in tasks for path in calls_of(task).values())),
        log_plan=log_plan,
        zones=[str(zone) for zone in dict.fromkeys(map(config.zone_of, tasks))][:_ZONES_MAX],
        log_level=_lowest(task.log_level for task in tasks),
        nice=min([0, *(task.nice for task in tasks if task.nice is not None)]),
    )


def start(command: StartRun, *, is_followed: bool) -> dict[str, Any]:
    """Build the order to start a run."""
    return {
        "do": "start",
        "run": command.run,
        "lease": command.lease,
        "task": command.task.name,
        "due": command.due.timestamp(),
        "planned": command.planned.timestamp(),
        "attempt": command.attempt,
        "trigger": str(command.trigger),
        "zone": command.zone,
        "is_followed": is_followed,
    }


def order_of(message: dict[str, Any]) -> Order:
    """Read the order to start a run."""
    values = {name: value for name, value in message.items() if name != "do"}
    for name in ("due", "planned"):
        values[name] = datetime.fromtimestamp(values[name], UTC)
    return Order(**values)


def rehearsal() -> Order:
    """Go the way of an order once, with one that nobody gave."""
    message = {
        "run": 0,
        "lease": "",
        "task": "",
        "due": 0.0,
        "planned": 0.0,
        "attempt": 1,
        "trigger": "",
        "zone": "UTC",
        "is_followed": False,
    }
    return order_of(decode(encode(message)) or {})


def expect(tasks: Collection[Task]) -> dict[str, Any]:
    """Build the message that these tasks are due soon."""
    reused = [task.name for task in tasks if TaskSpec.of(task).is_reused]
    return {"do": "expect", "count": len(tasks), "reused": reused}


def stop(command: StopRun) -> dict[str, Any]:
    """Build the order to end a run."""
    return {
        "do": "stop",
        "run": command.run,
        "lease": command.lease,
        "outcome": str(command.outcome),
        "reason": command.reason,
        "is_forced": command.is_forced,
    }


def disown(run: int, lease: str) -> dict[str, Any]:
    """Build the order to end a run of which the store knows nothing."""
    return {
        "do": "stop",
        "run": run,
        "lease": lease,
        "outcome": str(Outcome.CANCELLED),
        "reason": "the store does not know it",
        "is_forced": False,
    }


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


_FOR_ALL = frozenset(("PATH", "LANG", "LANGUAGE", "TZ", "LD_LIBRARY_PATH", "VIRTUAL_ENV"))
_FOR_ALL_PREFIXES = ("LC_", "PYTHON", "LINOD_")


def _is_for_all(name: str) -> bool:
    return name in _FOR_ALL or name.startswith(_FOR_ALL_PREFIXES)


def _home(user: str) -> dict[str, str]:
    try:
        entry = pwd.getpwuid(int(user)) if user.isdigit() else pwd.getpwnam(user)
    except (KeyError, OverflowError):
        return {}  # the keeper says so, in words
    return {"HOME": entry.pw_dir, "USER": entry.pw_name, "LOGNAME": entry.pw_name}


def _secrets_of(task: Task) -> list[str]:
    values = [getattr(task, name) for name in _MAY_BE_SECRET]
    return sorted(set(_secrets(values)))


def _secrets(values: Iterable[Any]) -> Iterable[str]:
    for value in values:
        if isinstance(value, Reference):
            if value.is_secret and value:
                yield str(value)
        elif isinstance(value, dict):
            yield from _secrets(value.values())
        elif isinstance(value, list | tuple):
            yield from _secrets(value)

"""What daemon and keeper say to each other, as values: built on one side, read on the other.

Rules of this border:
- From the daemon: hello (once), task (before its first start), start, stop, follow, unfollow,
  expect (of these tasks soon), arm (an order that holds from its go on), go, disarm (none of them
  holds), more (what is due already will be started next), retire (nothing will be started any
  more), leave (end all, then yourself).
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
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attrs import asdict, field, frozen

from linod.events import Outcome, StartRun, StopRun
from linod.executor.runfiles import uid_of
from linod.executor.wire import decode, encode, pack, unpack
from linod.secret_values import secrets_in, secrets_of
from linod.specs import Config, Limits, LogLevel, Process, Task

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
    log_keep: str | None = None
    """The lowest of its tasks."""
    zones: list[str] = field(factory=list)
    """Time zones of its tasks: read before the fork."""
    secrets: list[str] = field(factory=list)
    """That modules may say when they are imported."""
    nice: int = 0
    """The highest priority of its tasks, as far as only root may give it."""
    identity: str = ""
    """Of everything that makes this keeper what it is but its code: see `identity`."""

    @property
    def logs_to_stdout(self) -> bool:
        """Tell whether the daemon's stdout is one of the sinks."""
        return any(name == "stdout" for name, _ in self.log_plan.get("beside", ()))


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
    log_keep: str | None = None
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
            log_keep=None if task.log_keep is None else str(task.log_keep),
            timeout_s=None if task.timeout is None else task.timeout.total_seconds(),
            kill_after_s=task.kill_after.total_seconds(),
            secrets=secrets_of(task),
            process=str(task.process),
            max_runs=task.max_runs or MAX_RUNS,
        )


def limits_of(limits: Limits) -> dict[str, int]:
    """Return the limits that are set; a second that has begun counts."""
    values = asdict(limits)
    values["cpu_time"] = limits.cpu_time and math.ceil(limits.cpu_time.total_seconds())
    return {name: value for name, value in values.items() if value is not None}


_LEVELS = list(LogLevel)
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
    is_after_failure: bool = False
    """What is kept of other runs is logged at once."""
    slow_after_s: float | None = None
    """From here on it is slow: what is kept is logged."""

    @property
    def key(self) -> str:
        """LINOD_OCCURRENCE_KEY: the same for all attempts."""
        return f"{self.task}@{_iso(self.due)}"

    def environ(self, directory: str) -> dict[str, str]:
        """Return the variables that tell a run who it is, but for its deadline."""
        return {
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


def deadline_environ(deadline: datetime | None) -> dict[str, str]:
    """Return the variable that tells a run how long it may take, where that is limited."""
    return {} if deadline is None else {DEADLINE: _iso(deadline)}


_ORDER_NAMES = frozenset(attribute.name for attribute in Order.__attrs_attrs__)


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
        log_keep=_lowest(task.log_keep for task in tasks),
        secrets=sorted({*secrets_in([task.import_env for task in tasks])}),
        nice=min([0, *(task.nice for task in tasks if task.nice is not None)]),
    )


def start(command: StartRun, *, is_followed: bool) -> dict[str, Any]:
    """Build the order to start a run; its row is committed."""
    slow_after = command.slow_after
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
        "is_after_failure": command.is_after_failure,
        "slow_after_s": None if slow_after is None else slow_after.total_seconds(),
    }


def arm(command: StartRun) -> dict[str, Any]:
    """Build an order ahead of its commit: nothing begins before `go`."""
    return {**start(command, is_followed=False), "do": "arm"}


def go(runs: Sequence[int]) -> dict[str, Any]:
    """Build the message that armed orders are committed."""
    return {"do": "go", "runs": list(runs)}


def order_of(message: dict[str, Any]) -> Order:
    """Read the order to start a run."""
    values = {name: value for name, value in message.items() if name in _ORDER_NAMES}
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


def prepare(task: str) -> dict[str, Any]:
    """Build what tells a worker that it will get a run of this task."""
    return {"do": "prepare", "task": task}


def expect(tasks: Collection[Task]) -> dict[str, Any]:
    """Build the message that these tasks are due soon."""
    return {"do": "expect", "tasks": [task.name for task in tasks]}


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

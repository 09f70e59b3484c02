"""What linod.toml says, as frozen values: one class per table, one attribute per key.

Rules of this border:
- Every key of every table is here, with its type, default and one line of documentation; the
  loader, the JSON Schema, the reference page and `linod show` are generated from these classes.
- Values are parsed once: a duration is a timedelta, a size an int of bytes, a path is absolute.
- A key that is accepted but has no effect yet names the topic it waits for in `later`.
- It is one long file because it is one list: what the TOML says, in the order of the reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, NewType

import attrs
from attrs import field, frozen

from linod.recurrence.model import MANUALLY, Recurrence

Size = NewType("Size", int)
"""Bytes; written "20 MB" (powers of 1000) or "20 MiB" (of 1024)."""
ZoneName = NewType("ZoneName", str)
"""A key of the IANA time zone database."""
DottedPath = NewType("DottedPath", str)
"""`package.module.function`, as given to `procedure`."""
TaskName = NewType("TaskName", str)
"""Letters, digits, `_` and `-`: `[A-Za-z0-9_-]+`, at most 100 characters."""


class Reference(str):
    """A string that the file names but does not hold: `{ env = … }` or `{ file = … }`.

    It is the resolved text; `source` is the table as written, which `show` prints, and
    `is_secret` says whether linod masks the text in everything it prints or stores.
    """

    source: dict[str, Any]
    is_secret: bool

    def __new__(cls, text: str, source: dict[str, Any], *, is_secret: bool) -> Reference:
        value = super().__new__(cls, text)
        value.source = source
        value.is_secret = is_secret
        return value


class LogLevel(StrEnum):
    """loguru's levels."""

    TRACE = "TRACE"
    DEBUG = "DEBUG"
    INFO = "INFO"
    SUCCESS = "SUCCESS"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"


class LogFormat(StrEnum):
    """How a record is written."""

    TEXT = "text"
    JSON = "json"


class SinkName(StrEnum):
    """Where records go."""

    FILE = "file"
    STDOUT = "stdout"
    STDERR = "stderr"
    JOURNALD = "journald"


@frozen
class LogSink:
    """An item of `[log] to`."""

    name: SinkName
    format: LogFormat | None = None
    """None: that of `[log] format`. The journal has none."""


class Overlap(StrEnum):
    """What happens to an occurrence that is due while an earlier one is going on."""

    SKIP = "skip"
    WAIT = "wait"
    ALLOW = "allow"
    REPLACE = "replace"


class CatchUp(StrEnum):
    """What happens to missed occurrences."""

    ONE = "one"
    ALL = "all"
    NONE = "none"


class OnLost(StrEnum):
    """What happens after a run whose end nobody saw."""

    FAIL = "fail"
    RETRY = "retry"


class OnStop(StrEnum):
    """What happens to a run when the daemon stops."""

    END = "end"
    FINISH = "finish"
    KEEP = "keep"


class OnExcluded(StrEnum):
    """What happens to an instant that `exclude` takes out."""

    SKIP = "skip"
    BEFORE = "before"
    AFTER = "after"


class OnFailed(StrEnum):
    """What a chain does after a member failed for good."""

    STOP = "stop"
    CONTINUE = "continue"


class Process(StrEnum):
    """Whether a run gets a process of its own or a long-lived one."""

    FRESH = "fresh"
    REUSED = "reused"


class Gap(StrEnum):
    """A wall time that DST leaves out: run at the end of the gap, or not at all."""

    END = "end"
    SKIP = "skip"


class Fold(StrEnum):
    """A wall time that DST passes twice."""

    FIRST = "first"
    SECOND = "second"
    BOTH = "both"


# What a key without effect yet waits for, in the words that check prints.
NOTICES = "notices"
CLUSTER = "many machines"


def key(
    default: Any = None,
    *,
    doc: str,
    example: str,
    later: str | None = None,
) -> Any:
    """Declare one key: `example` is TOML for its value, `later` the topic it waits for."""
    return field(default=default, metadata={"doc": doc, "example": example, "later": later})


@frozen(kw_only=True)
class Retry:
    """`retry`: what happens after failed and timed_out."""

    attempts: int = key(1, doc="Attempts in all; the first one counts.", example="3")
    delay: timedelta = key(
        timedelta(seconds=10), doc="Wait before the second attempt.", example='"10 seconds"'
    )
    backoff: float = key(1.0, doc="Factor by which each further wait grows.", example="2.0")
    max_delay: timedelta | None = key(doc="Longest wait.", example='"5 minutes"')
    jitter: timedelta | None = key(
        doc="Each wait is lengthened by a share of this, so that retries do not meet.",
        example='"5 seconds"',
    )
    on: tuple[str, ...] = key(
        (),
        doc="Names of exceptions, or of their bases, that are retried. Default: all.",
        example='["ConnectionError"]',
    )


@frozen(kw_only=True)
class Cooldown:
    """`cooldown`: rest after the last end."""

    success: timedelta | None = key(doc="Rest after a success.", example='"5 minutes"')
    failure: timedelta | None = key(doc="Rest after a failure.", example='"20 minutes"')


@frozen(kw_only=True)
class Dst:
    """`dst`: what DST does to a wall-clock time (design of section Time)."""

    gap: Gap = key(
        Gap.END, doc="A time that is left out: at the end of the gap, or skip.", example='"skip"'
    )
    fold: Fold = key(
        Fold.FIRST, doc="A time passed twice: first pass, second, or both.", example='"both"'
    )


@frozen(kw_only=True)
class ExitCodes:
    """`exit_codes`: what the exit status of a command means; every other one failed."""

    succeeded: tuple[int, ...] = key((0,), doc="These succeed.", example="[0]")
    warned: tuple[int, ...] = key((), doc="These are warnings, not failures.", example="[24]")


@frozen(kw_only=True)
class Limits:
    """`limits`: what one run may use."""

    memory: Size | None = key(doc="Memory of all its processes together.", example='"512 MB"')
    cpu_time: timedelta | None = key(
        doc="Processor time of each of its processes, in whole seconds.", example='"10 minutes"'
    )
    open_files: int | None = key(doc="Open files of each of its processes.", example="256")
    processes: int | None = key(
        doc="Processes and threads at once, all others of its user counted; root is not bound.",
        example="32",
    )
    file_size: Size | None = key(doc="Size of each file that it writes.", example='"1 GB"')
    core: Size | None = key(doc="Size of a core dump.", example='"0 B"')


@frozen(kw_only=True)
class Warn:
    """`warn`: when people are told although nothing failed."""

    running: timedelta | str | None = key(
        doc='Runs longer than this; "auto" takes it from history.', example='"auto"'
    )
    late: timedelta | None = key(doc="Starts later than this.", example='"15 minutes"')
    no_success: timedelta | None = key(doc="No success for this long.", example='"36 hours"')
    done_by: time | None = key(doc="Not ended by this time of day.", example='"06:00"')


class CalendarDays:
    """The days of a calendar, each with its name, which may be empty; many tasks share them."""

    __slots__ = ("_hash", "names")

    def __init__(self, names: Mapping[date, str]) -> None:
        self.names = dict(sorted(names.items()))
        self._hash = hash(tuple(self.names))

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, CalendarDays) and self.names == other.names)

    def __hash__(self) -> int:
        return self._hash


@frozen(kw_only=True)
class CalendarName:
    """`{ calendar = "ee" }` in `exclude`: the days of a calendar."""

    calendar: str = key(attrs.NOTHING, doc="A key of [calendars].", example='"ee"')
    days: CalendarDays = field(default=CalendarDays({}), metadata={"is_key": False}, repr=False)
    """Filled in by the loader, so that a task alone tells when it is due."""


Exclusion = Recurrence | date | CalendarName


@frozen(kw_only=True)
class Allowed:
    """`allowed`: wall times between which runs may start; `first > last` passes midnight."""

    first: time
    last: time


@frozen(kw_only=True)
class Task:
    """`[tasks.NAME]`: what to call, when, and under which policies."""

    name: TaskName = field(metadata={"is_key": False})

    # What runs: exactly one of these four.
    procedure: DottedPath | None = key(
        doc="A Python callable, plain or async, by dotted path.", example='"shop.tasks.report"'
    )
    command: tuple[str, ...] | None = key(
        doc="A program and its arguments: a list, or a string split like a shell would, "
        "without a shell.",
        example='["rsync", "-a", "/srv/", "backup:/srv/"]',
    )
    shell: str | None = key(doc="Text for `/bin/sh -c`.", example='"df -h | mail root"')
    manage: tuple[str, ...] | None = key(
        doc="A Django management command and its arguments, as after `manage.py`: a list, or a "
        "string split like a shell would. Needs `django` in [linod].",
        example='"clearsessions"',
    )
    arguments: dict[str, Any] = field(
        factory=dict,
        metadata={
            "doc": "Arguments of the procedure by name, converted by its annotations; "
            '`{ due = "-1 day" }` is a time relative to the occurrence.',
            "example": '{ shop = "ee", since = 2026-01-01, day = { due = "-1 day" } }',
            "later": None,
        },
    )
    exit_codes: ExitCodes = key(
        ExitCodes(),
        doc="What the exit status of `command` or `shell` means.",
        example="{ succeeded = [0], warned = [24] }",
    )
    description: str | None = key(doc="One line for people.", example='"Mirror the shop."')

    # When
    recurrence: Recurrence = key(
        MANUALLY,
        doc="When the task is due: a phrase, a cron expression, an RRULE, a table, or a list "
        "of these.",
        example='"every weekday at 07:00"',
    )
    timezone: ZoneName | None = key(
        doc="Zone of the wall-clock times. Default: that of [linod].", example='"Europe/Tallinn"'
    )
    start: datetime | None = key(
        doc="Anchor and lower bound; read in the task's zone where it has no offset.",
        example="2026-01-05T08:00:00",
    )
    end: datetime | None = key(doc="Upper bound, included.", example="2026-12-31T23:59:59")
    max_events: int | None = key(
        doc="So many occurrences from `start`, then none. Needs `start`.", example="10"
    )
    exclude: tuple[Exclusion, ...] = key(
        (),
        doc="Instants that are no occurrences: dates and calendars (whole days), recurrences "
        "(whole days, if they are daily or coarser and name no time).",
        example='[{ calendar = "ee" }, 2026-12-24]',
    )
    on_excluded: OnExcluded = key(
        OnExcluded.SKIP, doc="What happens instead: skip, before, after.", example='"after"'
    )
    allowed: Allowed | None = key(
        doc="Runs start only between these times of day.", example='"20:00-06:00"'
    )
    jitter: timedelta | None = key(
        doc="Each start is delayed by up to this, differently each time.", example='"30 seconds"'
    )
    spread: timedelta | None = key(
        doc="All starts are delayed by the same share of this, differently for each task.",
        example='"10 minutes"',
    )
    dst: Dst = key(
        Dst(),
        doc="Wall-clock times that DST leaves out or passes twice.",
        example='{ gap = "skip", fold = "both" }',
    )
    after: tuple[str, ...] = key(
        (), doc="Tasks that must have succeeded first.", example='["extract"]'
    )
    only_if: DottedPath | None = key(
        doc="A procedure asked first, in the run's worker; false ends the run cancelled.",
        example='"shop.tasks.is_open"',
    )

    # Policies
    overlap: Overlap = key(
        Overlap.SKIP,
        doc="Due while an earlier one is going on: skip, wait, allow, replace.",
        example='"skip"',
    )
    max_running: int | None = key(doc='Runs at once where overlap = "allow".', example="4")
    catch_up: CatchUp = key(
        CatchUp.ONE,
        doc="Missed occurrences: one (the newest), all (the newest 1,000), none.",
        example='"one"',
    )
    catch_up_window: timedelta = key(
        timedelta(days=1), doc="Missed ones older than this are not caught up.", example='"1 day"'
    )
    retry: Retry = key(
        Retry(),
        doc="Further attempts after failed and timed_out.",
        example='{ attempts = 3, delay = "10 seconds" }',
    )
    cooldown: Cooldown | None = key(
        doc="Rest after the last end.", example='{ failure = "20 minutes" }'
    )
    timeout: timedelta | None = key(
        doc="A run that takes longer gets TERM, with all its processes.", example='"1 hour"'
    )
    kill_after: timedelta = key(
        timedelta(seconds=30), doc="From TERM to KILL.", example='"30 seconds"'
    )
    disable_after: int | None = key(
        doc="So many occurrences in a row failed for good disable the task.", example="5"
    )
    on_lost: OnLost = key(
        OnLost.FAIL, doc="After a run whose end nobody saw: fail, retry.", example='"retry"'
    )
    on_stop: OnStop = key(
        OnStop.END,
        doc="When the daemon stops: end, finish, keep.",
        example='"finish"',
    )
    pool: str | None = key(
        doc="A key of [pools]: waits while that pool is full.", example='"database"'
    )
    priority: int = key(0, doc="Of those that wait, the highest starts first.", example="10")
    enabled: bool = key(
        True,
        doc='False: occurrences are decided "switched off", nothing starts.',
        example="false",
    )
    formerly: tuple[str, ...] = key(
        (), doc="Old names: their history, cursor and pauses come along.", example='["old_report"]'
    )

    # Process
    process: Process = key(
        Process.FRESH,
        doc="fresh: a process per run; reused: a long-lived one, for procedures.",
        example='"reused"',
    )
    max_runs: int | None = key(
        doc="A reused process is replaced after so many runs, 1,000 unless said.", example="100"
    )
    user: str | None = key(doc="Run as this user (as root only).", example='"backup"')
    group: str | None = key(doc="Run as this group (as root only).", example='"backup"')
    nice: int | None = key(
        doc="CPU priority, from 19, the lowest, to -20; a higher one than that of the daemon is "
        "root's to give.",
        example="10",
    )
    umask: int | None = key(doc='Mask of new files, in octal: "027".', example='"027"')
    directory: Path | None = key(doc="Working directory.", example='"/srv/shop"')
    env: dict[str, str] = field(
        factory=dict,
        metadata={
            "doc": "Environment of the run, set after the fork; merges with [defaults].",
            "example": '{ MODE = "batch" }',
            "later": None,
        },
    )
    import_env: dict[str, str] = field(
        factory=dict,
        metadata={
            "doc": "Environment set before the procedures are imported.",
            "example": '{ OMP_NUM_THREADS = "1" }',
            "later": None,
        },
    )
    env_file: Path | None = key(
        doc="File of NAME=value lines for the environment; what `env` says wins. Read when linod "
        "starts or reloads, and masked as secrets are.",
        example='"shop.env"',
    )
    file_env: dict[str, str] = field(factory=dict, metadata={"is_key": False}, repr=False)
    """Filled in by the loader with what env_file says."""
    limits: Limits = key(Limits(), doc="What one run may use.", example='{ memory = "512 MB" }')
    host: str = key(
        "any", doc="Where it runs: any, each, or a host's name.", example='"any"', later=CLUSTER
    )
    queue: str | None = key(doc="Procrastinate queue.", example='"batch"', later=CLUSTER)

    # Telling
    log_level: LogLevel | None = key(
        doc="Records of its runs below this level are left out. Default: that of [log].",
        example='"WARNING"',
    )
    log_keep: LogLevel | None = key(
        doc="Records below log_level, from this level up, are kept in memory and written only if "
        "the run fails or is slow; the run after a failure writes them at once.",
        example='"DEBUG"',
    )
    warn: Warn = key(
        Warn(), doc="Tell people about what is late or slow.", example='{ late = "15 minutes" }'
    )
    notify: tuple[str, ...] = key((), doc="Notice channels.", example='["ops"]', later=NOTICES)
    ping: str | None = key(
        doc="A URL told about start and end.",
        example='"https://hc.example/uuid"',
        later=NOTICES,
    )


@frozen(kw_only=True)
class Chain:
    """`[chains.NAME]`: tasks that run in order; decided like a task under its own name."""

    name: TaskName = field(metadata={"is_key": False})
    tasks: tuple[tuple[str, ...], ...] = key(
        attrs.NOTHING,
        doc="Tasks in order; an inner list runs together.",
        example='[["extract_orders", "extract_stock"], "transform", "load"]',
    )
    description: str | None = key(doc="One line for people.", example='"The nightly load."')
    recurrence: Recurrence = key(MANUALLY, doc="As for tasks.", example='"every day at 02:00"')
    timezone: ZoneName | None = key(doc="As for tasks.", example='"UTC"')
    start: datetime | None = key(doc="As for tasks.", example="2026-01-05")
    end: datetime | None = key(doc="As for tasks.", example="2026-12-31")
    max_events: int | None = key(doc="As for tasks.", example="10")
    exclude: tuple[Exclusion, ...] = key((), doc="As for tasks.", example="[2026-12-24]")
    on_excluded: OnExcluded = key(OnExcluded.SKIP, doc="As for tasks.", example='"after"')
    allowed: Allowed | None = key(doc="As for tasks.", example='"20:00-06:00"')
    dst: Dst = key(Dst(), doc="As for tasks.", example='{ gap = "skip" }')
    overlap: Overlap = key(Overlap.SKIP, doc="As for tasks.", example='"skip"')
    catch_up: CatchUp = key(CatchUp.ONE, doc="As for tasks.", example='"one"')
    catch_up_window: timedelta = key(timedelta(days=1), doc="As for tasks.", example='"1 day"')
    cooldown: Cooldown | None = key(doc="As for tasks.", example='{ failure = "20 minutes" }')
    enabled: bool = key(True, doc="As for tasks.", example="false")
    formerly: tuple[str, ...] = key((), doc="As for tasks.", example='["old_nightly"]')
    on_failed: OnFailed = key(
        OnFailed.STOP,
        doc="A member failed for good: stop, or continue with the next.",
        example='"continue"',
    )
    notify: tuple[str, ...] = key((), doc="As for tasks.", example='["ops"]', later=NOTICES)
    warn: Warn = key(Warn(), doc="As for tasks.", example='{ late = "1 hour" }')

    @property
    def members(self) -> tuple[str, ...]:
        """The names of its tasks, in order."""
        return tuple(name for step in self.tasks for name in step)

    def as_task(self) -> Task:
        """What it has in common with a task: it is decided like one, under its own name."""
        shared = attrs.fields_dict(Task).keys() & attrs.fields_dict(Chain).keys()
        return Task(**{name: getattr(self, name) for name in shared})


@frozen(kw_only=True)
class Pool:
    """`[pools.NAME]`: a limit on how many runs go on at once."""

    name: str = field(metadata={"is_key": False})
    size: int = key(attrs.NOTHING, doc="Runs at once.", example="2")


@frozen(kw_only=True)
class Calendar:
    """`[calendars.NAME]`: days that `exclude` can name."""

    name: str = field(metadata={"is_key": False})
    country: str | None = key(
        doc="ISO 3166 code; public holidays by the holidays library (extra).", example='"EE"'
    )
    subdivision: str | None = key(
        doc="Part of the country, as the holidays library names it.", example='"BY"'
    )
    dates: tuple[date, ...] = key((), doc="Days.", example="[2026-12-31]")
    file: Path | None = key(
        doc="An iCalendar file: the days that its events touch, from 2000 to 2100. Read when linod "
        "starts or reloads.",
        example='"closed.ics"',
    )


@frozen(kw_only=True)
class Linod:
    """`[linod]`: the daemon itself."""

    store: str = key(
        "var/linod.db",
        doc='SQLite file, or "postgresql://…" (comes with many machines).',
        example='"var/linod.db"',
    )
    directory: Path | None = key(
        doc="linod.lock, linod.sock and runs/ are here. Default: where the store file is.",
        example='"var"',
    )
    timezone: ZoneName | None = key(
        doc="Zone of wall-clock times. Default: the system's, read at load.",
        example='"Europe/Tallinn"',
    )
    import_path: tuple[Path, ...] = key(
        (Path("."),),
        doc="Put first on sys.path, after linod itself is imported.",
        example='["."]',
    )
    discover: tuple[str, ...] = key(
        (),
        doc="Modules whose @linod.procedure functions become tasks.",
        example='["shop.tasks"]',
    )
    setup: tuple[DottedPath, ...] = key(
        (),
        doc="Callables called once per keeper, before procedures are imported, after Django is "
        "set up.",
        example='["shop.boot.prepare"]',
    )
    django: str | None = key(
        doc="DJANGO_SETTINGS_MODULE: Django is set up before procedures are imported, connections "
        "are closed around runs, and `<app>.tasks` of the installed apps are discovered.",
        example='"shop.settings"',
    )
    include: tuple[str, ...] = key(
        (),
        doc="Files or globs with tasks, chains, pools, calendars, and [defaults] of their own.",
        example='["conf.d/*.toml"]',
    )
    max_running: int = key(64, doc="Runs at once, all pools together.", example="64")
    keep: timedelta = key(
        timedelta(days=90),
        doc="History; the last failure of a task always stays.",
        example='"90 days"',
    )
    stop_timeout: timedelta = key(
        timedelta(seconds=60),
        doc="At SIGTERM runs get this long before TERM; KILL comes 5 s later.",
        example='"60 seconds"',
    )
    enabled: bool = key(
        True,
        doc='False, or LINOD_ENABLED=0: decides and records "switched off", starts nothing.',
        example="true",
    )

    @property
    def is_discovering(self) -> bool:
        """Tell whether there are tasks that are known only when procedures are imported."""
        return bool(self.discover or self.django)


@frozen(kw_only=True)
class Log:
    """`[log]`: one log for all processes. Without this table the console is the log."""

    directory: Path = key(Path("log"), doc="linod.log is here.", example='"log"')
    to: tuple[LogSink, ...] = key(
        (LogSink(SinkName.FILE),),
        doc='Where records go: file, stdout, stderr, journald; `{ stdout = "json" }` has a '
        "format of its own.",
        example='["file", { stdout = "json" }, "journald"]',
    )
    level: LogLevel = key(
        LogLevel.INFO, doc="Records below this level are left out.", example='"INFO"'
    )
    levels: dict[str, LogLevel] = field(
        factory=dict,
        metadata={
            "doc": "Level per logger name and what is below it.",
            "example": '{ "django.db.backends" = "WARNING" }',
            "later": None,
        },
    )
    rotation: str | None = key(
        "20 MB",
        doc='A new file at this size ("20 MB"), time of day ("00:00") or age ("1 week").',
        example='"20 MB"',
    )
    retention: timedelta | None = key(
        timedelta(days=14), doc="Rotated files older than this are removed.", example='"14 days"'
    )
    compression: str | None = key("gz", doc='Rotated files are compressed: "gz".', example='"gz"')
    format: LogFormat = key(
        LogFormat.TEXT,
        doc="text, or json lines; of every sink without a format of its own.",
        example='"text"',
    )
    group: str | None = key(
        doc="Users of this group may send records to the log server.", example='"www-data"'
    )
    listen: str | None = key(
        doc="Where the log server takes records of other hosts, by TLS.",
        example='"0.0.0.0:5170"',
    )
    certificate: Path | None = key(
        doc="Of the log server, with what leads to its authority.", example='"log/server.pem"'
    )
    certificate_key: Path | None = key(
        doc="The private key of `certificate`.", example='"log/server.key"'
    )
    authority: Path | None = key(
        doc="Certificates to trust: those of senders where this listens, else that of the server.",
        example='"log/authority.pem"',
    )
    token_file: Path | None = key(
        doc="A secret of at least 16 characters that senders of other hosts share.",
        example='"/run/secrets/linod-log"',
    )
    server: str | None = key(
        doc="Send records to this log server, instead of writing a file.",
        example='"tls://log.example.org:5170"',
    )

    @property
    def formats(self) -> dict[SinkName, LogFormat]:
        """The sinks, each with its format, in their order."""
        return {sink.name: sink.format or self.format for sink in self.to}


@frozen(kw_only=True)
class Config:
    """The whole effective configuration: defaults merged, paths absolute, in file order."""

    path: Path
    """The main file."""
    files: tuple[Path, ...] = ()
    """Every file that was read, the main one first."""
    zone: ZoneName = ZoneName("UTC")
    """[linod] timezone, or the system's."""
    linod: Linod = Linod()
    log: Log | None = None
    pools: dict[str, Pool] = field(factory=dict)
    calendars: dict[str, Calendar] = field(factory=dict)
    tasks: dict[str, Task] = field(factory=dict)
    chains: dict[str, Chain] = field(factory=dict)

    @property
    def store_path(self) -> Path:
        """The SQLite file."""
        return Path(self.linod.store)

    @property
    def directory(self) -> Path:
        """Where lock, socket and run files are."""
        return self.linod.directory or self.store_path.parent

    @property
    def planned(self) -> dict[str, Task]:
        """All that is decided, by name: the tasks, then the chains in what makes them like one."""
        chains = {name: chain.as_task() for name, chain in self.chains.items()}
        return {**self.tasks, **chains}

    def zone_of(self, task: Task | Chain) -> ZoneName:
        """The zone in which the task's wall-clock times are read."""
        return task.timezone or self.zone

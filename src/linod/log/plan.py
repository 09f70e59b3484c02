"""What a process needs to know to write the log: frozen, JSON-able, handed from parent to child.

Pure: it reads no clock, no file and no environment of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import time, timedelta
from pathlib import Path
from typing import Any

from attrs import field, frozen

from linod.errors import ConfigurationError
from linod.specs import Config, LogFormat, LogLevel, LogSink, SinkName
from linod.units import parse_duration, parse_size, parse_time_of_day

LEVEL_NUMBERS: dict[str, int] = {
    LogLevel.TRACE: 5,
    LogLevel.DEBUG: 10,
    LogLevel.INFO: 20,
    LogLevel.SUCCESS: 25,
    LogLevel.WARNING: 30,
    LogLevel.ERROR: 40,
    LogLevel.CRITICAL: 50,
}
"""loguru's numbers; those of the standard library are the same where both have the level."""

JOURNAL = "/run/systemd/journal/socket"
"""Where systemd's journal takes records."""
SENDER_KEYS = ("authority", "certificate", "certificate_key", "token_file")


@frozen(kw_only=True)
class LogPlan:
    """Where lines go and which ones."""

    path: Path | None = None
    """linod.log; None: the console is the log, unless there is something in `beside`."""
    fd: int = 2
    """The console: an open descriptor. Lines go there without a path, and where this user may not
    write the file. Where descriptor 2 of a process is not the console (a worker's is a pipe to
    its keeper), the parent hands on a duplicate of its own under another number."""
    out: int = 1
    """stdout, handed on in the same way."""
    beside: tuple[LogSink, ...] = ()
    """The sinks other than the file, each with its format."""
    journal: str = JOURNAL
    level: LogLevel = LogLevel.INFO
    file_level: LogLevel | None = None
    """Of the file, where it is another one."""
    levels: dict[str, LogLevel] = field(factory=dict)
    format: LogFormat = LogFormat.TEXT
    zone: str = "UTC"
    """Of the times in text lines, in the names of rotated files and of `rotation = "00:00"`."""
    rotation: str | None = None
    retention: timedelta | None = None
    compression: str | None = None
    server: str | None = None
    """Where records go instead: "tls://host:port", "unix:///path", "tcp://127.0.0.1:port"."""
    keys: dict[str, str] = field(factory=dict)
    """Paths of what a sender needs for that, by their names in `[log]`."""
    spool: Path | None = None
    """Where a sender keeps what has not arrived."""

    @classmethod
    def of(cls, config: Config, environ: Mapping[str, str]) -> LogPlan:
        """Plan the log of a configuration; the levels of the environment win over its own."""
        level, file_level = _level_of(environ, _LEVEL), _level_of(environ, _FILE_LEVEL)
        log = config.log
        server = environ.get("LINOD_LOG_SOCKET") or (log.server if log else None)
        if server is not None:
            return cls.to_server(server, config, environ)
        if log is None:
            return cls(level=level or LogLevel.INFO, zone=config.zone)
        formats = log.formats
        form = formats.pop(SinkName.FILE, None)
        return cls(
            path=None if form is None else log.directory / "linod.log",
            beside=tuple(LogSink(name, each) for name, each in formats.items()),
            level=level or log.level,
            file_level=None if form is None else file_level,
            levels=dict(log.levels),
            format=form or log.format,
            zone=config.zone,
            rotation=log.rotation,
            retention=log.retention,
            compression=log.compression,
        )

    @classmethod
    def to_server(cls, server: str, config: Config | None, environ: Mapping[str, str]) -> LogPlan:
        """Plan to send all records; without a configuration, by the environment alone."""
        log = config.log if config is not None else None
        keys = {name: environ.get(f"LINOD_LOG_{name.upper()}", "") for name in SENDER_KEYS}
        for name in SENDER_KEYS if log is not None else ():
            keys[name] = keys[name] or str(getattr(log, name) or "")
        spool = environ.get("LINOD_LOG_SPOOL") or (log and log.directory / "spool")
        formats = log.formats if log is not None else {}
        return cls(
            beside=tuple(
                LogSink(name, each) for name, each in formats.items() if name is not SinkName.FILE
            ),
            level=_level_of(environ, _LEVEL) or (log.level if log else LogLevel.INFO),
            file_level=_level_of(environ, _FILE_LEVEL),
            levels=dict(log.levels) if log else {},
            format=log.format if log else LogFormat.TEXT,
            zone=config.zone if config else "UTC",
            server=server,
            keys={name: path for name, path in keys.items() if path},
            spool=Path(spool or _state_of(environ) / "linod" / "spool"),
        )

    @property
    def lowest(self) -> LogLevel:
        """The level from which some sink wants a record, but for `levels`."""
        of_sinks = [self.file_level or self.level, *(self.level for _ in self.beside)]
        return min(of_sinks, key=LEVEL_NUMBERS.__getitem__)

    @property
    def is_kept(self) -> bool:
        """Tell whether records go anywhere else than to the console."""
        return self.path is not None or self.server is not None or bool(self.beside)

    def to_json(self) -> dict[str, Any]:
        """Give plain values for json.dumps."""
        return {
            "path": None if self.path is None else str(self.path),
            "fd": self.fd,
            "out": self.out,
            "beside": [[str(sink.name), sink.format] for sink in self.beside],
            "journal": self.journal,
            "level": str(self.level),
            "file_level": self.file_level,
            "levels": {name: str(level) for name, level in self.levels.items()},
            "format": str(self.format),
            "zone": self.zone,
            "rotation": self.rotation,
            "retention": None if self.retention is None else self.retention.total_seconds(),
            "compression": self.compression,
            "server": self.server,
            "keys": self.keys,
            "spool": None if self.spool is None else str(self.spool),
        }

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> LogPlan:
        """Read what `to_json` gave."""
        retention = values["retention"]
        return cls(
            path=None if values["path"] is None else Path(values["path"]),
            fd=values["fd"],
            out=values["out"],
            beside=tuple(
                LogSink(SinkName(name), LogFormat(form)) for name, form in values["beside"]
            ),
            journal=values["journal"],
            level=LogLevel(values["level"]),
            file_level=None if values["file_level"] is None else LogLevel(values["file_level"]),
            levels={name: LogLevel(level) for name, level in values["levels"].items()},
            format=LogFormat(values["format"]),
            zone=values["zone"],
            rotation=values["rotation"],
            retention=None if retention is None else timedelta(seconds=retention),
            compression=values["compression"],
            server=values["server"],
            keys=values["keys"],
            spool=None if values["spool"] is None else Path(values["spool"]),
        )


@frozen(kw_only=True)
class Rotation:
    """When a new file begins: exactly one of the three is set."""

    size: int | None = None
    """Bytes."""
    at: time | None = None
    """Time of day."""
    age: timedelta | None = None


def parse_rotation(text: str | None) -> Rotation | None:
    """Read `[log] rotation`; None or "none" is off, ValueError says what was expected."""
    if text is None or text == "none":
        return None
    for read in (_of_time, _of_size, _of_age):
        with suppress(ValueError):
            return read(text)
    raise ValueError(
        f'"{text}" is no rotation: expected a size ("20 MB"), a time of day ("00:00"), '
        'an age ("1 week") or "none"'
    )


def _of_time(text: str) -> Rotation:
    return Rotation(at=parse_time_of_day(text))


def _of_size(text: str) -> Rotation:
    return Rotation(size=parse_size(text))


def _of_age(text: str) -> Rotation:
    return Rotation(age=parse_duration(text))


# linod's own name first; the second is Lino's.
_LEVEL = ("LINOD_LOG_LEVEL", "LINO_LOGLEVEL")
_FILE_LEVEL = ("LINOD_FILE_LOG_LEVEL", "LINO_FILE_LOGLEVEL")


def _state_of(environ: Mapping[str, str]) -> Path:
    """Give where programs of this user keep their state, by the XDG base directories."""
    state, home = environ.get("XDG_STATE_HOME"), environ.get("HOME")
    if state:
        return Path(state)
    return Path(home, ".local", "state") if home else Path("/var/tmp")


def _level_of(environ: Mapping[str, str], names: tuple[str, ...]) -> LogLevel | None:
    """Read the level that the first of these variables which is set gives."""
    for name in names:
        if text := environ.get(name, ""):
            return _parsed_level(name, text)
    return None


def _parsed_level(name: str, text: str) -> LogLevel:
    try:
        return LogLevel(text.upper())
    except ValueError:
        known = ", ".join(LogLevel)
        raise ConfigurationError(f'{name} is "{text}": expected one of {known}') from None

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
from linod.specs import Config, LogFormat, LogLevel
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


@frozen(kw_only=True)
class LogPlan:
    """Where lines go and which ones."""

    path: Path | None = None
    """linod.log; None: the console is the log."""
    fd: int = 2
    """The console: an open descriptor. Lines go there without a path, and where this user may not
    write the file. Where descriptor 2 of a process is not the console (a worker's is a pipe to
    its keeper), the parent hands on a duplicate of its own under another number."""
    level: LogLevel = LogLevel.INFO
    levels: dict[str, LogLevel] = field(factory=dict)
    format: LogFormat = LogFormat.TEXT
    zone: str = "UTC"
    """Of the times in text lines, in the names of rotated files and of `rotation = "00:00"`."""
    rotation: str | None = None
    retention: timedelta | None = None
    compression: str | None = None

    @classmethod
    def of(cls, config: Config, environ: Mapping[str, str]) -> LogPlan:
        """Plan the log of a configuration; LINOD_LOG_LEVEL wins over `[log] level`."""
        level = _level_of(environ)
        if config.log is None:
            return cls(level=level or LogLevel.INFO, zone=config.zone)
        return cls(
            path=config.log.directory / "linod.log",
            level=level or config.log.level,
            levels=dict(config.log.levels),
            format=config.log.format,
            zone=config.zone,
            rotation=config.log.rotation,
            retention=config.log.retention,
            compression=config.log.compression,
        )

    def to_json(self) -> dict[str, Any]:
        """Give plain values for json.dumps."""
        return {
            "path": None if self.path is None else str(self.path),
            "fd": self.fd,
            "level": str(self.level),
            "levels": {name: str(level) for name, level in self.levels.items()},
            "format": str(self.format),
            "zone": self.zone,
            "rotation": self.rotation,
            "retention": None if self.retention is None else self.retention.total_seconds(),
            "compression": self.compression,
        }

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> LogPlan:
        """Read what `to_json` gave."""
        retention = values["retention"]
        return cls(
            path=None if values["path"] is None else Path(values["path"]),
            fd=values["fd"],
            level=LogLevel(values["level"]),
            levels={name: LogLevel(level) for name, level in values["levels"].items()},
            format=LogFormat(values["format"]),
            zone=values["zone"],
            rotation=values["rotation"],
            retention=None if retention is None else timedelta(seconds=retention),
            compression=values["compression"],
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


def _level_of(environ: Mapping[str, str]) -> LogLevel | None:
    text = environ.get("LINOD_LOG_LEVEL", "")
    if not text:
        return None
    try:
        return LogLevel(text.upper())
    except ValueError:
        known = ", ".join(LogLevel)
        raise ConfigurationError(f'LINOD_LOG_LEVEL is "{text}": expected one of {known}') from None

"""Names of time zones: which exist, and which one the system has."""

from __future__ import annotations

import os
import re
import zoneinfo
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from linod.loader.refusal import Refused, did_you_mean
from linod.specs import ZoneName
from linod.units import nearest

_SHAPE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,3}")
# These name a file of the system, not a place: what they mean differs between machines.
_NOT_PORTABLE = {"localtime", "posixrules", "Factory"}
_NOT_ZONES = ("posix/", "right/")


@cache
def is_zone(name: str) -> bool:
    """Tell whether the name is a key of the time zone database; reads no other file."""
    if not _SHAPE.fullmatch(name) or name in _NOT_PORTABLE or name.startswith(_NOT_ZONES):
        return False
    try:
        zoneinfo.ZoneInfo(name)
    except (OSError, ValueError, zoneinfo.ZoneInfoNotFoundError):
        return False
    return True


def parse_zone(name: str) -> ZoneName:
    """Check the name of a zone."""
    if is_zone(name):
        return ZoneName(name)
    label = did_you_mean(_nearest_zone(name))
    advice = 'a name of the IANA time zone database, like "Europe/Tallinn" or "UTC"'
    if name in _NOT_PORTABLE:
        raise Refused("L059", f'"{name}" means another zone on each machine', help=advice)
    shown = name if len(name) <= 60 else name[:57] + "..."
    raise Refused("L059", f'unknown time zone "{shown}"', label=label, help=advice)


@cache
def _nearest_zone(name: str) -> str | None:
    known = sorted(zoneinfo.available_timezones())
    last_parts = {zone.rpartition("/")[2].lower(): zone for zone in known if "/" in zone}
    if (by_city := last_parts.get(name.lower().replace(" ", "_"))) is not None:
        return by_city
    by_case = {zone.lower(): zone for zone in known}
    return by_case.get(name.lower()) or nearest(name, known)


def system_zone(environ: Mapping[str, str]) -> tuple[ZoneName, str] | None:
    """Find the system's zone and where it is written: TZ, /etc/localtime, /etc/timezone."""
    candidates = (
        (environ.get("TZ", "").removeprefix(":"), "TZ"),
        (_linked_zone(Path("/etc/localtime")), "/etc/localtime"),
        (_written_zone(Path("/etc/timezone")), "/etc/timezone"),
    )
    for name, source in candidates:
        if name and is_zone(name):
            return ZoneName(name), source
    return None


def _linked_zone(path: Path) -> str:
    try:
        target = os.path.realpath(path)
    except OSError:
        return ""
    return target.partition("/zoneinfo/")[2]


def _written_zone(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""

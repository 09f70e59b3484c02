"""Which linod.toml a command means."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from linod.errors import ConfigurationError

FILE_NAME = "linod.toml"
SYSTEM_PATH = Path("/etc/linod") / FILE_NAME


def find(explicit: str | None, environ: Mapping[str, str], directory: Path) -> Path:
    """Take `-c`, else LINOD_CONFIG, else linod.toml here or above, else the system's."""
    if explicit:
        return Path(explicit)
    if environ.get("LINOD_CONFIG"):
        return Path(environ["LINOD_CONFIG"])
    for above in (directory, *directory.parents):
        if (above / FILE_NAME).exists():
            return above / FILE_NAME
    if SYSTEM_PATH.exists():
        return SYSTEM_PATH
    raise ConfigurationError(
        f"there is no {FILE_NAME} in {directory} or above, and no {SYSTEM_PATH}: "
        "write one with `linod init`, or name one with -c FILE"
    )

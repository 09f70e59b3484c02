"""What the commands share: options, finding and loading the configuration, printing.

`-c FILE` may stand before or after the command; without it LINOD_CONFIG, then linod.toml here or
in a parent, then /etc/linod/linod.toml.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from linod.cli import Told, tell
from linod.errors import ConfigurationError
from linod.views import WIDTH_MAX, count_of

if TYPE_CHECKING:
    from linod.diagnostics import Diagnostic
    from linod.loader import Loaded
    from linod.specs import Config

_F = TypeVar("_F", bound=Callable[..., Any])

OK, ERRORS_FOUND, USAGE, NO_DAEMON, BAD_CONFIGURATION = 0, 1, 2, 69, 78
"""The exit codes of all commands."""


def _of_group(ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    given: str | None = value or ctx.find_root().params.get("config_path")
    return given


def config_option(function: _F) -> _F:
    """Add `-c FILE` as `config_path`."""
    decorate = click.option(
        "-c",
        "--config",
        "config_path",
        metavar="FILE",
        callback=_of_group,
        help="The linod.toml to use. Default: LINOD_CONFIG, linod.toml here or in a parent, "
        "/etc/linod/linod.toml.",
    )
    return decorate(function)


def json_option(function: _F) -> _F:
    """Add `--json` as `is_json`."""
    return click.option("--json", "is_json", is_flag=True, help="Print JSON.")(function)


# -- the configuration --------------------------------------------------------------------------


def find_config(config_path: str | None) -> Path:
    """Find the main file as the design says; its absence is a ConfigurationError."""
    from linod.loader import find

    try:
        here = Path.cwd()
    except OSError:
        raise ConfigurationError("the directory you are in does not exist any more") from None
    path = find(config_path, os.environ, here)
    return path.relative_to(here) if path.is_relative_to(here) else path


def refuse_file(command: str, files: Sequence[str]) -> None:
    """Answer a FILE that stands where linters have it."""
    if files:
        raise Told(f"-c names the file: linod {command} -c {shlex.quote(files[0])}", USAGE)


def load_config(config_path: str | None, *, is_importing: bool | None = None) -> Config:
    """Load a configuration that could be served, or print its errors and leave with 78.

    Where nothing is said, user code is imported only if the tasks hang on it: `discover`,
    `django`.
    """
    loaded = _load(config_path, is_importing)
    if loaded.config is None:
        raise ConfigurationError(_refusal(loaded.fatal or loaded.errors))
    return loaded.config


def load_usable_config(config_path: str | None, *, is_importing: bool | None = False) -> Config:
    """Load what is usable, to reach store and daemon even while the file has errors."""
    loaded = _load(config_path, is_importing)
    if loaded.partial is None:
        raise ConfigurationError(_refusal(loaded.errors))
    if loaded.errors:
        tell(f"the configuration has {count_of(len(loaded.errors), 'error')}: linod check")
    return loaded.partial


def _load(config_path: str | None, is_importing: bool | None) -> Loaded:
    from linod.checking import prepare

    path = find_config(config_path)
    loaded = prepare(path, os.environ, is_importing=bool(is_importing))
    if is_importing is None and loaded.partial is not None and loaded.partial.linod.is_discovering:
        return prepare(path, os.environ)
    return loaded


def _refusal(errors: Sequence[Diagnostic]) -> str:
    from linod.diagnostics import render_text

    click.echo(render_text(errors, has_colour(sys.stderr)).rstrip("\n"), err=True)
    return f"the configuration has {count_of(len(errors), 'error')}: linod check"


def known(name: str, names: Collection[str], what: str = "task") -> str:
    """Return the name if there is such a task, else leave with 2 and the nearest one."""
    if name in names:
        return name
    near = get_close_matches(name, names, 1)
    hint = f': did you mean "{near[0]}"?' if near else f": {_listing(list(names))}"
    raise Told(f'there is no {what} "{name}"{hint}', USAGE)


def _listing(names: list[str]) -> str:
    if not names:
        return "there are none"
    rest = "" if len(names) <= 5 else f" and {len(names) - 5} more"
    return "there are " + ", ".join(names[:5]) + rest


# -- printing -----------------------------------------------------------------------------------


def now() -> datetime:
    """Read the clock: the command line is an entry point."""
    return datetime.now(UTC)


def screen_width(stream: Any) -> int:
    """Tell how many columns to fill: those of a narrow terminal, else what commands promise."""
    if not stream.isatty():
        return WIDTH_MAX
    columns = shutil.get_terminal_size((WIDTH_MAX, 24)).columns
    return max(_WIDTH_MIN, min(WIDTH_MAX, columns))


_WIDTH_MIN = 60
"""Below this a table says nothing any more; it wraps instead."""


def has_colour(stream: Any) -> bool:
    """Tell whether a stream is a terminal whose owner did not refuse colour."""
    return not os.environ.get("NO_COLOR") and bool(stream.isatty())


def write(lines: Iterable[str]) -> None:
    """Print lines in one go; what stdout cannot encode is replaced by plain signs."""
    text = "".join(f"{line}\n" for line in lines)
    encoding = sys.stdout.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate(_PLAIN).encode(encoding, "replace").decode(encoding)
    sys.stdout.write(text)
    sys.stdout.flush()


_PLAIN = str.maketrans(
    {"·": ".", "✗": "x", "▸": ">", "…": "~", "–": "-", "░": ":", "▒": "+", "▓": "%", "█": "#"}
)


def write_json(value: Any) -> None:
    """Print a value as JSON; instants are ISO 8601 with Z."""
    write([json.dumps(value, indent=2, default=_plain)])


def _plain(value: Any) -> Any:
    from linod.views import utc

    if isinstance(value, datetime):
        return utc(value)
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)

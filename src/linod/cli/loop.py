"""`linod loop`: functions one after the other, again and again, without a file."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from linod.cli import Told, tell
from linod.cli._options import (
    BAD_CONFIGURATION,
    ERRORS_FOUND,
    USAGE,
    has_colour,
    now,
    write,
)
from linod.errors import ConfigurationError
from linod.views import clean, wrap

if TYPE_CHECKING:
    from linod.loader import Loaded
    from linod.looping import Loop

_F = TypeVar("_F", bound=Callable[..., Any])

SUCCESS, FAILURE = timedelta(minutes=5), timedelta(minutes=20)
"""Rests by default; with --once there are none."""
_LEVELS = ("TRACE", "DEBUG", "INFO", "SUCCESS", "WARNING", "ERROR", "CRITICAL")


def _duration(_ctx: click.Context, param: click.Parameter, value: str | None) -> timedelta | None:
    from linod.units import parse_duration

    if value is None:
        return None
    try:
        parsed = parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(f'"{value[:40]}": {error}') from None
    if not parsed and param.name == "timeout":
        raise click.BadParameter("expected more than zero")
    return parsed


def _name(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    from linod.loader.naming import is_name, why_no_name

    if value is not None and not is_name(value):
        raise click.BadParameter(why_no_name(value))
    return value


def _duration_option(flag: str, help: str) -> Callable[[_F], _F]:
    return click.option(flag, metavar="DURATION", callback=_duration, help=help)


@click.command("loop")
@click.argument("paths", nargs=-1, required=True, metavar="FUNCTION...")
@_duration_option("--success", "Rest after a success. Default: 5 minutes.")
@_duration_option("--failure", "Rest after a failure. Default: 20 minutes.")
@_duration_option("--timeout", "End a function that runs longer than this.")
@click.option(
    "--log-level",
    type=click.Choice(_LEVELS, case_sensitive=False),
    help="Leave out what is below, of the functions and of linod.",
)
@click.option(
    "--import-path",
    multiple=True,
    metavar="DIR",
    help="Where modules are looked for first; may be given again. Default: here.",
)
@click.option(
    "--setup",
    multiple=True,
    metavar="FUNCTION",
    help="Call this before the functions are imported (django.setup); may be given again.",
)
@_duration_option(
    "--stop-timeout",
    "How long a function may go on when the loop is stopped. Default: 60 seconds.",
)
@click.option(
    "--directory",
    metavar="DIR",
    help="Where store, lock, socket and linod.toml of the loop are. "
    "Default: linod/loop/FUNCTIONS in XDG_STATE_HOME or ~/.local/state.",
)
@click.option(
    "--name",
    metavar="NAME",
    callback=_name,
    help="Name the loop, and its directory. Default: loop.",
)
@click.option("--replace", "is_replacing", is_flag=True, help="End the same loop where it goes on.")
@click.option(
    "--once", "is_once", is_flag=True, help="Run each function once, and end with 0 or 1."
)
def command(paths: tuple[str, ...], is_replacing: bool, **options: Any) -> None:
    """Run Python functions one after the other, again and again, without a linod.toml.

    FUNCTION is a dotted path, package.module.function. After each one linod rests, as its outcome
    says; one that fails does not stop the others. The first lines name the file with which all
    other commands find the loop.
    """
    if click.get_current_context().find_root().params.get("config_path"):
        raise Told("a loop has no file: leave out -c, or serve the file with linod serve", USAGE)
    loop = _loop(paths, **options)
    _refuse_unwritable(loop)
    _refuse_foreign(loop.file)
    loaded = _checked(loop)
    if is_replacing:
        _end_former(loop, loaded)
    raise click.exceptions.Exit(_serve(loop, loaded))


# -- arguments ----------------------------------------------------------------------------------


def _loop(
    paths: tuple[str, ...],
    *,
    import_path: tuple[str, ...],
    directory: str | None,
    name: str | None,
    success: timedelta | None,
    failure: timedelta | None,
    is_once: bool,
    log_level: str | None,
    **rest: Any,
) -> Loop:
    from linod.loader.zones import system_zone
    from linod.looping import LOOP, Loop
    from linod.specs import LogLevel

    _refuse_twice(paths)
    here = _here()
    zone = system_zone(os.environ)
    place = here / directory if directory else _state_directory(paths, name)
    return Loop(
        paths=paths,
        file=Path(os.path.normpath(place)) / "linod.toml",
        folder=here,
        zone=zone[0] if zone else "UTC",
        name=name or LOOP,
        success=_default(success, SUCCESS, is_once),
        failure=_default(failure, FAILURE, is_once),
        log_level=LogLevel(log_level) if log_level else None,
        import_path=tuple(Path(os.path.normpath(here / each)) for each in import_path),
        is_once=is_once,
        **rest,
    )


def _default(given: timedelta | None, default: timedelta, is_once: bool) -> timedelta | None:
    return default if given is None and not is_once else given


def _refuse_twice(paths: Sequence[str]) -> None:
    twice = next((path for path in paths if paths.count(path) > 1), None)
    if twice is not None:
        raise Told(f"{twice} is named twice: a function is in a loop once", USAGE)


def _here() -> Path:
    try:
        return Path.cwd()
    except OSError:
        raise ConfigurationError("the directory you are in does not exist any more") from None


def _state_directory(paths: Sequence[str], name: str | None) -> Path:
    from linod.looping import folder_name

    state = os.environ.get("XDG_STATE_HOME", "")
    # The XDG base directory specification: a relative path is to be ignored.
    if not os.path.isabs(state):
        home = os.path.expanduser("~")
        if not os.path.isabs(home):
            raise Told("there is no home directory: name one with --directory DIR", USAGE)
        state = os.path.join(home, ".local", "state")
    return Path(state) / "linod" / "loop" / (name or folder_name(paths))


def _refuse_unwritable(loop: Loop) -> None:
    try:
        "".join(map(str, (loop.folder, *loop.import_path))).encode()
    except UnicodeEncodeError:
        raise Told("the name of a directory is not UTF-8: TOML cannot hold it", USAGE) from None


def _refuse_foreign(file: Path) -> None:
    """Keep off the directory of another configuration: its file, its store, its daemon."""
    from linod.looping import WRITTEN_BY

    try:
        with file.open("rb") as opened:
            is_ours = opened.read(len(WRITTEN_BY)) == WRITTEN_BY.encode()
    except FileNotFoundError:
        is_ours = not file.with_name("linod.db").exists()
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror or error}") from None
    if not is_ours:
        raise Told(
            f"{file.parent} is that of another configuration: --directory names another one", USAGE
        )


# -- checking -----------------------------------------------------------------------------------


def _checked(loop: Loop) -> Loaded:
    """Load it, and import and bind the functions, as `linod check` does; errors end with 78."""
    from linod.checking import with_procedures
    from linod.daemon.locking import make_directories
    from linod.loader import load_source

    loaded = load_source(loop.source(), os.environ, now())
    if not loaded.errors:
        is_new = not loop.file.parent.exists()
        make_directories([loop.file.parent])
        loaded = with_procedures(loaded, os.environ)
        if loaded.errors and is_new:
            _remove(loop.file.parent)
    _report(loaded, loop.folder)
    return loaded


def _remove(directory: Path) -> None:
    # The same loop may be started elsewhere meanwhile; then it is not empty.
    with suppress(OSError):
        directory.rmdir()


def _report(loaded: Loaded, folder: Path) -> None:
    from linod.diagnostics import render_text
    from linod.looping import as_arguments

    if loaded.diagnostics:
        text = render_text(as_arguments(loaded.diagnostics, folder), has_colour(sys.stderr))
        click.echo(text.rstrip("\n"), err=True)
    if loaded.errors:
        raise click.exceptions.Exit(BAD_CONFIGURATION)


# -- serving ------------------------------------------------------------------------------------


def _end_former(loop: Loop, loaded: Loaded) -> None:
    from linod.daemon.replacing import end_daemon

    assert loaded.config is not None
    end_daemon(loop.file.parent, loaded.config.linod.stop_timeout, tell)


def _serve(loop: Loop, loaded: Loaded) -> int:
    from linod.daemon.first_run import FirstRun
    from linod.daemon.locking import AlreadyServed
    from linod.daemon.start import serve_loop

    environ = dict(os.environ)
    if loop.log_level is not None:
        environ["LINOD_LOG_LEVEL"] = str(loop.log_level)
    first = FirstRun(task=loop.name, is_only=loop.is_once)
    try:
        return serve_loop(loaded, environ, first, lambda: _begin(loop))
    except AlreadyServed as error:
        raise Told(f"{error}: --replace ends it and takes its place", ERRORS_FOUND) from None


def _begin(loop: Loop) -> None:
    """Write the file and say where it is, with the lock in hand."""
    _write_file(loop)
    file = (
        loop.file.relative_to(loop.folder) if loop.file.is_relative_to(loop.folder) else loop.file
    )
    lines = wrap(clean(f"{loop.name}: {', '.join(loop.names.values())}"), indent="  ")
    # Not wrapped: it is there to be copied.
    lines.append(f"look at it: linod -c {clean(shlex.quote(str(file)))} status")
    # Who reads may be gone; that is no reason not to start.
    with suppress(OSError):
        write(lines)


def _write_file(loop: Loop) -> None:
    """Write the file in whole or not at all."""
    beside = loop.file.with_suffix(".new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    try:
        with os.fdopen(os.open(beside, flags, 0o600), "wb") as file:
            file.write(loop.text().encode())
        beside.replace(loop.file)
    except OSError as error:
        raise ConfigurationError(
            f"{loop.file} cannot be written: {error.strerror or error}"
        ) from None

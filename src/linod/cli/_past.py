"""What the commands read: the store without its daemon, and the daemon where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from linod.cli import Told
from linod.cli._options import USAGE, known, load_usable_config
from linod.cli._plans import typed_instant
from linod.errors import DaemonUnreachable
from linod.views import BAD

if TYPE_CHECKING:
    from pathlib import Path

    from linod.control.client import Client
    from linod.specs import Chain, Config, Task
    from linod.store.interface import Reader, RunRow

_RUNS_SEARCHED = 10_000
"""How far back TASK@T and TASK@last-failed look: a year of an hourly task."""


@contextmanager
def reading(config: Config) -> Iterator[Reader | None]:
    """Open the store to look at; None where no daemon has made one yet."""
    from linod.store import open_reader

    if _is_missing(config.store_path):
        yield None
        return
    reader = open_reader(config.store_path)
    try:
        yield reader
    finally:
        reader.close()


def _is_missing(path: Path) -> bool:
    try:
        path.stat()
    except FileNotFoundError:
        return True
    except OSError:
        return False  # opening it says why
    return False


def client_of(config: Config) -> Client:
    """Build the client of the daemon that serves this configuration."""

    from linod.control.client import Client

    return Client(config.directory)


def daemon_status(config: Config) -> dict[str, Any] | None:
    """Ask the daemon how it is; None where none answers."""
    try:
        return client_of(config).request("status", timeout_s=5.0)
    except DaemonUnreachable:
        return None


def planned(config: Config, name: str) -> Task | Chain | None:
    """The task or the chain of this name, as it is configured."""
    return config.tasks.get(name) or config.chains.get(name)


def zone_of(config: Config, name: str) -> str:
    """The zone of a task or a chain; of one that is gone, that of [linod]."""
    found = planned(config, name)
    return config.zone if found is None else config.zone_of(found)


def configuration(config_path: str | None, which: str | None) -> Config:
    """Load what is usable; import the modules of `discover` only for a name nobody knows."""
    config = load_usable_config(config_path)
    name, _, _ = (which or "").partition("@")
    if not name or name.isdecimal() or not config.linod.is_discovering:
        return config
    with reading(config) as reader:
        is_known = is_task(config, reader, name)
    return config if is_known else load_usable_config(config_path, is_importing=None)


def is_task(config: Config, reader: Reader | None, name: str) -> bool:
    """Tell whether there is such a task or chain, or was one that left something in the store."""
    if planned(config, name) is not None or reader is None:
        return planned(config, name) is not None
    return bool(reader.runs(name, limit=1) or reader.decisions(name, limit=1))


def find_run(config: Config, reader: Reader | None, text: str) -> RunRow:
    """Find the run that a person means by its number, TASK, TASK@T or TASK@last-failed."""
    row = _run_by_number(reader, text)
    if row is not None:
        return row
    task, _, which = text.partition("@")
    if task.isdecimal() and not which:
        raise Told(f"there is no run {task}", USAGE)
    if not is_task(config, reader, task):
        known(task, {**config.tasks, **config.chains})
    row = _run_of(config, reader, task, which) if reader is not None else None
    if row is None:
        raise Told(f'there is no run "{text}": linod history {task}', USAGE)
    return row


def _run_by_number(reader: Reader | None, text: str) -> RunRow | None:
    # 18 digits: what a row number of the store holds.
    if reader is None or not (text.isascii() and text.isdecimal() and len(text) <= 18):
        return None
    return reader.run(int(text))


def _run_of(config: Config, reader: Reader, task: str, which: str) -> RunRow | None:
    if which in ("", "last"):
        return next(iter(reader.runs(task, limit=1)), None)
    rows = reader.runs(task, limit=_RUNS_SEARCHED)
    if which == "last-failed":
        return next((row for row in rows if row.outcome in BAD), None)
    due = typed_instant(which, zone_of(config, task), f"{task}@T:")
    return next((row for row in rows if _is_meant(row.due, due)), None)


def _is_meant(due: datetime, typed: datetime) -> bool:
    # A person copies an instant from a table, which leaves out fractions, and zero seconds.
    return timedelta(0) <= due - typed < timedelta(seconds=1)

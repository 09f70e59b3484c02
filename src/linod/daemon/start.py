"""Everything before the loop: what can refuse the start does so here, in one line or a report."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from linod.advice import refusal
from linod.checking import prepare
from linod.control.client import Client
from linod.daemon import clock
from linod.daemon.first_run import FirstRun
from linod.daemon.locking import Lock, holder, make_directories
from linod.daemon.reaper import step_down
from linod.daemon.shell import Shell
from linod.daemon.teller import Teller
from linod.diagnostics import render_text
from linod.engine import Engine
from linod.errors import ConfigurationError, DaemonUnreachable
from linod.executor import priority, runfiles
from linod.executor.early import EarlyChild
from linod.executor.tree import boot_id
from linod.loader import Loaded
from linod.log import LogPlan, check_log, start_log
from linod.log.serving import check_server
from linod.specs import Config
from linod.store import open_store, opening

LEASE_BYTES = 8
DECIDED_AT_ONCE = 100
"""Tasks in one transaction: it takes some 30 ms, in which none of them starts. With fewer those
that start keep the processors from the daemon, and the last one has to wait for longer."""
ANSWER_WITHIN_S = 10.0
"""For a daemon that is asked to hand over."""
HAND_OVER_WITHIN_S = 30.0
"""For a former daemon to make room: it waits for what is being committed just now."""


def serve(
    path: Path,
    environ: Mapping[str, str],
    write: Callable[[str], None] | None,
    *,
    is_replacing: bool = False,
    early: EarlyChild | None = None,
) -> int:
    """Load, lock, open, serve; where it is to replace a daemon, ask that to make room first."""
    _heed_no_hangup()
    loaded = prepare(path, environ, now=clock.now(), early=early)
    _report(loaded)
    config = loaded.config
    if config is None or loaded.fatal:
        return ConfigurationError.exit_code
    make_directories([config.directory, config.store_path.parent])
    is_handed_over = is_replacing and ask_for_room(config.directory)
    with _locked(config, HAND_OVER_WITHIN_S if is_handed_over else 0.0) as lock:
        return _serve_locked(
            config, loaded.late, lock, environ, write, is_handed_over=is_handed_over
        )


def serve_loop(
    loaded: Loaded, environ: Mapping[str, str], first: FirstRun, write_file: Callable[[], None]
) -> int:
    """Write the file of a loop that was checked already, and serve it from its first run on."""
    step_down()
    priority.go_first()
    _heed_no_hangup()
    config = loaded.config
    assert config is not None
    make_directories([config.directory])
    with _locked(config) as lock:
        # Not earlier: the file is that of a daemon which goes on, if the lock is not ours.
        write_file()
        return _serve_locked(config, loaded.late, lock, environ, None, first)


def ask_for_room(directory: Path) -> bool:
    """Ask the daemon of a directory to hand over; False where there is none."""
    if holder(directory) is None:
        return False
    try:
        Client(directory).request("hand_over", timeout_s=ANSWER_WITHIN_S)
    except DaemonUnreachable:
        if holder(directory) is None:
            return False  # it ended just now
        raise
    return True


@contextmanager
def _locked(config: Config, within_s: float = 0.0) -> Iterator[Lock]:
    lock = Lock()
    lock.take(config.directory, config.store_path, within_s)
    try:
        _make_folders(config.directory)
        yield lock
    finally:
        lock.release()


def _serve_locked(
    config: Config,
    late: Collection[str],
    lock: Lock,
    environ: Mapping[str, str],
    write: Callable[[str], None] | None,
    first: FirstRun | None = None,
    *,
    is_handed_over: bool = False,
) -> int:
    plan = LogPlan.of(config, environ)
    if plan.path is not None:
        make_directories([plan.path.parent])
    check_log(plan)
    check_server(config)
    store = open_store(config.store_path)
    lock.watch(config.store_path)
    for suffix in ("-wal", "-shm"):
        # Without them SQLite goes on as if nothing were wrong, and forgets it when it is killed.
        lock.watch(opening.beside(config.store_path, suffix))
    try:
        start_log(plan, program="daemon")
        teller = Teller(plan, write)
        engine = Engine(
            store,
            lease=lambda: secrets.token_hex(LEASE_BYTES),
            boot=boot_id(),
            at_once=DECIDED_AT_ONCE,
        )

        async def serve() -> int:
            return await Shell(
                config,
                environ,
                late=late,
                lock=lock,
                store=store,
                engine=engine,
                teller=teller,
                first=first,
                is_handed_over=is_handed_over,
            ).serve()

        try:
            return asyncio.run(serve())
        finally:
            teller.close()
    finally:
        store.close()


def _make_folders(directory: Path) -> None:
    """Make what keepers and runs write into: else each run would fail by itself."""
    for name, mode in runfiles.FOLDERS.items():
        make_directories([directory / name], mode)
    try:
        os.close(runfiles.prepare(directory))
    except OSError as error:
        folder = directory / "runs" / str(os.geteuid())
        raise refusal(f"the directory {folder} cannot be made", error) from None


def _report(loaded: Loaded) -> None:
    if loaded.diagnostics:
        # Who reads may be gone; that is no reason not to start.
        with suppress(OSError):
            sys.stderr.write(render_text(loaded.diagnostics).rstrip("\n") + "\n")
            sys.stderr.flush()


def _heed_no_hangup() -> None:
    """Let a SIGHUP that comes while the file is read do nothing.

    A handler: what is ignored would be ignored by every process that is started.
    """
    signal.signal(signal.SIGHUP, lambda _number, _frame: None)

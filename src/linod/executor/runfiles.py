"""The run files `directory/runs/UID/ID`: what proves whether a run began, and how it ended.

Rules of this border:
- The worker's first act is to claim its run with the run file (`claims`); a daemon that recovers
  claims it in the worker's stead, and the late worker knows of that.
- `runs/UID` is made by the daemon and belongs to that user alone (0700). What is read there is
  untrusted: a forged end can only concern a run of that user.

A daemon that starts takes the keepers of the former one over first, and ends those that do not
answer; their workers die with them. Only then `recover` is called for each unfinished run that no
keeper keeps, so that nothing can still be writing its run file.
"""

from __future__ import annotations

import os
import pwd
import re
import stat
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from linod.events import Outcome, RunEnded
from linod.executor import claims, returning, tree

NEVER_STARTED = "never started"
KEEPER_DIED = "its keeper died"
MACHINE_RESTARTED = "the machine was restarted"

MALFORMED = (KeyError, ValueError, TypeError, OverflowError, OSError)
"""What reading a message of somebody who is not trusted may raise."""

FOLDERS = {"keepers": 0o700, "runs": 0o711}
"""Of the daemon's directory, with their modes."""
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_WORKER = re.compile(r"[0-9]{1,20}:[0-9]{1,20}")
_NOBODY = (0, 0)
"""Pid and start time in a file that a daemon made in the worker's stead."""


class Proof(StrEnum):
    """What a run file proves about a run whose keeper is gone."""

    NEVER_STARTED = "never started"
    ENDED = "ended"
    LOST = "lost"


@frozen(kw_only=True)
class Recovered:
    """The proof, and the end to give to the engine."""

    proof: Proof
    end: RunEnded
    """LOST with reason "never started" for a run that never began."""


def recover(
    directory: Path,
    run: int,
    lease: str,
    *,
    boot: str,
    user: str | None = None,
    is_running: bool = False,
    may_live: bool = True,
) -> Recovered:
    """Find out what became of a run whose keeper is gone, and end what still lives of it.

    `boot` is the boot id stored with the run, `user` the task's; `is_running` says that its start
    was reported, so that a file which is missing was removed and proves nothing; `may_live` is
    False where no process names it (`tree.living_runs`), which is costly to find out. No keeper may
    have it any more; it may block for two seconds where processes will not die.
    """
    folder = prepare(directory, user)
    try:
        is_claimed = _claim(folder, run)
        lines = claims.read(folder, run)
    finally:
        os.close(folder)
    if not is_running and is_claimed:
        return _unproven(run, lease, is_this_boot=boot == tree.boot_id())
    if not is_running and lines and lines[0] == [*_NOBODY, boot]:
        # A daemon before us proved it, and died before that was recorded.
        return _unproven(run, lease, is_this_boot=True)
    end = end_of(lines, run, lease)
    if end is not None:
        _end_what_lives(directory, run, _worker(lines, uid_of(user)), may_live=may_live)
        return Recovered(proof=Proof.ENDED, end=end)
    if not _is_of_this_boot(lines, boot):
        return _lost(run, lease, MACHINE_RESTARTED)
    _end_what_lives(directory, run, _worker(lines, uid_of(user)), may_live=may_live)
    return _lost(run, lease, KEEPER_DIED)


def uid_of(user: str | None) -> int:
    """Return the uid under which a task of `user` runs: our own unless we are root."""
    if user is None or os.geteuid() != 0:
        return os.geteuid()
    try:
        return int(user) if user.isdigit() else pwd.getpwnam(user).pw_uid
    except KeyError:
        return os.geteuid()


def prepare(directory: Path, user: str | None = None) -> int:
    """Make `runs/UID` where it is missing; return a descriptor of it."""
    uid = uid_of(user)
    with suppress(FileExistsError):
        os.makedirs(directory, mode=0o755)
    with suppress(FileExistsError):
        os.mkdir(directory / "runs", mode=FOLDERS["runs"])
    runs = os.open(directory / "runs", _DIRECTORY)
    try:
        with suppress(FileExistsError):
            os.mkdir(str(uid), mode=0o700, dir_fd=runs)
        folder = os.open(str(uid), _DIRECTORY, dir_fd=runs)
    finally:
        os.close(runs)
    _give_away(folder, uid)
    return folder


def path_of(directory: Path, user: str | None) -> str:
    """Name the folder `runs/UID` of a user."""
    return os.fspath(directory / "runs" / str(uid_of(user)))


def is_current(path: str, folder: tuple[int, int]) -> bool:
    """Tell whether `runs/UID` is that folder still; where nobody can tell just now, it is."""
    try:
        return identity(os.stat(path)) == folder
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True


def identity(state: os.stat_result) -> tuple[int, int]:
    """Return what tells a folder from others of the same name."""
    return state.st_dev, state.st_ino


def _give_away(folder: int, uid: int) -> None:
    # Looked at each time: who made the folder may have died before it was given away.
    state = os.fstat(folder)
    if state.st_uid != uid:
        os.fchown(folder, uid, -1)
    if stat.S_IMODE(state.st_mode) != 0o700:
        os.fchmod(folder, 0o700)


def remove(directory: Path, runs: Collection[int]) -> None:
    """Remove run files, once the store has the ends."""
    for folder in _folders(directory):
        for run in runs:
            with suppress(OSError):
                os.unlink(str(run), dir_fd=folder)


def sweep(directory: Path, unfinished: Collection[int]) -> None:
    """Remove the run files whose daemon died after it recorded the end, and books of the dead.

    `unfinished` are those of the store, and those that keepers have.
    """
    wanted = {str(run) for run in unfinished}
    for folder in _folders(directory):
        with os.scandir(folder) as entries:
            ended = [each.name for each in entries if not _is_needed(each.name, wanted)]
        for name in ended:
            with suppress(OSError):
                os.unlink(name, dir_fd=folder)


def forget_keeper(directory: Path, pid: int) -> None:
    """Remove the book of a keeper that died."""
    for folder in _folders(directory):
        for name in os.listdir(folder):
            if claims.keeper_of(name) == pid:
                with suppress(OSError):
                    os.unlink(name, dir_fd=folder)


def _is_needed(name: str, wanted: Collection[str]) -> bool:
    keeper = claims.keeper_of(name)
    return name in wanted if keeper is None else os.path.exists(f"/proc/{keeper}")


def _folders(directory: Path) -> Iterator[int]:
    """Open each `runs/UID`, one after another."""
    with suppress(OSError):
        runs = os.open(directory / "runs", _DIRECTORY)
        try:
            for name in os.listdir(runs):
                folder = os.open(name, _DIRECTORY, dir_fd=runs)
                try:
                    yield folder
                finally:
                    os.close(folder)
        finally:
            os.close(runs)


def end_of(lines: list[Any], run: int, lease: str) -> RunEnded | None:
    """Return the first end that the lines of a run file tell; nothing in them is trusted.

    Where the worker told it, a keeper without daemon told what only it knows in a line behind.
    """
    told = [line for line in lines if isinstance(line, dict)]
    for index, line in enumerate(told):
        with suppress(*MALFORMED):
            end = ended(line, run, lease)
            return _with_more(end, told[index + 1 :])
    return None


def _with_more(end: RunEnded, later: list[dict[str, Any]]) -> RunEnded:
    for line in later:
        log, used = str(line.get("log", "")), _used(line.get("used"))
        if log or used:
            return evolve(end, log=end.log or log, used=end.used or used)
    return end


def ended(message: dict[str, Any], run: int, lease: str) -> RunEnded:
    """Build the event from a message of a keeper or a line of a run file; raises MALFORMED."""
    return RunEnded(
        run=run,
        lease=lease,
        outcome=Outcome(message["outcome"]),
        reason=str(message.get("reason", ""))[:1000],
        detail=detail_of(message.get("detail")),
        started=_instant(message.get("started")),
        ended=_instant(message.get("ended")),
        used=_used(message.get("used")),
        log=str(message.get("log", "")),
        worker=worker_of(message.get("worker")),
    )


def worker_of(value: Any) -> str:
    """Take what names a worker, `pid:start time`, and nothing that only looks like it."""
    return value if isinstance(value, str) and _WORKER.fullmatch(value) else ""


def _used(value: Any) -> dict[str, float | int]:
    """Take what a run used: all of it, or nothing."""
    found = value if isinstance(value, dict) else {}
    is_whole = all(type(found.get(name)) in (int, float) for name in _USED)
    if not is_whole or not all(0 <= found[name] < _USED_MAX for name in _USED):
        return {}
    return {name: found[name] for name in _USED}


def detail_of(value: Any) -> dict[str, Any]:
    """Take what an end may tell beside its reason, and nothing that only looks like it."""
    if not value or not isinstance(value, dict):
        return {}
    return {name: value[name] for name, fits in _DETAILS.items() if fits(value.get(name))}


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


_DETAILS: dict[str, Callable[[Any], bool]] = {
    "exit_status": lambda value: type(value) is int and abs(value) < 2**63,
    "signal": _is_text,
    "exception": _is_text,
    "bases": lambda value: isinstance(value, list) and all(map(_is_text, value)),
    "traceback": _is_text,
    returning.RESULT: returning.is_kept,
}
_USED_MAX = 2**63
_USED = ("user_s", "system_s", "memory")


def _claim(folder: int, run: int) -> bool:
    """Create the run file in the worker's stead; False if it is there."""
    try:
        os.close(claims.create(folder, run, [*_NOBODY, tree.boot_id()]))
    except FileExistsError:
        return False
    return True


def _unproven(run: int, lease: str, *, is_this_boot: bool) -> Recovered:
    if not is_this_boot:
        return _lost(run, lease, MACHINE_RESTARTED)
    end = RunEnded(run=run, lease=lease, outcome=Outcome.LOST, reason=NEVER_STARTED)
    return Recovered(proof=Proof.NEVER_STARTED, end=end)


def _lost(run: int, lease: str, reason: str) -> Recovered:
    end = RunEnded(run=run, lease=lease, outcome=Outcome.LOST, reason=reason)
    return Recovered(proof=Proof.LOST, end=end)


def _is_of_this_boot(lines: list[Any], boot: str) -> bool:
    first = lines[0] if lines else None
    # A file without its first line was cut short by a death right after its creation.
    recorded = first[2] if isinstance(first, list) and len(first) == 3 else boot
    return bool(recorded == tree.boot_id())


def _end_what_lives(directory: Path, run: int, worker: tuple[int, int], *, may_live: bool) -> None:
    """KILL the worker's session, if it is still the same, and all that names the run."""
    pid, start = worker
    if not may_live and not tree.is_alive(pid, start):
        return

    def members(table: dict[int, tree.Process]) -> set[int]:
        found = tree.of_run(run, str(directory.resolve()), table)
        if pid in table and table[pid].start == start:
            found |= {pid} | tree.of_session(pid, table)
        return found | tree.descendants(found, table)

    tree.kill_all(members)


def _worker(lines: list[Any], uid: int) -> tuple[int, int]:
    """Read pid and start time of the worker; what is not of its user no process has."""
    first = lines[0] if lines else None
    if isinstance(first, list) and len(first) == 3:
        pid, start, _ = first
        # A user who wrote another's process into the file would have us, as root, kill that.
        if isinstance(pid, int) and isinstance(start, int) and tree.user_of(pid) == uid:
            return pid, start
    return 0, 0


def _instant(value: Any) -> datetime | None:
    return datetime.fromtimestamp(value, UTC) if isinstance(value, int | float) else None

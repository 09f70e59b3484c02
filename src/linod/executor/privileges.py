"""Becoming the user of a keeper: groups, group, user, in that order and for good.

What becomes another user gets `no_new_privs`, so that no setuid program is a way back, and what
executes runs offers itself to the kernel when memory runs out, before keepers and the daemon.
"""

from __future__ import annotations

import ctypes
import grp
import os
import pwd
import resource
import signal
import sys
from contextlib import suppress

from linod.errors import LinodError

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_OOM_SCORE = "/proc/self/oom_score_adj"
# Of a thousand: a run looks so much bigger than it is when the kernel looks for whom to end.
_OOM_OF_RUNS, _OOM_ABOVE_KEEPER, _OOM_MAX = 200, 100, 1000


class UserUnknown(LinodError):  # noqa: N818 - it reads as what happened
    """The user or group of a task does not exist here."""

    def __init__(self, message: str, *, is_user: bool) -> None:
        super().__init__(message)
        self.is_user = is_user


def check(user: str | None, group: str | None) -> None:
    """Raise UserUnknown where `drop` would."""
    if os.geteuid() == 0 and (user is not None or group is not None):
        _identity(user, group)


def drop(user: str | None, group: str | None, nice: int = 0) -> None:
    """Become user and group of a task; does nothing unless we are root and one is named.

    What follows may still take a priority of `nice`, which is root's to give.
    """
    if os.geteuid() != 0 or (user is None and group is None):
        return
    uid, gid, groups = _identity(user, group)
    if nice < 0:
        _allow(nice)
    os.setgroups(groups)
    os.setresgid(gid, gid, gid) if hasattr(os, "setresgid") else os.setgid(gid)
    os.setresuid(uid, uid, uid) if hasattr(os, "setresuid") else os.setuid(uid)
    _verify(uid, gid, groups)
    _open_to_its_user()
    if uid != 0:
        _gain_nothing_more()


def _allow(nice: int) -> None:
    """Let this process and those below it raise their priority so far, setrlimit(2)."""
    # AttributeError: macOS has no such limit. The others: a container without the capability.
    with suppress(AttributeError, ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NICE, (20 - nice, 20 - nice))


def _identity(user: str | None, group: str | None) -> tuple[int, int, list[int]]:
    entry = _user(user) if user is not None else None
    gid = entry.pw_gid if entry else 0
    if group is not None:
        gid = _gid(group)
    if entry is None:
        return 0, gid, [gid]
    groups = os.getgrouplist(entry.pw_name, gid)
    return entry.pw_uid, gid, sorted(set(groups))


def _user(user: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(int(user)) if user.isdigit() else pwd.getpwnam(user)
    except (KeyError, OverflowError):
        raise UserUnknown(f'there is no user "{user}" on this machine', is_user=True) from None


def _gid(group: str) -> int:
    try:
        return grp.getgrgid(int(group)).gr_gid if group.isdigit() else grp.getgrnam(group).gr_gid
    except (KeyError, OverflowError):
        raise UserUnknown(f'there is no group "{group}" on this machine', is_user=False) from None


def _verify(uid: int, gid: int, groups: list[int]) -> None:
    """Make sure that there is no way back to root."""
    is_dropped = os.getuid() == os.geteuid() == uid and os.getgid() == os.getegid() == gid
    if not is_dropped or set(os.getgroups()) - {gid} != set(groups) - {gid}:
        raise LinodError("the privileges could not be dropped")
    if uid == 0:
        return
    try:
        os.setuid(0)
    except PermissionError:
        return
    raise LinodError("the privileges could be regained after they were dropped")


def _gain_nothing_more() -> None:
    """Let no program that is executed below have more rights than we have: no sudo, no setuid."""
    if _PRCTL is not None and _PRCTL(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise LinodError("the kernel does not keep setuid programs from the task's user")


def _open_to_its_user() -> None:
    """Give /proc/self to the user that we became, as exec would: root's it would stay, proc(5).

    A keeper reads there what its workers are and use; nothing of root is in its memory.
    """
    if _PRCTL is not None:
        _PRCTL(_PR_SET_DUMPABLE, 1, 0, 0, 0)


def _prctl() -> ctypes._NamedFuncPointer | None:
    if sys.platform != "linux":
        return None
    try:
        return ctypes.CDLL(None, use_errno=True).prctl
    except (OSError, AttributeError):
        return None


# Looked up once, before the fork: the worker only calls it.
_PRCTL = _prctl()


def die_with_parent(parent: int) -> bool:
    """Let the kernel KILL this process when its parent dies; False if that is dead already."""
    if _PRCTL is not None:
        _PRCTL(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    return os.getppid() == parent


def _oom_score_of_runs() -> bytes:
    """Return the score of runs: above that of the keeper, whatever that inherited."""
    try:
        with open(_OOM_SCORE, "rb") as file:
            own = int(file.read())
    except (OSError, ValueError):
        return b""
    return b"%d" % min(_OOM_MAX, max(_OOM_OF_RUNS, own + _OOM_ABOVE_KEEPER))


_OOM_SCORE_OF_RUNS = _oom_score_of_runs()


def be_ended_first() -> None:
    """Be ended before the keeper and the daemon when memory runs out."""
    if not _OOM_SCORE_OF_RUNS:
        return
    with suppress(OSError):
        descriptor = os.open(_OOM_SCORE, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(descriptor, _OOM_SCORE_OF_RUNS)
        finally:
            os.close(descriptor)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent dies."""
    if _PRCTL is not None:
        _PRCTL(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

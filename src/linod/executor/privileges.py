"""Becoming the user of a keeper: groups, group, user, in that order and for good."""

from __future__ import annotations

import ctypes
import grp
import os
import pwd
import signal
import sys

from linod.errors import LinodError

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


class UserUnknown(LinodError):  # noqa: N818 - it reads as what happened
    """The user or group of a task does not exist here."""

    def __init__(self, message: str, *, is_user: bool) -> None:
        super().__init__(message)
        self.is_user = is_user


def check(user: str | None, group: str | None) -> None:
    """Raise UserUnknown where `drop` would."""
    if os.geteuid() == 0 and (user is not None or group is not None):
        _identity(user, group)


def drop(user: str | None, group: str | None) -> None:
    """Become user and group of a task; does nothing unless we are root and one is named."""
    if os.geteuid() != 0 or (user is None and group is None):
        return
    uid, gid, groups = _identity(user, group)
    os.setgroups(groups)
    os.setresgid(gid, gid, gid) if hasattr(os, "setresgid") else os.setgid(gid)
    os.setresuid(uid, uid, uid) if hasattr(os, "setresuid") else os.setuid(uid)
    _verify(uid, gid, groups)


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


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent dies."""
    if _PRCTL is not None:
        _PRCTL(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

"""Whether runs can become the user and the group that a task names."""

from __future__ import annotations

import grp
import pwd


def has_no_effect(key: str, name: str, uid: int, gid: int) -> bool:
    """Tell whether `user` or `group` is passed over: only root can become another."""
    if uid == 0:
        return False
    try:
        if key == "user":
            return pwd.getpwnam(name).pw_uid != uid
        return grp.getgrnam(name).gr_gid != gid
    except KeyError:
        return True

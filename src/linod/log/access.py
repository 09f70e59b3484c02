"""Who may send to the log server, and as whom a record is written.

Rules of this border:
- Pure but for `of`, which looks users up. What is believed of a local peer is its uid and its pid,
  by the word of the kernel; of what it says only what that uid may say.
- Who is of linod's own uid or root could write the file itself, and is believed.
- A task and its run are claimed with right only by the user that the task has. From anybody else
  the record is kept, under the program and the user: `gunicorn@www-data[812]`.
- From another host no task is believed, and the name of the host stands there.
"""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Collection, Mapping

from attrs import field, frozen

from linod.errors import KeyRefused
from linod.log.frames import Hello
from linod.log.lines import Origin
from linod.specs import Config


@frozen(kw_only=True)
class Access:
    """The rules of one server."""

    own: int
    """Its uid."""
    group: int | None = None
    """A gid whose members may send."""
    tasks: Mapping[int, frozenset[str]] = field(factory=dict)
    """Per uid the names of its tasks."""

    @classmethod
    def of(cls, config: Config) -> Access:
        """Read who may send; KeyRefused where the group does not exist."""
        group = config.log.group if config.log is not None else None
        own = os.geteuid()
        tasks: dict[int, set[str]] = {}
        for task in config.tasks.values() if own == 0 else ():
            if task.user is not None and (uid := _uid(task.user)) is not None and uid != own:
                tasks.setdefault(uid, set()).add(str(task.name))
        return cls(
            own=own,
            group=None if group is None else _gid(group),
            tasks={uid: frozenset(names) for uid, names in tasks.items()},
        )

    @property
    def is_needed(self) -> bool:
        """Tell whether there is anybody who cannot write the file."""
        return self.group is not None or bool(self.tasks)

    @property
    def mode(self) -> int:
        """Of the socket. Where several users may connect, `admits` decides alone."""
        if self.tasks:
            return 0o666
        return 0o660 if self.group is not None else 0o600

    @property
    def passage(self) -> int:
        """What the directory of the log has to allow for that, beside its mode."""
        if self.tasks:
            return 0o001
        return 0o010 if self.group is not None else 0

    def admits(self, uid: int, groups: Collection[int]) -> bool:
        """Tell whether a local peer may send."""
        if uid in (self.own, 0) or uid in self.tasks:
            return True
        return self.group is not None and self.group in groups

    def origin(self, uid: int, pid: int, hello: Hello, claimed: Origin) -> Origin:
        """Give as whom a record of a local peer is written."""
        if uid in (self.own, 0):
            return claimed
        pid = pid if pid > 0 and not hello.is_left else hello.pid
        if claimed.task is not None and claimed.task in self.tasks.get(uid, ()):
            return claimed._replace(pid=pid)
        return Origin(f"{claimed.program}@{name_of(uid)}", pid)


def origin_of_host(host: str, claimed: Origin) -> Origin:
    """Give as whom a record of another host is written."""
    return Origin(f"{claimed.program}@{host or 'unknown'}", claimed.pid)


def name_of(uid: int) -> str:
    """Give the name of a user, or its number."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid{uid}"


def _uid(user: str) -> int | None:
    try:
        return int(user) if user.isdigit() else pwd.getpwnam(user).pw_uid
    except KeyError:
        return None


def _gid(group: str) -> int:
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        raise KeyRefused("log", "group", f'there is no group "{group}" on this machine') from None

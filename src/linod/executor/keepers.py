"""Which keepers there are: started when they are needed, ended when they are not.

There is one per (user, group, import_env). A reload, or a folder that somebody removed, retires
those that are there: they end with their last run, and new ones import the code anew.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from attrs import evolve

from linod.executor import messages
from linod.executor.identity import with_identity
from linod.executor.link import Link, Listening, Own, TakenOver
from linod.executor.messages import KeeperKey, Settings
from linod.executor.takeover import Kept
from linod.specs import Config, Task

_IDLE_S = 600.0
# More would rather be started when they are needed than all at once.
_WARM_MAX = 4
# Of so many tasks keepers learn at once, of so many others each time the daemon has time for it.
_TAUGHT_AT_ONCE = 500
_TAUGHT_IN_A_TURN = 50
_TEACH_AGAIN_S = 0.01


class Keepers:
    """Those of a daemon, on its event loop."""

    def __init__(
        self,
        directory: Path,
        log_plan: dict[str, Any],
        listening: Listening,
        import_within_s: float,
    ) -> None:
        self._directory = directory
        self._log_plan = log_plan
        self._listening = listening
        self._import_within_s = import_within_s
        self._config: Config | None = None
        self._late: list[str] = []
        self._teaching: asyncio.TimerHandle | None = None
        self._links: dict[KeeperKey, Own] = {}
        self._former: set[Link] = set()
        self._idle: dict[Link, asyncio.TimerHandle] = {}
        self._offered: dict[str, Kept] = {}
        """Keepers of a daemon that crashed, by what they are: they may go on being it."""
        self._reused: dict[int, Own] = {}
        """Those that do, by their pid, until their runs are adopted."""

    def __iter__(self) -> Iterator[Link]:
        return iter((*self._links.values(), *self._former))

    # -- what is wanted -----------------------------------------------------------------------

    def offer(self, kept: Collection[Kept]) -> None:
        """Give keepers of a daemon that crashed to `configure`, which takes what fits; once."""
        self._offered = {each.identity: each for each in kept if each.identity}

    def configure(
        self, config: Config, log_plan: dict[str, Any] | None, late: Collection[str]
    ) -> None:
        """Take a configuration: new keepers for what starts now, old ones end with their runs."""
        if log_plan is not None:
            self._log_plan = log_plan
        self._config = config
        self._late = sorted(late)
        for link in self._links.values():
            self._retire(link)
        self._links = {}
        for key in self._keys_to_warm(config):
            self.warm(key)
        self._stop_teaching()
        self._teach(config, 0, _TAUGHT_AT_ONCE)
        self._offered = {}

    def _teach(self, config: Config, begin: int, count: int) -> None:
        """Let keepers know some of the tasks, and the others soon."""
        end = begin + count
        for task in islice(config.tasks.values(), begin, end):
            known = self._links.get(KeeperKey.of(task))
            if known is not None:
                known.teach(task)
        if end < len(config.tasks):
            loop, others = asyncio.get_running_loop(), (config, end, _TAUGHT_IN_A_TURN)
            self._teaching = loop.call_later(_TEACH_AGAIN_S, self._teach, *others)

    def _teach_soon(self) -> None:
        """Let a new keeper know all tasks before they are due: its workers must know them, too."""
        assert self._config is not None, "configure() comes before start()"
        self._stop_teaching()
        loop, all_of_them = asyncio.get_running_loop(), (self._config, 0, _TAUGHT_IN_A_TURN)
        self._teaching = loop.call_later(_TEACH_AGAIN_S, self._teach, *all_of_them)

    def _stop_teaching(self) -> None:
        if self._teaching is not None:
            self._teaching.cancel()

    def warm(self, key: KeeperKey) -> None:
        """Start a keeper before it is needed: to import takes longer than a run may be late."""
        with suppress(OSError):  # the first start of its tasks will tell
            self._link(key)

    def of(self, task: Task) -> Own:
        """The keeper that starts runs of a task now; raises OSError where it cannot be started."""
        link = self._link(KeeperKey.of(task))
        self.stop_idling(link)
        return link

    def ready(self, task: Task) -> Own | None:
        """The keeper of a task, where it is there and can start runs at once."""
        return self._ready(KeeperKey.of(task))

    def expect(self, tasks: Collection[Task]) -> None:
        """Have workers forked ahead for these tasks."""
        counts: dict[KeeperKey, list[Task]] = {}
        for task in tasks:
            counts.setdefault(KeeperKey.of(task), []).append(task)
        for key, some in counts.items():
            # Of users whose keeper is not there it starts with their first run.
            link = self._ready(key)
            if link is not None:
                for task in some:
                    link.teach(task)
                link.send(messages.expect(some))

    def adopt(self, kept: Kept) -> Link:
        """Take over a keeper of a former daemon, as one of ours where it is just like them."""
        reused = self._reused.pop(kept.former.pid, None)
        if reused is not None:
            return reused
        link = TakenOver(kept, self._listening)
        self._former.add(link)
        return link

    # -- their ends ---------------------------------------------------------------------------

    def idle_soon(self, link: Link) -> None:
        """Note that a keeper has no runs any more."""
        if not isinstance(link, Own) or link in self._former:
            link.dismiss()
            return
        self.stop_idling(link)
        timer = asyncio.get_running_loop().call_later(_IDLE_S, self._end_idle, link)
        self._idle[link] = timer

    def stop_idling(self, link: Link) -> None:
        """Note that a keeper has runs."""
        if timer := self._idle.pop(link, None):
            timer.cancel()

    def gone(self, link: Link) -> bool:
        """Note that a keeper is gone; say whether it started runs until now."""
        self._former.discard(link)
        self.stop_idling(link)
        is_current = isinstance(link, Own) and self._links.get(link.key) is link
        if isinstance(link, Own) and is_current:
            del self._links[link.key]
        return is_current

    def succeed(self, link: Own, *, is_current: bool) -> Own:
        """Start another keeper in the place of one that is gone; raises OSError."""
        successor = self._spawn(link.key, link.settings)
        if is_current:
            self._links[link.key] = successor
        else:
            self._former.add(successor)
        return successor

    def close(self, kept: Collection[int]) -> list[Link]:
        """End all of them, but leave those alone that have runs which are kept; give them all."""
        self._stop_teaching()
        links = list(self)
        for link in links:
            self.stop_idling(link)
            if link in self._reused.values():
                link.detach()  # what it keeps was not even looked at
            elif link.runs.isdisjoint(kept):
                link.dismiss()
            else:
                link.send({"do": "retire"})
                link.detach()
        return links

    # -- one of them --------------------------------------------------------------------------

    def _ready(self, key: KeeperKey) -> Own | None:
        link = self._links.get(key)
        return link if link is not None and link.is_ready else None

    def _keys_to_warm(self, config: Config) -> list[KeeperKey]:
        keys = dict.fromkeys(KeeperKey.of(task) for task in config.tasks.values() if task.enabled)
        return list(keys)[:_WARM_MAX]

    def _link(self, key: KeeperKey) -> Own:
        known = self._links.get(key)
        if known is not None and not known.has_folder():
            # Somebody removed it: what this keeper starts could not be proven any more.
            self._retire(self._links.pop(key))
            known = None
        if known is None:
            assert self._config is not None, "configure() comes before start()"
            settings = messages.settings_for(self._config, key, self._directory, self._log_plan)
            settings = with_identity(settings, key.environ(os.environ))
            kept = self._offered.pop(settings.identity, None)
            known = self._spawn(key, evolve(settings, late=self._late), kept)
            self._links[key] = known
        return known

    def _spawn(self, key: KeeperKey, settings: Settings, kept: Kept | None = None) -> Own:
        link = Own(
            key,
            settings,
            self._directory,
            self._listening,
            import_within_s=self._import_within_s,
            kept=kept,
        )
        if kept is not None:
            self._reused[link.pid] = link
        self.idle_soon(link)
        self._teach_soon()
        return link

    def _retire(self, link: Own) -> None:
        self._former.add(link)
        self.stop_idling(link)
        if link.runs:
            link.send({"do": "retire"})
        else:
            link.dismiss()

    def _end_idle(self, link: Own) -> None:
        if self._links.get(link.key) is link and not link.runs:
            del self._links[link.key]
            self._retire(link)

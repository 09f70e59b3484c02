"""Rewrites linod.toml under a daemon, rightly and wrongly, and has it reload each time."""

from __future__ import annotations

import os
import time
from collections import Counter, defaultdict
from random import Random

from attrs import frozen

from checker import history as checked
from checker.oracle import Events, Every, Part
from linod.control.client import Refused

from .scene import Scene, now

NEVER = """
[tasks.at_start]
shell = "sh working.sh 0 0"
recurrence = "at start"
[tasks.at_boot]
shell = "sh working.sh 0 0"
recurrence = "at boot"
[tasks.hourly]
shell = "sh working.sh 0 0"
recurrence = "every hour"
"""
"""Tasks that an edit brings: none of them is due by that."""
NEVER_PARTS: dict[str, Part] = {
    "at_start": Events(),
    "at_boot": Events(),
    "hourly": Every(seconds=3600),
}
OTHER = """
[tasks.other]
shell = "sh working.sh 0 0"
recurrence = "every {} seconds"
"""


@frozen
class Written:
    """What was made of the file."""

    is_right: bool
    period_s: int | None = None
    """Of the task `other`; None: there is none."""
    is_never_there: bool = False


class Rewriting:
    """One per scene; its first daemon serves already."""

    def __init__(self, scene: Scene, random: Random) -> None:
        self._scene = scene
        self._random = random
        self._path = scene.daemon.folder / "linod.toml"
        self._text = self._path.read_text()
        self._number = 0
        self._versions: dict[str, list[checked.Version]] = defaultdict(list)
        self.counts: Counter[str] = Counter()
        """Reloads by the way in which the file was written."""
        self.taken_s: list[float] = []
        """How long those took that were taken."""
        self._ways = {
            "edited": self._edit,
            "swapped": self._swap,
            "broken": self._break,
            "cut short": self._cut,
            "emptied": self._empty,
            "removed": self._remove,
        }

    def step(self) -> None:
        """Rewrite the file in some way and reload."""
        way = self._random.choice(list(self._ways))
        self.counts[way] += 1
        written = self._ways[way]()
        refusal = self._reload()
        assert (refusal == "") == written.is_right, f"{way}: {refusal or 'taken'}"
        if written.is_right:
            self._note(written)

    def tell(self) -> None:
        """Tell the scene what the other tasks were, once all is over."""
        self._scene.others = [
            checked.Task(name=name, versions=tuple(versions))
            for name, versions in self._versions.items()
        ]

    def _reload(self) -> str:
        """Ask for a reload; return why it was refused."""
        began = time.monotonic()
        try:
            self._scene.daemon.client.request("reload")
        except Refused as refused:
            return f"{refused} {refused.answer}"
        self.taken_s.append(time.monotonic() - began)
        return ""

    # -- ways to write ------------------------------------------------------------------------

    def _edit(self) -> Written:
        text, written = self._some()
        self._put(text)
        return written

    def _swap(self) -> Written:
        """Let the name lead to another file, as configuration management does."""
        text, written = self._some()
        self._number += 1
        target = self._path.with_name(f"version{self._number}.toml")
        link = self._path.with_name("link.toml")
        target.write_text(text)
        link.symlink_to(target.name)
        os.replace(link, self._path)
        return written

    def _break(self) -> Written:
        line = self._random.choice(["[tasks.t000]\n", "retry =\n", "[nonsense]\n", '"\n'])
        self._put(self._text + line)
        return Written(is_right=False)

    def _cut(self) -> Written:
        """Cut within a text, as a disk that is full does."""
        inside = self._text.index("recurrence", len(self._text) // 2) + len('recurrence = "ev')
        self._put(self._text[:inside])
        return Written(is_right=False)

    def _empty(self) -> Written:
        self._put("")
        return Written(is_right=False)

    def _remove(self) -> Written:
        self._path.unlink(missing_ok=True)
        return Written(is_right=False)

    def _some(self) -> tuple[str, Written]:
        period_s = self._random.choice([None, 2, 3, 5])
        is_never_there = self._random.random() < 0.5
        text = self._text + (OTHER.format(period_s) if period_s else "")
        return text + (NEVER if is_never_there else ""), Written(True, period_s, is_never_there)

    def _put(self, text: str) -> None:
        self._path.unlink(missing_ok=True)
        self._path.write_text(text)

    def _note(self, written: Written) -> None:
        other = (Every(seconds=written.period_s),) if written.period_s else None
        found: dict[str, tuple[Part, ...] | None] = {"other": other}
        for name, part in NEVER_PARTS.items():
            found[name] = (part,) if written.is_never_there else None
        since = now()
        for name, parts in found.items():
            self._versions[name].append(checked.Version(since=since, parts=parts))

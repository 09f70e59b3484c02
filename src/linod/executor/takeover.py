"""Takes over the keepers of a former daemon: each tells what it keeps, or is ended.

A keeper answers once it has read all that its former daemon had told it: what it does not know
then, it will never start. Its answer is one `keeping`, an `ended` for each end that the former
daemon may not have read, and `told`; what comes behind that is said to the new daemon.
"""

from __future__ import annotations

import selectors
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from attrs import define, field, frozen

from linod.executor import messages, register, runfiles
from linod.executor.progress import Progress
from linod.executor.register import Former
from linod.executor.wire import LINE_MAX, Channel

ANSWER_WITHIN_S = 3.0
"""For all of them together: they answer within milliseconds, unless they are stopped or hang."""


@frozen(kw_only=True)
class KeptOn:
    """One run that a keeper went on with."""

    lease: str
    started: dict[str, Any] | None
    """The message that it started, where it did."""
    progress: Progress | None = None


@define(eq=False)
class Kept:
    """A keeper that lives, and what it tells."""

    former: Former
    channel: Channel
    runs: dict[int, KeptOn] = field(factory=dict)
    """Those that go on."""
    ends: dict[int, dict[str, Any]] = field(factory=dict)
    """The messages of those that have ended."""
    later: list[dict[str, Any]] = field(factory=list)
    """What it said behind its answer."""
    identity: str = ""
    """Of its settings and environment, where the code on disk is what it imported."""
    folder: tuple[int, int] | None = None
    """Device and inode of the folder of its run files."""
    has_told: bool = False
    """Whether its answer is whole."""

    def hear(self) -> bool:
        """Take what has come; False where there is nothing more to wait for."""
        for message in self.channel.receive():
            self._take(message)
        return not (self.has_told or self.channel.is_closed)

    def _take(self, message: dict[str, Any]) -> None:
        kind, is_ours = message.get("is"), message.get("protocol") == messages.PROTOCOL
        if self.has_told:
            self.later.append(message)
        elif kind == "told":
            self.has_told = is_ours
        # It drops privileges, and user code runs in it: nothing of what it says is trusted.
        elif kind == "keeping" and is_ours:
            with suppress(*runfiles.MALFORMED):
                self.runs = {int(each["run"]): _kept_on(each) for each in message["runs"]}
                self._take_identity(message.get("as"))
        elif kind == "ended":
            with suppress(*runfiles.MALFORMED):
                self.ends[int(message["run"])] = message

    def _take_identity(self, told: dict[str, Any] | None) -> None:
        if told is not None:
            device, inode = told["folder"]
            self.folder, self.identity = (int(device), int(inode)), str(told["identity"])


def take_over(keepers: Sequence[Former], within_s: float = ANSWER_WITHIN_S) -> list[Kept]:
    """Ask all of them, and end those that do not answer; blocks, so call it in a thread."""
    asked = [kept for former in keepers if (kept := _connected(former)) is not None]
    _listen(asked, time.monotonic() + within_s)
    for kept in asked:
        if not kept.has_told:
            kept.channel.close()
    told = [kept for kept in asked if kept.has_told]
    living = {kept.former for kept in told}
    register.end_keepers(former for former in keepers if former not in living)
    return told


def _kept_on(told: dict[str, Any]) -> KeptOn:
    started = told.get("started")
    return KeptOn(
        lease=str(told["lease"]),
        started=started if isinstance(started, dict) else None,
        progress=Progress.of_json(told.get("progress")),
    )


def _connected(former: Former) -> Kept | None:
    if not former.is_alive():
        return None
    try:
        return Kept(former, Channel(register.connect(former), LINE_MAX))
    except OSError:
        # It does not listen, so it never had an order; or nobody can reach it.
        return None


def _listen(asked: Sequence[Kept], limit: float) -> None:
    with selectors.DefaultSelector() as selector:
        for kept in asked:
            selector.register(kept.channel, selectors.EVENT_READ, kept)
        while selector.get_map() and (rest := limit - time.monotonic()) > 0:
            for key, _ in selector.select(rest):
                if not key.data.hear():
                    selector.unregister(key.fileobj)

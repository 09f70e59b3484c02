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


@frozen(kw_only=True)
class Kept:
    """A keeper that lives, and what it told."""

    former: Former
    channel: Channel = field(eq=False)
    runs: dict[int, KeptOn]
    """Those that go on."""
    ends: dict[int, dict[str, Any]]
    """The messages of those that have ended."""
    later: list[dict[str, Any]]
    """What it said behind its answer."""
    identity: str = ""
    """Of its settings and environment, where the code on disk is what it imported."""
    folder: tuple[int, int] | None = None
    """Device and inode of the folder of its run files."""


def take_over(keepers: Sequence[Former], within_s: float = ANSWER_WITHIN_S) -> list[Kept]:
    """Ask all of them, and end those that do not answer; blocks, so call it in a thread."""
    answering = [answer for former in keepers if (answer := _connected(former)) is not None]
    _listen(answering, time.monotonic() + within_s)
    kept = [answer.kept() for answer in answering if answer.is_whole]
    for answer in answering:
        if not answer.is_whole:
            answer.channel.close()
    living = {each.former.pid for each in kept}
    register.end_keepers([each for each in keepers if each.pid not in living], wait_s=0)
    return kept


@define
class _Answer:
    former: Former
    channel: Channel
    runs: dict[int, KeptOn] = field(factory=dict)
    ends: dict[int, dict[str, Any]] = field(factory=dict)
    later: list[dict[str, Any]] = field(factory=list)
    identity: str = ""
    folder: tuple[int, int] | None = None
    is_whole: bool = False

    def hear(self) -> bool:
        """Take what has come; False where there is nothing more to wait for."""
        for message in self.channel.receive():
            self._take(message)
        return not (self.is_whole or self.channel.is_closed)

    def kept(self) -> Kept:
        """Say what it keeps."""
        return Kept(
            former=self.former,
            channel=self.channel,
            runs=self.runs,
            ends=self.ends,
            later=self.later,
            identity=self.identity,
            folder=self.folder,
        )

    def _take(self, message: dict[str, Any]) -> None:
        if self.is_whole:
            self.later.append(message)
            return
        kind = message.get("is")
        if kind == "keeping" and message.get("protocol") == messages.PROTOCOL:
            # It drops privileges, and user code runs in it: nothing of what it says is trusted.
            with suppress(*runfiles.MALFORMED):
                self.runs = {int(each["run"]): _kept_on(each) for each in message["runs"]}
                self._take_identity(message.get("as"))
        elif kind == "ended":
            with suppress(*runfiles.MALFORMED):
                self.ends[int(message["run"])] = message
        elif kind == "told":
            self.is_whole = message.get("protocol") == messages.PROTOCOL

    def _take_identity(self, told: dict[str, Any] | None) -> None:
        if told is not None:
            device, inode = told["folder"]
            self.folder, self.identity = (int(device), int(inode)), str(told["identity"])


def _kept_on(told: dict[str, Any]) -> KeptOn:
    started = told.get("started")
    return KeptOn(lease=str(told["lease"]), started=started if isinstance(started, dict) else None)


def _connected(former: Former) -> _Answer | None:
    if not former.is_alive():
        return None
    try:
        return _Answer(former, Channel(register.connect(former), LINE_MAX))
    except OSError:
        # It does not listen, so it never had an order; or nobody can reach it.
        return None


def _listen(answering: Sequence[_Answer], limit: float) -> None:
    with selectors.DefaultSelector() as selector:
        for answer in answering:
            selector.register(answer.channel, selectors.EVENT_READ, answer)
        while selector.get_map() and (rest := limit - time.monotonic()) > 0:
            for key, _ in selector.select(rest):
                if not key.data.hear():
                    selector.unregister(key.fileobj)

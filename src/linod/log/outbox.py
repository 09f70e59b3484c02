"""What a process has to send: first into its spool, then over the connection, until acknowledged.

Rules of this border:
- A record is in the spool before anything else is done with it. That is all a caller waits for.
- While all that was before is sent, the caller sends by itself, as much as the kernel takes at
  once, and no thread is there: a keeper forks. Where something is left, a thread takes over (the
  courier), connects again and again, sends from the spool, and ends when nothing is left. To
  another host only the courier sends.
- A connection begins with a hello, and the server answers with the last number it has of this
  stream. What follows that is sent, whatever was sent before: so nothing is missing, and the server
  passes over what it has, so nothing is doubled.
- `lock` guards everything; the courier waits for nothing while it holds it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from linod.log.frames import Frame, FrameError, Hello, Kind, encode, write_hello
from linod.log.link import Link, Target, connect
from linod.log.spool import Notice, Spool, filled

CLOSE_WITHIN_S = 0.25
"""At the end of a process; what is not acknowledged by then waits in the spool for others."""
_AGAIN_S = (0.05, 1.0)
_REFUSED_AGAIN_S = 30.0
_WELCOME_WITHIN_S = 30.0
_CHUNK = 64 * 1024
_TAKE_EVERY = 64
"""Records between two looks for acknowledgements, while the caller sends."""
_IDLE_S = 60.0


class Refused(ConnectionError):  # noqa: N818 - it reads as what happened
    """The server takes nothing from us, and said why."""


class Outbox:
    """One stream of this process."""

    def __init__(
        self,
        target: Target,
        folder: int,
        hello: Hello,
        notice: Notice,
        tell: Callable[[str], None],
    ) -> None:
        self.lock = threading.RLock()
        # A token is for the connection: a spool is read by whoever delivers it.
        kept = encode(write_hello(hello._replace(token="")))
        self._start = len(kept)
        self.spool = Spool(folder, hello.stream, kept, notice)
        self._target = target
        self._hello = encode(write_hello(hello))
        self._notice = notice
        self._tell = tell
        self._link: Link | None = None
        """To send by the caller: all that is in the spool went over it."""
        self._generation = 0
        self._courier: threading.Thread | None = None
        self._is_closed = False
        self._wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK) if not target.is_here else (-1, -1)

    def add(self, body: bytes, level: int) -> None:
        """Take a record; OSError if it could not be kept."""
        with self.lock:
            data = self.spool.append(body, level)
            if self._courier is not None:
                self._wake_courier()
            elif self._link is not None:
                self._send(self._link, data)
            elif self._target.is_here and self.spool.sent == self._start:
                self._begin()
            else:
                self._call_courier()

    def _begin(self) -> None:
        """Connect and send the first record, if that needs no waiting."""
        with suppress(OSError):
            self._link = connect(self._target)
            if self._link.send(self._hello) == len(self._hello):
                self._send(self._link, self.spool.read(self.spool.sent, _CHUNK))
                return
        self._call_courier()

    def _send(self, link: Link, data: bytes) -> None:
        try:
            if self.spool.generation != self._generation:
                raise ConnectionError("the spool is another")
            self.spool.sent += link.send(data)
            if self.spool.number % _TAKE_EVERY == 0:
                self._take(link)
        except (OSError, FrameError):
            self._call_courier()
            return
        if self.spool.sent < self.spool.end:
            self._call_courier()

    def _take(self, link: Link) -> None:
        for frame in link.take():
            if frame.kind is Kind.REFUSED:
                raise Refused(frame.body.decode("utf-8", "replace")[:200])
            if frame.kind is Kind.ACK:
                self.spool.acknowledge(frame.number)

    # -- the courier ----------------------------------------------------------------------------

    def _call_courier(self) -> None:
        """Leave the sending to a thread; at the end of the interpreter none can begin."""
        if self._link is not None:
            self._link.close()
            self._link = None
        self._courier = threading.Thread(target=self._run, name="linod-log", daemon=True)
        try:
            self._courier.start()
        except RuntimeError:
            self._courier = None

    def _wake_courier(self) -> None:
        if not self._target.is_here:
            with suppress(OSError):
                os.write(self._wake[1], b"\0")

    def _run(self) -> None:
        again_s = _AGAIN_S[0]
        while not self._is_closed:
            link = None
            number = self.spool.acked
            try:
                link = connect(self._target)
                if self._deliver(link):
                    return
            except Refused as error:
                self._tell(f"refuses what this process sends: {error}")
                again_s = _REFUSED_AGAIN_S
            except (OSError, FrameError):
                pass
            if link is not None:
                link.close()
            if self.spool.acked > number:
                again_s = _AGAIN_S[0]
            time.sleep(again_s)
            again_s = min(again_s * 2, max(_AGAIN_S[1], again_s))

    def _deliver(self, link: Link) -> bool:
        """Send all there is; true where the caller goes on, or nothing goes on."""
        send_all(link, self._hello)
        last = welcomed(link)
        with self.lock:
            self.spool.acknowledge(last)
            self._generation = self.spool.generation
            before = self._seek(last)
        send_all(link, before)
        while not self._is_closed:
            with self.lock:
                self._take(link)
                if self.spool.generation != self._generation:
                    raise ConnectionError("the spool is another")
                data = self.spool.read(self.spool.sent, _CHUNK)
                if not data and self._hand_over(link):
                    return True
            self._send_some(link, data)
        return True

    def _seek(self, last: int) -> bytes:
        """Find what follows the last number that the server has; give what closes a gap."""
        for _, end, frame in self.spool.view(self.spool.start_after(last)):
            if frame.kind is Kind.RECORD and frame.number > last:
                self.spool.sent = end
                return b"".join(map(encode, filled(frame, last, self._notice)))
        self.spool.sent = self.spool.end
        return b""

    def _hand_over(self, link: Link) -> bool:
        """Let the caller send from now on, where it may."""
        if self.spool.has_skipped:
            self.spool.settle()
            return False
        if not self._target.is_here:
            return False
        self._link, self._courier = link, None
        return True

    def _send_some(self, link: Link, data: bytes) -> None:
        if not data:
            link.wait(_IDLE_S, to_send=False, wake=self._wake[0])
            with suppress(OSError):
                os.read(self._wake[0], _CHUNK)
            return
        with self.lock:
            if self.spool.generation == self._generation:
                count = link.send(data)
                self.spool.sent += count
        if not count:
            link.wait(1.0, to_send=True)

    # -- the end --------------------------------------------------------------------------------

    def close(self, within_s: float = CLOSE_WITHIN_S) -> None:
        """Wait a little for what is on its way; then leave what is left to others."""
        end = time.monotonic() + within_s
        while not self._is_delivered() and time.monotonic() < end:
            self._wait(end - time.monotonic())
        with self.lock:
            self._is_closed = True
            with suppress(OSError):
                self._finish()
            self.let_go()

    def _is_delivered(self) -> bool:
        with self.lock:
            if self._link is not None:
                try:
                    self._take(self._link)
                except (OSError, FrameError):
                    self._call_courier()
            return self.spool.is_delivered

    def _wait(self, rest_s: float) -> None:
        link = self._link
        if link is None:
            time.sleep(min(rest_s, 0.005))
        else:
            link.wait(max(rest_s, 0.0), to_send=False)

    def _finish(self) -> None:
        """Remove the spool where all is acknowledged, then let the server forget the stream."""
        if self.spool.is_delivered and not self.spool.has_skipped:
            self.spool.remove()
            if self._link is not None:
                self._link.send(encode(Frame(Kind.END, b"", self.spool.number)))

    def let_go(self) -> None:
        """Close what is open; in a forked child that is only its share of it."""
        self._is_closed = True
        self.spool.close()
        if self._link is not None:
            self._link.close()
            self._link = None
        for fd in self._wake:
            if fd >= 0:
                with suppress(OSError):
                    os.close(fd)
        self._wake = (-1, -1)


def welcomed(link: Link) -> int:
    """Wait for the last number that the server has of this stream."""
    end = time.monotonic() + _WELCOME_WITHIN_S
    while time.monotonic() < end:
        for frame in link.take():
            if frame.kind is Kind.ACK:
                return frame.number
            raise Refused(frame.body.decode("utf-8", "replace")[:200])
        link.wait(1.0, to_send=False)
    raise TimeoutError("the log server does not answer")


def send_all(link: Link, data: bytes) -> None:
    end = time.monotonic() + _WELCOME_WITHIN_S
    while data:
        count = link.send(data)
        data = data[count:]
        if not count:
            if time.monotonic() > end:
                raise TimeoutError("the log server takes nothing")
            link.wait(1.0, to_send=True)

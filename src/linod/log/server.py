"""The log server: takes records of those who cannot write the log, and writes them in order.

Rules of this border:
- One thread and one loop. Each peer is read once per turn, 64 KiB at most, so a flood of one is
  as long as the turns of the others allow.
- Whatever comes from a peer, a wrong frame closes that peer, is counted by its reason, and is all
  that happens. What is unfinished is bounded for each peer and in sum: who has most is closed.
- Nothing is acknowledged that is not in the log (written.py). While that cannot be written, nothing
  is read: the senders keep what they have. It is told once.
- A stream is delivered by one connection, or from its spool: who comes later takes it over.
- Directory, socket and spools that go away are made again within a second.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

from linod.errors import ConfigurationError
from linod.log.access import Access
from linod.log.frames import Frame, FrameError, Kind, Reason, read_record
from linod.log.lines import JsonLines, Origin, Record, TextLines
from linod.log.network import Network
from linod.log.peers import LocalPeer, Peer, Refusals
from linod.log.places import Places
from linod.log.plan import LogPlan
from linod.log.rotation import Rotator
from linod.log.sweeping import Sweep
from linod.log.written import Stream, Written
from linod.specs import LogFormat, LogLevel

PEERS_MAX = 4_000
PEERS_OF_ONE_MAX = 1_100
"""Connections of one identity: of processes of one user, or of other hosts."""
STRANGERS_MAX = 128
"""Connections that have not said who they are; the oldest has to go."""
HELLO_WITHIN_S = 10.0
UNFINISHED_MAX = 8 * 1024 * 1024
"""Bytes of frames whose end has not come, of all peers together."""
_ACCEPTED = 64
"""Connections that are accepted in one turn."""
_BATCH = 256 * 1024
"""Bytes of lines that are written at once."""
_EVERY_S = 1.0
_TOLD_EVERY_S = 60.0

PeerOf = Callable[[socket.socket], Peer]


class LogServer:
    """One per log."""

    def __init__(
        self,
        plan: LogPlan,
        access: Access,
        network: Network | None = None,
        *,
        is_alone: bool = False,
    ) -> None:
        assert plan.path is not None, "a log server needs a file"
        self.access = access
        self._network = network
        self._places = Places(plan.path, access)
        self._written = Written(plan.path)
        zone = ZoneInfo(plan.zone)
        self._form = JsonLines(zone) if plan.format is LogFormat.JSON else TextLines(zone)
        self._origin = Origin("log-server", os.getpid())
        self._rotator = Rotator(plan) if is_alone else None
        self._rotating = threading.Thread()
        self._selector = selectors.DefaultSelector()
        self._listener: socket.socket | None = None
        """That of this machine, which is made again where somebody removes its socket."""
        self._peers: dict[Peer, None] = {}
        self._streams: dict[Stream, Peer] = {}
        self._lines: list[bytes] = []
        self._size = 0
        self._numbers: dict[Stream, int] = {}
        self._owed: set[Peer] = set()
        self._refusals = Refusals()
        self._sweep = Sweep(self)
        self._looked_at_s = self._told_at_s = 0.0
        self._is_stopped = False
        self._is_told = False
        self._wake = socket.socketpair()
        for each in self._wake:
            each.setblocking(False)

    # -- the loop -------------------------------------------------------------------------------

    def open(self) -> None:
        """Take the log over and listen; LinodError where that is not possible."""
        try:
            self._places.open()
            self._written.open()
        except OSError as error:
            raise ConfigurationError(
                f"the log server cannot begin in {self._places.directory}: "
                f"{error.strerror or error}"
            ) from None
        self._selector.register(self._wake[0], selectors.EVENT_READ, self._wakened)
        self._listen()
        if self._network is not None:
            self._hear(self._network.listen(), self._network.peer)

    def heed_signals(self) -> None:
        """Let TERM and INT stop this server, from now on."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: self.stop())
        signal.set_wakeup_fd(self._wake[1].fileno(), warn_on_full_buffer=False)

    def run(self) -> None:
        """Serve until told to stop."""
        try:
            while not self._is_stopped:
                self._turn()
        finally:
            self._places.close()
            self._written.close()

    def stop(self) -> None:
        """End after this turn."""
        self._is_stopped = True
        with suppress(OSError):
            self._wake[1].send(b"\0")

    def stop_with(self, fd: int) -> None:
        """End when the other end of a pipe is closed: when the process that began us is gone."""
        self._selector.register(fd, selectors.EVENT_READ, self.stop)

    def _turn(self) -> None:
        if self._written.is_behind:
            self._rest()
        else:
            for key, _ in self._selector.select(self._pause_s()):
                if not self._written.is_behind:
                    key.data()
            self.flush()
            self._sweep.go_on()
            self.flush()
        if time.monotonic() - self._looked_at_s >= _EVERY_S:
            self._looked_at_s = time.monotonic()
            self._look()

    def _pause_s(self) -> float:
        return 0.0 if self._sweep.is_busy else _EVERY_S

    def _rest(self) -> None:
        """Wait a second, or until stopped, and try again to write."""
        with selectors.DefaultSelector() as waiting:
            for key in list(self._selector.get_map().values()):
                if key.data in (self._wakened, self.stop):
                    waiting.register(key.fileobj, selectors.EVENT_READ, key.data)
            for key, _ in waiting.select(_EVERY_S):
                key.data()
        self._try(self._written.retry)

    def _wakened(self) -> None:
        with suppress(BlockingIOError):
            self._wake[0].recv(1024)

    def _look(self) -> None:
        """Do what is due once a second."""
        now_s = time.monotonic()
        for peer in list(self._peers):
            if peer.hello is None and now_s - peer.since_s > HELLO_WITHIN_S:
                self._refuse(peer, "it does not say who it is")
        if not self._written.is_behind:
            for peer in list(self._owed):  # who took nothing the last time
                self._acknowledge(peer)
        try:
            if self._places.mend():
                self._listen()
            self._written.look()
        except OSError as error:
            self._tell_console(error)
        if not self._written.is_behind:
            self._sweep.begin(self._places.folders())
        if self._rotator is not None and not self._rotating.is_alive():
            self._rotating = threading.Thread(target=self._rotate, args=(self._rotator,))
            self._rotating.start()
        if self._refusals.is_any and now_s - self._told_at_s > _TOLD_EVERY_S:
            self._told_at_s = now_s
            for text in self._refusals.take():
                self.say(LogLevel.WARNING, text)

    def _rotate(self, rotator: Rotator) -> None:
        with suppress(OSError):
            rotator.rotate_if_due(datetime.now(UTC))

    # -- peers ----------------------------------------------------------------------------------

    def _listen(self) -> None:
        if self._listener is not None:
            self._selector.unregister(self._listener)
        self._listener = self._places.listener
        self._hear(self._listener, self._local)

    def _hear(self, listener: socket.socket, peer_of: PeerOf) -> None:
        call = partial(self._accept, listener, peer_of)
        self._selector.register(listener, selectors.EVENT_READ, call)

    def _local(self, connection: socket.socket) -> Peer:
        return LocalPeer(connection, self.access)

    def _accept(self, listener: socket.socket, peer_of: PeerOf) -> None:
        for _ in range(_ACCEPTED):
            try:
                connection, _ = listener.accept()
            except BlockingIOError:
                return
            except OSError:
                self._drop_stranger()  # perhaps there is no descriptor left
                return
            connection.setblocking(False)
            try:
                self._admit(peer_of(connection))
            except OSError:  # it is gone already
                connection.close()

    def _admit(self, peer: Peer) -> None:
        of_one = sum(other.whose == peer.whose for other in self._peers)
        if not peer.is_admitted or of_one >= PEERS_OF_ONE_MAX or len(self._peers) >= PEERS_MAX:
            reason = "too many connections" if peer.is_admitted else "this user may not send"
            self._refusals.note(peer, reason)
            peer.refuse(reason)
            peer.connection.close()
            return
        if sum(other.hello is None for other in self._peers) >= STRANGERS_MAX:
            self._drop_stranger()
        self._peers[peer] = None
        self._selector.register(peer.connection, selectors.EVENT_READ, partial(self._read, peer))

    def _drop_stranger(self) -> None:
        peer = next((peer for peer in self._peers if peer.hello is None), None)
        if peer is not None:
            self._refuse(peer, "it does not say who it is")

    def _read(self, peer: Peer) -> None:
        if peer not in self._peers:
            return  # closed earlier in this turn
        try:
            for frame in peer.frames():
                self._take(peer, frame)
        except FrameError as error:
            self._refuse(peer, str(error))
            return
        except ssl.SSLError as error:
            self._refuse(peer, f"TLS: {error.reason or error}")
            return
        except OSError:
            self.close(peer)
            return
        if peer.unfinished and sum(each.unfinished for each in self._peers) > UNFINISHED_MAX:
            most = max(self._peers, key=lambda each: each.unfinished)
            self._refuse(most, "too much is unfinished")

    def _take(self, peer: Peer, frame: Frame) -> None:
        if peer.hello is None:
            self._greet(peer, frame)
            return
        if frame.kind is Kind.END:
            self._end(peer, frame)
        elif frame.kind is not Kind.RECORD:
            raise FrameError(Reason.ORDER)
        elif self.take(peer.stream, frame, peer.origin):
            self._owed.add(peer)

    def _greet(self, peer: Peer, frame: Frame) -> None:
        peer.greet(frame)
        former = self._streams.get(peer.stream)
        if former is not None:
            self.close(former)
        self._streams[peer.stream] = peer
        del self._peers[peer]  # behind those that came before: the first stranger is the oldest
        self._peers[peer] = None
        self._owed.add(peer)

    def _end(self, peer: Peer, frame: Frame) -> None:
        if frame.number != self.last(peer.stream):
            raise FrameError(Reason.NUMBER)
        stream = peer.stream
        self.flush()
        self.close(peer)
        self._written.end(stream)

    def close(self, peer: Peer) -> None:
        """Let go of a peer; what is of it in the batch stays."""
        if self._peers.pop(peer, 0) == 0:
            return
        self._owed.discard(peer)
        if peer.hello is not None and self._streams.get(peer.stream) is peer:
            del self._streams[peer.stream]
        self._selector.unregister(peer.connection)
        peer.connection.close()

    def supersede(self, stream: Stream) -> None:
        """Close who delivers a stream: what comes of it later would come again."""
        peer = self._streams.get(stream)
        if peer is not None:
            self.close(peer)

    # -- records --------------------------------------------------------------------------------

    def last(self, stream: Stream) -> int | None:
        """Give the last number that was taken of a stream."""
        number = self._numbers.get(stream)
        return self._written.last(stream) if number is None else number

    def take(self, stream: Stream, frame: Frame, origin_of: Callable[[Origin], Origin]) -> bool:
        """Take a record; True where it is to be acknowledged, FrameError for what is wrong."""
        last = self.last(stream)
        if last is not None and frame.number <= last:
            return True
        if last is not None and frame.number - frame.skipped - 1 != last:
            raise FrameError(Reason.NUMBER)
        record, claimed = read_record(frame.body)
        self._add(self._form.line(record, origin_of(claimed)))
        self._numbers[stream] = frame.number
        if self._size >= _BATCH:
            self.flush()
        return True

    def _add(self, line: bytes) -> None:
        self._lines.append(line)
        self._size += len(line)

    def flush(self) -> None:
        """Write what was taken, then acknowledge it."""
        if self._lines and not self._written.is_behind:
            lines, numbers = b"".join(self._lines), self._numbers
            self._lines, self._numbers, self._size = [], {}, 0
            self._try(lambda: self._written.write(lines, numbers))
        if not self._written.is_behind:
            for peer in list(self._owed):
                self._acknowledge(peer)

    @property
    def is_behind(self) -> bool:
        """Tell whether something was taken that is not in the log."""
        return bool(self._lines) or self._written.is_behind

    @property
    def is_stuck(self) -> bool:
        """Tell whether the log cannot be written just now."""
        return self._written.is_behind

    def end(self, stream: Stream) -> None:
        """Forget a stream whose spool is gone."""
        self._written.end(stream)

    def _try(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            self._tell_console(error)
            return
        if self._is_told:
            self._is_told = False
            self.say(LogLevel.WARNING, "the log can be written again; nothing is missing here")

    def _acknowledge(self, peer: Peer) -> None:
        try:
            if not peer.acknowledge(self._written.in_log(peer.stream)):
                return
        except OSError:
            pass  # nobody listens any more; what was sent before is read to its end
        self._owed.discard(peer)

    # -- telling --------------------------------------------------------------------------------

    def say(self, level: LogLevel, text: str) -> None:
        """Write a line of the server's own, with the next batch."""
        self._add(self._form.line(Record(time.time(), level, "linod.log", text), self._origin))

    def _refuse(self, peer: Peer, reason: str) -> None:
        self._refusals.note(peer, reason)
        peer.refuse(reason)
        self.close(peer)

    def _tell_console(self, error: OSError) -> None:
        """Say once on the console that the log cannot be written."""
        if not self._is_told:
            self._is_told = True
            with suppress(OSError):
                sys.stderr.write(
                    f"linod: log server: {self._places.directory} cannot be written: "
                    f"{error.strerror or error}; senders keep their records\n"
                )

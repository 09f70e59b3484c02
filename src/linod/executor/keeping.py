"""The loop of a keeper: forks a worker per run, enforces its limits, reports its end.

Rules of this border:
- One thread, one selector; nothing blocks and no turn takes more than a bounded share.
- A run is reported ended when its worker is dead, its pipes are read, and nothing of it lives.
- When the daemon is gone, every run is ended within two seconds and its end is in its run file.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, Protocol

from linod.events import Outcome
from linod.executor import runfiles, tree, wire, worker
from linod.executor.calling import Planned
from linod.executor.failing import failure
from linod.executor.kept import READ_MAX, KeptRun, Phase
from linod.executor.messages import Order, Settings, TaskSpec, order_of, rehearsal
from linod.executor.strays import Strays
from linod.executor.tree import Process
from linod.specs import LogLevel

DAEMON_GONE = "its daemon died"

_TERM_BEFORE_KILL_S = 1.2
"""For the runs of a keeper whose daemon is gone, and for strays of a run that has ended."""
_LOOK_AGAIN_S = 0.02
# A spare worker is forked in the first quiet moment.
_QUIET_S = 0.002
# What sleeps in the kernel cannot be killed; its run is reported all the same.
_GIVE_UP_S = 5.0
_DRAIN_MAX = 1024 * 1024
# A daemon that does not read gets no more lines of followed runs.
_OUTBOX_MAX = 4 * 1024 * 1024
_LEVELS = {"stdout": LogLevel.INFO, "stderr": LogLevel.WARNING}

Plans = Callable[[str], Planned]


class Speech(Protocol):
    """How a keeper writes to the log, which is no business of this file."""

    plan: Any
    """Handed on to the workers."""

    def mask(self, secrets: list[str]) -> None:
        """Mask these values from now on."""

    def write(self, run: KeptRun, level: LogLevel, text: str) -> bytes:
        """Write the output of a run; return the lines as written."""


class Spare(NamedTuple):
    """A worker that was forked ahead of time and waits for its order."""

    pid: int
    pipes: dict[str, int]
    orders: int
    known: frozenset[str]
    """The tasks whose specs it has."""


class Keeping:
    """Keeps runs until the daemon is gone and none is left."""

    def __init__(
        self,
        channel: wire.Channel,
        settings: Settings,
        folder: int,
        speech: Speech,
        plans: Plans,
    ) -> None:
        self._channel = channel
        self._settings = settings
        self._folder = folder
        self._speech = speech
        self._plans = plans
        self._boot = tree.boot_id()
        self._pid = os.getpid()
        self._specs: dict[str, TaskSpec] = {}
        self._secrets: set[str] = set()
        self._runs: dict[int, KeptRun] = {}
        self._spare: Spare | None = None
        self._may_spare = True
        self._strays = Strays(settings.directory)
        self._selector = selectors.DefaultSelector()
        self._waker, self._wakeup = socket.socketpair()
        self._is_writing = False
        self._actions: dict[str, Callable[[dict[str, Any]], None]] = {
            "task": self._learn,
            "start": self._start,
            "stop": self._stop,
            "follow": self._follow,
            "unfollow": self._unfollow,
        }

    def run(self) -> None:
        """Serve until the end."""
        self._watch_signals()
        self._selector.register(self._channel, selectors.EVENT_READ, self._hear)
        while not (self._channel.is_closed and not self._runs):
            events = self._selector.select(self._wait_s())
            for key, _ in events:
                key.data()
            self._reap()
            if not events and self._needs_spare():
                self._make_spare()
            now = _clock()
            for run in [run for run in self._runs.values() if _is_due(run, now)]:
                self._advance(run, now)
            self._watch_writing()

    # -- the loop -----------------------------------------------------------------------------

    def _watch_signals(self) -> None:
        for end in (self._waker, self._wakeup):
            end.setblocking(False)
        signal.signal(signal.SIGCHLD, _note)
        signal.set_wakeup_fd(self._wakeup.fileno(), warn_on_full_buffer=False)
        self._selector.register(self._waker, selectors.EVENT_READ, self._wake)

    def _wake(self) -> None:
        with suppress(BlockingIOError):
            self._waker.recv(4096)

    def _wait_s(self) -> float | None:
        times = [run.next_at for run in self._runs.values() if run.next_at is not None]
        wait_s = max(0.0, min(times) - _clock()) if times else None
        if self._needs_spare():
            return min(wait_s, _QUIET_S) if wait_s is not None else _QUIET_S
        return wait_s

    def _needs_spare(self) -> bool:
        is_wanted = self._may_spare and bool(self._specs) and not self._channel.is_closed
        return is_wanted and self._spare is None

    def _hear(self) -> None:
        if self._channel.is_closed:
            return
        for message in self._channel.receive():
            action = self._actions.get(str(message.get("do")))
            if action is not None:
                action(message)
        if self._channel.is_closed:
            self._selector.unregister(self._channel)
            for run in list(self._runs.values()):
                self._end(run, Outcome.LOST, DAEMON_GONE, _TERM_BEFORE_KILL_S)

    def _send(self, message: dict[str, Any]) -> None:
        if not self._channel.is_closed:
            self._channel.send(message)

    def _watch_writing(self) -> None:
        is_needed = self._channel.waiting > 0 and not self._channel.is_closed
        if is_needed == self._is_writing or self._channel.is_closed:
            return
        self._is_writing = is_needed
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if is_needed else 0)
        self._selector.modify(self._channel, events, self._exchange if is_needed else self._hear)

    def _exchange(self) -> None:
        self._channel.flush()
        self._hear()

    # -- what the daemon says -----------------------------------------------------------------

    def _learn(self, message: dict[str, Any]) -> None:
        spec = TaskSpec.of_json(message)
        self._specs[spec.name] = spec
        if self._spare is not None:
            self._dismiss(self._spare)
            self._spare = None
        self._plan(spec.procedure)
        self._plan(spec.only_if)
        if not self._secrets.issuperset(spec.secrets):
            self._secrets.update(spec.secrets)
            self._speech.mask(sorted(self._secrets))

    def _start(self, message: dict[str, Any]) -> None:
        order = order_of(message)
        spare, self._spare = self._spare, None
        if spare is not None and self._took(spare, message):
            self._keep(KeptRun(order, self._specs[order.task], spare.pipes), spare.pid)
            return
        try:
            pid, pipes = self._fork(lambda station: worker.work(station, self._job(order)))
        except OSError as error:
            reason = f"its worker could not be forked: {error.strerror}"
            self._refuse(order, failure(reason, error))
            return
        self._keep(KeptRun(order, self._specs[order.task], pipes), pid)

    def _job(self, order: Order) -> worker.Job:
        spec = self._specs[order.task]
        procedure, only_if = self._plan(spec.procedure), self._plan(spec.only_if)
        return worker.Job(order=order, spec=spec, procedure=procedure, only_if=only_if)

    def _plan(self, path: str | None) -> Planned:
        return None if path is None else self._plans(path)

    def _make_spare(self) -> None:
        """Fork a worker ahead of time: the next run need not wait for it."""
        try:
            reading, writing = os.pipe()
        except OSError:
            self._may_spare = False
            return
        try:
            pid, pipes = self._fork(
                lambda station: worker.wait(station, reading, self._job), [writing]
            )
        except OSError:
            os.close(writing)
            self._may_spare = False
            return
        finally:
            os.close(reading)
        self._spare = Spare(pid, pipes, writing, frozenset(self._specs))
        self._strays.spare = pid
        rehearsal()  # a fork makes pages costly to write on both sides

    def _took(self, spare: Spare, message: dict[str, Any]) -> bool:
        """Give the order to a spare; False if it does not know the task, or is dead."""
        if message["task"] in spare.known:
            with suppress(OSError):
                os.write(spare.orders, wire.encode(message))
                os.close(spare.orders)
                return True
        self._dismiss(spare)
        return False

    def _dismiss(self, spare: Spare) -> None:
        """Let a spare that does not know the task read EOF, and end."""
        for descriptor in (spare.orders, *spare.pipes.values()):
            os.close(descriptor)

    def _fork(
        self, work: Callable[[worker.Station], None], more: Sequence[int] = ()
    ) -> tuple[int, dict[str, int]]:
        """Fork a worker; return its pid and our ends of its pipes."""
        theirs: dict[str, int] = {}
        ours: dict[str, int] = {}
        close = [*self._own_descriptors(), *more]
        # The keeper ignores TERM: until the worker has its own handling, signals wait.
        signal.pthread_sigmask(signal.SIG_BLOCK, _BLOCKED)
        try:
            for name in ("stdout", "stderr", "report", "lines"):
                ours[name], theirs[name] = os.pipe()
                os.set_blocking(ours[name], False)
            close += [*ours.values(), theirs["stdout"], theirs["stderr"]]
            pid = os.fork()
            if pid == 0:
                work(self._station(theirs, close))
        except OSError:
            for descriptor in ours.values():
                os.close(descriptor)
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _BLOCKED)
            for descriptor in theirs.values():
                os.close(descriptor)
        return pid, ours

    def _station(self, theirs: dict[str, int], close: list[int]) -> worker.Station:
        return worker.Station(
            log_plan=self._speech.plan,
            directory=self._settings.directory,
            folder=self._folder,
            boot=self._boot,
            keeper=self._pid,
            close=close,
            **theirs,
        )

    def _own_descriptors(self) -> list[int]:
        pipes = [pipe for run in self._runs.values() for pipe in run.pipes.values()]
        if self._spare is not None:
            pipes += [self._spare.orders, *self._spare.pipes.values()]
        own = [self._channel.fileno(), self._waker.fileno(), self._wakeup.fileno()]
        poll = getattr(self._selector, "fileno", None)
        return [*own, *([poll()] if poll else []), *pipes]

    def _keep(self, run: KeptRun, pid: int) -> None:
        run.pid = pid
        self._runs[run.order.run] = run
        for name, descriptor in run.pipes.items():
            action = partial(self._read_pipe, run, name)
            self._selector.register(descriptor, selectors.EVENT_READ, action)
        if run.spec.timeout_s is not None:
            run.next_at = _clock() + run.spec.timeout_s

    def _refuse(self, order: Order, end: dict[str, Any]) -> None:
        self._send({"is": "ended", "run": order.run, "lease": order.lease, **end})

    def _stop(self, message: dict[str, Any]) -> None:
        run = self._runs.get(message["run"])
        if run is not None and run.order.lease == message["lease"]:
            patience = 0.0 if message["is_forced"] else run.spec.kill_after_s
            self._end(run, Outcome(message["outcome"]), message["reason"], patience)

    def _follow(self, message: dict[str, Any]) -> None:
        run = self._runs.get(message["run"])
        if run is not None and not run.is_followed:
            run.is_followed = True
            self._tell_lines(run, run.tail.text())

    def _unfollow(self, message: dict[str, Any]) -> None:
        run = self._runs.get(message["run"])
        if run is not None:
            run.is_followed = False

    # -- what runs say ------------------------------------------------------------------------

    def _read_pipe(self, run: KeptRun, name: str) -> int:
        """Take what a pipe has, at most a turn's share; return how much."""
        descriptor = run.pipes.get(name)
        if descriptor is None:
            return 0
        try:
            data = os.read(descriptor, READ_MAX)
        except BlockingIOError:
            return 0
        except OSError:
            data = b""
        if not data:
            self._close_pipe(run, name)
        self._take(run, name, data)
        return len(data)

    def _take(self, run: KeptRun, name: str, data: bytes) -> None:
        if name == "report":
            for message in run.reports(data):
                if run.take_report(message):
                    self._tell_started(run)
        elif name == "lines":
            self._add_lines(run, run.log_lines(data))
        elif text := run.output(name, data):
            written = self._speech.write(run, _LEVELS[name], text)
            self._add_lines(run, written.splitlines(keepends=True))

    def _close_pipe(self, run: KeptRun, name: str) -> None:
        descriptor = run.pipes.pop(name)
        self._selector.unregister(descriptor)
        os.close(descriptor)

    def _add_lines(self, run: KeptRun, lines: list[bytes]) -> None:
        for line in lines:
            run.tail.add(line)
        if run.is_followed and lines:
            self._tell_lines(run, b"".join(lines).decode("utf-8", "replace"))

    def _tell_lines(self, run: KeptRun, text: str) -> None:
        if text and self._channel.waiting < _OUTBOX_MAX:
            self._send({"is": "lines", "run": run.order.run, "text": text[-wire.READ_MAX :]})

    def _tell_started(self, run: KeptRun) -> None:
        self._send({"is": "started", "run": run.order.run, "worker": run.worker, "at": run.started})

    # -- how runs end -------------------------------------------------------------------------

    def _reap(self) -> None:
        """Wait for every dead child: workers, and strays that came to us."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if self._spare is not None and self._spare.pid == pid:
                self._dismiss(self._spare)
                self._spare = None
            for run in self._runs.values():
                if run.pid == pid and run.status is None:
                    run.status = status
                    run.ended = time.time()
                    run.next_at = _clock()

    def _end(self, run: KeptRun, outcome: Outcome, reason: str, patience_s: float) -> None:
        """Begin to end a run, or hurry its end."""
        now = _clock()
        if run.phase is Phase.RUNNING:
            run.wanted = (outcome, reason)
            self._term(run, self._strays.all_of(run, self._runs))
            run.phase = Phase.TERMED
            run.kill_at = now + patience_s
        elif run.phase is Phase.TERMED:
            run.kill_at = min(run.kill_at, now + patience_s)
        run.next_at = now if run.status is not None else run.kill_at

    def _advance(self, run: KeptRun, now: float) -> None:
        """Do what is due: the one place that decides over the life of a run."""
        if run.status is not None:
            self._advance_dead(run, now)
        elif run.phase is Phase.RUNNING:
            limit = run.spec.timeout_s or 0.0
            reason = run.placed(f"after {_seconds(limit)}")
            self._end(run, Outcome.TIMED_OUT, reason, run.spec.kill_after_s)
        else:
            self._kill(run, now)

    def _advance_dead(self, run: KeptRun, now: float) -> None:
        self._drain(run)
        left = self._strays.of(run, self._runs)
        if not left or (run.phase is Phase.KILLED and now > run.kill_at + _GIVE_UP_S):
            self._finish(run)
        elif run.phase is Phase.RUNNING:
            # A run that ended by itself left something behind.
            self._term(run, left)
            run.phase = Phase.TERMED
            run.kill_at = now + min(run.spec.kill_after_s, _TERM_BEFORE_KILL_S)
            run.next_at = now + _LOOK_AGAIN_S
        elif now >= run.kill_at:
            self._kill(run, now)
        else:
            # A child that was forked while the others were signalled missed its TERM.
            self._term(run, left)
            run.next_at = now + _LOOK_AGAIN_S

    def _term(self, run: KeptRun, processes: list[Process]) -> None:
        """Send TERM to those that have not had it."""
        new = [each for each in processes if (each.pid, each.start) not in run.termed]
        run.termed.update((each.pid, each.start) for each in new)
        self._strays.signal(new, signal.SIGTERM)

    def _kill(self, run: KeptRun, now: float) -> None:
        run.phase = Phase.KILLED
        self._strays.signal(self._strays.all_of(run, self._runs), signal.SIGKILL)
        run.next_at = now + _LOOK_AGAIN_S

    def _drain(self, run: KeptRun) -> None:
        """Read what a dead run wrote, but not what its strays go on writing."""
        for name in tuple(run.pipes):
            taken = 0
            while taken < _DRAIN_MAX and (size := self._read_pipe(run, name)):
                taken += size

    def _finish(self, run: KeptRun) -> None:
        del self._runs[run.order.run]
        for name in tuple(run.pipes):
            self._close_pipe(run, name)
            self._take(run, name, b"")
        end = run.result()
        if run.end is None:
            runfiles.append(self._folder, run.order.run, end)
        message = {"is": "ended", "run": run.order.run, "lease": run.order.lease, **end}
        self._send(_fitted(message | {"log": run.tail.text()}))
        self._strays.forget(self._runs)


_BLOCKED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def _note(_number: int, _frame: Any) -> None:
    """The wakeup descriptor tells the loop."""


def _is_due(run: KeptRun, now: float) -> bool:
    return run.next_at is not None and run.next_at <= now


def _clock() -> float:
    """Limits count time asleep too, where the system can tell."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def _seconds(seconds: float) -> str:
    return f"{seconds:g} s"


def _fitted(message: dict[str, Any]) -> dict[str, Any]:
    """Shorten the log until the message fits into a line."""
    while len(wire.encode(message)) > wire.LINE_MAX and message["log"]:
        message["log"] = message["log"][len(message["log"]) // 2 + 1 :]
    if len(wire.encode(message)) > wire.LINE_MAX:
        message["detail"] = {}
    return message

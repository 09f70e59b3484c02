"""The loop of a keeper: forks a worker per run, enforces its limits, reports its end.

Rules of this border:
- One thread, one selector; nothing blocks and no turn takes more than a bounded share.
- A run is reported ended when its worker is dead, its pipes are read, and nothing of it lives.
- When the daemon is gone, everything goes on; the ends are told to the next one, and are in the
  run files. A minute after the last of them, where no daemon came, the keeper ends.
"""

from __future__ import annotations

import os
import resource
import selectors
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from linod.events import Outcome
from linod.executor import claims, messages, runfiles, telling, tree, wire
from linod.executor.crew import Crew
from linod.executor.door import Door
from linod.executor.ending import Ending
from linod.executor.failing import failure
from linod.executor.forking import Forked, Forking
from linod.executor.gate import MANY, Gate
from linod.executor.hearing import Hearing, Speech
from linod.executor.jobs import Jobs, Plans
from linod.executor.kept import KeptRun
from linod.executor.limiting import Limiting, clock
from linod.executor.memory import OutOfMemory
from linod.executor.messages import Settings, TaskSpec, order_of
from linod.executor.preparing import Preparing
from linod.executor.sources import Sources
from linod.executor.spool import Spool
from linod.executor.strays import Strays
from linod.views import BAD, PAST

ALONE_S = 60.0
"""For so long a keeper without daemon and runs waits for the next one."""
# A worker is forked ahead in the first quiet moment.
_QUIET_S = 0.001
# So many runs are heard before the daemon is heard again.
_AT_A_TIME = 8
# For so long what runs say is left where it is, once some of it was taken.
_TOGETHER_S = 0.001
# Runs that begin together go before what they say of it, so long for each and at most.
_BEGIN_EACH_S = 0.0001
_BEGIN_WITHIN_S = 0.01
# A daemon that does not read gets no more of what it may miss.
_OUTBOX_MAX = 4 * 1024 * 1024


class Keeping:
    """Keeps runs until the daemon lets it go, or no daemon comes any more."""

    def __init__(
        self,
        channel: wire.Channel,
        settings: Settings,
        folder: int,
        speech: Speech,
        plans: Plans,
        door: Door,
    ) -> None:
        self._channel = channel
        self._door = door
        self._identity = settings.identity
        self._sources = Sources()
        self._spool = Spool()
        self._is_retired = False
        """Nothing will be started any more."""
        self._is_leaving = False
        self._leave_at: float | None = None
        """When it ends where no daemon comes; only without daemon and runs."""
        self._folder = folder
        self._speech = speech
        self._jobs = Jobs(plans)
        self._secrets = set(settings.secrets)
        self._runs: dict[int, KeptRun] = {}
        self._gate = Gate()
        self._forking = self._forker(settings)
        self._selector = selectors.DefaultSelector()
        self._hearing = Hearing(speech, self._tell)
        self._hear_at: float | None = None
        """When what runs say is taken again; None: as soon as they say it."""
        self._heard_until = 0.0
        self._crew = Crew(self._forking, self._hearing, self, clock)
        self._preparing = Preparing(self._forking, self._crew, self._jobs, clock)
        self._strays = Strays(settings.directory, self._workers)
        self._memory = OutOfMemory()
        self._limiting = Limiting(self._strays, self._runs, self._crew.isolate, clock)
        self._waker, self._wakeup = socket.socketpair()
        self._is_writing = False
        self._ending = Ending(self._runs, self._crew, self._limiting, self._tell_end)
        self._begun: dict[int, dict[str, Any]] = {}
        """What is to be told of runs that began in this turn."""
        self._unheard: list[KeptRun] = []
        """Started in this turn: their pipes are read when all have their orders."""
        self._actions = self._wishes()

    def _wishes(self) -> dict[str, Callable[[dict[str, Any]], None]]:
        """What the daemon may want, by its word."""
        return {
            "task": self._learn,
            "start": self._start,
            "stop": self._ending.stop,
            "follow": self._follow,
            "unfollow": self._unfollow,
            "expect": lambda message: self._preparing.expect(message.get("tasks", ())),
            "arm": self._preparing.arm,
            "go": self._go,
            "more": self._expect_more,
            "disarm": lambda _message: self._preparing.disarm(),
            "retire": self._retire,
            "leave": self._leave,
        }

    def _forker(self, settings: Settings) -> Forking:
        boot, plan = tree.boot_id(), self._speech.plan
        own, jobs = self._own_descriptors, self._jobs
        return Forking(
            settings,
            self._folder,
            boot,
            plan,
            jobs.find,
            own,
            jobs.is_keeping,
            self._gate.descriptor,
        )

    def run(self) -> None:
        """Serve until the end."""
        self._watch_signals()
        self._selector.register(self._channel, selectors.EVENT_READ)
        self._selector.register(self._door, selectors.EVENT_READ, self._door.answer)
        self._selector.register(self._hearing, selectors.EVENT_READ, self._hear_runs)
        while not self._is_over():
            events = self._selector.select(self._wait_s())
            self._act(events)
            self._reap()
            self._ending.look()
            if not events and self._needs_spare():
                self._preparing.fork(lambda: self._selector.select(0))
            now = clock()
            self._strays.look_anew()
            for run in [run for run in self._runs.values() if _is_due(run, now)]:
                self._advance(run, now)
            self._gate.look(now)
            self._forking.ease(now)
            self._crew.advance(now)
            self._tell_slow(now)
            self._watch_writing()
        self._forking.close()

    # -- the loop -----------------------------------------------------------------------------

    def _act(self, events: list[tuple[selectors.SelectorKey, int]]) -> None:
        """Hear the daemon first: what is due must start."""
        others = [key for key, _ in events if key.fileobj is not self._channel]
        if len(others) < len(events):
            self._hear()
        for key in others:
            key.data()

    def _hear_runs(self) -> None:
        """Take what runs say, and hear the daemon again between some of them.

        Then they are left alone for a moment: what they say meanwhile costs less together.
        """
        for number, take in enumerate(self._hearing.ready()):
            if number % _AT_A_TIME == _AT_A_TIME - 1:
                self._hear()
            take()
        self._hear_later(_TOGETHER_S)

    def _hear_later(self, pause_s: float) -> None:
        """Leave runs alone for a moment, however many begin meanwhile."""
        now = clock()
        if self._hear_at is None:
            self._selector.unregister(self._hearing)
            self._heard_until = now
        self._hear_at = min(now, self._heard_until + _BEGIN_WITHIN_S) + pause_s

    def _listen_again(self, now: float) -> None:
        if self._hear_at is not None and now >= self._hear_at:
            self._hear_at = None
            self._selector.register(self._hearing, selectors.EVENT_READ, self._hear_runs)

    def _is_over(self) -> bool:
        """Say whether there is nothing left to do; let in who waits."""
        if self._channel.is_closed:
            self._let_in()
        has_runs = bool(self._runs) or any(True for _ in self._crew.queued())
        if has_runs or not (self._is_leaving or self._channel.is_closed):
            self._leave_at = None
            return False
        if self._leave_at is None:
            self._leave_at = clock() + ALONE_S
        if not self._is_leaving and clock() < self._leave_at:
            return False
        self._crew.dismiss_all(clock())
        return self._crew.is_empty

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
        now = clock()
        self._listen_again(now)
        if self._ending.is_due:
            return 0.0
        own = (self._leave_at, self._hear_at, self._gate.opens_at)
        others = (*own, self._forking.look_at(now), self._crew.next_at())
        times += [at for at in others if at is not None]
        slow = (run.flight.slow_at for run in self._runs.values())
        times += [at for at in slow if at is not None]
        wait_s = max(0.0, min(times) - now) if times else None
        if self._needs_spare():
            return min(wait_s, _QUIET_S) if wait_s is not None else _QUIET_S
        return wait_s

    def _needs_spare(self) -> bool:
        return not (self._is_retired or self._is_leaving) and self._preparing.is_needed()

    def _hear(self) -> None:
        if self._channel.is_closed:
            return
        if self._is_writing:
            self._channel.flush()
        heard = self._channel.receive()
        starting = sum(map(_starts, heard))
        self._gate.close_for(starting, clock())
        for message in heard:
            action = self._actions.get(str(message.get("do")))
            if action is not None:
                action(message)
        for run in self._unheard:
            self._hearing.begin(run)
        self._unheard.clear()
        if starting >= MANY:
            self._hear_later(min(_BEGIN_WITHIN_S, starting * _BEGIN_EACH_S))
        if self._channel.is_closed:
            self._selector.unregister(self._channel)
            self._channel.close()
            self._preparing.disarm()
            # Its successor has to start at once what falls due until it comes.
            self._preparing.expect(self._jobs.specs, ALONE_S)

    def _let_in(self) -> None:
        """Take who waits for the daemon, and tell what is kept and what may be unheard."""
        caller = self._door.take()
        if caller is None:
            return
        self._channel, self._is_writing = wire.Channel(caller, wire.REQUEST_MAX), False
        self._gate.are_more_due = False
        self._selector.register(self._channel, selectors.EVENT_READ)
        for run in self._runs.values():
            run.is_followed = False
        kept = [*self._runs.values(), *self._crew.queued()]
        self._send(telling.keeping(kept) | {"as": self._as()})
        for line in self._spool.lines():
            self._channel.put(line)
        self._send({"is": "told", "protocol": messages.PROTOCOL})
        self._watch_writing()

    def _tell(self, message: dict[str, Any]) -> None:
        """Say something of a run; what may be missed only while the daemon reads it.

        That it began is told at the end of the turn: an end in the same turn tells it, too.
        """
        if message["is"] == telling.STARTED:
            self._begun[message["run"]] = message
            return
        self._tell_begun()
        if message["is"] not in telling.MAY_BE_MISSED or self._channel.waiting < _OUTBOX_MAX:
            self._send(message)

    def _tell_begun(self) -> None:
        """Tell the begins that no end has told."""
        for message in self._begun.values():
            self._send(message)
        self._begun.clear()

    def _send(self, message: dict[str, Any]) -> None:
        if not self._channel.is_closed:
            self._channel.put(wire.encode(message))

    def _watch_writing(self) -> None:
        """Send what was said in this turn; wait until the daemon takes what is left."""
        self._tell_begun()
        if not self._channel.is_closed:
            self._channel.flush()
        is_needed = self._channel.waiting > 0 and not self._channel.is_closed
        if is_needed == self._is_writing or self._channel.is_closed:
            return
        self._is_writing = is_needed
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if is_needed else 0)
        self._selector.modify(self._channel, events)

    def _as(self) -> dict[str, Any] | None:
        """Say what this keeper is, where it may go on being it."""
        if self._is_retired or self._is_leaving or self._sources.have_changed():
            return None
        folder = runfiles.identity(os.fstat(self._folder))
        return {"identity": self._identity, "folder": folder}

    # -- what the daemon says -----------------------------------------------------------------

    def _learn(self, message: dict[str, Any]) -> None:
        spec = TaskSpec.of_json(message)
        if not self._jobs.learn(spec):
            return  # it was a former daemon's, too
        self._forking.dismiss_all()
        self._crew.learn(spec)
        self._limiting.learn(spec)
        if not self._secrets.issuperset(spec.secrets):
            self._secrets.update(spec.secrets)
            self._speech.mask(sorted(self._secrets))

    def _go(self, message: dict[str, Any]) -> None:
        for number in message["runs"]:
            run, order, forked = self._preparing.go(number)
            if forked is None:
                self._begin(run, order)
            else:
                self._place(run, forked)

    def _expect_more(self, message: dict[str, Any]) -> None:
        self._gate.are_more_due = message["are_due"]

    def _start(self, message: dict[str, Any]) -> None:
        order = order_of(message)
        self._begin(KeptRun(order, self._jobs.specs[order.task]), message)

    def _begin(self, run: KeptRun, message: dict[str, Any]) -> None:
        try:
            if run.spec.is_reused:
                self._crew.employ(run, message, self._jobs.context(run.spec))
                return
            forked = self._forking.start(run.order, message)
        except OSError as error:
            self.refused(run, error)
            return
        self._place(run, forked)

    def _place(self, run: KeptRun, forked: Forked) -> None:
        run.pid, run.pipes, ring = forked
        run.keep_in(ring)
        self._unheard.append(run)
        self._gate.wait_for(run)
        self.placed(run)

    def placed(self, run: KeptRun) -> None:
        """Keep a run that a worker has."""
        self._runs[run.order.run] = run
        self._limiting.begin(run)
        if run.spec.log_keep is not None and run.order.slow_after_s is not None:
            run.flight.slow_at = clock() + run.order.slow_after_s
        self._ending.placed(run)

    def refused(self, run: KeptRun, error: OSError) -> None:
        """Tell of a run that no worker could be forked for."""
        end = failure(f"its worker could not be forked: {error.strerror}", error)
        order = run.order
        self._send({"is": "ended", "run": order.run, "lease": order.lease, **end})

    def _own_descriptors(self) -> list[int]:
        pipes = [pipe for run in self._runs.values() for pipe in run.pipes.values()]
        own = [self._waker.fileno(), self._wakeup.fileno(), *self._door.descriptors()]
        own += self._crew.descriptors()
        if not self._channel.is_closed:
            own.append(self._channel.fileno())
        poll = getattr(self._selector, "fileno", None)
        return [*own, self._hearing.fileno(), *([poll()] if poll else []), *pipes]

    def has_claim(self, run: KeptRun) -> bool:
        """Tell whether the run file of a run is there."""
        return claims.exists(self._folder, run.order.run)

    def _follow(self, message: dict[str, Any]) -> None:
        run = self._ending.find(message["run"])
        if run is not None and not run.is_followed:
            run.is_followed = True
            self._hearing.tell_lines(run, run.tail.text())

    def _unfollow(self, message: dict[str, Any]) -> None:
        run = self._ending.find(message["run"])
        if run is not None:
            run.is_followed = False

    def _retire(self, _message: dict[str, Any]) -> None:
        self._is_retired = True
        self._forking.dismiss_all()
        self._crew.dismiss_all(clock())

    def _leave(self, _message: dict[str, Any]) -> None:
        self._is_leaving = True
        self._ending.leave()
        self._crew.dismiss_all(clock())

    def _tell_slow(self, now: float) -> None:
        """Write what was kept of runs that have become slow: a hung one may never end."""
        for run in self._runs.values():
            if run.flight.is_due(now):
                run.flight.slow_at, run.flight.is_slow = None, True
                self._speech.kept(run, f"the run is slow, after {run.order.slow_after_s:g} s")

    # -- how runs end -------------------------------------------------------------------------

    def _reap(self) -> None:
        """Wait for every dead child: workers, and strays that came to us."""
        while True:
            try:
                pid, status, used = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if not self._forking.died(pid, clock()):
                self._crew.died(pid)
                self._note_death(pid, status, used)
                self._ending.stop_again()

    def _note_death(self, pid: int, status: int, used: resource.struct_rusage) -> None:
        for run in self._runs.values():
            if run.pid == pid and run.status is None:
                is_killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
                run.died(status, used, is_oom=is_killed and self._memory.has_struck())
                run.next_at = clock()

    def _workers(self) -> set[int]:
        """The children that are no strays."""
        going = {run.pid for run in self._runs.values() if run.status is None}
        return self._forking.waiting | self._crew.pids | going

    def _advance(self, run: KeptRun, now: float) -> None:
        if run.is_over:
            # Before it is judged: what it said last counts.
            self._hearing.drain(run)
        if self._limiting.advance(run, now):
            self._finish(run)

    def _finish(self, run: KeptRun) -> None:
        del self._runs[run.order.run]
        if run.member is None:
            self._hearing.end(run)
        else:
            self._hearing.end_lines(run)
            self._crew.release(run, clock())
        self._tell_end(run)
        self._strays.forget(self._runs)

    def _tell_end(self, run: KeptRun) -> None:
        end = run.result()
        if end["outcome"] in BAD:
            self._speech.kept(run, f"the run {PAST[Outcome(end['outcome'])]}")
        elif run.flight.is_slow:
            self._speech.kept(run, "the run was slow")
        is_alone = self._channel.is_closed
        message = {"is": "ended", "run": run.order.run, "lease": run.order.lease, **end}
        message |= {"log": run.tail.text(), "worker": run.worker}
        self._begun.pop(run.order.run, None)
        line = telling.fitted(message)
        if run.end is None or is_alone:
            told = {"log": message["log"]} if is_alone else {}
            claims.append(self._folder, run.order.run, end | told)
        if not is_alone:
            self._channel.put(line)
        self._spool.add(line)


def _note(_number: int, _frame: Any) -> None:
    """The wakeup descriptor tells the loop."""


def _starts(message: dict[str, Any]) -> int:
    """Say how many runs the daemon wants to start."""
    if message.get("do") == "go":
        return len(message["runs"])
    return int(message.get("do") == "start")


def _is_due(run: KeptRun, now: float) -> bool:
    return run.next_at is not None and run.next_at <= now

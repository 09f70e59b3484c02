"""The daemon's side of execution: gives runs to keepers and reports what becomes of them.

Rules of this border:
- It lives on the daemon's event loop; no method blocks, every event comes by a later callback.
- User code is never imported here: keepers do that, one per (user, group, import_env).
- A run that was given to `start` or `adopt` is reported ended exactly once, whatever happens to
  its keeper, unless the Executor is closed before: then its keeper, or its run file, tells the
  next daemon.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from attrs import evolve, frozen

from linod.events import (
    Event,
    Outcome,
    RunEnded,
    RunNeverStarted,
    RunStarted,
    StartRun,
    StopRun,
)
from linod.executor import messages, runfiles, tree
from linod.executor.failing import naming
from linod.executor.keepers import Keepers
from linod.executor.link import IMPORT_WITHIN_S, Link, Listening, Own
from linod.executor.progress import Progress
from linod.executor.takeover import Kept
from linod.specs import Config, Task

_RECOVER_AGAIN_S = 1.0
# A thread that removes run files keeps the loop from its work for a moment, each time.
_REMOVE_TOGETHER_S = 0.1
CLOSE_WITHIN_S = 5.0
"""For keepers to end: they do so as soon as they read that nobody speaks any more."""


class JsonPlan(Protocol):
    """The plan of the log, which the executor only hands on."""

    def to_json(self) -> dict[str, Any]:
        """Give plain values for json.dumps."""


@frozen(kw_only=True)
class Going:
    """A run that goes on, as far as execution is concerned."""

    run: int
    lease: str
    user: str | None
    task: Task | None
    """As it was when the run was started; of an adopted one, as it is now, where it is at all."""
    command: StartRun | None = None
    """None: it was adopted, and is not started again."""

    @classmethod
    def of(cls, command: StartRun) -> Going:
        """Begin to go on with a run that is to be started."""
        task = command.task
        return cls(run=command.run, lease=command.lease, user=task.user, task=task, command=command)


class Executor:
    """Starts, stops and follows runs, in keepers that it starts and ends as needed."""

    def __init__(
        self,
        directory: Path,
        log_plan: JsonPlan,
        on_event: Callable[[Event], None],
        *,
        import_within_s: float = IMPORT_WITHIN_S,
    ) -> None:
        self._directory = directory
        self._on_event = on_event
        listening = Listening(self._heard, self._gone)
        self._keepers = Keepers(directory, log_plan.to_json(), listening, import_within_s)
        self._going: dict[int, tuple[Going, Link]] = {}
        self._armed: dict[int, tuple[str, Link]] = {}
        """The lease of what was ordered ahead, and where."""
        self._followers: dict[int, list[Callable[[str], None]]] = {}
        self._forgotten: list[int] = []
        """Runs whose files are to be removed."""
        self._recoveries: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self.boot = tree.boot_id()
        """Boot id, to be stored with each run."""

    def configure(
        self, config: Config, log_plan: JsonPlan | None = None, late: Collection[str] = ()
    ) -> None:
        """Take a configuration: new keepers for what starts now, old ones end with their runs.

        Args:
            config: The configuration.
            log_plan: Of the log, where it is another one.
            late: Modules known to end, crash or hang whoever imports them: after the fork, then.
        """
        self._keepers.configure(config, None if log_plan is None else log_plan.to_json(), late)

    def offer(self, kept: Collection[Kept]) -> None:
        """Give keepers of a daemon that crashed to `configure`, which takes what fits; once."""
        self._keepers.offer(kept)

    def arm(self, commands: Sequence[StartRun]) -> None:
        """Give orders ahead, where their keepers are there: `start` is then only a word.

        Nothing begins before that; until `disarm` they hold.
        """
        self.disarm()
        for command in commands:
            link = self._keepers.ready(command.task)
            if link is not None:
                link.arm(command.task, messages.arm(command))
                self._armed[command.run] = (command.lease, link)

    def disarm(self) -> None:
        """Take back what was given ahead: it will not be started, or by another order."""
        links = {link for _, link in self._armed.values()}
        self._armed.clear()
        for link in links:
            link.send({"do": "disarm"})

    def start(self, *commands: StartRun, are_more_due: bool = False) -> None:
        """Start runs; their rows must be committed. `are_more_due`: others follow at once."""
        found = [(command, link) for command in commands if (link := self._keeper_for(command))]
        if any(each.run in self._armed and not self._is_armed(each, link) for each, link in found):
            self.disarm()  # another order, or another keeper
        for link in {link for _, link in found}:
            link.say_more(are_due=are_more_due)
        armed: dict[Own, list[int]] = {}
        for command, link in found:
            if self._is_armed(command, link):
                self._going[command.run] = (Going.of(command), link)
                armed.setdefault(link, []).append(command.run)
            else:
                self._give(Going.of(command), link)
        for link, runs in armed.items():
            self._go(link, runs)

    def expect(self, tasks: Collection[Task]) -> None:
        """Prepare for starts of these tasks within a second or two: workers are forked ahead."""
        self._keepers.expect(tasks)

    def adopt(self, kept: Kept, runs: Collection[Going]) -> None:
        """Take over a keeper of a former daemon, with those of its runs that are to go on.

        Those that nobody knows any more are ended. It gets other runs only where it is just as
        this daemon would start it (`offer`).
        """
        link = self._keepers.adopt(kept)
        link.runs |= kept.runs.keys()
        begun = [kept.runs[going.run].started for going in runs]
        for going in runs:
            self._going[going.run] = (going, link)
            if (progress := kept.runs[going.run].progress) is not None:
                link.progress[going.run] = progress
        known = {going.run for going in runs}
        for run in kept.runs.keys() - known:
            link.send(messages.disown(run, kept.runs[run].lease))
        link.listen([*(started for started in begun if started is not None), *kept.later])
        if link.runs:
            self._keepers.stop_idling(link)
        else:
            self._keepers.idle_soon(link)

    @property
    def count(self) -> int:
        """How many runs go on."""
        return len(self._going)

    def stop(self, command: StopRun) -> None:
        """End a run, with all its processes; nothing happens if it is not going on here."""
        if command.run not in self._going:
            return
        link = self._going[command.run][1]
        if link.withdraw(command.run):
            self._withdrawn(command, link)
        else:
            link.send(messages.stop(command))

    def definition(self, run: int) -> Task | None:
        """The task as it was when a run was started that goes on; None where none does."""
        return self._going[run][0].task if run in self._going else None

    def progress(self, run: int) -> Progress | None:
        """How far a run is, where it goes on and says so."""
        return self._going[run][1].progress.get(run) if run in self._going else None

    def follow(self, run: int, callback: Callable[[str], None]) -> Callable[[], None]:
        """Give the log lines of a run, those that are there and those that come; return its end."""
        followers = self._followers.setdefault(run, [])
        followers.append(callback)
        self._tell(run, "follow")

        def unfollow() -> None:
            if callback in followers:
                followers.remove(callback)
            if not followers and self._followers.get(run) is followers:
                del self._followers[run]
                self._tell(run, "unfollow")

        return unfollow

    def forget(self, runs: Collection[int]) -> None:
        """Remove run files, soon and in a thread: the store has the ends of these runs."""
        for run in runs:
            self._followers.pop(run, None)
        if not self._forgotten:
            asyncio.get_running_loop().call_later(_REMOVE_TOGETHER_S, self._remove_forgotten)
        self._forgotten += runs

    async def close(self, within_s: float = CLOSE_WITHIN_S, *, kept: Collection[int] = ()) -> None:
        """End all keepers with what still runs in them, but those of the runs that are `kept`.

        No event is reported any more.
        """
        self._is_closed = True
        self._remove_forgotten()
        links = self._keepers.close(kept)
        limit = asyncio.get_running_loop().time() + within_s
        while not all(link.is_gone for link in links):
            if asyncio.get_running_loop().time() > limit:
                break
            await asyncio.sleep(0.01)
        if self._recoveries:
            await asyncio.wait(self._recoveries, timeout=within_s)

    def _give(self, going: Going, link: Own) -> None:
        """Have a keeper start a run."""
        assert going.command is not None
        self._going[going.run] = (going, link)
        is_followed = bool(self._followers.get(going.run))
        link.start(going.command.task, messages.start(going.command, is_followed=is_followed))

    def _keeper_for(self, command: StartRun) -> Own | None:
        """Find who starts a run; where nobody can, the run has ended."""
        try:
            return self._keepers.of(command.task)
        except OSError as error:
            reason = f"its keeper could not be started: {error}"
            self._end_soon(_failed(command, reason, naming(error)))
            return None

    def _is_armed(self, command: StartRun, link: Own) -> bool:
        return self._armed.get(command.run) == (command.lease, link)

    def _go(self, link: Own, runs: Sequence[int]) -> None:
        """Have what is armed start."""
        link.go(runs)
        for run in runs:
            del self._armed[run]
            if self._followers.get(run):
                self._tell(run, "follow")

    # -- what keepers say ---------------------------------------------------------------------

    def _heard(self, link: Link, message: dict[str, Any]) -> None:
        kind = message.get("is")
        run = message.get("run")
        if not isinstance(run, int):
            return
        if self._going.get(run, (None, None))[1] is not link:
            if kind == "ended" and run in link.runs:
                self._let_go(run, link)  # nobody knows it, but its keeper may end now
            return
        if kind == "started":
            self._started(run, message)
        elif kind == "lines":
            self._lines(run, str(message.get("text", "")))
        elif kind == "progress":
            self._progressed(run, link, message)
        elif kind == "ended":
            self._ended(run, message)

    def _started(self, run: int, message: dict[str, Any]) -> None:
        going, link = self._going[run]
        link.started.add(run)
        self._report(
            RunStarted(
                run=run,
                lease=going.lease,
                worker=runfiles.worker_of(message["worker"]),
                at=datetime.fromtimestamp(message["at"], UTC),
            )
        )

    def _progressed(self, run: int, link: Link, message: dict[str, Any]) -> None:
        if (progress := Progress.of_json(message.get("progress"))) is not None:
            link.progress[run] = progress

    def _lines(self, run: int, text: str) -> None:
        for callback in tuple(self._followers.get(run, ())):
            for line in text.splitlines():
                callback(line)

    def _ended(self, run: int, message: dict[str, Any]) -> None:
        going, link = self._going[run]
        event = runfiles.ended(message, run, going.lease)
        del self._going[run]
        self._let_go(run, link)
        self._report(event)

    def _let_go(self, run: int, link: Link) -> None:
        link.runs.discard(run)
        link.started.discard(run)
        link.progress.pop(run, None)
        if not link.runs:
            self._keepers.idle_soon(link)

    def _remove_forgotten(self) -> None:
        forgotten, self._forgotten = self._forgotten, []
        if forgotten:
            loop = asyncio.get_running_loop()
            loop.run_in_executor(None, runfiles.remove, self._directory, forgotten)

    # -- when a keeper is gone ----------------------------------------------------------------

    def _gone(self, link: Link) -> None:
        is_current = self._keepers.gone(link)
        if self._is_closed:
            return
        loop = asyncio.get_running_loop()
        loop.run_in_executor(None, runfiles.forget_keeper, self._directory, link.pid)
        runs = [going for going, other in self._going.values() if other is link]
        if not isinstance(link, Own) or link.is_ready:
            if isinstance(link, Own) and is_current and runs:
                self._keepers.warm(link.key)
            self._recover_all(link, runs)
        elif not runs and not is_current:
            return
        elif self._may_try_again(link):
            self._try_again(link, runs, is_current=is_current)
        else:
            self._fail_all(link, runs)

    def _may_try_again(self, link: Own) -> bool:
        """Say whether the next keeper can do better, by importing a module only after the fork."""
        if link.reason is None and link.importing and link.importing not in link.settings.late:
            link.settings = evolve(link.settings, late=[*link.settings.late, link.importing])
            return True
        return link.is_late

    def _try_again(self, link: Own, runs: list[Going], *, is_current: bool) -> None:
        try:
            successor = self._keepers.succeed(link, is_current=is_current)
        except OSError as error:
            link.reason = f"its keeper could not be started: {error}"
            link.detail = naming(error)
            self._fail_all(link, runs)
            return
        for going in runs:
            self._give(going, successor)

    def _fail_all(self, link: Own, runs: list[Going]) -> None:
        reason = link.reason or f"its keeper did not start: {link.how_it_ended()}"
        for going in runs:
            del self._going[going.run]
            self._report(_failed(going, reason, link.detail))

    def _recover_all(self, link: Link, runs: list[Going]) -> None:
        for going in runs:
            task = asyncio.get_running_loop().create_task(self._recover(going, link))
            self._recoveries.add(task)
            task.add_done_callback(self._recoveries.discard)

    async def _recover(self, going: Going, link: Link) -> None:
        """Read what the run file proves, in a thread: ending a tree may take a while."""
        while True:
            try:
                recovered = await asyncio.to_thread(
                    runfiles.recover,
                    self._directory,
                    going.run,
                    going.lease,
                    boot=self.boot,
                    user=going.user,
                    is_running=going.run in link.started,
                )
                break
            except OSError:  # a full disk: what nobody can prove is not said
                await asyncio.sleep(_RECOVER_AGAIN_S)
        self._going.pop(going.run, None)
        if recovered.proof is runfiles.Proof.NEVER_STARTED:
            self._report(RunNeverStarted(run=going.run, lease=going.lease))
            return
        self._report(recovered.end)

    # -- helpers ------------------------------------------------------------------------------

    def _withdrawn(self, command: StopRun, link: Link) -> None:
        del self._going[command.run]
        if not link.runs:
            self._keepers.idle_soon(link)
        self._end_soon(
            RunEnded(
                run=command.run,
                lease=command.lease,
                outcome=command.outcome,
                reason=command.reason,
            )
        )

    def _tell(self, run: int, verb: str) -> None:
        if run in self._going:
            self._going[run][1].send({"do": verb, "run": run})

    def _end_soon(self, event: RunEnded) -> None:
        asyncio.get_running_loop().call_soon(self._report, event)

    def _report(self, event: Event) -> None:
        if not self._is_closed:
            self._on_event(event)


def _failed(run: StartRun | Going, reason: str, detail: dict[str, Any]) -> RunEnded:
    return RunEnded(
        run=run.run,
        lease=run.lease,
        outcome=Outcome.FAILED,
        reason=reason,
        detail=detail,
    )

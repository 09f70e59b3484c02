"""Keepers and workers that outlive daemons: they start what they are told, once, and it ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from attrs import define, frozen

from linod.events import Event, Outcome, RunEnded, RunNeverStarted, RunStarted, StartRun, StopRun

from .clock import Clock

WORKER = "1:2"


@define(kw_only=True)
class Note:
    """What a run writes down about itself; instants are lived."""

    command: StartRun
    begun: datetime
    ends: datetime
    """When it will have ended, if nobody ends it before."""
    outcome: Outcome
    reason: str = ""
    ended: datetime | None = None
    begun_written: datetime
    ended_written: datetime | None = None
    """As the machine's clock showed it."""
    is_killed: bool = False
    """It was ended without having the time to write it down."""


@frozen(kw_only=True)
class Habit:
    """How the runs of a task behave."""

    shortest_s: float
    longest_s: float
    failing: float = 0.0
    """Share of runs that fail."""
    timeout_s: float | None = None


class Keepers:
    """All keepers of a machine, over all daemons."""

    def __init__(self, random: Random, clock: Clock, habits: dict[str, Habit]) -> None:
        self._random = random
        self._clock = clock
        self.habits = dict(habits)
        self.notes: dict[int, Note] = {}
        """Of every run that ever began, by its number."""
        self.going: dict[int, Note] = {}

    @property
    def next_end(self) -> datetime | None:
        """When the next run ends by itself."""
        return min((note.ends for note in self.going.values()), default=None)

    def start(self, command: StartRun) -> Event:
        """Fork a worker."""
        assert command.run not in self.notes, f"run {command.run} was started twice"
        habit = self.habits[command.task.name]
        length = self._random.uniform(habit.shortest_s, habit.longest_s)
        outcome = Outcome.SUCCEEDED
        if self._random.random() < habit.failing:
            outcome = Outcome.FAILED
        if habit.timeout_s is not None and length > habit.timeout_s:
            length, outcome = habit.timeout_s, Outcome.TIMED_OUT
        begun = self._clock.lived
        note = Note(
            command=command,
            begun=begun,
            ends=begun + timedelta(seconds=length),
            outcome=outcome,
            begun_written=self._clock.written,
        )
        self.notes[command.run] = self.going[command.run] = note
        return RunStarted(
            run=command.run, lease=command.lease, worker=WORKER, at=self._clock.written
        )

    def stop(self, command: StopRun) -> None:
        """End a run: it takes a while to obey."""
        note = self.going.get(command.run)
        if note is None:
            return
        obeys = self._clock.lived + timedelta(seconds=self._random.uniform(0, 3))
        if obeys < note.ends:
            note.ends, note.outcome, note.reason = obeys, command.outcome, command.reason

    def end_due(self) -> list[Event]:
        """End what has come to its end by now, each at its own time."""
        over = [note for note in self.going.values() if note.ends <= self._clock.lived]
        return [self._end(note) for note in sorted(over, key=lambda note: note.ends)]

    def kill(self, run: int) -> Event:
        """A worker dies; its keeper sees it."""
        note = self.going[run]
        note.outcome, note.reason, note.is_killed = Outcome.FAILED, "killed by SIGKILL", True
        note.ends = self._clock.lived
        return self._end(note)

    def lose_all(self) -> list[Event]:
        """All keepers die, and their workers with them; the daemon sees that."""
        return [self.lose(run) for run in list(self.going)]

    def vanish(self) -> None:
        """All keepers die, and nobody is there to see it."""
        for run in list(self.going):
            self.lose(run)

    def prove(self, run: int, lease: str) -> Event | None:
        """What a new daemon learns of a run: that it never began, its end, or that it goes on."""
        note = self.notes.get(run)
        if note is None:
            return RunNeverStarted(run=run, lease=lease)
        return None if note.ended is None else self._report(note)

    def _end(self, note: Note) -> Event:
        note.ended, note.ended_written = note.ends, note.ends + self._clock.ahead
        del self.going[note.command.run]
        return self._report(note)

    def lose(self, run: int) -> Event:
        """A keeper dies, and this run with it."""
        note = self.going[run]
        note.outcome, note.reason, note.is_killed = Outcome.LOST, "its keeper died", True
        note.ends = self._clock.lived
        return self._end(note)

    def _report(self, note: Note) -> Event:
        return RunEnded(
            run=note.command.run,
            lease=note.command.lease,
            outcome=note.outcome,
            reason=note.reason,
            ended=note.ended_written,
            started=note.begun_written,
            worker=WORKER,
            detail={"bases": ["ValueError"]} if note.outcome is Outcome.FAILED else {},
        )


def as_told(events: list[Event]) -> list[Event]:
    """Leave out begins that keepers tell with the ends: of every other run that is over so soon."""
    over = {event.run for event in events if isinstance(event, RunEnded) and event.run % 2}
    return [event for event in events if not (isinstance(event, RunStarted) and event.run in over)]

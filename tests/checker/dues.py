"""The dues of one task over all that it ever was, and what held when.

A *stretch* is the time in which one schedule was in force, whatever else was edited meanwhile.
Dues that a stretch may or may not have had are optional: those within the tolerance of its ends,
and those that the clock shows a second time under a new schedule, unless an old one had settled
them. What the clock showed only while the decider was unable is of no schedule that ended since.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from attrs import frozen

from .clock import Clock
from .history import Policy, Task, Version
from .instants import NEVER, SECOND, Spans, ticks
from .oracle import Events, dues_of
from .serving import Serving

_AHEAD = 3 * 86_400 * SECOND
"""How far `following` looks: windows open every day."""


@frozen
class Stretch:
    """One schedule in force, in lived time; `end` is NEVER where it was never replaced."""

    version: Version
    begin: int
    end: int


class Dues:
    """When a task was due, in written time, and under which policies."""

    def __init__(
        self,
        task: Task,
        clock: Clock,
        serving: Serving,
        late_max: int,
        accepted: Sequence[int] = (),
    ) -> None:
        """`accepted`: when a clock that had stepped back was accepted, in lived time."""
        self.task = task
        self._accepted = accepted
        self._clock = clock
        self._serving = serving
        self._late_max = late_max
        self._only = [task.versions[0].policy]
        self._since = [ticks(version.since) for version in task.versions]
        stretches = list(_stretches(task, self._since))
        found = [(stretch, self._within(stretch)) for stretch in stretches]
        self.at: Sequence[int] = _joined([dues for _, dues in found])
        again = {due for pair in found for due in self._shown_again(*pair)}
        settled = {due for due in again if any(self._is_settled(*pair, due) for pair in found)}
        self.optional = sorted({due for pair in found for due in self._doubtful(*pair)} - settled)
        self.again = self._find_again(found) - settled
        """Those that the clock showed before they were of any schedule: their time is unknown,
        unless they had been of one before and were settled then.
        """
        self._ends = Spans(
            (clock.shown(stretch.begin) - late_max, clock.reached(stretch.end), stretch)
            for stretch in stretches
            if stretch.end != NEVER
        )

    @property
    def has_events(self) -> bool:
        """Tell whether it is ever due by what happens."""
        return any(
            isinstance(part, Events)
            for version in self.task.versions
            for part in version.parts or ()
        )

    @property
    def is_triggered(self) -> bool:
        """Tell whether it ever comes after others."""
        return any(version.policy.after for version in self.task.versions)

    def policies(self, first: int, last: int) -> list[Policy]:
        """List the policies that were in force between two lived instants, oldest first."""
        versions = self.task.versions
        if len(versions) == 1:
            return self._only
        # Where an adoption is known only roughly, the policies of both sides may have held.
        begin = max(bisect_right(self._since, first) - 1, 0)
        end = max(bisect_right(self._since, last + self._late_max), begin + 1)
        found = [each.policy for each in versions[begin:end] if each.parts is not None]
        return found or [self.policy(first)]

    def policy(self, instant: int) -> Policy:
        """Give the policy in force at a lived instant; of a task that is gone, its last."""
        index = max(bisect_right(self._since, instant) - 1, 0)
        kept = [each for each in self.task.versions[: index + 1] if each.parts is not None]
        return kept[-1].policy if kept else self.task.versions[index].policy

    def is_changed(self, first: int, last: int) -> bool:
        """Tell whether anything of it was edited between two lived instants."""
        begin = max(bisect_left(self._since, first), 1)
        return begin < bisect_right(self._since, last + self._late_max)

    def is_gone(self, instant: int) -> bool:
        """Tell whether the task was removed by a lived instant."""
        return self.task.versions[max(bisect_right(self._since, instant) - 1, 0)].parts is None

    def ends(self, due: int) -> Iterator[int]:
        """Give when the schedules that had this due were replaced, in lived time."""
        for _, _, stretch in self._ends.touching(due, due):
            yield stretch.end

    def following(self, due: int, moment: int) -> int:
        """Give the next due after one, as it looked at a moment; NEVER where it is days ahead."""
        index = max(bisect_right(self._since, moment) - 1, 0)
        found = dues_of(self.task.versions[index].parts or (), due, due + _AHEAD)
        return found[0] if found else NEVER

    def _within(self, stretch: Stretch) -> Sequence[int]:
        accepted = (each for each in self._accepted if stretch.begin <= each < stretch.end)
        begins = (self._clock.shown(each) for each in (stretch.begin, *accepted))
        after = min(begins) - self._late_max
        through = self._clock.reached(min(stretch.end, self._serving.until))
        if stretch.end != NEVER:
            # What the clock showed while nobody looked, and not again, never came.
            through = min(through, self._serving.reached(stretch.end + self._late_max))
        return dues_of(stretch.version.parts or (), after, through)

    def _find_again(self, found: Sequence[tuple[Stretch, Sequence[int]]]) -> set[int]:
        again: set[int] = set()
        for index, (stretch, dues) in enumerate(found):
            shown = set(self._shown_again(stretch, dues))
            for former, others in found[:index] if shown else ():
                # A former schedule had them in its time, and decided them then.
                shown -= {*others} - {*self._doubtful(former, others)}
            again |= shown
        return again

    def _shown_again(self, stretch: Stretch, dues: Sequence[int]) -> Sequence[int]:
        return dues[: bisect_right(dues, self._clock.reached(stretch.begin))]

    def _is_settled(self, stretch: Stretch, dues: Sequence[int], due: int) -> bool:
        """Tell whether a due came while a schedule had it, before the clock showed it again."""
        index = bisect_right(dues, self._clock.reached(stretch.begin))
        found = bisect_left(dues, due, index)
        if found == len(dues) or dues[found] != due:
            return False
        return self._has_come(due, stretch)

    def _has_come(self, due: int, stretch: Stretch) -> bool:
        """Tell whether a due certainly came before a schedule was replaced: shown, and seen."""
        moment = self._serving.moment(due)
        is_shown = self._clock.first(due) <= stretch.end - self._late_max
        return is_shown and moment is not None and moment <= stretch.end

    def _doubtful(self, stretch: Stretch, dues: Sequence[int]) -> Iterator[int]:
        yield from self._shown_again(stretch, dues)
        for due in reversed(dues):
            if self._has_come(due, stretch):
                return
            yield due


def _stretches(task: Task, since: Sequence[int]) -> Iterator[Stretch]:
    begin = 0
    for index, version in enumerate(task.versions):
        following = task.versions[index + 1] if index + 1 < len(since) else None
        if following is None or following.parts != version.parts:
            if version.parts is not None:
                end = NEVER if following is None else since[index + 1]
                yield Stretch(version, since[begin], end)
            begin = index + 1


def _joined(found: Sequence[Sequence[int]]) -> Sequence[int]:
    return found[0] if len(found) == 1 else sorted(set().union(*found))

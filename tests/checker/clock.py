"""The deciding clock, which people and NTP set, against time as it was lived."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate

from .history import Step
from .instants import NEVER, length, ticks


class Clock:
    """Says what the clock showed at a lived instant, and when it showed something."""

    def __init__(self, steps: Sequence[Step] = ()) -> None:
        ordered = sorted(steps, key=lambda step: step.at)
        self.begins = [-NEVER, *(ticks(step.at) for step in ordered)]
        """Lived: when each shift came into force."""
        self.shifts = list(accumulate((length(step.by) for step in ordered), initial=0))
        firsts = [begin + shift for begin, shift in zip(self.begins, self.shifts, strict=True)]
        lasts = [end + shift for end, shift in zip(self.begins[1:], self.shifts, strict=False)]
        self._reached = list(accumulate([*lasts, NEVER], max))
        """The latest that was shown up to the end of each shift."""
        self._lowest = list(accumulate(reversed(firsts), min))[::-1]
        """The earliest that was shown from the beginning of each shift on."""

    def shown(self, instant: int) -> int:
        """Say what the clock showed; at a step, what it showed after it."""
        return instant + self.shifts[bisect_right(self.begins, instant) - 1]

    def reached(self, instant: int) -> int:
        """Say the latest that the clock had ever shown."""
        index = bisect_right(self.begins, instant) - 1
        shown = instant + self.shifts[index]
        return max(shown, self._reached[index - 1]) if index else shown

    def first(self, shown: int) -> int:
        """Say when the clock first showed this or later."""
        index = bisect_left(self._reached, shown)
        return max(shown - self.shifts[index], self.begins[index])

    def since(self, instant: int, shown: int) -> int:
        """Say when, from a lived instant on, the clock first showed this or later."""
        index = bisect_right(self.begins, instant) - 1
        for begin, end, shift in zip(
            self.begins[index:],
            [*self.begins[index + 1 :], NEVER],
            self.shifts[index:],
            strict=True,
        ):
            found = max(shown - shift, begin, instant)
            if found < end:
                return found
        return NEVER

    def last(self, shown: int) -> int:
        """Say when the clock last showed this or earlier."""
        index = bisect_right(self._lowest, shown) - 1
        end = self.begins[index + 1] if index + 1 < len(self.begins) else NEVER
        return min(shown - self.shifts[index], end)

    def shifts_within(self, first: int, last: int) -> list[int]:
        """List the shifts that were in force between two lived instants."""
        if len(self.shifts) == 1:
            return self.shifts
        begin = bisect_right(self.begins, first) - 1
        return self.shifts[begin : max(bisect_right(self.begins, last), begin + 1)]

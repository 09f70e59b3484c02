"""Which decision covers which due: each is covered once, and nothing else is."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence

from .dues import Dues
from .findings import Found, Kind
from .history import DecisionRow, Verdict
from .instants import ticks

NONE = -1
"""No row covers it."""


class Coverage:
    """The decisions on one task, laid over its dues."""

    def __init__(
        self, dues: Dues, rows: Sequence[DecisionRow], is_foreign: Callable[[DecisionRow], bool]
    ) -> None:
        """`is_foreign` tells whether a row may stand at a due that no schedule has."""
        self.rows = sorted(rows, key=lambda row: (row.due, row.last))
        self.row_of = [NONE] * len(dues.at)
        """By index of the due: the index of its row."""
        self.foreign: list[DecisionRow] = []
        """Rows at dues that no schedule has."""
        self._alone: dict[int, DecisionRow] = {}
        self.found: list[Found] = []
        self._dues = dues
        self._is_foreign = is_foreign
        self._cover()

    def undecided(self, is_expected: Callable[[int], bool]) -> Iterator[Found]:
        """Find what no row covers although it is expected to be decided by now."""
        optional = set(self._dues.optional)
        for index, due in enumerate(self._dues.at):
            if self.row_of[index] == NONE and due not in optional and is_expected(due):
                yield Kind.UNDECIDED, self._dues.task.name, due, "no decision covers it"

    def row_at(self, due: int) -> DecisionRow | None:
        """Give the row that covers a due, of a schedule or not."""
        index = bisect_left(self._dues.at, due)
        if index == len(self._dues.at) or self._dues.at[index] != due:
            return self._alone.get(due)
        return None if self.row_of[index] == NONE else self.rows[self.row_of[index]]

    def has_row_over(self, due: int) -> bool:
        """Tell whether a row reaches over an instant, be it between the dues of its schedule."""
        return any(ticks(row.due) <= due <= ticks(row.last) for row in self.rows)

    def reached(self, is_asked: Callable[[DecisionRow], bool]) -> int | None:
        """Give the last due of a schedule that the plan has decided: it has decided all before."""
        for index in range(len(self.row_of) - 1, -1, -1):
            number = self.row_of[index]
            if number != NONE and not is_asked(self.rows[number]):
                return self._dues.at[index]
        return None

    def decided(self) -> int:
        """Count the dues that are covered."""
        return len(self.row_of) - self.row_of.count(NONE)

    def _cover(self) -> None:
        covered, dues = 0, self._dues.at
        for index, row in enumerate(self.rows):
            first, last = ticks(row.due), ticks(row.last)
            begin = bisect_left(dues, first)
            end = bisect_right(dues, last, begin)
            if begin == end and first == last:
                self._take_foreign(row, first)
                continue
            is_first_due = begin < end and dues[begin] == first
            if not is_first_due and self._is_foreign(row):
                # A range may have grown from what an event brought.
                self._alone[first] = row
                self.foreign.append(row)
            self.found += self._faults(row, first, last, dues[begin:end])
            for due in dues[begin : min(end, covered)]:
                self._find(Kind.DOUBLED, due, "two decisions cover it")
            begin = max(begin, min(covered, end))
            self.row_of[begin:end] = [index] * (end - begin)
            covered = max(covered, end)

    def _take_foreign(self, row: DecisionRow, due: int) -> None:
        if due in self._alone:
            self._find(Kind.DOUBLED, due, "two decisions cover it")
            return
        self._alone[due] = row
        if self._is_foreign(row):
            self.foreign.append(row)
        else:
            self._find(Kind.PHANTOM, due, f"decided {row.verdict}, but nothing was due then")

    def _faults(
        self, row: DecisionRow, first: int, last: int, dues: Sequence[int]
    ) -> Iterator[Found]:
        """Find a range that is not as long as what it covers."""
        led_by = {first} & self._alone.keys()
        name, size = self._dues.task.name, len(dues) + len(led_by)
        for edge in {first, last} - {*dues[:1], *dues[-1:], *led_by}:
            yield Kind.PHANTOM, name, edge, f"a range of {row.verdict} ends where nothing is due"
        if row.verdict == Verdict.ADMITTED and first != last:
            yield Kind.PHANTOM, name, first, "a range was admitted"
        optional = self._dues.optional
        least = size - (bisect_right(optional, last) - bisect_left(optional, first))
        if row.count > size:
            yield Kind.PHANTOM, name, first, f"its row counts {row.count}, but {size} were due"
        elif row.count < least:
            yield Kind.UNDECIDED, name, first, f"its row counts {row.count}, but {least} were due"

    def _find(self, kind: Kind, due: int, text: str) -> None:
        self.found.append((kind, self._dues.task.name, due, text))

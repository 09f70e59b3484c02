"""When the decider could decide: its moments, its deadlines, and what kept it.

An occurrence has its *moment* when the decider can first decide it: it is able to, and the clock
shows the due or later. What passes then is counted only while the decider is sure to be able to
and the clock goes on showing the due or later; where that comes to the tolerance lies the
*deadline*.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from attrs import define, frozen

from .clock import Clock
from .history import Drain, History, Outage
from .instants import NEVER, Spans, ticks


@frozen
class Piece:
    """A lived stretch of time, both ends included, in which the decider was able to decide."""

    begin: int
    end: int
    shift: int
    is_sure: bool


@define
class Fresh:
    """What the clock showed for the first time within a piece."""

    first: int
    last: int
    piece: int


class Serving:
    """A whole history seen as outages and the time between them."""

    def __init__(
        self,
        clock: Clock,
        history: History,
        bounds: tuple[int, int],
        late_max: int,
    ) -> None:
        outages, drains = history.outages, history.drains
        self._clock = clock
        self._late_max = late_max
        self.begin, self.until = bounds
        told: list[Outage | Drain] = [*outages, *drains]
        kept = [(ticks(each.begin), ticks(each.end), each) for each in told]
        self.blocked = Spans(kept)
        self._drains = Spans((ticks(each.begin), ticks(each.end), each) for each in drains)
        self._restarting = Spans(
            (ticks(each.begin), ticks(each.end), each) for each in outages if each.is_restart
        )
        self._ends = sorted({ticks(each.end) for each in outages})
        self._restarts = sorted(ticks(each.end) for each in outages if each.is_restart)
        self._adopted = sorted(ticks(each.at) for each in history.adopted)
        self._looks = sorted(ticks(each.looked or each.end) for each in outages if each.is_restart)
        self._marks = sorted(ticks(each.at) for each in history.accepted)
        self._pieces = list(self._cut(kept))
        self._begins = [piece.begin for piece in self._pieces]
        shown = (piece.end + piece.shift for piece in self._pieces)
        self._reached = list(accumulate(shown, max))
        self._again: list[tuple[int, int, None]] = []
        self._fresh = self._find_fresh()
        self._lasts = [fresh.last for fresh in self._fresh]
        self.again = Spans(self._again)
        """What was shown before a clock that stepped back was accepted: it is decided again."""

    def moment(self, due: int) -> int | None:
        """Say when the decider could first decide a due; None: it never could."""
        index = bisect_left(self._lasts, due)
        if index == len(self._fresh):
            return None
        fresh = self._fresh[index]
        return max(due, fresh.first) - self._pieces[fresh.piece].shift

    def deadline(self, due: int) -> int | None:
        """Say until when it may be undecided, this instant included; None: to the end and on."""
        moment = self.moment(due)
        if moment is None:
            return None
        # A decision that comes a whole tolerance late is one that comes too late.
        return self._after(moment, max(self._late_max - 1, 0), due)

    def able(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Give when the decider was able to decide between two lived instants; no step lies in
        any of it.
        """
        index = max(bisect_left(self._begins, first) - 1, 0)
        for piece in self._pieces[index : bisect_right(self._begins, last)]:
            if piece.end >= first:
                yield max(piece.begin, first), min(piece.end, last)

    def reached(self, instant: int) -> int:
        """Say the latest that the clock had shown by a lived instant while somebody could look."""
        index = bisect_right(self._begins, instant) - 1
        if index < 0:
            return -NEVER
        piece = self._pieces[index]
        adopted = self._adopted[: bisect_right(self._adopted, instant)]
        looks = [min(piece.end, instant) + piece.shift, *map(self._clock.shown, adopted)]
        return max(*looks, self._reached[index - 1] if index else -NEVER)

    def learnt(self, instant: int) -> int | None:
        """Say until when the decider may not know of what happened at a lived instant."""
        return self._after(instant, self._late_max, -NEVER)

    def ends_of_outages(self, first: int, last: int) -> Sequence[int]:
        """List when outages ended between two lived instants."""
        return self._ends[bisect_left(self._ends, first) : bisect_right(self._ends, last)]

    def has_restarted(self, instant: int) -> bool:
        """Tell whether a daemon had just begun at a lived instant."""
        return any(
            bisect_left(known, instant - self._late_max) < bisect_right(known, instant)
            for known in (self._restarts, self._adopted)
        )

    def restart_before(self, instant: int) -> int | None:
        """Say when the daemon that decided at a lived instant had looked at what waits.

        None: it was there from the first. One that looks decides only when it has.
        """
        index = bisect_right(self._restarts, instant) - 1
        return self._looks[index] if index >= 0 else None

    def looked(self, instant: int) -> tuple[int, int] | None:
        """Say between when the daemon of a lived instant looked at what waits, if a later one."""
        index = bisect_right(self._looks, instant) - 1
        return (self._looks[index], self._restarts[index]) if index >= 0 else None

    def committed(self, instant: int) -> int:
        """Say when what began at a lived instant was committed at the earliest.

        What is committed with nobody hearing of it is done when the decider finds it.
        """
        first = earliest = instant
        for begin, end, each in self.blocked.touching(-NEVER, instant):
            if end < first:
                break
            first = begin
            earliest = begin if _is_unsure(each) else earliest
        return earliest

    def heard(self, instant: int) -> int:
        """Say when what happened at a lived instant was heard of at the latest."""
        ends = (end for _, end, _ in self.blocked.touching(instant, instant))
        while (end := max(ends, default=instant)) > instant:
            instant = end
            ends = (end for _, end, _ in self.blocked.touching(instant, instant))
        return instant

    def is_draining(self, first: int, last: int) -> bool:
        """Tell whether a daemon was stopping at any time between two lived instants."""
        return self._drains.is_touching(first, last)

    def is_stopping(self, instant: int) -> bool:
        """Tell whether a daemon had been stopping for longer than the tolerance."""
        return any(
            begin + self._late_max < instant < end
            for begin, end, _ in self._drains.touching(instant, instant)
        )

    def has_restart_within(self, first: int, last: int) -> bool:
        """Tell whether a daemon may have begun between two lived instants.

        It looks at what waits before it is able to decide, so within the outage that it ends.
        """
        return self._restarting.is_touching(first, last)

    def _after(self, instant: int, left: int, due: int) -> int | None:
        """Let time pass from an instant on, of which only what counts is used up."""
        index = max(bisect_left(self._begins, instant) - 1, 0)
        for number in range(index, len(self._pieces)):
            piece = self._pieces[number]
            since = max(instant, piece.begin, due - piece.shift)
            if not piece.is_sure or since > piece.end:
                continue
            if piece.end - since >= left:
                return since + left
            left -= piece.end - since
        return None

    def _cut(self, kept: Sequence[tuple[int, int, Outage | Drain]]) -> Iterator[Piece]:
        """Cut what lies between the outages where the clock was set or doubt begins or ends."""
        unsure = [(begin, end) for begin, end, each in kept if _is_unsure(each)]
        edges = (edge for pair in unsure for edge in pair)
        cuts = sorted({*self._clock.begins[1:], *self._marks, *edges})
        doubts = Spans((begin, end, None) for begin, end in unsure)
        sure = sorted((begin, end) for begin, end, each in kept if not _is_unsure(each))
        for begin, end in _between(sure, self.begin, self.until):
            # A cut at the very end leaves an instant behind it: the clock was set, then decided.
            between = cuts[bisect_right(cuts, begin) : bisect_right(cuts, end)]
            for first, last in pairwise([begin, *between, end]):
                within = (
                    one <= first and last <= other for one, other, _ in doubts.touching(first, last)
                )
                yield Piece(first, last, self._clock.shown(first) - first, is_sure=not any(within))

    def _find_fresh(self) -> list[Fresh]:
        """List what the clock showed for the first time, or again after it was accepted."""
        found: list[Fresh] = []
        reached, marks = self._clock.shown(self.begin), list(self._marks)
        for index, piece in enumerate(self._pieces):
            while marks and marks[0] <= piece.begin:
                reached = self._accept(found, reached, self._clock.shown(marks.pop(0)))
            first, last = max(piece.begin + piece.shift, reached), piece.end + piece.shift
            if first <= last:
                found.append(Fresh(first, last, index))
                reached = last
        return found

    def _accept(self, found: list[Fresh], reached: int, shown: int) -> int:
        """Forget what was shown beyond the present; return how far the clock has come now."""
        if shown >= reached:
            return reached
        self._again.append((shown + 1, reached, None))
        while found and found[-1].first > shown:
            found.pop()
        if found:
            found[-1].last = min(found[-1].last, shown)
        return shown


def _is_unsure(each: Outage | Drain) -> bool:
    return isinstance(each, Outage) and each.is_unsure


def _between(taken: Sequence[tuple[int, int]], begin: int, until: int) -> Iterator[tuple[int, int]]:
    """Give what lies between some stretches; where two meet, the instant at which they do."""
    for first, last in taken:
        if first >= begin:
            yield begin, min(first, until)
        begin = max(begin, last)
        if begin > until:
            return
    yield begin, until

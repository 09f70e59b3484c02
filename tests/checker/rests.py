"""How long what is tried again waits: a length of lived time, whatever a clock is set to meanwhile.

Within one life of the decider the wait is its whole length. A restart reads what is left of it
from the clock, and never more than all of it.
"""

from __future__ import annotations

from .case import Case
from .facts import FAILURES
from .instants import ticks
from .stays import Stay


class Rests:
    """Says when the wait of a further attempt is over."""

    def __init__(self, case: Case) -> None:
        self._case = case

    def is_one(self, stay: Stay) -> bool:
        """Tell whether an attempt waits for a length of time: not for a window, nor for people."""
        former = self._former(stay)
        if former is None or stay.is_by_people or stay.row.planned <= stay.row.queued:
            return False
        is_again = former.row.state in FAILURES and former.row.chain == stay.row.chain
        policies = self._case.dues[stay.row.task].policies(stay.queued_first, self._case.until)
        return is_again and not any(each.allowed for each in policies)

    def earliest(self, stay: Stay, started: int) -> int:
        """Say when its wait is over at the earliest."""
        former = self._former(stay)
        if former is None or not self.is_one(stay):
            return stay.queued_first
        since = max(stay.queued_first, former.end_first)
        is_read_again = self._case.serving.has_restart_within(since, started)
        return since if is_read_again else since + _length(stay)

    def latest(self, stay: Stay, started: int) -> int:
        """Say when its wait is over at the latest."""
        former, clock = self._former(stay), self._case.clock
        assert former is not None
        # It was decided on when the end of the one before was heard of.
        heard = self._case.serving.heard(former.end_last)
        since = max(min(stay.queued_last, heard), stay.queued_first)
        looked = self._case.serving.looked(started)
        if looked is None or looked[1] <= since:
            return since + _length(stay)
        lefts = [(look, stay.planned - clock.shown(look)) for look in looked]
        return max(look + max(0, min(left, _length(stay))) for look, left in lefts)

    def _former(self, stay: Stay) -> Stay | None:
        for each in self._case.stays_at(stay.row.task, stay.due):
            if each.row.attempt == stay.row.attempt - 1:
                return each
        return None


def _length(stay: Stay) -> int:
    return stay.planned - ticks(stay.row.queued)

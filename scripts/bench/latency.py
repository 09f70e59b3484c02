"""How long after its due a task's first line runs, beside the peers and the limits of the machine.

    python scripts/bench/latency.py [--counts 1 100 1000] [--rounds 3] [--only linod]

So many tasks are due in the same second, again and again. What they run takes the time as its
first act and appends it to a file; the latency is that time past the due. linod has recorded the
decision and the start on disk before; cronstable starts `python FILE` and records nothing;
APScheduler hands the call to a pool of two processes or ten threads that live on, and records
nothing; Huey and Celery take it off a queue, which was filled ahead: recurrences of their own are
no finer than a minute (Huey) or not bound to whole seconds (Celery). Huey looks at its schedule
once a second.
first, median and last are those of one due, each the median over all dues; worst is the latest of
all. The programs take turns, so that each sees the same machine; of each turn the first due is left
out. A due of which a part had not run when the next came is not judged but counted as late.
The rows in parentheses are limits: asyncio's timer, one durable commit of so many rows, waking so
many waiting processes, forking a process of the keeper's size so many times.
Exit 1 where linod misses a goal.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import NamedTuple

import limits
from goals import Goal, judge
from peers import FRESH, LINE_BYTES, PEERS, PROCESS_POOL, REUSED, Peer, Scene, place_probe
from processes import Absent, Program, until


class Course(NamedTuple):
    """How a number of tasks at once is measured."""

    period_s: int
    dues: int
    """So many in each turn."""


COURSES = {1: Course(1, 10), 100: Course(5, 4), 1000: Course(15, 2)}
"""For any other number that of the next higher one here, else that of the highest."""
BEGIN_WITHIN_S = 30.0
GOALS = (
    (1, FRESH, "median", 2.5),
    (1, REUSED, "median", 1.5),
    (100, FRESH, "last", 40),
    (100, REUSED, "last", 20),
    (1000, FRESH, "last", 1000),
)
LIMITS = ("timer", "commit", "wake", "fork")
REPEATS = 10
"""Of each limit in each turn."""


class Due(NamedTuple):
    """Milliseconds past one due."""

    first: float
    median: float
    last: float


class Found:
    """What one row is made of."""

    def __init__(self) -> None:
        self.dues: list[Due] = []
        self.late = 0
        """Dues of which a part came after the next one."""
        self.trouble = ""

    def row(self, name: str) -> str:
        """Write it."""
        if not self.dues:
            late = f"{self.late} dues came, and none was done before the next one"
            return f"{name:<36}  none: {late if self.late else self.trouble}"
        figures = "".join(f"{self.figure(column):>10.2f}" for column in Due._fields)
        late = f"   {self.late} late" if self.late else ""
        worst = max(due.last for due in self.dues)
        return f"{name:<36}{len(self.dues):>6}{figures}{worst:>10.2f}{late}"

    def figure(self, name: str) -> float | None:
        """Return the median of first, median or last over the dues."""
        return median(getattr(due, name) for due in self.dues) if self.dues else None


def main() -> int:
    """Measure, print, and return 1 where a goal is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--counts", type=int, nargs="+", default=list(COURSES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="rows whose names hold this")
    options = parser.parse_args()
    found = {}
    for count in options.counts:
        peers = [peer for peer in PEERS if options.only in peer.name and peer.is_for(count)]
        found[count] = _rows(peers, count, options.rounds)
        _print(found[count], count)
    return judge([goal for count in found for goal in _goals(found[count], count)])


def _rows(peers: list[Peer], count: int, rounds: int) -> dict[str, Found]:
    found = {name: Found() for name in (*(peer.name for peer in peers), *map(_limit_name, LIMITS))}
    for _ in range(rounds):
        for peer in peers:
            _play(peer, count, found[peer.name])
        for name in LIMITS:
            found[_limit_name(name)].dues += _limit(name, count)
    return found


def _print(found: dict[str, Found], count: int) -> None:
    columns = "".join(f"{name:>10}" for name in (*Due._fields, "worst"))
    print(f"\n{f'{count:,} due at once':<36}{'dues':>6}{columns}   ms from due to first line")
    for name, each in found.items():
        print(each.row(name), flush=True)


def _play(peer: Peer, count: int, found: Found) -> None:
    """Let one program run for its turn; add what it did."""
    course = _course(count)
    with tempfile.TemporaryDirectory(prefix="linod-bench-") as name:
        scene = Scene(Path(name), count, course.period_s, course.dues + 2)
        place_probe(scene)
        try:
            command = peer.prepare(scene)
        except Absent as absent:
            found.trouble = str(absent)
            return
        with Program(command, scene.folder) as program:
            _await(scene, program, course)
            found.trouble = program.complaint()
        dues, late = _judged(_instants(scene.folder / "out"), count, course)
    found.dues += dues
    found.late += late


def _await(scene: Scene, program: Program, course: Course) -> None:
    """Wait until enough dues are done after the first one, or their time is over."""
    out = scene.folder / "out"
    if not until(lambda: out.exists() or not program.is_alive(), BEGIN_WITHIN_S):
        return
    limit = time.monotonic() + (course.dues + 1) * course.period_s
    wanted = (course.dues + 2) * scene.at_once * LINE_BYTES
    until(
        lambda: not program.is_alive() or not out.exists() or out.stat().st_size >= wanted,
        limit - time.monotonic(),
    )


def _judged(instants: list[int], count: int, course: Course) -> tuple[list[Due], int]:
    """Tell the dues from each other, and give those that were done before the next one."""
    period = course.period_s * 10**9
    counts = Counter(at // period for at in instants)
    # The first may have come while it started, the last while it was ended.
    numbers = sorted(counts)[1:-1][: course.dues]
    dues = []
    for number in numbers:
        late = sorted((at - number * period) / 1e6 for at in instants if at // period == number)
        if len(late) == count:
            dues.append(Due(late[0], median(late), late[-1]))
    return dues, len(numbers) - len(dues)


def _instants(out: Path) -> list[int]:
    return [int(line) for line in out.read_text().split()] if out.exists() else []


def _course(count: int) -> Course:
    return COURSES[min((each for each in COURSES if each >= count), default=max(COURSES))]


def _limit_name(name: str) -> str:
    return f"({name})"


def _limit(name: str, count: int) -> list[Due]:
    with tempfile.TemporaryDirectory(prefix="linod-bench-") as folder:
        measured = limits.measure(name, count, REPEATS, Path(folder))
    return [Due(late[0], median(late), late[-1]) for late in measured]


def _goals(found: dict[str, Found], count: int) -> list[Goal]:
    """Give the goals that are set for so many at once, of rows that were asked for."""
    goals = [
        Goal(f"{name}, {count:,} due: {figure}", found[name].figure(figure), limit, "ms")
        for at_once, name, figure, limit in GOALS
        if at_once == count and name in found
    ]
    pool = found[PROCESS_POOL].figure("last") if PROCESS_POOL in found else None
    if count == 100 and FRESH in found and pool is not None:
        name = f"{FRESH}, 100 due: last, twice a process pool's"
        goals.append(Goal(name, found[FRESH].figure("last"), 2 * pool, "ms"))
    return goals


if __name__ == "__main__":
    sys.exit(main())

"""No-op runs per second, each recorded durably before and after, beside the peers.

    python scripts/bench/throughput.py [--rounds 3] [--seconds 15] [--tasks 1500]
                                       [--running N] [--only linod]

linod has so many tasks that run `continuously`: each is due again a second after its end, so that
there is always one to start, and each run is a decision, a start and an end on disk. The runs that
ended within the seconds are counted in the store, after some seconds to settle. `--running` is
[linod] max_running: 8 for fresh processes, and for reused ones 64, its default. Reused, there are
four times as many tasks.
Beside it is what the same machine gives to one process of the keeper's size which commits, forks,
waits and commits again, one after the other; the ratio is to that. The peers do 3,000 no-ops that
are in their queues already; what they record is said beside them.
The programs take turns; figures are medians. Exit 1 where linod misses a goal.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from statistics import median

import limits
from goals import Goal, judge
from peers import FRESH, REUSED, demand_effect, linod_tasks, process_key
from processes import Absent, Program, linod_serve, until
from rates import RATED, Rated

QUEUED = 3000
"""No-ops of a peer."""
LIMIT_S = 120.0
SETTLING_S = 5.0
REUSED_MORE = 4
RUNNING = {"fresh": 8, "reused": 64}
"""Each has processor time of its own, of which there is no more; or an order in a queue."""
BARE = "(fork and two commits)"
RECORDS = "each decision, start and end; durable"
KEYS = """procedure = "noop.noop"
recurrence = "continuously"
"""
GOAL_RATIO, GOAL_REUSED = 0.5, 3000


def main() -> int:
    """Measure, print, and return 1 where a goal is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--tasks", type=int, default=1500)
    parser.add_argument("--running", type=int, default=None)
    parser.add_argument("--only", default="", help="rows whose names hold this")
    options = parser.parse_args()
    rows = {
        FRESH: partial(_linod, "fresh", options),
        REUSED: partial(_linod, "reused", options),
        BARE: partial(limits.bare_rate, options.seconds),
        **{peer.name: partial(_peer, peer) for peer in RATED},
    }
    asked = {name: row for name, row in rows.items() if options.only in name or name == BARE}
    rates: dict[str, list[float]] = {name: [] for name in asked}
    troubles: dict[str, str] = {}
    for _ in range(options.rounds):
        for name, row in asked.items():
            with tempfile.TemporaryDirectory(prefix="linod-bench-") as folder:
                try:
                    rates[name].append(row(Path(folder)))
                except Absent as absent:
                    troubles[name] = str(absent)
    figures = {name: median(found) for name, found in rates.items() if found}
    _print(asked, figures, troubles)
    return judge(_goals(asked, figures))


def _print(
    asked: Mapping[str, object], figures: dict[str, float], troubles: dict[str, str]
) -> None:
    records = {FRESH: RECORDS, REUSED: RECORDS, **{peer.name: peer.records for peer in RATED}}
    print(f"{'':<32}{'runs/s':>10}{'ratio':>8}   what is recorded")
    for name in asked:
        if name not in figures:
            print(f"{name:<32}  none: {troubles[name]}")
            continue
        ratio = figures[name] / figures[BARE]
        print(f"{name:<32}{figures[name]:>10,.0f}{ratio:>8.2f}   {records.get(name, '')}")


def _linod(process: str, options: argparse.Namespace, folder: Path) -> float:
    count = options.tasks * (1 if process == "fresh" else REUSED_MORE)
    running = options.running or RUNNING[process]
    text = linod_tasks(count, KEYS + process_key(process), max_running=running)
    (folder / "linod.toml").write_text(text)
    (folder / "noop.py").write_text("def noop():\n    pass\n")
    if process != "fresh":
        demand_effect(folder, "process")
    store = folder / "var" / "linod.db"
    with Program(linod_serve(folder), folder) as program:
        if not until(lambda: _ended(store), LIMIT_S):
            raise Absent(program.complaint())
        time.sleep(SETTLING_S)
        since = time.time_ns()
        time.sleep(options.seconds)
        ended = _ended(store, since // 1000)
        return ended / (time.time_ns() - since) * 1e9


def _ended(store: Path, since_us: int = 0) -> int:
    """Count the runs that have ended since, as other processes see the store."""
    if not store.exists():
        return 0
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as reader:
        query = "SELECT count(*) FROM run WHERE ended >= ? AND outcome = 'succeeded'"
        try:
            return int(reader.execute(query, (since_us,)).fetchone()[0])
        except sqlite3.OperationalError:  # it is just being made
            return 0


def _peer(peer: Rated, folder: Path) -> float:
    command = peer.prepare(folder, QUEUED)
    result = folder / "result"
    with Program(command, folder) as program:
        until(lambda: not program.is_alive() or _text(result), LIMIT_S)
        if not _text(result):
            raise Absent(program.complaint())
    return QUEUED / float(_text(result))


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _goals(asked: Mapping[str, object], figures: dict[str, float]) -> list[Goal]:
    """Give the goals of the rows that were asked for."""
    ratio = figures[FRESH] / figures[BARE] if FRESH in figures else None
    goals = {
        FRESH: Goal(f"{FRESH}: of fork and two commits", ratio, GOAL_RATIO, "ratio", is_least=True),
        REUSED: Goal(REUSED, figures.get(REUSED), GOAL_REUSED, "runs/s", is_least=True),
    }
    return [goal for name, goal in goals.items() if name in asked]


if __name__ == "__main__":
    sys.exit(main())

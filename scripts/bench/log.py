"""Records per second that four processes log, beside the other ways to do that.

    python scripts/bench/log.py [--rounds 9] [--count 10000] [--only linod]

Four processes log at once, each so many records of the same columns, as fast as they can. The rate
is that of all, until the last record is in its file. The microseconds are those of single calls; on
a machine with fewer cores than work, the slowest are those in which a process had to wait its turn.
The limit is loguru with a file of its own for each process, which nobody could read in order; its
ratio is 1. In parentheses, it writes the message alone, without time, level and place.
Of linod, processes write the file themselves; those that may not send to its log server.
`enqueue` is loguru's own way to share a file; SocketHandler sends to the server of Python's logging
cookbook; concurrent-log-handler locks the file for each record. `lost` is what never arrived.
The programs take turns; figures are medians over the rounds, and a ratio is the median of those
within each round, so that a machine that is slower for a while is so for both.
Exit 1 where linod misses a goal.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from goals import Goal, judge

LOGURU, STANDARD = "linod, by loguru", "linod, by logging"
ROWS = {
    "loguru, own files (the limit)": "limit",
    "(loguru, own files, message)": "message",
    LOGURU: "linod-loguru",
    STANDARD: "linod-logging",
    "linod's log server, by loguru": "server-loguru",
    "linod's log server, by logging": "server-logging",
    "loguru, enqueue": "enqueue",
    "SocketHandler": "socket",
    "concurrent-log-handler": "concurrent",
}
LIMIT = next(iter(ROWS))
PEERS = ("loguru, enqueue", "SocketHandler", "concurrent-log-handler")
COLUMNS = ("p50", "p99", "p99.9")
WITHIN_S = 300.0
RATIO, P99_US = 0.8, 200.0

Figures = dict[str, dict[str, float]]


def main() -> int:
    """Measure, print, and return 1 where a goal is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--count", type=int, default=10_000, help="records of each process")
    parser.add_argument("--only", default="", help="rows whose names hold this, and the limit")
    options = parser.parse_args()
    asked = [name for name in ROWS if options.only in name or name == LIMIT]
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in asked}
    troubles: dict[str, str] = {}
    for _ in range(options.rounds):
        for name in asked:
            try:
                found = _measured(ROWS[name], options.count)
            except RuntimeError as error:
                troubles[name] = str(error)
                continue
            limit = found if name == LIMIT else rounds[LIMIT][-1]
            rounds[name].append(found | {"ratio": found["rate"] / limit["rate"]})
    figures = {
        name: {key: median(each[key] for each in found) for key in found[0]}
        for name, found in rounds.items()
        if found
    }
    _print(asked, figures, troubles)
    return judge(_goals(figures))


def _measured(kind: str, count: int) -> dict[str, float]:
    program = Path(__file__).with_name("loggers.py")
    with tempfile.TemporaryDirectory(prefix="linod-bench-") as folder:
        ended = subprocess.run(
            [sys.executable, program, kind, str(count)],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )
    if ended.returncode:
        raise RuntimeError((ended.stderr.strip().splitlines() or ["it said nothing"])[-1])
    report: dict[str, float] = json.loads(ended.stdout)
    return report


def _print(asked: list[str], figures: Figures, troubles: dict[str, str]) -> None:
    heads = "".join(f"{name + ' us':>11}" for name in COLUMNS)
    print(f"{'':<32}{'records/s':>11}{'ratio':>7}{heads}{'lost':>7}")
    for name in asked:
        if name not in figures:
            print(f"{name:<32}  none: {troubles[name]}")
            continue
        row = figures[name]
        times = "".join(f"{row[column]:>11,.1f}" for column in COLUMNS)
        print(f"{name:<32}{row['rate']:>11,.0f}{row['ratio']:>7.2f}{times}{row['lost']:>7,.0f}")


def _goals(figures: Figures) -> list[Goal]:
    goals = []
    best = max((figures[name]["ratio"] for name in PEERS if name in figures), default=None)
    for name in (LOGURU, STANDARD):
        if name not in figures:
            continue
        row = figures[name]
        goals.append(Goal(f"{name}: of the limit", row["ratio"], RATIO, "ratio", is_least=True))
        if best is not None:
            goals.append(Goal(f"{name}: of the best peer", row["ratio"] / best, 1.0, "ratio", True))
        goals.append(Goal(f"{name}: 99th percentile", row["p99"], P99_US, "us"))
        goals.append(Goal(f"{name}: lost", row["lost"], 0.0, "records"))
    return goals


if __name__ == "__main__":
    sys.exit(main())

"""How long it takes to read records back from a large log, beside grep on the same file.

    python scripts/bench/logs.py [--megabytes 1000] [--rounds 5]

The log is made for it, of 64 tasks that log in turn, and removed afterwards: once as one file, once
as rotated and compressed files of 20 MB. Both are in the page cache. Each call is a whole `linod
logs`, its start and the reading of the configuration included; medians are printed. Of a run that
the store knows the time is known; a number that it does not know is looked for in every byte.
"""

from __future__ import annotations

import argparse
import gzip
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from linod.events import Outcome, State, Trigger, Verdict
from linod.store import open_store
from linod.store.interface import DecisionRow, RunRow

LIMIT_S = 2.0
TASKS = 64
LINES_OF_RUN = 500
ROTATED = 20_000_000
BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
TOML = """\
[linod]
timezone = "UTC"

[log]

[tasks.task_1]
command = "true"
"""


def main() -> None:
    """Measure and print; exit 1 where a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "linod.toml").write_text(TOML)
        (folder / "log").mkdir()
        made = Made(options.megabytes * 1_000_000)
        made.write(folder / "log" / "linod.log")
        _keep_run(folder / "var", made)
        took = _measure_plain(folder, made, options.rounds)
        _pack(folder / "log" / "linod.log")
        took += _measure_packed(folder, made, options.rounds)
    missed = [one for one in took if one > LIMIT_S]
    print(f"limit {LIMIT_S} s: " + ("MISSED" if missed else "kept"))
    sys.exit(1 if missed else 0)


KNOWN = 1
"""A run that the store knows."""


class Made:
    """What is written: so many generations of 64 runs side by side, each of 500 records."""

    def __init__(self, size: int) -> None:
        generation = sum(map(len, self._lines(0)))
        self.count = size // generation
        self.middle_at = self._at(self.count // 2)
        self.unknown = self.count // 2 * TASKS + TASKS // 2
        self.end = self._at(self.count)

    def write(self, path: Path) -> None:
        """Write the log."""
        with path.open("wb") as file:
            for generation in range(self.count):
                file.writelines(self._lines(generation))

    def _at(self, generation: int) -> datetime:
        return BEGAN + timedelta(seconds=generation * LINES_OF_RUN)

    def _lines(self, generation: int) -> Iterator[bytes]:
        runs = [generation * TASKS + task + KNOWN + 1 for task in range(TASKS)]
        if generation and generation == self.count // 2:
            runs[1] = KNOWN
        for number in range(LINES_OF_RUN):
            at = self._at(generation) + timedelta(seconds=number)
            stamp = at.isoformat(" ", "milliseconds")
            yield "".join(
                f"{stamp} INFO     task_{task}#{run} shop.tasks:send:41: message {number} of many, "
                "with as much text as is usual\n"
                for task, run in enumerate(runs)
            ).encode()


def _keep_run(folder: Path, made: Made) -> None:
    """Write a run into the store whose records are in the middle of the log."""
    folder.mkdir(mode=0o700)
    store = open_store(folder / "linod.db")
    at = made.middle_at
    times = {"due": at, "queued": at, "planned": at}
    row = RunRow(
        id=0, task="task_1", attempt=1, trigger=Trigger.SCHEDULE, state=State.WAITING, **times
    )
    with store.transaction():
        store.add_decision(
            DecisionRow(task="task_1", due=at, last=at, count=1, verdict=Verdict.ADMITTED)
        )
        number = store.add_run(row).id
        store.lease_run(number, "lease", "1:1", "boot", "")
        store.mark_running(number, "lease", "2:2", at)
        ended = at + timedelta(seconds=LINES_OF_RUN)
        store.end_run(number, "lease", Outcome.SUCCEEDED, ended=ended)
    store.close()
    assert number == KNOWN


def _pack(path: Path) -> None:
    """Cut the log into rotated files, compressed as linod does, with the times of their ends."""
    with path.open("rb") as file:
        while lines := file.readlines(ROTATED):
            end = datetime.fromisoformat(lines[-1][:29].decode())
            packed = path.with_name(f"linod.{end:%Y-%m-%d_%H-%M-%S_%f}.log.gz")
            packed.write_bytes(gzip.compress(b"".join(lines), 9))
            os.utime(packed, (end.timestamp(), end.timestamp()))
    path.write_bytes(b"")


def _measure_plain(folder: Path, made: Made, rounds: int) -> list[float]:
    print(f"one file of {(folder / 'log' / 'linod.log').stat().st_size / 1e6:,.0f} MB")
    recent = (made.end - timedelta(seconds=60)).isoformat()
    needle = f"#{made.unknown} "
    grep = ["grep", "-F", needle, "log/linod.log"]
    took = [
        _measure(folder, "a run", _logs(str(KNOWN)), rounds),
        _measure(folder, "an unknown run", _logs(str(made.unknown)), rounds),
        _measure(folder, "a text in few records", _logs("--grep", f"{needle}shop"), rounds),
        _measure(folder, "the last 10 of a task", _logs("task_1", "-n", "10"), rounds),
        _measure(folder, "a task, last minute", _logs("task_1", "--since", recent), rounds),
    ]
    _measure(folder, "grep -F of a run", grep, rounds)
    environ = {**os.environ, "LC_ALL": "C"}
    _measure(folder, "the same with LC_ALL=C", grep, rounds, environ)
    return took


def _measure_packed(folder: Path, made: Made, rounds: int) -> list[float]:
    files = [*(folder / "log").glob("*.gz")]
    size = sum(file.stat().st_size for file in files)
    print(f"the same in {len(files)} compressed files, {size / 1e6:,.0f} MB")
    recent = (made.end - timedelta(seconds=60)).isoformat()
    all_of_it = ["sh", "-c", f"zcat log/*.gz | grep -F '#{made.unknown} '"]
    took = [
        _measure(folder, "a run", _logs(str(KNOWN)), rounds),
        _measure(folder, "the last 10 of a task", _logs("task_1", "-n", "10"), rounds),
        _measure(folder, "a task, last minute", _logs("task_1", "--since", recent), rounds),
    ]
    # Every byte has to be unpacked for it, which has no limit.
    _measure(folder, "an unknown run", _logs(str(made.unknown)), rounds)
    _measure(folder, "zcat and grep -F", all_of_it, rounds)
    return took


def _logs(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "linod", "logs", *arguments]


def _measure(
    folder: Path,
    name: str,
    command: Sequence[str],
    rounds: int,
    environ: dict[str, str] | None = None,
) -> float:
    """Call so often, print the median and how many lines came, and give the seconds."""
    took, lines = [], 0
    for _ in range(rounds):
        began = time.perf_counter()
        done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, check=True)
        took.append(time.perf_counter() - began)
        lines = done.stdout.count(b"\n")
    print(f"  {name:<24}{median(took):7.2f} s   {lines:,} lines", flush=True)
    return median(took)


if __name__ == "__main__":
    main()

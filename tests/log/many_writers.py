"""Many processes write while a file rotates and whoever rotates is killed; then all is counted."""

from __future__ import annotations

import gzip
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from attrs import evolve, frozen

from linod.log import LogPlan, Rotator
from linod.log.rotation import rotated

from .processes import fork, wait

# Half of them log with loguru, half with the standard library: so many records each, then on until
# there is enough. Each says how many they were.
_WRITER = """
import logging, sys
from itertools import count
from pathlib import Path
import linod
from loguru import logger
linod.connect_log()
writer, records = int(sys.argv[1]), int(sys.argv[2])
log = logger.info if writer % 2 else logging.getLogger("writer").info
print("ready", flush=True)
sys.stdin.readline()
for number in count():
    if number >= records and Path("enough").exists():
        break
    log(f"{writer} {number} {'x' * (number % 90)}.")
print(number)
"""
_LINE = re.compile(rb"[^\n]*: (\d+) (\d+) (x*)\.\n")
_LOOK_EVERY_S = 0.002


@frozen(kw_only=True)
class Counts:
    """What became of the records."""

    records: int
    lost: int = 0
    doubled: int = 0
    torn: int = 0
    """Lines that are not one whole record."""
    misplaced: int = 0
    """Records that stand before an earlier one of their process."""
    files: int = 0
    kills: int = 0
    kills_while_writing: int = 0
    seconds: float = 0.0

    @property
    def wrong(self) -> int:
        """What should be none."""
        return self.lost + self.doubled + self.torn + self.misplaced


def write_and_kill(
    folder: Path,
    *,
    writers: int,
    records: int,
    kills: int,
    rotation: str,
    files: int = 1,
    seed: int = 1,
) -> Counts:
    """Let writers write so many records each, and kill the rotator so often meanwhile.

    They write more until there are so many kills and files.
    """
    (folder / "linod.toml").write_text('[linod]\ntimezone = "UTC"\n[log]\n')
    path = folder / "log" / "linod.log"
    plan = LogPlan(path=path, rotation=rotation, compression="gz")
    running = [_start(folder, number, records) for number in range(writers)]
    for each in running:
        assert each.stdout.readline() == b"ready\n"
    began = time.monotonic()
    for each in running:
        each.stdin.close()
    killed, while_writing = _kill_rotators(plan, running, kills, files, random.Random(seed))
    seconds = time.monotonic() - began
    written = [int(each.stdout.read()) for each in running]
    assert [each.wait() for each in running] == [0] * writers
    Rotator(plan).rotate_if_due(datetime.now(UTC))
    counts = count(path, written)
    return evolve(counts, kills=killed, kills_while_writing=while_writing, seconds=seconds)


def _start(folder: Path, number: int, records: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(number), str(records)],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def _kill_rotators(
    plan: LogPlan,
    running: list[subprocess.Popen[bytes]],
    kills: int,
    files: int,
    chance: random.Random,
) -> tuple[int, int]:
    """Rotate until all have written.

    Count the rotators that died, and those of them that did while some process was writing.
    Those that write are told that there is enough when so many are dead and so many files there.
    """
    killed = while_writing = 0
    while any(each.poll() is None for each in running):
        pid = fork(_rotate_for_ever, plan)
        time.sleep(chance.uniform(0.01, 0.3))  # a random point of its work, not a wait
        is_writing = any(each.poll() is None for each in running)
        os.kill(pid, signal.SIGKILL)
        assert wait(pid) == -signal.SIGKILL
        killed += 1
        while_writing += is_writing
        if killed >= kills and len(list(rotated(plan.path))) + 1 >= files:
            (plan.path.parents[1] / "enough").touch()
    return killed, while_writing


def _rotate_for_ever(plan: LogPlan) -> None:
    rotator = Rotator(plan)
    while True:
        rotator.rotate_if_due(datetime.now(UTC))
        time.sleep(_LOOK_EVERY_S)


def count(path: Path, written: list[int]) -> Counts:
    """Read all files in order and count; given is how many records each writer wrote."""
    seen: Counter[tuple[int, int]] = Counter()
    newest = [-1] * len(written)
    torn = misplaced = 0
    files = [*sorted(rotated(path)), path]
    for file in files:
        data = file.read_bytes()
        for line in (gzip.decompress(data) if file.suffix == ".gz" else data).splitlines(True):
            match = _LINE.fullmatch(line)
            if match is None or len(match[3]) != int(match[2]) % 90:
                torn += 1
                continue
            writer, number = int(match[1]), int(match[2])
            seen[writer, number] += 1
            misplaced += number < newest[writer]
            newest[writer] = max(number, newest[writer])
    return Counts(
        records=sum(written),
        lost=sum(written) - len(seen),
        doubled=sum(seen.values()) - len(seen),
        torn=torn,
        misplaced=misplaced,
        files=len(files),
    )

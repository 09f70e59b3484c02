"""How long the command line takes: help beside a bare Python start, check and next of many tasks.

    python scripts/bench/startup.py [--rounds 7]

Help and bare start alternate, so that both see the same machine; medians are printed. The tasks
are generated: five kinds of recurrence in turn, at many times, in local time with DST; procedures
are not imported.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

SIZES = (100, 1_000, 10_000)
RECURRENCES = (
    "every {number} seconds",
    "every day at {hour:02}:{minute:02}",
    "every weekday at {hour:02}:{minute:02} and 23:30",
    "{minute} {hour} * * mon-fri",
    "every month on the last friday at {hour:02}:{minute:02}",
)
"""So that hardly two tasks of one kind have the same recurrence: nothing is read only once."""
LIMITS_S = {"help over bare": 0.100, "check 10,000": 2.0, "next --json 10,000": 3.0}


def main() -> None:
    """Measure and print; exit 1 where a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    measured = {"help over bare": _measure_help(rounds)}
    with tempfile.TemporaryDirectory() as directory:
        for size in SIZES:
            measured |= _measure_size(Path(directory) / f"{size}.toml", size, rounds)
    missed = [name for name, limit in LIMITS_S.items() if measured[name] > limit]
    for name in missed:
        print(f"MISSED: {name} took {measured[name]:.3f} s, limit {LIMITS_S[name]:.3f} s")
    sys.exit(1 if missed else 0)


def _measure_help(rounds: int) -> float:
    bare, helped = [], []
    for _ in range(rounds):
        bare.append(_seconds([sys.executable, "-c", "pass"]))
        helped.append(_seconds([*_linod(), "--help"]))
    over = median(helped) - median(bare)
    print(f"{'bare python':<22}{median(bare) * 1000:8.0f} ms")
    print(f"{'linod --help':<22}{median(helped) * 1000:8.0f} ms   {over * 1000:.0f} ms over bare")
    return over


def _measure_size(path: Path, size: int, rounds: int) -> dict[str, float]:
    path.write_text(_configuration(size))
    commands = {
        f"check {size:,}": ("-c", str(path), "check", "--no-import"),
        f"next --json {size:,}": ("-c", str(path), "next", "--json"),
    }
    taken = {}
    for name, arguments in commands.items():
        # Ten thousand take seconds: three rounds tell as much as seven.
        count = min(rounds, 3) if size >= 10_000 else rounds
        taken[name] = median(_seconds([*_linod(), *arguments]) for _ in range(count))
        each = taken[name] / size * 1e6
        print(f"{name:<22}{taken[name] * 1000:8.0f} ms   {each:.0f} µs a task, start included")
    return taken


def _configuration(size: int) -> str:
    head = '[linod]\ntimezone = "Europe/Tallinn"\n'
    return head + "".join(
        f'\n[tasks.task_{number}]\nprocedure = "shop.tasks.task_{number}"\n'
        f'recurrence = "{_recurrence(number)}"\ntimeout = "5 minutes"\n'
        for number in range(size)
    )


def _recurrence(number: int) -> str:
    kind = RECURRENCES[number % len(RECURRENCES)]
    return kind.format(number=number + 2, hour=number // 60 % 23, minute=number % 60)


def _linod() -> list[str]:
    return [str(Path(sys.executable).with_name("linod"))]


def _seconds(command: Sequence[str]) -> float:
    environ = {name: value for name, value in os.environ.items() if name != "LINOD_CONFIG"}
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environ)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()

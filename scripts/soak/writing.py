"""Has processes log while the file rotates and whoever rotates it is killed; counts the records.

python scripts/soak/writing.py [--writers 16] [--records 100000] [--kills 200] [--rotation "1 MiB"]

Half of the processes log with loguru, half with the standard library, as fast as they can, all
through `linod.connect_log()`. Old files are compressed. The process that rotates is killed with
SIGKILL at random moments and another one goes on; those that write go on until there are so many
kills. In the end no record may be lost, doubled or torn, and those of each process stand in order.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from log.many_writers import write_and_kill


def main() -> int:
    """Write, kill and count; return 1 where anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--writers", type=int, default=16)
    parser.add_argument("--records", type=int, default=100_000, help="of each")
    parser.add_argument("--kills", type=int, default=200, help="at least")
    parser.add_argument("--rotation", default="1 MiB")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="linod-") as folder:
        counts = write_and_kill(Path(folder), **vars(options))
    print(f"{counts.records:,} records in {counts.seconds:.1f} s, {counts.files:,} files")
    print(f"{counts.kills} kills, {counts.kills_while_writing} of them during writing")
    for name in ("lost", "doubled", "torn", "misplaced"):
        print(f"{name}: {getattr(counts, name):,}")
    return 1 if counts.wrong else 0


if __name__ == "__main__":
    sys.exit(main())

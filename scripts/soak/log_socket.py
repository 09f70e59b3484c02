"""Writes over the socket of a log server that is killed again and again, and counts what arrived.

python scripts/soak/log_socket.py [--writers 16] [--records 100000] [--kills 200] [--seed 0]
                                  [--writer-kills 0] [--user nobody] [--direct 0]

As root: the writers are processes of another user, who cannot write the file. The file rotates each
1 MiB, with compression. --direct adds writers that append to the file themselves; --writer-kills
kills so many more writers, whose records up to the last one that they said they wrote must be
there. Must be 0: lost, doubled, torn, out of order. Blanks are what a killed server leaves.
"""

from __future__ import annotations

import argparse
import grp
import gzip
import logging
import os
import pwd
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import linod.log.sending  # noqa: F401 - the other user may not be able to read the modules
from linod.log.intercept import attach, end_log
from linod.log.lines import Origin
from linod.log.plan import LogPlan
from linod.log.rotation import rotated

LIMIT_S = 600.0
_MESSAGE = re.compile(
    rb"^\d{4}-\d\d-\d\d [0-9:.+]+ INFO +\S+ root:\S+: w=(\d+) n=(\d+) (\S*) (\d+)$"
)


def main() -> int:
    """Run and print; 0 where nothing is wrong."""
    options = _options()
    random = Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="linod-", dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        soak = Soak(folder, options, random)
        began = time.monotonic()
        soak.run()
        lasted = time.monotonic() - began
        findings = soak.count()
    print(
        f"records {soak.expected():,} in {lasted:.1f} s, {soak.expected() / lasted:,.0f} a second"
    )
    print(f"kills of the server {soak.kills}, of writers {soak.writer_kills}, files {soak.files}")
    print(", ".join(f"{name} {findings[name]:,}" for name in (*_FAULTS, "blanks", "other lines")))
    return int(any(findings[name] for name in _FAULTS))


_FAULTS = ("lost", "doubled", "torn", "out of order")


class Soak:
    """One log server and its writers."""

    def __init__(self, folder: Path, options: argparse.Namespace, random: Random) -> None:
        self._options = options
        self._random = random
        self._user = pwd.getpwnam(options.user)
        self._config = folder / "linod.toml"
        group = grp.getgrgid(self._user.pw_gid).gr_name
        self._config.write_text(
            f'[linod]\ntimezone = "UTC"\n[log]\nrotation = "1 MiB"\ngroup = "{group}"\n'
        )
        self._path = folder / "log" / "linod.log"
        self._said = folder / "said"
        self._said.mkdir()
        os.chown(self._said, self._user.pw_uid, -1)
        self._server = self._begin()
        self.kills = self.writer_kills = self.files = 0
        self._sure: dict[int, int] = {}
        """Per writer the number up to which all must be there."""
        self._whole: set[int] = set()

    def expected(self) -> int:
        """Count the records that must be there."""
        return sum(self._sure.values())

    # -- processes ------------------------------------------------------------------------------

    def _begin(self) -> subprocess.Popen[bytes]:
        command = (sys.executable, "-m", "linod", "-c", str(self._config), "log-server")
        return subprocess.Popen(command)

    def run(self) -> None:
        """Let all write, and kill meanwhile."""
        until(lambda: (self._path.parent / "log.sock").exists(), "the socket")
        writers = {self._fork(number, is_direct=False): number for number in range(self._count)}
        direct = range(self._count, self._count + self._options.direct)
        writers |= {self._fork(number, is_direct=True): number for number in direct}
        self._whole = set(writers.values())
        victims = 0
        while writers:
            if self.kills < self._options.kills:
                self._kill_server()
            if self.writer_kills < self._options.writer_kills:
                victims += 1
                self._kill_writer(self._count + self._options.direct + victims)
            self._reap(writers)
        while self.kills < self._options.kills:
            self._kill_server()
        until(self._is_empty, "empty spools")
        self._server.terminate()
        self._server.wait()

    @property
    def _count(self) -> int:
        return int(self._options.writers)

    def _kill_server(self) -> None:
        time.sleep(self._random.uniform(0.0, 0.6))  # between kills, not to wait for anything
        self._server.kill()
        self._server.wait()
        self.kills += 1
        self._server = self._begin()

    def _kill_writer(self, number: int) -> None:
        pid = self._fork(number, is_direct=False)
        time.sleep(self._random.uniform(0.01, 0.3))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        self.writer_kills += 1
        with suppress(FileNotFoundError):
            self._sure[number] = (self._said / str(number)).stat().st_size

    def _reap(self, writers: dict[int, int]) -> None:
        for pid in list(writers):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                assert status == 0, f"writer {writers[pid]} ended with {status}"
                self._sure[writers.pop(pid)] = self._options.records
        if writers and self.kills >= self._options.kills:
            time.sleep(0.05)

    def _fork(self, number: int, *, is_direct: bool) -> int:
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            if not is_direct:
                os.setgroups([self._user.pw_gid])
                os.setgid(self._user.pw_gid)
                os.setuid(self._user.pw_uid)
            write(LogPlan(path=self._path), number, self._options.records, self._said)
            code = 0
        except BaseException:  # noqa: BLE001 - the child ends here, whatever it was
            traceback.print_exc()
        finally:
            os._exit(code)

    def _is_empty(self) -> bool:
        folder = self._path.parent / "spool" / str(self._user.pw_uid)
        return not folder.exists() or not os.listdir(folder)

    # -- counting -------------------------------------------------------------------------------

    def count(self) -> Counter[str]:
        """Compare what is in all files with what was written."""
        found: Counter[str] = Counter()
        seen: dict[int, set[int]] = {}
        last: dict[int, int] = {}
        for line in self._lines():
            match = _MESSAGE.match(line)
            if match is None or zlib.crc32(match[3]) != int(match[4]):
                found[_kind_of(line)] += 1
                if _kind_of(line) == "torn":
                    print("torn:", line[:300])
                continue
            writer, number = int(match[1]), int(match[2])
            numbers = seen.setdefault(writer, set())
            found["doubled"] += number in numbers
            found["out of order"] += number < last.get(writer, -1)
            numbers.add(number)
            last[writer] = number
        for writer, count in self._sure.items():
            found["lost"] += len(set(range(count)) - seen.get(writer, set()))
        return found

    def _lines(self) -> Iterator[bytes]:
        files = [*sorted(rotated(self._path)), self._path]
        self.files = len(files)
        for file in files:
            with gzip.open(file) if file.suffix == ".gz" else open(file, "rb") as opened:
                for line in opened:
                    yield line.rstrip(b"\n")


def _kind_of(line: bytes) -> str:
    if not line.strip():
        return "blanks"
    return "other lines" if b" linod.log: " in line and b"w=" not in line else "torn"


def write(plan: LogPlan, number: int, records: int, said: Path) -> None:
    """Be a writer: log, and say after each record that the call returned."""
    random = Random(number)
    attach(plan, Origin("writer", os.getpid()))
    done = os.open(said / str(number), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for at in range(records):
        text = "x" * int(random.expovariate(1 / 60))
        logging.info("w=%d n=%d %s %d", number, at, text, zlib.crc32(text.encode()))
        os.write(done, b".")
    end_log()


def until(condition: object, what: str) -> None:
    """Poll for a condition."""
    end = time.monotonic() + LIMIT_S
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, f"{what} did not come"
        time.sleep(0.02)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--writers", type=int, default=16)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--writer-kills", type=int, default=0)
    parser.add_argument("--direct", type=int, default=0)
    parser.add_argument("--user", default="nobody")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""Sends a log server a million spoiled frames and a thousand slow connections.

python scripts/soak/frames.py [--frames 1000000] [--slow 1000] [--peers 4] [--seed 0]

Each peer says hello and sends one frame in which a byte was changed, removed or added, or which is
well-formed but wrong, since it is closed at the first; then it comes again. Meanwhile another
writer sends sound records. Printed are the server's growth (at most 16 MiB), whether it is the same
process still, and whether the sound records all arrived, once, in order.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from datetime import UTC
from pathlib import Path
from random import Random

from linod.log.frames import Frame, Hello, Kind, encode, write_hello
from linod.log.lines import JsonLines, Origin, Record
from linod.log.link import Target
from linod.log.rotation import rotated
from linod.log.sending import SendingSink

GROWTH_MAX = 16 * 1024 * 1024
WITHIN_S = 300.0
_LINE = JsonLines(UTC).line(Record(1.0e9, "INFO", "fuzz", "spoiled"), Origin("fuzz", 1))
_JUNK = (b"[" * 5_000, b'{"a":NaN}', b"\x80\x04\x95pickle", b"null", b'{"ts":{}}', b"\xff" * 99)


def main() -> int:
    """Run and print; 0 where nothing is wrong."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="linod-", dir="/var/tmp") as name:
        folder = Path(name)
        (folder / "linod.toml").write_text('[linod]\ntimezone = "UTC"\n[log]\nrotation = "5 MB"\n')
        command = (sys.executable, "-m", "linod", "-c", str(folder / "linod.toml"), "log-server")
        server = subprocess.Popen(command)
        try:
            return _fuzz(folder / "log", server, options)
        finally:
            server.kill()
            server.wait()


def _fuzz(log: Path, server: subprocess.Popen[bytes], options: argparse.Namespace) -> int:
    address = log / "log.sock"
    _until(address.exists)
    sink = SendingSink(Target(socket=address, spool=log / "spool"), "sound", 2)
    _write(sink, range(1_000))
    before = _memory(server.pid)
    began = time.monotonic()
    slow = _slow(address, options.slow)
    share = options.frames // options.peers
    peers = [_fork(address, options.seed + number, share) for number in range(options.peers)]
    count, most = 1_000, before
    while peers:
        _write(sink, range(count, count + 100))
        count += 100
        most = max(most, _memory(server.pid))
        peers = [pid for pid in peers if os.waitpid(pid, os.WNOHANG)[0] == 0]
        time.sleep(0.01)
    lasted = time.monotonic() - began
    sink.close(60.0)
    is_alive = server.poll() is None
    server.terminate()
    server.wait()  # it packs files no more
    is_whole = _sound(log / "linod.log") == list(range(count))
    print(f"{options.frames:,} frames, {len(slow):,} slow connections in {lasted:.0f} s")
    print(f"memory: {before / 2**20:.1f} MiB before, at most {(most - before) / 2**20:.1f} more")
    print(f"the server is {'the same' if is_alive else 'gone'}")
    print(
        f"{count:,} sound records of another writer: {'all, in order' if is_whole else 'NOT all'}"
    )
    return int(not (is_alive and is_whole and most - before <= GROWTH_MAX))


def _slow(address: Path, count: int) -> list[socket.socket]:
    """Open connections that say next to nothing."""
    connections = []
    for _ in range(count):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(address))
        with suppress(OSError):
            connection.send(b"\xb5L\x01")
        connections.append(connection)
    return connections


def _fork(address: Path, seed: int, count: int) -> int:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            _spoil(address, Random(seed), count)
            code = 0
        finally:
            os._exit(code)
    return pid


def _spoil(address: Path, random: Random, count: int) -> None:
    for _ in range(count):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(address))
            hello = write_hello(Hello(f"{random.getrandbits(128):032x}", "fuzz", os.getpid()))
            with suppress(OSError):
                connection.sendall(encode(hello) + _spoiled(random, 1))


def _spoiled(random: Random, number: int) -> bytes:
    """Make a frame that is wrong; a few are sound by chance."""
    kind = random.randrange(5)
    if kind == 0:
        return encode(Frame(Kind.RECORD, random.choice(_JUNK), number))
    if kind == 1:
        values = json.loads(_LINE)
        values[random.choice(list(values))] = random.choice([None, -1, "", 2**70, [], "\udcff", {}])
        return encode(Frame(Kind.RECORD, json.dumps(values).encode(), number))
    data = bytearray(encode(Frame(random.choice(list(Kind)), _LINE.rstrip(), number)))
    place = random.randrange(len(data))
    if kind == 2:
        data[place] ^= 1 << random.randrange(8)
    elif kind == 3:
        del data[place]
    else:
        data[place:place] = random.randbytes(random.randrange(40))
    return bytes(data)


def _write(sink: SendingSink, numbers: range) -> None:
    for number in numbers:
        record = Record(time.time(), "INFO", "sound", f"sound {number}")
        assert sink.write(JsonLines(UTC).line(record, Origin("sound", os.getpid())))


def _sound(path: Path) -> list[int]:
    numbers: list[int] = []
    for file in [*sorted(rotated(path)), path]:
        with gzip.open(file, "rt") if file.suffix == ".gz" else open(file) as opened:
            numbers += [int(line.rpartition(" ")[2]) for line in opened if ": sound " in line]
    return numbers


def _memory(pid: int) -> int:
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _until(condition: object) -> None:
    end = time.monotonic() + WITHIN_S
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "the server does not listen"
        time.sleep(0.01)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--slow", type=int, default=1_000)
    parser.add_argument("--peers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

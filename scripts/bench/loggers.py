"""Four processes that log through one library, as fast as they can: python loggers.py KIND COUNT.

Prints one JSON object. It is a program of its own, since a library stays in the process that used
it. The processes are forked, for `enqueue=True` needs that; each has what the library wants per
process. All write the same columns, except where the name says that it is the message alone.
"""

from __future__ import annotations

import grp
import json
import logging
import logging.handlers
import multiprocessing
import os
import pickle
import socketserver
import struct
import subprocess
import sys
import threading
import time
from array import array
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from loguru import logger

WRITERS = 4
COLUMNS = "{time:YYYY-MM-DD HH:mm:ss.SSSZZ} {level: <8} app[{process}] "
COLUMNS += "{name}:{function}:{line}: {message}"
STANDARD = "%(asctime)s %(levelname)-8s app[%(process)d] %(name)s:%(funcName)s:%(lineno)d: "
STANDARD += "%(message)s"
STILL_S, LOOK_EVERY_S = 1.5, 0.02
"""Files that have not grown for so long are all there will be; to look takes little of a core."""
STARTED_WITHIN_S = 20.0

Log = Callable[[int], None]
_fork = multiprocessing.get_context("fork")


class Kind(NamedTuple):
    """One way to log."""

    connect: Callable[[int], Log]
    """In each process, given its number: how to log one record."""
    begin: Callable[[], Callable[[], None]] = lambda: lambda: None
    """Once, before the processes are forked; gives what to do when they are done."""
    is_queued: bool = False
    """A call may return before its record is in the file."""
    end: Callable[[], None] = lambda: None
    """In each process, at its end: the interpreter would do it, but not in a forked process."""


def main(kind: str, count: int) -> None:
    """Let the processes write `count` records each in this folder, and count what arrived."""
    finish = KINDS[kind].begin()
    barrier, results = _fork.Barrier(WRITERS), _fork.SimpleQueue()
    arguments = (KINDS[kind], count, barrier, results)
    writers = [_fork.Process(target=_write, args=(n, *arguments)) for n in range(WRITERS)]
    for each in writers:
        each.start()
    expected = WRITERS * (count + 1)
    found = [results.get() for _ in writers]
    for each in writers:
        each.join()
    drained = _drained() if KINDS[kind].is_queued else 0.0
    finish()
    ended = max(drained, *(each[1] for each in found))
    seconds = ended - min(began for began, *_ in found)
    report = {"rate": WRITERS * count / seconds, "lost": expected - _lines()}
    taken = sorted(ns for *_, each in found for ns in array("q", each))
    report |= {name: taken[int(len(taken) * part)] / 1000 for name, part in PARTS.items()}
    print(json.dumps(report))


PARTS = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}


def _write(number: int, kind: Kind, count: int, barrier: Any, out: Any) -> None:
    log = kind.connect(number)
    log(-1)  # opens files, connects
    taken = array("q", bytes(8 * count))
    clock = time.perf_counter_ns
    barrier.wait()
    began = time.monotonic()
    for index in range(count):
        before = clock()
        log(index)
        taken[index] = clock() - before
    ended = time.monotonic()
    kind.end()
    out.put((began, ended, taken.tobytes()))


def _lines() -> int:
    return sum(file.read_bytes().count(b"\n") for file in Path().glob("**/*.log"))


def _drained() -> float:
    """Give when the last record arrived: who queues has said nothing yet when its call returns."""
    size, since = -1, time.monotonic()
    while time.monotonic() - since < STILL_S:
        now = sum(file.stat().st_size for file in Path().glob("**/*.log"))
        if now != size:
            size, since = now, time.monotonic()
        time.sleep(LOOK_EVERY_S)
    return since


# -- the kinds ----------------------------------------------------------------------------------


def _loguru(index: int) -> None:
    logger.info("order {} of shop ee was paid", index)


def _standard(index: int) -> None:
    _STANDARD.info("order %d of shop ee was paid", index)


_STANDARD = logging.getLogger("app")


def _own_file(format: str, number: int) -> Log:
    logger.remove()
    logger.add(f"own-{number}.log", format=format)
    return _loguru


def _linod(log: Log, _number: int) -> Log:
    import linod

    Path("linod.toml").write_text('[linod]\ntimezone = "UTC"\n[log]\nrotation = "none"\n')
    linod.connect_log("linod.toml")
    return log


def _begin_server() -> Callable[[], None]:
    """Start a log server, as for processes that may not write its file."""
    folder = Path("server")
    folder.mkdir()
    group = grp.getgrgid(os.getegid()).gr_name
    text = f'[linod]\ntimezone = "UTC"\n[log]\nrotation = "none"\ngroup = "{group}"\n'
    (folder / "linod.toml").write_text(text)
    command = [sys.executable, "-m", "linod", "log-server"]
    server = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
    limit = time.monotonic() + STARTED_WITHIN_S
    while not _SOCKET.exists():
        if server.poll() is not None or time.monotonic() > limit:
            raise RuntimeError("the log server did not start")
        time.sleep(LOOK_EVERY_S)

    def finish() -> None:
        server.terminate()
        server.wait()

    return finish


_SOCKET = Path("server/log/log.sock")


def _to_server(log: Log, _number: int) -> Log:
    import linod

    text = f'[linod]\ntimezone = "UTC"\n[log]\nserver = "unix://{_SOCKET.absolute()}"\n'
    text += 'directory = "server/log"\n'  # so the server delivers what a process leaves behind
    Path("linod.toml").write_text(text)
    linod.connect_log("linod.toml")
    return log


def _deliver() -> None:
    from linod.log import end_log

    end_log()


def _queue() -> Callable[[], None]:
    logger.remove()
    logger.add("shared.log", format=COLUMNS, enqueue=True)
    return logger.complete


def _handled(handler: logging.Handler) -> Log:
    handler.setFormatter(logging.Formatter(STANDARD))
    logging.getLogger().handlers[:] = [handler]
    logging.getLogger().setLevel(logging.INFO)
    return _standard


def _find_concurrent() -> Callable[[], None]:
    """Fail before the fork where it is not installed: the processes would wait for each other."""
    import_module("concurrent_log_handler")
    return lambda: None


def _concurrent(_number: int) -> Log:
    from concurrent_log_handler import ConcurrentRotatingFileHandler

    return _handled(ConcurrentRotatingFileHandler("shared.log", maxBytes=20_000_000, backupCount=9))


PORT = 0


def _serve() -> Callable[[], None]:
    """Start the server of Python's logging cookbook, in a process of its own."""
    global PORT  # made before the fork, read after it
    server = _Receiver(("127.0.0.1", 0), _RecordStream)
    PORT = server.server_address[1]
    process = _fork.Process(target=_receive, args=(server,), daemon=True)
    process.start()
    server.server_close()

    def finish() -> None:
        _drained()
        process.kill()

    return finish


def _receive(server: socketserver.ThreadingTCPServer) -> None:
    _handled(logging.FileHandler("shared.log"))
    server.serve_forever()


class _Receiver(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class _RecordStream(socketserver.StreamRequestHandler):
    """Length, then a pickled record, as SocketHandler sends it."""

    def handle(self) -> None:
        while len(head := self.rfile.read(4)) == 4:
            data = self.rfile.read(struct.unpack(">L", head)[0])
            record = logging.makeLogRecord(pickle.loads(data))
            logging.getLogger(record.name).handle(record)


def _socket(_number: int) -> Log:
    return _handled(logging.handlers.SocketHandler("127.0.0.1", PORT))


KINDS = {
    "limit": Kind(partial(_own_file, COLUMNS)),
    "message": Kind(partial(_own_file, "{message}")),
    "linod-loguru": Kind(partial(_linod, _loguru)),
    "linod-logging": Kind(partial(_linod, _standard)),
    "server-loguru": Kind(partial(_to_server, _loguru), _begin_server, True, _deliver),
    "server-logging": Kind(partial(_to_server, _standard), _begin_server, True, _deliver),
    "enqueue": Kind(lambda _: _loguru, _queue, is_queued=True),
    "socket": Kind(_socket, _serve, is_queued=True),
    "concurrent": Kind(_concurrent, _find_concurrent),
}

if __name__ == "__main__":
    assert threading.active_count() == 1
    main(sys.argv[1], int(sys.argv[2]))
    sys.stdout.flush()
    os._exit(0)  # whatever a library would still wait for

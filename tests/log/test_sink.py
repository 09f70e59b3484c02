"""The file is shared: many writers, renames, removals, forks, kills, full disks."""

from __future__ import annotations

import errno
import fcntl
import gzip
import os
import resource
import shutil
import signal
import sys
import threading
import time
from datetime import UTC, datetime

import pytest

from disks import small_disk
from linod.log import LogPlan, Rotator
from linod.log.lines import Origin, Record
from linod.log.recorder import Recorder
from linod.log.rotation import rotated
from linod.log.sink import ConsoleSink, FileSink

from .processes import fork, in_child, until, wait


@pytest.fixture
def path(tmp_path):
    return tmp_path / "linod.log"


def content(file):
    data = file.read_bytes()
    return gzip.decompress(data) if file.suffix == ".gz" else data


def all_lines(path):
    # By name: who was late to write has made an older one younger.
    files = [*sorted(rotated(path)), path]
    texts = [content(file) for file in files]
    return b"".join(texts).decode().split("\n")[:-1]


def write_numbers(path, writer, count):
    sink = FileSink(path, 2)
    for number in range(count):
        if number % 500 == 0:  # however slow the disk is, several files come and go
            until(lambda: len(rotated(path)) >= number // 500)  # noqa: B023 - called at once
        sink.write(f"{writer} {number} {'x' * (number % 90)}.\n".encode())
        if number % 50 == 0:  # a pace at which several files come and go
            threading.Event().wait(0.004)


def assert_all_are_there(path, writers, count):
    lines = all_lines(path)

    for writer in range(writers):
        own = [line.split() for line in lines if line.startswith(f"{writer} ")]
        assert [int(words[1]) for words in own] == list(range(count))
    assert len(lines) == writers * count
    assert all(line.endswith(".") for line in lines)


def rotate_until(plan, is_over):
    """Rotate every time the file has something in it, until the writers are done."""
    rotator = Rotator(plan)
    while not is_over():
        rotator.rotate_if_due(datetime.now(UTC))
        threading.Event().wait(0.02)


@pytest.mark.parametrize("compression", ["gz", None])
def test_four_writers_lose_and_double_nothing_through_renames(path, compression):
    plan = LogPlan(path=path, rotation="20 kB", compression=compression)
    pids = [fork(write_numbers, path, writer, 5_000) for writer in range(4)]
    running = set(pids)

    def is_over():
        for pid in tuple(running):
            if os.waitpid(pid, os.WNOHANG)[0]:
                running.discard(pid)
        return not running

    rotate_until(plan, is_over)

    assert len(rotated(path)) > 5
    assert_all_are_there(path, 4, 5_000)


def test_a_fork_in_the_middle_shares_the_file_and_not_the_lock(path):
    plan = LogPlan(path=path, rotation="20 kB", compression="gz")

    def write():
        sink = FileSink(path, 2)
        for number in range(2_000):
            sink.write(f"0 {number} .\n".encode())
            if number == 1_000:
                sink_of_child = fork(child, sink)
        assert wait(sink_of_child) == 0

    def child(sink):
        sink.reset_after_fork()
        for number in range(2_000):
            sink.write(f"1 {number} .\n".encode())

    pid = fork(write)
    rotate_until(plan, lambda: os.waitpid(pid, os.WNOHANG)[0])

    assert_all_are_there(path, 2, 2_000)


def test_threads_write_whole_lines_through_renames(path):
    sink = FileSink(path, 2)

    def write(writer):
        for number in range(2_000):
            sink.write(f"{writer} {number} .\n".encode())

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(3)]
    for thread in threads:
        thread.start()
    plan = LogPlan(path=path, rotation="5 kB", compression="gz")
    rotate_until(plan, lambda: not any(thread.is_alive() for thread in threads))

    assert_all_are_there(path, 3, 2_000)


def test_a_killed_writer_loses_at_most_the_record_in_flight(path):
    read, write = os.pipe()

    def endless():
        sink = FileSink(path, 2)
        number = 0
        while True:
            sink.write(f"0 {number} .\n".encode())
            number += 1
            os.write(write, b".")

    pid = fork(endless)
    returned = 0
    while returned < 3_000:
        returned += len(os.read(read, 65_536))
    os.kill(pid, signal.SIGKILL)

    assert wait(pid) == -signal.SIGKILL
    os.close(write)
    while chunk := os.read(read, 65_536):
        returned += len(chunk)
    lines = all_lines(path)
    assert returned <= len(lines) <= returned + 1
    assert all(line.endswith(".") for line in lines)


def test_a_renamed_file_gets_no_line_any_more(path):
    sink = FileSink(path, 2)
    sink.write(b"old\n")
    path.rename(path.with_name("other"))

    sink.write(b"new\n")

    assert (path.with_name("other").read_bytes(), path.read_bytes()) == (b"old\n", b"new\n")


def test_a_removed_file_and_a_removed_directory_come_back(path):
    sink = FileSink(path.parent / "log" / "linod.log", 2)
    sink.write(b"1\n")
    (path.parent / "log" / "linod.log").unlink()
    sink.write(b"2\n")
    shutil.rmtree(path.parent / "log")

    assert sink.write(b"3\n")
    assert (path.parent / "log" / "linod.log").read_bytes() == b"3\n"


def test_a_directory_that_is_moved_away_before_the_file_is_made_in_it_comes_back(path):
    log = path.parent / "log" / "linod.log"
    away = path.parent / "away"

    def move_away(event, arguments):
        is_made = event == "open" and arguments[0] == str(log) and arguments[2] & os.O_CREAT
        if is_made and not away.exists():
            log.parent.rename(away)

    def child():
        sys.addaudithook(move_away)  # called before the file is opened
        FileSink(log, 2).write(b"1\n")

    in_child(child)

    assert away.is_dir()
    assert log.read_bytes() == b"1\n"


def test_the_file_belongs_to_the_user_and_is_readable_by_the_group(path):
    umask = os.umask(0)
    FileSink(path.parent / "log" / "linod.log", 2).write(b"1\n")
    os.umask(umask)

    assert (path.parent / "log" / "linod.log").stat().st_mode & 0o777 == 0o640
    assert (path.parent / "log").stat().st_mode & 0o777 == 0o750


def test_the_descriptor_is_closed_on_exec_and_keeps_its_number(path):
    sink = FileSink(path, 2)
    sink.write(b"1\n")
    first = sink._fd
    path.unlink()
    sink.write(b"2\n")

    assert sink._fd == first >= 200
    assert not os.get_inheritable(first)


def test_code_that_closes_all_descriptors_loses_nothing(path):
    def child():
        sink = FileSink(path, 2)
        sink.write(b"1\n")
        os.closerange(3, 1024)
        own = os.open(path.with_name("own"), os.O_CREAT | os.O_WRONLY)
        sink.write(b"2\n")
        os.write(own, b"mine")

    in_child(child)

    assert path.read_bytes() == b"1\n2\n"
    assert path.with_name("own").read_bytes() == b"mine"


def test_a_reader_that_locks_the_file_delays_no_writer(path):
    path.touch()
    with open(path) as reader:
        fcntl.flock(reader, fcntl.LOCK_EX)

        assert FileSink(path, 2).write(b"1\n")


def test_what_cannot_be_opened_goes_to_the_console_and_is_told_once(tmp_path):
    (tmp_path / "file").touch()
    read, write = os.pipe()
    sink = FileSink(tmp_path / "file" / "linod.log", write)

    sink.write(b"1\n")
    sink.write(b"2\n")

    first, second, third, _ = os.read(read, 9_999).decode().split("\n")
    assert first.endswith("file/linod.log' cannot be opened: Not a directory; its lines come here")
    assert (second, third) == ("1", "2")


def test_a_limit_on_file_size_leaves_no_torn_line_and_is_counted_and_told(path):
    read, write = os.pipe()

    def child():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 2_000))
        recorder = Recorder(LogPlan(path=path, fd=write), Origin("p", 1))
        for _ in range(20):
            recorder.record(Record(0.0, "INFO", "a", "m" * 30))
        assert recorder.sink.lost == 8
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))
        recorder.record(Record(0.0, "INFO", "a", "again"))
        assert recorder.sink.lost == 0

    in_child(child)

    lines = path.read_text().split("\n")
    whole = [line for line in lines if line.strip()]
    assert len(whole) == 12 + 2
    assert whole[-2].endswith(": again")
    assert whole[-1].endswith(" linod.log: 8 records are missing here: File too large")
    assert all(line.startswith(("1970-01-01 ", "20")) for line in whole)
    assert os.read(read, 9_999).count(b"cannot be written") == 1


@pytest.fixture
def disk(tmp_path):
    with small_disk(tmp_path / "disk", "256k") as path:
        yield path


def test_a_full_disk_is_counted_exactly_by_every_writer_and_recovered_from(disk):
    path = disk / "linod.log"
    filler = disk / "filler"
    filler.write_bytes(b"x" * 200_000)
    done, tell_done = os.pipe()

    def write(writer):
        recorder = Recorder(LogPlan(path=path, fd=os.open("/dev/null", 1)), Origin("p", writer))
        for number in range(600):
            recorder.record(Record(0.0, "INFO", "a", f"{number} {'x' * 60}."))
        os.write(tell_done, b".")
        until(lambda: shutil.disk_usage(disk).free > 100_000)
        recorder.record(Record(0.0, "INFO", "a", "again."))

    pids = [fork(write, writer) for writer in range(3)]
    for _ in pids:
        os.read(done, 1)
    filler.unlink()
    assert [wait(pid) for pid in pids] == [0, 0, 0]

    lines = [line for line in path.read_text().split("\n") if line.strip()]
    missing = [int(line.split()[5]) for line in lines if "missing here" in line]
    records = [line for line in lines if line.endswith(".")]
    assert sum(missing) > 100
    assert len(records) + sum(missing) == 3 * 601
    assert len(records) + len(missing) == len(lines)


def test_a_console_that_is_gone_is_counted():
    read, write = os.pipe()
    os.close(read)
    sink = ConsoleSink(write)

    assert not sink.write(b"1\n")
    assert (sink.lost, sink.reason) == (1, os.strerror(errno.EPIPE))


def test_a_console_that_does_not_block_gets_the_whole_line():
    read, write = os.pipe()
    os.set_blocking(write, False)

    def child():
        assert ConsoleSink(write).write(b"x" * 200_000 + b"\n")

    pid = fork(child)
    os.close(write)
    chunks = []
    while chunk := os.read(read, 65_536):
        chunks.append(chunk)

    assert wait(pid) == 0
    assert b"".join(chunks) == b"x" * 200_000 + b"\n"


def test_a_console_that_nobody_reads_stops_no_writer():
    read, write = os.pipe()
    sink = ConsoleSink(write)

    while sink.write(b"x" * 4095 + b"\n"):
        pass
    before = time.monotonic()
    for _ in range(100):
        assert not sink.write(b"lost\n")

    assert time.monotonic() - before < 0.5
    assert sink.lost == 101
    assert os.get_blocking(write)
    os.read(read, 65_536)
    assert sink.write(b"again\n")
    assert os.read(read, 65_536) == b"again\n"


def test_a_line_after_a_torn_one_begins_anew():
    read, write = os.pipe()
    sink = ConsoleSink(write)

    assert not sink.write(b"x" * 100_000 + b"\n")
    os.read(read, 65_536)
    assert sink.write(b"again\n")

    assert os.read(read, 65_536) == b"\nagain\n"

"""When a new file begins, and what becomes of the old ones."""

from __future__ import annotations

import fcntl
import gzip
import os
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from linod.log import LogPlan, Rotator
from linod.log.rotation import rotated
from linod.log.sink import FileSink

NOW = datetime(2026, 11, 21, 5, 10, 1, 123456, UTC)
LINE = b"2026-11-20 23:50:00.000+02:00 INFO     t#1 a: x\n"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "linod.log"


def build_rotator(path, elapsed_s=lambda: 0.0, **values):
    return Rotator(LogPlan(path=path, **{"zone": "Europe/Tallinn", **values}), elapsed_s)


def build_old(path, name, age=timedelta(), content=b"old\n"):
    file = path.with_name(name)
    file.write_bytes(content)
    at = (NOW - age).timestamp()
    os.utime(file, (at, at))
    return file


def names(path):
    return sorted(file.name for file in path.parent.iterdir())


def test_a_file_of_the_size_is_renamed_to_the_time_in_the_zone(path):
    path.write_bytes(LINE * 30)

    build_rotator(path, rotation="1 kB").rotate_if_due(NOW)

    assert names(path) == ["linod.2026-11-21_07-10-01_123456.log", "linod.log"]
    assert path.read_bytes() == b""


def test_a_smaller_file_stays(path):
    path.write_bytes(LINE)

    build_rotator(path, rotation="1 kB").rotate_if_due(NOW)

    assert names(path) == ["linod.log"]


def test_a_name_that_is_taken_gets_a_number(path):
    rotator = build_rotator(path, rotation="1 B")
    for _ in range(3):
        path.write_bytes(LINE)
        rotator.rotate_if_due(NOW)

    stem = "linod.2026-11-21_07-10-01_123456"
    assert names(path) == [f"{stem}.log", f"{stem}_1.log", f"{stem}_2.log", "linod.log"]


@pytest.mark.parametrize(
    ("rotation", "first_line", "is_rotated"),
    [
        ("00:00", b"2026-11-20 23:50:00.000+02:00 x\n", True),
        ("00:00", b"2026-11-21 00:00:00.000+02:00 x\n", False),
        ("07:00", b"2026-11-21 06:59:59.999+02:00 x\n", True),
        ("08:00", b"2026-11-20 08:00:01.000+02:00 x\n", False),
        ("08:00", b"2026-11-20 07:59:59.000+02:00 x\n", True),
        ("00:00", b'{"ts":"2026-11-20T21:59:59.000000Z"}\n', True),
        ("00:00", b'{"ts":"2026-11-20T22:00:00.000000Z"}\n', False),
        ("1 day", b"2026-11-20 07:10:01.000+02:00 x\n", True),
        ("1 day", b"2026-11-20 07:10:02.000+02:00 x\n", False),
        ("1 day", b"2098-01-01 00:00:00.000+02:00 x\n", True),
        ("none", b"2000-01-01 00:00:00.000+02:00 x\n", False),
        ("00:00", b"", False),
    ],
)
def test_time_of_day_and_age_count_from_the_first_line(path, rotation, first_line, is_rotated):
    path.write_bytes(first_line)

    build_rotator(path, rotation=rotation).rotate_if_due(NOW)

    assert (len(rotated(path)) == 1) == is_rotated


def test_a_time_of_day_in_a_gap_rotates_once(path):
    path.write_bytes(b"2027-03-28 02:50:00.000+02:00 x\n")
    rotator = build_rotator(path, rotation="03:30")

    rotator.rotate_if_due(datetime(2027, 3, 28, 1, 0, tzinfo=UTC))
    assert len(rotated(path)) == 0
    rotator.rotate_if_due(datetime(2027, 3, 28, 1, 30, tzinfo=UTC))
    path.write_bytes(b"2027-03-28 04:30:01.000+03:00 x\n")
    rotator.rotate_if_due(datetime(2027, 3, 28, 1, 31, tzinfo=UTC))

    assert len(rotated(path)) == 1


def test_a_rotated_file_is_compressed_whole_with_its_time_and_mode(path):
    old = build_old(path, "linod.2026-11-20_00-00-00_000000.log", timedelta(hours=3), LINE * 99)
    old.chmod(0o640)

    build_rotator(path, compression="gz").rotate_if_due(NOW)

    packed = path.with_name(f"{old.name}.gz")
    assert names(path) == [packed.name]
    assert gzip.decompress(packed.read_bytes()) == LINE * 99
    assert packed.stat().st_mtime == (NOW - timedelta(hours=3)).timestamp()
    assert packed.stat().st_mode & 0o777 == 0o640


def test_a_file_that_a_writer_holds_waits(path):
    sink = FileSink(path, 2)
    sink.write(LINE)
    rotator = build_rotator(path, rotation="1 B", compression="gz")

    rotator.rotate_if_due(NOW)
    assert [file.suffix for file in rotated(path)] == [".log"]
    sink.write(LINE)
    rotator.rotate_if_due(NOW + timedelta(minutes=2))

    assert [file.suffix for file in rotated(path)] == [".gz", ".log"]


def test_a_file_held_by_a_writer_is_not_removed(path):
    old = build_old(path, "linod.2026-10-01_00-00-00_000000.log", timedelta(days=50))
    build_old(path, "linod.2026-11-20_00-00-00_000000.log")
    rotator = build_rotator(path, retention=timedelta(days=14))
    with open(old) as writer:
        fcntl.flock(writer, fcntl.LOCK_SH)
        rotator.rotate_if_due(NOW)
        assert old.exists()
    rotator.rotate_if_due(NOW + timedelta(minutes=2))

    assert not old.exists()


def test_what_a_crash_left_half_compressed_is_made_again(path):
    old = build_old(path, "linod.2026-11-20_00-00-00_000000.log", content=LINE)
    build_old(path, f".{old.name}.gz.part", content=b"half")
    build_old(path, f"{old.name}.gz", content=b"from before the crash")

    build_rotator(path, compression="gz").rotate_if_due(NOW)

    assert names(path) == [f"{old.name}.gz"]
    assert gzip.decompress(path.with_name(f"{old.name}.gz").read_bytes()) == LINE


def test_only_files_that_linod_named_are_removed_by_age(path):
    for name in (
        "linod.2026-10-01_00-00-00_000000.log",
        "linod.2026-10-02_00-00-00_000000_3.log.gz",
        "linod.2026-10-02.log",
        "linod.old.log",
        "other.2026-10-01_00-00-00_000000.log",
    ):
        build_old(path, name, timedelta(days=15))
    build_old(path, "linod.2026-11-09_00-00-00_000000.log.gz", timedelta(days=13))
    build_old(path, "linod.2026-11-21_00-00-00_000000.log.gz")

    build_rotator(path, retention=timedelta(days=14)).rotate_if_due(NOW)

    assert names(path) == [
        "linod.2026-10-02.log",
        "linod.2026-11-09_00-00-00_000000.log.gz",
        "linod.2026-11-21_00-00-00_000000.log.gz",
        "linod.old.log",
        "other.2026-10-01_00-00-00_000000.log",
    ]


YEAR_2098 = datetime(2098, 1, 1, tzinfo=UTC)


@pytest.fixture
def two_old_files(path):
    build_old(path, "linod.2026-11-19_00-00-00_000000.log.gz", timedelta(days=2))
    build_old(path, "linod.2026-11-20_00-00-00_000000.log.gz", timedelta(days=1))
    return path


def test_a_clock_that_begins_in_2098_removes_nothing_for_an_hour(two_old_files):
    passed = [0.0]
    rotator = build_rotator(two_old_files, lambda: passed[0], retention=timedelta(days=14))

    for passed[0] in (0.0, 1800.0, 3599.0):
        rotator.rotate_if_due(YEAR_2098 + timedelta(seconds=passed[0]))
    assert len(names(two_old_files)) == 2
    passed[0] = 3660.0
    rotator.rotate_if_due(YEAR_2098 + timedelta(seconds=3660))

    assert names(two_old_files) == ["linod.2026-11-20_00-00-00_000000.log.gz"]


def test_a_clock_that_jumps_to_2098_and_back_removes_nothing(two_old_files):
    passed = [0.0]
    rotator = build_rotator(two_old_files, lambda: passed[0], retention=timedelta(days=14))

    for passed[0], now in ((0.0, NOW), (7200.0, NOW + timedelta(hours=2))):
        rotator.rotate_if_due(now)
    for passed[0], now in ((7300.0, YEAR_2098), (9000.0, NOW + timedelta(hours=2.5))):
        rotator.rotate_if_due(now)
    passed[0] = 12_000.0
    rotator.rotate_if_due(YEAR_2098)

    assert len(names(two_old_files)) == 2


def test_a_file_that_gets_too_old_while_it_is_watched_is_removed_at_once(two_old_files):
    passed = [0.0]
    rotator = build_rotator(two_old_files, lambda: passed[0], retention=timedelta(days=2, hours=1))

    for passed[0] in (0.0, 60.0, 3540.0, 3660.0):
        assert len(names(two_old_files)) == 2
        rotator.rotate_if_due(NOW + timedelta(seconds=passed[0]))

    assert len(names(two_old_files)) == 1


def test_the_next_file_begins_while_a_large_one_is_compressed(path):
    build_old(path, "linod.2026-11-20_00-00-00_000000.log", timedelta(days=1), LINE * 100_000)
    path.write_bytes(LINE * 99)

    def write_more():
        path.write_bytes(LINE * 99)
        return 0.0

    build_rotator(path, write_more, rotation="1 kB", compression="gz").rotate_if_due(NOW)

    assert len(rotated(path)) > 4


def test_ten_thousand_old_files_delay_no_writer(path):
    long_ago = (NOW - timedelta(days=2)).timestamp()
    for number in range(10_000):
        old = path.with_name(f"linod.2026-11-19_00-00-00_{number:06}.log.gz")
        old.touch()
        os.utime(old, (long_ago, long_ago))
    sink = FileSink(path, 2)
    sink.write(LINE)
    took_s = []

    thread = threading.Thread(
        target=build_rotator(path, rotation="1 B", retention=timedelta(days=1)).rotate_if_due,
        args=(NOW,),
    )
    thread.start()
    while thread.is_alive() or len(took_s) < 10:
        before = time.perf_counter()
        sink.write(LINE)
        took_s.append(time.perf_counter() - before)
    thread.join()

    assert max(took_s) < 0.5
    assert not [*path.parent.glob("linod.2026-11-19_*")]


def test_a_second_rotator_stays_out(path):
    path.write_bytes(LINE * 99)
    directory = os.open(path.parent, os.O_RDONLY)
    fcntl.flock(directory, fcntl.LOCK_EX)

    build_rotator(path, rotation="1 B").rotate_if_due(NOW)

    os.close(directory)
    assert names(path) == ["linod.log"]


def test_without_a_file_there_is_nothing_to_do(path):
    Rotator(LogPlan()).rotate_if_due(NOW)
    build_rotator(path.parent / "none" / "linod.log", rotation="1 B").rotate_if_due(NOW)

    assert names(path) == []


def test_files_that_go_while_they_are_listed_are_passed_over(tmp_path):
    path = tmp_path / "linod.log"
    stamp = "2026-11-21_07-00-00"
    names = [tmp_path / f"linod.{stamp}_{number:06}.log" for number in range(30)]
    is_over = threading.Event()

    def come_and_go():
        while not is_over.is_set():
            for name in names:
                name.touch()
            for name in names:
                name.unlink()

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        for _ in range(500):
            assert set(rotated(path)) <= set(names)
    finally:
        is_over.set()
        thread.join()

"""A spool keeps what matters most when it is full, says how much is missing, and stays small."""

from __future__ import annotations

import os
import re

import pytest

from linod.log.frames import Kind
from linod.log.spool import Spool, filled, open_folder

DEBUG, INFO, ERROR = 10, 20, 40
SIZE_MAX = 2 * 1024 * 1024
BODY = b"x" * 1_000
HELLO = b"hello"


@pytest.fixture
def folder(tmp_path):
    folder = open_folder(tmp_path)
    yield folder
    os.close(folder)


def build_spool(folder):
    return Spool(folder, "spool", HELLO, lambda count: b"%d missing" % count, SIZE_MAX)


def contents(spool):
    return [frame for _, _, frame in spool.view(0)]


def levels(spool):
    return {frame.level for frame in contents(spool) if not frame.skipped}


def numbers(spool):
    """List the numbers that the frames stand for, which must be all, each once, in order."""
    stood = []
    for frame in contents(spool):
        stood += range(frame.number - frame.skipped, frame.number + 1)
    return stood


def missing(spool):
    bodies = (frame.body for frame in contents(spool))
    return sum(int(match[1]) for body in bodies if (match := re.match(rb"(\d+) missing", body)))


def test_what_is_appended_is_in_the_file(folder):
    spool = build_spool(folder)
    data = spool.append(b"a", INFO)

    assert HELLO + data == open(f"/proc/self/fd/{folder}/spool", "rb").read()  # noqa: SIM115


def test_a_full_spool_lets_debug_go_first_and_counts_it_exactly(folder):
    spool = build_spool(folder)
    for level in (ERROR, INFO, DEBUG, DEBUG) * 600:
        spool.append(BODY, level)
    spool.settle()
    kept = [frame.level for frame in contents(spool) if not frame.skipped]

    assert (600, 600) == (kept.count(ERROR), kept.count(INFO))
    assert 2_400 == len(kept) + missing(spool)
    assert list(range(1, 2_401)) == numbers(spool)
    assert spool.end <= SIZE_MAX


def test_errors_are_never_dropped_for_what_matters_less(folder):
    spool = build_spool(folder)
    while spool.end < SIZE_MAX - 600 * 1024:
        spool.append(BODY, ERROR)
    errors = spool.number
    for level in (DEBUG, INFO) * 500:
        spool.append(BODY, level)
    spool.settle()

    assert errors == [frame.level for frame in contents(spool)].count(ERROR)
    assert list(range(1, errors + 1_001)) == numbers(spool)


def test_of_errors_alone_the_oldest_go(folder):
    spool = build_spool(folder)
    for number in range(4_000):
        spool.append(b"%04d" % number + BODY, ERROR)
    spool.settle()
    kept = [int(frame.body[:4]) for frame in contents(spool) if not frame.skipped]

    assert kept == list(range(4_000 - len(kept), 4_000))
    assert 4_000 == len(kept) + missing(spool)
    assert spool.end <= SIZE_MAX


def test_notices_of_several_rounds_are_one(folder):
    spool = build_spool(folder)
    for _ in range(8_000):
        spool.append(BODY, DEBUG)
    spool.settle()

    assert 1 == sum(frame.skipped > 0 for frame in contents(spool))
    assert list(range(1, 8_001)) == numbers(spool)


def test_when_there_is_room_again_all_is_taken_again(folder):
    spool = build_spool(folder)
    while spool.end < SIZE_MAX - 520 * 1024:
        spool.append(BODY, ERROR)
    errors = spool.number
    for _ in range(20):
        spool.append(BODY, DEBUG)
    spool.sent = spool.end
    spool.acknowledge(errors)
    spool.append(BODY, DEBUG)

    assert list(range(1, 22)) == [number - errors for number in numbers(spool) if number > errors]
    assert DEBUG in levels(spool)
    assert 10 < missing(spool) < 21


def test_acknowledged_records_leave_the_file(folder):
    spool = build_spool(folder)
    for _ in range(1_200):
        spool.append(BODY, INFO)
    spool.sent = spool.end
    spool.acknowledge(1_200)

    assert len(HELLO) == spool.end == spool.sent
    assert spool.is_delivered


def test_a_spool_that_is_never_empty_stays_short(folder):
    spool = Spool(folder, "spool", HELLO, lambda count: b"%d" % count)
    longest = 0
    for number in range(1, 40_000):
        spool.append(BODY, INFO)
        spool.sent = spool.end
        spool.acknowledge(number - 100)
        longest = max(longest, spool.end)

    assert longest < 12 * 1024 * 1024
    assert list(range(39_999 - 99, 40_000)) == numbers(spool)[-100:]
    assert spool.sent == spool.end


def test_a_folder_of_somebody_else_or_open_to_others_is_refused(tmp_path):
    folder = tmp_path / str(os.geteuid())
    folder.mkdir(mode=0o770)
    folder.chmod(0o770)

    with pytest.raises(PermissionError, match="not this user's alone"):
        open_folder(tmp_path)


def test_a_folder_that_is_a_link_is_not_followed(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / str(os.geteuid())).symlink_to("there")

    with pytest.raises(OSError, match=r"director|symbolic"):
        open_folder(tmp_path)


def test_a_gap_is_closed_by_a_record_that_stands_for_it(folder):
    spool = build_spool(folder)
    for _ in range(3):
        spool.append(b"a", INFO)
    frame = contents(spool)[-1]

    notice, same = filled(frame, 0, lambda count: b"%d" % count)

    assert (Kind.RECORD, b"2", 2, 1) == (notice.kind, notice.body, notice.number, notice.skipped)
    assert frame is same

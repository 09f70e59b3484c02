"""A log is followed while real processes write, rotate, compress, rename and cut it."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from itertools import pairwise

from linod.log import LogPlan, Rotator
from linod.log.following import Follower
from linod.log.reading import open_current
from linod.log.rotation import rotated
from linod.log.sink import FileSink

from .processes import fork, until, wait


def follow(path):
    return Follower(path, open_current(path))


def new(follower):
    return b"".join(follower.new()).splitlines()


def test_a_file_that_does_not_exist_yet_is_followed_from_its_first_line(tmp_path) -> None:
    path = tmp_path / "log" / "linod.log"
    follower = follow(path)
    before = new(follower)
    FileSink(path, 2).write(b"one\n")

    assert (before, new(follower)) == ([], [b"one"])


def test_only_what_comes_is_followed_and_only_whole_lines(tmp_path) -> None:
    path = tmp_path / "linod.log"
    path.write_bytes(b"old\n")
    follower = follow(path)
    with path.open("ab", 0) as file:
        file.write(b"half")
        first = new(follower)
        file.write(b" line\nmore\n")

    assert (first, new(follower)) == ([], [b"half line", b"more"])


def test_a_file_that_is_renamed_and_removed_is_left_when_it_is_read(tmp_path) -> None:
    path = tmp_path / "linod.log"
    path.write_bytes(b"")
    follower = follow(path)
    with path.open("ab", 0) as former:
        former.write(b"one\n")
        path.rename(tmp_path / "linod.log.1")
        path.write_bytes(b"two\n")
        former.write(b"late\n")
        found = new(follower) + new(follower)
        (tmp_path / "linod.log.1").unlink()
        path.unlink()
        path.write_bytes(b"three\n")

    assert sorted(found) == [b"late", b"one", b"two"]
    assert new(follower) == [b"three"]


def test_a_file_that_is_cut_by_hand_is_followed_from_its_beginning(tmp_path) -> None:
    path = tmp_path / "linod.log"
    path.write_bytes(b"one\ntwo\n")
    follower = follow(path)
    os.truncate(path, 0)
    between = new(follower)
    with path.open("ab", 0) as file:
        file.write(b"x\n")

    assert (between, new(follower)) == ([], [b"x"])


def test_files_that_came_and_went_between_two_looks_are_read_packed(tmp_path) -> None:
    path = tmp_path / "linod.log"
    sink = FileSink(path, 2)
    sink.write(b"one\n")
    follower = follow(path)
    rotator = Rotator(LogPlan(path=path, rotation="1 B", compression="gz"))
    for number in range(3):
        sink.write(b"line %d\n" % number)
        rotator.rotate_if_due(datetime.now(UTC))
        sink.write(b"after %d\n" % number)
        rotator.rotate_if_due(datetime.now(UTC))
    found = new(follower)

    assert sorted(found) == sorted(
        line for number in range(3) for line in (b"line %d" % number, b"after %d" % number)
    )


def _write(path, name, count):
    sink = FileSink(path, 2)
    for number in range(count):
        sink.write(b"%d %d %b\n" % (name, number, b"x" * 100))


def test_nothing_is_lost_or_doubled_while_writers_write_and_files_rotate(tmp_path) -> None:
    path = tmp_path / "linod.log"
    follower = follow(path)
    rotator = Rotator(LogPlan(path=path, rotation="20 KB", compression="gz"))
    writers = [fork(_write, path, name, 5_000) for name in range(3)]
    found: list[list[bytes]] = []

    def are_all_there():
        rotator.rotate_if_due(datetime.now(UTC))
        found.extend(line.split(b" ")[:2] for line in new(follower))
        return len(found) >= 15_000

    until(are_all_there)
    ends = [wait(pid) for pid in writers]
    found.extend(line.split(b" ")[:2] for line in new(follower))

    assert ends == [0, 0, 0]
    for name in range(3):
        own = [int(number) for who, number in found if int(who) == name]
        assert sorted(own) == [*range(5_000)]
        # The line that a renamed file gets late may come behind the first of the next one.
        assert sum(later < one for one, later in pairwise(own)) <= len(rotated(path))
    assert [*tmp_path.glob("*.log.gz")]

"""Several processes find what one finds, in the same order, and are gone afterwards."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from linod.log import reading
from linod.log.scanning import Piece, cut, scan
from linod.log.search import Search, Wanted

from .processes import until

AT = 1_800_000_000.0
"""After all lines."""
TEXT = "2026-11-20 {:02}:{:02}:{:02}.000+00:00 INFO     send#{} stdout: {}\n"


def line(number: int, text: str = "sent") -> bytes:
    clock = number // 3600, number // 60 % 60, number % 60
    return TEXT.format(*clock, number // 100, f"{text} {number}").encode()


def opened(path: Path) -> int:
    return os.open(path, os.O_RDONLY)


def children() -> set[int]:
    pid = os.getpid()
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


@given(
    lengths=st.lists(st.integers(0, 40), max_size=60),
    size=st.integers(1, 300),
    start=st.integers(0, 3),
    has_end=st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_pieces_are_whole_lines_and_all_of_them(tmp_path_factory, lengths, size, start, has_end):
    path = tmp_path_factory.getbasetemp() / "cut"
    lines = [b"x" * length + b"\n" for length in lengths]
    data = b"".join(lines)[: None if has_end else -1]
    begin = sum(map(len, lines[:start]))
    path.write_bytes(data)
    fd = opened(path)
    try:
        pieces = [*cut(fd, len(data), min(begin, len(data)), size)]
        read = [os.pread(fd, piece.end - piece.start, piece.start) for piece in pieces]
    finally:
        os.close(fd)

    assert b"".join(read) == data[begin:]
    assert all(part.endswith(b"\n") for part in read[:-1])
    assert all(len(part) <= size + 41 for part in read)


def reader(path: Path, wanted: Wanted, told: list, much: int) -> reading.LogReader:
    current = reading.open_current(path)
    return reading.LogReader(
        path, Search(wanted), current, lambda *each: told.append(each), much=much
    )


def test_several_processes_find_what_one_finds(tmp_path: Path) -> None:
    before = children()
    path = tmp_path / "linod.log"
    lines = [line(number, "failed" if number % 700 == 3 else "sent") for number in range(9_000)]
    parts = lines[:3_000], lines[3_000:6_000], lines[6_000:]
    old = path.with_name("linod.2026-11-20_00-50-00_000000.log")
    packed = path.with_name("linod.2026-11-20_01-40-00_000000.log.gz")
    old.write_bytes(b"".join(parts[0]))
    packed.write_bytes(gzip.compress(b"".join(parts[1])))
    path.write_bytes(b"".join(parts[2]))
    asked = {
        Wanted(text="failed"): 13,
        Wanted(runs=frozenset({7})): 100,
        Wanted(text="nothing"): 0,
    }
    for each, count in asked.items():
        told: list = []
        one = [found for lines in reader(path, each, told, 2**60).lines() for found in lines]
        several = [found for lines in reader(path, each, told, 0).lines() for found in lines]

        assert several == one
        assert len(one) == count
        assert told == []
        assert not children() - before


def test_what_cannot_be_read_is_told_and_the_rest_is_found(tmp_path: Path) -> None:
    path = tmp_path / "linod.log"
    packed = path.with_name("linod.2026-11-20_01-40-00_000000.log.gz")
    data = gzip.compress(b"".join(line(number, os.urandom(9).hex()) for number in range(5_000)))
    packed.write_bytes(data[:-200])
    path.write_bytes(line(9, "failed"))
    told: list = []

    found = [
        each for lines in reader(path, Wanted(text="failed"), told, 0).lines() for each in lines
    ]

    assert found == [line(9, "failed")]
    assert told == [(packed, "its end is missing")]


def test_who_takes_no_more_leaves_no_process_behind(tmp_path: Path) -> None:
    before = children()
    path = tmp_path / "linod.log"
    path.write_bytes(b"".join(line(number) for number in range(40_000)))
    fd = opened(path)
    size = os.fstat(fd).st_size
    found = scan(Search(Wanted(text="sent")), [*cut(fd, size, size=size // 16)])

    assert next(found).lines[0] == line(0)
    assert children() - before
    found.close()

    assert not children() - before
    os.close(fd)


def test_a_process_that_dies_is_told_of(tmp_path: Path) -> None:
    before = children()
    path = tmp_path / "linod.log"
    path.write_bytes(b"".join(line(number) for number in range(40_000)))
    fd = opened(path)
    size = os.fstat(fd).st_size
    found = scan(Search(Wanted(text="sent")), [Piece(fd, 0, size), Piece(fd, 0, size)] * 8)
    next(found)
    for pid in children() - before:
        os.kill(pid, 9)

    troubles = {each.trouble for each in found}

    assert "who read it has died" in troubles
    until(lambda: not children() - before)
    os.close(fd)


def test_what_has_an_end_in_time_is_read_by_one_process(tmp_path: Path) -> None:
    before = children()
    path = tmp_path / "linod.log"
    path.write_bytes(b"".join(line(number) for number in range(2_000)))
    found = reader(path, Wanted(text="sent", until=AT), [], 0).lines()

    assert next(found)
    assert not children() - before
    several = reader(path, Wanted(text="sent"), [], 0).lines()
    assert next(several)
    assert children() - before
    several.close()

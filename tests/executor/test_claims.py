"""How a run is claimed: in the keeper's book or with a file of its own, by one worker only."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disks import fill, small_disk
from linod.executor import claims, runfiles, wire, worker
from linod.executor.claims import BOOK_BYTES, BOOK_RUNS, Books
from linod.executor.forking import BOOKS, SPARES_MAX
from linod.executor.messages import TaskSpec

FIRST = [123, 456, "the-boot"]
END = {"outcome": "succeeded"}
needs_proc = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="a file is linked by its descriptor on Linux only"
)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def books(folder: int) -> Iterator[Books]:
    books = Books(folder, str(os.getpid()), BOOKS)
    yield books
    books.close()


def next_of(books: Books) -> int:
    book = books.next()
    assert book is not None
    return book


def names(folder: int) -> list[str]:
    return sorted(name for name in os.listdir(folder) if name.isdigit())


def claim(folder: int, book: int | None, run: int, **limits: int) -> int:
    station: Any = SimpleNamespace(folder=folder, boot="the-boot")
    job = worker.Job(spec=TaskSpec(name="x", limits=limits))
    return worker.claim(station, book, job, run, 456, print)


# -- one run ----------------------------------------------------------------------------------


def test_a_file_of_its_own_has_its_lines_and_is_for_its_user(folder: int, tmp_path: Path) -> None:
    file = claims.create(folder, 7, FIRST)
    os.write(file, claims.line(7, wire.encode(END)))
    os.close(file)

    assert claims.read(folder, 7) == [FIRST, END]
    assert (tmp_path / "7").stat().st_mode & 0o777 == 0o600


@needs_proc
def test_runs_in_a_book_have_their_lines_each(folder: int, books: Books, tmp_path: Path) -> None:
    book = next_of(books)
    assert claims.enter(folder, 7, book, FIRST)
    assert claims.enter(folder, 77, book, [1, 2, "x"])
    os.write(book, claims.line(77, wire.encode(END)))
    claims.append(folder, 7, {"outcome": "failed"})

    assert claims.read(folder, 7) == [FIRST, {"outcome": "failed"}]
    assert claims.read(folder, 77) == [[1, 2, "x"], END]
    assert (tmp_path / "7").stat().st_mode & 0o777 == 0o600


@needs_proc
@pytest.mark.parametrize("is_entered_first", [True, False])
def test_who_comes_second_knows_of_the_first(
    folder: int, books: Books, *, is_entered_first: bool
) -> None:
    first, second = next_of(books), next_of(books)
    if is_entered_first:
        assert claims.enter(folder, 7, first, FIRST)
    else:
        os.close(claims.create(folder, 7, FIRST))

    with pytest.raises(FileExistsError):
        claims.enter(folder, 7, second, [9, 9, "late"])
    with pytest.raises(FileExistsError):
        claims.create(folder, 7, [9, 9, "late"])

    assert claims.read(folder, 7) == [FIRST]


@needs_proc
def test_of_many_that_claim_a_run_at_once_one_gets_it(folder: int, books: Books) -> None:
    book = next_of(books)
    won = []
    for run in range(30):
        pids = []
        start, go = os.pipe()
        for _ in range(4):
            pid = os.fork()
            if pid == 0:
                os.close(go)
                os.read(start, 1)  # all at once, at its end
                try:
                    claims.enter(folder, run, book, [os.getpid(), 1, "boot"])
                except FileExistsError:
                    os._exit(1)
                os._exit(0)
            pids.append(pid)
        os.close(start)
        os.close(go)
        ended = {pid: os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids}
        won.append([pid for pid, status in ended.items() if status == 0])

        assert claims.read(folder, run) == [[won[-1][0], 1, "boot"]]

    assert [len(each) for each in won] == [1] * 30


@needs_proc
def test_nothing_is_written_where_a_link_points(folder: int, books: Books, tmp_path: Path) -> None:
    (tmp_path / "7").symlink_to("elsewhere")

    with pytest.raises(FileExistsError):
        claims.enter(folder, 7, next_of(books), FIRST)

    assert not (tmp_path / "elsewhere").exists()


@needs_proc
@given(st.lists(st.tuples(st.integers(1, 12), st.binary(max_size=30)), max_size=20))
def test_what_is_written_between_the_lines_concerns_no_other_run(
    tmp_path_factory: pytest.TempPathFactory, written: list[tuple[int, bytes]]
) -> None:
    folder = os.open(tmp_path_factory.mktemp("runs"), os.O_RDONLY | os.O_DIRECTORY)
    books = Books(folder, str(os.getpid()))
    book = next_of(books)
    for run in range(1, 13):
        assert claims.enter(folder, run, book, [run, 1, "boot"])
    for run, noise in written:
        if not noise.startswith(b"\n"):  # a line that was cut off has no beginning of another
            os.write(book, noise.replace(b"\n", b""))
        os.write(book, claims.line(run, wire.encode({"ended": run})))

    for run in range(1, 13):
        ends = [{"ended": run}] * sum(each == run for each, _ in written)
        assert claims.read(folder, run) == [[run, 1, "boot"], *ends]
    books.close()
    os.close(folder)


# -- where there is no book -------------------------------------------------------------------


@needs_proc
def test_a_worker_claims_in_the_book(folder: int, books: Books) -> None:
    book = next_of(books)

    assert claim(folder, book, 7) == book
    assert claims.read(folder, 7) == [[os.getpid(), 456, "the-boot"]]


@pytest.mark.parametrize("why", ["none", "a limit", "its name is gone", "it is large"])
def test_a_worker_makes_a_file_where_it_cannot_use_the_book(
    folder: int, books: Books, why: str, tmp_path: Path
) -> None:
    book: int | None = next_of(books)
    assert book is not None
    if why == "its name is gone":
        (next(tmp_path.glob("book-*"))).unlink()
    elif why == "it is large":
        os.truncate(book, BOOK_BYTES + 1)
    limits = {"file_size": 1_000_000} if why == "a limit" else {}

    file = claim(folder, None if why == "none" else book, 7, **limits)

    assert file != book
    os.close(file)
    assert claims.read(folder, 7) == [[os.getpid(), 456, "the-boot"]]


@contextmanager
def largest(size: int) -> Iterator[None]:
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, former[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)
        signal.signal(signal.SIGXFSZ, handler)


@needs_proc
def test_a_line_that_does_not_fit_claims_nothing_and_spoils_nothing(
    folder: int, books: Books
) -> None:
    book = next_of(books)
    with largest(10):
        assert not claims.enter(folder, 7, book, FIRST)
        with pytest.raises(OSError, match=r"No space|too large"):
            claims.create(folder, 8, FIRST)
    assert names(folder) == []

    assert claims.enter(folder, 7, book, FIRST)
    assert claims.read(folder, 7) == [FIRST]


@needs_proc
def test_on_a_full_disk_nothing_is_claimed(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", "64k") as path:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        books = Books(folder, str(os.getpid()))
        book = next_of(books)
        filler = fill(path)
        assert not claims.enter(folder, 7, book, FIRST)
        assert names(folder) == []
        filler.unlink()

        assert claims.enter(folder, 7, book, FIRST)
        books.close()
        os.close(folder)


# -- books ------------------------------------------------------------------------------------


def test_a_full_book_is_followed_by_another_and_goes_a_while_later(
    folder: int, books: Books
) -> None:
    named = []
    for _ in range(BOOKS + 1):
        for _ in range(BOOK_RUNS):
            next_of(books)
        named.append(sorted(os.listdir(folder)))

    ever = [f"book-{os.getpid()}-{number}" for number in range(BOOKS)]
    assert named == [ever[:number] for number in range(1, BOOKS + 1)] + [ever]


def test_where_no_book_could_be_made_the_next_one_can(books: Books) -> None:
    for _ in range((BOOKS + 1) * BOOK_RUNS):
        next_of(books)
    former = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, former[1]))
    try:
        assert books.next() is None
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, former)
    for _ in range(BOOK_RUNS - 1):
        assert books.next() is None

    assert next_of(books)


def test_who_waited_while_books_got_full_still_enters_its_own(folder: int, books: Books) -> None:
    book = os.dup(next_of(books))
    for _ in range(SPARES_MAX):
        next_of(books)

    assert claims.enter(folder, 7, book, FIRST)
    os.close(book)


def test_a_keeper_that_ends_leaves_no_book(folder: int) -> None:
    books = Books(folder, str(os.getpid()))
    next_of(books)
    books.close()

    assert os.listdir(folder) == []


def test_books_of_the_dead_are_swept_and_those_of_the_living_are_not(tmp_path: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    folder = runfiles.prepare(tmp_path)
    path = tmp_path / "runs" / str(os.geteuid())
    for pid in (dead.pid, os.getpid()):
        (path / f"book-{pid}-1").touch()
    for name in ("7", "8", "book-", "book-x-1", "other"):
        (path / name).touch()

    runfiles.sweep(tmp_path, {8})

    assert sorted(os.listdir(folder)) == ["8", f"book-{os.getpid()}-1"]
    os.close(folder)

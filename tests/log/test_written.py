"""A log server that is killed between any two steps loses no line and doubles none."""

from __future__ import annotations

import gzip
import os
import signal

import pytest

from linod.log.written import JOURNAL, STREAMS_MAX, Written

from .processes import fork, wait

STREAM = ("uid 1", "a" * 32)
BATCH = b"".join(
    b"2026-11-21 07:10:01.%03d+00:00 INFO     x[1] y: m%d\n" % (n, n) for n in range(4)
)
OTHER = b"2026-11-21 07:10:01.001+00:00 INFO     other[2] y: o\n"
EARLIER = b"2026-11-21 07:10:00.000+00:00 INFO     other[2] y: before\n"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "linod.log"
    path.write_bytes(EARLIER)
    return path


def opened(path):
    written = Written(path)
    written.open()
    return written


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def killed(path, *steps):
    """Run steps on a batch in a process that is killed after the last one."""

    def work():
        written = opened(path)
        written.take(BATCH, {STREAM: 4})
        for step in steps:
            step(written)
        die()

    assert -signal.SIGKILL == wait(fork(work))


def append_part(size, behind=b""):
    def step(written):
        with open(written.path, "ab", buffering=0) as file:
            file.write(BATCH[:size])
            file.write(behind)

    return step


def lines(path):
    return [line for line in path.read_bytes().split(b"\n") if line.strip()]


def whole(*parts):
    return sorted(b"".join(parts).split(b"\n")[:-1])


def test_killed_before_the_entry_nothing_is_written_and_nothing_known(path):
    killed(path)

    written = opened(path)

    assert (None, EARLIER) == (written.last(STREAM), path.read_bytes())


def test_killed_after_the_entry_the_next_one_appends_the_batch(path):
    killed(path, Written.enter)

    written = opened(path)

    assert (4, EARLIER + BATCH) == (written.last(STREAM), path.read_bytes())


def test_killed_after_the_lines_the_next_one_appends_nothing(path):
    killed(path, Written.enter, Written.append)

    written = opened(path)

    assert (4, EARLIER + BATCH) == (written.last(STREAM), path.read_bytes())


@pytest.mark.parametrize("behind", [b"", OTHER], ids=["alone", "with others"])
@pytest.mark.parametrize("size", range(0, len(BATCH) + 1, 3))
def test_killed_within_the_lines_each_is_there_once_and_none_is_torn(path, size, behind):
    killed(path, Written.enter, append_part(size, behind))

    opened(path)

    assert whole(EARLIER, BATCH, behind) == sorted(lines(path))


@pytest.mark.parametrize("size", [1, 60, 100])
def test_killed_while_it_mends_the_next_one_finds_the_same(path, size):
    killed(path, Written.enter, append_part(size, OTHER))
    journal = path.with_name(JOURNAL)
    before = journal.read_bytes()
    opened(path)
    journal.write_bytes(before)  # as if it had died before it began a new one

    opened(path)

    assert whole(EARLIER, BATCH, OTHER) == sorted(lines(path))


@pytest.mark.parametrize("others", [b"", OTHER])
def test_a_batch_in_a_file_that_was_rotated_and_compressed_is_found(path, others):
    killed(path, Written.enter, append_part(len(BATCH), others))
    packed = path.with_name("linod.2026-11-21_07-10-02_000000.log.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()

    opened(path)

    assert not path.exists() or path.read_bytes() == b""


def test_a_batch_whose_file_was_removed_is_appended_to_the_new_one(path):
    killed(path, Written.enter)
    path.unlink()

    opened(path)

    assert BATCH == path.read_bytes()


def test_a_line_of_another_that_begins_alike_is_left_alone(path):
    alike = BATCH.split(b"\n")[0][:40] + b" something else\n"
    killed(path, Written.enter, append_part(0, alike))

    opened(path)

    assert whole(EARLIER, alike, BATCH) == sorted(lines(path))


@pytest.mark.parametrize("cut", range(1, 200, 7))
def test_an_entry_that_is_not_whole_is_as_if_it_had_not_begun(path, cut):
    killed(path, Written.enter)
    journal = path.with_name(JOURNAL)
    os.truncate(journal, journal.stat().st_size - cut)

    written = opened(path)
    written.write(BATCH, {STREAM: 4})

    assert (4, EARLIER + BATCH) == (opened(path).last(STREAM), path.read_bytes())


def test_what_a_full_disk_refused_is_written_once_when_there_is_room(path):
    written = opened(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(OSError, match="directory"):
        written.write(BATCH, {STREAM: 4})
    path.rmdir()

    assert (4, 0) == (written.last(STREAM), written.in_log(STREAM))
    written.retry()
    assert (4, BATCH) == (written.in_log(STREAM), path.read_bytes())


def test_a_stream_that_ended_is_forgotten_for_good(path):
    written = opened(path)
    written.write(BATCH, {STREAM: 4})

    written.end(STREAM)

    assert (None, None) == (written.last(STREAM), opened(path).last(STREAM))


def test_one_sender_with_many_streams_pushes_out_no_other_one(path):
    written = opened(path)
    written.write(BATCH, {STREAM: 4})
    written.write(BATCH, {("uid 2", str(number)): 1 for number in range(STREAMS_MAX + 5)})

    assert (4, None, 1) == tuple(
        written.last(stream) for stream in (STREAM, ("uid 2", "0"), ("uid 2", "5"))
    )


def test_a_journal_that_grows_begins_anew_with_all_numbers(path):
    written = opened(path)
    line = OTHER[:-1] + b"x" * 1_000_000 + b"\n"
    for number in range(1, 20):
        written.write(line, {STREAM: number})

    assert path.with_name(JOURNAL).stat().st_size < 10_000_000
    assert 19 == opened(path).last(STREAM)


def test_a_journal_that_was_removed_is_made_again(path):
    written = opened(path)
    written.write(BATCH, {STREAM: 4})
    path.with_name(JOURNAL).unlink()

    written.look()

    assert 4 == opened(path).last(STREAM)

"""A process that cannot write the log loses no record, whatever happens to it or to the server."""

from __future__ import annotations

import os
import signal
import threading
import time
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from disks import fill, small_disk
from linod.log.frames import Hello, encode, write_hello
from linod.log.lines import Origin, Record, TextLines
from linod.log.outbox import CLOSE_WITHIN_S
from linod.log.plan import LogPlan
from linod.log.recorder import Recorder
from linod.log.spool import Spool, open_folder

from .processes import fork, in_child, until, wait
from .servers import Serving, line_of, serving

ORPHANS = 10_000
WAITED_MAX_S = 5.0


@pytest.fixture
def server(tmp_path):
    with serving(tmp_path / "log") as server:
        yield server


@pytest.fixture
def absent(tmp_path):
    """A server that was there once and is not now."""
    server = Serving(tmp_path / "log")
    server.begin()
    server.end()
    yield server
    if server.pid:
        server.end()


def write_all(sink, messages):
    for message in messages:
        assert sink.write(line_of(message))


def numbered(count, prefix="m"):
    return [f"{prefix}{number}" for number in range(count)]


def arrived(server, messages):
    until(lambda: len(server.messages()) >= len(messages))
    assert messages == server.messages()


def test_records_arrive_in_order_and_nothing_is_left_behind(server):
    sink = server.sink()
    write_all(sink, numbered(2_000))
    sink.close(20.0)

    assert numbered(2_000) == server.messages()
    assert [] == server.spools()


def test_without_a_server_records_are_kept_and_arrive_when_it_comes(absent):
    sink = absent.sink()
    write_all(sink, numbered(100))
    assert 1 == len(absent.spools())
    absent.begin()
    sink.close(20.0)

    arrived(absent, numbered(100))


def test_records_are_sent_once_though_the_server_is_killed_between(server):
    sink = server.sink()
    for turn in range(5):
        write_all(sink, numbered(50, f"t{turn}-"))
        server.end()
        write_all(sink, numbered(50, f"u{turn}-"))
        server.begin()
    sink.close(20.0)

    expected = [
        f"{kind}{turn}-{number}" for turn in range(5) for kind in "tu" for number in range(50)
    ]
    arrived(server, expected)


def test_a_stopped_server_keeps_nobody_waiting(server):
    sink = server.sink()
    write_all(sink, ["first"])
    os.kill(server.pid, signal.SIGSTOP)
    began = time.monotonic()
    took = []
    text = "x" * 1_000
    for number in range(5_000):
        before = time.monotonic()
        assert sink.write(line_of(f"{number} {text}"))
        took.append(time.monotonic() - before)
    before = time.monotonic()
    sink.close()
    closing = time.monotonic() - before
    os.kill(server.pid, signal.SIGCONT)

    assert time.monotonic() - began < 30.0
    assert max(took) < 1.0
    assert closing < CLOSE_WITHIN_S + 1.0
    arrived(server, ["first", *(f"{number} {text}" for number in range(5_000))])


def write_and_die(server, messages):
    write_all(server.sink(), messages)
    os.kill(os.getpid(), signal.SIGKILL)


def leave_spools(server, count):
    """Leave as many spools with a record each as if so many processes had died."""
    absent = open_folder(server.target.spool)
    for number in range(count):
        stream = f"{number:032x}"
        hello = encode(write_hello(Hello(stream, "prog", 7)))
        spool = Spool(absent, stream, hello, lambda _: b"")
        spool.append(line_of(f"m{number}"), 20)
        spool.close()
    os.close(absent)


def test_what_a_killed_process_had_written_is_delivered_by_the_server(server):
    assert -signal.SIGKILL == wait(fork(write_and_die, server, numbered(500)))

    arrived(server, numbered(500))
    until(lambda: server.spools() == [])


def test_what_was_written_while_the_server_was_away_is_delivered_though_its_process_died(absent):
    assert -signal.SIGKILL == wait(fork(write_and_die, absent, numbered(500)))
    absent.begin()

    arrived(absent, numbered(500))
    until(lambda: absent.spools() == [])


def test_many_spools_of_dead_processes_are_delivered_once_though_the_server_dies(absent):
    for number in range(30):
        wait(fork(write_and_die, absent, numbered(20, f"p{number}-")))
    for _ in range(5):
        absent.begin()
        absent.end()
    absent.begin()

    until(lambda: absent.spools() == [])
    expected = {f"p{writer}-{number}" for writer in range(30) for number in range(20)}
    assert (600, expected) == (len(absent.messages()), set(absent.messages()))


def test_half_a_frame_at_the_end_of_a_spool_is_passed_over(absent):
    wait(fork(write_and_die, absent, numbered(10)))
    (spool,) = absent.spools()
    os.truncate(spool, spool.stat().st_size - 5)
    absent.begin()

    arrived(absent, numbered(9))


def test_records_that_were_damaged_in_a_spool_are_counted_in_their_place(absent):
    wait(fork(write_and_die, absent, ["a", "b" * 50, "c" * 50, "d"]))
    (spool,) = absent.spools()
    data = spool.read_bytes().replace(b"bbb", b"BBB").replace(b"ccc", b"CCC")
    spool.write_bytes(data)
    absent.begin()

    until(lambda: len(absent.messages()) == 3)
    first, told, last = absent.messages()
    assert ("a", "d") == (first, last)
    assert told.startswith("2 records are missing here")


def test_what_is_no_spool_does_no_harm(absent):
    folder = absent.spool
    folder.mkdir(mode=0o700)
    (folder / "link").symlink_to("/etc/passwd")
    os.mkfifo(folder / "fifo")
    (folder / "folder").mkdir()
    (folder / "junk").write_bytes(b"junk" * 100)
    (folder / ("ef" * 16)).write_bytes(b"")
    wait(fork(write_and_die, absent, ["a"]))
    absent.begin()

    arrived(absent, ["a"])
    assert 0 == absent.end(signal.SIGTERM)


# -- the spool of a process that lives, in the hands of others ----------------------------------


def test_a_spool_that_was_removed_is_made_again(absent):
    sink = absent.sink()
    write_all(sink, numbered(100))
    (spool,) = absent.spools()
    spool.unlink()
    write_all(sink, numbered(100, "n"))

    assert 1 == len(absent.spools())
    absent.begin()
    sink.close(20.0)
    arrived(absent, numbered(100) + numbered(100, "n"))


def test_a_spool_that_was_emptied_is_counted(absent):
    sink = absent.sink()
    write_all(sink, numbered(10))
    (spool,) = absent.spools()
    os.truncate(spool, 0)
    write_all(sink, numbered(3, "n"))
    absent.begin()
    sink.close(20.0)

    until(lambda: len(absent.messages()) == 4)
    told, *rest = absent.messages()
    assert told.startswith("10 records are missing here")
    assert numbered(3, "n") == rest


def test_a_spool_on_a_full_disk_is_counted_exactly(tmp_path):
    with small_disk(tmp_path / "log", "2m") as folder:
        server = Serving(folder)
        server.begin()
        server.end()
        console = os.open(os.devnull, os.O_WRONLY)
        plan = LogPlan(
            server=f"unix://{server.socket}", spool=server.target.spool, fd=console, path=None
        )
        recorder = Recorder(plan, Origin("prog", os.getpid()))
        record_all(recorder, numbered(100))
        filler = fill(folder)
        record_all(recorder, numbered(20_000, "x"))
        filler.unlink()
        record_all(recorder, numbered(10, "n"))
        server.begin()
        recorder.sink.close(20.0)
        until(lambda: "n9" in server.messages())
        messages = server.messages()
        server.end()
        os.close(console)

    told = [message for message in messages if "missing here" in message]
    kept = [message for message in messages if message[0] == "x"]
    assert len(kept) < 20_000
    assert sum(int(message.split()[0]) for message in told) == 20_000 - len(kept)
    assert [each for each in messages if each not in told] == [
        *numbered(100),
        *kept,
        *numbered(10, "n"),
    ]


def record_all(recorder, messages):
    for message in messages:
        recorder.record(Record(1_795_237_801.0, "INFO", "shop", message))


@pytest.mark.timeout(300)
def test_ten_thousand_spools_that_were_left_behind_are_delivered_and_keep_nobody_waiting(absent):
    leave_spools(absent, ORPHANS)
    absent.begin()
    sink = absent.sink()

    os.kill(absent.pid, signal.SIGSTOP)
    os.waitpid(absent.pid, os.WUNTRACED)
    before = len(absent.messages())
    began = time.monotonic()
    write_all(sink, ["living"])
    os.kill(absent.pid, signal.SIGCONT)
    until(lambda: "living" in absent.messages(), 60.0)
    waited = time.monotonic() - began
    sink.close(20.0)

    until(lambda: absent.spools() == [], 240.0)
    assert sorted(absent.messages()) == sorted([*numbered(ORPHANS), "living"])
    assert waited < WAITED_MAX_S
    assert absent.messages().index("living") - before < ORPHANS / 10


def test_a_spool_that_became_a_link_is_replaced(absent, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    sink = absent.sink()
    write_all(sink, numbered(10))
    (spool,) = absent.spools()
    spool.unlink()
    spool.symlink_to(victim)
    write_all(sink, numbered(100, "n"))
    absent.begin()
    sink.close(20.0)

    arrived(absent, numbered(10) + numbered(100, "n"))
    assert "mine" == victim.read_text()


def test_a_spool_without_a_mode_goes_on(absent):
    sink = absent.sink()
    write_all(sink, ["a"])
    (spool,) = absent.spools()
    spool.chmod(0)
    write_all(sink, ["b"])
    absent.begin()
    sink.close(20.0)

    arrived(absent, ["a", "b"])


def test_without_a_place_for_a_spool_lines_go_to_the_console(tmp_path, capfd):
    sink = Serving(tmp_path / "nothing").sink()

    assert sink.write(line_of("a"))
    assert sink.write(line_of("b"))
    first, *lines = capfd.readouterr().err.splitlines()
    assert "has no spool for this user: No such file or directory; its lines come here" in first
    assert 2 == len(lines)


# -- forks, threads, signals --------------------------------------------------------------------


def test_a_forked_child_has_a_stream_of_its_own(server):
    sink = server.sink()
    write_all(sink, ["parent"])

    def work():
        sink.reset_after_fork()
        write_all(sink, ["child"])
        sink.close(20.0)

    in_child(work)
    write_all(sink, ["parent again"])
    sink.close(20.0)

    arrived(server, ["parent", "child", "parent again"])


def test_threads_write_whole_records_each_in_its_order(server):
    sink = server.sink()
    threads = [
        threading.Thread(target=write_all, args=(sink, numbered(300, f"t{number}-")))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sink.close(20.0)

    until(lambda: len(server.messages()) == 8 * 300)
    for number in range(8):
        prefix = f"t{number}-"
        mine = [message for message in server.messages() if message.startswith(prefix)]
        assert numbered(300, prefix) == mine


def test_a_signal_handler_may_write(server):
    sink = server.sink()
    former = signal.signal(signal.SIGALRM, lambda *_: sink.write(line_of("alarm")))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        write_all(sink, numbered(2_000))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
    sink.close(20.0)

    assert numbered(2_000) == [text for text in server.messages() if text != "alarm"]


def test_a_text_line_of_another_process_is_sent_as_the_record_that_it_was(server):
    record = Record(1_795_237_801.123, "WARNING", "shop.tasks", "a\nb: c \x1b", "send", 41)
    origin = Origin("worker", 9, "send_mail", 123)
    line = TextLines(ZoneInfo("Europe/Tallinn")).line(record, origin)
    sink = server.sink()
    sink.write(line)
    sink.close(20.0)

    assert TextLines(UTC).line(record, origin) == server.path.read_bytes().replace(b" +0", b"+0")

"""The log server writes what it is sent, once, in order, and a bad peer harms only itself."""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import suppress
from statistics import median

import pytest

from linod.errors import LinodError
from linod.log.access import Access
from linod.log.frames import Frame, Hello, Kind, encode, write_hello
from linod.log.lines import Origin
from linod.log.plan import LogPlan
from linod.log.server import STRANGERS_MAX, LogServer

from .processes import fork, until, wait
from .servers import HELLO, NOBODY, STREAM, Raw, frame_of, line_of, serving

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")


@pytest.fixture
def server(tmp_path):
    with serving(tmp_path / "log") as server:
        yield server


def test_records_are_acknowledged_when_they_are_in_the_log(server):
    raw = Raw(server)
    raw.send(HELLO, frame_of(1, "a"), frame_of(2, "b"))

    assert raw.acked(2)
    assert ["a", "b"] == server.messages()


def test_a_record_that_comes_again_is_acknowledged_and_not_written_again(server):
    Raw(server).send(HELLO, frame_of(1, "a"), frame_of(2, "b"))
    until(lambda: len(server.messages()) == 2)
    raw = Raw(server)
    raw.send(HELLO, frame_of(1, "a"), frame_of(2, "b"), frame_of(3, "c"))

    assert raw.acked(3)
    assert ["a", "b", "c"] == server.messages()


def test_what_a_sender_sent_before_it_went_is_written(server):
    messages = [f"{number} {'x' * 200}" for number in range(1, 301)]  # more than one turn reads
    os.kill(server.pid, signal.SIGSTOP)
    raw = Raw(server)
    raw.send(HELLO, b"".join(frame_of(n, message) for n, message in enumerate(messages, 1)))
    raw.connection.close()
    os.kill(server.pid, signal.SIGCONT)

    until(lambda: server.messages() == messages)


def test_who_connects_again_is_told_the_last_number(server):
    raw = Raw(server)
    raw.send(HELLO, frame_of(1, "a"), frame_of(2, "b"))
    assert raw.acked(2)
    again = Raw(server)
    again.send(HELLO)

    assert 2 == next(again.frames()).number


def test_a_killed_server_knows_the_numbers_when_it_is_back(server):
    raw = Raw(server)
    raw.send(HELLO, frame_of(1, "a"))
    assert raw.acked(1)
    server.end()
    server.begin()
    again = Raw(server)
    again.send(HELLO, frame_of(1, "a"), frame_of(2, "b"))

    assert again.acked(2)
    assert ["a", "b"] == server.messages()


BAD = {
    "gap": (HELLO, frame_of(1), frame_of(3)),
    "zero": (HELLO, encode(Frame(Kind.RECORD, b"{}", 0))),
    "hello twice": (HELLO, HELLO),
    "record first": (frame_of(1),),
    "acknowledgement": (HELLO, encode(Frame(Kind.ACK, b"", 1))),
    "early end": (HELLO, frame_of(1), encode(Frame(Kind.END, b"", 7))),
    "http": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",),
    "checksum": (HELLO, frame_of(1)[:-1] + b"?"),
    "no map": (HELLO, encode(Frame(Kind.RECORD, b"[]", 1))),
    "no stream": (encode(write_hello(Hello("x", "p", 1))),),
}


@pytest.mark.parametrize("parts", BAD.values(), ids=BAD)
def test_a_bad_peer_is_told_why_and_closed_and_others_go_on(server, parts):
    good, bad = Raw(server), Raw(server)
    good.send(encode(write_hello(Hello("cd" * 16, "prog", 7))), frame_of(1, "good"))
    bad.send(*parts)

    assert bad.refusal()
    good.send(frame_of(2, "still good"))
    assert good.acked(2)
    assert {"good", "still good"} <= set(server.messages())


def test_refused_peers_are_counted_in_the_log(server):
    Raw(server).send(b"GET / HTTP/1.1\r\n")

    until(lambda: any("it is no frame" in message for message in server.messages()))


def test_strangers_do_not_keep_others_out_and_cost_little_memory(server):
    before, opened = memory_of(server.pid), open_files(server.pid)
    silent = [Raw(server) for _ in range(1_000)]
    for raw in silent[:500]:
        with suppress(OSError):  # it had to go
            raw.send(HELLO[:10])
    raw = Raw(server)
    raw.send(HELLO, frame_of(1, "a"))

    assert raw.acked(1)
    assert memory_of(server.pid) - before < 16 * 1024 * 1024
    # Beside them it opens a folder of spools and a spool at a time.
    assert open_files(server.pid) - opened < STRANGERS_MAX + 5


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def test_frames_without_an_end_are_bounded_together(server):
    before = memory_of(server.pid)
    half = frame_of(1, "x" * 200_000)[:-1]
    hellos = [encode(write_hello(Hello(f"{n:032x}", "prog", 7))) for n in range(200)]
    peers = [Raw(server) for _ in hellos]
    for peer, hello in zip(peers, hellos, strict=True):
        with suppress(OSError):  # it had to go
            peer.send(hello, half)
    raw = Raw(server)
    raw.send(HELLO, frame_of(1, "a"))

    assert raw.acked(1)
    assert memory_of(server.pid) - before < 16 * 1024 * 1024


def test_a_flood_of_one_keeps_no_other_waiting(server):
    flood = fork(flood_of, server)
    until(lambda: len(server.messages()) > 100)
    waits_s = []
    for number in range(1, 11):
        began = time.monotonic()
        raw = Raw(server)
        raw.send(encode(write_hello(Hello(f"{number:032x}", "prog", 7))), frame_of(1, "me too"))
        assert raw.acked(1)
        waits_s.append(time.monotonic() - began)
    os.kill(flood, signal.SIGKILL)
    wait(flood)

    assert sum(waits_s) < 5.0
    assert median(waits_s) < 0.5


def flood_of(server):
    sink = server.sink()
    while True:
        sink.write(line_of("flood " + "x" * 100))


def test_while_the_log_cannot_be_written_nothing_is_acknowledged(server):
    server.path.mkdir()
    raw = Raw(server)
    raw.send(HELLO, frame_of(1, "a"))
    raw.connection.settimeout(1.5)
    with pytest.raises(TimeoutError):
        raw.acked(1)
    raw.connection.settimeout(20)
    server.path.rmdir()

    assert raw.acked(1)
    until(lambda: len(server.messages()) == 2)
    assert ["a", "the log can be written again; nothing is missing here"] == server.messages()


def test_a_directory_that_was_removed_is_made_again(server):
    raw = Raw(server)
    raw.send(HELLO, frame_of(1, "a"))
    assert raw.acked(1)
    os.rename(server.path.parent, server.path.parent.with_name("away"))
    until(server.answers)
    again = Raw(server)
    again.send(HELLO, frame_of(1, "a"), frame_of(2, "b"))

    assert again.acked(2)
    assert ["b"] == server.messages()


def test_a_socket_that_was_unlinked_is_made_again(server):
    server.socket.unlink()

    until(server.answers)


def test_a_second_server_is_refused(server):
    with pytest.raises(LinodError, match="another log server"):
        LogServer(LogPlan(path=server.path), Access(own=os.geteuid())).open()
    assert server.answers()


def test_what_is_no_socket_is_left_alone(tmp_path):
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "log.sock").write_text("mine")

    with pytest.raises(LinodError, match="is no socket: move it away"):
        LogServer(LogPlan(path=tmp_path / "log" / "linod.log"), Access(own=os.geteuid())).open()
    assert "mine" == (tmp_path / "log" / "log.sock").read_text()


def test_told_to_stop_it_ends_well_and_takes_its_socket_along(server):
    assert 0 == server.end(signal.SIGTERM)
    assert not server.socket.exists()


def test_the_log_is_followed_when_it_is_renamed(server):
    raw = Raw(server)
    raw.send(HELLO, frame_of(1, "a"))
    assert raw.acked(1)
    server.path.rename(server.path.with_name("old"))
    raw.send(frame_of(2, "b"))

    assert raw.acked(2)
    assert ["b"] == server.messages()


# -- who may say what ---------------------------------------------------------------------------


def as_nobody(function, *arguments):
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    function(*arguments)


def send_as(server, *frames):
    raw = Raw(server)
    raw.send(HELLO, *frames)
    assert raw.acked(len(frames))


@pytest.fixture
def open_path(open_folder):
    return open_folder / "log"


@needs_root
def test_another_user_is_named_and_may_claim_its_own_task_only(open_path):
    with serving(open_path, tasks={NOBODY: frozenset({"mirror"})}) as server:
        frames = [
            frame_of(1, "mine", task="mirror", run=3),
            frame_of(2, "not mine", task="backup", run=4),
            frame_of(3, "I am the daemon", program="daemon", pid=1),
        ]
        pid = fork(as_nobody, send_as, server, *frames)
        assert 0 == wait(pid)
        who = [line.split()[3] for line in server.path.read_text().splitlines()]

    assert ["mirror#3", f"prog@nobody[{pid}]", f"daemon@nobody[{pid}]"] == who


@needs_root
def test_a_user_without_a_right_to_send_is_refused(open_path):
    with serving(open_path, tasks={1: frozenset({"mirror"})}) as server:

        def be_refused():
            raw = Raw(server)
            assert "may not send" in raw.refusal()

        assert 0 == wait(fork(as_nobody, be_refused))


@needs_root
def test_a_stream_belongs_to_its_user(open_path):
    with serving(open_path, tasks={NOBODY: frozenset()}) as server:
        raw = Raw(server)
        raw.send(HELLO, frame_of(1, "a"), frame_of(2, "b"))
        assert raw.acked(2)
        assert 0 == wait(fork(as_nobody, send_as, server, frame_of(1, "of nobody")))
        raw.send(frame_of(3, "c"))

        assert raw.acked(3)
        assert ["a", "b", "of nobody", "c"] == server.messages()


@needs_root
def test_without_a_group_or_a_user_of_a_task_nobody_else_may_connect(open_path):
    with serving(open_path) as server:
        assert 0o600 == server.socket.stat().st_mode & 0o777


@needs_root
def test_members_of_the_group_may_connect_and_keep_spools(open_path):
    with serving(open_path, group=NOBODY) as server:
        assert (0o660, NOBODY) == (
            server.socket.stat().st_mode & 0o777,
            server.socket.stat().st_gid,
        )
        assert 0 == wait(fork(as_nobody, say_hello, server))
        assert ["hello"] == server.messages()


def say_hello(server):
    sink = server.sink()
    assert sink.write(line_of("hello"))
    sink.close(20.0)


def test_of_its_own_user_all_is_believed():
    claimed = Origin("worker", 9, "anything", 4)

    assert claimed == Access(own=5).origin(5, 1, Hello(STREAM, "p", 1), claimed)


def test_an_unfinished_hello_is_closed_in_time(server):
    raw = Raw(server)
    raw.connection.settimeout(30)

    assert "does not say who it is" in raw.refusal()


def test_descriptors_that_are_passed_along_are_not_kept(server):
    raw = Raw(server)
    raw.send(HELLO)
    assert raw.acked(0)
    with open(os.devnull) as file:
        before = len(os.listdir(f"/proc/{server.pid}/fd"))
        socket.send_fds(raw.connection, [frame_of(1, "a")], [file.fileno()] * 100)
        assert raw.acked(1)

        assert len(os.listdir(f"/proc/{server.pid}/fd")) <= before + 1  # the log


def memory_of(pid):
    """Read resident bytes."""
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

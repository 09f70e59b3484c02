"""The log server as a command, and as the child of a daemon."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from daemon.building import Daemon

from .processes import run_python, until

LOG = '[linod]\ntimezone = "UTC"\n[log]\nlevel = "INFO"\n'
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")


def begin(folder, *options):
    return subprocess.Popen(
        [sys.executable, "-m", "linod", "-c", str(folder / "linod.toml"), "log-server", *options],
        stderr=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
    )


def refused(folder, text):
    (folder / "linod.toml").write_text(text)
    server = begin(folder)
    _, told = server.communicate(timeout=30)
    return server.returncode, told


def test_alone_it_serves_until_it_is_told_to_stop_and_rotates(tmp_path):
    (tmp_path / "linod.toml").write_text(LOG + 'rotation = "1 kB"\ncompression = "none"\n')
    server = begin(tmp_path)
    until((tmp_path / "log" / "log.sock").exists)
    run_python("import linod, logging; linod.connect_log(); logging.info('x' * 2000)", tmp_path)

    until(lambda: list((tmp_path / "log").glob("linod.*-*.log")))
    server.terminate()
    assert ("", 0) == (server.communicate(timeout=30)[1], server.returncode)


def test_a_second_one_is_refused_in_one_line(tmp_path):
    (tmp_path / "linod.toml").write_text(LOG)
    first = begin(tmp_path)
    until((tmp_path / "log" / "log.sock").exists)
    second = begin(tmp_path)
    _, told = second.communicate(timeout=30)
    first.kill()
    first.communicate()

    assert 1 == second.returncode
    assert " ".join(told.split()).startswith("linod: another log server writes ")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[linod]\ntimezone = "UTC"\n', "needs no server"),
        (LOG + 'group = "no-such-group"\n', 'there is no group "no-such-group"'),
        ("[log\n", "has errors: run `linod check`"),
    ],
)
def test_what_it_cannot_serve_is_refused_with_78(tmp_path, text, told):
    code, line = refused(tmp_path, text)

    assert (78, 1) == (code, line.count("linod: "))
    assert told in " ".join(line.split())


def test_the_child_of_a_daemon_ends_with_the_pipe_to_it(tmp_path):
    (tmp_path / "linod.toml").write_text(LOG)
    server = begin(tmp_path, "--with-parent")
    until((tmp_path / "log" / "log.sock").exists)
    server.stdin.close()

    assert 0 == server.wait(30)


# -- as a child of serve ------------------------------------------------------------------------

SPEAKING = """
[log]
level = "INFO"
[tasks.speak]
shell = "echo spoken; echo wrong >&2"
recurrence = "every second"
user = "nobody"
"""


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split() if b"log-server" in command(child)]


def command(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return b""


@pytest.fixture
def folder(open_folder):
    return open_folder


@needs_root
def test_a_run_of_another_user_writes_to_the_log_though_the_server_is_killed(folder):
    daemon = Daemon(folder, SPEAKING)
    try:
        daemon.start()
        log = folder / "log" / "linod.log"
        until(lambda: log.exists() and "stdout: spoken" in log.read_text())
        (server,) = children(daemon.process.pid)
        os.kill(server, signal.SIGKILL)
        until(lambda: children(daemon.process.pid) not in ([], [server]))
        before = log.read_text().count("stderr: wrong")
        until(lambda: log.read_text().count("stderr: wrong") > before + 1)

        assert "the log server ended by signal 9: it is begun again" in log.read_text()
        runs = [line.split()[3] for line in log.read_text().splitlines() if "spoken" in line]
        assert len(set(runs)) == len(runs)
    finally:
        daemon.end()


QUIET = '[log]\nlevel = "INFO"\n[tasks.speak]\nshell = "echo spoken"\nrecurrence = "manually"\n'


@needs_root
def test_a_reload_begins_and_ends_the_server(folder):
    daemon = Daemon(folder, QUIET)
    try:
        daemon.start()
        assert [] == children(daemon.process.pid)
        daemon.write(SPEAKING)
        daemon.client.request("reload")
        until(lambda: children(daemon.process.pid))
        daemon.write(QUIET)
        daemon.client.request("reload")

        until(lambda: not children(daemon.process.pid))
    finally:
        daemon.end()

"""`linod logs`, which needs no daemon, and its following of a real one."""

from __future__ import annotations

import gzip
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import Result

from daemon.building import Daemon
from linod.events import Outcome, State
from linod.log.lines import ExceptionText, JsonLines, Origin, Record, TextLines

Linod = Callable[..., Result]
LIMIT_S = 30.0
DUE = datetime(2026, 11, 21, 1, 30, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Tallinn")
TEXT, JSON = TextLines(ZONE), JsonLines(ZONE)
LOG = """
[log]
"""
ERROR = ExceptionText("ValueError", "no", "Traceback (most recent call last):\n  x\nValueError: no")


def line(
    run: int,
    message: str,
    after_s: float = 1,
    *,
    form: Any = TEXT,
    level: str = "INFO",
    **more: Any,
) -> bytes:
    """Write a line of a run of nightly_backup."""
    record = Record((DUE + timedelta(seconds=after_s)).timestamp(), level, "shop", message, **more)
    return form.line(record, Origin("worker", 7, "nightly_backup", run))


@pytest.fixture
def logged(project: Path, build_run: Any, keep: Any) -> Path:
    """Keep two runs, the second of which failed, and their log in three files and both formats."""
    with (project / "linod.toml").open("a") as file:
        file.write(LOG)
    end = {"ended": DUE + timedelta(seconds=9), "log": "stored one\n"}
    second = DUE + timedelta(days=1)
    bad = {"outcome": Outcome.FAILED, "ended": second + timedelta(seconds=9), "reason": "no"}
    keep(
        (build_run(started=DUE, state=State.WAITING), end),
        (build_run(due=second, started=second), bad),
    )
    folder = project / "log"
    folder.mkdir()
    packed = folder / "linod.2026-11-21_03-30-03_000000.log.gz"
    packed.write_bytes(gzip.compress(line(1, "first") + line(1, "second\nhalf", 2)))
    plain = folder / "linod.2026-11-21_03-30-05_000000.log"
    plain.write_bytes(line(1, "third", 4, level="WARNING") + line(1, "fourth", 4, form=JSON))
    for path, after_s in ((packed, 3), (plain, 5)):
        at = (DUE + timedelta(seconds=after_s)).timestamp()
        os.utime(path, (at, at))
    day = 86_400
    (folder / "linod.log").write_bytes(
        line(1, "fifth", 6)
        + line(2, "broken", day + 1, level="ERROR", exception=ERROR)
        + TEXT.line(Record((DUE + timedelta(days=1)).timestamp(), "INFO", "shop", "web"), WEB)
    )
    return folder


WEB = Origin("gunicorn", 7)


def messages(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output
    return [json.loads(each)["message"] for each in result.stdout.splitlines()]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), ["first", "second\nhalf", "third", "fourth", "fifth", "broken", "web"]),
        (("nightly_backup",), ["first", "second\nhalf", "third", "fourth", "fifth", "broken"]),
        (("1",), ["first", "second\nhalf", "third", "fourth", "fifth"]),
        (("nightly_backup@2026-11-21 03:30", "-n", "1"), ["fifth"]),
        (("nightly_backup@last-failed",), ["broken"]),
        (("1", "-n", "2"), ["fourth", "fifth"]),
        (("1", "-n", "4"), ["second\nhalf", "third", "fourth", "fifth"]),
        (("--level", "warning"), ["third", "broken"]),
        (("--since", "2026-11-21 03:30:04"), ["third", "fourth", "fifth", "broken", "web"]),
        (("--until", "2026-11-21 03:30:04"), ["first", "second\nhalf"]),
        (("--grep", "half"), ["second\nhalf"]),
        (("--grep", "ValueError: no"), ["broken"]),
        (("1", "--grep", "f", "--since", "2026-11-21 03:30:04", "-n", "1"), ["fifth"]),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("logged")
def test_records_are_read_across_files_and_formats(
    linod: Linod, arguments: tuple[str, ...], expected: list[str]
) -> None:
    assert messages(linod("logs", *arguments, "--json")) == expected


def test_lines_come_as_they_stand_where_nobody_looks(linod: Linod, logged: Path) -> None:
    found = linod("logs", "nightly_backup@last-failed").stdout

    assert found.encode() in (logged / "linod.log").read_bytes()
    assert found.count("\n") == 1


def test_a_run_whose_lines_are_gone_shows_what_the_store_keeps(linod: Linod, logged: Path) -> None:
    for path in logged.iterdir():
        path.unlink()

    result = linod("logs", "1")

    assert result.stdout == "stored one\n"
    assert result.exit_code == 0
    assert "the records of run 1 are not in" in result.stderr
    assert "this is the end of its log, as the store keeps it" in " ".join(result.stderr.split())


@pytest.mark.usefixtures("logged")
def test_what_is_not_there_is_said(linod: Linod) -> None:
    assert "there is nothing of that in" in linod("logs", "--grep", "nonsense").stderr
    assert linod("logs", "send_mial").stderr == (
        'linod: there is no task "send_mial": did you mean "send_mail"?\n'
    )
    assert linod("logs", "--since", "soon").exit_code == 2


def test_a_run_that_the_store_does_not_know_is_found_in_the_log(linod: Linod, logged: Path) -> None:
    with (logged / "linod.log").open("ab") as file:
        file.write(line(77, "old"))

    assert messages(linod("logs", "77", "--json")) == ["old"]


def test_without_a_log_it_says_what_to_do_and_shows_what_is_stored(
    project: Path, linod: Linod, build_run: Any, keep: Any
) -> None:
    keep((build_run(started=DUE), {"ended": DUE + timedelta(seconds=9), "log": "stored\n"}))

    for which in ("1", "nightly_backup"):
        result = linod("logs", which)
        assert result.stdout == "stored\n"
        assert f"{project / 'linod.toml'} has no [log]" in " ".join(result.stderr.split())
    assert linod("logs").exit_code == 1
    told = linod("logs", "-f", "nightly_backup").stderr
    assert "has no [log]" in " ".join(told.split())


def test_a_clock_that_was_set_back_hides_no_run(
    linod: Linod, logged: Path, build_run: Any, keep: Any
) -> None:
    early = DUE + timedelta(seconds=3_000)
    (number,) = keep((build_run(due=early, started=early), {"ended": early + timedelta(seconds=9)}))
    # An hour passed, then the clock went back to where the run began, and on for long.
    before = [line(9, "x" * 300, 60 * minute) for minute in range(400)]
    (logged / "linod.log").write_bytes(
        b"".join([*before[:50], line(number, "mine", 3_001), *before[51:60], *before * 20])
    )

    assert messages(linod("logs", str(number), "--json")) == ["mine"]


# -- on a terminal ------------------------------------------------------------------------------


def test_a_terminal_shows_a_traceback_in_lines_and_no_control_sign(
    project: Path, logged: Path
) -> None:
    hostile = "\x1b[2J\x9b\u202e\x07a\tb\nnew"
    with (logged / "linod.log").open("ab") as file:
        file.write(line(3, hostile) + line(3, hostile, form=JSON, extra={"\x1b": "\u202e"}))
        file.write(b"foreign \x1b]0;title\x07\r\n")
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "linod", "logs"], cwd=project, stdout=follower, stderr=follower
    ) as process:
        os.close(follower)
        shown = _all(leader)
    text = shown.decode().replace("\r\n", "\n")

    assert process.returncode == 0
    assert "nightly_backup#2 shop: broken\n    Traceback (most recent call last):\n" in text
    assert text.count("\\x1b[2J\\x9b\\u202e\\x07a") == 2
    assert "\n    new\n" in text
    assert "foreign \\x1b]0;title\\x07" in text
    for colour in ("\x1b[2m", "\x1b[31m", "\x1b[33m", "\x1b[0m"):
        text = text.replace(colour, "")
    assert [sign for sign in text if sign != "\n" and not sign.isprintable()] == []


def _all(leader: int) -> bytes:
    found = b""
    try:
        while data := os.read(leader, 4096):
            found += data
    except OSError:  # Linux says so when the other end is closed
        pass
    os.close(leader)
    return found


# -- following ----------------------------------------------------------------------------------

TOML = """\
stop_timeout = "0.2 seconds"

[log]
format = "%s"

[tasks.talk]
shell = "for n in 1 2 3; do echo $n; sleep 0.2; done"

[tasks.first]
shell = "echo one"

[tasks.second]
shell = "echo two"

[chains.both]
tasks = ["first", "second"]
"""


@contextmanager
def serving(folder: Path, toml: str) -> Iterator[None]:
    daemon = Daemon(folder, toml)
    try:
        daemon.start()
        yield
        assert daemon.stop() == 0
    finally:
        daemon.end()


def call(folder: Path, *arguments: str) -> str:
    """Call the real program and give what it wrote to stdout; it has to succeed."""
    done = subprocess.run(
        [sys.executable, "-m", "linod", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def said(output: str) -> list[str]:
    return [json.loads(each)["message"] for each in output.splitlines()]


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_run_is_followed_to_its_end(project: Path, form: str) -> None:
    with serving(project, TOML % form):
        run = call(project, "run", "--no-wait", "talk").split()[1]
        assert said(call(project, "logs", "-f", run, "--json")) == ["1", "2", "3"]


def test_a_chain_is_followed_through_its_members(project: Path) -> None:
    with serving(project, TOML % "text"):
        run = call(project, "run", "--no-wait", "both").split()[1]
        assert said(call(project, "logs", "-f", run, "--json")) == ["one", "two"]
        assert said(call(project, "logs", "both", "--json")) == ["one", "two"]


def test_without_a_log_a_run_is_followed_through_the_daemon(project: Path) -> None:
    with serving(project, TOML.replace('[log]\nformat = "%s"\n', "")):
        run = call(project, "run", "--no-wait", "talk").split()[1]
        assert said(call(project, "logs", "-f", run, "--json")) == ["1", "2", "3"]


def _following(project: Path, **streams: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "linod", "logs", "-f", "nightly_backup"]
    return subprocess.Popen(command, cwd=project, stderr=subprocess.PIPE, **streams)


def test_a_task_is_followed_until_ctrl_c(project: Path, logged: Path) -> None:
    with _following(project, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        former = [process.stdout.readline() for _ in range(6)]
        began = time.monotonic()
        with (logged / "linod.log").open("ab") as file:
            file.write(line(1, "new"))
        new = process.stdout.readline()
        took_s = time.monotonic() - began
        process.send_signal(signal.SIGINT)
        told = process.stderr.read()

    assert former[-1].endswith(b"ValueError: no\n")
    assert new == line(1, "new")
    assert took_s < 5
    assert (process.returncode, told) == (0, b"")


@pytest.mark.usefixtures("logged")
def test_it_ends_when_its_reader_has_left(project: Path) -> None:
    with _following(project, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()

        assert process.wait(LIMIT_S) == 0

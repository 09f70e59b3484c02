"""Sinks beside the file: stdout and stderr in a format of their own, and systemd's journal."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys

import pytest

from linod.log import LogPlan
from linod.log.lines import ExceptionText, Origin, Record
from linod.log.recorder import Recorder
from linod.specs import LogFormat, LogLevel, LogSink, SinkName

from .processes import fork, run_python, until, wait

RUN = Origin("worker", 7, "mail", 12)
PROGRAM = Origin("daemon", 7)
STDOUT_JSON = LogSink(SinkName.STDOUT, LogFormat.JSON)
JOURNALD = LogSink(SinkName.JOURNALD, LogFormat.TEXT)


class JournalSocket:
    """A socket of the test's own, in place of the journal's."""

    def __init__(self, path):
        self.path = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(10)

    def entry(self):
        """Read one entry, whether sent whole or as a descriptor, as the protocol says."""
        data, descriptors, _, _ = socket.recv_fds(self.socket, 1 << 20, 1)
        for fd in descriptors:
            data = os.pread(fd, 1 << 24, 0)
            with pytest.raises(PermissionError):
                os.write(fd, b"x")
            os.close(fd)
        return fields(data)


def fields(data):
    found = {}
    while data:
        name, _, rest = data.partition(b"\n")
        if b"=" in name:
            name, _, value = name.partition(b"=")
            data = rest
        else:
            (size,) = struct.unpack("<Q", rest[:8])
            value, data = rest[8 : 8 + size], rest[8 + size + 1 :]
        found[name.decode()] = value.decode()
    return found


@pytest.fixture
def journal(tmp_path):
    made = JournalSocket(tmp_path / "socket")
    yield made
    made.socket.close()


def build_recorder(tmp_path, *beside, origin=RUN, **values):
    values = {"path": tmp_path / "linod.log", **values}
    return Recorder(LogPlan(beside=beside, **values), origin)


def test_stdout_has_a_format_of_its_own(tmp_path):
    read, write = os.pipe()
    recorder = build_recorder(tmp_path, STDOUT_JSON, out=write)

    recorder.record(Record(0.0, "INFO", "a", "m\n"))

    assert (tmp_path / "linod.log").read_text().endswith(" mail#12 a: m\\n\n")
    assert json.loads(os.read(read, 9_999))["message"] == "m\n"


def test_without_the_file_there_is_none(tmp_path):
    read, write = os.pipe()
    recorder = build_recorder(
        tmp_path, LogSink(SinkName.STDERR, LogFormat.TEXT), path=None, fd=write
    )

    recorder.record(Record(0.0, "INFO", "a", "m"))

    assert os.read(read, 9_999).count(b"\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_journal_gets_fields(tmp_path, journal):
    recorder = build_recorder(tmp_path, JOURNALD, journal=journal.path)

    recorder.record(Record(0.0, "WARNING", "shop.tasks", "m", "send", 41))

    assert journal.entry() == {
        "MESSAGE": "m",
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "mail",
        "LINOD_LOGGER": "shop.tasks",
        "CODE_FUNC": "send",
        "CODE_LINE": "41",
        "LINOD_TASK": "mail",
        "LINOD_RUN": "12",
    }


def test_a_message_keeps_its_lines_in_the_journal_and_no_escape(tmp_path, journal):
    recorder = build_recorder(tmp_path, JOURNALD, journal=journal.path, origin=PROGRAM)

    recorder.record(
        Record(
            *(0.0, "ERROR", "a", "one\nPRIORITY=0\x1b[2J\x00\u202e\udcff"),
            exception=ExceptionText("E", "x", "Traceback\nE: x"),
        )
    )

    entry = journal.entry()
    assert entry["MESSAGE"] == "one\nPRIORITY=0\\x1b[2J\\x00\\u202e\\udcff\nTraceback\nE: x"
    assert (entry["PRIORITY"], entry["SYSLOG_IDENTIFIER"]) == ("3", "daemon")
    assert "LINOD_TASK" not in entry


@pytest.mark.parametrize(
    ("level", "number", "priority"),
    [
        ("CRITICAL", 0, "2"),
        ("SUCCESS", 0, "5"),
        ("DEBUG", 0, "7"),
        ("AUDIT", 35, "4"),
        ("X", 0, "6"),
    ],
)
def test_a_level_becomes_a_priority_of_syslog(tmp_path, journal, level, number, priority):
    build_recorder(tmp_path, JOURNALD, journal=journal.path).record(
        Record(0.0, level, "a", "m", number=number)
    )

    assert journal.entry()["PRIORITY"] == priority


def test_a_large_message_goes_as_a_sealed_descriptor(tmp_path, journal):
    recorder = build_recorder(tmp_path, JOURNALD, journal=journal.path)
    text = "x" * 250_000 + "é"

    recorder.record(Record(0.0, "INFO", "a", text))

    assert journal.entry()["MESSAGE"] == text


def test_a_journal_that_is_missing_is_told_once_counted_and_recovered_from(tmp_path):
    path = tmp_path / "socket"
    recorder = build_recorder(tmp_path, JOURNALD, journal=str(path), origin=PROGRAM)

    for number in range(5):
        recorder.record(Record(0.0, "INFO", "a", f"m{number}"))
    journal = JournalSocket(path)
    recorder.record(Record(0.0, "INFO", "a", "again"))

    lines = (tmp_path / "linod.log").read_text().splitlines()
    assert [line.rsplit(" ", 1)[1] for line in lines if " a: " in line][:5] == [
        *("m0", "m1", "m2", "m3", "m4")
    ]
    told = [line for line in lines if "journald cannot be written" in line]
    assert len(told) == 1
    assert "No such file or directory; losses are counted" in told[0]
    assert journal.entry()["MESSAGE"] == "again"
    assert journal.entry()["MESSAGE"] == "5 records are missing here: No such file or directory"


def test_a_journal_that_is_started_anew_loses_nothing(tmp_path, journal):
    recorder = build_recorder(tmp_path, JOURNALD, journal=journal.path)
    recorder.record(Record(0.0, "INFO", "a", "1"))
    journal.socket.close()
    os.unlink(journal.path)
    second = JournalSocket(journal.path)

    recorder.record(Record(0.0, "INFO", "a", "2"))

    assert second.entry()["MESSAGE"] == "2"


def test_a_journal_that_takes_nothing_stops_no_writer_for_long(tmp_path, journal):
    recorder = build_recorder(tmp_path, JOURNALD, journal=journal.path, origin=PROGRAM)

    for number in range(1_000):
        recorder.record(Record(0.0, "INFO", "a", f"m{number}."))

    lines = (tmp_path / "linod.log").read_text().splitlines()
    assert sum(line.endswith(".") for line in lines) == 1_000
    assert sum("journald cannot be written" in line for line in lines) == 1


def test_a_child_writes_to_the_journal_too(tmp_path, journal):
    recorder = build_recorder(tmp_path, JOURNALD, journal=journal.path)
    recorder.record(Record(0.0, "INFO", "a", "parent"))

    assert wait(fork(recorder.record, Record(0.0, "INFO", "a", "child"))) == 0

    assert [journal.entry()["MESSAGE"] for _ in range(2)] == ["parent", "child"]


@pytest.mark.parametrize(
    ("file_level", "level", "in_file", "in_journal"),
    [
        (None, LogLevel.INFO, ["info", "error"], ["info", "error"]),
        (LogLevel.ERROR, LogLevel.INFO, ["error"], ["info", "error"]),
        (LogLevel.DEBUG, LogLevel.ERROR, ["debug", "info", "error"], ["error"]),
    ],
)
def test_the_file_may_have_a_level_of_its_own(tmp_path, file_level, level, in_file, in_journal):
    (tmp_path / "linod.toml").write_text(
        '[linod]\ntimezone = "UTC"\n[log]\nto = ["file", "stdout"]\n'
    )
    code = "import linod, logging\nlinod.connect_log()\n" + "".join(
        f"logging.{name}('{name}')\n" for name in ("debug", "info", "error")
    )
    environ = {} if file_level is None else {"LINO_FILE_LOGLEVEL": str(file_level)}

    ended = run_python(code, tmp_path, LINOD_LOG_LEVEL=str(level), **environ)

    def names(text):
        return [line.rsplit(" ", 1)[1] for line in text.splitlines()]

    assert names((tmp_path / "log" / "linod.log").read_text()) == in_file
    assert names(ended.stdout) == in_journal


def test_a_command_of_a_run_does_not_print_what_linod_would_log_again(tmp_path):
    (tmp_path / "linod.toml").write_text(
        '[linod]\ntimezone = "UTC"\n[log]\nto = ["file", "stdout"]\n'
    )
    code = "import linod, logging\nlinod.connect_log()\nlogging.info('x')"

    ended = run_python(code, tmp_path, LINOD_TASK="mail", LINOD_RUN_ID="3")

    assert ended.stdout == ""
    assert (tmp_path / "log" / "linod.log").read_text().count(" mail#3 ") == 1


def test_a_daemon_with_stdout_as_json_prints_nothing_else(tmp_path):
    (tmp_path / "shop.py").write_text(
        "from loguru import logger\n\n"
        "def work():\n    print('printed')\n    logger.info('logged')\n"
    )
    (tmp_path / "linod.toml").write_text(
        '[linod]\ntimezone = "UTC"\nimport_path = ["."]\n'
        '[log]\nto = ["file", { stdout = "json" }]\n'
        '[tasks.work]\nprocedure = "shop.work"\nrecurrence = "at start"\n'
        '[tasks.call]\ncommand = ["echo", "called"]\nrecurrence = "at start"\n'
    )
    output = tmp_path / "output"
    with output.open("w") as stdout:
        daemon = subprocess.Popen(
            [sys.executable, "-m", "linod", "serve"], cwd=tmp_path, stdout=stdout
        )
    try:
        until(lambda: output.read_text().count(" succeeded in") == 2)
    finally:
        daemon.terminate()
        daemon.wait(30)

    records = [json.loads(line) for line in output.read_text().splitlines()]
    said = [(each["task"], each["message"]) for each in records]
    for record in (("work", "printed"), ("work", "logged"), ("call", "called")):
        assert said.count(record) == 1
    assert (tmp_path / "log" / "linod.log").read_text().count("\n") == len(records)

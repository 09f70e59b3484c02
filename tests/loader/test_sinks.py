"""`[log] to` says where records go, each sink once, with a format where it has one."""

from __future__ import annotations

import pytest

from linod.codes import Severity
from linod.keys import written_table
from linod.loader import load
from linod.specs import LogFormat, LogSink, SinkName


@pytest.fixture
def loaded(tmp_path):
    def load_log(text):
        (tmp_path / "linod.toml").write_text(f'[linod]\ntimezone = "UTC"\n[log]\n{text}\n')
        return load(tmp_path / "linod.toml", {})

    return load_log


def test_the_file_is_the_sink_where_nothing_else_is_said(loaded):
    assert loaded("").config.log.formats == {SinkName.FILE: LogFormat.TEXT}


def test_names_and_tables_mix_and_format_is_that_of_who_has_none(loaded):
    log = loaded('to = ["stdout", { file = "json" }, "journald"]\nformat = "text"').config.log

    assert log.to == (
        LogSink(SinkName.STDOUT),
        LogSink(SinkName.FILE, LogFormat.JSON),
        LogSink(SinkName.JOURNALD),
    )
    assert log.formats[SinkName.STDOUT] is LogFormat.TEXT


def test_what_is_shown_can_be_written(loaded):
    log = loaded('to = ["file", { stdout = "json" }]').config.log

    assert written_table(log)["to"] == ["file", {"stdout": "json"}]


@pytest.mark.parametrize(
    ("to", "message", "label"),
    [
        ('["fiel"]', "expected one of file, stdout, stderr, journald", 'did you mean "file"?'),
        ('["file", "journal"]', 'got "journal"', 'did you mean "journald"?'),
        ('[{ stdout = "jsn" }]', 'expected one of text, json, got "jsn"', 'did you mean "json"?'),
        ('[{ file = "/run/secrets/x" }]', "expected one of text, json", ""),
        ('[{ journald = "json" }]', "journald takes no format", ""),
        ('["file", { file = "json" }]', '"file" is in the list already', ""),
        ('[{ file = "json", stdout = "json" }]', 'expected a name like "stdout"', ""),
        ("[1]", 'expected a name like "stdout"', ""),
        ("[]", "the log goes nowhere", ""),
        ('"stdout"', "expected a list of sinks", 'did you mean ["stdout"]?'),
    ],
)
def test_a_wrong_sink_is_refused_with_what_was_meant(loaded, to, message, label):
    found = loaded(f"to = {to}").diagnostics

    assert [each.severity for each in found] == [Severity.ERROR]
    assert message in found[0].message
    assert label in (found[0].label or "")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('to = ["stdout"]\nrotation = "1 MB"', "rotation"),
        ('to = ["journald"]\ndirectory = "x"', "directory"),
        ('to = [{ file = "json" }, "journald"]\nformat = "text"', "format"),
        ('to = ["journald"]\nformat = "json"', "format"),
    ],
)
def test_a_key_that_no_sink_needs_is_told(loaded, text, key):
    (found,) = loaded(text).diagnostics

    assert (found.code, found.message.split(" has no effect")[0]) == ("L094", f"log.{key}")


@pytest.mark.parametrize(
    "text",
    ['to = ["file", { stdout = "json" }]\nformat = "text"', 'to = ["stdout"]\nrotation = "none"'],
)
def test_a_key_that_is_needed_or_off_is_right(loaded, text):
    assert loaded(text).diagnostics == ()

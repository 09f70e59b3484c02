"""One record is one line, whatever is in it."""

from __future__ import annotations

import json
import sys
import time
import unicodedata
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linod.log.lines import (
    LINE_MAX,
    ExceptionText,
    JsonLines,
    Origin,
    Record,
    TextLines,
    describe_exception,
    escape,
    unescape,
)

TALLINN = ZoneInfo("Europe/Tallinn")
RUN = Origin("worker", 812, "send_mail", 123)
DAEMON = Origin("daemon", 812)
AT = 1795237801.1234  # 2026-11-21 05:10:01 UTC
ANY_TEXT = st.text(st.characters(), max_size=300)


def build_record(**values):
    return Record(**{"at": AT, "level": "INFO", "logger": "shop.tasks", "message": "hi", **values})


def text_line(record, origin=RUN, secrets=()):
    return TextLines(TALLINN, secrets).line(record, origin).decode()


def json_record(record, origin=RUN, secrets=()):
    return json.loads(JsonLines(TALLINN, secrets).line(record, origin))


def is_harmless(line):
    return not any(
        unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp", "Cf") and sign not in "\u200c\u200d"
        for sign in line
    )


def test_a_record_of_a_run_shows_time_level_run_place_and_message():
    line = text_line(build_record(function="send", line=41, message="12 sent"))

    assert (
        line == "2026-11-21 07:10:01.123+02:00 INFO     send_mail#123 shop.tasks:send:41: 12 sent\n"
    )


def test_a_record_of_the_daemon_shows_program_and_pid():
    line = text_line(build_record(level="WARNING", logger="linod.daemon"), DAEMON)

    assert line == "2026-11-21 07:10:01.123+02:00 WARNING  daemon[812] linod: hi\n"


def test_a_traceback_stands_behind_its_message_in_the_same_line():
    exception = ExceptionText("ValueError", "no", "Traceback:\n  File x\nValueError: no")

    line = text_line(build_record(exception=exception))

    assert line.endswith(": hi\\nTraceback:\\n  File x\\nValueError: no\n")


def test_a_json_record_has_the_documented_keys():
    exception = ExceptionText("ValueError", "no", "Traceback")

    record = json_record(build_record(function="f", line=1, exception=exception, extra={"a": 1}))

    assert record == {
        "ts": "2026-11-21T05:10:01.123400Z",
        "level": "INFO",
        "program": "worker",
        "pid": 812,
        "task": "send_mail",
        "run": 123,
        "logger": "shop.tasks",
        "function": "f",
        "line": 1,
        "message": "hi",
        "exception": {"type": "ValueError", "message": "no", "traceback": "Traceback"},
        "extra": {"a": 1},
    }


def test_the_hour_that_comes_twice_is_told_apart_by_its_offset():
    first, second = 1792886400.0, 1792890000.0  # 2026-10-25 00:00 and 01:00 UTC

    stamps = [text_line(build_record(at=at))[:29] for at in (first, second)]

    assert stamps == ["2026-10-25 03:00:00.000+03:00", "2026-10-25 03:00:00.000+02:00"]


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("a\nb", "a\\nb"),
        ("a\r\tb", "a\\r\\tb"),
        ("\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("a\u2028b\u2029", "a\\u2028b\\u2029"),
        ("\u202eevil\u2066", "\\u202eevil\\u2066"),
        ("\x00", "\\x00"),
        ("\ud800", "\\ud800"),
        ("caf\udce9", "caf\\udce9"),
        ("C:\\new", "C:\\\\new"),
        ("Žluťoučký 猫 👩\u200d💻", "Žluťoučký 猫 👩\u200d💻"),
        ("10\u00a0000 €", "10\u00a0000 €"),
    ],
)
def test_a_message_is_shown_with_what_could_do_harm_escaped(message, shown):
    assert text_line(build_record(message=message)).endswith(f": {shown}\n")


@pytest.mark.parametrize(
    "message", ["{0.__class__}", "%(asctime)s %s %d", "{extra[secret]}", "<red>x</red> </> \\<b>"]
)
def test_nothing_in_a_message_is_interpreted(message):
    assert unescape(text_line(build_record(message=message))).endswith(f": {message}\n")


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
@settings(max_examples=300, deadline=None)
def test_any_text_is_one_harmless_line_with_its_columns(message, logger, task):
    line = text_line(build_record(message=message, logger=logger), Origin("p", 1, task, 7))

    assert line.endswith("\n")
    assert is_harmless(line[:-1])
    assert line.split(" ", 5)[2] == "INFO"
    assert len(line.splitlines()) == 1


@given(ANY_TEXT, ANY_TEXT)
@settings(max_examples=300, deadline=None)
def test_any_text_is_one_harmless_json_object_that_gives_it_back(message, logger):
    line = JsonLines(TALLINN).line(build_record(message=message, logger=logger[:50]), RUN).decode()

    assert is_harmless(line[:-1])
    assert len(line.splitlines()) == 1
    assert json.loads(line)["message"] == message


@given(ANY_TEXT)
@settings(max_examples=300, deadline=None)
def test_escaped_text_can_be_turned_back(text):
    assert unescape(escape(text)) == text


def test_every_control_and_format_character_but_two_is_escaped():
    raw = [chr(code) for code in range(sys.maxunicode + 1) if escape(chr(code)) == chr(code)]

    assert [sign for sign in raw if not is_harmless(sign)] == []


@pytest.mark.parametrize("sign", ["x", "\n", "é", "\u202e", "\U000e0001", "\\"])
@pytest.mark.parametrize("build", [TextLines, JsonLines])
def test_a_huge_message_keeps_its_beginning_and_its_end(build, sign):
    message = "begin " + sign * 400_000 + " end"

    line = build(TALLINN).line(build_record(message=message), RUN)

    assert 0.3 * LINE_MAX < len(line) <= LINE_MAX
    assert "characters cut] …" in line.decode()
    assert b"begin" in line
    assert b" end" in line


@pytest.mark.parametrize("build", [TextLines, JsonLines])
def test_a_huge_message_is_cut_before_it_is_written_out(build):
    message = "\x1b\n" * 16_000_000
    begin = time.process_time()
    json.dumps(message)
    written_out_s = time.process_time() - begin

    begin = time.process_time()
    line = build(TALLINN).line(build_record(message=message), RUN)
    taken_s = time.process_time() - begin

    assert len(line) <= LINE_MAX
    assert taken_s < written_out_s


def test_a_huge_exception_fits_too():
    exception = ExceptionText("E" * 400_000, "m" * 400_000, "first" + "t" * 400_000 + "last")
    record = build_record(exception=exception, extra={"k": ["v" * 9000] * 100})

    assert len(text_line(record).encode()) <= LINE_MAX
    assert len(JsonLines(TALLINN).line(record, RUN)) <= LINE_MAX
    assert json_record(record)["exception"]["traceback"].endswith("last")


def test_secrets_are_masked_in_message_traceback_and_extra():
    exception = ExceptionText("E", "s3cret", "Traceback s3cret")
    record = build_record(
        message="it is s3cret", exception=exception, extra={"s3cret": ["s3cret", {"k": "s3cret"}]}
    )

    assert "s3cret" not in text_line(record, secrets=["s3cret"])
    assert "s3cret" not in str(json_record(record, secrets=["s3cret"]))
    assert ": it is ***" in text_line(record, secrets=["s3cret"])


@pytest.mark.parametrize(
    "message", ["pass\nword", repr("pass\nword"), "pass\\nword", "x pass\nword y"]
)
def test_a_secret_with_a_newline_is_masked_as_it_is_and_in_a_repr(message):
    assert "word" not in text_line(build_record(message=message), secrets=["pass\nword"])


def test_the_lines_of_a_key_file_are_masked_one_by_one():
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\n-----END KEY-----\n"

    assert text_line(build_record(message="MIIEvQIBADANBg"), secrets=[key]).endswith(": ***\n")


def test_a_secret_at_the_border_of_a_cut_leaves_nothing_of_itself():
    message = "x" * 196_500 + "s3cret-s3cret" * 200 + "y" * 400_000

    assert "s3cr" not in text_line(build_record(message=message), secrets=["s3cret-s3cret"])


def test_a_secret_of_three_characters_is_not_masked():
    assert text_line(build_record(message="abc"), secrets=["abc"]).endswith(": abc\n")


class Hostile:
    def __str__(self):
        raise RuntimeError("no")

    __repr__ = __str__


def test_extra_values_become_plain_json_whatever_they_are():
    ring = {}
    ring["self"] = ring
    extra = {
        "hostile": Hostile(),
        "nan": float("nan"),
        "big": 10**5000,
        3: {1, 2},
        "ring": ring,
        "bytes": b"\xff",
        "deep": [[[[[[1]]]]]],
    }

    found = json_record(build_record(extra=extra))["extra"]

    assert found["hostile"] == "<Hostile: repr() raised RuntimeError>"
    assert found["nan"] == "nan"
    assert found["3"] == "{1, 2}"
    assert found["bytes"] == "b'\\xff'"
    assert found["big"] == "<int: repr() raised ValueError>"


def test_a_chain_of_ten_thousand_causes_is_described():
    error = None
    for number in range(10_000):
        cause, error = error, ValueError(number)
        error.__cause__ = cause

    assert describe_exception(error).traceback.endswith("ValueError: 9999")


def test_an_exception_whose_text_raises_is_described():
    class OddError(Exception):
        __str__ = Hostile.__str__

    text = describe_exception(OddError())

    assert text.message == "<OddError: str() raised RuntimeError>"
    assert "exception str() failed" in text.traceback


def test_a_cyclic_cause_and_nested_groups_are_described():
    error = ValueError("a")
    error.__cause__ = error
    group = ExceptionGroup("g", [error])
    for _ in range(100):
        group = ExceptionGroup("g", [group])

    assert describe_exception(group).type == "ExceptionGroup"


@pytest.mark.parametrize("at", [float("nan"), float("inf"), -1e300, 1e300])
def test_an_impossible_time_does_not_lose_the_record(at):
    assert text_line(build_record(at=at)).startswith("1970-01-01 ")


def test_the_second_before_1970_is_written_as_any_other():
    assert text_line(build_record(at=-1.0)).startswith("1970-01-01 02:59:59.000+03:00 ")

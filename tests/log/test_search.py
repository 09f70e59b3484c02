"""Finding lines in blocks equals looking at each line; whatever is mixed, cut and packed."""

from __future__ import annotations

import gzip
import json
import os
import re
from datetime import datetime
from math import inf
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from linod.log import blocks, reading
from linod.log.entries import entry_of, head_of
from linod.log.lines import ExceptionText, JsonLines, Origin, Record, TextLines
from linod.log.plan import LEVEL_NUMBERS
from linod.log.search import Search, Wanted

ZONE = ZoneInfo("Europe/Tallinn")
AT = 1_795_000_000.0
FORMATS = {"text": TextLines(ZONE), "json": JsonLines(ZONE)}
TASKS = ("send", "send_mail", "mail", "null")
MESSAGES = (
    "",
    "sent",
    "to send_mail#12 and send#1 ",
    '"task":"send","run":1,"kept":true,',
    'a "quoted" back\\slash\nTraceback (most recent call last):\n  x',
    "õ\u202e\x1b[31m\udcff",
    "(kept) ",
    " send#1 x: y",
)
FOREIGN = (b"\n", b"   \n", b"not of linod\n", b"{}\n", b'{"ts":"x"}\n', b"\xff#1 \x80 send#1 \n")


@st.composite
def records(draw):
    record = Record(
        AT + draw(st.integers(0, 100)),
        draw(st.sampled_from([*LEVEL_NUMBERS, "AUDIT"])),
        draw(st.sampled_from(["stdout", "shop.tasks", "a b"])),
        draw(st.sampled_from(MESSAGES)),
        is_kept=draw(st.booleans()),
    )
    task = draw(st.sampled_from([None, *TASKS]))
    run = None if task is None else draw(st.sampled_from([None, 1, 11, 12]))
    return record, Origin("gunicorn", 7, task, run)


@st.composite
def written(draw):
    """A line, and what was logged where linod wrote it."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from(FOREIGN)), None
    record, origin = draw(records())
    return FORMATS[draw(st.sampled_from([*FORMATS]))].line(record, origin), (record, origin)


wanted = st.builds(
    Wanted,
    tasks=st.frozensets(st.sampled_from(TASKS), max_size=2),
    runs=st.frozensets(st.integers(1, 12), max_size=6),
    level=st.sampled_from([0, 20, 30]),
    since=st.sampled_from([-inf, AT + 30]),
    until=st.sampled_from([inf, AT + 60]),
    text=st.sampled_from(["", "sent", '"quoted" back\\slash\nTrace', "õ\u202e\x1b"]),
)


def is_asked(line, logged, asked):
    """Say by what was logged, not by its line, whether it is wanted."""
    if logged is None:
        nothing = Wanted(text=asked.text)
        return asked == nothing and not line.isspace() and asked.text.encode() in line
    record, origin = logged
    if (asked.tasks or asked.runs) and origin.run is None:
        return False
    number = LEVEL_NUMBERS.get(record.level, inf)
    return (
        (not asked.tasks or origin.task in asked.tasks)
        and (not asked.runs or origin.run in asked.runs)
        and number >= asked.level
        and asked.since <= record.at < asked.until
        and asked.text in record.message
    )


@given(st.lists(written(), max_size=30), wanted)
@settings(max_examples=300, deadline=None)
def test_a_block_is_searched_as_each_line_would_be(lines, asked) -> None:
    block = b"".join(line for line, _ in lines)

    expected = [line for line, logged in lines if is_asked(line, logged, asked)]
    assert Search(asked).lines(block) == expected


@given(st.lists(written(), max_size=30), wanted)
@settings(max_examples=100, deadline=None)
def test_kept_records_are_found_alone(lines, asked) -> None:
    block = b"".join(line for line, _ in lines)

    expected = [
        line
        for line, logged in lines
        if logged is not None
        and (logged[0].is_kept or (logged[0].message == "(kept) " and line.startswith(b"2")))
        and is_asked(line, logged, asked)
    ]
    assert Search(asked).of_kept().lines(block) == expected


@given(
    st.lists(st.sampled_from([b"a\n", b"bcd\n", b"\n", b"x" * 50 + b"\n"]), max_size=30),
    st.integers(1, 40),
    st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_blocks_are_whole_lines_however_a_file_is_cut(tmp_path_factory, lines, size, is_cut):
    folder = tmp_path_factory.mktemp("blocks")
    data = b"".join(lines)
    data = data[:-1] if is_cut else data
    whole = data + b"\n" if data and not data.endswith(b"\n") else data
    (folder / "plain").write_bytes(data)
    half = len(data) // 2
    (folder / "packed").write_bytes(gzip.compress(data[:half]) + gzip.compress(data[half:]))
    plain, packed = (os.open(folder / name, os.O_RDONLY) for name in ("plain", "packed"))
    for found in (
        [*blocks.forwards(plain, 0, len(data), size)],
        [*blocks.backwards(plain, len(data), size)][::-1],
        [*blocks.unpacked(packed, size)],
    ):
        assert b"".join(found) == whole
        assert all(block.endswith(b"\n") for block in found)
    os.close(plain)
    os.close(packed)


def test_a_line_of_text_is_read_back_as_the_object_that_json_would_have() -> None:
    record = Record(
        AT,
        "ERROR",
        "shop tasks",
        "a\nb\\n\x1b",
        "send",
        41,
        ExceptionText("ValueError", "x", "Traceback (most recent call last):\nValueError: x"),
    )
    origin = Origin("gunicorn", 7)
    text, as_json = (entry_of(lines.line(record, origin)) for lines in FORMATS.values())

    as_json["exception"] = {"traceback": record.exception.traceback}
    as_json["ts"] = as_json["ts"].replace("000Z", "Z")
    assert text == as_json


def test_a_foreign_line_has_no_head() -> None:
    assert [head_of(line) for line in FOREIGN] == [None] * len(FOREIGN)


# -- places in time -----------------------------------------------------------------------------


def _lines(count, kept=()):
    for number in range(count):
        record = Record(AT + number, "INFO", "x", f"{number} " + "y" * 200)
        yield FORMATS["text"].line(record, Origin("a", 1))
        if number in kept:
            for old in range(2_000):
                record = Record(AT + old / 10, "DEBUG", "x", "old", is_kept=True)
                yield FORMATS["text"].line(record, Origin("a", 1, "t", 1))


def test_a_place_is_found_by_time_though_old_records_were_kept(tmp_path) -> None:
    path = tmp_path / "linod.log"
    path.write_bytes(b"".join(_lines(5_000, kept=(1_000, 2_500, 3_750, 4_999))))
    fd = os.open(path, os.O_RDONLY)
    size = path.stat().st_size
    data = path.read_bytes()

    for second in (0, 999, 1_000, 2_500, 2_501, 3_749, 4_998):
        start = blocks.place(fd, size, AT + second)
        wanted = data.index(b" INFO     a[1] x: %d y" % second)
        assert start <= wanted
        assert start == 0 or data[start - 1 : start] == b"\n"
        assert wanted - start < 800_000 or second < 1_100
    os.close(fd)


def test_what_is_read_since_and_until_equals_a_filter_of_all_lines(tmp_path) -> None:
    path = tmp_path / "linod.log"
    lines = [*_lines(3_000, kept=(2_000,))]
    old = path.with_name("linod.2026-11-21_07-10-01_123456.log.gz")
    old.write_bytes(gzip.compress(b"".join(lines[:1_000])))
    os.utime(old, (AT + 999, AT + 999))
    path.write_bytes(b"".join(lines[1_000:]))

    for since, until in ((-inf, inf), (AT + 900, AT + 1_100), (AT + 1_500, inf), (-inf, AT + 10)):
        search = Search(Wanted(since=since, until=until))
        expected = [line for line in lines if since <= head_of(line).at < until]
        for count in (None, 1, 150, 10_000):
            log = reading.LogReader(path, search, reading.open_current(path), print)
            found = log.last(count) if count else [line for each in log.lines() for line in each]
            assert found == (expected[-count:] if count else expected)


def test_a_damaged_packed_file_is_told_and_the_rest_is_read(tmp_path) -> None:
    path = tmp_path / "linod.log"
    lines = [*_lines(2_000)]
    packed = gzip.compress(b"".join(lines[:1_000]))
    path.with_name("linod.2026-11-21_07-10-01_123456.log.gz").write_bytes(packed[:-100])
    path.write_bytes(b"".join(lines[1_000:]))
    told = []
    log = reading.LogReader(
        path, Search(Wanted()), reading.open_current(path), lambda *each: told.append(each)
    )

    found = [line for each in log.lines() for line in each]

    assert found[-1_000:] == lines[1_000:]
    assert [reason for _, reason in told] == ["its end is missing"]


def test_the_time_of_every_zone_is_read() -> None:
    for name in ("UTC", "Asia/Kathmandu", "America/St_Johns", "Africa/Monrovia"):
        line = TextLines(ZoneInfo(name)).line(Record(AT, "INFO", "x", "y"), Origin("a", 1))
        assert head_of(line).at == AT
        assert datetime.fromisoformat(entry_of(line)["ts"]).timestamp() == AT


def test_json_lines_are_valid_json_with_the_head_first() -> None:
    line = FORMATS["json"].line(Record(AT, "INFO", "x", "y", is_kept=True), Origin("a", 1, "t", 2))

    assert json.loads(line)["kept"] is True
    assert head_of(line).is_kept
    assert re.match(rb'\{"ts":"[^"]+","level":"INFO",', line)

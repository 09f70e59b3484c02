"""Frames go both ways unharmed; anything else is refused, and costs no memory."""

from __future__ import annotations

import json
import pickle
from datetime import UTC

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linod.log.frames import (
    BODY_MAX,
    HEADER_SIZE,
    NUMBER_MAX,
    Decoder,
    Finder,
    Frame,
    FrameError,
    Hello,
    Kind,
    Reason,
    encode,
    read_hello,
    read_record,
    write_hello,
)
from linod.log.lines import JsonLines, Origin, Record, TextLines

STREAM = "0123456789abcdef" * 2
HELLO = Hello(STREAM, "gunicorn", 812)
ORIGIN = Origin("worker", 812, "send_mail", 123)
FRAMES = st.builds(
    Frame,
    kind=st.sampled_from(Kind),
    body=st.binary(max_size=300),
    number=st.integers(1, NUMBER_MAX),
    level=st.integers(0, 255),
    skipped=st.just(0),
)


def decoded(*parts, body_max=BODY_MAX):
    decoder = Decoder(body_max)
    frames = []
    for part in parts:
        decoder.feed(part)
        frames += decoder.frames()
    return frames


def body_of(**values):
    record = Record(1_795_237_801.1234, "INFO", "shop", "hi")
    return json.dumps({**json.loads(JsonLines(UTC).line(record, ORIGIN)), **values}).encode()


def refused(body):
    with pytest.raises(FrameError) as error:
        read_record(body)
    return error.value.reason


# -- frames -------------------------------------------------------------------------------------


@given(frames=st.lists(FRAMES, max_size=4), data=st.data())
def test_frames_come_out_as_they_went_in_however_they_are_split(frames, data):
    whole = b"".join(map(encode, frames))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    parts = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]

    assert frames == decoded(*parts)


@given(frame=FRAMES)
def test_a_frame_in_writes_of_one_byte_is_one_frame(frame):
    assert [frame] == decoded(*(bytes([byte]) for byte in encode(frame)))


@given(frame=FRAMES, data=st.data())
def test_a_flipped_bit_gives_no_frame(frame, data):
    whole = bytearray(encode(frame))
    bit = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[bit // 8] ^= 1 << bit % 8

    try:
        frames = decoded(bytes(whole))
    except FrameError:
        frames = []

    assert [] == frames


@settings(max_examples=300)
@given(parts=st.lists(st.binary(max_size=200), max_size=10))
def test_garbage_raises_nothing_but_a_frame_error_and_is_not_kept(parts):
    decoder = Decoder()
    try:
        for part in parts:
            decoder.feed(part)
            list(decoder.frames())
    except FrameError:
        pass

    assert len(decoder) <= HEADER_SIZE + BODY_MAX


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (bytes(HEADER_SIZE), Reason.MAGIC),
        (pickle.dumps({"a": 1}), Reason.MAGIC),
        (b"\x1f\x8b\x08\x00", Reason.MAGIC),
        (b"GET / HTTP/1.1\r\n\r\n", Reason.MAGIC),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01", Reason.MAGIC),
        (b"\xb5L\x02" + bytes(HEADER_SIZE), Reason.VERSION),
        (b"\xb5L\x01\x02\x00\x00" + b"\xff" * 20, Reason.SIZE),
        (encode(Frame(Kind.RECORD, bytes(BODY_MAX + 1), 1)), Reason.SIZE),
        (encode(Frame(Kind.RECORD, b"", 0)), Reason.NUMBER),
        (encode(Frame(Kind.RECORD, b"", 2**64 - 1)), Reason.NUMBER),
        (encode(Frame(Kind.RECORD, b"", 3, skipped=3)), Reason.NUMBER),
        (encode(Frame(99, b"", 1)), Reason.KIND),
    ],
)
def test_what_is_no_frame_is_refused_by_its_header(data, reason):
    with pytest.raises(FrameError) as error:
        decoded(data)

    assert reason == error.value.reason


def test_a_frame_of_the_largest_body_is_taken_and_a_short_one_waits():
    whole = encode(Frame(Kind.RECORD, bytes(BODY_MAX), 1))

    assert [] == decoded(whole[:-1])
    assert 1 == len(decoded(whole))


def test_before_its_hello_a_peer_may_say_little():
    with pytest.raises(FrameError, match="too long"):
        decoded(encode(Frame(Kind.HELLO, bytes(5_000))), body_max=4_096)


@given(frames=st.lists(FRAMES, max_size=5), junk=st.binary(max_size=40))
def test_in_a_file_frames_are_found_behind_what_is_none(frames, junk):
    pieces = [encode(frame) for frame in frames]
    finder = Finder()
    data = (encode(Frame(Kind.ACK))[:-3] + junk.replace(b"\xb5L", b"")).join([b"", *pieces])

    found = list(finder.find(data[:50], is_last=False)) + list(finder.find(data[50:], is_last=True))

    assert frames == [frame for _, _, frame in found]
    assert pieces == [data[start:end] for start, end, _ in found]


# -- bodies -------------------------------------------------------------------------------------


def test_a_hello_is_read_as_it_was_written():
    assert HELLO == read_hello(write_hello(HELLO).body)


@pytest.mark.parametrize(
    "values",
    [
        {"stream": ""},
        {"stream": "../../etc/passwd"},
        {"stream": "a" * 10_000},
        {"stream": 7},
        {"program": "p" * 201},
        {"program": None},
        {"pid": -1},
        {"pid": 1.5},
        {"pid": True},
        {"host": "h" * 254},
        {"token": 1},
        {"is_left": 1},
    ],
)
def test_a_wrong_hello_is_refused(values):
    with pytest.raises(FrameError, match="body"):
        read_hello(json.dumps({**HELLO._asdict(), **values}).encode())


@given(message=st.text(st.characters(), max_size=300))
def test_a_record_makes_the_line_that_its_process_would_have_written(message):
    record = Record(1_795_237_801.1234, "INFO", "shop.tasks", message, "send", 41)
    body = JsonLines(UTC).line(record, ORIGIN).rstrip(b"\n")

    received, origin = read_record(body)

    assert TextLines(UTC).line(record, ORIGIN) == TextLines(UTC).line(received, origin)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"7",
        b"\xff\xfe{}",
        b"[" * 100_000,
        b"{}",
        body_of(message=None),
        body_of(message=["x"]),
        body_of(__class__="os"),
        body_of(level=10**9),
        body_of(level="x" * 201),
        body_of(level=-1),
        body_of(ts="NaN"),
        body_of(ts=1.0),
        body_of(ts="2026-11-21T05:10:01"),
        body_of(run=2**64),
        body_of(run=True),
        body_of(line=-1),
        body_of(line=float("nan")),
        body_of(extra=[]),
        body_of(exception={"type": "E"}),
        body_of(exception={"type": "E", "message": 1, "traceback": ""}),
        body_of(**{f"key{number}": 1 for number in range(10_000)}),
        body_of()[:-1] + b',"message":"twice"}',
        body_of()[:-1] + b',"extra":{"a":' + b"9" * 10_000 + b"}}",
    ],
)
def test_a_body_that_is_no_record_is_refused(body):
    assert Reason.BODY == refused(body)


@pytest.mark.parametrize(
    "text",
    ["a\nb\r", "\x1b]0;t\x07\x1b[2J\x1b]52;c;eA==\x07", "\x9b\u2028\u202e\0", "\udcff"],
)
def test_what_would_move_the_terminal_of_a_reader_is_escaped_by_the_server(text):
    record, origin = read_record(body_of(message=text, level='"; DROP', logger=text))
    line = TextLines(UTC).line(record, origin)

    assert line.decode().removesuffix("\n").isprintable()


@pytest.mark.parametrize("text", ["{0.__class__}", "%(asctime)s", "{extra[secret]}", "<red>x</>"])
def test_nothing_in_a_message_is_interpreted(text):
    record, origin = read_record(body_of(message=text))

    assert TextLines(UTC).line(record, origin).decode().endswith(f": {text}\n")


@pytest.mark.parametrize("ts", ["1969-12-31T23:59:59+00:00", "2106-02-07T06:28:16Z"])
def test_a_record_of_a_wrong_clock_is_kept_with_its_time(ts):
    record, _ = read_record(body_of(ts=ts))

    assert ts[:4] in TextLines(UTC).line(record, ORIGIN).decode()

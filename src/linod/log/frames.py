"""Frames between a process that cannot write the log and the log server.

Rules of this border:
- Pure: bytes in, frames out. Nothing but `FrameError` comes out of bytes, whatever they are, and
  nothing is kept beyond one frame and what was fed last.
- A frame is a header of fixed size and a body. The header has a checksum over both, so a bit that
  flips on its way is noticed, whichever it is. A decoder that raised once is of no use any more:
  where the next frame begins is not known. In a file it is looked for (`Finder`).
- Numbers are in the header, as integers: of a record its own, of an acknowledgement that of the
  last record which is in the log. A record says how many numbers before it will never come.
- Bodies are JSON, never pickle: of a hello who sends, of a record what `JsonLines` writes.
"""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any, NamedTuple, NoReturn

from linod.errors import LinodError
from linod.log.lines import LINE_MAX, NAME_MAX, ExceptionText, Origin, Record

VERSION = 1
BODY_MAX = LINE_MAX
"""Bytes; a longer record was cut when it was written as a line."""
HELLO_MAX = 4 * 1024
"""Bytes of the first body: a connection that has not said who it is costs no more."""
NUMBER_MAX = 2**63 - 1
HOST_MAX = 253
"""Characters of a host's name, RFC 1035."""

_MAGIC = b"\xb5L"
_HEADER = struct.Struct(">2sBBBxIQII")  # magic, version, kind, level, size, number, skipped, crc
HEADER_SIZE = _HEADER.size
_LEVEL_MAX = 255
_SKIPPED_MAX = 2**32 - 1
_STREAM = re.compile(r"[0-9a-f]{32}")
_LINE_MAX = 2**31


class Kind(IntEnum):
    """What a frame says."""

    HELLO = 1
    """Who sends, once, first."""
    RECORD = 2
    ACK = 3
    """All records up to this number are in the log."""
    END = 4
    """All is acknowledged, the spool is gone: the server may forget the stream."""
    REFUSED = 5
    """Why the server closes."""


class Reason(StrEnum):
    """Why a frame is refused."""

    MAGIC = "it is no frame"
    VERSION = "its version is not known"
    KIND = "its kind is not known"
    SIZE = "it is too long"
    CHECKSUM = "its checksum is wrong"
    NUMBER = "its number is out of order"
    BODY = "its body is not what it should be"
    ORDER = "it comes at the wrong time"
    TOKEN = "its token is wrong"


class FrameError(LinodError):
    """Bytes are not the frame that was expected; the peer that sent them is closed."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(reason))
        self.reason = reason


class Frame(NamedTuple):
    """One frame; `level` is loguru's number, for a spool that has to choose what to drop."""

    kind: Kind
    body: bytes = b""
    number: int = 0
    level: int = 0
    skipped: int = 0
    """Numbers before this one that will never come: it stands for them."""


class Hello(NamedTuple):
    """Who sends; what the server believes of it is its own affair."""

    stream: str
    """128 random bits of one process, as 32 hexadecimal digits."""
    program: str
    pid: int
    host: str = ""
    token: str = ""
    is_left: bool = False
    """Of another process, which is dead."""


def encode(frame: Frame) -> bytes:
    """Write a frame."""
    level = min(max(frame.level, 0), _LEVEL_MAX)
    head = _HEADER.pack(
        _MAGIC, VERSION, frame.kind, level, len(frame.body), frame.number, frame.skipped, 0
    )
    crc = zlib.crc32(frame.body, zlib.crc32(head))
    return head[:-4] + crc.to_bytes(4, "big") + frame.body


class Decoder:
    """Takes bytes as they come and gives whole frames."""

    def __init__(self, body_max: int = BODY_MAX) -> None:
        self._body_max = body_max
        self._buffer = bytearray()

    def __len__(self) -> int:
        """Give the bytes that wait for the rest of their frame."""
        return len(self._buffer)

    def allow(self, body_max: int) -> None:
        """Take longer bodies from now on."""
        self._body_max = body_max

    def feed(self, data: bytes) -> None:
        """Take bytes; call `frames` before the next ones."""
        self._buffer += data

    def frames(self) -> Iterator[Frame]:
        """Give the frames that are whole now; raise FrameError at the first that is wrong."""
        start = 0
        try:
            while (found := _read(self._buffer, start, self._body_max)) is not None:
                frame, start = found
                yield frame
        finally:
            del self._buffer[:start]


def _read(data: bytes | bytearray, start: int, body_max: int) -> tuple[Frame, int] | None:
    """Read the frame at `start` and where the next begins; None: it is not whole yet."""
    if len(data) - start < HEADER_SIZE:
        _refuse_beginning(data[start : start + len(_MAGIC)])
        return None
    magic, version, kind, level, size, number, skipped, crc = _HEADER.unpack_from(data, start)
    if magic != _MAGIC:
        raise FrameError(Reason.MAGIC)
    if version != VERSION:
        raise FrameError(Reason.VERSION)
    if size > body_max:
        raise FrameError(Reason.SIZE)
    end = start + HEADER_SIZE + size
    if len(data) < end:
        return None
    body = bytes(data[start + HEADER_SIZE : end])
    head = bytes(data[start : start + HEADER_SIZE - 4]) + bytes(4)
    if zlib.crc32(body, zlib.crc32(head)) != crc:
        raise FrameError(Reason.CHECKSUM)
    return _checked(kind, body, number, level, skipped), end


def _refuse_beginning(data: bytes | bytearray) -> None:
    """Refuse at once what cannot become a frame, so that nobody waits for its rest."""
    if not _MAGIC.startswith(bytes(data)):
        raise FrameError(Reason.MAGIC)


def _checked(kind: int, body: bytes, number: int, level: int, skipped: int) -> Frame:
    try:
        frame = Frame(Kind(kind), body, number, level, skipped)
    except ValueError:
        raise FrameError(Reason.KIND) from None
    least = 1 if frame.kind is Kind.RECORD else 0
    if not least <= number <= NUMBER_MAX or skipped > max(0, number - 1):
        raise FrameError(Reason.NUMBER)
    return frame


class Finder:
    """Finds the frames of a file, passing over what is none.

    A process that is killed leaves half a frame at the end, a full disk somewhere between.
    """

    def __init__(self, start: int = 0) -> None:
        self._start = start
        self._rest = b""

    def find(self, data: bytes, *, is_last: bool) -> Iterator[tuple[int, int, Frame]]:
        """Give where a frame begins, where it ends, and the frame; `data` is what comes next."""
        data, place = self._rest + data, 0
        while (place := _magic_at(data, place)) < len(data):
            try:
                found = _read(data, place, BODY_MAX)
            except FrameError:
                place += 1
                continue
            if found is not None:
                yield self._start + place, self._start + found[1], found[0]
                place = found[1]
            elif is_last:
                place += 1
            else:
                break
        self._start += place
        self._rest = data[place:]


def _magic_at(data: bytes, start: int) -> int:
    """Give where a frame may begin: perhaps with the last byte, else the end."""
    found = data.find(_MAGIC, start)
    if found >= 0:
        return found
    return len(data) - (len(data) > start and data[-1:] == _MAGIC[:1])


# -- bodies -------------------------------------------------------------------------------------


def write_hello(hello: Hello) -> Frame:
    """Make the first frame of a connection and of a spool."""
    return Frame(Kind.HELLO, json.dumps(hello._asdict(), separators=(",", ":")).encode())


def read_hello(body: bytes) -> Hello:
    """Read who sends; FrameError if it is no hello."""
    values = _object(body)
    _expect(values.keys() == set(Hello._fields))
    hello = Hello(**values)
    _expect(_is_text(hello.stream) and _STREAM.fullmatch(hello.stream) is not None)
    _expect(_is_word(hello.program) and _is_whole(hello.pid))
    _expect(_is_text(hello.host) and len(hello.host) <= HOST_MAX and _is_text(hello.token))
    _expect(type(hello.is_left) is bool)
    return hello


def read_record(body: bytes) -> tuple[Record, Origin]:
    """Read a record and who is said to have written it; FrameError if it is none."""
    values = _object(body)
    _expect(values.keys() - _MAY_LACK == _FIELDS and values.keys() <= _FIELDS | _MAY_LACK)
    for name, fits in _FITS.items():
        if name in values:
            _expect(fits(values[name]))
    exception, extra = values.get("exception"), values.get("extra")
    record = Record(
        _instant(values["ts"]),
        values["level"],
        values["logger"],
        values["message"],
        values["function"],
        values["line"],
        None if exception is None else ExceptionText(**exception),
        extra,
    )
    return record, Origin(values["program"], values["pid"], values["task"], values["run"])


def _object(body: bytes) -> dict[str, Any]:
    try:
        values = json.loads(body.decode(), object_pairs_hook=_once, parse_constant=_refused)
    except (ValueError, RecursionError):  # also bytes that are no UTF-8, and a number too long
        raise FrameError(Reason.BODY) from None
    _expect(type(values) is dict)
    found: dict[str, Any] = values
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key that comes twice: two readers would read two different records."""
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a key comes twice")
    return values


def _refused(_constant: str) -> NoReturn:
    raise ValueError("no JSON: NaN or Infinity")


def _expect(is_so: bool) -> None:
    if not is_so:
        raise FrameError(Reason.BODY)


def _instant(text: str) -> float:
    try:
        at = datetime.fromisoformat(text)
        _expect(at.tzinfo is not None)
        return at.timestamp()
    except (ValueError, OverflowError):
        raise FrameError(Reason.BODY) from None


def _is_text(value: Any) -> bool:
    return type(value) is str


def _is_word(value: Any) -> bool:
    return type(value) is str and len(value) <= NAME_MAX


def _is_whole(value: Any) -> bool:
    return type(value) is int and 0 <= value < _LINE_MAX


def _is_exception(value: Any) -> bool:
    is_table = type(value) is dict and value.keys() == set(ExceptionText._fields)
    return is_table and all(map(_is_text, value.values()))


def _is_task(value: Any) -> bool:
    return value is None or _is_word(value)


def _is_run(value: Any) -> bool:
    return value is None or (type(value) is int and 0 <= value <= NUMBER_MAX)


_FITS: dict[str, Callable[[Any], bool]] = {
    "ts": _is_word,
    "level": _is_word,
    "program": _is_word,
    "pid": _is_whole,
    "task": _is_task,
    "run": _is_run,
    "logger": _is_word,
    "function": _is_word,
    "line": _is_whole,
    "message": _is_text,
    "exception": _is_exception,
    "extra": lambda value: type(value) is dict,
}
_MAY_LACK = {"exception", "extra"}
_FIELDS = _FITS.keys() - _MAY_LACK

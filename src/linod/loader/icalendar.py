"""An iCalendar file (RFC 5545) as its events: lines unfolded, values read, the rest passed over.

Rules of this border:
- Text in, events out; what is malformed is refused with the number of its line.
- A value is as the file writes it: a day, a naive time of its own clock, or an aware one in UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta

from attrs import define, field, frozen

from linod.loader.refusal import Refused

Moment = date | datetime

_NAME_MAX = 60
_PROPERTY = re.compile(r"[A-Za-z0-9-]+", re.ASCII)
_MOMENT = re.compile(r"(\d{8})(?:T(\d{4})(\d{2})(Z?))?", re.ASCII)
_DURATION = re.compile(
    r"\+?P(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,9})S)?)?",
    re.ASCII,
)
_ESCAPED = re.compile(r"\\(.)")
_EVENT = ["VCALENDAR", "VEVENT"]


@frozen
class Line:
    """A property: `NAME;PARAMETER=…:value`."""

    number: int
    name: str
    parameters: dict[str, str]
    value: str

    def refused(self, what: str) -> Refused:
        """Say what is wrong with it."""
        return Refused("L078", f"line {self.number}: {what}")


@define
class Event:
    """A VEVENT as far as its days go."""

    line: Line
    begin: Moment = date.min
    end: Moment | None = None
    duration: timedelta | None = None
    rules: list[Line] = field(factory=list)
    dates: list[Moment] = field(factory=list)
    without: list[Moment] = field(factory=list)
    name: str = ""
    uid: str = ""
    replaces: Moment | None = None
    """RECURRENCE-ID: which one of the event with this uid it stands for."""
    is_cancelled: bool = False
    zone: str = ""
    """The one that DTSTART names."""


def events_of(text: str) -> Iterator[Event]:
    """Read the events; what stands inside of them, such as alarms, is passed over."""
    open_names: list[str] = []
    event: Event | None = None
    for line in _lines(text):
        if not open_names and (line.name, line.value.upper()) != ("BEGIN", "VCALENDAR"):
            raise line.refused("an iCalendar file begins with BEGIN:VCALENDAR")
        if line.name == "BEGIN":
            open_names.append(line.value.upper())
            event = Event(line) if open_names == _EVENT else event
        elif line.name == "END":
            if event is not None and open_names == _EVENT:
                yield _whole(event)
                event = None
            if line.value.upper() != open_names.pop():
                raise line.refused(f"END:{line.value[:40]} ends what did not begin")
        elif event is not None and open_names == _EVENT:
            _take(event, line)
    if open_names:
        raise Refused("L078", f"END:{open_names[-1][:40]} is missing: the file is cut off")


def _whole(event: Event) -> Event:
    if event.begin == date.min:
        raise event.line.refused("an event without DTSTART")
    return event


def _take(event: Event, line: Line) -> None:
    match line.name:
        case "DTSTART":
            event.begin, event.zone = _moment(line), line.parameters.get("TZID", "")
        case "DTEND":
            event.end = _moment(line)
        case "DURATION":
            event.duration = _duration(line)
        case "RRULE":
            event.rules.append(line)
        case "RDATE":
            event.dates += _moments(line)
        case "EXDATE":
            event.without += _moments(line)
        case "RECURRENCE-ID":
            event.replaces = _moment(line)
        case "SUMMARY":
            event.name = _name(line.value)
        case "UID":
            event.uid = line.value
        case "STATUS":
            event.is_cancelled = line.value.upper() == "CANCELLED"


# -- lines ----------------------------------------------------------------------------------------


def _lines(text: str) -> Iterator[Line]:
    """Unfold the lines: one that begins with a space goes on from the line before."""
    number, whole = 0, ""
    for count, line in enumerate(re.split(r"\r\n|\n|\r", text), 1):
        if line[:1] in (" ", "\t"):
            whole += line[1:]
            continue
        if whole.strip():
            yield _line(number, whole)
        number, whole = count, line
    if whole.strip():
        yield _line(number, whole)


def _line(number: int, text: str) -> Line:
    head, separator, value = _split(text, ":")
    name, *parameters = _split_all(head, ";")
    if not separator or not _PROPERTY.fullmatch(name.strip()):
        raise Refused("L078", f"line {number}: not a line of iCalendar")
    pairs = (each.partition("=") for each in parameters)
    values = {key.upper(): text.strip('"') for key, _, text in pairs}
    return Line(number, name.strip().upper(), values, value.strip())


def _split(text: str, sign: str) -> tuple[str, str, str]:
    """Split at the first sign that does not stand in quotes."""
    parts = text.split('"')
    for place in range(0, len(parts), 2):
        before, found, after = parts[place].partition(sign)
        if found:
            head, tail = [*parts[:place], before], [after, *parts[place + 1 :]]
            return '"'.join(head), found, '"'.join(tail)
    return text, "", ""


def _split_all(text: str, sign: str) -> Iterator[str]:
    found = sign
    while found:
        first, found, text = _split(text, sign)
        yield first


# -- values ---------------------------------------------------------------------------------------


def _moments(line: Line) -> Iterable[Moment]:
    """Read a list of moments; of periods, where they begin."""
    return [_read(line, each.partition("/")[0]) for each in line.value.split(",")]


def _moment(line: Line) -> Moment:
    return _read(line, line.value)


def _read(line: Line, value: str) -> Moment:
    match = _MOMENT.fullmatch(value.strip())
    try:
        if match is None:
            raise ValueError
        day = date.fromisoformat(match[1])
        if match[2] is None:
            return day
        # Second 60 is a leap second.
        at = f"{match[2]}{min(int(match[3]), 59):02}"
        moment = datetime.fromisoformat(f"{day.isoformat()}T{at}")
    except ValueError:
        raise line.refused(f"{line.name} is no date: {value[:40]}") from None
    return moment.replace(tzinfo=UTC) if match[4] else moment


def _duration(line: Line) -> timedelta:
    match = _DURATION.fullmatch(line.value)
    if match is None or not any(match.groups()):
        raise line.refused(f"DURATION is no duration: {line.value[:40]}")
    weeks, days, hours, minutes, seconds = (int(each or 0) for each in match.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def _name(value: str) -> str:
    """Take the text of a name: on one line, and not longer than one."""
    text = _ESCAPED.sub(lambda match: " " if match[1] in "nN" else match[1], value)
    words = "".join(sign if sign.isprintable() else " " for sign in text).split()
    return " ".join(words)[:_NAME_MAX]

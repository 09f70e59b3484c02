"""The days that an iCalendar file closes: each event closes the days that it touches.

Rules of this border:
- A day is the one that the file writes; times in UTC are read in a zone, that of [linod].
- Repetitions are followed up to a last day, and the days of all events are bounded in number.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from linod.loader.icalendar import Event, Line, Moment, events_of
from linod.loader.refusal import Refused
from linod.loader.zones import is_zone
from linod.planner import Planner
from linod.recurrence import RecurrenceError, parse

FIRST, LAST = date(2000, 1, 1), date(2100, 12, 31)
"""Days that are taken: public holidays are not known further either."""
DAYS_MAX = 100_000
"""Days that all events touch: what is more is no calendar of closed days."""

_DAY = timedelta(days=1)
_UNTIL = re.compile(r"UNTIL=(\d{8}T\d{6})Z", re.ASCII | re.IGNORECASE)


def days_of(text: str, zone: str) -> dict[date, str]:
    """Give the days of a file with the names of their events.

    Args:
        text: The file.
        zone: In which times in UTC are read.

    Raises:
        Refused: It is no iCalendar file, or holds more than is taken.

    """
    try:
        return _found(list(events_of(text)), ZoneInfo(zone))
    except OverflowError:
        raise Refused("L078", "a date outside of the years 1 to 9999") from None


def _found(events: list[Event], info: ZoneInfo) -> dict[date, str]:
    replaced: dict[str, set[date]] = defaultdict(set)
    for event in events:
        if event.replaces is not None:
            replaced[event.uid].add(_wall(event.replaces, info).date())
    found: dict[date, str] = {}
    touched = (pair for event in events for pair in _touched(event, info, replaced))
    for number, (day, name) in enumerate(touched):
        if number == DAYS_MAX:
            raise Refused("L078", f"more than {DAYS_MAX:,} days, with those that repeat")
        if name is not None and FIRST <= day <= LAST:
            found.setdefault(day, name)
    return found


def _touched(
    event: Event, info: ZoneInfo, replaced: Mapping[str, set[date]]
) -> Iterator[tuple[date, str | None]]:
    """Give the days of an event with its name; without one those that are taken back."""
    if event.is_cancelled:
        return
    without = {_wall(each, info).date() for each in event.without}
    if event.replaces is None:
        without |= replaced.get(event.uid, set())
    length = _length(event, info)
    for first in _first_days(event, info):
        if first in without:
            yield first, None
            continue
        for day in range(first.toordinal(), min(first.toordinal() + length, _LAST) + 1):
            yield date.fromordinal(day), event.name


_LAST = LAST.toordinal()


def _length(event: Event, info: ZoneInfo) -> int:
    """Count the days after the first one that an event touches; its end is not included."""
    begin = _wall(event.begin, info)
    end = begin + (event.duration or timedelta(0)) if event.end is None else _wall(event.end, info)
    return max(0, ((end - timedelta(microseconds=1)).date() - begin.date()).days)


def _first_days(event: Event, info: ZoneInfo) -> Iterator[date]:
    """Give the day on which an event begins, and those on which it does so again."""
    yield _wall(event.begin, info).date()
    yield from (_wall(each, info).date() for each in event.dates)
    for rule in event.rules:
        yield from _repeated(event, rule, info)


def _repeated(event: Event, rule: Line, info: ZoneInfo) -> Iterator[date]:
    """Follow a rule on the event's own clock: UTC where it is in UTC, else without a zone."""
    is_utc = _is_utc(event.begin)
    start = event.begin if isinstance(event.begin, datetime) else _midnight(event.begin)
    start = start.replace(tzinfo=UTC)
    try:
        value = rule.value if is_utc else _localized(rule.value, event, info)
        planner = Planner(parse(f"RRULE:{value}"), "UTC", start=start)
    except RecurrenceError as error:
        raise rule.refused(f"RRULE: {error.message}") from None
    before = max(start, _midnight(FIRST).replace(tzinfo=UTC)) - timedelta(seconds=1)
    for instant in planner.between(before, _midnight(LAST).replace(tzinfo=UTC) + _DAY):
        if instant != start:
            yield (instant.astimezone(info) if is_utc else instant).date()


def _localized(rule: str, event: Event, info: ZoneInfo) -> str:
    """Put an UNTIL, which is in UTC (RFC 5545 section 3.3.10), on the event's own clock."""
    own = ZoneInfo(event.zone) if is_zone(event.zone) else info

    def local(match: re.Match[str]) -> str:
        try:
            until = datetime.fromisoformat(match[1]).replace(tzinfo=UTC).astimezone(own)
        except ValueError:
            # What is no date is the parser's to refuse.
            return match[0]
        return f"UNTIL={until:%Y%m%dT%H%M%S}"

    return _UNTIL.sub(local, rule)


def _wall(moment: Moment, info: ZoneInfo) -> datetime:
    """Give a naive time: of a day its midnight, of a time in UTC what the zone's clock shows."""
    if not isinstance(moment, datetime):
        return _midnight(moment)
    return moment.astimezone(info).replace(tzinfo=None) if _is_utc(moment) else moment


def _is_utc(moment: Moment) -> bool:
    return isinstance(moment, datetime) and moment.tzinfo is not None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())

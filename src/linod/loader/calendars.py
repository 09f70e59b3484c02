"""The days of each calendar: dates, public holidays and iCalendar files, put into the tasks.

What `exclude` names is filled in with its days, so that a task alone says when it is due.
What cannot be read is told at its key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path as FilePath
from typing import TypeVar

import attrs
from attrs import frozen

from linod.loader.countries import holidays_of, parts_of
from linod.loader.event_days import days_of
from linod.loader.files import decode, read_bounded
from linod.loader.loaded import Entry, Kept
from linod.loader.refusal import Refused, dotted
from linod.specs import Calendar, CalendarDays, CalendarName, Chain, Config, Exclusion, Task

FILE_SIZE_MAX = 4 * 1024 * 1024
"""Of an iCalendar file: some ten thousand events."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_Spec = TypeVar("_Spec", Task, Chain)
_Days = Mapping[date, str]


def read_calendars(config: Config, kept: Kept) -> Config:
    """Find the days of all calendars, and put them into the tasks and chains that name them."""
    for name, calendar in config.calendars.items():
        reading = _Reading(calendar, kept.entries["calendars", name], kept, config.zone)
        kept.calendars[name] = CalendarDays(reading.days())
    return attrs.evolve(
        config,
        tasks={name: filled(task, kept) for name, task in config.tasks.items()},
        chains={name: filled(chain, kept) for name, chain in config.chains.items()},
    )


def filled(spec: _Spec, kept: Kept) -> _Spec:
    """Put their days to the calendars that a task excludes."""
    if not any(isinstance(each, CalendarName) for each in spec.exclude):
        return spec
    return attrs.evolve(spec, exclude=tuple(_filled(each, kept) for each in spec.exclude))


def _filled(exclusion: Exclusion, kept: Kept) -> Exclusion:
    if not isinstance(exclusion, CalendarName) or exclusion.calendar not in kept.calendars:
        return exclusion
    return attrs.evolve(exclusion, days=kept.calendars[exclusion.calendar])


@frozen
class _Reading:
    """One calendar, and where its findings go."""

    calendar: Calendar
    entry: Entry
    kept: Kept
    zone: str

    def days(self) -> _Days:
        """Gather the days; of a day with several names the first one is taken."""
        calendar, before = self.calendar, len(self.kept.findings.diagnostics)
        found: dict[date, str] = {}
        for days in (self._country(), self._file(), dict.fromkeys(calendar.dates, "")):
            found = {**days, **found}
        if not found and len(self.kept.findings.diagnostics) == before:
            self._tell_empty()
        return found

    def _country(self) -> _Days:
        country, part = self.calendar.country, self.calendar.subdivision
        if country is None:
            if part is not None:
                advice = "add country = …"
                self._add("subdivision", "L058", "a subdivision goes with a country", help=advice)
            return {}
        if self._taken("country", lambda: parts_of(country)) is None:
            return {}
        return self._taken("subdivision", lambda: holidays_of(country, part)) or {}

    def _file(self) -> _Days:
        path = self.calendar.file
        if path is None:
            return {}
        return self._taken("file", lambda: _days_of_file(path, self.zone)) or {}

    def _tell_empty(self) -> None:
        given = [key for key in ("country", "file") if getattr(self.calendar, key) is not None]
        if given:
            self._add(given[-1], "L094", "no day is in it from 2000 to 2100: it excludes nothing")
        else:
            advice = "give dates, file or country"
            self._add("", "L078", "a calendar without days", help=advice)

    def _taken(self, key: str, take: Callable[[], _Result]) -> _Result | None:
        try:
            return take()
        except Refused as refused:
            self._add(key, refused.code, refused.reason, label=refused.label, help=refused.help)
            return None

    def _add(
        self, key: str, code: str, message: str, *, label: str = "", help: str | None = None
    ) -> None:
        path = (*self.entry.path, key) if key in self.entry.table else self.entry.path
        self.kept.findings.add(
            self.entry.source,
            path,
            code,
            f"{dotted(path)}: {message}",
            is_key=path == self.entry.path,
            label=label,
            help=help,
        )


_Result = TypeVar("_Result")


def _days_of_file(path: FilePath, zone: str) -> _Days:
    try:
        data = read_bounded(path, FILE_SIZE_MAX)
        return days_of(decode(data.removeprefix(_BYTE_ORDER_MARK)), zone)
    except Refused as refused:
        sentence = refused.reason.removeprefix(f"{path.name} ")
        joint = " " if sentence != refused.reason else ": "
        raise Refused(refused.code, f"{path.name}{joint}{sentence}", help=refused.help) from None

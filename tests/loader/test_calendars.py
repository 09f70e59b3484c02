"""Where the days of a calendar come from, and what cannot be read."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from linod.planner import Planner
from linod.specs import CalendarDays, CalendarName

EXCLUDING = (
    '[tasks.x]\ncommand = "true"\nrecurrence = "every day"\nexclude = [{ calendar = "c" }]\n'
)
CHRISTMAS = """\
BEGIN:VCALENDAR
BEGIN:VEVENT
DTSTART;VALUE=DATE:20261224
DTEND;VALUE=DATE:20261227
SUMMARY:Christmas
END:VEVENT
END:VCALENDAR
"""


def days_of(loaded, task: str = "x") -> dict[date, str]:
    [excluded] = loaded.config.tasks[task].exclude
    return excluded.days.names


def test_dates_have_no_names(load_text) -> None:
    loaded = load_text(f"[calendars.c]\ndates = [2026-12-31, 2026-01-02]\n{EXCLUDING}")

    assert list(days_of(loaded).items()) == [(date(2026, 1, 2), ""), (date(2026, 12, 31), "")]


def test_a_country_has_its_public_holidays(load_text) -> None:
    days = days_of(load_text(f'[calendars.c]\ncountry = "EE"\n{EXCLUDING}'))

    assert days[date(2026, 2, 24)] == "Independence Day"
    assert date(2026, 2, 25) not in days
    assert (min(days).year, max(days).year) == (2000, 2100)


def test_a_subdivision_has_holidays_of_its_own(load_text) -> None:
    whole = days_of(load_text(f'[calendars.c]\ncountry = "DE"\n{EXCLUDING}'))
    part = days_of(load_text(f'[calendars.c]\ncountry = "DE"\nsubdivision = "BY"\n{EXCLUDING}'))

    assert date(2026, 1, 6) in part
    assert date(2026, 1, 6) not in whole


def test_a_file_has_the_days_of_its_events(load_text, tmp_path: Path) -> None:
    (tmp_path / "closed.ics").write_text(f"\N{BYTE ORDER MARK}{CHRISTMAS}", encoding="utf-8")

    loaded = load_text(f'[calendars.c]\nfile = "closed.ics"\n{EXCLUDING}')

    assert days_of(loaded) == {date(2026, 12, day): "Christmas" for day in (24, 25, 26)}


def test_all_sources_are_taken_together_and_a_name_is_kept(load_text, tmp_path: Path) -> None:
    (tmp_path / "closed.ics").write_text(CHRISTMAS)
    loaded = load_text(
        '[calendars.c]\ncountry = "EE"\nfile = "closed.ics"\n'
        f"dates = [2026-12-24, 2026-12-28]\n{EXCLUDING}"
    )
    days = days_of(loaded)

    assert days[date(2026, 12, 24)] == "Christmas Eve"
    assert days[date(2026, 12, 28)] == ""
    assert days[date(2026, 2, 24)] == "Independence Day"


def test_chains_and_defaults_are_filled_in_too(load_text) -> None:
    loaded = load_text(
        "[calendars.c]\ndates = [2026-12-31]\n"
        '[defaults]\nexclude = [{ calendar = "c" }]\n[tasks.x]\ncommand = "true"\n'
        '[tasks.m]\ncommand = "true"\n'
        '[chains.y]\ntasks = ["m"]\nexclude = [{ calendar = "c" }]\n'
    )
    expected = (CalendarName(calendar="c", days=CalendarDays({date(2026, 12, 31): ""})),)

    assert loaded.config.tasks["x"].exclude == expected
    assert loaded.config.chains["y"].exclude == expected


def test_two_loads_of_one_file_are_equal(load_text) -> None:
    text = f'[calendars.c]\ncountry = "EE"\n{EXCLUDING}'
    one, other = load_text(text).config.tasks["x"], load_text(text).config.tasks["x"]

    assert one == other
    assert Planner.of(one, "UTC").definition == Planner.of(other, "UTC").definition


# -- what cannot be read --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "code", "line", "message", "label"),
    [
        ("", "L078", 1, "calendars.c: a calendar without days", ""),
        ("dates = []", "L078", 1, "calendars.c: a calendar without days", ""),
        (
            'country = "ee"',
            "L078",
            2,
            'calendars.c.country: unknown country "ee"',
            'did you mean "EE"?',
        ),
        ('country = "Estonia"', "L078", 2, 'calendars.c.country: unknown country "Estonia"', ""),
        (
            'country = "DE"\nsubdivision = "by"',
            "L078",
            3,
            'calendars.c.subdivision: DE has no part "by"',
            'did you mean "BY"?',
        ),
        (
            'country = "EE"\nsubdivision = "X"',
            "L078",
            3,
            'calendars.c.subdivision: EE has no part "X"',
            "",
        ),
        (
            'subdivision = "BY"\ndates = [2026-12-31]',
            "L058",
            2,
            "calendars.c.subdivision: a subdivision goes with a country",
            "",
        ),
        ('file = "no.ics"', "L001", 2, "calendars.c.file: no.ics does not exist", ""),
        ('file = "."', "L001", 2, None, ""),
        (
            'file = "bad.ics"',
            "L078",
            2,
            "calendars.c.file: bad.ics: line 2: not a line of iCalendar",
            "",
        ),
        ('file = "latin.ics"', "L002", 2, None, ""),
        ('file = "large.ics"', "L003", 2, "calendars.c.file: large.ics: larger than 4 MiB", ""),
        ("dates = [2026-13-01]", "L004", 2, None, None),
        ('dates = ["2026-12-01"]', "L051", 2, None, None),
        ('file = ""', "L052", 2, None, None),
    ],
)
def test_what_cannot_be_read_is_told_at_its_place(
    load_text, tmp_path: Path, lines: str, code: str, line: int, message: str | None, label: str
) -> None:
    (tmp_path / "bad.ics").write_text("BEGIN:VCALENDAR\nhello\n")
    (tmp_path / "latin.ics").write_bytes("J\xf5ulud".encode("latin"))
    (tmp_path / "large.ics").write_bytes(b" " * (4 * 1024**2 + 1))

    [error] = load_text(f"[calendars.c]\n{lines}\n").errors

    assert (error.code, error.place.line) == (code, line)
    assert message is None or error.message == message
    assert label is None or error.label == label


def test_an_unknown_part_is_told_with_those_there_are(load_text) -> None:
    [error] = load_text('[calendars.c]\ncountry = "BE"\nsubdivision = "X"\n').errors

    assert error.help is not None
    assert error.help.startswith("its parts are ") or "no parts" in error.help


def test_a_file_without_days_is_warned_of(load_text, tmp_path: Path) -> None:
    (tmp_path / "empty.ics").write_text("BEGIN:VCALENDAR\nEND:VCALENDAR\n")

    loaded = load_text('[calendars.c]\nfile = "empty.ics"\n')

    assert loaded.errors == ()
    assert [(each.code, each.place.line, each.message) for each in loaded.diagnostics[1:]] == [
        ("L094", 2, "calendars.c.file: no day is in it from 2000 to 2100: it excludes nothing")
    ]


def test_without_the_library_the_extra_is_named(tmp_path: Path) -> None:
    (tmp_path / "linod.toml").write_text('[calendars.c]\ncountry = "EE"\n')
    code = (
        "import sys; sys.modules['holidays'] = None\n"
        "from pathlib import Path; from linod.loader import load\n"
        "[error] = load(Path('linod.toml'), {}).errors\n"
        "print(error.code, error.place.line, error.message, error.help, sep='; ')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert done.stdout == (
        "L078; 2; calendars.c.country: public holidays need the holidays library, which is not "
        "installed; pip install 'linod[holidays]'\n"
    )


def test_without_a_country_the_library_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "linod.toml").write_text("[calendars.c]\ndates = [2026-12-31]\n")
    code = (
        "import sys; from pathlib import Path; from linod.loader import load\n"
        "load(Path('linod.toml'), {}); print('holidays' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert done.stdout == "False\n"

"""The reference of linod.toml in Markdown, made from the specs, and the page of all codes.

`python -m linod.reference FOLDER` writes reference.md, codes.md and decisions.md there; a test
holds those in docs/ against what is made here. Only `main` reads or writes anything.
"""

from __future__ import annotations

import html
import itertools
import sys
import typing
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

from linod import specs
from linod.codes import CODES, Code
from linod.decisions import decisions
from linod.keys import TABLES, Key, Table, is_spec, keys_of
from linod.recurrence.model import Recurrence
from linod.toml import value_text

_MADE = "<!-- Made by python -m linod.reference docs; edit the specs or the codes instead. -->"


# -- keys ---------------------------------------------------------------------------------------


def reference() -> str:
    """Write the page of all tables and keys."""
    pages = [_table(table) for table in TABLES]
    # [defaults] stands where a person looks for it: before the tasks.
    place = next(at for at, table in enumerate(TABLES) if table.spec is specs.Task)
    pages.insert(place, _DEFAULTS)
    return "\n".join([_INTRODUCTION, *pages, _ENVIRONMENT])


_INTRODUCTION = f"""{_MADE}

# Configuration reference

Every table and every key of `linod.toml`.
An unknown key, table or value is an error that `linod check` shows at its line and column.
`linod schema` prints the same as JSON Schema, for editors.

## How values are written

| form | examples |
|---|---|
| duration | `"10 seconds"`, `"1 hour 30 minutes"`, `"250 ms"`, `"90 days"`; units are weeks, days, hours, minutes, seconds and milliseconds |
| size | `"20 MB"` (powers of 1000), `"20 MiB"` (powers of 1024) |
| time of day | `"07:00"`, `"07:00:30"` |
| time zone | `"Europe/Tallinn"`: a name of the IANA database |
| dotted path | `"shop.tasks.report"`: package, module and function |
| path | relative to the file that says it |
| recurrence | `"every weekday at 07:00"`, `"*/5 * * * *"`, and more: see [recurrences](recurrence.md) |
| name | letters, digits, `_` and `-`, at most 100 |

Any string may be `{{ env = "NAME", default = "…" }}`, the value of an environment variable, or `{{ file = "/run/secrets/x" }}`, the text of a file.
What comes from a file, or is marked `secret = true`, is masked in all that linod prints or stores.
There is no interpolation inside strings.

A key without a default is off.

In a task, a key replaces the one of `[defaults]` whole, except `env`, which merges.
`"none"` switches a key of a task off.
"""  # noqa: E501 - a row of a Markdown table is one line

_DEFAULTS = """## [defaults]

Any key of a [task](#tasksname), for all tasks of the same file that do not say otherwise.
"""

_ENVIRONMENT = """## Environment

linod reads these variables:

| variable | meaning |
|---|---|
| `LINOD_CONFIG` | the file, where `-c` names none |
| `LINOD_ENABLED` | `0`: as `enabled = false` in `[linod]` |
| `LINOD_LOG_LEVEL` | wins over `level` in `[log]`; where it is not set, `LINO_LOGLEVEL` |
| `LINOD_FILE_LOG_LEVEL` | of the file alone; where it is not set, `LINO_FILE_LOGLEVEL` |
| `XDG_STATE_HOME` | where `linod loop` keeps its loops; not set: `~/.local/state` |
| `NO_COLOR` | not empty: no colour on a terminal |

Each run finds these:

| variable | meaning |
|---|---|
| `LINOD_TASK` | the name of its task |
| `LINOD_DUE` | the instant at which it is due, in UTC |
| `LINOD_PLANNED` | when it was to start, in UTC; later than the due for retries |
| `LINOD_DEADLINE` | when its `timeout` ends it, in UTC; not set where it has none |
| `LINOD_ZONE` | the name of the task's time zone |
| `LINOD_ATTEMPT` | the number of the attempt, from 1 |
| `LINOD_TRIGGER` | why it exists: `schedule`, `manual`, … |
| `LINOD_RUN_ID` | the number of the run, as in `linod history RUN` |
| `LINOD_OCCURRENCE_KEY` | a name of the occurrence: the same for all attempts |
"""

# The first key of each part of the longest table.
_PARTS: dict[tuple[type, str], str] = {
    (specs.Task, "procedure"): "What runs",
    (specs.Task, "recurrence"): "When",
    (specs.Task, "overlap"): "Policies",
    (specs.Task, "process"): "Process",
    (specs.Task, "log_level"): "Telling",
}
_ELSEWHERE = "As for tasks."
_HEAD = ("| key | type | default | meaning, example |", "|---|---|---|---|")


def _table(table: Table) -> str:
    keys = keys_of(table.spec)
    lines = [f"## {table.heading}", "", _sentence(table.spec), ""]
    if (table.spec, keys[0].name) not in _PARTS:
        lines += _HEAD
    for key in keys:
        part = _PARTS.get((key.owner, key.name))
        if part:
            lines += ["", f"### {part}", "", *_HEAD]
        lines += _rows(key)
    return "\n".join([*lines, ""])


def _sentence(spec: type) -> str:
    """Give the documentation of a table without its name."""
    text = (spec.__doc__ or "").split("\n")[0].partition(": ")[2]
    return text[:1].upper() + text[1:]


def _rows(key: Key) -> list[str]:
    """Give the row of a key, and below it those of the keys of its inline table."""
    is_told = is_spec(key.kind) and key.doc != _ELSEWHERE
    inner = keys_of(key.kind) if is_told else ()
    return [_row(key, key.name), *(_row(part, f"{key.name}.{part.name}") for part in inner)]


def _row(key: Key, name: str) -> str:
    later = f"<br>*{_text(key.later_text)}*" if key.later_text else ""
    meaning = f"{_text(key.doc)}{later}<br>{_code(f'{name} = {key.example}')}"
    return f"| {_code(name)} | {_type(key)} | {_default(key)} | {meaning} |"


def _default(key: Key) -> str:
    if key.is_required:
        return "required"
    return "" if key.default_written is None else _code(value_text(key.default_written))


def _text(text: str) -> str:
    """Keep backticks as they are, and what Markdown would read as a cell or a tag literal."""
    return "".join(
        f"`{part}`" if at % 2 else html.escape(part, quote=False).replace("|", "&#124;")
        for at, part in enumerate(text.split("`"))
    )


def _code(text: str) -> str:
    if "|" in text:
        return f"<code>{html.escape(text, quote=False).replace('|', '&#124;')}</code>"
    return f"`{text}`"


# -- types --------------------------------------------------------------------------------------

_WORDS: dict[Any, tuple[str, str]] = {
    str: ("string", "strings"),
    int: ("integer", "integers"),
    float: ("number", "numbers"),
    bool: ("`true` or `false`", ""),
    timedelta: ("duration", "durations"),
    datetime: ("date-time", "date-times"),
    date: ("date", "dates"),
    time: ("time of day", "times of day"),
    Path: ("path", "paths"),
    Any: ("value", "values"),
    specs.Size: ("size", "sizes"),
    specs.ZoneName: ("time zone", "time zones"),
    specs.DottedPath: ("dotted path", "dotted paths"),
    specs.Allowed: ("two times of day", ""),
    specs.CalendarName: ("calendar", "calendars"),
    specs.LogLevel: ("log level", "log levels"),
    Recurrence: ("recurrence", "recurrences"),
}

_WORDS_OF_KEYS: dict[tuple[type, str], str] = {
    (specs.Task, "command"): "list of strings, or a string",
    (specs.Task, "manage"): "list of strings, or a string",
    (specs.Task, "umask"): "octal string",
    (specs.Warn, "running"): 'duration or `"auto"`',
    (specs.Chain, "tasks"): "list of names and of lists of names",
    (specs.Log, "to"): "list of names and of tables",
}


def _type(key: Key) -> str:
    return _WORDS_OF_KEYS.get((key.owner, key.name)) or _words(key.kind)


def _words(kind: Any, *, is_plural: bool = False) -> str:
    if kind in _WORDS:
        return _WORDS[kind][is_plural]
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        return f"list of {_words(parts[0], is_plural=True)}"
    if origin is dict:
        return f"table of {_words(parts[1], is_plural=True)}"
    if parts:
        return _either([_words(part, is_plural=is_plural) for part in parts])
    if is_spec(kind):
        return "table"
    return _either([f'`"{member.value}"`' for member in _members(kind)])


def _members(kind: type[Enum]) -> Iterable[Enum]:
    return kind


def _either(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]


# -- codes --------------------------------------------------------------------------------------

# In the order of the page: the first code of each range.
_RANGES = {
    "L001": "Files",
    "L010": "How a recurrence is written",
    "L020": "What a recurrence means in time",
    "L030": "Procedures and their arguments",
    "L050": "Keys and values",
    "L080": "Warnings on values",
    "L090": "Keys whose effect comes later",
}


def codes() -> str:
    """Write the page of all codes."""
    pages = [_range(first, title) for first, title in _RANGES.items()]
    return "\n".join([_CODES_INTRODUCTION, *filter(None, pages)])


_CODES_INTRODUCTION = f"""{_MADE}

# Codes of check

Each finding of `linod check` has a code that never changes its meaning.
`linod explain L012` prints what is written here.
Errors keep linod from starting; warnings and notes do not.
"""


def _range(first: str, title: str) -> str:
    """Write the codes of one range, in order."""
    found = {code: CODES[code] for code in sorted(CODES) if range_of(code) == first}
    if not found:
        return ""
    return "\n".join([f"## {title}", "", *(_code_page(code, what) for code, what in found.items())])


def range_of(code: str) -> str:
    """Give the first code of the range that a code belongs to."""
    return max(first for first in _RANGES if first <= code)


def _code_page(code: str, what: Code) -> str:
    heading = f"### {code}: {_text(what.title)}"
    return f"{heading}\n\n*{what.severity}*\n\n{_explanation(what.explanation)}\n"


def _explanation(text: str) -> str:
    """Turn plain text into Markdown: indented lines are examples."""
    lines = text.strip().split("\n")
    pieces = []
    for is_example, group in itertools.groupby(lines, key=lambda line: line.startswith("    ")):
        if is_example:
            pieces.append("\n".join(["", "```", *(line[4:] for line in group), "```"]))
        else:
            pieces.append("\n".join(map(_text, group)))
    return "\n".join(pieces)


def main(folder: str) -> None:
    """Write the pages into a folder."""
    pages = {"reference.md": reference(), "codes.md": codes(), "decisions.md": decisions()}
    for name, text in pages.items():
        (Path(folder) / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])

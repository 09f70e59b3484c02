"""The JSON Schema (draft 2020-12) of linod.toml, made from the specs.

Rules of this border:
- Pure. What the loader accepts the schema accepts; it refuses less, for `linod check` says the
  rest better.
- Dates and times are strings here, as editors hand them over.
"""

from __future__ import annotations

import typing
from datetime import date, datetime, time, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

from linod import specs
from linod.keys import Key, is_off, is_spec, keys_of
from linod.recurrence.model import Recurrence
from linod.toml import as_json

FILE_NAME = "linod.schema.json"
"""What the example's `#:schema` line calls it: `linod schema > linod.schema.json`."""

_Schema = dict[str, Any]


def schema() -> _Schema:
    """Build the schema of a whole file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "linod.toml",
        "description": "What linod runs, when, and under which policies.",
        "type": "object",
        "properties": {
            "linod": _ref("linod"),
            "log": _ref("log"),
            "defaults": _ref("defaults"),
            "pools": _named("pool", "Limits on how many runs go on at once, by name."),
            "calendars": _named("calendar", "Days that exclude can name, by name."),
            "tasks": _named("task", "What to call, when, and under which policies, by name."),
            "chains": _named("chain", "Tasks that run in order, by name."),
        },
        "additionalProperties": False,
        "$defs": {**_tables(), **_SHARED},
    }


def _ref(name: str) -> _Schema:
    return {"$ref": f"#/$defs/{name}"}


def _named(name: str, description: str) -> _Schema:
    return {
        "description": description,
        "type": "object",
        "propertyNames": {"pattern": "^[A-Za-z0-9_-]{1,100}$"},
        "additionalProperties": _ref(name),
    }


def _tables() -> dict[str, _Schema]:
    task = _table(specs.Task)
    defaults = {
        **task,
        "description": "Any key of a task, for all tasks of this file that do not say otherwise.",
    }
    return {
        "linod": _table(specs.Linod),
        "log": _table(specs.Log),
        "defaults": defaults,
        "task": task,
        "chain": _table(specs.Chain),
        "pool": _table(specs.Pool),
        "calendar": _table(specs.Calendar),
    }


# -- tables -------------------------------------------------------------------------------------


def _property(key: Key) -> _Schema:
    """Describe one key: its form, then what a person wants to know of it."""
    described = {**_form_of_key(key), "description": _description(key)}
    if key.default_written is not None:
        described["default"] = as_json(key.default_written)
    return {**described, "examples": [as_json(key.example_value)]}


def _table(spec: type) -> _Schema:
    keys = keys_of(spec)
    table: _Schema = {
        "description": _first_line(spec),
        "type": "object",
        "properties": {key.name: _property(key) for key in keys},
        "additionalProperties": False,
    }
    required = [key.name for key in keys if key.is_required]
    return {**table, "required": required} if required else table


def _first_line(spec: type) -> str:
    return (spec.__doc__ or "").split("\n")[0].replace("`", "")


def _description(key: Key) -> str:
    return f"{key.doc} {key.later_text}".rstrip().replace("`", "")


# -- kinds --------------------------------------------------------------------------------------


def _form_of_key(key: Key) -> _Schema:
    form = _FORMS_OF_KEYS.get((key.owner, key.name)) or _form(key.kind)
    return _any_of(form, _ref("none")) if _can_be_off(key) else form


def _can_be_off(key: Key) -> bool:
    """Tell whether "none" is a value: for all that is optional, and what a task has off."""
    is_off_in_task = key.owner is specs.Task and is_off(key.default)
    return key.is_optional or is_off_in_task or key.kind is Recurrence


def _form(kind: Any) -> _Schema:
    """Give the schema of one kind of value."""
    if kind in _FORMS:
        return _FORMS[kind]
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        return {"type": "array", "items": _form(parts[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": _form(parts[1])}
    if parts:
        return _any_of(*(_form(part) for part in parts))
    if is_spec(kind):
        return _table(kind)
    return _any_of({"enum": [member.value for member in _members(kind)]}, _ref("reference"))


def _members(kind: type[Enum]) -> list[Enum]:
    assert issubclass(kind, Enum), kind  # A new kind of key needs its form here.
    return list(kind)


def _any_of(*forms: _Schema) -> _Schema:
    """Join alternatives, flat, each once."""
    flat: list[_Schema] = []
    for form in forms:
        flat += form["anyOf"] if set(form) == {"anyOf"} else [form]
    unique = [form for place, form in enumerate(flat) if form not in flat[:place]]
    return unique[0] if len(unique) == 1 else {"anyOf": unique}


def _one_or_more(item: _Schema) -> _Schema:
    return _any_of(item, {"type": "array", "items": item})


def _texts(**constraints: Any) -> _Schema:
    """Give a string, or where it comes from."""
    return _any_of({"type": "string", **constraints}, _ref("reference"))


_TIME = r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?"
_DURATION = r"^( *[0-9]+(\.[0-9]+)? *[A-Za-z]+)+ *$"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"

# Simple forms stand where they are used: not every editor shows what stands beside a $ref.
_FORMS: dict[Any, _Schema] = {
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    str: _texts(),
    Path: _texts(),
    timedelta: _texts(pattern=_DURATION),
    time: _texts(pattern=f"^ *{_TIME} *$"),
    datetime: {"type": "string", "pattern": f"^{_DATE}"},
    date: {"type": "string", "pattern": f"^{_DATE}$"},
    specs.Size: _texts(pattern=r"^ *[0-9]+(\.[0-9]+)? *[A-Za-z]+ *$"),
    specs.ZoneName: _texts(pattern="^[A-Za-z0-9_+/-]+$"),
    specs.DottedPath: _texts(pattern=r"^[^\s.]+(\.[^\s.]+)+$"),
    specs.Allowed: _texts(pattern=f"^ *{_TIME} *- *{_TIME} *$"),
    Recurrence: _ref("recurrence"),
}

_UNITS = [
    *("once", "never", "secondly", "minutely", "hourly", "daily", "weekly", "monthly", "yearly"),
    "easter",
]

_SHARED: dict[str, _Schema] = {
    "none": {"const": "none", "description": "Switches the key off."},
    "reference": {
        "description": "A string that the file names but does not hold.",
        "type": "object",
        "properties": {
            "env": {"type": "string", "description": "Name of an environment variable."},
            "file": {"type": "string", "description": "Path of a file; its text is a secret."},
            "default": {"type": "string", "description": "Taken where the variable is not set."},
            "secret": {"type": "boolean", "description": "True: masked everywhere."},
        },
        "oneOf": [{"required": ["env"]}, {"required": ["file"]}],
        "additionalProperties": False,
    },
    "recurrence": {
        **_any_of(
            _texts(), _ref("recurrence_table"), {"type": "array", "items": _ref("recurrence")}
        ),
        "examples": [
            *("every 10 seconds", "every day at 03:30", "every weekday at 08:00 and 17:30"),
            *(
                "every 15 minutes between 09:00 and 17:45",
                "every month on the last friday at 18:00",
            ),
            *("*/5 * * * *", "@daily", "at start", "at boot", "manually"),
        ],
    },
    "recurrence_table": {
        "type": "object",
        "properties": {
            "unit": {"enum": _UNITS},
            "every": {"type": "integer", "minimum": 1, "description": "Every so many units."},
            "weekdays": _one_or_more({"type": "string"}),
            "months": _one_or_more({"type": "integer", "minimum": 1, "maximum": 12}),
            "days": _one_or_more({"type": "integer", "minimum": -31, "maximum": 31}),
            "minutes": _one_or_more({"type": "integer", "minimum": 0, "maximum": 59}),
            "positions": _one_or_more({"type": "integer", "minimum": -366, "maximum": 366}),
            "between": {"type": "array", "items": {"type": "string"}, "maxItems": 2, "minItems": 2},
            "date": {"type": "string"},
            "offset": _one_or_more({"type": "integer"}),
            "at": _one_or_more({"type": "string"}),
        },
        "required": ["unit"],
        "additionalProperties": False,
    },
}

_SHARED["sink"] = {
    "description": "A sink with a format of its own.",
    "type": "object",
    "properties": {
        name.value: {"enum": [form.value for form in specs.LogFormat]}
        for name in specs.SinkName
        if name is not specs.SinkName.JOURNALD
    },
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
}

_FORMS_OF_KEYS: dict[tuple[type, str], _Schema] = {
    (specs.Task, "command"): _any_of({"type": "array", "items": _texts()}, _texts()),
    (specs.Task, "manage"): _any_of({"type": "array", "items": _texts()}, _texts()),
    (specs.Task, "umask"): _texts(pattern="^0?[0-7]{3}$"),
    (specs.Task, "arguments"): {"type": "object"},
    (specs.Task, "nice"): {"type": "integer", "minimum": -20, "maximum": 19},
    (specs.Warn, "running"): _any_of({"const": "auto"}, _texts(pattern=_DURATION)),
    (specs.Log, "to"): {
        "type": "array",
        "items": _any_of(
            {"enum": [name.value for name in specs.SinkName]}, _ref("reference"), _ref("sink")
        ),
        "minItems": 1,
    },
    (specs.Log, "compression"): _any_of({"const": "gz"}, _ref("reference")),
    (specs.Chain, "tasks"): {
        "type": "array",
        "items": _any_of(_texts(), {"type": "array", "items": _texts()}),
    },
}

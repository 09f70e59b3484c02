"""The keys of linod.toml as data, and their values as TOML writes them.

Rules of this border:
- Pure. Everything is read off the classes of specs.py; schema, reference and `linod show` are
  made from here, so a key that is in the specs is in all of them.
- `written(value)` is what a person could have written for it: the loader reads it back as equal.
"""

from __future__ import annotations

import tomllib
import types
import typing
from collections.abc import Callable
from datetime import time, timedelta
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from linod import specs
from linod.recurrence import notation
from linod.recurrence.model import Recurrence
from linod.units import format_duration, format_size


@frozen(kw_only=True)
class Key:
    """One key of one table."""

    owner: type
    name: str
    kind: Any
    """Its annotation, without None."""
    is_optional: bool
    """None is allowed; TOML has no null, so "none" says it."""
    default: Any
    """As a spec value; NOTHING where the key is required."""
    doc: str
    example: str
    """TOML."""
    later: str | None
    """What its effect comes with, where it has none yet."""

    @property
    def is_required(self) -> bool:
        """Tell whether the table is wrong without it."""
        return self.default is attrs.NOTHING

    @property
    def later_text(self) -> str:
        """Say what has no effect yet, or nothing."""
        return f"Accepted now; the effect comes with {self.later}." if self.later else ""

    @property
    def example_value(self) -> Any:
        """The example as TOML reads it."""
        return tomllib.loads(f"value = {self.example}")["value"]

    @property
    def default_written(self) -> Any:
        """The default as TOML; None where it is off or has no form."""
        return None if is_off(self.default) else written_for(self, self.default)


@frozen(kw_only=True)
class Table:
    """A table of the file, in the order of the reference."""

    heading: str
    spec: type


TABLES = (
    Table(heading="[linod]", spec=specs.Linod),
    Table(heading="[log]", spec=specs.Log),
    Table(heading="[tasks.NAME]", spec=specs.Task),
    Table(heading="[chains.NAME]", spec=specs.Chain),
    Table(heading="[pools.NAME]", spec=specs.Pool),
    Table(heading="[calendars.NAME]", spec=specs.Calendar),
)


def keys_of(spec: type) -> tuple[Key, ...]:
    """List the keys of a table in their order."""
    hashable: Any = spec
    return _keys_of(hashable)


@cache
def _keys_of(spec: type) -> tuple[Key, ...]:
    kinds = typing.get_type_hints(spec)
    return tuple(
        Key(
            owner=spec,
            name=attribute.name,
            kind=_without_none(kinds[attribute.name]),
            is_optional=types.NoneType in typing.get_args(kinds[attribute.name]),
            default=_default_of(attribute),
            doc=attribute.metadata["doc"],
            example=attribute.metadata["example"],
            later=attribute.metadata["later"],
        )
        for attribute in attrs.fields(spec)
        if "doc" in attribute.metadata
    )


def is_spec(kind: Any) -> bool:
    """Tell whether a kind is a table of its own, written as an inline table."""
    return isinstance(kind, type) and attrs.has(kind) and bool(keys_of(kind))


def is_off(value: Any) -> bool:
    """Tell whether a value says nothing: absent, empty, or a table in which all keys are so."""
    if value is None or value == () or value == {} or value is attrs.NOTHING:
        return True
    if not is_spec(type(value)):
        return False
    return all(getattr(value, key.name) == key.default for key in keys_of(type(value)))


def _default_of(attribute: attrs.Attribute[Any]) -> Any:
    factory = getattr(attribute.default, "factory", None)
    return attribute.default if factory is None else factory()


def _without_none(kind: Any) -> Any:
    if typing.get_origin(kind) not in (typing.Union, types.UnionType):
        return kind
    kinds = [each for each in typing.get_args(kind) if each is not types.NoneType]
    return kinds[0] if len(kinds) == 1 else typing.Union[tuple(kinds)]  # noqa: UP007 - computed


# -- values -------------------------------------------------------------------------------------


def written_for(key: Key, value: Any) -> Any:
    """Give a key's value as TOML has it."""
    if value is None:
        return "none"
    form = _FORMS_OF_KEYS.get((key.owner, key.name)) or _FORMS_OF_KINDS.get(key.kind, written)
    return form(value)


def written_table(value: Any) -> dict[str, Any]:
    """Give a spec as a TOML table, without the keys that say nothing."""
    pairs = [(key, getattr(value, key.name)) for key in keys_of(type(value))]
    return {key.name: written_for(key, part) for key, part in pairs if says(key, part)}


def says(key: Key, value: Any) -> bool:
    """Tell whether the value is more than the absence of the key; a default is told too."""
    return not (is_off(value) and is_off(key.default))


def written(value: Any) -> Any:
    """Give a spec value as TOML has it."""
    if is_spec(type(value)):
        return written_table(value)
    for kind, form in _FORMS.items():
        if isinstance(value, kind):
            return form(value)
    return value


def _written_list(values: tuple[Any, ...] | list[Any]) -> list[Any]:
    return [written(value) for value in values]


def _written_time(value: time) -> str:
    return value.strftime("%H:%M:%S" if value.second else "%H:%M")


def _written_allowed(value: specs.Allowed) -> str:
    return f"{_written_time(value.first)}-{_written_time(value.last)}"


def _written_sink(sink: specs.LogSink) -> Any:
    return sink.name.value if sink.format is None else {sink.name.value: sink.format.value}


def _written_groups(groups: tuple[tuple[str, ...], ...]) -> list[Any]:
    """A group of one needs no inner list."""
    return [group[0] if len(group) == 1 else list(group) for group in groups]


# Tried in order: a Reference and an Enum are strings too, so they stand first.
_FORMS: dict[type, Callable[[Any], Any]] = {
    specs.Reference: lambda value: dict(value.source),
    Enum: lambda value: value.value,
    timedelta: format_duration,
    Recurrence: notation,
    specs.Allowed: _written_allowed,
    specs.LogSink: _written_sink,
    Path: str,
    tuple: _written_list,
    list: _written_list,
    dict: lambda table: {name: written(value) for name, value in table.items()},
}

# Kinds that their values do not tell: a size is an int, and in `arguments` a time stays a time.
_FORMS_OF_KINDS: dict[Any, Callable[[Any], Any]] = {specs.Size: format_size, time: _written_time}

_FORMS_OF_KEYS: dict[tuple[type, str], Callable[[Any], Any]] = {
    (specs.Task, "umask"): lambda value: f"{value:03o}",
    (specs.Chain, "tasks"): _written_groups,
}

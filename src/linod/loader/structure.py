"""From a table of TOML values to a spec, strictly, through cattrs; all refusals with their paths.

Which function reads which kind or key stands in the tables `_KINDS` and `_KEYS`; which numbers
a key may have, in `_BOUNDS`.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path as FilePath
from typing import Any

import attrs
from attrs import frozen
from cattrs import BaseValidationError, Converter, ForbiddenExtraKeysError
from cattrs.errors import AttributeValidationNote, IterableValidationError, IterableValidationNote
from cattrs.gen import make_dict_structure_fn, override

from linod import specs
from linod.loader import hooks, sinks
from linod.loader.refusal import Refused, did_you_mean, quoted
from linod.recurrence.model import Recurrence
from linod.units import DURATION_MAX, SIZE_MAX, format_duration, nearest

Path = tuple[str | int, ...]
Hook = Callable[[Any, Any], Any]


@frozen
class Refusal:
    """A refused value below a table; `is_key`: the key itself is what is wrong."""

    path: Path
    refused: Refused
    is_key: bool = False


def structure(
    table: dict[str, Any], spec: type, name: str | None = None
) -> tuple[Any, list[Refusal]]:
    """Make a spec of a table; without one there are refusals."""
    refusals = []
    if name is not None:
        if "name" in table:
            refused = Refused("L050", f"unknown key: the name of a {_word(spec)} is its heading")
            refusals.append(Refusal(("name",), refused, is_key=True))
        table = {**table, "name": name}
    try:
        return _converter().structure(table, spec), refusals
    except BaseValidationError as error:
        return None, refusals + list(_refusals(error, ()))


def _refusals(error: BaseException, path: Path) -> Iterator[Refusal]:
    """Walk the groups of cattrs; their notes tell the keys and indexes."""
    path = path + tuple(_step(note) for note in getattr(error, "__notes__", ()) if _is_step(note))
    if isinstance(error, ForbiddenExtraKeysError):
        assert error.cl is not None
        for key in sorted(error.extra_fields):
            yield Refusal((*path, key), _unknown_key(key, error.cl), is_key=True)
    elif isinstance(error, BaseValidationError):
        for inner in error.exceptions:
            yield from _refusals(inner, path)
    elif isinstance(error, Refused):
        yield Refusal(path, error)
    elif isinstance(error, KeyError) and path and error.args == (path[-1],):
        yield Refusal(path[:-1], Refused("L056", f'the key "{path[-1]}" is missing'), is_key=True)
    else:
        raise error


def _is_step(note: object) -> bool:
    return isinstance(note, AttributeValidationNote | IterableValidationNote)


def _step(note: Any) -> str | int:
    step: str | int = note.name if isinstance(note, AttributeValidationNote) else note.index
    return step


def _unknown_key(key: str, spec: type) -> Refused:
    near = nearest(key, key_names(spec))
    known = "keys are " + ", ".join(key_names(spec))
    advice = known if near is None and len(known) < 200 else None
    return Refused("L050", f'unknown key "{key[:60]}"', label=did_you_mean(near), help=advice)


@cache
def key_names(spec: type) -> tuple[str, ...]:
    """List the keys of a spec's table."""
    fields: Iterable[Any] = attrs.fields(spec)
    return tuple(each.name for each in fields if each.metadata.get("is_key", True))


def _word(spec: type) -> str:
    return spec.__name__.lower()


# -- the converter ----------------------------------------------------------------------------


def _recurrence(value: Any, kind: Any) -> Recurrence:
    """Take any notation; of a list, the items that are refused are told."""
    try:
        return hooks.recurrence(value)
    except Refused:
        if isinstance(value, list):
            _items(value, hooks.recurrence, kind)
        raise


_KINDS: dict[Any, Hook] = {
    str: hooks.text,
    bool: hooks.boolean,
    int: hooks.integer,
    float: hooks.number,
    timedelta: hooks.duration,
    time: hooks.time_of_day,
    date: hooks.day,
    datetime: hooks.instant,
    FilePath: hooks.path,
    Recurrence: _recurrence,
    specs.Size: hooks.size,
    specs.ZoneName: hooks.zone,
    specs.DottedPath: hooks.dotted_path,
    specs.TaskName: hooks.text,
    specs.Allowed: hooks.allowed,
}

_KEYS: dict[tuple[type, str], Hook] = {
    (specs.Task, "command"): hooks.command,
    (specs.Task, "manage"): hooks.command,
    (specs.Task, "arguments"): hooks.arguments,
    (specs.Task, "end"): hooks.end_instant,
    (specs.Chain, "end"): hooks.end_instant,
    (specs.Task, "user"): hooks.user,
    (specs.Task, "group"): hooks.user,
    (specs.Task, "umask"): hooks.umask,
    (specs.Linod, "store"): hooks.store,
    (specs.Linod, "django"): hooks.module,
    (specs.Log, "rotation"): hooks.rotation,
    (specs.Log, "compression"): hooks.compression,
    (specs.Log, "to"): sinks.sinks,
    (specs.Log, "group"): hooks.user,
    (specs.Warn, "running"): hooks.running,
}

_ZERO, _INSTANT = timedelta(0), timedelta(microseconds=1)
_COUNT = (1, 1_000_000_000)

# Least and most of a number or a duration; a duration not listed begins at zero.
_BOUNDS: dict[tuple[type, str], tuple[Any, Any]] = {
    (specs.Retry, "attempts"): (1, 1000),
    (specs.Retry, "backoff"): (1.0, 1000.0),
    (specs.Retry, "max_delay"): (_INSTANT, DURATION_MAX),
    (specs.Limits, "memory"): (1, SIZE_MAX),
    (specs.Limits, "cpu_time"): (timedelta(seconds=1), DURATION_MAX),
    (specs.Limits, "open_files"): _COUNT,
    (specs.Limits, "processes"): _COUNT,
    (specs.Task, "max_events"): _COUNT,
    (specs.Chain, "max_events"): _COUNT,
    (specs.Task, "max_running"): (1, 10_000),
    (specs.Task, "max_runs"): (1, 1_000_000),
    (specs.Task, "timeout"): (_INSTANT, DURATION_MAX),
    (specs.Task, "disable_after"): _COUNT,
    (specs.Task, "priority"): (-1_000_000, 1_000_000),
    (specs.Task, "nice"): (-20, 19),
    (specs.Pool, "size"): (1, 10_000),
    (specs.Linod, "max_running"): (1, 10_000),
    (specs.Linod, "keep"): (_INSTANT, DURATION_MAX),
    (specs.Log, "retention"): (_INSTANT, DURATION_MAX),
}


@cache
def _converter() -> Converter:
    """Make the converter; cattrs reads the tables, `_hook_of` names the function for each key."""
    converter = Converter(detailed_validation=True, forbid_extra_keys=True)
    converter.register_structure_hook_factory(attrs.has, lambda kind: _table_hook(kind, converter))
    return converter


def _hook_of(kind: Any) -> Hook:
    """Choose the function that reads a kind of value; cattrs' own ones convert too willingly."""
    if (hook := _KINDS.get(kind)) is not None:
        return hook
    if _is_union(kind):
        return _optional_hook(kind)
    if typing.get_origin(kind) is tuple:
        return _list_hook(kind)
    if typing.get_origin(kind) is dict:
        return _names_hook(kind)
    if issubclass(kind, StrEnum):
        return hooks.enum_of(kind)
    assert attrs.has(kind), kind
    return lambda value, _: _converter().structure(value, kind)


def _table_hook(spec: type, converter: Converter) -> Hook:
    """Make the hook of one table: its keys, each with its own function and bounds."""
    hints = typing.get_type_hints(spec)
    fields: Iterable[Any] = attrs.fields(spec)
    overrides = {
        each.name: override(struct_hook=_key_hook(spec, each.name, hints[each.name]))
        if _is_given(each)
        else override(omit=True)
        for each in fields
    }
    inner: Hook = make_dict_structure_fn(
        spec,
        converter,
        _cattrs_forbid_extra_keys=True,
        _cattrs_detailed_validation=True,
        **overrides,  # type: ignore[arg-type]
    )

    def hook(value: Any, kind: Any) -> Any:
        if not isinstance(value, dict):
            example = "{ " + f"{key_names(spec)[0]} = …" + " }"
            raise hooks.wrong_kind(f"a table, {example}", value)
        return inner(value, kind)

    return hook


def _is_given(attribute: Any) -> bool:
    """Tell whether a table gives a value: its keys, and its name, which is its heading."""
    return bool(attribute.metadata.get("is_key", True)) or attribute.name == "name"


def _key_hook(spec: type, name: str, kind: Any) -> Hook:
    special = _KEYS.get((spec, name)) or _item_hook(spec, name)
    hook = special or _hook_of(kind)
    if special is not None and _is_union(kind):
        hook = _or_none(special)
    if (bounds := _BOUNDS.get((spec, name))) is not None:
        return _bounded(hook, *bounds)
    return hook


def _item_hook(spec: type, name: str) -> Hook | None:
    """Give the keys that are lists of special items."""
    if (spec, name) == (specs.Linod, "discover"):
        return lambda value, kind: _items(value, hooks.module, kind)
    if (spec, name) == (specs.Chain, "tasks"):
        return lambda value, kind: _items(value, _chain_step, kind)
    if name == "exclude":
        return lambda value, kind: _items(value, _exclusion, kind)
    if (spec, name) == (specs.ExitCodes, "succeeded") or (spec, name) == (
        specs.ExitCodes,
        "warned",
    ):
        return lambda value, kind: _items(value, _bounded(hooks.integer, 0, 255), kind)
    return None


def _chain_step(value: Any, kind: Any) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(_items(value, hooks.text, kind))
    return (hooks.text(value),)


def _exclusion(value: Any, _: Any) -> Any:
    if isinstance(value, dict) and "calendar" in value:
        return _converter().structure(value, specs.CalendarName)
    return hooks.exclusion(value)


def _bounded(hook: Hook, least: Any, most: Any) -> Hook:
    """Refuse what is outside."""

    def bounded(value: Any, kind: Any) -> Any:
        parsed = hook(value, kind)
        if parsed is None or least <= parsed <= most:
            return parsed
        limit = least if parsed < least else most
        side = "at least" if parsed < least else "at most"
        if isinstance(limit, timedelta):
            small = limit == _INSTANT
            limit = "" if small else format_duration(limit)
            side = "more than zero" if small else side
        raise Refused("L055", f"expected {side} {limit}".rstrip() + f", got {quoted(value)}")

    return bounded


def _is_union(kind: Any) -> bool:
    return isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union


def _optional_hook(kind: Any) -> Hook:
    inner = [each for each in typing.get_args(kind) if each is not type(None)]
    if len(inner) > 1:
        return _or_none(hooks.text)
    return _or_none(_hook_of(inner[0]), inner[0])


def _or_none(hook: Hook, inner: Any = None) -> Hook:
    """Let "none" switch the key off."""
    return lambda value, kind: None if value == "none" else hook(value, inner or kind)


def _list_hook(kind: Any) -> Hook:
    item = typing.get_args(kind)[0]
    hook = _hook_of(item)
    return lambda value, _: _items(value, lambda each, _: hook(each, item), kind)


def _items(value: Any, hook: Hook, kind: Any) -> tuple[Any, ...]:
    """Read a list; each item that is refused is told with its index."""
    if not isinstance(value, list):
        label = f"did you mean [{quoted(value)}]?" if isinstance(value, str | int) else ""
        raise hooks.wrong_kind("a list", value, label=label)
    return tuple(item for _, item in _each(enumerate(value), hook, kind))


def _names_hook(kind: Any) -> Hook:
    inner = typing.get_args(kind)[1]
    if inner is Any:
        return lambda value, _: dict(value)
    hook = _hook_of(inner)

    def take(value: Any, _: Any) -> Any:
        return hooks.environment(*value) if inner is str else hook(value[1], inner)

    def names(value: Any, _: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise hooks.wrong_kind("a table of names", value)
        return dict(_each(((name, (name, each)) for name, each in value.items()), take, kind))

    return names


def _each(items: Iterable[tuple[Any, Any]], hook: Hook, kind: Any) -> list[tuple[Any, Any]]:
    """Apply a hook to each item; gather the refusals as cattrs does."""
    taken, refused = [], []
    for step, value in items:
        try:
            taken.append((step, hook(value, None)))
        except (Refused, BaseValidationError) as error:
            error.__notes__ = [IterableValidationNote(f"at {step}", step, kind)]
            refused.append(error)
    if refused:
        raise IterableValidationError("items are refused", refused, kind)
    return taken

"""Turns values of TOML into what an annotation asks for, with cattrs and strict hooks.

Rules of this border:
- Strict: a bool is no int, 3.9 is no int, "no" is no bool, a string is no list of characters.
- A refusal says what was expected and what came, and where in the value: `Refused(key, message)`.
- `{ due = "-1 day" }` becomes an instant wherever a date, a datetime or a string is asked for.
"""

from __future__ import annotations

import collections.abc
import re
import types
import typing
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from enum import Enum
from pathlib import Path, PurePath
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from cattrs import Converter
from cattrs.errors import (
    AttributeValidationNote,
    ClassValidationError,
    ForbiddenExtraKeysError,
    IterableValidationError,
    IterableValidationNote,
)
from dateutil.relativedelta import relativedelta

from linod.units import parse_duration

Hook = Callable[[Any], Any]
Key = tuple[str | int, ...]


class Unfit(ValueError):
    """A value is not what the annotation asks for; the text is one clause for people."""


class Moment:
    """The due instant that `{ due = … }` values are relative to, in the task's zone."""

    def __init__(self) -> None:
        self.due = datetime(2001, 1, 1, tzinfo=UTC)

    def at(self, offset: str) -> datetime:
        """Return the due instant plus an offset such as "-1 day", "0 days", "+2 hours"."""
        return shifted(self.due, offset)


_OFFSET = re.compile(r"([+-]?)\s*(.+)", re.DOTALL)
_MONTHS = re.compile(r"([0-9]{1,4}) ?(month|quarter|year)s?")
_MONTHS_IN = {"month": 1, "quarter": 3, "year": 12}


def shifted(due: datetime, offset: str) -> datetime:
    """Add an offset: whole days, months and years on the wall clock, the rest in elapsed time."""
    match = _OFFSET.fullmatch(offset.strip())
    if match is None:
        raise Unfit('a due value needs an offset: { due = "-1 day" } or { due = "0 days" }')
    sign = -1 if match[1] == "-" else 1
    months = _MONTHS.fullmatch(match[2])
    try:
        if months:
            return due + relativedelta(months=sign * int(months[1]) * _MONTHS_IN[months[2]])
        delta = _duration(match[2])
        if delta % timedelta(days=1):
            return (due.astimezone(UTC) + sign * delta).astimezone(due.tzinfo)
        return due + sign * delta
    except (OverflowError, ValueError) as error:
        if isinstance(error, Unfit):
            raise
        raise Unfit(f'due offset "{offset[:40]}" leaves the calendar') from None


def is_due(value: Any) -> bool:
    """Say whether a value is `{ due = "…" }`."""
    return isinstance(value, dict) and value.keys() == {"due"} and isinstance(value["due"], str)


def shown(value: Any) -> str:
    """Describe a value of TOML in words: `string "x"`, `integer 3`, `date 2026-01-01`."""
    noun = _NOUNS.get(type(value))
    if noun is None:
        noun = next((name for kind, name in _NOUNS.items() if isinstance(value, kind)), "value")
    if isinstance(value, dict | list):
        return noun
    text = repr(str(value)) if isinstance(value, str) else str(value)
    if isinstance(value, str):
        text = f'"{text[1:-1]}"'
    if isinstance(value, bool):
        text = text.lower()
    return f"{noun} {text if len(text) <= 40 else text[:39] + '…'}"


_NOUNS: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "float",
    str: "string",
    datetime: "date-time",
    date: "date",
    time: "time",
    dict: "a table",
    list: "an array",
}


def converter(moment: Moment) -> Converter:
    """Build a converter with linod's strict hooks, whose due values look at `moment`."""
    made = Converter(detailed_validation=True, forbid_extra_keys=True)
    made.register_structure_hook_factory(_is_other_class, _instance_hook)
    for kind, hook in _leaves(moment).items():
        # cattrs asks for classes first, and takes a subclass for its base: an IntEnum is no int.
        made.register_structure_hook(kind, _for_exactly(kind, hook))
    made.register_structure_hook_func(_is_any, _any_hook(moment))
    made.register_structure_hook_factory(_is_literal, _literal_hook)
    for origins, noun, kind in _CONTAINERS:
        made.register_structure_hook_factory(
            lambda target, origins=origins: _origin(target) in origins,
            _checked_factory(made, noun, kind),
        )
    made.register_structure_hook_factory(_is_record, _record_factory(made))
    made.register_structure_hook_factory(_is_union, lambda target: _union_hook(made, target))
    return made


def refusals(error: BaseException, key: Key = ()) -> Iterator[tuple[Key, str]]:
    """Walk the group that cattrs raised: where in the value, and what is wrong there."""
    if isinstance(error, ClassValidationError | IterableValidationError):
        for inner in error.exceptions:
            yield from refusals(inner, key + _note_of(inner))
    elif isinstance(error, ForbiddenExtraKeysError):
        for name in sorted(error.extra_fields):
            yield (*key, name), f'unknown field "{name}"'
    elif isinstance(error, KeyError):
        yield key, f'field "{error.args[0]}" is missing'
    elif isinstance(error, Unfit):
        yield key, str(error)
    else:
        text = (str(error).splitlines() or [""])[0][:200]
        yield key, f"{type(error).__name__}: {text}"


def _note_of(error: BaseException) -> Key:
    for note in getattr(error, "__notes__", ()):
        if isinstance(note, AttributeValidationNote):
            # A missing field is found under its own name; the table is where to look.
            return () if isinstance(error, KeyError) else (note.name,)
        if isinstance(note, IterableValidationNote):
            return (note.index,)
    return ()


# -- single values ----------------------------------------------------------------------------


def _leaves(moment: Moment) -> dict[Any, Hook]:
    def to_datetime(value: Any) -> datetime:
        if is_due(value):
            return moment.at(value["due"])
        return value if isinstance(value, datetime) else _iso(datetime, value)

    def to_date(value: Any) -> date:
        if is_due(value):
            return moment.at(value["due"]).date()
        is_date = isinstance(value, date) and not isinstance(value, datetime)
        return value if is_date else _iso(date, value)

    def to_str(value: Any) -> str:
        if is_due(value):
            return moment.at(value["due"]).isoformat()
        return _exact(str, "a string")(value)

    return {
        datetime: to_datetime,
        date: to_date,
        str: to_str,
        bool: _exact(bool, "true or false"),
        int: _exact(int, "an integer"),
        float: _to_float,
        bytes: lambda value: to_str(value).encode(),
        time: lambda value: value if isinstance(value, time) else _iso(time, value),
        timedelta: _to_timedelta,
        Decimal: _to_decimal,
        UUID: lambda value: _of_text(UUID, "a UUID", value),
        ZoneInfo: lambda value: _of_text(ZoneInfo, "a time zone", value),
        type(None): _exact(type(None), "nothing"),
        PurePath: _exact(str, "a path"),
        Path: _exact(str, "a path"),
        Enum: _exact(str, "a name"),
    }


def _for_exactly(kind: type, hook: Hook) -> Callable[[Any, Any], Any]:
    others: dict[Any, Callable[[Any, Any], Any]] = {}

    def structure(value: Any, target: Any) -> Any:
        if target is kind and not issubclass(kind, PurePath):
            return hook(value)
        if target not in others:
            others[target] = _subclass_hook(target)
        return others[target](value, target)

    return structure


def _subclass_hook(target: Any) -> Callable[[Any, Any], Any]:
    if issubclass(target, Enum):
        return _enum_hook(target)
    return _path_hook(target) if issubclass(target, PurePath) else _instance_hook(target)


def _is_any(target: Any) -> bool:
    return target is Any or target is object


def _any_hook(moment: Moment) -> Callable[[Any, Any], Any]:
    return lambda value, _: moment.at(value["due"]) if is_due(value) else value


def _exact(kind: type, expected: str) -> Hook:
    def hook(value: Any) -> Any:
        if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
            return value
        raise Unfit(f"expected {expected}, got {shown(value)}")

    return hook


def _to_float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unfit(f"expected a number, got {shown(value)}")
    return float(value)


def _to_decimal(value: Any) -> Decimal:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        with suppress(InvalidOperation):
            return Decimal(str(value))
    raise Unfit(f"expected a decimal number, got {shown(value)}")


def _to_timedelta(value: Any) -> timedelta:
    if not isinstance(value, str):
        raise Unfit(f'expected a duration such as "10 minutes", got {shown(value)}')
    return _duration(value)


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise Unfit(f'"{text[:40]}" is no duration: {error}') from None


_NOUN_OF_ISO: dict[type, str] = {
    datetime: "a date-time",
    date: "a date such as 2026-01-31",
    time: "a time of day",
}


def _iso(kind: Any, value: Any) -> Any:
    if isinstance(value, str):
        with suppress(ValueError):
            return kind.fromisoformat(value)
    raise Unfit(f"expected {_NOUN_OF_ISO[kind]}, got {shown(value)}")


def _of_text(kind: Callable[[str], Any], noun: str, value: Any) -> Any:
    if isinstance(value, str):
        with suppress(ValueError, KeyError, OSError):
            return kind(value)
    raise Unfit(f"expected {noun}, got {shown(value)}")


def _path_hook(target: Any) -> Callable[[Any, Any], Any]:
    to_text = _exact(str, "a path")
    return lambda value, _: target(to_text(value))


def _enum_hook(target: Any) -> Callable[[Any, Any], Any]:
    by_value = {(type(member.value), member.value): member for member in reversed(target)
                if isinstance(member.value, collections.abc.Hashable)}
    by_name = dict(target.__members__)

    def hook(value: Any, _: Any) -> Any:
        plain = str(value) if isinstance(value, str) else value
        if isinstance(plain, collections.abc.Hashable) and (type(plain), plain) in by_value:
            return by_value[type(plain), plain]
        if isinstance(plain, str) and plain in by_name:
            return by_name[plain]
        names = ", ".join(f'"{name}"' for name in list(by_name)[:12])
        raise Unfit(f"expected one of {names}, got {shown(value)}")

    return hook


def _is_literal(target: Any) -> bool:
    return typing.get_origin(target) is Literal


def _literal_hook(target: Any) -> Callable[[Any, Any], Any]:
    allowed = typing.get_args(target)

    def hook(value: Any, _: Any) -> Any:
        for choice in allowed:
            plain = choice.value if isinstance(choice, Enum) else choice
            is_same_kind = isinstance(value, bool) == isinstance(plain, bool)
            if is_same_kind and isinstance(value, type(plain)) and value == plain:
                return choice
        choices = ", ".join(
            f'"{choice}"' if isinstance(choice, str) else str(choice) for choice in allowed[:12]
        )
        raise Unfit(f"expected one of {choices}, got {shown(value)}")

    return hook


def _is_other_class(target: Any) -> bool:
    """Any class that no other hook knows: registered first, asked last."""
    return isinstance(target, type) and not typing.is_typeddict(target)


def _instance_hook(target: Any) -> Callable[[Any, Any], Any]:
    def hook(value: Any, _: Any) -> Any:
        if isinstance(value, target):
            return value
        raise Unfit(
            f"expected {target.__qualname__}, which linod cannot make of {shown(value)}"
        )

    return hook


# -- containers, records, unions --------------------------------------------------------------

_ARRAYS = (
    list,
    collections.abc.Sequence,
    collections.abc.MutableSequence,
    collections.abc.Iterable,
    collections.abc.Collection,
    tuple,
    set,
    frozenset,
    collections.abc.Set,
    collections.abc.MutableSet,
)
_TABLES = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_CONTAINERS: tuple[tuple[tuple[Any, ...], str, type], ...] = (
    (_ARRAYS, "an array", list),
    (_TABLES, "a table", dict),
)
# cattrs has no hook for these two; a list is one of each.
_AS_LIST = (collections.abc.Iterable, collections.abc.Collection)


def _origin(target: Any) -> Any:
    return typing.get_origin(target) or target


def _checked_factory(made: Converter, noun: str, kind: type) -> Callable[[Any], Any]:
    """Check that an array is an array before cattrs iterates over it."""

    def factory(target: Any) -> Callable[[Any, Any], Any]:
        inner = _plain_converter_hook(made, target)

        def hook(value: Any, target: Any) -> Any:
            if not isinstance(value, kind):
                raise Unfit(f"expected {noun}, got {shown(value)}")
            return inner(value, target)

        return hook

    return factory


def _plain_converter_hook(made: Converter, target: Any) -> Callable[[Any, Any], Any]:
    origin, arguments = _origin(target), typing.get_args(target)
    if origin in _AS_LIST:
        target = list[arguments] if arguments else list
        origin = list
    if origin is tuple and arguments and arguments[-1] is not Ellipsis:
        return _tuple_hook(made, arguments)
    if origin in _TABLES:
        return _table_hook(made, arguments or (str, Any))
    item = made.get_structure_hook(arguments[0] if arguments else Any)
    item_type = arguments[0] if arguments else Any
    build: Any = {tuple: tuple, set: set, frozenset: frozenset, collections.abc.Set: frozenset,
                  collections.abc.MutableSet: set}.get(origin, list)
    return lambda value, _: build(_each(value, item, item_type))


def _each(value: list[Any], item: Callable[[Any, Any], Any], target: Any) -> list[Any]:
    made, errors = [], []
    for index, one in enumerate(value):
        try:
            made.append(item(one, target))
        except Exception as error:  # noqa: BLE001 - hooks of user classes raise anything
            error.__notes__ = [IterableValidationNote(f"at {index}", index, target)]
            errors.append(error)
    if errors:
        raise IterableValidationError("items", errors, target)
    return made


def _tuple_hook(made: Converter, arguments: tuple[Any, ...]) -> Callable[[Any, Any], Any]:
    targets = () if arguments == ((),) else arguments
    hooks = [made.get_structure_hook(target) for target in targets]

    def hook(value: Any, _: Any) -> Any:
        if len(value) != len(targets):
            raise Unfit(f"expected {len(targets)} items, got {len(value)}")
        return tuple(
            _each([one], item, target)[0] if index == 0 else _at(index, one, item, target)
            for index, (one, item, target) in enumerate(zip(value, hooks, targets, strict=True))
        )

    return hook


def _at(index: int | str, one: Any, item: Callable[[Any, Any], Any], target: Any) -> Any:
    try:
        return item(one, target)
    except Exception as error:
        error.__notes__ = [IterableValidationNote(f"at {index}", index, target)]
        raise IterableValidationError("items", [error], target) from None


def _table_hook(made: Converter, arguments: tuple[Any, ...]) -> Callable[[Any, Any], Any]:
    key_type, item_type = arguments
    key_hook = made.get_structure_hook(key_type)
    item = made.get_structure_hook(item_type)

    def to_key(text: str) -> Any:
        # The keys of a table are strings in TOML, whatever they stand for.
        if key_type is int and text.lstrip("-").isdigit():
            return int(text)
        return key_hook(text, key_type)

    def hook(value: Any, _: Any) -> Any:
        return {to_key(key): _at(key, one, item, item_type) for key, one in value.items()}

    return hook


def _is_record(target: Any) -> bool:
    origin = _origin(target)
    is_class = isinstance(origin, type)
    return is_class and (
        hasattr(origin, "__attrs_attrs__")
        or hasattr(origin, "__dataclass_fields__")
        or typing.is_typeddict(origin)
    )


def _record_factory(made: Converter) -> Callable[[Any], Any]:
    def factory(target: Any) -> Callable[[Any, Any], Any]:
        inner = _generated(made, target)
        name = _origin(target).__qualname__

        def hook(value: Any, target: Any) -> Any:
            if isinstance(value, _origin(target)) if not typing.is_typeddict(target) else False:
                return value
            if not isinstance(value, dict):
                raise Unfit(f"expected a table with the fields of {name}, got {shown(value)}")
            return inner(value, target)

        return hook

    return factory


def _generated(made: Converter, target: Any) -> Callable[[Any, Any], Any]:
    if typing.is_typeddict(_origin(target)):
        return made.gen_structure_typeddict(target)
    return made.gen_structure_attrs_fromdict(target)


def _is_union(target: Any) -> bool:
    return typing.get_origin(target) in (typing.Union, types.UnionType)


def _union_hook(made: Converter, target: Any) -> Callable[[Any, Any], Any]:
    members = [member for member in typing.get_args(target) if member is not type(None)]
    # An exact type wins over what could be converted: 2026-01-01 stays a date in `str | date`.
    hooks = [(member, made.get_structure_hook(member)) for member in members]

    def hook(value: Any, _: Any) -> Any:
        errors: list[BaseException] = []
        ordered = sorted(hooks, key=lambda pair: not _is_exactly(value, pair[0]))
        for member, inner in ordered:
            try:
                return inner(value, member)
            except Exception as error:  # noqa: BLE001 - the next member may take it
                errors.append(error)
        if len(errors) == 1:
            raise errors[0]
        expected = " or ".join(_name(member) for member in members)
        raise Unfit(f"expected {expected}, got {shown(value)}")

    return hook


def _is_exactly(value: Any, member: Any) -> bool:
    kind = str if isinstance(value, str) else type(value)
    return bool(_origin(member) is kind) or (is_due(value) and member in (datetime, date))


def _name(member: Any) -> str:
    return str(getattr(member, "__name__", None) or member)

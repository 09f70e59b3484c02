"""Turns values of TOML into what an annotation asks for, with cattrs and strict hooks.

Rules of this border:
- Strict: single values as `leaves` says; a string is no list of characters, a table knows its
  fields.
- A refusal says what was expected and what came, and where in the value (`refusals`).
"""

from __future__ import annotations

import collections.abc
import types
import typing
from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import partial
from typing import Any

from cattrs import Converter
from cattrs.errors import (
    AttributeValidationNote,
    ClassValidationError,
    ForbiddenExtraKeysError,
    IterableValidationError,
    IterableValidationNote,
)

from linod.executor.leaves import (
    Moment,
    Unfit,
    any_hook,
    for_exactly,
    instance_hook,
    is_any,
    is_due,
    is_literal,
    is_other_class,
    leaves,
    literal_hook,
    shown,
)

Key = tuple[str | int, ...]
Structure = Callable[[Any, Any], Any]


def converter(moment: Moment) -> Converter:
    """Build a converter with linod's strict hooks, whose due values look at `moment`."""
    made = Converter(detailed_validation=True, forbid_extra_keys=True)
    made.register_structure_hook_factory(is_other_class, instance_hook)
    for kind, hook in leaves(moment).items():
        # cattrs asks for classes first, and takes a subclass for its base: an IntEnum is no int.
        made.register_structure_hook(kind, for_exactly(kind, hook))
    made.register_structure_hook_func(is_any, any_hook(moment))
    made.register_structure_hook_factory(is_literal, literal_hook)
    for origins, noun, kind in _CONTAINERS:
        made.register_structure_hook_factory(
            partial(_is_of, origins),
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


def _is_of(origins: tuple[Any, ...], target: Any) -> bool:
    return _origin(target) in origins


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
        origin = list
    if origin is tuple and arguments and arguments[-1] is not Ellipsis:
        return _tuple_hook(made, arguments)
    if origin in _TABLES:
        return _table_hook(made, arguments or (str, Any))
    item = made.get_structure_hook(arguments[0] if arguments else Any)
    item_type = arguments[0] if arguments else Any
    build: Any = {
        tuple: tuple,
        set: set,
        frozenset: frozenset,
        collections.abc.Set: frozenset,
        collections.abc.MutableSet: set,
    }.get(origin, list)
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
        parts = zip(value, hooks, targets, strict=True)
        return tuple(
            _at(index, one, item, target) for index, (one, item, target) in enumerate(parts)
        )

    return hook


def _at(index: int | str, one: Any, item: Callable[[Any, Any], Any], target: Any) -> Any:
    try:
        return item(one, target)
    except Exception as error:
        error.__notes__ = [IterableValidationNote(f"at {index}", index, target)]
        raise IterableValidationError("items", [error], target) from error


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

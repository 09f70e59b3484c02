"""Makes values of values as `attrs.evolve` does, without a look at the class for each of them.

A run is copied several times on its way through the engine and the store.

Pure. What is frozen is set by nobody but who makes it: that is us.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, TypeVar

from attrs import fields

_Value = TypeVar("_Value")


def changer(kind: type[_Value]) -> Callable[..., _Value]:
    """Give what copies a value of a class with slots, but for the fields that are named."""
    names = [attribute.name for attribute in fields(kind)]  # type: ignore[arg-type]
    values = attrgetter(*names)
    setters = {name: getattr(kind, name).__set__ for name in names}
    setters_in_order = tuple(setters.values())

    def changed(value: _Value, **changes: Any) -> _Value:
        other = object.__new__(kind)
        for put, field in zip(setters_in_order, values(value), strict=True):
            put(other, field)
        for name, field in changes.items():
            setters[name](other, field)
        return other

    return changed

"""What a procedure returned, as far as it is kept with its run: JSON of at most 64 KiB.

Rules of this border:
- Nothing of a user's class is called: the values are read as the built-in types that they are.
- What is no JSON, NaN and keys that are no text for example, is refused with a reason; tuples are
  lists, and subclasses what they derive from.
- How much is looked at is bounded by what may be kept, however large, deep or circular it is.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

RESULT = "result"
"""Its name in the detail of an end."""

RESULT_MAX = 64 * 1024
"""Bytes of a result, as it is told: UTF-8 without blanks."""
DEPTH_MAX = 100
"""Lists in lists: what reads it goes into each, and must not run out of stack."""
_INT_BITS_MAX = 14_000
"""Python reads integers of at most 4,300 digits."""
_TOO_LARGE = "it has more than 64 KiB"


class Unkept(Exception):  # noqa: N818 - it reads as what happened
    """A value is no JSON, or too large; the text says why."""


def kept(value: Any) -> Any:
    """Copy a value as plain JSON; raises Unkept where it is none, or too large."""
    plain = _Copying().copy(value, 0)
    text = json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise Unkept("a text in it cannot be written as UTF-8") from None
    if size > RESULT_MAX:
        raise Unkept(_TOO_LARGE)
    return plain


def is_kept(value: Any) -> bool:
    """Tell whether a value that somebody sent is such a result."""
    try:
        return kept(value) is not None
    except Unkept:
        return False


def masked(value: Any, mask: Callable[[str], str]) -> Any:
    """Mask secrets in a plain value: in keys and numbers too, a secret may be either."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, list):
        return [masked(item, mask) for item in value]
    if isinstance(value, dict):
        return {mask(key): masked(item, mask) for key, item in value.items()}
    text = str(value)
    return value if (shown := mask(text)) == text else shown


class _Copying:
    """Copies one value, and counts what that costs."""

    def __init__(self) -> None:
        self._left = RESULT_MAX

    def copy(self, value: Any, depth: int) -> Any:
        # By its type: `isinstance` would ask the `__class__` of an object, which may be its own.
        kind = type(value)
        self._pay(1)
        if depth > DEPTH_MAX:
            raise Unkept(f"it is nested deeper than {DEPTH_MAX}")
        if value is None or kind is bool:
            return value
        if issubclass(kind, str):
            return self._text(value)
        if issubclass(kind, int):
            return _int(value)
        if issubclass(kind, float):
            return _float(value)
        if issubclass(kind, dict):
            return {self._key(key): self.copy(item, depth + 1) for key, item in dict.items(value)}
        if issubclass(kind, list):
            return [self.copy(item, depth + 1) for item in list.__iter__(value)]
        if issubclass(kind, tuple):
            return [self.copy(item, depth + 1) for item in tuple.__iter__(value)]
        raise Unkept(f"{_name(kind)} is no JSON")

    def _key(self, key: Any) -> str:
        self._pay(1)
        if not issubclass(type(key), str):
            raise Unkept(f"a key in it is no text but {_name(type(key))}")
        return self._text(key)

    def _text(self, value: str) -> str:
        self._pay(str.__len__(value))
        return str.__str__(value)

    def _pay(self, size: int) -> None:
        # Each value takes a byte and what stands behind it, each sign of a text one at least.
        self._left -= size
        if self._left < 0:
            raise Unkept(_TOO_LARGE)


def _int(value: int) -> int:
    plain = int.__int__(value)
    if plain.bit_length() > _INT_BITS_MAX:
        raise Unkept("a number in it has too many digits")
    return plain


def _float(value: float) -> float:
    plain = float.__float__(value)
    if not math.isfinite(plain):
        raise Unkept(f"{plain} is no JSON")
    return plain


def _name(kind: type) -> str:
    # Not `kind.__qualname__`: a metaclass may have its own.
    return str(type.__dict__["__qualname__"].__get__(kind))[:100]

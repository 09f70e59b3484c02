"""Lengths and failures as people write them: "12 m", "12 m ± 20%", "5%"; and as values."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from linod.simulation.fates import Called, Lengths, Origin, Spread
from linod.units import parse_duration

Duration = str | timedelta | Callable[[datetime], timedelta]
"""What a run takes: text, a length, or a function of its due."""
Failing = str | float | Callable[[datetime], bool]
"""Which runs fail: a part of them, or a function of the due."""

_SPREAD = re.compile(r"(.*?)\s*(?:±|\+-|\+/-)\s*([0-9]{1,2}(?:\.[0-9]+)?|100)\s*%")
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]+)?)\s*%")


def lengths_of(value: Duration, origin: Origin = Origin.GIVEN) -> Lengths:
    """Read what the runs of a task take; ValueError says what is wrong."""
    if isinstance(value, str):
        return _parsed(value, origin)
    if isinstance(value, timedelta):
        if value <= timedelta(0):
            raise ValueError("a run takes some time")
        return Spread(value, origin=origin)
    if callable(value):
        return Called(value, origin)
    raise ValueError('a length is written "12 minutes", or a timedelta, or a function of the due')


def _parsed(text: str, origin: Origin) -> Spread:
    found = _SPREAD.fullmatch(text.strip())
    if found is None and re.search(r"[±%]|\+-|\+/-", text):
        raise ValueError('a spread is written "12 m ± 20%", up to 100%')
    length = parse_duration(found[1] if found else text)
    if not length:
        raise ValueError("a run takes some time")
    return Spread(length, float(found[2]) / 100 if found else 0.0, origin)


def failing_of(value: Failing) -> float | Callable[[datetime], bool]:
    """Read which runs fail; ValueError says what is wrong."""
    if callable(value):
        return value
    part = _part(value) if isinstance(value, str) else float(value)
    if not 0 <= part <= 1:
        raise ValueError("between 0 and 1, or up to 100%")
    return part


def _part(text: str) -> float:
    percent = _PERCENT.fullmatch(text.strip())
    if percent is not None:
        return float(percent[1]) / 100
    try:
        return float(text)
    except ValueError:
        raise ValueError('a part of the runs is written "0.05" or "5%"') from None

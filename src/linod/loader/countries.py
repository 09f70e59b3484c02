"""Public holidays of countries, by the holidays library: an extra, imported in this file only."""

from __future__ import annotations

import warnings
from datetime import date
from functools import lru_cache
from typing import Any

from linod.loader.event_days import FIRST, LAST
from linod.loader.refusal import Refused, did_you_mean, quoted
from linod.units import nearest

_LANGUAGE = "en_US"
"""linod speaks English; names that are not translated come in the country's own language."""
_CODE_MAX = 3
"""Longer ones are names of countries, and near to a code only by chance."""
_LISTED_MAX = 20


def parts_of(country: str) -> list[str]:
    """List the parts of a country that have holidays of their own.

    Raises:
        Refused: The library is not there, or does not know the country.

    """
    known: dict[str, list[str]] = _library().list_supported_countries()
    if country in known:
        return known[country]
    near = nearest(country.upper(), known) if len(country) <= _CODE_MAX else None
    advice = "the ISO 3166 code of a country, in capitals, that the holidays library knows"
    reason = f"unknown country {quoted(country)}"
    raise Refused("L078", reason, label=did_you_mean(near), help=advice)


@lru_cache(64)
def holidays_of(country: str, part: str | None) -> dict[date, str]:
    """Give the holidays of a known country, or of a part of it, with their names.

    Raises:
        Refused: The country has no such part.

    """
    years = range(FIRST.year, LAST.year + 1)
    try:
        with warnings.catch_warnings():
            # Where the library does not know all years it says so once a year.
            warnings.simplefilter("ignore")
            found = _library().country_holidays(
                country, subdiv=part, years=years, language=_LANGUAGE
            )
    except NotImplementedError:
        raise _unknown_part(country, str(part)) from None
    return {day: name for day, name in found.items() if FIRST <= day <= LAST}


def _unknown_part(country: str, part: str) -> Refused:
    known = parts_of(country)
    listed = ", ".join(known[:_LISTED_MAX]) + (", …" if len(known) > _LISTED_MAX else "")
    advice = f"its parts are {listed}" if known else "it has no parts: leave subdivision out"
    label = did_you_mean(nearest(part.upper(), known))
    return Refused("L078", f"{country} has no part {quoted(part)}", label=label, help=advice)


def _library() -> Any:
    try:
        import holidays
    except ImportError:
        reason = "public holidays need the holidays library, which is not installed"
        raise Refused("L078", reason, help="pip install 'linod[holidays]'") from None
    return holidays

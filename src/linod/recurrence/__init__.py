"""Recurrences: when a task is due, in five notations, compiled into one typed value.

`parse` reads what the TOML says, `notation` writes the canonical text of a value, and
`parse(notation(value)) == value` for every value that a parser made.
"""

from __future__ import annotations

from linod.recurrence.model import RecurrenceError
from linod.recurrence.printing import in_words, notation
from linod.recurrence.reading import parse

__all__ = ["RecurrenceError", "in_words", "notation", "parse"]

"""The stable codes of everything check can say, with the text that `linod explain` prints.

Ranges: L001 files, L010 recurrence notations, L020 what a recurrence means in time, L030
procedures and their arguments, L050 keys and values, L080 warnings on values, L090 keys whose
effect comes later. A code is never reused for another meaning.
"""

from __future__ import annotations

from enum import StrEnum

from attrs import frozen


class Severity(StrEnum):
    """Errors keep linod from starting; warnings and notes do not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@frozen
class Code:
    """One kind of finding."""

    severity: Severity
    title: str
    """What it is, in general: "unknown unit in a recurrence"."""
    explanation: str
    """A few sentences for `linod explain`: why it is wrong and what to write, with an example."""


# L001-L009: files
_FILES: dict[str, Code] = {}

# L010-L019: recurrence notations
_NOTATIONS: dict[str, Code] = {}

# L020-L029: what a recurrence means in time
_TIMES: dict[str, Code] = {}

# L030-L049: procedures and their arguments
_PROCEDURES: dict[str, Code] = {}

# L050-L079: keys and values
_KEYS: dict[str, Code] = {}

# L080-L089: warnings on values
_WARNINGS: dict[str, Code] = {}

# L090-L099: keys whose effect comes later
_LATER: dict[str, Code] = {}

CODES: dict[str, Code] = {
    **_FILES,
    **_NOTATIONS,
    **_TIMES,
    **_PROCEDURES,
    **_KEYS,
    **_WARNINGS,
    **_LATER,
}

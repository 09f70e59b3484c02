"""What `linod why` answers: rows in, one or two sentences out.

Rules of this border:
- Pure: the present is an argument, and whoever asks has read what there is to know.
- Nothing here raises, whatever is in the rows: a store may be old, pruned or of another version.
- A sentence is one clean line; whoever prints wraps it.
"""

from linod.why.answer import facts, sentences
from linod.why.finding import Asked, Finding, NoVerdict, is_expected, series
from linod.why.refusals import run_in

__all__ = [
    "Asked",
    "Finding",
    "NoVerdict",
    "facts",
    "is_expected",
    "run_in",
    "sentences",
    "series",
]

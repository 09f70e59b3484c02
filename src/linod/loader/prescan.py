"""Bounds on a TOML file that are checked before it is parsed, in linear time.

tomllib recurses per nesting level and takes quadratic time in the parts of a dotted key, so a
small file could crash or stall it. Everything here runs in C over the whole file: strings and
comments are blanked, then brackets and dots are looked at alone.
"""

from __future__ import annotations

import re
from itertools import accumulate

from attrs import frozen

SIZE_MAX = 16 * 1024 * 1024
"""Some 100,000 tasks with every key set; more is not written by hand or for good reasons."""
DEPTH_MAX = 64
"""tomllib recurses twice per level; Python's limit is 1,000 frames."""
KEY_PARTS_MAX = 32
"""linod's own keys have five parts at most."""

# Strings and comments of TOML 1.0, without backtracking; an unclosed one ends with its line, an
# unclosed multi-line one with the file.
OPAQUE = (
    r'"""(?:[^"\\]++|\\[\s\S]|"{1,2}(?!"))*+(?:"{3,5})?'
    r"|'''(?:[^']++|'{1,2}(?!'))*+(?:'{3,5})?"
    r'|"(?:[^"\\\n]++|\\[^\n])*+"?'
    r"|'[^'\n]*+'?"
    r"|\#[^\n]*+"
)
# Whole runs are blanked at once: a list of a million strings would else be a million matches.
# What parts a number from a string stays, so the dots of two numbers never meet.
_OPAQUE_RUN = re.compile(rf"(?:{OPAQUE})(?:[ \t\r\n,]*+(?:{OPAQUE}))*+".encode())
_OPAQUE_OR_BRACKET = re.compile((OPAQUE + r"|[\[\]{}]").encode())
_OPAQUE_OR_DELIMITER = re.compile((OPAQUE + r"|[.=,\n\[\]{}]").encode())


def _all_but(kept: bytes) -> bytes:
    return bytes(set(range(256)) - set(kept))


_NOT_BRACKETS = _all_but(b"[]{}")
_NOT_DELIMITERS = _all_but(b".=,\n[]{}")
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


@frozen
class Excess:
    """What goes beyond a bound, and at which byte."""

    message: str
    offset: int


def find_excess(data: bytes) -> Excess | None:
    """Find what would crash or stall the parser."""
    blanked = _OPAQUE_RUN.sub(b"", data)
    brackets = blanked.translate(None, _NOT_BRACKETS)
    if max(accumulate(map(_STEP.__getitem__, brackets)), default=0) > DEPTH_MAX:
        return Excess(f"nested deeper than {DEPTH_MAX} levels", _deep_offset(data))
    if b"." * KEY_PARTS_MAX in blanked.translate(None, _NOT_DELIMITERS):
        return Excess(f"a key of more than {KEY_PARTS_MAX} parts", _long_key_offset(data))
    return None


def _deep_offset(data: bytes) -> int:
    depth = 0
    for match in _OPAQUE_OR_BRACKET.finditer(data):
        depth += _STEP.get(match[0][0], 0)
        if depth > DEPTH_MAX:
            return match.start()
    return 0


def _long_key_offset(data: bytes) -> int:
    dots = 0
    for match in _OPAQUE_OR_DELIMITER.finditer(data):
        if match[0] == b".":
            dots += 1
        elif match[0][:1] not in (b'"', b"'", b"#"):
            dots = 0
        if dots == KEY_PARTS_MAX:
            return match.start()
    return 0

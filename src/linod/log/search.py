"""Which lines of a log are asked for, found in large blocks of bytes rather than line by line.

Rules of this border:
- Pure: blocks of whole lines in, the lines that are wanted out, in their order.
- What is looked for in a block is the shortest text that every wanted line has; whether a line
  that has it is wanted, its head says.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from attrs import evolve, frozen

from linod.log.entries import Head, head_of
from linod.log.lines import KEPT, escape, escape_in_json
from linod.log.plan import LEVEL_NUMBERS

# With more runs than this it is quicker to look for their tasks.
_RUNS_MAX = 4
_KEPT_NEEDLES = (f": {KEPT}".encode(), b'"kept":true,')


@frozen(kw_only=True)
class Wanted:
    """What is asked of a log; what is left out does not matter."""

    tasks: frozenset[str] = frozenset()
    """Records of runs of these tasks."""
    runs: frozenset[int] = frozenset()
    """Records of these runs."""
    level: int = 0
    """From this number up; a level that linod does not know is always wanted."""
    since: float = -inf
    """Seconds since 1970, included."""
    until: float = inf
    """Not included."""
    is_over: bool = False
    """Whether nothing of it is written later either: a run has ended."""
    text: str = ""
    """Which the line has, as it was logged or as it stands there."""

    @property
    def is_everything(self) -> bool:
        """Tell whether any line is wanted."""
        return self == _EVERYTHING

    @property
    def is_of_heads(self) -> bool:
        """Tell whether a line without a head cannot be wanted."""
        return evolve(self, text="") != _EVERYTHING


_EVERYTHING = Wanted()


class Search:
    """Finds what is wanted."""

    def __init__(self, wanted: Wanted, *, is_kept_only: bool = False) -> None:
        self.wanted = wanted
        self._is_kept_only = is_kept_only
        self._texts = _texts(wanted.text)
        self._needles = _needles(wanted, self._texts) or (_KEPT_NEEDLES if is_kept_only else ())

    @property
    def is_selective(self) -> bool:
        """Tell whether it looks for a text, so that it may find little in much."""
        return bool(self._needles)

    def of_kept(self) -> Search:
        """Find only what was kept in memory: that is written after what is newer."""
        return Search(self.wanted, is_kept_only=True)

    def lines(self, block: bytes) -> list[bytes]:
        """Give the wanted lines of a block; it begins a line and ends with a newline."""
        if not self._needles:
            return [line for line in _lines(block) if self.is_wanted(line)]
        found: dict[int, bytes] = {}
        for needle in self._needles:
            found.update(self._found(block, needle))
        return [found[start] for start in sorted(found)]

    def is_wanted(self, line: bytes) -> bool:
        """Say whether a line is wanted."""
        if self._texts and not any(text in line for text in self._texts):
            return False
        if not (self.wanted.is_of_heads or self._is_kept_only):
            return not line.isspace()
        head = head_of(line)
        return head is not None and self._is_head_wanted(head)

    def _is_head_wanted(self, head: Head) -> bool:
        wanted = self.wanted
        if (wanted.tasks or wanted.runs) and head.run is None:
            return False
        return (
            (not wanted.tasks or head.task in wanted.tasks)
            and (not wanted.runs or head.run in wanted.runs)
            and LEVEL_NUMBERS.get(head.level, wanted.level) >= wanted.level
            and wanted.since <= head.at < wanted.until
            and (head.is_kept or not self._is_kept_only)
        )

    def _found(self, block: bytes, needle: bytes) -> Iterator[tuple[int, bytes]]:
        at = block.find(needle)
        while at >= 0:
            start = block.rfind(b"\n", 0, at) + 1
            end = block.find(b"\n", at) + 1
            line = block[start:end]
            if self.is_wanted(line):
                yield start, line
            at = block.find(needle, end)


def _needles(wanted: Wanted, texts: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Choose what to look for, in text lines and in those of JSON."""
    if 0 < len(wanted.runs) <= _RUNS_MAX:
        runs = sorted(wanted.runs)
        return (*(b"#%d " % run for run in runs), *(b'"run":%d,' % run for run in runs))
    if texts:
        return texts
    names = sorted(name.encode() for name in wanted.tasks)
    return (*(b" %b#" % name for name in names), *(b'"task":"%b",' % name for name in names))


def _texts(text: str) -> tuple[bytes, ...]:
    """Write a text in all forms in which a line may have it, also as a person copies it."""
    forms = {escape(text).encode(), escape_in_json(text).encode()}
    if "\n" not in text:
        forms.add(text.encode("utf-8", "surrogateescape"))
    return tuple(sorted(forms - {b""}))


def _lines(block: bytes) -> Iterator[bytes]:
    start = 0
    while end := block.find(b"\n", start) + 1:
        yield block[start:end]
        start = end

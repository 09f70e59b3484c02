"""Read a page of the documentation as a reader would: files to write, commands to type.

- A fence with `title="NAME"` is a file.
- A `console` fence is a terminal: lines after `$ ` are commands, the lines below one are what it
  prints. `$ linod serve` and `$ linod loop` (but not with --once) go on in the background until
  the page ends, and for `linod status --watch` and the like there is no place on a page.
- Output is compared after `worn` took off what differs from run to run: numbers, days, the
  length of a strip of outcomes, and who it is (alice).
"""

from __future__ import annotations

import getpass
import re
import shlex
from pathlib import Path

from attrs import frozen

_FENCE = re.compile(r"^```(\w*)([^\n]*)\n(.*?)^```$", re.M | re.S)
_TITLE = re.compile(r'title="([^"]+)"')


@frozen
class File:
    """A file that the page tells its reader to write."""

    name: str
    text: str


@frozen
class Command:
    """A command that the page shows, and what it says it prints."""

    line: str
    output: tuple[str, ...]

    @property
    def is_serve(self) -> bool:
        """Tell whether it goes on in the background."""
        words = shlex.split(self.line)
        is_loop = words[:2] == ["linod", "loop"] and "--once" not in words
        return is_loop or words[:2] == ["linod", "serve"]


def steps(path: Path) -> list[File | Command]:
    """List what the page tells its reader to do, in order."""
    found: list[File | Command] = []
    for language, info, body in _FENCE.findall(path.read_text(encoding="utf-8")):
        title = _TITLE.search(info)
        if title:
            found.append(File(title[1], body))
        elif language == "console":
            found.extend(_commands(body))
    return found


def _commands(body: str) -> list[Command]:
    pieces = re.split(r"^\$ ", body, flags=re.M)[1:]
    return [
        Command(line.strip(), tuple(text.rstrip() for text in output if text.strip()))
        for line, *output in (piece.splitlines() for piece in pieces)
    ]


def worn(line: str) -> str:
    """Take off what differs from run to run."""
    line = re.sub(r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b", "Day", line)
    line = re.sub(r"\b[A-Z]{3,4}\b(?=\s|$)", "ZONE", line)
    line = re.sub(rf"\b{re.escape(getpass.getuser())}\b", "alice", line)
    line = re.sub(r"[·✗!▸]+", "·", line)
    line = re.sub(r"(?<!L)(?<!L\d)(?<!L\d\d)\d+(\.\d+)?", "0", line)
    # Seconds are shown only where there are some.
    line = line.replace("0:0:0", "0:0")
    line = re.sub(r"(0 (ms|s|m|h|d)\b ?)+", "0 s ", line)
    line = re.sub(r"-{3,}", "-", line)
    return re.sub(r"\s+", " ", line).strip()

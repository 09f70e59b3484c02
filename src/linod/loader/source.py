"""One configuration file that was read, and the findings that point into it."""

from __future__ import annotations

import os
from pathlib import Path as FilePath
from typing import Any

from attrs import define, field, frozen

from linod.diagnostics import Diagnostic, Place
from linod.loader.files import decode, distrust, read_bounded
from linod.loader.places import Path, Places
from linod.loader.prescan import SIZE_MAX, find_excess
from linod.loader.refusal import Refused, dotted
from linod.loader.structure import Refusal
from linod.loader.syntax import parse


@frozen(eq=False)
class Source:
    """A file's path, as given and as absolute, its values and their places."""

    path: FilePath
    shown: str
    data: dict[str, Any]
    places: Places

    @property
    def directory(self) -> FilePath:
        """What relative paths in the file are relative to."""
        return self.path.parent


@define
class Findings:
    """Gathers diagnostics; a value's place is looked up when it is added."""

    diagnostics: list[Diagnostic] = field(factory=list)

    def add(
        self,
        source: Source,
        path: Path,
        code: str,
        message: str,
        *,
        is_key: bool = False,
        label: str = "",
        help: str | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        """Add a finding on a value, or on its key."""
        place = source.places.of(path, is_key=is_key)
        self.diagnostics.append(Diagnostic(code, message, place, label, help, notes))

    def add_refused(self, source: Source, path: Path, refusal: Refusal) -> None:
        """Add a refused value below `path`, named in full."""
        whole = path + refusal.path
        refused = refusal.refused
        where = dotted(whole[:-1] if refusal.is_key and refusal.path else whole)
        # A recurrence speaks for itself; its heading stands above it.
        message = refused.reason if refused.code < "L030" else f"{where}: {refused.reason}"
        self.add(
            source,
            whole,
            refused.code,
            message,
            is_key=refusal.is_key,
            label=refused.label,
            help=refused.help,
        )


def read_source(
    path: FilePath, shown: str, uid: int, gid: int
) -> tuple[Source | None, list[Diagnostic]]:
    """Read and parse a file; None with the reasons where that cannot be."""
    found: list[Diagnostic] = []
    try:
        data = read_bounded(path, SIZE_MAX)
        found += distrusted(path, shown, uid, gid)
        if found and uid == 0:
            return None, found
        text = decode(data)
        if not text.strip():
            raise Refused("L008", "the file is empty", help=_NOT_EMPTY)
    except Refused as refused:
        diagnostic = Diagnostic(refused.code, refused.reason, Place(file=shown), help=refused.help)
        return None, [*found, diagnostic]
    places = Places(text, shown)
    if (excess := find_excess(data)) is not None:
        offset = len(data[: excess.offset].decode(errors="ignore"))
        place = places.at(offset, offset + 1)
        return None, [*found, Diagnostic("L003", excess.message, place)]
    parsed = parse(text, places)
    if isinstance(parsed, Diagnostic):
        return None, [*found, parsed]
    return Source(path.absolute(), shown, parsed, places), found


def shown_beside(main: Source, path: FilePath) -> str:
    """Show a file that the main one names as that was given."""
    if path.is_relative_to(main.directory):
        return os.path.join(os.path.dirname(main.shown), path.relative_to(main.directory))
    return str(path)


_NOT_EMPTY = "it may have been cut off: write it anew, or a comment into it"


def distrusted_code(uid: int) -> str:
    """As root it is an error."""
    return "L006" if uid == 0 else "L084"


def distrusted(path: FilePath, shown: str, uid: int, gid: int) -> list[Diagnostic]:
    """Say who else can change a file, whether it is there or not yet."""
    reason = distrust(path, uid, gid)
    if reason is None:
        return []
    advice = "who can change it decides what runs as the users of the tasks: chmod go-w, or chown"
    return [Diagnostic(distrusted_code(uid), reason, Place(file=shown), help=advice)]

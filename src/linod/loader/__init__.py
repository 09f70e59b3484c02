"""TOML in, `Config` or diagnostics out.

Rules of this border:
- Reads files and the system's time zone, imports no user code, changes nothing.
- All findings at once; the place of a value is looked up only when there is a finding.
- `load` knows the text, `complete` adds what a child found out about the procedures.
"""

from __future__ import annotations

from linod.loader.discovery import complete
from linod.loader.find import find
from linod.loader.load import load, load_source
from linod.loader.loaded import Loaded, with_refusal

__all__ = ["Loaded", "complete", "find", "load", "load_source", "with_refusal"]

"""What may be the name of a task, a chain, a pool or a calendar."""

from __future__ import annotations

import re

NAME_MAX = 100
"""Names are parts of file names and columns of tables."""
_NAME = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_-]{{0,{NAME_MAX - 1}}}")


def is_name(name: str) -> bool:
    """Tell whether something can have this name."""
    return _NAME.fullmatch(name) is not None


def why_no_name(name: str) -> str:
    """Say what is wrong with what is no name."""
    if not name:
        return "a name cannot be empty"
    if len(name) > NAME_MAX:
        return f"a name has at most {NAME_MAX} characters"
    if name.startswith("-"):
        return 'a name cannot begin with "-", which marks an option'
    return "a name has letters A-Z and a-z, digits, _ and - only"


def near_name(name: str) -> str:
    """Turn what is no name into one; empty where nothing of it is left."""
    return re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")[:NAME_MAX] if name.isascii() else ""

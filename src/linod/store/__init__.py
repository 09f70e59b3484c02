"""The store: the only truth about decisions and runs, behind one interface.

Rules of this border:
- All instants are aware UTC; a row is a frozen value.
- Whoever decides does so inside `transaction()`; what is in it is durable when it returns.
- Exactly one connection in one process writes; readers open the file `mode=ro`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from linod.store.interface import Reader, Store


def open_reader(path: Path) -> Reader:
    """Open a store to look at, also while a daemon writes it.

    Raises ConfigurationError where it cannot be read or is no store of linod.
    """
    from linod.store.reading import SqliteReader

    return SqliteReader(path)


def open_store(path: Path) -> Store:
    """Open a store to write, and make it where it is missing; one process at a time does."""
    from linod.store.sqlite import SqliteStore

    return SqliteStore(path)

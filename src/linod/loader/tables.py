"""One table of a file: references resolved, parsed strictly, paths made absolute."""

from __future__ import annotations

import os
from pathlib import Path as FilePath
from typing import Any

import attrs

from linod.loader.loaded import TASK_LIKE, Entry, Kept, Layer
from linod.loader.places import Path
from linod.loader.references import Resolver
from linod.loader.refusal import Refused, dotted
from linod.loader.source import Source
from linod.loader.structure import Refusal, key_names, structure
from linod.recurrence.model import MANUALLY
from linod.specs import Calendar, Linod, Log, Task


def read_table(kept: Kept, entry: Entry, spec: type, name: str | None = None) -> Any:
    """Make a spec of a table; None, with the findings, where something is refused."""
    parsed, refused_keys = _read(kept, entry, spec, name)
    return None if refused_keys else parsed


def read_task(kept: Kept, entry: Entry, name: str) -> Layer | None:
    """Make the keys of a task, or of [defaults]; "none" switches a key off."""
    nested = _nested_tasks(entry.table)
    for key in nested:
        _tell_nested(kept, entry, key)
    given = {key: value for key, value in entry.table.items() if key not in nested}
    if nested and not given:
        return None
    table = without_off(given)
    task, refused_keys = _read(kept, Entry(entry.source, entry.path, table), Task, name)
    if not refused_keys:
        return Layer(task, frozenset(given))
    right = {key: value for key, value in table.items() if key not in refused_keys}
    rest, _ = structure(right, Task, name)
    if rest is not None:
        kept.flawed[name] = rest
    return None


def without_off(table: dict[str, Any]) -> dict[str, Any]:
    """Leave out the keys that "none" switches off."""
    return {key: value for key, value in table.items() if value != "none" or key not in _OFF_KEYS}


def _read(kept: Kept, entry: Entry, spec: type, name: str | None) -> tuple[Any, set[str | int]]:
    """Make a spec of a table, or tell what is refused and give the keys."""
    resolver = Resolver(entry.source.directory, kept.environ)
    resolver.table(entry.table, entry.path)
    parsed, refusals = structure(entry.table, spec, name)
    _tell(kept, entry, resolver, refusals)
    depth = len(entry.path)
    refused_keys = {path[depth] for path, _ in resolver.refusals}
    refused_keys |= {each.path[0] if each.path else "" for each in refusals}
    if refused_keys:
        return None, refused_keys
    return absolute(parsed, entry.source.directory), refused_keys


def _tell(kept: Kept, entry: Entry, resolver: Resolver, refusals: list[Refusal]) -> None:
    """Turn the refusals into findings; what could not be resolved is said once."""
    source = entry.source
    unresolved = {path for path, _ in resolver.refusals}
    for path, refused in resolver.refusals:
        kept.findings.add_refused(source, (), Refusal(path, refused))
    for refusal in refusals:
        if not unresolved & _prefixes(entry.path + refusal.path):
            kept.findings.add_refused(source, entry.path, refusal)
    for path, file in resolver.readable_secrets:
        message = f"{dotted(path)}: everyone on this machine can read {file}"
        kept.findings.add(source, path, "L085", message, help=f"chmod o-r {file}")


def _prefixes(path: Path) -> set[Path]:
    return {path[:length] for length in range(1, len(path) + 1)}


def _nested_tasks(table: dict[str, Any]) -> set[str]:
    """Find tables that are tasks themselves: `[tasks.shop.report]`."""
    known = key_names(Task)
    return {
        key
        for key, value in table.items()
        if isinstance(value, dict) and key not in known and TASK_LIKE & value.keys()
    }


def _tell_nested(kept: Kept, entry: Entry, key: str) -> None:
    path = (*entry.path, key)
    inner = "_".join(str(part) for part in path[1:])
    kept.findings.add_refused(
        entry.source,
        path,
        Refusal(
            (),
            Refused(
                "L061",
                "a task inside a task: task names cannot contain a dot",
                label=f"write [tasks.{inner}]",
            ),
            is_key=True,
        ),
    )


def _is_off_by_default(default: Any) -> bool:
    return default is None or default in ((), MANUALLY) or attrs.has(type(default))


_OFF_KEYS = frozenset(
    each.name
    for each in attrs.fields(Task)
    if each.metadata.get("is_key", True) and _is_off_by_default(each.default)
)


# -- paths ------------------------------------------------------------------------------------


def absolute(spec: Any, directory: FilePath) -> Any:
    """Make the paths in a spec absolute: they are relative to the file that says them."""
    if isinstance(spec, Linod):
        return _absolute_linod(spec, directory)
    names = _PATHS.get(type(spec), ())
    values = {name: getattr(spec, name) for name in names}
    changed = {name: _joined(directory, path) for name, path in values.items() if path is not None}
    return attrs.evolve(spec, **changed) if changed else spec


_PATHS: dict[type, tuple[str, ...]] = {
    Task: ("directory", "env_file"),
    Calendar: ("file",),
    Log: ("directory", "certificate", "certificate_key", "authority", "token_file"),
}


def _absolute_linod(linod: Linod, directory: FilePath) -> Linod:
    store = _joined(directory, FilePath(linod.store))
    own = _joined(directory, linod.directory) if linod.directory else store.parent
    import_path = tuple(_joined(directory, path) for path in linod.import_path)
    return attrs.evolve(linod, store=str(store), directory=own, import_path=import_path)


def _joined(directory: FilePath, path: FilePath) -> FilePath:
    # Not resolved: what a link points to is decided when the path is used.
    return FilePath(os.path.normpath(directory / path))


def entry_of(source: Source, name: str) -> Entry:
    """Take a table that stands once; empty where it is missing or is no table."""
    table = source.data.get(name)
    return Entry(source, (name,), table if isinstance(table, dict) else {})

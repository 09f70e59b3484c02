"""The effective configuration as TOML: defaults merged, paths absolute, secrets masked.

Rules of this border:
- What is printed loads to the same specs, with three things that a file cannot say twice: the
  name of the file, what it included, and a secret that stood in it.
- A value from the environment or a file is printed as its source, never as its text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from linod.keys import keys_of, says, written_for
from linod.specs import Chain, Config, Reference, Task
from linod.toml import table_text

MASK = "***"
# Shorter texts stand in too much that is no secret.
_SECRET_LENGTH_MIN = 4

_Table = dict[str, Any]


def show(config: Config) -> str:
    """Write the whole configuration."""
    tables = document(config)
    parts = [table_text((name,), tables[name]) for name in ("linod", "log") if name in tables] + [
        table_text((group, name), table)
        for group in ("pools", "calendars", "tasks", "chains")
        for name, table in tables.get(group, {}).items()
    ]
    return "\n".join([_header(config, parts), *parts])


def show_one(config: Config, name: str) -> str:
    """Write one task or chain."""
    group = "tasks" if name in config.tasks else "chains"
    return table_text((group, name), document_of(config, name))


def document(config: Config) -> dict[str, Any]:
    """Give the whole configuration as TOML tables."""
    mask = _Mask(config)
    tables: dict[str, Any] = {"linod": mask.table(attrs.evolve(config.linod, include=()))}
    if config.log is not None:
        tables["log"] = mask.table(config.log)
    for group in ("pools", "calendars", "tasks", "chains"):
        specs = getattr(config, group).values()
        if specs:
            tables[group] = {spec.name: mask.table(spec) for spec in specs}
    return tables


def document_of(config: Config, name: str) -> _Table:
    """Give one task or chain as a TOML table."""
    spec: Task | Chain = config.tasks[name] if name in config.tasks else config.chains[name]
    return _Mask(config).table(spec)


def _header(config: Config, parts: list[str]) -> str:
    """Say in comments what the tables do not."""
    lines = [f"Read from {', '.join(str(path) for path in config.files or (config.path,))}."]
    if config.linod.timezone is None:
        lines.append(f"The time zone is that of the system: {config.zone}.")
    if any(MASK in part for part in parts):
        lines.append(f"{MASK} stands for a secret.")
    # A path may hold anything; a comment ends at the end of its line.
    return "".join(f"# {_one_line(line)}\n" for line in lines)


def _one_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in text)


class _Mask:
    """Writes tables without the secrets of their configuration."""

    def __init__(self, config: Config) -> None:
        self._directory = config.path.parent
        found = {text for text in _secrets(config) if len(text) >= _SECRET_LENGTH_MIN}
        # Longest first: one secret may be a part of another.
        self._secrets = sorted(found, key=len, reverse=True)

    def table(self, spec: Any) -> _Table:
        """Give a spec as a table: what is off, or at a default without effect, is left out."""
        pairs = [(key, getattr(spec, key.name)) for key in keys_of(type(spec))]
        return {
            key.name: written_for(key, self._masked(value))
            for key, value in pairs
            if says(key, value) and not (key.later and value == key.default)
        }

    def _masked(self, value: Any) -> Any:
        if isinstance(value, Reference):
            return self._source(value)
        if type(value) is str:
            return self._text(value)
        if _is_split(value):
            return self._source(value[0])
        if isinstance(value, (list, tuple)):
            return type(value)(self._masked(part) for part in value)
        if isinstance(value, dict):
            return {self._masked(name): self._masked(part) for name, part in value.items()}
        return value

    def _source(self, reference: Reference) -> Reference:
        source = dict(reference.source)
        if "default" in source:
            source["default"] = MASK if reference.is_secret else self._text(source["default"])
        if "file" in source:
            source["file"] = str(self._directory / source["file"])
        return Reference(reference, source, is_secret=reference.is_secret)

    def _text(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text


def _is_split(value: Any) -> bool:
    """Tell whether the words of a command are those of one secret text."""
    if not isinstance(value, tuple) or len(value) < 2:
        return False
    first = value[0]
    return isinstance(first, Reference) and all(
        isinstance(word, Reference) and word.source is first.source for word in value
    )


def _secrets(value: Any) -> Iterator[str]:
    """Find the texts of all secrets in a value."""
    if isinstance(value, Reference):
        if value.is_secret:
            yield str(value)
            yield value.source.get("default", "")
    elif isinstance(value, dict):
        yield from _secrets((*value, *value.values()))
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _secrets(part)
    elif attrs.has(type(value)):
        for attribute in attrs.fields(type(value)):
            yield from _secrets(getattr(value, attribute.name))

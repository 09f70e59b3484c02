"""Strings that a file names but does not hold: `{ env = … }` and `{ file = … }`."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from attrs import define, field

from linod.loader.files import read_bounded
from linod.loader.refusal import Refused
from linod.specs import Reference

FILE_SIZE_MAX = 64 * 1024
"""A secret is a line; what is larger is the wrong file."""
INTEGER_MAX = 2**63 - 1
"""TOML's own bound; larger ones reach neither SQLite nor a JSON reader whole."""

# The values of these keys are tables of names, so `{ env = "X" }` there is a name and a text.
_NAME_TABLES = frozenset({"arguments", "env", "import_env", "levels"})
_ENV_KEYS = frozenset({"env", "default", "secret"})
_FILE_KEYS = frozenset({"file", "secret"})

Path = tuple[str | int, ...]


@define
class Resolver:
    """Replaces references by their texts in one file's values; findings are gathered."""

    directory: FilePath
    environ: Mapping[str, str]
    refusals: list[tuple[Path, Refused]] = field(factory=list)
    readable_secrets: list[tuple[Path, str]] = field(factory=list)

    def table(self, table: dict[str, Any], path: Path) -> None:
        """Resolve the values of a table of keys, in place."""
        for key, value in table.items():
            if type(value) is str:
                continue
            if key in _NAME_TABLES and isinstance(value, dict):
                self._values(value, (*path, key))
            elif isinstance(value, dict | list | int):
                table[key] = self._value(value, (*path, key))

    def _values(self, table: dict[str, Any], path: Path) -> None:
        for key, value in table.items():
            if type(value) is not str:
                table[key] = self._value(value, (*path, key))

    def _value(self, value: Any, path: Path) -> Any:
        if isinstance(value, dict):
            if _is_reference(value) and not _is_sink(value, path):
                return self._resolved(value, path)
            self._values(value, path)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                value[index] = self._value(item, (*path, index))
        elif isinstance(value, int) and not -INTEGER_MAX - 1 <= value <= INTEGER_MAX:
            reason = "a whole number of more than 64 bits"
            self.refusals.append((path, Refused("L055", reason)))
            return 0
        return value

    def _resolved(self, source: dict[str, Any], path: Path) -> str:
        try:
            return self._resolve(source, path)
        except Refused as refused:
            self.refusals.append((path, refused))
            return ""

    def _resolve(self, source: dict[str, Any], path: Path) -> Reference:
        is_secret = source.get("secret", "file" in source)
        if not isinstance(is_secret, bool):
            raise Refused("L069", '"secret" is true or false')
        if "env" in source:
            return Reference(self._of_environment(source), source, is_secret=is_secret)
        text = self._of_file(source, path)
        # Absolute, so that it means the same file in what `show` prints.
        named = source | {"file": str(self.directory / source["file"])}
        return Reference(text, named, is_secret=True)

    def _of_environment(self, source: dict[str, Any]) -> str:
        name, default = source["env"], source.get("default")
        if not isinstance(name, str) or not name or "=" in name or "\0" in name:
            raise Refused("L069", '"env" names a variable: { env = "NAME" }')
        if default is not None and not isinstance(default, str):
            raise Refused("L069", '"default" is text: { env = "NAME", default = "…" }')
        if name in self.environ:
            return self.environ[name]
        if default is None:
            advice = f'set it, or write {{ env = "{name}", default = "…" }}'
            raise Refused("L069", f'the environment has no "{name}"', help=advice)
        return default

    def _of_file(self, source: dict[str, Any], path: Path) -> str:
        if not isinstance(source["file"], str):
            raise Refused("L069", '"file" is a path: { file = "/run/secrets/x" }')
        place = self.directory / source["file"]
        try:
            text = read_bounded(place, FILE_SIZE_MAX).decode()
        except Refused as refused:
            raise Refused("L069", f"{place}: {refused.reason}") from None
        except UnicodeDecodeError:
            raise Refused("L069", f"{place}: not UTF-8 text") from None
        if "\0" in text:
            raise Refused("L069", f"{place}: holds a NUL byte")
        if os.stat(place).st_mode & stat.S_IROTH:
            self.readable_secrets.append((path, str(place)))
        return text.removesuffix("\n").removesuffix("\r")


def _is_reference(value: dict[str, Any]) -> bool:
    keys = value.keys()
    return ("env" in keys and keys <= _ENV_KEYS) or ("file" in keys and keys <= _FILE_KEYS)


def _is_sink(value: dict[str, Any], path: Path) -> bool:
    """Tell `{ file = "json" }` in `[log] to`, which is the log's own file and its format."""
    return path[:-1] == ("log", "to") and value.keys() == {"file"}

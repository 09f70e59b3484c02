"""Files made of the examples that the specs give for their keys."""

from __future__ import annotations

from pathlib import Path

from linod import specs
from linod.keys import Key, is_spec, keys_of
from linod.loader import load
from linod.specs import Config

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "linod.toml.example"

# What the examples of other keys name.
SURROUNDINGS = """
[pools.database]
size = 2

[calendars.ee]
dates = [2026-12-31]

[tasks]
extract = { command = "true" }
extract_orders = { command = "true" }
extract_stock = { command = "true" }
transform = { command = "true" }
load = { command = "true" }
"""

_HEADERS = {
    specs.Linod: "[linod]",
    specs.Log: "[log]",
    specs.Task: "[tasks.one]",
    specs.Chain: "[chains.one]",
    specs.Pool: "[pools.one]",
    specs.Calendar: "[calendars.one]",
}
# What else a table needs to be right, besides the one key.
_WITH: dict[tuple[type, str], str] = {
    (specs.Task, "exit_codes"): 'command = "true"',
    (specs.Task, "max_events"): 'start = 2026-01-01\nprocedure = "shop.tasks.report"',
    (specs.Chain, "max_events"): "start = 2026-01-01",
    (specs.Calendar, "subdivision"): 'country = "DE"',
}
_RUNS = ("procedure", "command", "shell", "manage")


def all_keys() -> list[Key]:
    """List every key of every table, those of inline tables by their own keys."""
    return [key for spec in _HEADERS for key in keys_of(spec)]


def all_lines() -> list[tuple[type, str, str]]:
    """List (table, key, line of TOML) for every example, inline tables key by key too."""
    return [line for key in all_keys() for line in _lines(key)]


def _lines(key: Key) -> list[tuple[type, str, str]]:
    inner = keys_of(key.kind) if is_spec(key.kind) else ()
    below = [
        (key.owner, key.name, f"{key.name} = {{ {part.name} = {part.example} }}") for part in inner
    ]
    return [(key.owner, key.name, f"{key.name} = {key.example}"), *below]


def file_with(spec: type, name: str, line: str) -> str:
    """Write a file in which the one table has this line and what it needs."""
    needs = _WITH.get((spec, name), "")
    if spec is specs.Task and not needs and name not in _RUNS:
        needs = 'procedure = "shop.tasks.report"'
    if spec is specs.Chain and name != "tasks":
        needs += '\ntasks = ["transform", "load"]'
    text = f"{SURROUNDINGS}\n{_HEADERS[spec]}\n{needs}\n{line}\n"
    return f'[linod]\ndjango = "shop.settings"\n{text}' if name == "manage" else text


def loaded(folder: Path, text: str, environ: dict[str, str] | None = None) -> Config:
    """Load a text that has no errors."""
    path = folder / "linod.toml"
    path.write_text(text, encoding="utf-8")
    (folder / "closed.ics").write_text("BEGIN:VCALENDAR\nEND:VCALENDAR\n")
    # As no example of a key: what an env_file says is secret, so it is masked wherever it stands.
    (folder / "shop.env").write_text("MODE=of-the-file\n")
    (folder / "shop.env").chmod(0o600)
    found = load(path, environ or {})

    assert [f"{each.code} {each.message}" for each in found.errors] == []
    assert found.config is not None
    return found.config

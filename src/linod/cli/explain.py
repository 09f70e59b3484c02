"""`linod explain`: what a code of check means and what to write instead."""

from __future__ import annotations

import click

from linod.cli import Told
from linod.cli._options import USAGE, json_option, write, write_json
from linod.codes import CODES, Code
from linod.units import nearest
from linod.views import table, wrap


@click.command("explain")
@click.argument("code", required=False)
@json_option
def command(code: str | None, is_json: bool) -> None:
    """Explain a code that check prints; without CODE, list all."""
    if code is None:
        _list_all(is_json)
        return
    name = _known(code.upper())
    if is_json:
        write_json(_entry(name, CODES[name]))
        return
    write(explanation(name, CODES[name]))


def _known(name: str) -> str:
    if name in CODES:
        return name
    near = nearest(name, CODES)
    hint = f'did you mean "{near}"?' if near else '"linod explain" lists them all'
    raise Told(f'there is no code "{name}": {hint}', USAGE)


def _list_all(is_json: bool) -> None:
    if is_json:
        write_json([_entry(name, code) for name, code in sorted(CODES.items())])
        return
    rows = [(name, code.severity.value, code.title) for name, code in sorted(CODES.items())]
    write(table(("CODE", "SEVERITY", "TITLE"), rows))


def explanation(name: str, code: Code) -> list[str]:
    """Lay out one code; indented lines of its text are examples and stay as they are."""
    lines = [f"{code.severity}[{name}]: {code.title}", ""]
    for paragraph in code.explanation.strip().split("\n\n"):
        lines += [*_paragraph(paragraph), ""]
    return lines[:-1]


def _paragraph(text: str) -> list[str]:
    lines = text.split("\n")
    if any(line.startswith("    ") for line in lines):
        return lines
    return wrap(" ".join(line.strip() for line in lines))


def _entry(name: str, code: Code) -> dict[str, str]:
    return {
        "code": name,
        "severity": code.severity.value,
        "title": code.title,
        "explanation": code.explanation.strip(),
    }

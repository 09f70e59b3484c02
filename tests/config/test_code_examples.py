"""Examples of `linod explain`: what is called wrong is told by that code, what is right is not."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from linod.checking import prepare
from linod.codes import CODES

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)

TASK = '[tasks.t]\ncommand = "true"\n'
LINOD, EMPTY = "[linod]\n", ""
DJANGO = """\
[linod]
timezone = "UTC"
import_path = ["src"]
django = "shop.settings"

[tasks.t]
"""
TRANSFORMED = '[tasks.extract]\ncommand = "x"\n[tasks.load]\ncommand = "x"\n'

OF_DJANGO = ("L042", "L043", "L044")

# What the example leaves out: what stands above it in the file.
ABOVE = {
    **dict.fromkeys(("L005", "L071", "L087", "L089"), LINOD),
    "L031": '[tasks.t]\nprocedure = "shop.send"\n',
    "L032": "[tasks.t]\n",
    "L033": '[tasks.t]\nprocedure = "shop.prune"\n',
    **dict.fromkeys(("L034", "L035", "L036", "L068"), "[tasks.t]\n"),
    **dict.fromkeys(("L058", "L073", "L080", "L093"), "[tasks.t]\n"),
    "L061": EMPTY,
    "L063": '[tasks.extract]\ncommand = "x"\n' + TASK,
    "L074": TRANSFORMED,
    **dict.fromkeys(OF_DJANGO[1:], DJANGO),
    "L045": "[tasks.t]\n",
    "L077": '[tasks.t]\nprocedure = "shop.prune"\narguments.',
}
BELOW = {
    **dict.fromkeys(("L064", "L060", "L062"), '\ncommand = "x"\n'),
    "L061": '\ncommand = "x"\n',
}

# Examples that are no text of a linod.toml: commands, Python, or only a part of what is meant.
ELSEWHERE = frozenset(
    {
        "L001",
        "L002",
        "L003",
        "L006",
        "L008",
        "L009",
        "L030",
        "L034",
        "L037",
        "L038",
        "L039",
        "L041",
        "L046",
    }
    | {"L054", "L062", "L064", "L069", "L081", "L084", "L085", "L088", "L090", "L091", "L092"}
    | {"L079", "L095"}
)


def examples(word: str) -> list[tuple[str, str]]:
    pattern = re.compile(rf"^{word}[^\n]*:\n((?:    [^\n]*\n?)+)", re.MULTILINE)
    return [
        (code, re.sub("^    ", "", text, flags=re.MULTILINE))
        for code, about in sorted(CODES.items())
        for text in pattern.findall(about.explanation)
        if code not in ELSEWHERE
    ]


def codes_of(folder: Path, code: str, text: str) -> set[str]:
    if code in OF_DJANGO:
        pytest.importorskip("django", reason="Django is not installed")
    above = ABOVE.get(code, EMPTY if text.lstrip().startswith("[") else TASK)
    (folder / "conf.d").mkdir()
    (folder / "conf.d" / "more.toml").write_text("# none yet\n")
    (folder / "src" / "shop").mkdir(parents=True)
    (folder / "src" / "shop" / "__init__.py").write_text(
        "def send(recipient: str) -> None: ...\ndef prune(days: int, day: str = '') -> None: ...\n"
    )
    settings = folder / "src" / "shop" / "settings.py"
    settings.write_text('INSTALLED_APPS = ["django.contrib.sessions"]\n')
    (folder / "src" / "shop" / "tasks.py").write_text("VERSION = 1\ndef report(): ...\n")
    path = folder / "linod.toml"
    path.write_text(f"{above}{text}{BELOW.get(code, '')}")
    if not above.startswith(LINOD) and LINOD not in text:
        path.write_text(path.read_text() + '\n[linod]\nimport_path = ["src"]\ntimezone = "UTC"\n')
    return {each.code for each in prepare(path, {}, now=NOW).diagnostics}


@pytest.mark.parametrize(("code", "text"), examples("(?:Wrong|Perhaps not meant)"))
def test_what_is_called_wrong_is_told_by_its_code(tmp_path: Path, code: str, text: str) -> None:
    assert code in codes_of(tmp_path, code, text)


@pytest.mark.parametrize(("code", "text"), examples("Right"))
def test_what_is_called_right_is_not(tmp_path: Path, code: str, text: str) -> None:
    found = codes_of(tmp_path, code, text)

    assert code not in found or (CODES[code].severity == "note" and "12 hours" in text)
    assert "L004" not in found

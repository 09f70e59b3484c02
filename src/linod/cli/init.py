"""`linod init`: look around, then write a first linod.toml; never over one that is there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import click

from linod.cli import Told
from linod.cli._options import ERRORS_FOUND, json_option, write, write_json
from linod.loader.find import FILE_NAME
from linod.recipes import CronLine, Found, first_file, read_crontab
from linod.views import clean, count_of

# What is looked at is a page of text; of anything longer the beginning tells enough.
_LOOKED_AT_MAX = 256 * 1024
_CRONTAB_TIMEOUT_S = 5
_SETTINGS = re.compile(
    r"""DJANGO_SETTINGS_MODULE["']\s*(?:,|\]\s*=)\s*["']([A-Za-z_][\w.]*)["']""", re.ASCII
)


@click.command(name="init")
@click.argument("path", metavar="[DIR|FILE]", default=".", type=click.Path(path_type=Path))
@json_option
def command(path: Path, is_json: bool) -> None:
    """Write a first linod.toml, after a look at manage.py, pyproject.toml and your crontab.

    FILE is a name that ends in .toml; a file that is there is never overwritten.
    """
    is_file = path.suffix == ".toml" and not os.path.isdir(path)
    target = path if is_file else path / FILE_NAME
    found = look(target.parent)
    _create(target, first_file(found), is_private=bool(found.crontab))
    if is_json:
        write_json(_report(target, found))
        return
    write(_told(target, found))


def look(directory: Path) -> Found:
    """Find out what is there, by reading alone: nothing is imported, nothing is run but crontab."""
    manage = _read(directory / "manage.py")
    settings = _SETTINGS.search(manage or "")
    sources = directory / "src"
    is_src = any(sources.glob("*/__init__.py"))
    packages = _packages(sources if is_src else directory)
    at_top = () if is_src and manage is None else (".",)
    return Found(
        project=_project(directory),
        package=packages[0] if packages else None,
        import_path=("src", *at_top) if is_src else at_top,
        has_manage=manage is not None,
        settings=settings[1] if settings else None,
        python=_python(directory),
        crontab=_crontab(),
    )


def _read(path: Path) -> str | None:
    """Read the beginning of a regular file, if there is one."""
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            return file.read(_LOOKED_AT_MAX).decode("utf-8", errors="replace")
    except OSError:
        return None


def _project(directory: Path) -> str | None:
    """Take the name from pyproject.toml; one that cannot be read says nothing."""
    try:
        document = tomllib.loads(_read(directory / "pyproject.toml") or "")
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        return None
    tables = (document.get("project"), _table(document, "tool", "poetry"))
    names = [table.get("name") for table in tables if isinstance(table, dict)]
    return next((name for name in names if isinstance(name, str) and name), None)


def _table(document: dict[str, Any], *names: str) -> Any:
    value: Any = document
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _packages(directory: Path) -> list[str]:
    found = sorted(path.parent.name for path in directory.glob("*/__init__.py"))
    return [name for name in found if name.isidentifier() and name not in ("tests", "test")]


def _python(directory: Path) -> str:
    names = [f"{folder}/bin/python" for folder in (".venv", "venv")]
    return next((name for name in names if os.path.exists(directory / name)), "python3")


def _crontab() -> tuple[CronLine, ...]:
    """Ask crontab for the lines of this user; without it there are none."""
    try:
        done = subprocess.run(
            ["crontab", "-l"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_CRONTAB_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    if done.returncode != 0:
        return ()
    return read_crontab(done.stdout[:_LOOKED_AT_MAX].decode("utf-8", errors="replace"))


def _create(target: Path, text: str, *, is_private: bool) -> None:
    """Create the file, or say why not. Crontab lines may hold what only their owner may read."""
    mode = 0o600 if is_private else 0o644
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise Told(f"{target} is there already and stays as it is", ERRORS_FOUND) from None
    except OSError as error:
        raise Told(f"cannot write {target}: {error.strerror}", ERRORS_FOUND) from None


def _findings(found: Found) -> list[str]:
    findings = []
    if found.project:
        findings.append(f"pyproject.toml of {clean(found.project)}")
    if found.has_manage:
        findings.append(f"manage.py with {found.settings}" if found.settings else "manage.py")
    if found.package:
        findings.append(f"package {found.package}")
    if found.crontab:
        findings.append(f"crontab with {count_of(len(found.crontab), 'line')}, now recipes")
    return findings


def _next_steps(target: Path) -> list[str]:
    option = "" if target == Path(FILE_NAME) else f"-c {clean(shlex.quote(str(target)))} "
    return [f"linod {option}{step}" for step in ("check", "next", "serve")]


_WHAT = ("is everything right?", "what is due when", "run it; Ctrl-C ends it")


def _told(target: Path, found: Found) -> list[str]:
    findings = _findings(found)
    steps = _next_steps(target)
    width = max(map(len, steps))
    access = ", readable by you alone: it quotes your crontab" if found.crontab else ""
    return [
        f"wrote {clean(str(target))}{access}",
        *([f"found {', '.join(findings)}"] if findings else []),
        "next:",
        *(f"  {step:<{width}}  {what}" for step, what in zip(steps, _WHAT, strict=True)),
    ]


def _report(target: Path, found: Found) -> dict[str, Any]:
    return {
        "wrote": str(target),
        "found": {
            "project": found.project,
            "package": found.package,
            "import_path": list(found.import_path),
            "manage": found.has_manage,
            "settings": found.settings,
            "crontab_lines": len(found.crontab),
        },
        "next": _next_steps(target),
    }

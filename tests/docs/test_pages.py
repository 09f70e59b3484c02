"""Every command block of README, tutorial and the like works as printed, in a folder of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .pages import Command, File, steps, worn

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["README.md", "docs/tutorial.md", "docs/operating.md", "docs/loop.md", "docs/simulate.md"]
PAGES += ["docs/django.md"]
LIMIT_S = 30


@pytest.mark.parametrize("page", PAGES)
def test_each_command_of_the_page_prints_what_the_page_says(page: str, tmp_path: Path) -> None:
    if page == "docs/django.md":
        pytest.importorskip("django", reason="Django is not installed")
    todo = steps(ROOT / page)

    assert any(isinstance(step, Command) for step in todo)
    for file in (step for step in todo if isinstance(step, File)):
        _write(tmp_path, file)
    with _daemons() as serve:
        for command in (step for step in todo if isinstance(step, Command)):
            act = serve if command.is_serve else _expect_prints
            act(command, tmp_path)


def _write(folder: Path, file: File) -> None:
    path = folder / file.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(file.text, encoding="utf-8")


def _environment(folder: Path) -> dict[str, str]:
    binaries = str(Path(sys.executable).parent)
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
    return {
        **kept,
        "PATH": f"{binaries}:{kept['PATH']}",
        "TZ": "Europe/Tallinn",
        "PWD": str(folder),
    }


def _expect_prints(command: Command, folder: Path) -> None:
    """Repeat the command until it prints what the page says: a run may need its second."""
    deadline = time.monotonic() + LIMIT_S
    expected = [worn(line) for line in command.output]
    while True:
        done = subprocess.run(
            ["bash", "-c", command.line],
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT_S,
        )
        printed = [worn(line) for line in done.stdout.splitlines() if line.strip()]
        if not expected or printed == expected or time.monotonic() > deadline:
            break
        time.sleep(0.2)

    assert "Traceback" not in done.stdout
    assert printed == (expected or printed), command.line
    assert expected or done.returncode == 0, (command.line, printed)


@contextmanager
def _daemons() -> Iterator[Callable[[Command, Path], None]]:
    """Give a function that starts `linod serve`; end all of them at the end of the page."""
    running: list[subprocess.Popen[str]] = []

    def serve(command: Command, folder: Path) -> None:
        process = subprocess.Popen(
            ["bash", "-c", f"exec {command.line}"],
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        running.append(process)
        _expect_lines(process, [worn(line) for line in command.output])

    try:
        yield serve
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
        statuses = [process.wait(timeout=LIMIT_S) for process in running]
    assert statuses == [0] * len(statuses)


def _expect_lines(process: subprocess.Popen[str], expected: list[str]) -> None:
    """Wait until the daemon has printed each expected line, in whatever order."""
    missing = list(expected)
    seen: list[str] = []
    is_complete = threading.Event()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            seen.append(worn(line))
            if seen[-1] in missing:
                missing.remove(seen[-1])
            if not missing:
                is_complete.set()

    threading.Thread(target=read, daemon=True).start()
    assert is_complete.wait(LIMIT_S), (missing, seen)

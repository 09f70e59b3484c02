"""scripts/demo: from a bare Python to tasks that succeed, on a copy of the repository."""

from __future__ import annotations

import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COPIED = ["src", "scripts", "pyproject.toml", "README.md", "LICENSE", "linod.toml.example"]


@pytest.mark.timeout(300)
def test_the_demo_shows_tasks_succeeding_within_ten_seconds(tmp_path: Path) -> None:
    for name in COPIED:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, tmp_path / name)

    process = subprocess.Popen(
        [tmp_path / "scripts" / "demo"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    served_at, succeeded_at = _watch(process)
    process.send_signal(signal.SIGINT)

    assert succeeded_at - served_at < 10
    assert process.wait(timeout=90) == 0


def _watch(process: subprocess.Popen[str]) -> tuple[float, float]:
    """Read its lines until a task succeeded; give the instants of serve and of the success."""
    alarm = threading.Timer(240, process.kill)
    alarm.start()
    seen: list[str] = []
    served_at = 0.0
    try:
        assert process.stdout is not None
        for line in process.stdout:
            seen.append(line)
            if "serve" in line and line.startswith("$"):
                served_at = time.monotonic()
            if " succeeded in " in line:
                return served_at, time.monotonic()
    finally:
        alarm.cancel()
    raise AssertionError("".join(seen))

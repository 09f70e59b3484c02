"""Reloads: what the file says once it is written, or nothing at all."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable
from datetime import timedelta
from itertools import repeat
from pathlib import Path
from random import Random
from typing import Any

import pytest

from checker import report
from linod.control.client import Refused
from linod.daemon.reloading import load_settled
from linod.errors import LinodError

from .building import WITNESS, Building, Daemon, until
from .mixture import mixture
from .rewriting import Rewriting
from .scene import Scene

TICK = f"""
[tasks.tick]
shell = '{WITNESS}'
recurrence = "every second"
"""
MORE = TICK + '[tasks.more]\nshell = "true"\n'


def served(daemon: Daemon) -> list[str]:
    return [task["task"] for task in daemon.client.request("status")["tasks"]]


@pytest.mark.parametrize("text", ["", "\n \n", "# nothing but words\n"])
def test_a_file_that_holds_nothing_leaves_everything_as_it_was(
    text: str, build_daemon: Building
) -> None:
    daemon = build_daemon(TICK)
    daemon.start()
    (daemon.folder / "linod.toml").write_text(text)

    with pytest.raises(Refused, match=r"1 error in .*linod\.toml, everything stays as it is"):
        daemon.client.request("reload")

    before = len(daemon.witness())
    until(lambda: len(daemon.witness()) > before)
    assert served(daemon) == ["tick"]


def test_a_file_that_is_being_written_is_read_when_it_is_whole(build_daemon: Building) -> None:
    daemon = build_daemon(TICK)
    daemon.start()
    answers: list[dict[str, object]] = []
    reloading = threading.Thread(target=lambda: answers.append(daemon.client.request("reload")))
    path = daemon.folder / "linod.toml"
    text = path.read_text()
    with path.open("w") as file:
        reloading.start()
        for part in (text, '[tasks.more]\nshell = "true"\n', '[tasks.most]\nshell = "true"\n'):
            limit = time.monotonic() + 0.05
            until(lambda limit=limit: time.monotonic() > limit)  # type: ignore[misc]
            file.write(part)
            file.flush()
    reloading.join()

    assert [answer["tasks"] for answer in answers] == [3]
    assert served(daemon) == ["tick", "more", "most"]


def test_a_file_that_is_written_all_the_time_is_not_taken(build_daemon: Building) -> None:
    daemon = build_daemon(TICK)
    daemon.start()
    daemon.write(MORE)
    is_done = threading.Event()

    def write() -> None:
        with (daemon.folder / "linod.toml").open("a") as file:
            while not is_done.wait(0.02):
                file.write("# again\n")
                file.flush()

    writing = threading.Thread(target=write)
    writing.start()
    try:
        with pytest.raises(Refused, match="is being written all the time"):
            daemon.client.request("reload")
    finally:
        is_done.set()
        writing.join()

    assert served(daemon) == ["tick"]


class Editor(dict[str, str]):
    """An environment: who looks into it has read the file, which is written just then."""

    def __init__(self, path: Path, parts: Iterable[str]) -> None:
        super().__init__()
        self._path = path
        self._parts = iter(parts)

    def get(self, name: str, default: Any = None) -> Any:
        if name == "LINOD_ENABLED" and (part := next(self._parts, "")):
            with self._path.open("a") as file:
                file.write(part)
        return super().get(name, default)


def test_a_file_that_is_written_as_soon_as_it_is_read_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "linod.toml"
    path.write_text(TICK)
    parts = ('[tasks.more]\nshell = "true"\n', '[tasks.most]\nshell = "true"\n')

    loaded = asyncio.run(load_settled(path, Editor(path, parts)))

    assert loaded.config is not None
    assert list(loaded.config.tasks) == ["tick", "more", "most"]


def test_a_file_that_is_written_at_each_look_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "linod.toml"
    path.write_text(MORE)

    with pytest.raises(LinodError, match="is being written all the time"):
        asyncio.run(load_settled(path, Editor(path, repeat("# again\n"))))


@pytest.mark.timeout(240)
def test_twenty_reloads_under_load_miss_and_double_and_fire_nothing(tmp_path: Path) -> None:
    """`scripts/soak/run reloading` does it five hundred times."""
    random = Random(1)
    with Scene(tmp_path, mixture(50, random)) as scene:
        scene.start()
        scene.await_decision()
        rewriting = Rewriting(scene, random)
        for _ in range(20):
            rewriting.step()
            scene.live(0.5)
        assert scene.stop() == 0
    rewriting.tell()

    history = scene.history()

    judged = report(history, late_max=timedelta(seconds=5))
    assert [str(each) for each in judged.findings] == []
    assert {"edited", "swapped"} < rewriting.counts.keys()
    assert {"at_start", "at_boot"}.isdisjoint({row.task for row in history.decisions})


def test_a_reload_reads_the_env_file_anew(build_daemon: Building) -> None:
    task = '[tasks.told]\nshell = "echo $MODE >> seen"\nenv_file = "shop.env"\n'
    daemon = build_daemon(f'{task}recurrence = "every second"\n')
    file, seen = daemon.folder / "shop.env", daemon.folder / "seen"
    file.touch(0o600)
    file.write_text("MODE=first\n")
    daemon.start()
    until(seen.exists)

    file.write_text("MODE=second\n")
    daemon.client.request("reload")

    until(lambda: "second" in seen.read_text())
    file.write_text("MODE\n")
    with pytest.raises(Refused, match="everything stays as it is"):
        daemon.client.request("reload")

"""Damaged files: found and left as they are, or read as what was written; never made anew.

`LINOD_TEST_DAMAGE=300` damages so many files in each way; the ordinary run fewer.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

from linod.errors import ConfigurationError, LinodError
from linod.events import Outcome, Verdict
from linod.store import open_reader, open_store
from linod.store.verifying import problems

from . import suite

FILES = int(os.environ.get("LINOD_TEST_DAMAGE", "12"))
RUNS = 200


@pytest.fixture(scope="module")
def sound() -> Iterator[Path]:
    """A store in memory: hundreds of commits take a slow disk minutes."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        path = Path(folder) / "linod.db"
        store = open_store(path)
        for number in range(RUNS):
            suite.add_ended(store, suite.T + timedelta(seconds=number), Outcome.SUCCEEDED)
        store.close()
        yield path


def flip_bits(data: bytearray, random: Random) -> None:
    for _ in range(random.randint(1, 100)):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def zero_a_page(data: bytearray, random: Random) -> None:
    page = random.randrange(len(data) // 4096)
    data[page * 4096 : (page + 1) * 4096] = bytes(4096)


def truncate(data: bytearray, random: Random) -> None:
    del data[random.randrange(1, len(data)) :]


def overwrite(data: bytearray, random: Random) -> None:
    begin = random.randrange(len(data))
    data[begin : begin + 5000] = random.randbytes(5000)


@pytest.mark.parametrize("damage", [flip_bits, zero_a_page, truncate, overwrite])
def test_damage_is_told_or_harmless_and_nothing_is_made_anew(
    damage: Callable[[bytearray, Random], None], sound: Path, tmp_path: Path
) -> None:
    for seed in range(FILES):
        path = tmp_path / f"{seed}.db"
        data = bytearray(sound.read_bytes())
        damage(data, Random(seed))
        path.write_bytes(data)

        refusal = _refusal(path)

        if refusal:
            assert str(path) in refusal
            assert path.read_bytes() == data
        else:
            _read_all(path)


def _refusal(path: Path) -> str:
    try:
        open_store(path).close()
    except ConfigurationError as error:
        return str(error)
    return ""


def _read_all(path: Path) -> None:
    """What opens is read as rows, or told as damage; no other error leaves the store."""
    reader = open_reader(path)
    try:
        assert len(reader.runs(limit=10 * RUNS)) > 0
        reader.decisions(limit=10 * RUNS)
        reader.cursors()
    except LinodError:
        assert problems(path)
    finally:
        reader.close()


def test_a_sound_store_has_no_problems(sound: Path) -> None:
    assert problems(sound) == []


def test_a_zeroed_page_is_a_problem(sound: Path, tmp_path: Path) -> None:
    path = tmp_path / "zeroed.db"
    shutil.copy(sound, path)
    data = bytearray(path.read_bytes())
    data[8 * 4096 : 9 * 4096] = bytes(4096)
    path.write_bytes(data)

    assert problems(path)


def test_a_run_without_a_decision_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "linod.db"
    store = open_store(path)
    with store.transaction():
        store.add_run(suite.build_run())
    store.close()

    assert problems(path) == ["run 1 of mail has no decision"]


def test_ranges_that_overlap_are_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "linod.db"
    store = open_store(path)
    with store.transaction():
        for number in (0, 1):
            due = suite.T + timedelta(seconds=number)
            last = due + timedelta(seconds=5)
            row = suite.build_decision(due=due, last=last, count=6, verdict=Verdict.MISSED)
            store.add_decision(row)
    store.close()

    (problem,) = problems(path)

    assert problem.startswith("mail: missed 2026-11-21T07:00:00.123456+00:00 and missed")


def test_what_an_event_brought_within_a_range_is_no_problem(tmp_path: Path) -> None:
    path = tmp_path / "linod.db"
    store = open_store(path)
    around = suite.build_decision(verdict=Verdict.MISSED, last=suite.T + timedelta(9), count=10)
    due = suite.T + timedelta(seconds=1, microseconds=1)
    with store.transaction():
        store.add_decision(around)
        store.add_decision(suite.build_decision(due=due, last=due, verdict=Verdict.PAUSED))
    store.close()

    assert problems(path) == []

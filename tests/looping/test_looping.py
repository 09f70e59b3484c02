"""What the arguments of `linod loop` become: names, a file, places."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linod.loader import load, load_source
from linod.loader.naming import is_name
from linod.looping import Loop, folder_name, task_names
from linod.recurrence.model import Event
from linod.specs import Cooldown, LogLevel, OnFailed

EXAMPLES = int(os.environ.get("LINOD_TEST_EXAMPLES", "200"))

_names = st.sampled_from(["a", "b", "a_b", "sync", "Sync", "loop", "tâche", "任務"])
_dotted = st.lists(_names, min_size=2, max_size=4).map(".".join)
_anything = st.text(max_size=120) | _dotted
_many = st.lists(_anything, min_size=1, max_size=8, unique=True)
_durations = st.none() | st.timedeltas(timedelta(0), timedelta(days=400))


def build_loop(paths: Sequence[str] = ("shop.fetch", "shop.send"), **changes: Any) -> Loop:
    values = {
        "paths": tuple(paths),
        "file": Path("/srv/loop/linod.toml"),
        "folder": Path("/srv/shop"),
        "zone": "Europe/Tallinn",
    }
    return Loop(**{**values, **changes})


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["shop.fetch", "shop.send"], ["fetch", "send"]),
        (["mail.sync", "stock.sync"], ["mail_sync", "stock_sync"]),
        (["a.mail.sync", "b.mail.sync"], ["a_mail_sync", "b_mail_sync"]),
        (["mail.sync", "stock.fetch", "stock.sync"], ["mail_sync", "fetch", "stock_sync"]),
        (["a.Sync", "b.sync"], ["a_Sync", "b_sync"]),
        (["a.b_c", "a_b.c", "a.b.c"], ["a_b_c", "a_b_c_2", "a_b_c_3"]),
        (["shop.loop"], ["shop_loop"]),
        (["shop.tâche"], ["t_che"]),
    ],
)
def test_a_task_has_the_shortest_name_that_tells_it_apart(
    paths: list[str], names: list[str]
) -> None:
    assert list(task_names(paths, "loop").values()) == names


@settings(max_examples=EXAMPLES)
@given(_many)
def test_names_are_names_and_differ_by_more_than_case(paths: list[str]) -> None:
    names = task_names(paths, "loop")

    assert list(names) == paths
    assert all(is_name(name) for name in names.values())
    assert len({"loop", *map(str.lower, names.values())}) == len(paths) + 1


def test_a_folder_is_named_by_the_functions() -> None:
    assert folder_name(["shop.fetch", "shop.send"]) == "shop.fetch-shop.send"


@settings(max_examples=EXAMPLES)
@given(_many, _many)
def test_a_folder_is_one_part_of_a_path_and_of_one_loop_alone(
    one: list[str], other: list[str]
) -> None:
    names = [folder_name(one), folder_name(other)]

    assert all("/" not in name and name not in ("", ".", "..") for name in names)
    assert all(len(name.encode()) <= 100 and "\0" not in name for name in names)
    assert (names[0] == names[1]) == (one == other)


@settings(max_examples=EXAMPLES)
@given(_many, _durations, _durations, st.booleans(), st.sampled_from([None, *LogLevel]))
def test_the_file_holds_the_document(
    paths: list[str],
    success: timedelta | None,
    timeout: timedelta | None,
    is_once: bool,
    log_level: LogLevel | None,
) -> None:
    loop = build_loop(paths, success=success, timeout=timeout, is_once=is_once, log_level=log_level)

    assert tomllib.loads(loop.text()) == loop.document()


@settings(max_examples=EXAMPLES)
@given(st.lists(_dotted, min_size=1, max_size=6, unique=True), _durations)
def test_what_is_dotted_loads_without_a_finding(paths: list[str], rest: timedelta | None) -> None:
    loaded = load_source(build_loop(paths, failure=rest, folder=Path("/")).source(), {})

    assert [found for found in loaded.diagnostics if found.code != "L006"] == []


def test_the_arguments_become_tasks_and_a_chain_of_them() -> None:
    loop = build_loop(
        success=timedelta(minutes=5),
        failure=timedelta(minutes=20),
        timeout=timedelta(hours=1),
        log_level=LogLevel.WARNING,
    )
    config = load_source(loop.source(), {}).partial

    assert config is not None
    chain, fetch = config.chains["loop"], config.tasks["fetch"]
    assert chain.tasks == (("fetch",), ("send",))
    assert chain.recurrence.parts == (Event.CONTINUOUSLY,)
    assert chain.on_failed is OnFailed.CONTINUE
    assert fetch.procedure == "shop.fetch"
    assert fetch.cooldown == Cooldown(success=timedelta(minutes=5), failure=timedelta(minutes=20))
    assert (fetch.timeout, fetch.log_level) == (timedelta(hours=1), LogLevel.WARNING)
    assert fetch.directory == Path("/srv/shop")
    assert config.linod.import_path == (Path("/srv/shop"),)
    assert config.store_path == Path("/srv/loop/linod.db")
    assert config.zone == "Europe/Tallinn"


def test_the_file_loads_to_what_the_arguments_are(tmp_path: Path) -> None:
    loop = build_loop(file=tmp_path / "linod.toml", timeout=timedelta(hours=1), is_once=True)
    (tmp_path / "linod.toml").write_text(loop.text())

    assert load(loop.file, {}).partial == load_source(loop.source(), {}).partial


def test_a_finding_is_at_its_word_of_the_command() -> None:
    loaded = load_source(build_loop(["shop.fetch", "shop"]).source(), {})
    (found,) = [each for each in loaded.diagnostics if each.code == "L068"]

    assert found.place is not None
    assert (found.place.file, found.place.line, found.place.column) == ("command line", 1, 23)
    assert found.place.text == "linod loop shop.fetch shop"

"""The names by which retry.on knows a failure, and what failures of commands tell."""

from __future__ import annotations

import builtins
import json
import urllib.error
from concurrent.futures import CancelledError
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linod.executor import wire
from linod.executor.failing import NAME_MAX, NAMES_MAX, failure, naming

BUILTIN = [
    kind
    for kind in vars(builtins).values()
    if isinstance(kind, type) and issubclass(kind, Exception) and kind is not ExceptionGroup
]


def names(error: BaseException) -> list[str]:
    found: list[str] = naming(error)["bases"]
    return found


# -- names ------------------------------------------------------------------------------------


@given(st.sampled_from(BUILTIN), st.sampled_from(BUILTIN))
def test_an_exception_is_known_by_each_base_with_and_without_its_module(
    kind: type[Exception], other: type[Exception]
) -> None:
    found = names(kind.__new__(kind))

    assert (other.__name__ in found) == issubclass(kind, other)
    assert (f"builtins.{other.__name__}" in found) == issubclass(kind, other)


def test_the_nearest_names_come_first() -> None:
    assert names(ConnectionResetError()) == [
        *("ConnectionResetError", "ConnectionError", "OSError", "Exception", "BaseException"),
        *("builtins.ConnectionResetError", "builtins.ConnectionError", "builtins.OSError"),
        *("builtins.Exception", "builtins.BaseException"),
    ]


def test_a_class_is_known_by_the_package_that_offers_it() -> None:
    error = json.JSONDecodeError("bad", "x", 0)

    assert {"JSONDecodeError", "json.JSONDecodeError", "json.decoder.JSONDecodeError"} < {
        *names(error)
    }


def test_a_class_is_not_known_by_a_package_that_does_not_offer_it() -> None:
    assert "urllib.URLError" not in names(urllib.error.URLError("bad"))


def test_another_class_of_the_same_name_has_another_path() -> None:
    assert "concurrent.futures.CancelledError" in names(CancelledError())
    assert "asyncio.CancelledError" not in names(CancelledError())


class Order:
    class DoesNotExist(LookupError):  # noqa: N818 - as Django calls them
        pass


def test_a_class_in_a_class_is_known_by_its_name_and_by_its_whole_path() -> None:
    assert {"DoesNotExist", f"{__name__}.Order.DoesNotExist"} < {*names(Order.DoesNotExist())}


class Passing:
    pass


class DeadlockError(Passing, OSError):
    pass


def test_a_base_that_is_no_exception_counts_but_object_does_not() -> None:
    assert "Passing" in names(DeadlockError())
    assert "object" not in names(DeadlockError())


def test_a_group_is_known_by_its_own_names() -> None:
    assert names(ExceptionGroup("two", [OSError(), ValueError()]))[:3] == [
        "ExceptionGroup",
        "BaseExceptionGroup",
        "Exception",
    ]


def test_a_group_is_known_by_what_its_exceptions_have_in_common() -> None:
    group = ExceptionGroup("two", [BrokenPipeError(), ConnectionResetError()])

    assert {"ConnectionError", "builtins.ConnectionError", "OSError"} < {*names(group)}
    assert not {"BrokenPipeError", "ConnectionResetError"} & {*names(group)}


def test_a_group_is_not_known_by_what_only_one_of_its_exceptions_is() -> None:
    assert "OSError" not in names(ExceptionGroup("two", [OSError(), ValueError()]))


def test_groups_in_a_group_are_looked_into_however_deep() -> None:
    group = ExceptionGroup("inner", [TimeoutError()])
    for _ in range(5000):
        group = ExceptionGroup("outer", [group])

    assert "TimeoutError" in names(group)


@given(st.lists(st.text(min_size=1, max_size=300), max_size=80), st.text(max_size=300))
def test_names_are_bounded_whatever_classes_are_called(made: list[str], module: str) -> None:
    kind: Any = Exception
    for name in made:
        kind = type(name.replace("\0", ""), (kind,), {"__module__": module})

    end = failure("x" * 300, kind(), traceback="\1" * 32 * 1024)

    found = end["detail"]["bases"]
    assert len(found) <= NAMES_MAX
    assert all(len(name) <= NAME_MAX for name in [*found, end["detail"]["exception"]])
    assert len(wire.encode(end)) < wire.LINE_MAX


# -- what ends tell ---------------------------------------------------------------------------

FAILURES = """
import asyncio, datetime, json, sys, threading
class ShopError(ConnectionError): pass
def raises(): raise ShopError("closed")
async def raises_later(): raise ShopError("closed")
def decodes(): json.loads("{")
def exits(): sys.exit(4)
def exits_with_words(): sys.exit("no database")
def interrupts(): raise KeyboardInterrupt
async def is_cancelled(): raise asyncio.CancelledError
async def groups():
    async with asyncio.TaskGroup() as group:
        group.create_task(raises_later())
def wants(day: datetime.date): pass
def generates(): return (number for number in range(3))
def warns(): raise DeprecationWarning("soon")
number = 3
"""


def end_of(stage: Any, procedure: str, **keys: Any) -> Any:
    stage.module("shop", FAILURES)
    stage.task("report", procedure=procedure, **keys)
    return stage.run("report")


@pytest.mark.parametrize(
    ("procedure", "exception", "bases"),
    [
        ("shop.raises", "shop.ShopError", {"ShopError", "shop.ShopError", "ConnectionError"}),
        ("shop.raises_later", "shop.ShopError", {"ShopError", "shop.ShopError", "OSError"}),
        ("shop.decodes", "json.decoder.JSONDecodeError", {"json.JSONDecodeError", "ValueError"}),
        ("shop.exits", "builtins.SystemExit", {"SystemExit", "BaseException"}),
        ("shop.exits_with_words", "builtins.SystemExit", {"SystemExit", "BaseException"}),
        ("shop.interrupts", "builtins.KeyboardInterrupt", {"KeyboardInterrupt"}),
        (
            "shop.is_cancelled",
            "asyncio.exceptions.CancelledError",
            {"CancelledError", "asyncio.CancelledError"},
        ),
        (
            "shop.groups",
            "builtins.ExceptionGroup",
            {"ExceptionGroup", "ShopError", "ConnectionError", "shop.ShopError"},
        ),
        ("shop.wants", "linod.executor.binding.Unbindable", {"Unbindable", "TypeError"}),
        ("shop.generates", "builtins.TypeError", {"TypeError"}),
        ("shop.nothing", "builtins.AttributeError", {"AttributeError"}),
        ("shop.number", "linod.executor.resolve.Unresolved", {"Unresolved", "Exception"}),
        ("shpo.raises", "builtins.ModuleNotFoundError", {"ModuleNotFoundError", "ImportError"}),
        ("shop.warns", "builtins.DeprecationWarning", {"DeprecationWarning", "Warning"}),
    ],
)
def test_an_end_names_what_was_raised_and_its_bases(
    stage: Any, procedure: str, exception: str, bases: set[str]
) -> None:
    detail = end_of(stage, procedure).detail

    assert detail["exception"] == exception
    assert bases <= {*detail["bases"]}


@pytest.mark.parametrize(
    ("text", "bases"),
    [
        ("import no_such_thing", {"ModuleNotFoundError", "ImportError"}),
        ("from os import no_such_thing", {"ImportError"}),
        ("raise ConnectionRefusedError('no database')", {"ConnectionError", "OSError"}),
        ("import sys; sys.exit(3)", {"SystemExit"}),
        ("def f(:", {"SyntaxError"}),
    ],
)
def test_a_module_that_cannot_be_imported_names_what_it_raised(
    stage: Any, text: str, bases: set[str]
) -> None:
    stage.module("broken", text)

    assert bases < {*end_of(stage, "broken.anything").detail["bases"]}


def test_a_module_that_is_imported_in_the_worker_names_what_it_raised(stage: Any) -> None:
    stage.module("broken", "raise ConnectionRefusedError('no database')")
    stage.task("report", procedure="broken.anything")

    async def scene() -> Any:
        stage.executor.configure(stage.config(), late=["broken"])
        stage.start("report")
        return await stage.ended()

    assert "ConnectionError" in stage.play(scene).detail["bases"]


def test_only_if_names_what_it_raised(stage: Any) -> None:
    stage.module("shop", FAILURES)
    stage.task("report", shell="true", only_if="shop.raises")

    detail = stage.run("report").detail

    assert detail["exception"] == "shop.ShopError"
    assert {"ShopError", "ConnectionError"} < {*detail["bases"]}


def test_an_exit_of_a_procedure_tells_its_status_too(stage: Any) -> None:
    assert end_of(stage, "shop.exits").detail["exit_status"] == 4


def test_setup_that_raises_names_what_it_raised(stage: Any) -> None:
    stage.linod["setup"] = ("shop.raises",)

    assert "ConnectionError" in end_of(stage, "shop.wants").detail["bases"]


def test_setup_that_is_not_there_is_a_module_that_is_missing(stage: Any) -> None:
    stage.linod["setup"] = ("nowhere.prepare",)

    assert "ModuleNotFoundError" in end_of(stage, "shop.wants").detail["bases"]


def test_a_directory_that_is_missing_is_named_as_python_would(stage: Any) -> None:
    detail = end_of(stage, "shop.raises", directory="/nowhere").detail

    assert detail["exception"] == "builtins.FileNotFoundError"


def test_a_keeper_that_cannot_be_started_is_named_as_python_would(stage: Any) -> None:
    stage.directory.mkdir()
    (stage.directory / "runs").write_text("in the way")

    assert "OSError" in end_of(stage, "shop.raises").detail["bases"]


@pytest.mark.parametrize(
    ("shell", "detail"),
    [
        ("exit 4", {"exit_status": 4}),
        ("no-such-program-at-all", {"exit_status": 127}),
        ("kill -9 $$", {"signal": "SIGKILL"}),
    ],
)
def test_a_command_that_fails_tells_its_status_or_its_signal(
    stage: Any, shell: str, detail: dict[str, Any]
) -> None:
    stage.task("report", shell=shell)

    assert stage.run("report").detail == detail


def test_a_program_that_is_missing_tells_the_status_that_a_shell_would(stage: Any) -> None:
    stage.task("report", command=("no-such-program-at-all",))

    detail = stage.run("report").detail

    assert detail["exit_status"] == 127
    assert "FileNotFoundError" in detail["bases"]

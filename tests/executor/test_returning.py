"""What a procedure returned is kept if it is JSON of at most 64 KiB."""

from __future__ import annotations

import json
import math
from collections import Counter, OrderedDict, namedtuple
from datetime import UTC, datetime
from enum import Enum, IntEnum, StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linod.events import Outcome
from linod.executor import returning, wire
from linod.executor.returning import DEPTH_MAX, RESULT_MAX, Unkept, is_kept, kept, masked
from linod.executor.runfiles import detail_of
from linod.log.lines import Masks
from linod.specs import LogLevel, Reference

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=50
)


def why_not(value: Any) -> str:
    with pytest.raises(Unkept) as caught:
        kept(value)
    return str(caught.value)


def told(value: Any) -> Any:
    """Give a value as a daemon hears it."""
    message = wire.decode(wire.encode({"detail": {"result": value}}))
    assert message is not None
    return detail_of(message["detail"])


# -- JSON -------------------------------------------------------------------------------------


@given(VALUES)
def test_any_json_is_told_as_it_was_or_refused(value: Any) -> None:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        with pytest.raises(Unkept):
            kept(value)
        return

    assert told(kept(value)) == ({} if value is None else {"result": value})


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ((1, (2,)), [1, [2]]),
        (Counter("aab"), {"a": 2, "b": 1}),
        (OrderedDict(a=1), {"a": 1}),
        (namedtuple("Pair", "left right")(1, 2), [1, 2]),
        (StrEnum("Colour", ["RED"]).RED, "red"),  # type: ignore[attr-defined]
        (IntEnum("Level", ["LOW"]).LOW, 1),  # type: ignore[attr-defined]
    ],
)
def test_what_derives_from_json_is_kept_as_that(value: Any, plain: Any) -> None:
    found = kept(value)

    assert (found, type(found)) == (plain, type(plain))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (math.nan, "nan is no JSON"),
        ([-math.inf], "-inf is no JSON"),
        ({1: 2}, "a key in it is no text but int"),
        (datetime(2026, 1, 1, tzinfo=UTC), "datetime is no JSON"),
        (Enum("Colour", ["RED"]).RED, "Colour is no JSON"),  # type: ignore[attr-defined]
        (b"bytes", "bytes is no JSON"),
        ({1, 2}, "set is no JSON"),
        ("\ud800", "a text in it cannot be written as UTF-8"),
    ],
)
def test_what_is_no_json_is_refused(value: Any, reason: str) -> None:
    assert why_not([value]) == reason


def test_a_number_that_nobody_could_read_is_refused() -> None:
    assert why_not(10**5000) == "a number in it has too many digits"


# -- bounds -----------------------------------------------------------------------------------


@pytest.mark.parametrize("sign", ["a", "ä", "\x00", '"'])
def test_the_bound_is_that_of_its_bytes(sign: str) -> None:
    each = len(json.dumps(sign, ensure_ascii=False).encode()) - 2
    count = (RESULT_MAX - 2) // each

    assert told(kept(sign * count)) == {"result": sign * count}
    assert why_not(sign * (count + 1)) == "it has more than 64 KiB"


def test_many_small_values_are_bounded_too() -> None:
    assert len(kept([1] * 32_767)) == 32_767
    assert why_not([1] * 32_768) == "it has more than 64 KiB"


def test_a_value_in_itself_is_refused() -> None:
    circle: list[Any] = []
    circle += [circle, circle]

    assert why_not(circle) == f"it is nested deeper than {DEPTH_MAX}"


def test_depth_is_bounded() -> None:
    value: Any = 1
    for _ in range(DEPTH_MAX):
        value = [value]

    assert told(kept(value)) == {"result": value}
    assert why_not([value]) == f"it is nested deeper than {DEPTH_MAX}"


# -- classes of others ------------------------------------------------------------------------


def hostile(base: type) -> Any:
    """Make an object of which everything that can be called exits."""

    def refuse(*_arguments: Any, **_keys: Any) -> Any:
        raise SystemExit(3)

    names = ["__iter__", "__len__", "__str__", "__repr__", "__getitem__", "__index__", "__int__"]
    names += ["__float__", "__hash__", "__eq__", "__bool__", "__format__", "items", "keys"]
    return type("Hostile", (base,), dict.fromkeys(names, refuse) | {"__class__": property(refuse)})


@pytest.mark.parametrize(
    ("base", "plain"), [(dict, {}), (list, []), (tuple, []), (str, ""), (int, 0), (float, 0.0)]
)
def test_nothing_of_a_class_is_called(base: type, plain: Any) -> None:
    assert kept([hostile(base)()]) == [plain]


@given(st.sampled_from([dict, list, set, object, Exception, bytes, type]))
def test_any_object_is_kept_or_refused_in_words(base: type) -> None:
    made = hostile(base)
    value = made.__new__(made) if base is not type else made

    assert base in (dict, list) or why_not(value).endswith(" is no JSON")


@given(VALUES)
def test_what_somebody_sends_is_taken_or_left(value: Any) -> None:
    assert (detail_of({"result": value}) == {"result": value}) == is_kept(value)


# -- secrets ----------------------------------------------------------------------------------


def test_a_secret_is_masked_in_texts_keys_and_numbers() -> None:
    mask = Masks(["s3cr3t", "271828"])
    value = {"s3cr3t": ["a s3cr3t b", 271828, 2718, True, None]}

    assert masked(value, mask) == {"***": ["a *** b", "***", 2718, True, None]}


# -- runs -------------------------------------------------------------------------------------

SHOP = """
import linod
def returns(value): return value
async def later(value): return value
def sets(): return {1, 2}
def leaks(token): return {token: f"it is {token}"}
class Raising(dict):
    def items(self): raise SystemExit(3)
def raising(): return Raising(orders=3)
def grows(): return "ä" * 32_000
"""


def run(stage: Any, procedure: str, **keys: Any) -> Any:
    stage.module("shop", SHOP)
    stage.task("report", procedure=f"shop.{procedure}", **keys)
    return stage.run("report")


@pytest.mark.parametrize("procedure", ["returns", "later"])
def test_what_a_procedure_returns_is_kept_with_its_run(stage: Any, procedure: str) -> None:
    end = run(stage, procedure, arguments={"value": {"orders": [1, 2.5, "Tähtvere"]}})

    assert end.detail == {"result": {"orders": [1, 2.5, "Tähtvere"]}}


def test_what_is_no_json_is_said_to_who_asks_for_debug(stage: Any) -> None:
    end = run(stage, "sets", log_level=LogLevel.DEBUG)

    assert (end.outcome, end.detail) == (Outcome.SUCCEEDED, {})
    (line,) = [line for line in end.log.splitlines() if "its result" in line]
    assert " DEBUG " in line
    assert line.endswith("its result is not stored: set is no JSON")


def test_what_is_no_json_is_not_said_otherwise(stage: Any) -> None:
    assert run(stage, "sets").log == ""


def test_a_class_of_its_own_fails_no_run(stage: Any) -> None:
    end = run(stage, "raising")

    assert (end.outcome, end.detail) == (Outcome.SUCCEEDED, {"result": {"orders": 3}})


def test_a_secret_in_a_result_is_masked(stage: Any) -> None:
    token = Reference("s3cr3t-t0ken", {"env": "TOKEN"}, is_secret=True)
    end = run(stage, "leaks", arguments={"token": token})

    assert end.detail == {"result": {"***": "it is ***"}}


def test_a_large_result_does_not_cost_the_log(stage: Any) -> None:
    stage.module("loud", "def loud(): print('x' * 60_000); return 'ä' * 32_000")
    stage.task("loud", procedure="loud.loud")
    end = stage.run("loud")

    assert end.detail == {returning.RESULT: "ä" * 32_000}
    assert "x" * 10_000 in end.log

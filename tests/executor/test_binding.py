"""Arguments meet signatures: what fits, what does not, and the words for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NewType, Optional, TypedDict
from zoneinfo import ZoneInfo

import attrs
import pytest

from linod.executor.binding import Plan, Unbindable
from linod.inspection import ProblemKind
from linod.run import Run

if TYPE_CHECKING:
    from nowhere import Unknown  # noqa: F401 - annotations name what is not there

TALLINN = ZoneInfo("Europe/Tallinn")
DUE = datetime(2026, 3, 29, 7, 0, tzinfo=TALLINN)
LOCAL = datetime(2026, 1, 1, 7)  # noqa: DTZ001 - TOML has date-times without an offset
RUN = Run(id=1, task="t", due=DUE, planned=DUE, attempt=1, trigger="manual", key="t@x", zone="UTC")
Email = NewType("Email", str)


class Colour(Enum):
    RED = "r"
    BLUE = 2


class Mode(StrEnum):
    FAST = "fast"


class Size(IntEnum):
    BIG = 10


@dataclasses.dataclass
class Shop:
    name: str
    floors: int = 1
    colours: list[Colour] = dataclasses.field(default_factory=list)


@attrs.frozen
class Address:
    street: str
    number: int | None = None


class Point(TypedDict):
    x: int
    y: int


def bound(annotation: Any, value: Any) -> Any:
    """Bind one value to a parameter of that annotation."""

    def procedure(value: Any) -> None: ...

    procedure.__annotations__ = {"value": annotation}
    _, named = Plan("shop.tasks.procedure", procedure).bind({"value": value}, DUE, RUN)
    return named["value"]


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (int, 3, 3),
        (float, 3, 3.0),
        (bool, True, True),
        (str, "x", "x"),
        (date, date(2026, 1, 1), date(2026, 1, 1)),
        (date, "2026-01-01", date(2026, 1, 1)),
        (datetime, LOCAL, LOCAL),
        (time, "07:30", time(7, 30)),
        (timedelta, "1 hour 30 minutes", timedelta(minutes=90)),
        (Path, "/srv", Path("/srv")),
        (Decimal, "1.10", Decimal("1.10")),
        (Decimal, 0.1, Decimal("0.1")),
        (Colour, "r", Colour.RED),
        (Colour, "RED", Colour.RED),
        (Colour, 2, Colour.BLUE),
        (Mode, "fast", Mode.FAST),
        (Size, "BIG", Size.BIG),
        (Literal["a", 1], 1, 1),
        (list[int], [1, 2], [1, 2]),
        (list, [1, "x"], [1, "x"]),
        (Sequence[date], ["2026-01-01"], [date(2026, 1, 1)]),
        (tuple[int, str], [1, "x"], (1, "x")),
        (tuple[int, ...], [1, 2, 3], (1, 2, 3)),
        (set[str], ["a", "a"], {"a"}),
        (dict[str, timedelta], {"a": "1 s"}, {"a": timedelta(seconds=1)}),
        (dict[int, str], {"7": "x"}, {7: "x"}),
        (Mapping[str, list[int]], {"a": [1]}, {"a": [1]}),
        (Optional[date], "2026-01-01", date(2026, 1, 1)),  # noqa: UP045
        (int | str, "3", "3"),
        (str | date, date(2026, 1, 1), date(2026, 1, 1)),
        (Shop, {"name": "ee", "colours": ["BLUE"]}, Shop("ee", 1, [Colour.BLUE])),
        (Address, {"street": "Pikk", "number": 3}, Address("Pikk", 3)),
        (list[Shop], [{"name": "a"}, {"name": "b"}], [Shop("a"), Shop("b")]),
        (Point, {"x": 1, "y": 2}, {"x": 1, "y": 2}),
        (Email, "a@b", "a@b"),
        (Annotated[int, "metres"], 3, 3),
        (Any, {"free": [1]}, {"free": [1]}),
        ("list[date]", ["2026-01-01"], [date(2026, 1, 1)]),
        ("Unknown", 3, 3),
        (date, {"due": "-1 day"}, date(2026, 3, 28)),
        (datetime, {"due": "-1 day"}, datetime(2026, 3, 28, 7, 0, tzinfo=TALLINN)),
        (datetime, {"due": "-24 hours"}, datetime(2026, 3, 28, 7, 0, tzinfo=TALLINN)),
        (datetime, {"due": "-4 hours"}, datetime(2026, 3, 29, 2, 0, tzinfo=TALLINN)),
        (str, {"due": "+2 weeks"}, "2026-04-12T07:00:00+03:00"),
        (date, {"due": "-1 month"}, date(2026, 2, 28)),
        (date | None, {"due": "0 days"}, date(2026, 3, 29)),
        (list[date], [{"due": "-1 day"}], [date(2026, 3, 28)]),
        (dict[str, str], {"due": "-1 day"}, {"due": "-1 day"}),
    ],
)
def test_a_value_becomes_what_its_annotation_says(
    annotation: Any, value: Any, expected: Any
) -> None:
    made = bound(annotation, value)

    assert (type(made), made) == (type(expected), expected)


@pytest.mark.parametrize(
    ("annotation", "value", "key", "message"),
    [
        (int, True, (), "value: expected an integer, got boolean true"),
        (int, 3.0, (), "value: expected an integer, got float 3.0"),
        (int, "3", (), 'value: expected an integer, got string "3"'),
        (float, "3", (), 'value: expected a number, got string "3"'),
        (bool, "no", (), 'value: expected true or false, got string "no"'),
        (str, 3, (), "value: expected a string, got integer 3"),
        (date, "soon", (), 'value: expected a date such as 2026-01-31, got string "soon"'),
        (
            date,
            LOCAL,
            (),
            "value: expected a date such as 2026-01-31, got date-time 2026-01-01 07:00:00",
        ),
        (timedelta, 3, (), 'value: expected a duration such as "10 minutes", got integer 3'),
        (Colour, "green", (), 'value: expected one of "RED", "BLUE", got string "green"'),
        (Literal["a", 1], True, (), 'value: expected one of "a", 1, got boolean true'),
        (list[int], "abc", (), 'value: expected an array, got string "abc"'),
        (list[int], [1, "x"], (1,), 'value: expected an integer, got string "x"'),
        (tuple[int, str], [1], (), "value: expected 2 items, got 1"),
        (dict[str, int], {"a": "x"}, ("a",), 'value: expected an integer, got string "x"'),
        (int | str, 3.5, (), "value: expected int or str, got float 3.5"),
        (Shop, {"name": "x", "nam": "x"}, ("nam",), 'value: unknown field "nam"'),
        (Shop, {"name": 3}, ("name",), "value: expected a string, got integer 3"),
        (Shop, "x", (), 'value: expected a table with the fields of Shop, got string "x"'),
        (list[Shop], [{}], (0,), 'value: field "name" is missing'),
        (ZoneInfo, "Mars/Base", (), 'value: expected a time zone, got string "Mars/Base"'),
        (Plan, "x", (), 'value: expected Plan, which linod cannot make of string "x"'),
    ],
)
def test_a_value_that_does_not_fit_is_refused_at_its_place(
    annotation: Any, value: Any, key: Any, message: str
) -> None:
    with pytest.raises(Unbindable) as refused:
        bound(annotation, value)

    finding = refused.value.findings[0]
    assert (finding.kind, finding.key, finding.message) == (
        ProblemKind.ARGUMENT_INVALID,
        ("arguments", "value", *key),
        message,
    )


@pytest.mark.parametrize("offset", ["", "yesterday", "-1 fortnight", "- -1 day", "-9999 years"])
def test_a_due_offset_that_says_nothing_is_refused(offset: str) -> None:
    with pytest.raises(Unbindable):
        bound(date, {"due": offset})


def send_report(recipient: str, since: date | None = None, *, dry_run: bool = False) -> None:
    """Send the report.

    To one recipient.
    """


def check(function: Any, arguments: dict[str, Any]) -> list[tuple[Any, ...]]:
    findings = Plan("shop.tasks.send_report", function).check(arguments)
    return [(f.kind, f.key, f.message, f.suggestion) for f in findings]


def test_a_wrong_name_is_told_with_the_nearest_one() -> None:
    assert check(send_report, {"recipent": "x", "recipient": "y"}) == [
        (
            ProblemKind.ARGUMENT_UNKNOWN,
            ("arguments", "recipent"),
            'send_report() has no parameter "recipent"',
            "recipient",
        )
    ]


def test_a_misspelt_name_is_not_missing_as_well() -> None:
    assert [kind for kind, *_ in check(send_report, {"recipent": "x"})] == [
        ProblemKind.ARGUMENT_UNKNOWN
    ]


def test_a_missing_argument_is_told() -> None:
    assert check(send_report, {}) == [
        (
            ProblemKind.ARGUMENT_MISSING,
            ("arguments",),
            'send_report() needs the argument "recipient"',
            None,
        )
    ]


def test_a_procedure_without_parameters_says_so() -> None:
    assert check(lambda: None, {"a": 1})[0][2] == (
        'send_report() has no parameter "a": it takes no arguments'
    )


def test_further_names_go_to_keywords_and_are_converted() -> None:
    def procedure(**options: date) -> None: ...

    _, named = Plan("a.procedure", procedure).bind({"x": "2026-01-01"}, DUE, RUN)

    assert named == {"x": date(2026, 1, 1)}


def test_positional_only_parameters_are_given_by_name_in_any_order() -> None:
    def procedure(a: int, b: int, /, c: int = 3) -> None: ...

    assert Plan("a.procedure", procedure).bind({"b": 2, "a": 1}, DUE, RUN) == ([1, 2], {})


def test_a_gap_between_positional_only_parameters_keeps_the_default() -> None:
    def procedure(a: int = 1, b: int = 2, /) -> None: ...

    assert Plan("a.procedure", procedure).bind({"b": 7}, DUE, RUN) == ([1, 7], {})


def test_the_run_comes_first_and_is_no_argument() -> None:
    def procedure(run: Run, name: str) -> None: ...

    plan = Plan("a.procedure", procedure)

    assert plan.bind({"name": "x"}, DUE, RUN) == ([RUN], {"name": "x"})
    assert plan.check({"name": "x", "run": 3})[0].message == 'procedure() has no parameter "run"'


def test_a_signature_reads_as_a_person_would_write_it() -> None:
    described = Plan("shop.tasks.send_report", send_report).described

    assert described.summary == "Send the report."
    assert Path(described.file).name == "test_binding.py"
    assert described.signature == (
        "shop.tasks.send_report"
        "(recipient: str, since: date | None = None, *, dry_run: bool = False)"
    )


def test_parameters_without_annotation_get_what_toml_gives() -> None:
    def procedure(a, b=0, *rest):  # type: ignore[no-untyped-def]
        pass

    assert Plan("a.b", procedure).bind({"a": [1, date(2026, 1, 1)]}, DUE, RUN) == (
        [],
        {"a": [1, date(2026, 1, 1)]},
    )


def test_ten_thousand_tasks_are_checked_with_one_plan() -> None:
    plan = Plan("shop.tasks.send_report", send_report)

    for _ in range(10_000):
        assert plan.check({"recipient": "x", "since": "2026-01-01"}) == []

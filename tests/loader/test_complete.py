"""What the children found: discovered tasks, and problems at their place in the file."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from linod.inspection import Declared, Described, Inspection, Problem, ProblemKind
from linod.loader import complete

DISCOVER = '[linod]\ndiscover = ["shop.tasks"]\n'


def described(name: str = "report") -> Described:
    return Described(
        path=f"shop.tasks.{name}",
        signature=f"shop.tasks.{name}(day: date)",
        file="shop/tasks.py",
        line=41,
        summary="Report.",
    )


def declared(name: str = "report", **keys: Any) -> Declared:
    return Declared(name=name, described=described(name), keys=keys)


def problem(kind: ProblemKind, **fields: Any) -> Inspection:
    return Inspection(problems=(Problem(kind=kind, message="words", **fields),))


def test_a_declared_procedure_becomes_a_task_after_those_of_the_file(load_text) -> None:
    loaded = load_text(f'{DISCOVER}[tasks.first]\ncommand = "x"\n')

    config = complete(
        loaded, Inspection(declared=(declared(recurrence="@daily"), declared("prune")))
    ).config

    assert list(config.tasks) == ["first", "report", "prune"]
    assert config.tasks["report"].procedure == "shop.tasks.report"
    assert config.tasks["report"].description == "Report."


@pytest.mark.parametrize(
    ("recurrence", "level"),
    [
        ("every 10 seconds", "WARNING"),
        ("every minute", "INFO"),
        ("*/5 * * * * *", "WARNING"),
        ("0,30 0 3 * * *", "INFO"),
    ],
)
def test_what_recurs_in_seconds_logs_warnings_only(load_text, recurrence, level) -> None:
    loaded = load_text(DISCOVER)

    config = complete(loaded, Inspection(declared=(declared(recurrence=recurrence),))).config

    assert config.tasks["report"].log_level == level


@pytest.mark.parametrize("name", ["", "../x", "-x", "a b", "\u202e", "x" * 101])
def test_a_declared_name_is_held_to_the_same_rules(load_text, name: str) -> None:
    found = Declared(name=name, described=described(), keys={})

    loaded = complete(load_text(DISCOVER), Inspection(declared=(found,)))

    assert [(each.code, each.place.file) for each in loaded.fatal] == [("L060", "shop/tasks.py")]
    assert loaded.partial.tasks == {}


def test_the_file_overrides_the_decorator_and_that_the_defaults(load_text) -> None:
    loaded = load_text(
        f'{DISCOVER}[defaults]\ntimeout = "1 h"\ncatch_up = "none"\nenv = {{ A = "1" }}\n'
        '[tasks.report]\nrecurrence = "@hourly"\nenv = { B = "2" }\nlog_level = "ERROR"\n'
    )

    config = complete(
        loaded, Inspection(declared=(declared(recurrence="@daily", timeout="5 min"),))
    ).config
    task = config.tasks["report"]

    assert (
        task.recurrence
        == load_text('[tasks.x]\ncommand = "x"\nrecurrence = "@hourly"\n')
        .config.tasks["x"]
        .recurrence
    )
    assert (task.timeout.total_seconds(), task.catch_up, task.log_level) == (300, "none", "ERROR")
    assert task.env == {"A": "1", "B": "2"}


def test_a_procedure_that_a_task_names_is_not_discovered_again(load_text) -> None:
    loaded = load_text(f'{DISCOVER}[tasks.mine]\nprocedure = "shop.tasks.report"\n')

    config = complete(loaded, Inspection(declared=(declared(),))).config

    assert list(config.tasks) == ["mine"]


def test_a_name_that_is_taken_shows_both_places(load_text) -> None:
    loaded = load_text(f'{DISCOVER}[tasks.report]\ncommand = "x"\n')

    [error] = complete(loaded, Inspection(declared=(declared(),))).errors

    assert (error.code, error.place.file, error.place.line) == ("L041", "shop/tasks.py", 41)
    assert error.notes == (f"by {loaded.path}:3:2",)


def test_an_override_without_procedure_is_an_error_once_all_is_known(load_text) -> None:
    loaded = load_text(f'{DISCOVER}[tasks.reprot]\nrecurrence = "@hourly"\n')

    assert loaded.errors == ()
    [error] = complete(loaded, Inspection(declared=(declared(),))).errors

    assert (error.code, error.place.line) == ("L057", 3)


def test_an_override_is_not_blamed_for_a_module_that_cannot_be_imported(load_text) -> None:
    loaded = load_text(f'{DISCOVER}[tasks.report]\nrecurrence = "@hourly"\n')

    completed = complete(loaded, problem(ProblemKind.IMPORT_RAISED, subject="shop.tasks"))

    assert [(each.code, each.place.line) for each in completed.errors] == [("L030", 2)]


def test_a_wrong_key_of_a_decorator_is_told_at_the_procedure(load_text) -> None:
    [error] = complete(load_text(DISCOVER), Inspection(declared=(declared(timout="1 h"),))).errors

    assert (error.code, error.place.file, error.place.line) == ("L039", "shop/tasks.py", 41)
    assert error.label == 'did you mean "timeout"?'


def test_after_may_name_a_discovered_task_and_nothing_else(load_text) -> None:
    loaded = load_text(f'{DISCOVER}[tasks.x]\ncommand = "x"\nafter = ["report", "nope"]\n')

    assert loaded.errors == ()
    [error] = complete(loaded, Inspection(declared=(declared(),))).errors

    assert (error.code, error.place.line, error.place.column) == ("L063", 5, 20)


def test_names_that_a_decorator_gives_are_checked_too(load_text) -> None:
    loaded = load_text(f'{DISCOVER}[tasks.first]\ncommand = "x"\nformerly = ["old"]\n')
    keys = {"after": ["report", "nope"], "formerly": ["first", "old", "older"]}

    found = complete(loaded, Inspection(declared=(declared(**keys),))).errors

    assert [(each.code, each.place.line, each.message.partition(": ")[2]) for each in found] == [
        ("L063", 41, 'unknown task "nope"'),
        ("L064", 41, '"report" waits for itself'),
        ("L075", 41, 'formerly "first": a task or chain has this name now'),
        ("L075", 41, 'formerly "old": "first" claims this name already'),
    ]


def test_an_old_name_that_a_discovered_task_has_is_told(load_text) -> None:
    loaded = load_text(f'{DISCOVER}[tasks.first]\ncommand = "x"\nformerly = ["report"]\n')

    [error] = complete(loaded, Inspection(declared=(declared(),))).errors

    assert (error.code, error.place.line) == ("L075", 5)


def test_a_calendar_of_a_discovered_task_has_its_days(load_text) -> None:
    loaded = load_text(f"{DISCOVER}[calendars.c]\ndates = [2026-12-31]\n")
    exclude = [{"calendar": "c"}]

    config = complete(loaded, Inspection(declared=(declared(exclude=exclude),))).config

    assert list(config.tasks["report"].exclude[0].days.names) == [date(2026, 12, 31)]


@pytest.mark.parametrize(
    ("kind", "key", "code", "marked"),
    [
        (ProblemKind.ARGUMENT_UNKNOWN, ("arguments", "recipent"), "L031", "recipent"),
        (ProblemKind.ARGUMENT_INVALID, ("arguments", "recipent"), "L033", '"ops"'),
        (ProblemKind.ARGUMENT_INVALID, ("arguments", "list", 1), "L033", "2"),
        (ProblemKind.ARGUMENT_MISSING, ("arguments",), "L032", "arguments"),
        (ProblemKind.NAME_MISSING, ("procedure",), "L035", '"shop.send"'),
        (ProblemKind.IMPORT_RAISED, ("procedure",), "L030", '"shop.send"'),
        (ProblemKind.USER_UNKNOWN, ("user",), "L040", '"nobdy"'),
    ],
)
def test_a_problem_is_placed_at_its_key_or_value(load_text, kind, key, code, marked) -> None:
    loaded = load_text(
        '[tasks.x]\nprocedure = "shop.send"\nuser = "nobdy"\n'
        'arguments = { recipent = "ops", list = [1, 2] }\n'
    )

    [found] = complete(loaded, problem(kind, task="x", key=key, notes=("a", "b"))).errors
    place = found.place

    assert found.code == code
    assert place.text[place.column - 1 : place.end_column - 1] == marked
    assert found.notes == ("a", "b")


def test_a_missing_argument_without_arguments_is_placed_at_the_procedure(load_text) -> None:
    loaded = load_text('[tasks.x]\nprocedure = "shop.send"\n')

    [found] = complete(
        loaded, problem(ProblemKind.ARGUMENT_MISSING, task="x", key=("arguments",))
    ).errors

    assert (found.place.line, found.place.column) == (2, 1)


def test_an_argument_that_only_if_misses_is_placed_at_it(load_text) -> None:
    loaded = load_text(
        '[tasks.x]\nprocedure = "shop.send"\narguments = { a = 1 }\nonly_if = "shop.ask"\n'
    )

    [found] = complete(
        loaded, problem(ProblemKind.ARGUMENT_MISSING, task="x", key=("only_if",))
    ).errors

    assert (found.code, found.place.line, found.place.column) == ("L032", 4, 1)


def test_an_only_if_of_the_defaults_is_placed_at_the_task(load_text) -> None:
    loaded = load_text('[defaults]\nonly_if = "shop.ask"\n[tasks.x]\ncommand = "true"\n')

    [found] = complete(loaded, problem(ProblemKind.NAME_MISSING, task="x", key=("only_if",))).errors

    assert (found.code, found.place.line) == ("L035", 3)


def test_a_problem_of_a_module_is_placed_in_discover(load_text) -> None:
    loaded = load_text('[linod]\ndiscover = ["a", "b.c"]\nsetup = ["s.prepare"]\n')

    [found] = complete(loaded, problem(ProblemKind.IMPORT_RAISED, subject="b.c")).errors
    [setup] = complete(loaded, problem(ProblemKind.SETUP_FAILED, subject="s.prepare")).errors

    assert (found.place.line, found.place.column) == (2, 18)
    assert (setup.place.line, setup.code) == (3, "L037")


def test_a_failed_import_does_not_keep_the_daemon_from_starting(load_text) -> None:
    loaded = load_text('[tasks.x]\nprocedure = "shop.send"\n')

    failed = complete(loaded, problem(ProblemKind.IMPORT_RAISED, task="x", key=("procedure",)))
    wrong = complete(
        loaded, problem(ProblemKind.ARGUMENT_UNKNOWN, task="x", key=("arguments", "a"))
    )

    assert (len(failed.errors), failed.fatal, failed.config is None) == (1, (), False)
    assert (len(wrong.fatal), wrong.config) == (1, None)


def test_completing_twice_adds_what_the_second_inspection_found(load_text) -> None:
    loaded = complete(load_text(DISCOVER), Inspection(declared=(declared(),)))

    again = complete(
        loaded, problem(ProblemKind.ARGUMENT_MISSING, task="report", key=("arguments",))
    )

    assert list(again.partial.tasks) == ["report"]
    assert [(each.code, each.place.file) for each in again.errors] == [("L032", "shop/tasks.py")]


def test_completing_leaves_what_was_loaded_as_it_was(load_text) -> None:
    loaded = load_text(DISCOVER)
    before = loaded.diagnostics

    complete(loaded, Inspection(declared=(declared(),)))

    assert (loaded.diagnostics, loaded.partial.tasks) == (before, {})


def test_every_kind_of_problem_has_a_code(load_text) -> None:
    loaded = load_text('[tasks.x]\nprocedure = "shop.send"\n')

    for kind in ProblemKind:
        assert complete(loaded, problem(kind, task="x", key=("procedure",))).diagnostics


def test_a_module_that_was_not_read_is_remembered_by_the_second_completion(load_text) -> None:
    loaded = load_text(f'{DISCOVER}[tasks.other]\nrecurrence = "@hourly"\n')

    first = complete(
        loaded,
        Inspection(
            declared=(declared(),),
            problems=(Problem(kind=ProblemKind.IMPORT_RAISED, message="no", subject="shop.tasks"),),
        ),
    )
    second = complete(first, Inspection())

    assert [each.code for each in second.errors] == ["L030"]


def test_a_missing_module_says_where_modules_are_looked_for(load_text, tmp_path) -> None:
    loaded = load_text('[linod]\nimport_path = ["."]\n[tasks.x]\nprocedure = "shop.send"\n')
    missing = problem(ProblemKind.MODULE_MISSING, task="x", key=("procedure",))

    (error,) = complete(loaded, missing).errors

    assert error.help == (
        f"modules are looked for in {tmp_path} (import_path), then where Python looks"
    )


def test_what_a_declaration_meant_does_not_stand_under_the_module(load_text) -> None:
    loaded = load_text(DISCOVER)
    wrong = problem(ProblemKind.DECLARATION_INVALID, subject="shop.tasks", suggestion="recurrence")

    (error,) = complete(loaded, wrong).errors

    assert (error.label, error.help) == ("", 'did you mean "recurrence"?')


def test_what_a_module_does_to_one_task_twice_is_told_once(load_text) -> None:
    loaded = load_text('[tasks.x]\nprocedure = "shop.send"\nonly_if = "shop.ask"\n')
    problems = tuple(
        Problem(kind=ProblemKind.IMPORT_RAISED, message="no", task="x", key=(key,))
        for key in ("procedure", "only_if")
    )

    (error,) = complete(loaded, Inspection(problems=problems)).errors

    assert (error.place.line, error.notes) == (2, ())


def test_what_one_module_does_to_many_tasks_is_one_error(load_text) -> None:
    names = ["a", "b", "c", "d", "e", "f", "g"]
    loaded = load_text("".join(f'[tasks.{name}]\nprocedure = "shop.x"\n' for name in names))
    problems = tuple(
        Problem(kind=ProblemKind.IMPORT_RAISED, message="no", task=name, key=("procedure",))
        for name in names
    )

    (error,) = complete(loaded, Inspection(problems=problems)).errors

    assert error.place.line == 2
    assert error.notes == ("the same for b, c, d, e, f and 1 more",)

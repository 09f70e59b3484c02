"""What tasks and chains say of each other by name: after, chains, formerly."""

from __future__ import annotations

import pytest

TASKS = "".join(f'[tasks.{name}]\ncommand = "true"\n' for name in "abcd")


def found(loaded) -> list[tuple[str, int, str]]:
    return [(each.code, each.place.line, each.message) for each in loaded.errors]


# -- after --------------------------------------------------------------------------------------


def test_a_task_does_not_wait_for_itself(load_text) -> None:
    loaded = load_text('[tasks.a]\ncommand = "true"\nafter = ["a"]\n')

    assert found(loaded) == [("L064", 3, 'tasks.a: "a" waits for itself')]


def test_a_task_waits_for_a_chain(load_text) -> None:
    loaded = load_text(
        f'{TASKS}[chains.night]\ntasks = ["a", "b"]\n'
        '[tasks.report]\ncommand = "true"\nafter = ["night"]\n'
    )

    assert loaded.errors == ()


def test_an_unknown_name_is_told_with_the_near_one(load_text) -> None:
    [error] = load_text(
        '[tasks.extract]\ncommand = "true"\n[tasks.b]\ncommand = "true"\nafter = ["extrac"]\n'
    ).errors

    assert (error.code, error.place.line, error.place.column) == ("L063", 5, 10)
    assert error.label == 'did you mean "extract"?'


def test_a_cycle_is_told_once(load_text) -> None:
    loaded = load_text(
        '[tasks.a]\ncommand = "true"\nafter = ["b"]\n[tasks.b]\ncommand = "true"\nafter = ["c"]\n'
        '[tasks.c]\ncommand = "true"\nafter = ["a"]\n'
    )

    assert found(loaded) == [("L064", 3, "tasks.a: tasks wait for each other: a → b → c → a")]


def test_a_cycle_through_a_chain_and_its_tasks_is_told(load_text) -> None:
    loaded = load_text(
        '[chains.night]\ntasks = ["b"]\n'
        '[tasks.a]\ncommand = "true"\nafter = ["night"]\n'
        '[tasks.b]\ncommand = "true"\nafter = ["a"]\n'
    )

    assert found(loaded) == [
        (
            "L074",
            2,
            'chains.night: "b" has after of its own: in a chain its place says what comes first',
        ),
        ("L064", 5, "tasks.a: tasks wait for each other: a → night → b → a"),
    ]


# -- one namespace --------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["tasks", "chains"])
def test_a_task_and_a_chain_have_different_names(load_text, first: str) -> None:
    tables = {
        "tasks": '[tasks.x]\ncommand = "true"\n',
        "chains": '[chains.x]\ntasks = ["a"]\n',
    }
    second = ({"tasks", "chains"} - {first}).pop()
    loaded = load_text(tables[first] + tables[second] + TASKS)

    assert [(each.code, each.message) for each in loaded.errors] == [
        ("L062", "tasks.x: the name stands twice")
    ]


# -- chains -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tasks", "column", "code", "message"),
    [
        ('["a", "nope"]', 15, "L063", 'unknown task "nope"'),
        ('["a", ["b", "a"]]', 21, "L074", '"a" is in the chain twice'),
        ('["a", "a"]', 15, "L074", '"a" is in the chain twice'),
        ('["other"]', 10, "L074", '"other" is a chain, not a task'),
        ('["c1"]', 10, "L074", '"c1" is a chain, not a task'),
        (
            '["d"]',
            10,
            "L074",
            '"d" is in the chain "other" already: a task is in one chain only',
        ),
        (
            '["timed"]',
            10,
            "L074",
            '"timed" has a recurrence of its own: in a chain the chain has it',
        ),
        (
            '["started"]',
            10,
            "L074",
            '"started" has a recurrence of its own: in a chain the chain has it',
        ),
        (
            '["waiting"]',
            10,
            "L074",
            '"waiting" has after of its own: in a chain its place says what comes first',
        ),
        ("[]", 9, "L074", "a chain without tasks"),
        ("[[]]", 9, "L074", "a chain without tasks"),
    ],
)
def test_a_chain_that_cannot_be_is_told(
    load_text, tasks: str, column: int, code: str, message: str
) -> None:
    [error] = load_text(
        f'[chains.other]\ntasks = ["d"]\n[chains.c1]\ntasks = {tasks}\n{TASKS}'
        '[tasks.timed]\ncommand = "true"\nrecurrence = "every day at 07:00"\n'
        '[tasks.started]\ncommand = "true"\nrecurrence = "at start"\n'
        '[tasks.waiting]\ncommand = "true"\nafter = ["a"]\n'
    ).errors

    assert (error.code, error.place.line, error.place.column) == (code, 4, column)
    assert error.message == f"chains.c1: {message}"


def test_manually_is_no_recurrence_of_its_own(load_text) -> None:
    loaded = load_text(
        '[chains.c]\ntasks = ["a", "b"]\n[defaults]\nrecurrence = "every day at 07:00"\n'
        '[tasks.a]\ncommand = "true"\nrecurrence = "none"\n'
        '[tasks.b]\ncommand = "true"\nrecurrence = "manually"\n'
    )

    assert loaded.errors == ()


def test_a_recurrence_of_the_defaults_is_told_with_the_way_out(load_text) -> None:
    [error] = load_text(
        '[chains.c]\ntasks = ["a"]\n[defaults]\nrecurrence = "every day at 07:00"\n'
        '[tasks.a]\ncommand = "true"\n'
    ).errors

    assert (error.code, error.place.line) == ("L074", 2)
    assert error.help == 'write recurrence = "none" there: it is from [defaults]'


# -- formerly -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formerly", "reason"),
    [
        ('["a"]', "it has this name now"),
        ('["b"]', "a task or chain has this name now"),
        ('["night"]', "a task or chain has this name now"),
        ('["x y"]', "a name has letters A-Z and a-z, digits, _ and - only"),
        ('["taken"]', '"c" claims this name already'),
        ('["old", "old"]', "it stands twice"),
    ],
)
def test_an_old_name_that_cannot_be_is_told(load_text, formerly: str, reason: str) -> None:
    [error] = load_text(
        '[tasks.c]\ncommand = "true"\nformerly = ["taken", "taken_too"]\n'
        f'[tasks.a]\ncommand = "true"\nformerly = {formerly}\n'
        '[tasks.b]\ncommand = "true"\n[tasks.m]\ncommand = "true"\n'
        '[chains.night]\ntasks = ["m"]\n'
    ).errors

    assert (error.code, error.place.line) == ("L075", 6)
    assert error.message.endswith(f": {reason}")


def test_an_old_name_is_told_also_of_a_chain(load_text) -> None:
    [error] = load_text(f'{TASKS}[chains.x]\ntasks = ["a"]\nformerly = ["b"]\n').errors

    assert error.message == 'chains.x: formerly "b": a task or chain has this name now'


def test_an_old_name_that_nobody_has_is_right(load_text) -> None:
    loaded = load_text(f'{TASKS}[chains.x]\ntasks = ["a"]\nformerly = ["night", "old_a"]\n')

    assert loaded.errors == ()


# -- keys without effect, and bounds --------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "line", "message"),
    [
        ("max_running = 2", 3, 'max_running has no effect: it goes with overlap = "allow"'),
        (
            'recurrence = "every day at 07:00"\non_excluded = "after"',
            4,
            "on_excluded has no effect: there is no exclude",
        ),
        (
            'recurrence = "every 2 hours"\nexclude = [2026-12-24]\non_excluded = "after"',
            5,
            "on_excluded has no effect: only times of day on whole excluded days move",
        ),
        (
            'recurrence = "@daily"\nexclude = ["every day at 07:00"]\non_excluded = "before"',
            5,
            "on_excluded has no effect: only times of day on whole excluded days move",
        ),
        (
            'recurrence = "at start"\nexclude = [2026-12-24]',
            4,
            "exclude has no effect: the recurrence has no times to take out",
        ),
        (
            "exclude = [2026-12-24]",
            3,
            "exclude has no effect: the recurrence has no times to take out",
        ),
    ],
)
def test_a_key_without_effect_is_warned_of(load_text, lines: str, line: int, message: str) -> None:
    loaded = load_text(f'[linod]\ntimezone = "UTC"\n[tasks.x]\ncommand = "true"\n{lines}\n')

    assert loaded.errors == ()
    assert [(each.code, each.place.line, each.message) for each in loaded.diagnostics] == [
        ("L094", line + 2, f"tasks.x: {message}")
    ]


@pytest.mark.parametrize(
    "lines",
    [
        'overlap = "allow"\nmax_running = 2',
        'recurrence = "@daily"\nexclude = [2026-12-24]\non_excluded = "after"',
        'recurrence = "@daily"\non_excluded = "skip"',
        'recurrence = ["at start", "@daily"]\nexclude = [2026-12-24]',
    ],
)
def test_a_key_with_effect_is_not(load_text, lines: str) -> None:
    loaded = load_text(f'[linod]\ntimezone = "UTC"\n[tasks.x]\ncommand = "true"\n{lines}\n')

    assert loaded.diagnostics == ()


def test_max_running_of_the_defaults_is_for_those_that_allow(load_text) -> None:
    loaded = load_text(
        '[linod]\ntimezone = "UTC"\n[defaults]\nmax_running = 2\n[tasks.x]\ncommand = "true"\n'
    )

    assert loaded.diagnostics == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('"0 0 30 2 *"', "L020"),
        ('"FREQ=DAILY;COUNT=3"', "L021"),
        ('"every 2 weeks on friday"', "L023"),
    ],
)
def test_an_excluding_recurrence_is_looked_at_too(load_text, text: str, code: str) -> None:
    loaded = load_text(
        '[linod]\ntimezone = "UTC"\n[tasks.x]\ncommand = "true"\nrecurrence = "@daily"\n'
        f"exclude = [2026-12-24, {text}]\n"
    )

    assert [(each.code, each.place.line, each.place.column) for each in loaded.diagnostics] == [
        (code, 6, 24)
    ]


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ('allowed = "20:00-20:00"', "L054"),
        ('allowed = "20:00"', "L054"),
        ('allowed = "25:00-26:00"', "L054"),
        ('only_if = "is_open"', "L068"),
        ('only_if = "shop:is_open"', "L068"),
        ("disable_after = 0", "L055"),
        ("disable_after = -1", "L055"),
        ("max_running = 0", "L055"),
        ("max_events = 0\nstart = 2026-01-01", "L055"),
        ("retry = { attempts = 0 }", "L055"),
        ("retry = { backoff = 0.5 }", "L055"),
        ('retry = { delay = "-1 s" }', "L053"),
        ('cooldown = { success = "-1 s" }', "L053"),
        ('jitter = "-1 s"', "L053"),
        ('warn = { done_by = "24:00" }', "L054"),
        ('warn = { done_by = "6" }', "L054"),
        ("warn = { done_by = 6 }", "L051"),
        ('warn = { late = "soon" }', "L053"),
        ("priority = 1.5", "L051"),
    ],
)
def test_a_value_out_of_bounds_is_told(load_text, lines: str, code: str) -> None:
    [error] = load_text(f'[tasks.x]\ncommand = "true"\n{lines}\n').errors

    assert (error.code, error.place.line) == (code, 3)


@pytest.mark.parametrize("size", ["0", "-1", "10001", "true", "1.5"])
def test_a_pool_has_a_size_of_one_or_more(load_text, size: str) -> None:
    [error] = load_text(f"[pools.x]\nsize = {size}\n").errors

    assert (error.code in {"L051", "L055"}, error.place.line) == (True, 2)

"""What a good file means: defaults, paths, includes, references, forms of values."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from linod.errors import ConfigurationError
from linod.loader import find
from linod.recurrence import parse
from linod.specs import Allowed, CalendarDays, CalendarName, Cooldown, ExitCodes, Overlap, Warn


def codes(loaded) -> list[str]:
    return [each.code for each in loaded.diagnostics]


def test_a_task_becomes_a_spec(load_text) -> None:
    loaded = load_text(
        "[tasks.report]\n"
        'procedure = "shop.tasks.report"\n'
        'recurrence = "every weekday at 07:00"\n'
        'arguments = { shop = "ee", since = 2026-01-01, day = { due = "-1 day" } }\n'
        'log_level = "WARNING"\n'
    )
    task = loaded.config.tasks["report"]

    assert loaded.errors == ()
    assert task.procedure == "shop.tasks.report"
    assert task.recurrence == parse("every weekday at 07:00")
    assert task.arguments == {"shop": "ee", "since": date(2026, 1, 1), "day": {"due": "-1 day"}}
    assert task.log_level == "WARNING"


def test_the_short_form_is_a_task(load_text) -> None:
    loaded = load_text('[tasks]\nupdatedb = { command = "updatedb -l 0", recurrence = "@daily" }\n')

    assert loaded.config.tasks["updatedb"].command == ("updatedb", "-l", "0")


def test_every_kind_of_value_is_parsed(load_text) -> None:
    task = load_text(
        "[calendars.ee]\ndates = [2026-12-31]\n"
        '[tasks.x]\ncommand = ["a", "b c"]\n'
        "exit_codes = { warned = [24] }\n"
        'exclude = [{ calendar = "ee" }, 2026-12-24, "every monday at 07:00"]\n'
        'allowed = "20:00-06:00"\n'
        'cooldown = { failure = "20 minutes" }\n'
        'warn = { running = "auto", late = "15 min", done_by = "06:00" }\n'
        'limits = { memory = "512 MB" }\n'
        'umask = "027"\n'
        "start = 2026-01-01T10:00:00+02:00\n"
        "end = 2026-12-31\n"
        'overlap = "wait"\n'
    ).config.tasks["x"]

    assert task.command == ("a", "b c")
    assert task.exit_codes == ExitCodes(succeeded=(0,), warned=(24,))
    days = CalendarDays({date(2026, 12, 31): ""})
    assert task.exclude[:2] == (CalendarName(calendar="ee", days=days), date(2026, 12, 24))
    assert task.exclude[2] == parse("every monday at 07:00")
    assert task.allowed == Allowed(first=time(20), last=time(6))
    assert task.cooldown == Cooldown(failure=timedelta(minutes=20))
    assert task.warn == Warn(running="auto", late=timedelta(minutes=15), done_by=time(6))
    assert task.limits.memory == 512_000_000
    assert task.umask == 0o027
    assert task.start == datetime(2026, 1, 1, 8, tzinfo=UTC)
    assert task.end == datetime(2026, 12, 31, 23, 59, 59)  # noqa: DTZ001 - read in the task's zone
    assert task.overlap is Overlap.WAIT


def test_paths_are_relative_to_the_file_that_says_them(load_text, tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "a.toml").write_text('[tasks.a]\ncommand = "x"\ndirectory = "work"\n')

    config = load_text(
        '[linod]\ninclude = ["conf.d/*.toml"]\nimport_path = ["src", "/usr"]\n[log]\n'
    ).config

    assert config.store_path == tmp_path / "var" / "linod.db"
    assert config.directory == tmp_path / "var"
    assert config.linod.import_path == (tmp_path / "src", Path("/usr"))
    assert config.log.directory == tmp_path / "log"
    assert config.tasks["a"].directory == tmp_path / "conf.d" / "work"
    assert config.files == (tmp_path / "linod.toml", tmp_path / "conf.d" / "a.toml")


def test_without_log_there_is_none(load_text) -> None:
    assert load_text("[linod]\n").config.log is None


def test_a_task_key_replaces_the_default_whole_but_env_merges(load_text) -> None:
    tasks = load_text(
        "[defaults]\n"
        'timeout = "1 hour"\nretry.attempts = 3\nenv = { A = "1", B = "1" }\n'
        '[tasks.x]\ncommand = "x"\nretry = { delay = "5 s" }\nenv = { B = "2" }\n'
        '[tasks.y]\ncommand = "y"\n'
    ).config.tasks

    assert (tasks["x"].retry.attempts, tasks["x"].retry.delay) == (1, timedelta(seconds=5))
    assert tasks["x"].env == {"A": "1", "B": "2"}
    assert tasks["x"].timeout == timedelta(hours=1)
    assert (tasks["y"].retry.attempts, tasks["y"].env) == (3, {"A": "1", "B": "1"})


def test_none_switches_a_key_off(load_text) -> None:
    tasks = load_text(
        '[defaults]\ntimeout = "1 hour"\nretry.attempts = 3\ncatch_up = "all"\n'
        '[tasks.x]\ncommand = "x"\ntimeout = "none"\nretry = "none"\ncatch_up = "none"\n'
        '[log]\ncompression = "none"\nretention = "none"\n'
    )
    task = tasks.config.tasks["x"]

    assert (task.timeout, task.retry.attempts, task.catch_up) == (None, 1, "none")
    assert (tasks.config.log.compression, tasks.config.log.retention) == (None, None)


@pytest.mark.parametrize("key", ["kill_after", "catch_up_window", "overlap", "enabled", "priority"])
def test_a_key_that_is_never_off_takes_no_none(load_text, key: str) -> None:
    loaded = load_text(f'[tasks.x]\ncommand = "x"\n{key} = "none"\n')

    assert [each.place.line for each in loaded.errors] == [3]


def test_an_included_file_has_its_own_defaults(load_text, tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text('[defaults]\ntimeout = "2 h"\n[tasks.b]\ncommand = "b"\n')
    (tmp_path / "a.toml").write_text('[tasks.a]\ncommand = "a"\n')

    config = load_text(
        '[linod]\ninclude = ["[ab].toml", "a.toml"]\n'
        '[defaults]\ntimeout = "1 h"\n[tasks.main]\ncommand = "m"\n'
    ).config

    assert [(task.name, task.timeout) for task in config.tasks.values()] == [
        ("main", timedelta(hours=1)),
        ("a", None),
        ("b", timedelta(hours=2)),
    ]


def test_an_included_file_that_is_missing_is_named_once(load_text, tmp_path: Path) -> None:
    (error,) = load_text('[linod]\ninclude = ["conf.d/a.toml"]\n').errors

    assert error.message == f"{tmp_path}/conf.d/a.toml does not exist"


def test_a_task_in_two_files_shows_both_places(load_text, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('\n[tasks.x]\ncommand = "a"\n')

    loaded = load_text('[linod]\ninclude = ["a.toml"]\n[tasks.x]\ncommand = "m"\n')
    [error] = loaded.errors

    assert (error.code, error.place.file, error.place.line) == ("L062", f"{tmp_path}/a.toml", 2)
    assert error.notes == (f"first at {tmp_path}/linod.toml:3:2",)


def test_tasks_and_chains_share_their_names(load_text) -> None:
    loaded = load_text('[tasks.x]\ncommand = "m"\n[chains.x]\ntasks = ["x"]\n')

    assert "L062" in codes(loaded)


def test_a_reference_may_stand_for_any_text(load_text) -> None:
    loaded = load_text(
        '[tasks.x]\ncommand = ["echo", { env = "WORD" }]\n'
        'timeout = { env = "LIMIT", default = "5 s" }\n'
        'env = { KEY = { env = "KEY", secret = true } }\n'
        "[tasks.y]\n"
        'procedure = "a.b"\narguments = { file = "plain", at = { x = { env = "WORD" } } }\n',
        environ={"WORD": "hello", "KEY": "k", "TZ": "UTC"},
    )
    first, second = loaded.config.tasks.values()

    assert first.command == ("echo", "hello")
    assert first.timeout == timedelta(seconds=5)
    assert (first.env["KEY"], first.env["KEY"].is_secret) == ("k", True)
    assert first.env["KEY"].source == {"env": "KEY", "secret": True}
    assert second.arguments == {"file": "plain", "at": {"x": "hello"}}


def test_a_variable_that_is_not_set_is_told_at_its_reference(load_text) -> None:
    [error] = load_text('[tasks.x]\ncommand = "x"\nenv = { K = { env = "NOPE" } }\n').errors

    assert (error.code, error.place.line, error.place.column) == ("L069", 3, 13)


def test_a_calendar_file_is_a_path_and_no_reference(load_text, tmp_path: Path) -> None:
    (tmp_path / "closed.ics").write_text("BEGIN:VCALENDAR\nEND:VCALENDAR\n")
    loaded = load_text('[calendars.shop]\nfile = "closed.ics"\n')

    assert loaded.config.calendars["shop"].file == tmp_path / "closed.ics"


def test_a_key_whose_effect_comes_later_is_a_note_per_task(load_text) -> None:
    loaded = load_text(
        '[chains.c]\ntasks = ["x"]\nnotify = ["ops"]\n'
        '[tasks.x]\ncommand = "x"\nping = "https://x"\n'
        '[tasks.y]\ncommand = "y"\nqueue = "a"\non_stop = "end"\n'
    )
    notes = [each for each in loaded.diagnostics if each.code == "L090"]

    assert loaded.errors == ()
    assert [each.place.line for each in notes] == [3, 6, 9]
    assert notes[2].message == "tasks.y.queue is accepted; its effect comes with many machines"


def test_the_zone_is_the_systems_unless_set_and_said(load_text) -> None:
    loaded = load_text("[linod]\n", environ={"TZ": ":Europe/Riga"})

    assert loaded.config.zone == "Europe/Riga"
    assert [each.message for each in loaded.diagnostics] == [
        "the time zone is Europe/Riga, the system's (from TZ)"
    ]


def test_a_zone_that_is_set_is_not_mentioned(load_text) -> None:
    loaded = load_text('[linod]\ntimezone = "Europe/Riga"\n')

    assert (loaded.config.zone, loaded.diagnostics) == ("Europe/Riga", ())


def test_linod_enabled_0_switches_off(load_text) -> None:
    assert (
        load_text("[linod]\n", environ={"TZ": "UTC", "LINOD_ENABLED": "0"}).config.linod.enabled
        is False
    )


@pytest.mark.parametrize(
    ("lines", "code", "line"),
    [
        ("", "L057", 1),
        ('command = "a"\nshell = "b"', "L057", 3),
        ('command = "a"\narguments = { a = 1 }', "L058", 3),
        ('procedure = "a.b"\nexit_codes = { warned = [1] }', "L058", 3),
        ('command = ""', "L073", 2),
        ('command = "it\'s"', "L073", 2),
        ('command = "a"\nmax_events = 3', "L070", 3),
        ('command = "a"\npool = "nope"', "L065", 3),
        ('command = "a"\nexclude = [{ calendar = "nope" }]', "L066", 3),
        ('command = "a"\nname = "x"', "L050", 3),
        ('procedure = "a.b"\narguments = { day = { due = "yesterday" } }', "L077", 3),
    ],
)
def test_keys_that_do_not_fit_are_told_at_their_place(load_text, lines, code, line) -> None:
    [error] = load_text(f"[tasks.x]\n{lines}\n").errors

    assert (error.code, error.place.line) == (code, line)


@pytest.mark.parametrize("command", ["a | b", "a > b", "a && b", "echo $HOME", "ls *.py", "a $(b)"])
def test_shell_signs_in_a_command_are_warned_of(load_text, command: str) -> None:
    loaded = load_text(f'[tasks.x]\ncommand = "{command}"\n')

    assert loaded.errors == ()
    assert "L080" in codes(loaded)


def test_a_task_inside_a_task_has_its_own_words(load_text) -> None:
    [error] = load_text('[tasks.shop.report]\ncommand = "x"\n').errors

    assert (error.code, error.place.line, error.place.column) == ("L061", 1, 2)
    assert error.label == "write [tasks.shop_report]"


def test_all_errors_are_told_at_once(load_text) -> None:
    loaded = load_text(
        '[linod]\nkeep = "90"\n[taks.x]\n'
        '[tasks.x]\ncommand = "x"\ntimeout = "1"\nafter = ["nope"]\nretry = { delay = 1, x = 1 }\n'
        "[tasks.y]\n[pools.p]\n"
    )

    assert [(each.code, each.place.line) for each in loaded.errors] == [
        ("L053", 2),
        ("L050", 3),
        ("L053", 6),
        ("L063", 7),
        ("L051", 8),
        ("L050", 8),
        ("L057", 9),
        ("L056", 10),
    ]
    assert loaded.config is None


def test_a_flawed_task_leaves_the_others_to_look_at(load_text) -> None:
    loaded = load_text('[tasks.x]\ncommand = 1\n[tasks.y]\ncommand = "y"\n')

    assert (loaded.config, list(loaded.partial.tasks)) == (None, ["y"])


def test_a_wrong_default_is_told_once(load_text) -> None:
    loaded = load_text(
        '[defaults]\npool = "nope"\n[tasks.x]\ncommand = "x"\n[tasks.y]\ncommand = "y"\n'
    )

    assert [(each.code, each.place.line) for each in loaded.errors] == [("L065", 2)]


@pytest.mark.parametrize(
    ("chain", "column"),
    [('["a", "nope"]', 15), ("[]", 9), ('[["a"], "c"]', 17), ('["b"]', 10)],
)
def test_a_chain_that_cannot_be_is_told_at_its_place(load_text, chain: str, column: int) -> None:
    loaded = load_text(
        f'[chains.c]\ntasks = {chain}\n[tasks.a]\ncommand = "a"\n'
        '[tasks.b]\ncommand = "b"\nrecurrence = "@daily"\n'
    )

    assert [(each.place.line, each.place.column) for each in loaded.errors] == [(2, column)]


def test_a_task_is_in_one_chain_only(load_text) -> None:
    loaded = load_text(
        '[tasks.a]\ncommand = "a"\n[chains.c]\ntasks = ["a"]\n[chains.d]\ntasks = ["a"]\n'
    )

    assert [(each.code, each.place.line) for each in loaded.errors] == [("L074", 6)]


def test_postgresql_is_not_there_yet(load_text) -> None:
    assert [each.code for each in load_text('[linod]\nstore = "postgresql://x"\n').errors] == [
        "L071"
    ]


def test_the_file_is_found_as_documented(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "linod.toml").touch()

    assert find("x.toml", {"LINOD_CONFIG": "y.toml"}, tmp_path) == Path("x.toml")
    assert find(None, {"LINOD_CONFIG": "y.toml"}, tmp_path) == Path("y.toml")
    assert find(None, {}, tmp_path / "a" / "b") == tmp_path / "linod.toml"


def test_no_file_is_said_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="linod init"):
        find(None, {}, tmp_path)


def test_an_import_path_that_does_not_exist_is_warned_of(load_text) -> None:
    loaded = load_text('[linod]\nimport_path = [".", "scr"]\n')

    assert [(each.code, each.place.column) for each in loaded.diagnostics if each.place.line] == [
        ("L087", 21)
    ]


def test_an_import_path_that_others_can_write_is_told(load_text, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o777)

    loaded = load_text('[linod]\nimport_path = ["shared"]\n')
    [found] = [each for each in loaded.diagnostics if each.place.line]

    assert found.code in ("L006", "L084")
    assert found.message == (
        f"import_path: the directory {tmp_path}/shared can be written by everyone"
    )


@pytest.mark.parametrize(
    ("store", "what"),
    [
        ("log/linod.log", "the log"),
        ("linod.toml", "the configuration"),
        ("linod.lock", "a file of the daemon"),
        ("runs", "a file of the daemon"),
    ],
)
def test_the_store_is_a_file_of_its_own(load_text, store: str, what: str) -> None:
    (found,) = load_text(f'[linod]\nstore = "{store}"\n[log]\n').errors

    assert (found.code, found.place.line) == ("L058", 2)
    assert found.message.endswith(f"/{store} is {what} already")


# -- exclude --------------------------------------------------------------------------------------


def exclude_of(load_text, text: str):
    return load_text(f'[tasks.x]\ncommand = "x"\nexclude = [{text}]\n')


def test_a_date_in_words_is_the_day(load_text) -> None:
    loaded = exclude_of(load_text, '"once at 2026-12-24", 2026-12-25')

    assert loaded.config.tasks["x"].exclude == (date(2026, 12, 24), date(2026, 12, 25))


@pytest.mark.parametrize(
    ("text", "code", "message", "label"),
    [
        (
            '"2026-12-24"',
            "L051",
            'expected a date without quotes, got "2026-12-24"',
            "did you mean 2026-12-24?",
        ),
        ('"2026-13-24"', "L014", '"2026-13-24" is no date: month must be in 1..12', ""),
        ('"at start"', "L052", '"at start" has no instants to exclude', ""),
        ('"every saterday"', "L011", None, None),
        ('{ calendar = "x", days = 1 }', "L050", 'unknown key "days"', ""),
    ],
)
def test_what_cannot_be_excluded_is_told(
    load_text, text: str, code: str, message: str | None, label: str | None
) -> None:
    [error] = exclude_of(load_text, text).errors

    assert error.code == code
    assert message is None or message in error.message
    assert label is None or error.label == label


def test_a_task_of_which_all_is_excluded_is_told_at_the_key(load_text) -> None:
    [error] = load_text(
        '[tasks.x]\ncommand = "x"\nrecurrence = "every day at 07:00"\nexclude = ["every day"]\n'
    ).errors

    assert (error.code, error.place.line) == ("L028", 4)


def test_an_included_file_may_hold_comments_alone(load_text, tmp_path: Path) -> None:
    (tmp_path / "local.toml").write_text("# none yet\n")

    assert load_text('[linod]\ninclude = ["local.toml"]\n').errors == ()


def test_an_included_file_that_was_cut_off_is_an_error(load_text, tmp_path: Path) -> None:
    (tmp_path / "local.toml").touch()

    (error,) = load_text('[linod]\ninclude = ["local.toml"]\n').errors

    assert error.code == "L008"


def test_a_file_that_was_written_since_makes_it_outdated(load_text, tmp_path: Path) -> None:
    (tmp_path / "more.toml").write_text("# none\n")
    loaded = load_text('[linod]\ninclude = ["more.toml"]\n')
    assert not loaded.is_outdated()

    (tmp_path / "more.toml").write_text("# none yet\n")

    assert loaded.is_outdated()


def test_a_file_that_could_not_be_read_makes_it_outdated_too(load_text, tmp_path: Path) -> None:
    loaded = load_text("[linod")

    (tmp_path / "linod.toml").unlink()

    assert loaded.is_outdated()


def test_a_file_that_comes_to_be_makes_it_outdated(load_text, tmp_path: Path) -> None:
    loaded = load_text('[linod]\ninclude = ["more.toml"]\n')
    assert not loaded.is_outdated()

    (tmp_path / "more.toml").write_text("# none\n")

    assert loaded.is_outdated()

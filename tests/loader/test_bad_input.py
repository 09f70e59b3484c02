"""Bad input: one clear line that names the file and the line or the field, never a traceback."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from linod.diagnostics import render_github, render_json, render_text
from linod.loader import Loaded, load
from linod.loader.files import distrust
from linod.loader.prescan import find_excess

ZONE = {"TZ": "Europe/Tallinn"}


def told(loaded: Loaded) -> list[tuple[str, int]]:
    """List code and line of the errors; on the way, all renderings must hold."""
    text = render_text(loaded.diagnostics)
    assert all(len(line) <= 100 for line in text.splitlines()), text
    assert all(line.isprintable() for line in text.splitlines()), text
    render_json(loaded.diagnostics)
    render_github(loaded.diagnostics)
    return [(each.code, each.place.line if each.place else -1) for each in loaded.errors]


def task(lines: str, name: str = "x") -> str:
    return f'[tasks.{name}]\ncommand = "true"\n{lines}\n'


# -- files: rows 1 to 4, 31, 32 ---------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "\n", " \n\t\r\n", "# only words\n"])
def test_a_main_file_that_holds_nothing_is_an_error(load_text, text: str) -> None:
    loaded = load_text(text)

    assert [error.code for error in loaded.errors] == ["L008"]
    assert loaded.config is None


def test_a_main_file_may_have_no_tasks(load_text) -> None:
    loaded = load_text("[linod]\n")

    assert loaded.errors == ()
    assert loaded.config.tasks == {}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xef\xbb\xbf", "begins with a byte order mark"),
        (b"\xef\xbb\xbf[tasks]\n", "begins with a byte order mark"),
        ("[tasks]\n".encode("utf-16"), "written in UTF-16"),
        ("[tasks]\n".encode("utf-32"), "written in UTF-32"),
        ("[tasks]\n".encode("utf-16-le"), "holds a NUL byte in line 1"),
        ("\n# é\n".encode("latin-1"), "byte 0xe9 in line 2 is not UTF-8"),
        (b'a = 1\nb = "\0"\n', "holds a NUL byte in line 2"),
    ],
)
def test_what_is_not_utf8_text_has_its_own_words(load_text, data: bytes, words: str) -> None:
    loaded = load_text(data)

    assert loaded.config is None
    assert [(each.code, each.message) for each in loaded.errors] == [("L002", words)]


def test_a_file_of_more_than_16_mib_is_refused_unread(load_text) -> None:
    loaded = load_text(b"#" * (16 * 1024 * 1024 + 1))

    assert [each.message for each in loaded.errors] == ["larger than 16 MiB"]


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    loaded = load(tmp_path / "nope.toml", ZONE)

    assert [(each.code, each.message) for each in loaded.errors] == [
        ("L001", "nope.toml does not exist")
    ]


def test_a_directory_is_one_line(tmp_path: Path) -> None:
    assert [each.message for each in load(tmp_path, ZONE).errors] == ["a directory, not a file"]


def test_a_fifo_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.toml")

    loaded = load(tmp_path / "fifo.toml", ZONE)

    assert [each.message for each in loaded.errors] == ["a FIFO, not a file"]


def test_a_device_is_refused() -> None:
    assert [each.message for each in load(Path("/dev/zero"), ZONE).errors] == [
        "a device, not a file"
    ]


def test_a_socket_is_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s.toml"))
        loaded = load(tmp_path / "s.toml", ZONE)

    assert [each.message for each in loaded.errors] == ["a socket, not a file"]


def test_a_dangling_link_says_where_it_points(tmp_path: Path) -> None:
    (tmp_path / "linod.toml").symlink_to("gone.toml")

    loaded = load(tmp_path / "linod.toml", ZONE)

    assert [each.message for each in loaded.errors] == ["a link to gone.toml, which does not exist"]


def test_a_path_with_nul_is_refused() -> None:
    assert [each.code for each in load(Path("a\0b"), ZONE).errors] == ["L001"]


def test_a_half_written_file_is_an_error_at_its_end(load_text) -> None:
    assert told(load_text('[tasks.x]\ncommand = "tr')) == [("L004", 2)]


# -- bounds: rows 5 to 7 ----------------------------------------------------------------------


@pytest.mark.parametrize("opening", ["[", "{ a = "])
def test_deep_nesting_is_refused_before_parsing(load_text, opening: str) -> None:
    assert told(load_text("x = " + opening * 5000)) == [("L003", 1)]


def test_64_levels_are_not_too_deep(load_text) -> None:
    assert told(load_text("x = " + "[" * 64 + "]" * 64)) == [("L050", 1)]


def test_a_key_of_20000_parts_is_refused_before_parsing(load_text) -> None:
    assert told(load_text("\n" + ".".join(["a"] * 20_000) + " = 1")) == [("L003", 2)]


def test_dots_in_texts_and_comments_are_not_parts(load_text) -> None:
    dots = "." * 100

    assert told(load_text(f'# {dots}\n[tasks.x]\ncommand = "ls {dots}" # {dots}\n')) == []


def test_an_integer_of_5000_digits_is_out_of_bounds(load_text) -> None:
    assert told(load_text(task("priority = " + "9" * 5000))) == [("L055", 3)]


def test_an_integer_of_more_than_64_bits_is_out_of_bounds(load_text) -> None:
    loaded = load_text('[tasks.x]\nprocedure = "a.b"\narguments = { n = [9223372036854775808] }\n')

    assert told(loaded) == [("L055", 3)]


@pytest.mark.parametrize(
    "data",
    [
        b"a=[" + b'"",' * 5_000_000,
        b"a=[" + b"[]," * 5_000_000,
        b'a="' + b"\\n" * 8_000_000 + b'"',
        b'"' * 16_000_000,
        b'"\\' * 8_000_000,
        b"#\n" * 8_000_000,
    ],
    ids=["texts", "brackets", "escapes", "quotes", "backslashes", "comments"],
)
def test_sixteen_mib_of_anything_are_scanned_in_seconds(data: bytes) -> None:
    before = time.process_time()
    find_excess(data)

    assert time.process_time() - before < 5


# -- values: rows 8 to 11, 21 to 25 -----------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("nan", "L051"),
        ("inf", "L051"),
        ("-0.0", "L051"),
        ("1e400", "L051"),
        ("true", "L051"),
        ("10", "L051"),
        ("[]", "L051"),
        ('"10"', "L053"),
        ('"0 s"', "L055"),
        ('"-1 s"', "L053"),
        ('"1w-1s"', "L053"),
        ('"٣s"', "L053"),
        ('"1e9y"', "L053"),
        ('"301 years"', "L053"),
        ('"200000 days"', "L053"),
        ('"nan seconds"', "L053"),
        ('""', "L053"),
        ('"1 month"', "L053"),
        ('"1 h 1 h"', "L053"),
        ('"99999999999999999999 s"', "L053"),
    ],
)
def test_a_timeout_that_is_no_duration_is_refused_at_its_place(
    load_text, value: str, code: str
) -> None:
    assert told(load_text(task(f"timeout = {value}"))) == [(code, 3)]


def test_no_guess_is_refused_itself(load_text) -> None:
    loaded = load_text('[tasks.a]\ncommand = "x"\ntimeout = 0\n')

    assert [each.label for each in loaded.errors] == [""]


def test_an_unknown_key_has_a_guess(load_text) -> None:
    loaded = load_text(task('timout = "1 hour"'))

    assert told(loaded) == [("L050", 3)]
    assert loaded.errors[0].label == 'did you mean "timeout"?'


@pytest.mark.parametrize(
    "line",
    [
        "max_events = true",
        "max_events = 3.9",
        'max_events = "3"',
        "max_events = 0",
        'enabled = "no"',
        "enabled = 1",
        "description = 3",
        "retry = 3",
        "retry = { attempts = true }",
        "retry = { backoff = nan }",
        "retry = { backoff = 0.5 }",
        'after = "x"',
        "env = { A = 1 }",
        "nice = -21",
        "umask = 27",
        'umask = "9"',
        'start = "2026-01-01"',
        "priority = 1_000_001",
        'limits = { memory = "512" }',
        'limits = { cpu_time = "0 s" }',
        "exit_codes = { warned = [256] }",
        'allowed = "20-6"',
        'allowed = "20:00-20:00"',
        'dst = { gap = "none" }',
        "start = 9999-12-31T23:59:59-12:00",
    ],
)
def test_values_are_strict(load_text, line: str) -> None:
    errors = told(load_text(task(line)))

    assert errors
    assert {place for _, place in errors} == {3}


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ('recurrence = "every 10 seconds"\njitter = "1 minute"', "L083"),
        ('recurrence = "every 10 seconds"\ncatch_up_window = "1 s"', "L083"),
        ('recurrence = "every 10 seconds"\ncooldown = { failure = "1 h" }', "L083"),
        ('timeout = "1 s"\nkill_after = "5 s"', "L082"),
        ('retry = { delay = "1 min", max_delay = "1 s" }', "L086"),
    ],
)
def test_durations_at_odds_are_warned_of(load_text, lines: str, code: str) -> None:
    loaded = load_text(task(lines))

    assert told(loaded) == []
    assert code in [each.code for each in loaded.diagnostics]


def test_a_stop_timeout_of_zero_is_allowed(load_text) -> None:
    assert told(load_text('[linod]\nstop_timeout = "0 seconds"\n')) == []


def test_an_end_before_the_start_is_refused(load_text) -> None:
    assert told(load_text(task("start = 2026-02-01\nend = 2026-01-31T23:59:59"))) == [("L067", 4)]


def test_an_end_on_the_day_of_the_start_is_that_whole_day(load_text) -> None:
    assert told(load_text(task("start = 2026-02-01T10:00:00\nend = 2026-02-01"))) == []


def test_naive_and_offset_bounds_are_compared_in_the_zone(load_text) -> None:
    lines = "start = 2026-02-01T10:00:00\nend = 2026-02-01T09:00:00+01:00"

    assert told(load_text(task(lines))) == []


def test_a_leap_second_is_not_toml(load_text) -> None:
    assert told(load_text(task("start = 2026-01-01T23:59:60"))) == [("L004", 3)]


def test_the_year_9999_is_a_year(load_text) -> None:
    assert told(load_text(task("end = 9999-12-31"))) == []


@pytest.mark.parametrize(
    "zone",
    ["Mars/Base", "../../etc/passwd", "/etc/passwd", "localtime", "", "UTC+25", "Europe", "Factory",
     "posix/UTC", "zone.tab", "a" * 5000, "Europe/Tallinn\\u0000"],
)  # fmt: skip
def test_what_is_no_zone_is_refused(load_text, zone: str) -> None:
    [(code, line)] = told(load_text(f'[linod]\ntimezone = "{zone}"\n'))

    assert (code in ("L059", "L052"), line) == (True, 2)


@pytest.mark.parametrize("zone", ["EST5EDT", "UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+5"])
def test_zones_of_the_database_are_taken(load_text, zone: str) -> None:
    assert load_text(f'[linod]\ntimezone = "{zone}"\n').config.zone == zone


# -- names: rows 12, 13 -----------------------------------------------------------------------


def test_a_task_twice_in_one_file_shows_both_places(load_text) -> None:
    loaded = load_text(task("") + task(""))

    assert told(loaded) == [("L007", 4)]
    assert loaded.errors[0].notes == (f"first at {loaded.path}:1:2",)


def test_names_that_differ_by_case_are_warned_of(load_text) -> None:
    loaded = load_text(task("", "Mail") + task("", "mail"))

    assert told(loaded) == []
    assert [each.code for each in loaded.diagnostics if each.place.line] == ["L081"]


@pytest.mark.parametrize(
    "name",
    ["../../x", "a/b", "", "a" * 300, "\\u202e", "a\\nb", "<script>", "--help", "%n", "\\u0000",
     "é", "e\\u0301", "a b", "a.b", "\\u001b[2J"],
)  # fmt: skip
def test_what_is_no_name_is_refused(load_text, name: str) -> None:
    assert told(load_text(task("", f'"{name}"'))) == [("L060", 1)]


# -- procedures: row 14 -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["os:system", "builtins:eval", "x:__class__.__init__", "a..b:c", ".rel:f", "a:b()", "a:b;c",
     "a.__class__", "", "a", "a.b\\u0000", "a.class", "a/b.c", "a.b.", "é:x", "x." * 5000 + "y"],
)  # fmt: skip
def test_what_is_no_dotted_path_is_refused(load_text, path: str) -> None:
    [(code, line)] = told(load_text(f'[tasks.x]\nprocedure = "{path}"\n'))

    assert (code in ("L068", "L052"), line) == (True, 2)


# -- recurrences: rows 19 to 21 ---------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    ['"60 * * * *"', '"*/0 * * * *"', '"5-1 * * * *"', '"every 0 days"', '"every 5 mintues"',
     '"1 2 3"', '""', "5", "true", "{ every = 0, unit = \"daily\" }", '["@daily", "nope"]', "[]",
     '"' + "1," * 5000 + '1 * * * *x"', "{}", "07:00:00"],
)  # fmt: skip
def test_a_wrong_recurrence_is_told_at_its_place(load_text, value: str) -> None:
    errors = told(load_text(task(f"recurrence = {value}")))

    assert [line for _, line in errors] == [3]


def test_of_a_list_of_recurrences_the_wrong_ones_are_told(load_text) -> None:
    loaded = load_text(task('recurrence = ["@daily", "nope", "every 5 mintues"]'))

    assert [each.place.column for each in loaded.errors] == [25, 33]


# -- dependencies: rows 26, 27 ----------------------------------------------------------------


def test_a_cycle_names_its_tasks(load_text) -> None:
    loaded = load_text(
        task('after = ["b"]', "a") + task('after = ["c"]', "b") + task('after = ["a"]', "c")
    )

    assert told(loaded) == [("L064", 3)]
    assert loaded.errors[0].message == "tasks.a: tasks wait for each other: a → b → c → a"


def test_a_task_that_waits_for_itself_is_a_cycle(load_text) -> None:
    assert told(load_text(task('after = ["x"]'))) == [("L064", 3)]


def test_an_unknown_task_is_refused_at_its_name(load_text) -> None:
    loaded = load_text(task("", "extract") + task('after = ["extract", "extrct"]', "load"))

    assert told(loaded) == [("L063", 6)]
    assert loaded.errors[0].label == 'did you mean "extract"?'


def test_a_chain_of_ten_thousand_tasks_is_no_trouble(load_text) -> None:
    lines = [task(f'after = ["t{number - 1}"]', f"t{number}") for number in range(1, 10_000)]

    assert told(load_text(task("", "t0") + "".join(lines))) == []


def test_a_cycle_of_ten_thousand_tasks_is_told_shortly(load_text) -> None:
    lines = [task(f'after = ["t{number - 1}"]', f"t{number}") for number in range(1, 10_000)]

    loaded = load_text(task('after = ["t9999"]', "t0") + "".join(lines))

    assert told(loaded) == [("L064", 3)]
    assert len(loaded.errors[0].message) < 200


def test_a_task_may_wait_for_ten_thousand(load_text) -> None:
    names = ", ".join(f'"t{number}"' for number in range(10_000))
    lines = [f't{number} = {{ command = "true" }}\n' for number in range(10_000)]

    assert told(load_text(f"[tasks]\n{''.join(lines)}{task(f'after = [{names}]')}")) == []


# -- environment, users, limits: rows 28 to 30 ------------------------------------------------


@pytest.mark.parametrize("name", ["A=B", "", "A\\u0000"])
def test_what_cannot_name_a_variable_is_refused(load_text, name: str) -> None:
    assert told(load_text(task(f'env = {{ "{name}" = "1" }}'))) == [("L072", 3)]


def test_a_variable_with_which_no_program_starts_is_refused(load_text) -> None:
    line = 'command = "x"\nenv = {{ A = "{}" }}\n'

    assert told(load_text("[tasks.a]\n" + line.format("x" * 131_072))) == [("L055", 3)]
    assert told(load_text("[tasks.a]\n" + line.format("x" * 131_069))) == []


@pytest.mark.parametrize("user", ["#0", "0", "-1", "4294967295", "", "a b", "../x"])
def test_what_is_no_name_of_a_user_is_refused(load_text, user: str) -> None:
    assert told(load_text(task(f'user = "{user}"'))) == [("L076", 3)]


def test_a_nice_of_minus_20_is_a_number_that_the_kernel_judges(load_text) -> None:
    assert told(load_text(task("nice = -20"))) == []


# -- include: row 31 --------------------------------------------------------------------------


def test_a_file_that_includes_itself_is_refused(load_text) -> None:
    assert told(load_text('[linod]\ninclude = ["*.toml"]\n')) == [("L005", 2)]


def test_an_included_file_cannot_include(load_text, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text('[linod]\ninclude = ["linod.toml"]\n')

    assert told(load_text('[linod]\ninclude = ["other.toml"]\n')) == [("L009", 1)]


@pytest.mark.parametrize("name", ["/etc/shadow", "/dev/zero", "/dev/null"])
def test_what_is_not_named_toml_is_not_included(load_text, name: str) -> None:
    assert told(load_text(f'[linod]\ninclude = ["{name}"]\n')) == [("L005", 2)]


def test_an_included_fifo_is_told_at_its_name(load_text, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")

    assert told(load_text('[linod]\ninclude = ["pipe.toml"]\n')) == [("L001", 2)]


def test_an_included_dangling_link_is_told_at_its_name(load_text, tmp_path: Path) -> None:
    (tmp_path / "dangling.toml").symlink_to("gone")

    assert told(load_text('[linod]\ninclude = ["d*.toml"]\n')) == [("L001", 2)]


def test_an_included_link_to_itself_is_told_at_its_name(load_text, tmp_path: Path) -> None:
    (tmp_path / "loop.toml").symlink_to("loop.toml")

    assert told(load_text('[linod]\ninclude = ["loop.toml"]\n')) == [("L001", 2)]


def test_an_included_directory_is_told_at_its_name(load_text, tmp_path: Path) -> None:
    (tmp_path / "dir.toml").mkdir()

    assert told(load_text('[linod]\ninclude = ["dir.toml"]\n')) == [("L001", 2)]


def test_more_than_a_thousand_files_are_refused(load_text, tmp_path: Path) -> None:
    (tmp_path / "many").mkdir()
    for number in range(1001):
        (tmp_path / "many" / f"{number}.toml").write_text("# none\n")

    assert told(load_text('[linod]\ninclude = ["many/*.toml"]\n')) == [("L005", 2)]


# -- who can change the file: row 33 ----------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "reason"),
    [(0o644, None), (0o600, None), (0o646, "can be written by everyone"), (0o664, None)],
)
def test_modes_of_the_file_are_judged(tmp_path: Path, mode: int, reason: str | None) -> None:
    path = tmp_path / "linod.toml"
    path.touch()
    path.chmod(mode)
    found = distrust(path, path.stat().st_uid, path.stat().st_gid)

    assert found == (f"the file {reason}" if reason else None)


def test_a_file_of_the_users_own_group_is_trusted_and_of_another_not(tmp_path: Path) -> None:
    path = tmp_path / "linod.toml"
    path.touch()
    if os.geteuid() != 0:
        pytest.skip("only root gives files to other groups")
    os.chown(path, 1234, 1234)
    path.chmod(0o664)

    assert distrust(path, 1234, 1234) is None
    assert distrust(path, 1234, 1) == "the file can be written by group 1234"
    assert distrust(path, 0, 0) == "the file belongs to user 1234"


def test_a_directory_above_that_everyone_can_write_is_told(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    (shared / "linod.toml").touch()

    found = distrust(shared / "linod.toml", os.geteuid(), os.getegid())

    assert found == f"the directory {shared} can be written by everyone"


def test_a_sticky_directory_protects_its_files(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    (shared / "linod.toml").touch()

    assert distrust(shared / "linod.toml", os.geteuid(), os.getegid()) is None


def test_a_link_is_judged_by_both_directories(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (tmp_path / "real.toml").touch()
    (shared / "linod.toml").symlink_to("../real.toml")
    shared.chmod(0o777)

    found = distrust(shared / "linod.toml", os.geteuid(), os.getegid())

    assert found == f"the directory {shared} can be written by everyone"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_as_root_a_file_that_others_can_write_is_not_even_parsed(load_text, tmp_path) -> None:
    load_text("not toml")
    (tmp_path / "linod.toml").chmod(0o666)

    loaded = load(tmp_path / "linod.toml", ZONE)

    assert (loaded.config, told(loaded)) == (None, [("L006", 0)])


# -- secrets: row 34 --------------------------------------------------------------------------


def test_a_secret_file_loses_one_line_end(load_text, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("pass\n\n")
    (tmp_path / "secret").chmod(0o600)

    loaded = load_text(task('env = { TOKEN = { file = "secret" } }'))

    assert told(loaded) == []
    assert loaded.config.tasks["x"].env == {"TOKEN": "pass\n"}
    assert loaded.config.tasks["x"].env["TOKEN"].is_secret


def test_a_secret_that_everyone_can_read_is_warned_of(load_text, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("pass")
    (tmp_path / "secret").chmod(0o644)

    loaded = load_text(task('env = { TOKEN = { file = "secret" } }'))

    assert [(each.code, each.place.line) for each in loaded.diagnostics if each.place.line] == [
        ("L085", 3)
    ]


def test_a_missing_secret_is_told_at_its_reference(load_text) -> None:
    assert told(load_text(task('env = { TOKEN = { file = "nope" } }'))) == [("L069", 3)]


def test_a_large_secret_is_refused(load_text, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"x" * (64 * 1024 + 1))

    assert told(load_text(task('env = { TOKEN = { file = "secret" } }'))) == [("L069", 3)]


def test_a_secret_device_is_refused(load_text) -> None:
    assert told(load_text(task('env = { TOKEN = { file = "/dev/zero" } }'))) == [("L069", 3)]


# -- arguments: row 35 ------------------------------------------------------------------------


def test_arguments_of_ten_megabytes_are_refused(load_text) -> None:
    text = f'[tasks.x]\nprocedure = "a.b"\narguments = {{ text = "{"x" * 10_000_000}" }}\n'

    assert told(load_text(text)) == [("L055", 3)]


def test_arguments_may_be_dates_and_nan_and_nested(load_text) -> None:
    loaded = load_text(
        '[tasks.x]\nprocedure = "a.b"\n'
        "arguments = { at = 2026-01-01T00:00:00Z, n = nan, deep = [[{ a = [1] }]] }\n"
    )

    assert told(loaded) == []


def test_lone_surrogates_are_not_toml(load_text) -> None:
    text = '[tasks.x]\nprocedure = "a.b"\narguments = { text = "\\uD800" }\n'

    assert told(load_text(text)) == [("L004", 3)]


def test_escapes_in_the_file_are_never_printed_raw(load_text) -> None:
    loaded = load_text(task('pool = "\\u001b[2J\x7f\u202e"').replace("\\u001b", "\\u001B"))

    assert "L004" in [code for code, _ in told(loaded)] or told(loaded)


@pytest.mark.parametrize(
    ("text", "code", "label"),
    [
        ('[hello]\ncommand = "x"\n', "L050", "write [tasks.hello]"),
        ('[task.hello]\ncommand = "x"\n', "L050", "did you mean [tasks.hello]?"),
        ("[taks]\n", "L050", "did you mean [tasks]?"),
        ('[tasks."my task"]\ncommand = "x"\n', "L060", "write [tasks.my_task]"),
    ],
)
def test_a_heading_that_is_no_task_says_how_to_write_it(load_text, text, code, label) -> None:
    (error,) = load_text(text).errors

    assert (error.code, error.label) == (code, label)


def test_the_keys_of_a_task_without_a_name_are_one_error(load_text) -> None:
    loaded = load_text('[tasks]\ncommand = "x"\nenv = { A = "b" }\n[tasks.y]\ncommand = "y"\n')

    (error,) = loaded.errors
    assert error.message == "a task without a name"
    assert error.help == "write [tasks.NAME] above its keys"
    assert list(loaded.partial.tasks) == ["y"]

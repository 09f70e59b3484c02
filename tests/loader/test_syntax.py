"""Common slips in TOML get words of their own, at their place."""

from __future__ import annotations

import time

import pytest

SLIPS = [
    ("at = [20:00]", "a time of day without quotes", "20:00", 'write "20:00"'),
    ('r = { a = "b", at = [20:00] }', "a time of day without quotes", "20:00", 'write "20:00"'),
    ("r = every 5 minutes", "text without quotes", "every 5 minutes", 'write "every 5 minutes"'),
    ("recurrence = 30 4 * * *", "text without quotes", "30 4 * * *", 'write "30 4 * * *"'),
    ("recurrence = @daily # c", "text without quotes", "@daily", 'write "@daily"'),
    ("timeout = 90s", "text without quotes", "90s", 'write "90s"'),
    ("retry = { delay = 10 seconds }", "text without quotes", "10 seconds", 'write "10 seconds"'),
    ("after = [a]", "text without quotes", "a", 'write "a"'),
    ('r = "every day', "the text is not closed", '"every day', 'a " is missing at its end'),
    ("shell = '''a\nb", "the text is not closed", "'''", "''' is missing at its end"),
    ("command = 'it's'", "the text ends at its second '", "'it's'", 'write it in "'),
    ('command "x"', 'a "=" is missing after the key', "command", "write = after it"),
    ("command", 'a key without "=" and value', "command", "write = and a value"),
    ("pool =", "the value is missing", "", "write it here"),
    ('command: "x"', 'a colon where "=" belongs', ":", "write ="),
    ("retry = { attempts: 3 }", 'a colon where "=" belongs', ":", "write ="),
    ("enabled = True", "true and false are written in lower case", "True", "write true"),
    ("enabled = off", "a truth value is written true or false", "off", "write false"),
    ("pool = null", "TOML has no null", "null", 'leave the key out, or write "none"'),
    ("pool = “a”", "a typographic quotation mark", "“", 'write "'),
    ("[tasks.y", "the heading is not closed", "[tasks.y", "a ] is missing at its end"),
    ("[tasks.a b]", "a heading holds what a name cannot", "b", "only letters, digits, _ and -"),
    ('after = ["a" "b"]', "a comma is missing before this", '"', "write ,"),
    ('after = ["a"\nx = 1', "the list is not closed", "x", "write ]"),
    ("r = { a = 3, }", "a table in { } does not end with a comma", "}", "leave the comma out"),
    ("x = 1 y = 2", "one key stands on each line: this is too much", "y", ""),
    ("x = 08", "not a number, a date or a time", "8", "text is written in quotes"),
    ("<<<<<<< HEAD", "a mark of a merge conflict", "<", ""),
    ("// c", "a comment begins with #", "/", "write #"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "message", "marked", "label"), SLIPS)
def test_a_slip_has_its_own_words(load_text, line, message, marked, label) -> None:
    [error] = load_text(f"[tasks.x]\n{line}\n").errors
    place = error.place

    assert (error.code, error.message, error.label) == ("L004", message, label)
    assert place.text[place.column - 1 : place.end_column - 1] == marked


@pytest.mark.parametrize(
    "text", ["[a", "=", "a = [", 'a = "\\', "'''", "a = {", "]", "a =\n\n\n", "\x01", "a = \r"]
)
def test_what_no_slip_fits_keeps_its_line(load_text, text: str) -> None:
    [error] = load_text(text).errors

    assert (error.code, error.place.line) == ("L004", 1)


@pytest.mark.parametrize("filler", ["a", "a = ", '"', "20:0", "[", "'a", "a.", " ", "a,", '\\"'])
def test_a_long_line_of_anything_is_explained_quickly(load_text, filler: str) -> None:
    before = time.process_time()
    load_text("x = %" + filler * (200_000 // len(filler)))

    assert time.process_time() - before < 3


def test_a_key_twice_shows_both_places(load_text) -> None:
    loaded = load_text('[tasks.x]\ncommand = "a"\nshell = "b"\n command = "c"\n')
    [error] = loaded.errors

    assert (error.code, error.place.line, error.place.column) == ("L007", 4, 2)
    assert error.notes == (f"first at {loaded.path}:2:1",)

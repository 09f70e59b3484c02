"""What `linod check`, serve and reload say of a log server that could not start here."""

from __future__ import annotations

import os

import pytest

from linod.checking import prepare

from .processes import in_child

TOKEN = "0123456789abcdef"
TASK = '[tasks.mail]\nshell = "true"\nrecurrence = "every hour"\n'


def found(folder, log, environ=()):
    path = folder / "linod.toml"
    path.write_text(f'[linod]\ntimezone = "UTC"\n[log]\n{log}\n{TASK}')
    loaded = prepare(path, dict(environ))
    return [(each.code, each.place.line, each.message) for each in loaded.diagnostics]


@pytest.mark.parametrize(
    ("log", "code", "line", "message"),
    [
        ('listen = "0.0.0.0:5170"', "L046", 4, "0.0.0.0 is not of this machine alone"),
        ('listen = "127.0.0.1:5170"', "L046", 4, "anybody could send"),
        ('listen = "5170"', "L046", 4, '"5170" is no address'),
        ('listen = "127.0.0.1:5170"\ntoken_file = "missing"', "L046", 5, "No such file"),
        ('listen = "127.0.0.1:5170"\ntoken_file = "short"', "L046", 5, "at least 16"),
        ('listen = "127.0.0.1:5170"\ntoken_file = "open"', "L046", 5, "chmod 600"),
        (
            'listen = "0.0.0.0:1"\ntoken_file = "good"\ncertificate = "c"',
            "L046",
            6,
            "certificate_key is missing",
        ),
        ('group = "no-such-group"', "L040", 4, 'there is no group "no-such-group"'),
        ('server = "tcp://192.0.2.1:5170"', "L046", 4, '"tls://192.0.2.1:5170"'),
        ('server = "udp://192.0.2.1:5170"', "L046", 4, "is no log server"),
    ],
)
def test_what_keeps_a_log_server_from_starting_is_found(tmp_path, log, code, line, message):
    files = (("short", "abc", 0o600), ("open", TOKEN, 0o644), ("good", TOKEN, 0o600))
    for name, text, mode in files:
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(mode)

    ((given, at, told),) = found(tmp_path, log)

    assert (given, at, message in told) == (code, line, True), told


def test_one_that_can_start_is_right(tmp_path):
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o600)

    assert found(tmp_path, 'listen = "127.0.0.1:5170"\ntoken_file = "token"') == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_token_that_only_the_daemon_may_read_is_left_to_it(open_folder):
    (open_folder / "token").write_text("x")
    (open_folder / "token").chmod(0o600)
    log = 'listen = "127.0.0.1:5170"\ntoken_file = "token"'

    assert [code for code, *_ in found(open_folder, log)] == ["L046"]
    in_child(_finds_nothing_as_nobody, open_folder)


def _finds_nothing_as_nobody(folder):
    os.setuid(65534)
    codes = [each.code for each in prepare(folder / "linod.toml", {}).diagnostics]
    assert "L046" not in codes, codes

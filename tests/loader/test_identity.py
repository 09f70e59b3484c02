"""Users and groups that only root can become."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from linod.loader.identity import has_no_effect


@pytest.mark.parametrize(
    ("key", "name", "uid", "expected"),
    [
        ("user", "no-such-user", 0, False),
        ("user", "root", 1000, True),
        ("group", "root", 1000, True),
        ("user", "no-such-user", 1000, True),
        ("group", "no-such-group", 1000, True),
    ],
)
def test_who_is_not_root_stays_who_it_is(key: str, name: str, uid: int, expected: bool) -> None:
    assert has_no_effect(key, name, uid, 1000) is expected


def test_one_s_own_name_is_no_other() -> None:
    entry = pwd.getpwnam("nobody")

    assert not has_no_effect("user", "nobody", entry.pw_uid, entry.pw_gid)


def test_check_says_so_once_where_it_stands(load_text, tmp_path: Path) -> None:  # noqa: ARG001
    loaded = load_text('[defaults]\nuser = "nobody"\n[tasks.a]\ncommand = "x"\n')
    codes = [each.code for each in loaded.diagnostics]

    assert codes.count("L092") == (os.geteuid() != 0)

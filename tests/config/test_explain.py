"""`linod explain`: one code, all codes, and codes that do not exist."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from linod.cli import main
from linod.codes import CODES


def _explain(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["explain", *arguments])


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_is_explained_within_the_page(code: str) -> None:
    done = _explain(code)

    assert done.exit_code == 0
    assert done.stdout.startswith(f"{CODES[code].severity}[{code}]: ")
    assert len(done.stdout.splitlines()) >= 3
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_a_code_may_be_given_in_lower_case() -> None:
    assert _explain("l012").stdout == _explain("L012").stdout


def test_without_a_code_all_are_listed() -> None:
    lines = _explain().stdout.splitlines()

    assert [line.split()[0] for line in lines[1:]] == sorted(CODES)


def test_json_gives_the_whole_of_a_code() -> None:
    found = json.loads(_explain("L012", "--json").stdout)

    assert list(found) == ["code", "severity", "title", "explanation"]


def test_an_unknown_code_is_answered_with_the_nearest() -> None:
    done = _explain("L0012")

    assert done.exit_code == 2
    assert 'linod: there is no code "L0012": did you mean "L012"?' in done.stderr


def test_a_word_that_is_like_no_code_is_told_where_they_are() -> None:
    done = _explain("timeout")

    assert done.exit_code == 2
    assert done.stderr == 'linod: there is no code "TIMEOUT": "linod explain" lists them all\n'

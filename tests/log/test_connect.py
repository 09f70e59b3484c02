"""A process that linod did not start comes onto the log by one call."""

from __future__ import annotations

import pytest

from .processes import run_python

CALL = "import logging, linod\nfrom loguru import logger\nlinod.connect_log()\n"


@pytest.fixture
def path(tmp_path):
    (tmp_path / "linod.toml").write_text('[linod]\ntimezone = "UTC"\n[log]\nlevel = "INFO"\n')
    return tmp_path / "log" / "linod.log"


def shown(path):
    return [line.split(" ", 2)[2].split(" ", 3) for line in path.read_text().splitlines()]


def test_records_of_both_libraries_go_to_the_file_of_linod_toml(path, tmp_path):
    code = f"{CALL}logger.info('a')\nlogging.getLogger('lib').info('b')\nlogger.debug('c')"

    ended = run_python(code, tmp_path)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert [line.split(": ")[1] for line in path.read_text().splitlines()] == ["a", "b"]
    assert " INFO     -c[" in path.read_text()


def test_the_file_is_found_from_a_directory_below(path, tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)

    run_python(f"{CALL}logger.info('x')", tmp_path / "a" / "b")

    assert path.read_text().endswith(": x\n")


def test_a_second_call_changes_nothing(path, tmp_path):
    run_python(f"{CALL}linod.connect_log()\nlogger.info('x')", tmp_path)

    assert path.read_text().count("\n") == 1


def test_a_script_of_a_run_writes_as_that_run(path, tmp_path):
    run_python(f"{CALL}logger.info('x')", tmp_path, LINOD_TASK="mirror", LINOD_RUN_ID="7")

    assert " INFO     mirror#7 __main__:<module>:4: x\n" in path.read_text()


def test_a_forked_child_writes_under_its_own_pid(path, tmp_path):
    code = f"{CALL}import os\npid = os.fork()\nlogger.info(pid)\npid and os.wait()"

    run_python(code, tmp_path)

    first, second = path.read_text().splitlines()
    assert first.split()[3] != second.split()[3]


def test_print_and_other_handlers_stay_as_they_are(path, tmp_path):
    code = f"import logging\nlogging.basicConfig()\n{CALL}print('out')\nlogging.error('e')"

    ended = run_python(code, tmp_path)

    assert (ended.stdout, ended.stderr) == ("out\n", "ERROR:root:e\n")
    assert path.read_text().endswith(": e\n")


@pytest.mark.parametrize("text", ["[log]\nlevl = 1", "x = ["])
def test_a_wrong_linod_toml_is_refused_in_one_line(tmp_path, text):
    (tmp_path / "linod.toml").write_text(text)

    ended = run_python(CALL, tmp_path)

    assert ended.stderr.endswith("linod.toml has errors: run `linod check`\n")


def test_a_wrong_task_keeps_nobody_off_the_log(path, tmp_path):
    with open(tmp_path / "linod.toml", "a") as file:
        file.write("[tasks.a]\nrecurrence = 'every 5 mintues'\n")

    run_python(f"{CALL}logger.info('x')", tmp_path)

    assert path.read_text().endswith(": x\n")


def test_without_a_linod_toml_the_error_says_where_it_was_looked_for(tmp_path):
    ended = run_python(CALL, tmp_path, LINOD_CONFIG="")

    assert "there is no linod.toml in" in ended.stderr

"""`linod loop` with real processes: order, rests, stops, replacing, what it refuses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

LIMIT_S = 30.0
"""A loaded machine with two cores; without load each wait takes a fraction of a second."""
PROGRAM = (sys.executable, "-m", "linod")
SHOP = '''\
import time


def _note(word):
    with open("notes", "a") as notes:
        notes.write(f"{word} {time.monotonic()}\\n")


def fetch():
    _note("fetch")


def send():
    _note("send")


def broken():
    _note("broken")
    raise ValueError("no shop")


def slow():
    _note("begin")
    time.sleep(0.5)
    _note("end")


def sleeper():
    _note("sleeper")
    time.sleep(600)


def unready():
    raise ValueError("not ready")


def report(day):
    """Needs an argument."""


price = 3
'''
pytestmark = pytest.mark.timeout(180)


def until(condition: Callable[[], object]) -> None:
    """Poll until something is so; a limit keeps a broken one from hanging."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, "it did not become so in time"
        time.sleep(0.02)


class Shop:
    """A folder with a module, and the loops that run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state" / "linod" / "loop"
        self._processes: list[subprocess.Popen[str]] = []
        kept = {name: text for name, text in os.environ.items() if not name.startswith("LINOD_")}
        self._environ = {**kept, "XDG_STATE_HOME": str(folder / "state"), "TZ": "UTC"}
        self.write(SHOP)

    def write(self, module: str) -> None:
        (self.folder / "shop.py").write_text(module)

    def loop(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a loop, and end it with the test."""
        process = subprocess.Popen(
            [*PROGRAM, "loop", *arguments],
            cwd=self.folder,
            env=self._environ,
            stdout=(self.folder / "terminal").open("a"),
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._processes.append(process)
        return process

    def linod(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Call the program and wait for its end."""
        return subprocess.run(
            [*PROGRAM, *arguments],
            cwd=self.folder,
            env=self._environ,
            capture_output=True,
            text=True,
            timeout=LIMIT_S * 2,
            check=False,
        )

    def notes(self) -> list[str]:
        """What the functions noted, in order."""
        return [word for word, _ in self.noted()]

    def noted(self) -> list[tuple[str, float]]:
        path = self.folder / "notes"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(line.split()[0], float(line.split()[1])) for line in lines]

    def terminal(self) -> str:
        path = self.folder / "terminal"
        return path.read_text() if path.exists() else ""

    def end(self) -> None:
        for process in self._processes:
            for _ in range(2):
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)
                    time.sleep(0.1)  # two signals at once are one to the kernel
            process.wait(LIMIT_S)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    yield made
    made.end()


# -- going round --------------------------------------------------------------------------------


def test_functions_run_in_order_again_and_again(shop: Shop) -> None:
    shop.loop("shop.fetch", "shop.send", "--success", "0.1 s")
    until(lambda: len(shop.notes()) >= 5)

    assert shop.notes()[:5] == ["fetch", "send", "fetch", "send", "fetch"]


def test_after_each_function_is_the_rest_of_its_outcome(shop: Shop) -> None:
    shop.loop("shop.broken", "shop.send", "--success", "0.2 s", "--failure", "1.5 s")
    until(lambda: len(shop.notes()) >= 4)
    (_, first), (_, second), (_, third), (_, fourth) = shop.noted()[:4]

    assert shop.notes()[:4] == ["broken", "send", "broken", "send"]
    assert second - first >= 1.5
    # A chain that goes round takes a second between two of its dues.
    assert third - second >= 1.0
    assert fourth - third >= 1.5


def test_a_long_running_function_is_ended(shop: Shop) -> None:
    shop.loop("shop.sleeper", "shop.send", "--timeout", "3 s", "--failure", "0.1 s")
    until(lambda: "send" in shop.notes())

    assert shop.notes()[:2] == ["sleeper", "send"]
    assert "sleeper timed out" in shop.terminal()


def test_a_setup_is_called_before_the_functions(shop: Shop) -> None:
    shop.write(SHOP + "\n\nready = []\n\n\ndef prepare():\n    ready.append(1)\n")
    (shop.folder / "mail.py").write_text("import shop\n\nassert shop.ready\nsend = shop.send\n")

    shop.loop("mail.send", "--setup", "shop.prepare")
    until(shop.notes)

    assert shop.notes() == ["send"]


def test_modules_are_looked_for_on_the_import_path(shop: Shop) -> None:
    (shop.folder / "lib").mkdir()
    (shop.folder / "shop.py").rename(shop.folder / "lib" / "shop.py")

    shop.loop("shop.fetch", "--import-path", "lib")
    until(shop.notes)

    assert shop.notes() == ["fetch"]


def test_a_log_level_leaves_out_what_is_below(shop: Shop) -> None:
    shop.loop("shop.fetch", "shop.broken", "--success", "0.1 s", "--log-level", "error")
    until(lambda: "broken failed" in shop.terminal())

    assert "fetch succeeded" not in shop.terminal()


# -- the other commands -------------------------------------------------------------------------


def test_the_first_lines_name_the_functions_and_the_file_for_other_commands(shop: Shop) -> None:
    process = shop.loop("shop.fetch", "shop.send", "--success", "0.1 s")
    until(lambda: "send succeeded" in shop.terminal())
    file = "state/linod/loop/shop.fetch-shop.send/linod.toml"
    status = json.loads(shop.linod("-c", file, "status", "--json").stdout)

    assert shop.terminal().splitlines()[:2] == [
        "loop: fetch, send",
        f"look at it: linod -c {file} status",
    ]
    assert status["daemon"]["pid"] == process.pid
    assert "send" in shop.linod("-c", file, "history", "send").stdout
    assert shop.linod("-c", file, "check").stdout == (
        "checked 2 tasks and 1 chain in 1 file: 0 errors, 0 warnings\n"
    )
    assert shop.linod("-c", file, "stop").returncode == 0
    assert process.wait(LIMIT_S) == 0


def test_a_reload_takes_new_code_with_the_same_arguments(shop: Shop) -> None:
    shop.loop("shop.fetch", "--success", "0.1 s", "--name", "mail")
    until(shop.notes)
    shop.write(SHOP.replace('_note("fetch")', '_note("anew")'))
    reloaded = shop.linod("-c", "state/linod/loop/mail/linod.toml", "reload")

    assert reloaded.stdout == "reloaded: 1 task and 1 chain\n"
    until(lambda: "anew" in shop.notes())


# -- stopping and starting ----------------------------------------------------------------------


def test_sigterm_ends_it_within_its_limit(shop: Shop) -> None:
    process = shop.loop("shop.sleeper", "--stop-timeout", "0.5 s")
    until(shop.notes)
    process.terminate()
    asked = time.monotonic()

    assert process.wait(LIMIT_S) == 0
    assert time.monotonic() - asked < 7.5
    assert "sleeper was cancelled" in shop.terminal()


def test_a_loop_that_is_started_again_begins_at_once_with_its_first_function(shop: Shop) -> None:
    process = shop.loop("shop.fetch", "shop.broken", "--success", "0.1 s")
    until(lambda: "broken failed" in shop.terminal())
    process.terminate()
    process.wait(LIMIT_S)
    shop.loop("shop.fetch", "shop.broken", "--success", "0.1 s")
    until(lambda: len(shop.notes()) >= 4)

    assert shop.notes() == ["fetch", "broken"] * 2


def test_what_was_waiting_is_given_up_when_the_loop_begins_anew(shop: Shop) -> None:
    process = shop.loop("shop.fetch", "shop.send", "--success", "2 s")
    until(lambda: "fetch succeeded" in shop.terminal())
    process.kill()
    process.wait()
    shop.loop("shop.fetch", "shop.send", "--success", "2 s")
    until(lambda: len(shop.notes()) >= 3)
    (_, first), (_, second), (_, third) = shop.noted()[:3]

    assert shop.notes()[:3] == ["fetch", "fetch", "send"]
    assert second > first
    assert third - second >= 2.0
    assert "send was cancelled" in shop.terminal()


def test_the_same_loop_twice_is_refused_with_the_pid_and_replace(shop: Shop) -> None:
    process = shop.loop("shop.fetch", "--success", "1 hour")
    until(shop.notes)
    file = shop.state / "shop.fetch" / "linod.toml"
    before = file.read_text()
    second = shop.linod("loop", "shop.fetch", "--success", "1 s")

    assert second.returncode == 1
    assert f"another daemon (pid {process.pid}) serves" in second.stderr
    assert "--replace ends it" in second.stderr
    assert second.stdout == ""
    assert file.read_text() == before


def test_replace_hands_over_without_two_runs_at_once(shop: Shop) -> None:
    former = shop.loop("shop.slow", "--success", "0.1 s")
    until(lambda: len(shop.notes()) >= 3)
    shop.loop("shop.slow", "--success", "0.1 s", "--replace")
    assert former.wait(LIMIT_S) == 0
    ended = len(shop.notes())
    until(lambda: len(shop.notes()) >= ended + 4)

    notes = shop.notes()
    assert notes == (["begin", "end"] * len(notes))[: len(notes)]
    assert f"pid {former.pid} is stopping" in shop.terminal()


def test_replace_takes_new_code(shop: Shop) -> None:
    shop.loop("shop.fetch")
    until(shop.notes)
    shop.write(SHOP.replace('_note("fetch")', '_note("anew")'))
    shop.loop("shop.fetch", "--replace")
    until(lambda: len(shop.notes()) >= 2)

    assert shop.notes() == ["fetch", "anew"]


def test_replace_without_a_former_one_just_begins(shop: Shop) -> None:
    shop.loop("shop.fetch", "--replace")
    until(shop.notes)

    assert shop.notes() == ["fetch"]


def test_broken_code_replaces_nothing(shop: Shop) -> None:
    former = shop.loop("shop.fetch", "--success", "0.1 s")
    until(shop.notes)
    shop.write("1 / 0\n")
    second = shop.linod("loop", "shop.fetch", "--replace")
    before = len(shop.notes())
    until(lambda: len(shop.notes()) > before)

    assert second.returncode == 78
    assert "ZeroDivisionError" in second.stderr
    assert former.poll() is None


def test_a_daemon_that_does_not_answer_is_not_replaced(shop: Shop) -> None:
    former = shop.loop("shop.fetch")
    until(shop.notes)
    (shop.state / "shop.fetch" / "linod.sock").unlink()
    second = shop.linod("loop", "shop.fetch", "--replace")

    assert second.returncode == 1
    assert f"(pid {former.pid})" in second.stderr
    assert f"does not answer: kill {former.pid}" in second.stderr.replace("\n       ", " ")


# -- once ---------------------------------------------------------------------------------------


def test_once_runs_each_function_once_without_rests(shop: Shop) -> None:
    done = shop.linod("loop", "shop.fetch", "shop.send", "--once")

    assert done.returncode == 0
    assert shop.notes() == ["fetch", "send"]


def test_once_ends_with_1_where_a_function_failed_and_runs_the_others(shop: Shop) -> None:
    done = shop.linod("loop", "shop.broken", "shop.send", "--once")

    assert done.returncode == 1
    assert shop.notes() == ["broken", "send"]


def test_once_again_runs_again(shop: Shop) -> None:
    codes = [shop.linod("loop", "shop.broken", "--once").returncode for _ in range(2)]

    assert codes == [1, 1]
    assert shop.notes() == ["broken", "broken"]


def test_once_that_is_stopped_did_not_succeed(shop: Shop) -> None:
    process = shop.loop("shop.sleeper", "--once", "--stop-timeout", "0.2 s")
    until(shop.notes)
    process.terminate()

    assert process.wait(LIMIT_S) == 1


# -- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("shop.fecth",), 'shop has no "fecth"'),
        (("shop.price",), "shop.price is not callable: an int"),
        (("shop.report",), 'report() needs the argument "day"'),
        (("shopp.fetch",), 'there is no module "shopp"'),
        (("shop",), 'error[L068]: "shop" names no module'),
        (("shop.fetch()",), '"shop.fetch()" is not a dotted path'),
        (("shop.fetch", "--setup", "shop.unready"), "setup failed: shop.unready"),
    ],
)
def test_a_function_that_cannot_run_is_shown_in_the_command(
    shop: Shop, arguments: tuple[str, ...], said: str
) -> None:
    result = shop.linod("loop", *arguments)

    assert result.returncode == 78
    assert said in result.stderr
    assert "--> command line:1:" in result.stderr
    assert "Traceback" not in result.stderr
    assert not shop.state.exists() or list(shop.state.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Missing argument 'FUNCTION...'"),
        (("shop.fetch", "shop.fetch"), "shop.fetch is named twice"),
        (("shop.fetch", "--success", "-5m"), "a duration cannot be negative"),
        (("shop.fetch", "--failure", "5x"), 'unknown unit "x"'),
        (("shop.fetch", "--timeout", "0 s"), "expected more than zero"),
        (("shop.fetch", "--stop-timeout", "soon"), "a duration is a number and a unit"),
        (("shop.fetch", "--log-level", "loud"), "'loud' is not one of"),
        (("shop.fetch", "--name", "../x"), "a name has letters A-Z and a-z, digits, _ and - only"),
        (("shop.fetch", "--import-path", "\udcff"), "the name of a directory is not UTF-8"),
    ],
)
def test_wrong_usage_is_one_line_and_2(shop: Shop, arguments: tuple[str, ...], said: str) -> None:
    result = shop.linod("loop", *arguments)

    assert result.returncode == 2
    assert said in result.stderr
    assert not shop.state.exists()


def test_a_file_beside_the_functions_is_refused(shop: Shop) -> None:
    result = shop.linod("-c", "linod.toml", "loop", "shop.fetch")

    assert result.returncode == 2
    assert "leave out -c" in result.stderr


def test_the_directory_of_another_configuration_is_left_alone(shop: Shop) -> None:
    file = shop.folder / "linod.toml"
    file.write_text('[tasks.mine]\ncommand = "true"\n')
    result = shop.linod("loop", "shop.fetch", "--directory", ".", "--replace")

    assert result.returncode == 2
    assert "--directory names another one" in result.stderr.replace("\n       ", " ")
    assert file.read_text() == '[tasks.mine]\ncommand = "true"\n'


def test_the_store_of_another_configuration_is_left_alone(shop: Shop) -> None:
    (shop.folder / "var").mkdir()
    (shop.folder / "var" / "linod.db").write_text("")

    assert shop.linod("loop", "shop.fetch", "--directory", "var").returncode == 2

"""How a run goes: what it gets, how it ends, what is kept of it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from linod.events import Outcome, RunStarted
from linod.specs import ExitCodes, LogLevel, Reference

from .conftest import what

PROCEDURES = """
import asyncio, json, os, sys, threading, warnings
from pathlib import Path
import linod

def returns(): pass
def stops_its_keeper():
    os.kill(os.getppid(), signal.SIGSTOP)
    time.sleep(0.5)
    os.kill(os.getppid(), signal.SIGCONT)
    time.sleep(0.1)
def says(): print("to stdout"); print("to stderr", file=sys.stderr); os.system("echo from below")
def raises(): raise ConnectionResetError("the far end hung up")
def warns(): raise UserWarning("only half of it")
def exits(code): sys.exit(code)
def exits_plainly(): sys.exit()
def exits_at_once(): os._exit(3)
def crashes():
    import ctypes
    ctypes.string_at(0)
def kills_itself(): os.kill(os.getpid(), 9)
def generates_by_surprise(): return (number for number in range(3))
async def waits():
    await asyncio.sleep(0.01)
    write(linod.current_run().id)
def write(value): Path(os.environ["OUT"]).write_text(json.dumps(value))
def who(run: linod.Run, name: str): write([run.id, run.task, run.key, str(run.due), name])
def who_in_thread():
    thread = threading.Thread(target=lambda: write(linod.current_run().attempt))
    thread.start()
def environment(): write({k: v for k, v in os.environ.items() if k.startswith("LINOD_")})
def place(): write([os.getcwd(), sys.stdin.read()])
def descriptors():
    folder = "/proc/self/fd/"
    links = {int(name): os.readlink(folder + name) for name in os.listdir(folder)
             if os.path.exists(folder + name)}
    write(links)
def signals():
    status = Path("/proc/self/status").read_text()
    write([line for line in status.splitlines() if line.startswith(("SigBlk", "SigIgn"))])
def daily(day): write(str(day))
"""


def run(stage: Any, procedure: str, **keys: Any) -> Any:
    stage.module("shop", PROCEDURES)
    keys["env"] = {"OUT": str(stage.folder / "out"), **keys.get("env", {})}
    stage.task("report", procedure=f"shop.{procedure}", **keys)
    return stage.run("report")


def written(stage: Any) -> Any:
    return json.loads(stage.text("out"))


def test_a_procedure_that_returns_succeeds(stage: Any) -> None:
    end = run(stage, "returns")

    assert (end.outcome, end.reason, end.lease) == (Outcome.SUCCEEDED, "", "lease1")


def test_the_start_is_reported_before_the_end(stage: Any) -> None:
    stage.task("long", shell="read never < gate")
    os.mkfifo(stage.folder / "gate")

    async def scene() -> None:
        stage.start("long")
        await stage.started()
        (stage.folder / "gate").write_text("on\n")
        await stage.ended()

    stage.play(scene)

    first, last = stage.events
    assert isinstance(first, RunStarted)
    assert (first.at, first.worker) == (last.started, last.worker)


def test_what_began_and_ended_while_its_keeper_slept_is_told_as_one(stage: Any) -> None:
    stage.module("shop", PROCEDURES)
    stage.task("stops", procedure="shop.stops_its_keeper")
    stage.task("report", procedure="shop.returns")

    async def scene() -> list[Any]:
        for first in range(1, 200, 4):
            numbers = range(first + 1, first + 4)
            orders = (stage.order("report", number) for number in numbers)
            stage.executor.start(stage.order("stops", first), *orders)
            for number in (first, *numbers):
                await stage.ended(number)
            told = [[event for event in stage.events if event.run == each] for each in numbers]
            # Before it was stopped it may have heard of one that began.
            if ends := [events[0] for events in told if len(events) == 1]:
                return ends
        raise AssertionError("each of them was told as two")

    for end in stage.play(scene):
        assert end.outcome is Outcome.SUCCEEDED
        assert end.worker
        assert end.started <= end.ended


def test_an_exception_fails_with_its_text_and_traceback(stage: Any) -> None:
    end = run(stage, "raises")

    assert (end.outcome, end.reason) == (
        Outcome.FAILED,
        "ConnectionResetError: the far end hung up",
    )
    assert end.detail["bases"][:3] == ["ConnectionResetError", "ConnectionError", "OSError"]
    assert "shop.py" in end.detail["traceback"]
    assert "linod/executor" not in end.detail["traceback"]


def test_an_exception_is_in_the_log_as_one_line_with_its_traceback(stage: Any) -> None:
    end = run(stage, "raises")

    (line,) = [line for line in end.log.splitlines() if " ERROR " in line]
    assert "report#1 linod: ConnectionResetError: the far end hung up" in line
    assert "\\nTraceback (most recent call last):" in line
    assert "linod/executor" not in line
    assert line in (stage.folder / "log" / "linod.log").read_text()


def test_a_secret_that_an_exception_quotes_is_masked_in_its_end(stage: Any) -> None:
    token = Reference("s3cr3t-t0ken", {"env": "TOKEN"}, is_secret=True)
    stage.module("leaky", "def leak(token): raise ValueError(f'bad {token}')")
    stage.task("leak", procedure="leaky.leak", arguments={"token": token})
    end = stage.run("leak")

    assert end.reason == "ValueError: bad ***"
    assert "s3cr3t-t0ken" not in f"{end}"


def test_a_warning_is_no_failure(stage: Any) -> None:
    end = run(stage, "warns")

    assert (end.outcome, end.reason) == (Outcome.WARNED, "UserWarning: only half of it")


def test_exit_status_zero_succeeds(stage: Any) -> None:
    assert run(stage, "exits", arguments={"code": 0}).outcome == Outcome.SUCCEEDED


def test_exit_without_status_succeeds(stage: Any) -> None:
    assert run(stage, "exits_plainly").outcome == Outcome.SUCCEEDED


def test_another_exit_status_fails(stage: Any) -> None:
    end = run(stage, "exits", arguments={"code": 4})

    assert (end.outcome, end.reason) == (Outcome.FAILED, "exit status 4")


def test_an_exit_past_the_interpreter_fails_with_its_status(stage: Any) -> None:
    end = run(stage, "exits_at_once")

    assert (end.outcome, end.reason) == (
        Outcome.FAILED,
        "its process ended without a result: exit status 3",
    )


def test_a_segfault_fails_with_its_signal(stage: Any) -> None:
    end = run(stage, "crashes")

    assert (end.outcome, end.reason) == (Outcome.FAILED, "killed by SIGSEGV")


def test_a_worker_that_is_killed_fails_with_the_signal(stage: Any) -> None:
    end = run(stage, "kills_itself")

    assert (end.outcome, end.reason, end.detail) == (
        Outcome.FAILED,
        "killed by SIGKILL",
        {"signal": "SIGKILL"},
    )


def test_a_returned_generator_fails(stage: Any) -> None:
    end = run(stage, "generates_by_surprise")

    assert end.reason == "shop.generates_by_surprise returned a generator: nothing of it has run"


def test_an_async_procedure_runs_and_knows_its_run(stage: Any) -> None:
    assert run(stage, "waits").outcome == Outcome.SUCCEEDED
    assert written(stage) == 1


def test_a_first_parameter_of_type_run_receives_the_run(stage: Any) -> None:
    run(stage, "who", arguments={"name": "x"})

    assert written(stage) == [
        1,
        "report",
        "report@2026-03-02T05:00:00Z",
        "2026-03-02 07:00:00+02:00",
        "x",
    ]


def test_a_thread_knows_the_run_and_is_waited_for(stage: Any) -> None:
    assert run(stage, "who_in_thread").outcome == Outcome.SUCCEEDED
    assert written(stage) == 1


def test_a_run_knows_itself_by_its_environment(stage: Any) -> None:
    run(stage, "environment", env={"LINOD_MINE": "y"})

    assert written(stage) == {
        "LINOD_MINE": "y",
        "LINOD_OCCURRENCE_KEY": "report@2026-03-02T05:00:00Z",
        "LINOD_RUN_ID": "1",
        "LINOD_TASK": "report",
        "LINOD_DUE": "2026-03-02T05:00:00Z",
        "LINOD_PLANNED": "2026-03-02T05:00:00Z",
        "LINOD_ZONE": "Europe/Tallinn",
        "LINOD_ATTEMPT": "1",
        "LINOD_TRIGGER": "schedule",
        "LINOD_DIRECTORY": str(stage.directory),
    }


def test_a_run_is_in_its_directory_and_has_no_input(stage: Any) -> None:
    run(stage, "place", directory="/usr")

    assert written(stage) == ["/usr", ""]


def test_without_a_directory_it_is_where_the_file_is(stage: Any) -> None:
    run(stage, "place")

    assert written(stage)[0] == str(stage.folder)


def test_a_directory_that_is_missing_fails_with_a_sentence(stage: Any) -> None:
    end = run(stage, "place", directory="/nowhere")

    assert end.reason == 'its directory "/nowhere" cannot be entered: No such file or directory'


def test_a_worker_has_no_descriptors_of_the_keeper(stage: Any) -> None:
    run(stage, "descriptors")

    links = written(stage)
    kinds = [links.pop(number) for number in ("0", "1", "2")]
    assert kinds[0] == "/dev/null"
    assert kinds[1].startswith("pipe:")
    assert kinds[2].startswith("pipe:")
    others = sorted(what(link) for link in links.values() if not link.startswith("pipe:"))
    log = str(stage.folder / "log" / "linod.log")
    assert others == sorted([os.readlink("/proc/self/fd/2"), log, "book", "gate", "mark of 1"])
    assert len(links) == 7


@pytest.fixture
def ignored_quit() -> Iterator[None]:
    """Ignore SIGQUIT, as in the background of a shell; who is started inherits it."""
    former = signal.signal(signal.SIGQUIT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGQUIT, former)


@pytest.mark.usefixtures("ignored_quit")
def test_a_worker_has_the_signals_of_a_new_process(stage: Any) -> None:
    run(stage, "signals")

    blocked, ignored = written(stage)
    assert int(blocked.split()[1], 16) == 0
    # Python itself ignores SIGPIPE and SIGXFSZ.
    assert int(ignored.split()[1], 16) == (1 << 12) | (1 << 24)


def test_output_is_logged_and_kept_with_the_run(stage: Any) -> None:
    end = run(stage, "says")

    assert [
        line.split(" stdout: ")[-1].split(" stderr: ")[-1] for line in end.log.splitlines()
    ] == [
        "to stdout",
        "to stderr",
        "from below",
    ]
    assert all(line in stage.log() for line in end.log.splitlines())


def test_the_log_level_of_the_task_leaves_lines_out(stage: Any) -> None:
    end = run(stage, "says", log_level=LogLevel.WARNING)

    assert end.log.count("\n") == 1
    assert "to stderr" in end.log


def test_a_due_value_is_relative_to_the_occurrence(stage: Any) -> None:
    run(stage, "daily", arguments={"day": {"due": "-1 day"}})

    assert written(stage) == "2026-03-01 07:00:00+02:00"


def test_a_command_runs_without_a_shell(stage: Any) -> None:
    stage.task("list", command=("echo", "$HOME", "*"))
    end = stage.run("list")

    assert end.outcome == Outcome.SUCCEEDED
    assert end.log.endswith("stdout: $HOME *\n")


def test_the_exit_status_of_a_command_is_what_exit_codes_say(stage: Any) -> None:
    codes = ExitCodes(succeeded=(0, 3), warned=(24,))
    for status in (3, 24, 4):
        stage.task(f"exit{status}", shell=f"exit {status}", exit_codes=codes)

    async def scene() -> list[tuple[str, str]]:
        for number, name in enumerate(stage.tasks, 1):
            stage.start(name, number)
        ends = [await stage.ended(number) for number in (1, 2, 3)]
        return [(end.outcome, end.reason) for end in ends]

    assert stage.play(scene) == [
        (Outcome.SUCCEEDED, ""),
        (Outcome.WARNED, "exit status 24"),
        (Outcome.FAILED, "exit status 4"),
    ]


def test_a_command_does_not_ignore_the_signals_that_a_module_ignores(stage: Any) -> None:
    ignoring = "import signal\nsignal.signal(signal.SIGUSR1, signal.SIG_IGN)\ndef f(): ...\n"
    stage.module("ignoring", ignoring)
    stage.task("other", procedure="ignoring.f")
    stage.task("list", shell="grep SigIgn /proc/self/status")

    assert stage.run("list").log.endswith("0000000000000000\n")


def test_a_program_that_is_missing_fails_with_a_sentence(stage: Any) -> None:
    stage.task("list", command=("no-such-program", "-x"), env={"PATH": "/bin"})

    assert stage.run("list").reason == 'program "no-such-program" was not found in PATH (/bin)'


def test_a_file_that_may_not_be_executed_fails_with_a_sentence(stage: Any) -> None:
    program = stage.folder / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o644)
    stage.task("list", command=(str(program),))

    assert stage.run("list").reason == f'program "{program}" may not be executed'


def test_a_module_that_raises_at_import_fails_its_own_runs_only(stage: Any) -> None:
    stage.module("broken", "import shop\n1 / 0\n")
    stage.module("shop", PROCEDURES)
    stage.task("broken", procedure="broken.anything")
    stage.task("good", procedure="shop.returns")

    async def scene() -> list[Any]:
        stage.start("broken", 1)
        stage.start("good", 2)
        return [await stage.ended(1), await stage.ended(2)]

    broken, good = stage.play(scene)
    assert broken.reason == "broken cannot be imported: ZeroDivisionError: division by zero"
    assert "1 / 0" in broken.detail["traceback"]
    assert good.outcome == Outcome.SUCCEEDED


def test_a_module_that_ends_the_keeper_at_import_fails_its_own_runs_only(stage: Any) -> None:
    stage.module("broken", "import os\nos._exit(5)\n")
    stage.module("shop", PROCEDURES)
    stage.task("broken", procedure="broken.anything")
    stage.task("good", procedure="shop.returns")

    async def scene() -> list[Any]:
        stage.start("broken", 1)
        stage.start("good", 2)
        return [await stage.ended(1), await stage.ended(2)]

    broken, good = stage.play(scene)
    assert (broken.outcome, broken.reason) == (
        Outcome.FAILED,
        "its process ended without a result: exit status 5",
    )
    assert good.outcome == Outcome.SUCCEEDED


def test_a_module_that_starts_threads_is_imported_after_the_fork(stage: Any) -> None:
    stage.module(
        "threads",
        "import os, threading, time, pathlib\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "pid = os.getpid()\n"
        "def check(): assert os.getpid() == pid, 'imported before the fork'\n",
    )
    stage.task("threads", procedure="threads.check")

    assert stage.run("threads").outcome == Outcome.SUCCEEDED


def test_setup_that_raises_fails_the_runs_with_its_reason(stage: Any) -> None:
    stage.module("shop", PROCEDURES)
    stage.linod["setup"] = ("shop.raises",)
    stage.task("report", procedure="shop.returns")

    end = stage.run("report")

    assert (end.outcome, end.reason) == (
        Outcome.FAILED,
        "setup failed: shop.raises: ConnectionResetError: the far end hung up",
    )


def test_a_user_who_does_not_exist_fails_the_run(stage: Any) -> None:
    stage.task("list", command=("true",), user="nobody-of-that-name")

    assert stage.run("list").reason == 'there is no user "nobody-of-that-name" on this machine'


def test_lines_of_a_run_are_followed_as_they_come(stage: Any) -> None:
    stage.task("talk", shell="echo one; read never < gate; echo two")
    os.mkfifo(stage.folder / "gate")

    async def scene() -> list[str]:
        lines: list[str] = []
        stage.executor.follow(1, lines.append)
        stage.start("talk")
        await stage.until(lambda: len(lines) == 1)
        (stage.folder / "gate").write_text("on\n")
        await stage.ended()
        return [line.rpartition(": ")[2] for line in lines]

    assert stage.play(scene) == ["one", "two"]


def test_a_late_follower_gets_what_was_before(stage: Any) -> None:
    stage.task("talk", shell="echo one; exec sleep 60")

    async def scene() -> list[str]:
        lines: list[str] = []
        stage.start("talk")
        await stage.until(lambda: "one" in stage.log())
        stage.executor.follow(1, lines.append)
        await stage.until(lambda: lines)
        stage.stop(1)
        await stage.ended()
        return lines

    assert stage.play(scene)[0].endswith(": one")


def test_a_new_configuration_takes_new_code_and_lets_old_runs_end(stage: Any) -> None:
    stage.module("shop", "def version(): raise Exception('old')\n")
    stage.task("report", procedure="shop.version")
    stage.task("long", shell="read never < gate")
    os.mkfifo(stage.folder / "gate")

    async def scene() -> tuple[str, str]:
        stage.start("long", 1)
        await stage.started(1)
        stage.module("shop", "def version(): raise Exception('the new one')\n")
        stage.executor.configure(stage.config())
        stage.start("report", 2)
        reason = (await stage.ended(2)).reason
        (stage.folder / "gate").write_text("on\n")
        outcome = (await stage.ended(1)).outcome
        await stage.until(lambda: len(stage.keepers()) == 1)
        return reason, outcome

    assert stage.play(scene) == ("Exception: the new one", Outcome.SUCCEEDED)


def test_a_run_file_is_removed_when_it_is_forgotten(stage: Any) -> None:
    stage.task("list", command=("true",))
    folder = stage.directory / "runs" / str(os.geteuid())

    async def scene() -> list[str]:
        stage.start("list")
        await stage.ended()
        before = os.listdir(folder)
        stage.executor.forget([1])
        return before

    before = [name for name in stage.play(scene) if name.isdigit()]
    assert (before, os.listdir(folder)) == (["1"], [])


def test_run_files_that_are_forgotten_one_after_another_are_all_removed(stage: Any) -> None:
    stage.task("list", command=("true",))
    folder = stage.directory / "runs" / str(os.geteuid())

    def left() -> list[str]:
        return [name for name in os.listdir(folder) if name.isdigit()]

    async def scene() -> list[str]:
        for number in (1, 2, 3):
            stage.start("list", number)
            await stage.ended(number)
        before = left()
        for number in (1, 2, 3):
            stage.executor.forget([number])
        await stage.until(lambda: not left())
        return before

    assert sorted(stage.play(scene)) == ["1", "2", "3"]


def test_many_runs_at_once_all_end(stage: Any) -> None:
    stage.module("shop", PROCEDURES)
    stage.task("report", procedure="shop.returns")

    async def scene() -> set[str]:
        for number in range(1, 101):
            stage.start("report", number)
        ends = await asyncio.gather(*(stage.ended(number, 60) for number in range(1, 101)))
        return {end.outcome for end in ends}

    assert stage.play(scene) == {Outcome.SUCCEEDED}


def test_a_module_that_hangs_is_imported_after_the_fork_where_that_is_known(stage: Any) -> None:
    stage.limits = {"import_within_s": 600}
    stage.module("hangs", "import time\ntime.sleep(600)\n")
    stage.module("shop", PROCEDURES)
    stage.task("hangs", procedure="hangs.anything")
    stage.task("good", procedure="shop.returns")

    async def scene() -> Any:
        stage.executor.configure(stage.config(), late=["hangs"])
        stage.start("hangs", 1)
        await stage.started(1)
        stage.start("good", 2)
        return await stage.ended(2, within_s=5)

    assert stage.play(scene).outcome == Outcome.SUCCEEDED


def test_a_module_that_hangs_its_keeper_is_left_out_by_the_next_one(
    stage: Any,
) -> None:
    stage.limits = {"import_within_s": 0.5}
    stage.module("hangs", "import time\ntime.sleep(600)\n")
    stage.module("shop", PROCEDURES)
    stage.task("hangs", procedure="hangs.anything")
    stage.task("good", procedure="shop.returns")

    async def scene() -> Any:
        stage.start("good")
        return await stage.ended(within_s=5)

    assert stage.play(scene).outcome == Outcome.SUCCEEDED


def test_an_order_that_waits_for_a_keeper_is_taken_back_at_once(stage: Any) -> None:
    stage.limits = {"import_within_s": 600}
    stage.module("hangs", "import time\ntime.sleep(600)\n")
    stage.task("hangs", procedure="hangs.anything")

    async def scene() -> Any:
        stage.start("hangs")
        stage.stop(1)
        return await stage.ended(within_s=1)

    assert stage.play(scene).outcome == Outcome.CANCELLED


def test_after_the_run_files_were_removed_the_next_run_goes_on(stage: Any) -> None:
    stage.task("quick", command=("true",))

    async def scene() -> list[Any]:
        stage.start("quick", 1)
        ends = [await stage.ended(1)]
        shutil.rmtree(stage.directory / "runs")
        stage.start("quick", 2)
        return [*ends, await stage.ended(2)]

    assert [end.outcome for end in stage.play(scene)] == [Outcome.SUCCEEDED, Outcome.SUCCEEDED]

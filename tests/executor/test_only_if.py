"""The procedure of only_if: asked first, in the worker; what its answer does, and its failures."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from typing import Any

import pytest

from linod.events import Outcome, RunEnded
from linod.specs import LogLevel, Reference

GATES = """
import asyncio, atexit, ctypes, os, signal, sys, threading, time
from pathlib import Path
import linod
from loguru import logger

def opened(): return True
def closed_in_the_end():
    while not os.path.exists("closing"): time.sleep(0.01)
    return False
def closed(): return False
def forgets_to_answer(): pass
async def closed_later(): await asyncio.sleep(0.01); return False
async def opened_later(): await asyncio.sleep(0.01); return True
def is_first_attempt(run: linod.Run): return run.attempt == 1
def knows_its_run(): return linod.current_run().task == "gated"
def knows_its_place(): return (os.environ["MINE"], os.getcwd()) == ("y", "/usr")
def raises(): raise ConnectionResetError("the far end hung up")
def leaks(): raise ValueError("bad s3cr3t-t0ken")
def warns(): raise UserWarning("half open")
def exits(): sys.exit(4)
def exits_well(): sys.exit(0)
def exits_at_once(): os._exit(0)
def exits_after_all(): atexit.register(os._exit, 0); return True
def crashes(): ctypes.string_at(0)
def sleeps(): time.sleep(600)
def generates(): return (number for number in range(3))
class Array:
    def __bool__(self): raise ValueError("ambiguous")
def is_ambiguous(): return Array()
def wants(day): return True
def talks():
    print("by print")
    sys.stdout.write("without an end")
    print("by the raw stream", file=sys.__stdout__)
    logger.info("by the log")
    return True
def talks_unheard():
    os.kill(os.getppid(), signal.SIGSTOP)
    print("at once", file=sys.__stdout__, flush=True)
    return talks()
def forks():
    if os.fork() == 0: return True
    os.wait()
    return True
def ignores_signals():
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
    return True
def sets_an_alarm():
    signal.setitimer(signal.ITIMER_REAL, 600)
    return True
def finishes_in_a_thread():
    def write(): time.sleep(0.1); Path("thread").touch()
    threading.Thread(target=write).start()
    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
    return True
def finishes_at_exit():
    atexit.register(Path("exit").touch)
    return True
def sets_a_variable(): os.environ["DAY"] = "monday"; return True

def sells(): print("sold")
def dies(): os._exit(3)
"""
ASKED = "import pathlib\ndef ask(): pathlib.Path('asked').touch()\n"


def run(stage: Any, only_if: str, **keys: Any) -> Any:
    stage.module("gates", GATES)
    what = keys if keys.keys() & {"command", "shell"} else {"procedure": "gates.sells", **keys}
    stage.task("gated", only_if=f"gates.{only_if}", **what)
    return stage.run("gated")


def output(end: Any) -> list[str]:
    return [line.rpartition(": ")[2] for line in end.log.splitlines()]


@pytest.mark.parametrize("only_if", ["opened", "opened_later", "is_first_attempt", "knows_its_run"])
@pytest.mark.parametrize("what", [{}, {"shell": "echo sold"}, {"command": ("echo", "sold")}])
def test_a_true_answer_lets_the_run_go_on(stage: Any, only_if: str, what: Any) -> None:
    end = run(stage, only_if, **what)

    assert (end.outcome, end.reason, output(end)) == (Outcome.SUCCEEDED, "", ["sold"])


@pytest.mark.parametrize("only_if", ["closed", "closed_later", "forgets_to_answer"])
@pytest.mark.parametrize("what", [{}, {"shell": "echo sold"}, {"command": ("echo", "sold")}])
def test_a_false_answer_cancels_the_run(stage: Any, only_if: str, what: Any) -> None:
    end = run(stage, only_if, **what)

    assert (end.outcome, end.reason, end.detail) == (Outcome.CANCELLED, "only_if", {})
    assert output(end) == []


def test_the_run_is_reported_started_before_it_is_cancelled(stage: Any) -> None:
    stage.module("gates", GATES)
    stage.task("gated", only_if="gates.closed_in_the_end", procedure="gates.sells")

    async def scene() -> RunEnded:
        stage.start("gated")
        await stage.started()
        (stage.folder / "closing").touch()
        return await stage.ended()

    end = stage.play(scene)

    first, last = stage.events
    assert (last, first.at, end.outcome) == (end, end.started, Outcome.CANCELLED)


def test_it_is_asked_in_the_environment_and_directory_of_the_run(stage: Any) -> None:
    end = run(stage, "knows_its_place", env={"MINE": "y"}, directory="/usr")

    assert end.outcome == Outcome.SUCCEEDED


@pytest.mark.parametrize(
    ("only_if", "reason"),
    [
        ("raises", "only_if: ConnectionResetError: the far end hung up"),
        ("warns", "only_if: UserWarning: half open"),
        ("exits", "only_if: exit status 4"),
        ("exits_well", "only_if: it exited without an answer"),
        ("exits_at_once", "only_if: its process ended without a result: exit status 0"),
        ("crashes", "only_if: killed by SIGSEGV"),
        ("is_ambiguous", "only_if: ValueError: ambiguous"),
        (
            "generates",
            "only_if: gates.generates returned a generator: nothing of it has run",
        ),
        ("wants", 'only_if: gates.wants(day): wants() needs the argument "day"'),
        ("is_open", 'only_if: gates has no "is_open"'),
    ],
)
@pytest.mark.parametrize("what", [{}, {"shell": "echo sold"}])
def test_whatever_else_it_does_fails_the_run(
    stage: Any, only_if: str, reason: str, what: Any
) -> None:
    end = run(stage, only_if, **what)

    assert (end.outcome, end.reason) == (Outcome.FAILED, reason)
    assert "sold" not in output(end)


def test_a_program_does_not_start_where_an_exit_handler_ends_the_process(stage: Any) -> None:
    end = run(stage, "exits_after_all", shell="echo sold")

    assert (end.outcome, output(end)) == (Outcome.FAILED, [])


def test_what_it_raises_is_in_the_log_with_its_traceback(stage: Any) -> None:
    end = run(stage, "raises", shell="echo sold")

    assert "only_if: ConnectionResetError: the far end hung up" in end.log
    assert "gates.py" in end.detail["traceback"]
    assert "linod/executor" not in end.detail["traceback"]


def test_a_secret_that_it_quotes_is_masked(stage: Any) -> None:
    token = Reference("s3cr3t-t0ken", {"env": "TOKEN"}, is_secret=True)

    end = run(stage, "leaks", command=("echo", token))

    assert end.reason == "only_if: ValueError: bad ***"
    assert "s3cr3t-t0ken" not in f"{end}"


def test_the_timeout_counts_from_the_start_and_says_where_it_hung(stage: Any) -> None:
    end = run(stage, "sleeps", shell="echo sold", timeout=timedelta(seconds=3))

    assert (end.outcome, end.reason) == (Outcome.TIMED_OUT, "only_if: after 3 s")


def test_a_death_after_it_is_not_blamed_on_it(stage: Any) -> None:
    end = run(stage, "opened", procedure="gates.dies")

    assert end.reason == "its process ended without a result: exit status 3"


def test_a_timeout_after_it_is_not_blamed_on_it(stage: Any) -> None:
    end = run(stage, "opened", command=("sleep", "619"), timeout=timedelta(seconds=3))

    assert (end.outcome, end.reason) == (Outcome.TIMED_OUT, "after 3 s")


def test_the_status_of_a_program_is_judged_after_it_as_ever(stage: Any) -> None:
    end = run(stage, "opened", shell="exit 4")

    assert (end.outcome, end.reason) == (Outcome.FAILED, "exit status 4")


def test_a_program_that_is_missing_is_not_blamed_on_it(stage: Any) -> None:
    end = run(stage, "opened", command=("no-such-program",), env={"PATH": "/bin"})

    assert end.reason == 'program "no-such-program" was not found in PATH (/bin)'


def test_what_it_prints_and_logs_comes_before_what_the_program_prints(stage: Any) -> None:
    end = run(stage, "talks", shell="echo sold")

    logged = [line for line in output(end) if line != "by the raw stream"]
    assert logged == ["by print", "by the log", "without an end", "sold"]
    assert output(end).index("by the raw stream") < output(end).index("sold")


def test_a_keeper_that_hears_late_keeps_that_order(stage: Any) -> None:
    end = run(stage, "talks_unheard", shell="echo sold; kill -CONT $PPID")

    assert output(end)[-1] == "sold"


def test_what_it_prints_obeys_the_log_level_of_the_task(stage: Any) -> None:
    assert output(run(stage, "talks", shell="true", log_level=LogLevel.WARNING)) == []


def test_a_process_that_it_forked_does_not_start_the_program_again(stage: Any) -> None:
    assert output(run(stage, "forks", shell="echo sold")) == ["sold"]


def test_a_process_that_it_forked_does_not_call_the_procedure_again(stage: Any) -> None:
    assert output(run(stage, "forks")) == ["sold"]


def test_the_program_has_the_signals_of_a_new_process(stage: Any) -> None:
    end = run(stage, "ignores_signals", shell="grep -E 'SigBlk|SigIgn' /proc/self/status")

    assert [line[-16:] for line in end.log.splitlines()] == ["0" * 16, "0" * 16]


def test_no_alarm_of_it_reaches_the_program(stage: Any) -> None:
    program = "import signal; print(signal.getitimer(signal.ITIMER_REAL)[0])"

    end = run(stage, "sets_an_alarm", command=(sys.executable, "-c", program))

    assert (end.outcome, output(end)) == (Outcome.SUCCEEDED, ["0.0"])


@pytest.mark.parametrize(
    ("only_if", "file"), [("finishes_in_a_thread", "thread"), ("finishes_at_exit", "exit")]
)
def test_its_threads_and_exit_handlers_end_before_the_program_starts(
    stage: Any, only_if: str, file: str
) -> None:
    assert run(stage, only_if, shell=f"test -e {file}").outcome == Outcome.SUCCEEDED


def test_the_program_finds_the_variables_that_it_set(stage: Any) -> None:
    assert output(run(stage, "sets_a_variable", shell="echo $DAY")) == ["monday"]


def test_a_program_has_no_descriptors_of_the_worker(stage: Any) -> None:
    end = run(stage, "opened", shell="ls /proc/self/fd | tr '\\n' ' '")

    # The fourth is the folder that ls reads.
    assert output(end) == ["0 1 2 3 "]


def test_its_module_is_imported_before_the_fork(stage: Any) -> None:
    stage.module("gates", "import os\nPID = os.getpid()\ndef ask(): return os.getppid() == PID\n")
    stage.task("gated", only_if="gates.ask", shell="true")

    assert stage.run("gated").outcome == Outcome.SUCCEEDED


def test_its_module_that_starts_threads_is_imported_after_the_fork(stage: Any) -> None:
    stage.module(
        "gates",
        "import os, threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "PID = os.getpid()\ndef ask(): return os.getpid() == PID\n",
    )
    stage.task("gated", only_if="gates.ask", shell="true")

    assert stage.run("gated").outcome == Outcome.SUCCEEDED


def test_its_module_that_ends_the_keeper_fails_its_own_runs_only(stage: Any) -> None:
    stage.module("gates", "import os\nos._exit(5)\n")
    stage.task("gated", only_if="gates.ask", shell="true")
    stage.task("good", shell="true")

    async def scene() -> list[Any]:
        stage.start("gated", 1)
        stage.start("good", 2)
        return [await stage.ended(1), await stage.ended(2)]

    gated, good = stage.play(scene)
    assert (gated.outcome, gated.reason) == (
        Outcome.FAILED,
        "only_if: its process ended without a result: exit status 5",
    )
    assert good.outcome == Outcome.SUCCEEDED


def test_its_module_that_hangs_the_keeper_is_left_out_by_the_next_one(stage: Any) -> None:
    stage.limits = {"import_within_s": 0.5}
    stage.module("gates", "import time\ntime.sleep(600)\n")
    stage.task("gated", only_if="gates.ask", shell="true")
    stage.task("good", shell="true")

    async def scene() -> Any:
        stage.start("good")
        return await stage.ended(within_s=5)

    assert stage.play(scene).outcome == Outcome.SUCCEEDED


def test_a_run_whose_directory_is_missing_does_not_ask(stage: Any) -> None:
    stage.module("gates", ASKED)
    stage.task("gated", only_if="gates.ask", shell="true", directory="/nowhere")

    end = stage.run("gated")

    assert end.reason == 'its directory "/nowhere" cannot be entered: No such file or directory'
    assert not (stage.folder / "asked").exists()


def test_a_run_that_is_stopped_while_it_asks_has_the_outcome_asked_for(stage: Any) -> None:
    os.mkfifo(stage.folder / "gate")
    stage.module("gates", "def ask(): print('asks'); return open('gate').read()\n")
    stage.task("gated", only_if="gates.ask", shell="true")

    async def scene() -> Any:
        stage.start("gated")
        await stage.until(lambda: "asks" in stage.log())
        stage.stop(1)
        return await stage.ended()

    end = stage.play(scene)
    assert (end.outcome, end.reason) == (Outcome.CANCELLED, "by alice")


def test_a_procedure_without_only_if_cannot_report_itself_cancelled(stage: Any) -> None:
    stage.module(
        "liar",
        "import os\ndef lie():\n"
        '    line = b\'{"end": {"outcome": "cancelled", "reason": "only_if"}}\\n\'\n'
        "    for pipe in range(3, 20):\n"
        "        try: os.write(pipe, line)\n"
        "        except OSError: pass\n",
    )
    stage.task("lie", procedure="liar.lie")

    assert stage.run("lie").outcome == Outcome.SUCCEEDED

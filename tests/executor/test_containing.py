"""What a task says of its processes: umask, priority and the kernel's limits; real processes."""

from __future__ import annotations

import json
import os
import resource
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from linod.events import Outcome
from linod.executor.messages import TaskSpec, limits_of
from linod.loader.contained import powers
from linod.specs import Limits, Reference, Task

WORK = """
import json, os, resource, subprocess, sys


def told():
    limits = {name: resource.getrlimit(getattr(resource, name)) for name in (
        "RLIMIT_CPU", "RLIMIT_NOFILE", "RLIMIT_NPROC", "RLIMIT_FSIZE", "RLIMIT_CORE")}
    mask = os.umask(0)
    print(json.dumps({"umask": mask, "nice": os.nice(0), **limits}))


def asked():
    return os.nice(0) == 7


def fill():
    from loguru import logger

    logger.info("before")
    try:
        with open(os.environ["FILE"], "wb") as file:
            file.write(bytes(1_000_000))
    finally:
        print(os.path.getsize(os.environ["FILE"]))
        logger.info("after")


def rotate():
    from loguru import logger

    os.rename(os.environ["LOG"], os.environ["LOG"] + ".1")
    logger.info("anew")


def spin():
    while True:
        pass


def hold():
    return [open(os.devnull) for _ in range(100)]
"""
SHELL = "umask; nice; ulimit -t; ulimit -n; ulimit -f; ulimit -c"
LIMITS = Limits(
    cpu_time=timedelta(seconds=2.5),
    open_files=64,
    processes=5000,
    file_size=1024 * 1024,
    core=0,
)


def printed(end: Any) -> list[str]:
    return [line.rpartition("stdout: ")[2] for line in end.log.splitlines()]


async def twice(stage: Any, name: str) -> list[list[str]]:
    """Run it in a worker that is forked when it is due, and in one that may have waited."""
    ends = []
    for number in (1, 2):
        stage.start(name, number)
        ends.append(printed(await stage.ended(number)))
        (keeper,) = stage.keepers()
        children = Path(f"/proc/{keeper}/task/{keeper}/children")
        await stage.until(children.read_text)
    return ends


def test_a_procedure_runs_with_its_umask_its_priority_and_its_limits(stage: Any) -> None:
    stage.module("work", WORK)
    stage.task("told", procedure="work.told", umask=0o027, nice=7, limits=LIMITS)

    for (text,) in stage.play(lambda: twice(stage, "told")):
        assert json.loads(text.replace("\\\\", "\\")) == {
            "umask": 0o027,
            "nice": 7,
            "RLIMIT_CPU": [3, 8],
            "RLIMIT_NOFILE": [64, 64],
            "RLIMIT_NPROC": [5000, 5000],
            "RLIMIT_FSIZE": [1024 * 1024, 1024 * 1024],
            "RLIMIT_CORE": [0, 0],
        }


def test_a_program_runs_with_its_umask_its_priority_and_its_limits(stage: Any) -> None:
    stage.task("told", shell=SHELL, umask=0o027, nice=7, limits=LIMITS)

    # dash counts files in blocks of 512 bytes.
    expected = ["0027", "7", "3", "64", "2048", "0"]
    assert stage.play(lambda: twice(stage, "told")) == [expected, expected]


def test_a_task_that_says_nothing_runs_as_the_daemon_does(stage: Any) -> None:
    mask = os.umask(0)
    os.umask(mask)
    stage.task("told", shell="umask; nice; ulimit -n")

    own = [f"{mask:04o}", str(os.nice(0)), str(resource.getrlimit(resource.RLIMIT_NOFILE)[0])]
    assert printed(stage.run("told")) == own


def test_only_if_is_asked_with_the_limits_of_the_run(stage: Any) -> None:
    stage.module("work", WORK)
    stage.task("gated", command=("nice",), only_if="work.asked", nice=7)

    end = stage.run("gated")

    assert (end.outcome, printed(end)) == (Outcome.SUCCEEDED, ["7"])


def test_a_program_that_uses_up_its_processor_time_fails_by_the_name_of_the_limit(
    stage: Any,
) -> None:
    limits = Limits(cpu_time=timedelta(seconds=1))
    stage.task("spin", shell="while :; do :; done", limits=limits)

    end = stage.run("spin")

    assert (end.outcome, end.reason) == (
        Outcome.FAILED,
        "cpu_time: more than its limit of 1 second",
    )
    assert end.detail == {"signal": "SIGXCPU"}


def test_a_procedure_that_uses_up_its_processor_time_fails_by_the_name_of_the_limit(
    stage: Any,
) -> None:
    stage.module("work", WORK)
    stage.task("spin", procedure="work.spin", limits=Limits(cpu_time=timedelta(seconds=1)))

    assert stage.run("spin").reason == "cpu_time: more than its limit of 1 second"


def test_a_limit_that_ends_a_part_of_a_shell_line_is_named_too(stage: Any) -> None:
    limits = Limits(cpu_time=timedelta(seconds=1))
    stage.task("spin", shell="sh -c 'while :; do :; done'; exit $?", limits=limits)

    end = stage.run("spin")

    assert (end.reason, end.detail) == (
        "cpu_time: more than its limit of 1 second",
        {"exit_status": 152},
    )


def test_a_program_that_writes_too_large_a_file_fails_by_the_name_of_the_limit(
    stage: Any,
) -> None:
    file = stage.folder / "large"
    stage.task(
        "fill", command=("dd", "if=/dev/zero", f"of={file}"), limits=Limits(file_size=200_000)
    )

    end = stage.run("fill")

    assert end.reason == "file_size: more than its limit of 200 kB"
    assert file.stat().st_size == 200_000


def test_the_log_of_a_procedure_is_not_bound_by_the_size_of_its_files(stage: Any) -> None:
    (stage.folder / "log").mkdir()
    (stage.folder / "log" / "linod.log").write_text("x" * 99_999 + "\n")
    stage.module("work", WORK)
    env = {"FILE": str(stage.folder / "large")}
    stage.task("fill", procedure="work.fill", env=env, limits=Limits(file_size=50_000))

    end = stage.run("fill")

    assert end.reason == "OSError: [Errno 27] File too large"
    written = stage.log().splitlines()[1:]
    assert [line.rpartition(": ")[2] for line in written[:3]] == ["before", "50000", "after"]
    assert end.log.splitlines() == written


def test_the_umask_of_a_task_is_not_that_of_the_log(stage: Any) -> None:
    stage.module("work", WORK)
    log = stage.folder / "log" / "linod.log"
    stage.task("rotate", procedure="work.rotate", env={"LOG": str(log)}, umask=0o777)

    stage.run("rotate")

    assert "anew" in stage.log()
    assert log.stat().st_mode == log.with_name("linod.log.1").stat().st_mode


def test_a_procedure_has_no_more_open_files_than_its_limit(stage: Any) -> None:
    stage.module("work", WORK)
    stage.task("hold", procedure="work.hold", limits=Limits(open_files=50))

    assert stage.run("hold").reason.startswith("OSError: [Errno 24] Too many open files")


@pytest.mark.skipif(not powers().may_nice, reason="we may not raise a priority here")
def test_root_may_raise_a_priority(stage: Any) -> None:
    stage.task("told", command=("nice",), nice=-5)

    assert printed(stage.run("told")) == ["-5"]


def test_a_limit_takes_a_begun_second_whole_and_leaves_out_what_is_not_set() -> None:
    limits = Limits(cpu_time=timedelta(milliseconds=1200), core=0)

    assert limits_of(limits) == {"cpu_time": 2, "core": 0}


def test_what_contains_a_run_passes_through_the_wire() -> None:
    task = Task(name="a", command=("true",), nice=3, umask=0o77, limits=Limits(memory=5))

    assert TaskSpec.of_json(TaskSpec.of(task).to_json()) == TaskSpec.of(task)


# -- env_file ---------------------------------------------------------------------------------


FILE = {"TOKEN": "hunter22", "MODE": "batch", "EMPTY": ""}


def with_file(**keys: Any) -> dict[str, Any]:
    source = {"file": "/etc/shop.env"}
    values = {name: Reference(text, source, is_secret=True) for name, text in FILE.items()}
    return {"file_env": values, **keys}


def test_a_program_has_the_variables_of_its_file_and_env_wins(stage: Any) -> None:
    shell = 'test "$TOKEN" = hunter22 && test "${EMPTY-unset}" = "" && echo $MODE'
    stage.task("told", shell=shell, **with_file(env={"MODE": "day"}))

    end = stage.run("told")

    assert (end.outcome, printed(end)) == (Outcome.SUCCEEDED, ["day"])


def test_what_a_file_says_is_masked_in_what_a_run_prints_and_raises(stage: Any) -> None:
    stage.module("work", "import os\ndef fail():\n    raise ValueError(os.environ['TOKEN'])\n")
    stage.task("prints", shell="echo $TOKEN; echo $MODE >&2", **with_file())
    stage.task("fails", procedure="work.fail", **with_file())

    end, failed = stage.run("prints"), stage.run("fails", 2)

    assert printed(end)[0] == "***"
    assert failed.reason == "ValueError: ***"
    assert "hunter22" not in stage.log() + end.log + repr(failed)
    assert "batch" not in stage.log()

"""Tasks of other users: only root can start them, and nothing of root is left to them."""

from __future__ import annotations

import grp
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from linod.events import Outcome
from linod.executor.inspect import inspect
from linod.loader.contained import powers
from linod.specs import Limits

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def open_stage(stage: Any) -> Iterator[Any]:
    """A stage in a folder that everybody can enter."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        stage.folder = Path(folder)
        stage.directory = stage.folder / "var"
        yield stage


def test_a_command_runs_as_its_user_with_its_groups_only(open_stage: Any) -> None:
    open_stage.task("who", shell="id -un; id -Gn; echo $HOME $USER", user="nobody")

    end = open_stage.run("who")

    assert [line.rpartition("stdout: ")[2] for line in end.log.splitlines()] == [
        "nobody",
        "nogroup",
        "/nonexistent nobody",
    ]


def test_a_procedure_cannot_become_root_again(open_stage: Any) -> None:
    open_stage.module("shop", "import os\ndef again(): os.setuid(0)\n")
    open_stage.task("again", procedure="shop.again", user="nobody", group="daemon")

    end = open_stage.run("again")

    assert (end.outcome, end.reason) == (
        Outcome.FAILED,
        "PermissionError: [Errno 1] Operation not permitted",
    )


def test_run_files_of_a_user_are_for_that_user_alone(open_stage: Any) -> None:
    open_stage.task("who", command=("true",), user="nobody")

    open_stage.run("who")

    folder = open_stage.directory / "runs" / "65534"
    assert (folder.stat().st_uid, folder.stat().st_mode & 0o777) == (65534, 0o700)
    lines = (folder / "1").read_text().splitlines()
    assert json.loads(lines[-1].removeprefix("1 "))["outcome"] == "succeeded"


def test_two_users_have_two_keepers(open_stage: Any) -> None:
    open_stage.task("one", command=("true",), user="nobody")
    open_stage.task("two", command=("true",))

    async def scene() -> int:
        open_stage.start("one", 1)
        open_stage.start("two", 2)
        await open_stage.ended(1)
        await open_stage.ended(2)
        return len(open_stage.keepers())

    assert open_stage.play(scene) == 2


AS_NOBODY = "import os\nassert os.getuid() == 65534\ndef ask(): return os.getuid() == 65534\n"


def test_only_if_of_a_command_is_asked_as_its_user(open_stage: Any) -> None:
    open_stage.module("gates", AS_NOBODY)
    open_stage.task("gated", command=("true",), only_if="gates.ask", user="nobody")

    assert open_stage.run("gated").outcome == Outcome.SUCCEEDED


def test_only_if_of_a_command_is_checked_as_its_user(open_stage: Any) -> None:
    open_stage.module("gates", AS_NOBODY)
    open_stage.task("gated", command=("true",), only_if="gates.ask", user="nobody")

    found = inspect(open_stage.config())

    assert (found.problems, list(found.procedures)) == ((), ["gates.ask"])


CONTAINED = """
def status() -> dict[str, str]:
    with open("/proc/self/status") as file:
        return dict(line.rstrip().split(":\\t", 1) for line in file)


def told() -> None:
    for name in ("Groups", "CapInh", "CapPrm", "CapEff", "CapAmb", "NoNewPrivs", "SigBlk"):
        print(name, status()[name].strip())
"""


def printed(end: Any) -> list[str]:
    return [line.rpartition("stdout: ")[2] for line in end.log.splitlines()]


def test_a_procedure_of_a_user_has_no_right_but_that_of_the_user(open_stage: Any) -> None:
    open_stage.module("shop", CONTAINED)
    open_stage.task("told", procedure="shop.told", user="nobody")

    assert printed(open_stage.run("told")) == [
        "Groups 65534",
        *(f"{name} 0000000000000000" for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")),
        "NoNewPrivs 1",
        "SigBlk 0000000000000000",
    ]


def test_a_group_of_its_own_takes_the_place_of_the_users(open_stage: Any) -> None:
    open_stage.task("told", shell="id -G", user="nobody", group="daemon")

    assert printed(open_stage.run("told")) == [str(grp.getgrnam("daemon").gr_gid)]


def test_no_program_of_a_user_gains_rights_by_being_executed(open_stage: Any) -> None:
    open_stage.task("id", shell="$HOME_OF/id -u", env={"HOME_OF": str(open_stage.folder)})
    program = open_stage.folder / "id"
    shutil.copy(shutil.which("id") or "", program)
    program.chmod(0o4755)
    open_stage.tasks["id"] = evolve(open_stage.tasks["id"], user="nobody")

    assert printed(open_stage.run("id")) == ["65534"]


def test_a_task_of_the_daemons_own_user_may_gain_rights(stage: Any) -> None:
    stage.task("told", shell="grep -c ^NoNewPrivs:.0 /proc/self/status")

    assert printed(stage.run("told")) == ["1"]


@pytest.mark.parametrize("user", [None, "nobody"])
def test_runs_are_ended_before_keepers_when_memory_runs_out(
    open_stage: Any, user: str | None
) -> None:
    own = int(Path("/proc/self/oom_score_adj").read_text())
    open_stage.module("shop", "def score(): print(open('/proc/self/oom_score_adj').read().strip())")
    open_stage.task("procedure", procedure="shop.score", user=user)
    open_stage.task("command", command=("cat", "/proc/self/oom_score_adj"), user=user)

    async def scene() -> list[str]:
        open_stage.start("procedure", 1)
        open_stage.start("command", 2)
        ends = [await open_stage.ended(number) for number in (1, 2)]
        (keeper,) = open_stage.keepers()
        kept = Path(f"/proc/{keeper}/oom_score_adj").read_text().strip()
        return [*(line for end in ends for line in printed(end)), kept]

    assert open_stage.play(scene) == ["200", "200", str(own)]


@pytest.mark.skipif(not powers().may_limit, reason="root may not let others raise theirs here")
def test_root_gives_a_priority_to_the_task_of_a_user(open_stage: Any) -> None:
    open_stage.task("high", command=("nice",), user="nobody", nice=-5)

    assert printed(open_stage.run("high")) == ["-5"]


def test_a_user_has_no_more_processes_than_its_task_may_have(open_stage: Any) -> None:
    open_stage.task("forks", shell="true & wait", user="nobody", limits=Limits(processes=1))

    end = open_stage.run("forks")

    assert end.outcome == Outcome.FAILED
    assert "Cannot fork" in end.log

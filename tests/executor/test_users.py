"""Tasks of other users: only root can start them, and nothing of root is left to them."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from linod.events import Outcome
from linod.executor.inspect import inspect

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
    assert json.loads((folder / "1").read_text().splitlines()[-1])["outcome"] == "succeeded"


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

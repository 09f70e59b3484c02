"""Who leads a session asks for a share of the processors; nobody else's is touched."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from daemon.building import Daemon

from .conftest import Stage

SHARE = Path("/proc/self/autogroup")
SHOWS = f"print(open({str(SHARE)!r}).read().split()[-1], os.nice(0))"

pytestmark = pytest.mark.skipif(not SHARE.exists(), reason="the kernel has no such groups")


def shown(act: str, *, is_leader: bool) -> list[int]:
    """Give the share (as nice) and the priority of a process that did this."""
    code = f"import os\nfrom linod.executor import priority\n{act}\n{SHOWS}"
    command = [sys.executable, "-c", code]
    # A session of its own in any case: that of the tests may have no share to show.
    made = subprocess.run(
        command if is_leader else ["sh", "-c", '"$@"; exit $?', "sh", *command],
        capture_output=True,
        text=True,
        check=True,
        start_new_session=True,
    )
    return [int(word) for word in made.stdout.split()]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may ask for more")
def test_who_hands_out_runs_has_a_larger_share_than_they() -> None:
    share, nice = shown("priority.go_first()", is_leader=True)

    assert share < 0
    assert nice == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may ask for more")
def test_a_keeper_goes_before_the_runs_that_it_starts(stage: Stage) -> None:
    stage.task("long", shell="exec sleep 60")

    async def scene() -> tuple[int, int]:
        stage.start("long")
        worker = int((await stage.started()).worker.partition(":")[0])
        return share(stage.keepers()[0]), share(worker)

    keeper, run = stage.play(scene)

    assert keeper < run == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may ask for more")
def test_a_daemon_goes_before_the_runs(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, '[tasks.mail]\nshell = "true"\nrecurrence = "every hour"\n')
    try:
        daemon.start()
        assert share(daemon.process.pid) < 0
    finally:
        daemon.end()


SEEN = """
import os
parent = open(f"/proc/{os.getppid()}/stat").read().rpartition(")")[2].split()[1]
with open("shares", "a") as file:
    for pid in ("self", parent):
        print(open(f"/proc/{pid}/autogroup").read().split()[-1], file=file)
"""
"""Imported at the start: the share of who looks at it, and that of the daemon."""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may ask for more")
def test_a_daemon_goes_first_already_while_it_starts(tmp_path: Path) -> None:
    (tmp_path / "seen.py").write_text(f"{SEEN}\n\ndef work():\n    pass\n")
    toml = 'import_path = ["."]\n[tasks.mail]\nprocedure = "seen.work"\nrecurrence = "at boot"\n'
    daemon = Daemon(tmp_path, toml)
    try:
        daemon.start()
        own, of_daemon = map(int, (tmp_path / "shares").read_text().split()[:2])
    finally:
        daemon.end()

    assert own < 0
    assert of_daemon < 0


def share(pid: int) -> int:
    """Read the share of a process's session."""
    return int(Path(f"/proc/{pid}/autogroup").read_text().split()[-1])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may ask as often as it likes")
def test_who_leaves_has_a_smaller_share() -> None:
    share, nice = shown("priority.go_last()", is_leader=True)

    assert share > 0
    assert nice > 0


def test_the_session_of_somebody_else_keeps_its_share() -> None:
    before, _ = shown("pass", is_leader=False)

    assert [before, before] == [
        shown(f"priority.{act}()", is_leader=False)[0] for act in ("go_first", "go_last")
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_who_may_not_goes_on_as_before() -> None:
    share, _ = shown("os.setuid(65534)\npriority.go_first()", is_leader=True)

    assert share == 0

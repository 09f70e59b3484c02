"""kill -9 of daemon, keeper and worker: nothing hangs, what was lost is told, nothing doubles."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from linod.events import Outcome, Verdict

from .building import WITNESS, Building, Daemon, until
from .checking import check_every_second_is_decided, check_nothing_doubled
from .told import rows_of

LONG = f"""
[tasks.long]
shell = "{WITNESS.replace('"', chr(92) + '"')}; sleep 60"
recurrence = "at start"
"""
BUSY = "".join(
    f"""
[tasks.busy{n}]
shell = '{WITNESS}; sleep 0.{n}'
recurrence = "every second"
"""
    for n in range(1, 6)
)


def running(daemon: Daemon) -> list[int]:
    """Pids of the workers that run."""
    return [int(run.worker.split(":")[0]) for run in daemon.unfinished() if run.worker]


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_killed_worker_fails_with_its_signal(build_daemon: Building) -> None:
    daemon = build_daemon(LONG)
    daemon.start()
    until(lambda: running(daemon) and daemon.witness())

    os.kill(running(daemon)[0], signal.SIGKILL)

    until(lambda: not daemon.unfinished())
    (run,) = daemon.runs()
    assert run.outcome == Outcome.FAILED
    assert "SIGKILL" in run.reason


def test_a_killed_keeper_loses_its_runs_and_the_daemon_goes_on(build_daemon: Building) -> None:
    daemon = build_daemon(LONG + '[tasks.tick]\nshell = "true"\nrecurrence = "every second"\n')
    daemon.start()
    until(lambda: running(daemon) and daemon.witness())
    (worker,) = [pid for pid in running(daemon) if not is_gone(pid)][:1]

    for keeper in daemon.keepers():
        os.kill(keeper, signal.SIGKILL)

    until(lambda: any(run.outcome == Outcome.LOST for run in daemon.runs()))
    until(lambda: is_gone(worker))
    lost = max(run.id for run in daemon.runs())
    until(lambda: any(r.id > lost and r.outcome == Outcome.SUCCEEDED for r in daemon.runs()))


def test_a_killed_daemon_leaves_its_runs_to_the_next_one(build_daemon: Building) -> None:
    daemon = build_daemon(LONG.replace("sleep 60", "until [ -e go ]; do sleep 0.02; done"))
    daemon.start()
    until(lambda: running(daemon) and daemon.witness())
    worker = running(daemon)[0]
    keepers = daemon.keepers()

    daemon.kill()
    daemon.start()
    until(lambda: any(row.verdict is Verdict.OVERLAP for row in rows_of(daemon).decisions))
    assert not is_gone(worker)
    (daemon.folder / "go").touch()

    until(lambda: daemon.runs()[0].is_ended)
    (run,) = daemon.runs()
    assert run.outcome == Outcome.SUCCEEDED
    assert run.used
    assert len(daemon.witness()) == 1
    assert daemon.keepers() == keepers


def test_what_ended_while_no_daemon_was_there_is_known_to_the_next_one(
    build_daemon: Building,
) -> None:
    daemon = build_daemon(LONG.replace("sleep 60", "until [ -e go ]; do sleep 0.02; done; exit 3"))
    daemon.start()
    until(lambda: running(daemon) and daemon.witness())
    worker = running(daemon)[0]
    daemon.kill()
    (daemon.folder / "go").touch()
    until(lambda: is_gone(worker))

    daemon.start()

    until(lambda: daemon.runs()[0].is_ended)
    first = daemon.runs()[0]
    assert (first.outcome, first.reason) == (Outcome.FAILED, "exit status 3")
    assert first.used


def test_killed_daemon_and_keeper_lose_the_run_and_the_next_one_tells(
    build_daemon: Building,
) -> None:
    daemon = build_daemon(LONG)
    daemon.start()
    until(lambda: running(daemon) and daemon.witness())
    worker = running(daemon)[0]

    keepers = daemon.keepers()
    os.kill(daemon.process.pid, signal.SIGSTOP)
    for keeper in keepers:
        os.kill(keeper, signal.SIGKILL)
    daemon.kill()
    daemon.start()

    until(lambda: daemon.runs()[0].is_ended)
    until(lambda: is_gone(worker))
    assert daemon.runs()[0].outcome == Outcome.LOST
    until(lambda: "long was lost" in daemon.terminal())
    check_nothing_doubled(daemon)


@pytest.mark.timeout(180)
def test_twelve_killed_daemons_start_nothing_twice(build_daemon: Building) -> None:
    daemon = build_daemon(BUSY)
    for n in range(12):
        daemon.start()
        wait_a_while(daemon, 0.05 + 0.13 * n % 1.3)
        daemon.kill()
    before = len(daemon.runs())
    daemon.start()
    # A stop within its first settle may leave what that admitted to the next start.
    until(lambda: any(run.is_ended for run in daemon.runs()[before:]))
    assert daemon.stop() == 0

    assert daemon.unfinished() == []
    check_nothing_doubled(daemon)
    check_every_second_is_decided(daemon, [f"busy{n}" for n in range(1, 6)])


def wait_a_while(daemon: Daemon, seconds: float) -> None:
    """Let it work until a moment that no event marks: the kill is to hit anything."""
    limit = time.monotonic() + seconds
    until(lambda: time.monotonic() > limit or daemon.process.poll() is not None)


MODULE = """
[tasks.tick]
procedure = "shop.tick"
recurrence = "every second"
"""


def crash_and_start(daemon: Daemon) -> tuple[set[int], set[int]]:
    """Kill the daemon and start another; return the keepers of both."""
    before = set(daemon.keepers())
    count = len(daemon.runs())
    daemon.kill()
    daemon.start()
    until(lambda: any(run.is_ended for run in daemon.runs()[count + 2 :]))
    return before, set(daemon.keepers())


def ticking(build_daemon: Building) -> Daemon:
    daemon = build_daemon(MODULE)
    (daemon.folder / "shop.py").write_text("def tick(): pass\n")
    daemon.start()
    until(lambda: any(run.is_ended for run in daemon.runs()))
    return daemon


def test_after_a_crash_a_keeper_that_is_as_it_would_be_now_goes_on(build_daemon: Building) -> None:
    daemon = ticking(build_daemon)

    for _ in range(2):
        before, after = crash_and_start(daemon)
        assert before == after

    assert {run.outcome for run in daemon.runs() if run.is_ended} == {Outcome.SUCCEEDED}


def test_after_a_crash_code_that_changed_has_a_new_keeper(build_daemon: Building) -> None:
    daemon = ticking(build_daemon)
    (daemon.folder / "shop.py").write_text("def tick(): print('new')\n")

    before, after = crash_and_start(daemon)

    assert not before & after
    until(lambda: "new" in daemon.terminal())


def test_after_a_crash_a_task_that_changed_has_a_new_keeper(build_daemon: Building) -> None:
    daemon = ticking(build_daemon)
    daemon.write(MODULE + 'import_env = { SHOP = "ee" }\n')

    before, after = crash_and_start(daemon)

    assert not before & after


def test_after_a_stop_everything_is_new(build_daemon: Building) -> None:
    daemon = build_daemon(MODULE + 'on_stop = "keep"\n')
    (daemon.folder / "shop.py").write_text("import time\ndef tick(): time.sleep(5)\n")
    daemon.start()
    until(lambda: running(daemon))
    before = set(daemon.keepers())
    daemon.stop()
    assert set(daemon.keepers()) == before

    daemon.start()

    until(lambda: set(daemon.keepers()) - before)
    until(lambda: not set(daemon.keepers()) & before)
    assert all(run.outcome is Outcome.SUCCEEDED for run in daemon.runs() if run.is_ended)

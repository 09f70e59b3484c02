"""Keepers outlive their daemon: the next one takes them over, or ends what does not answer."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from linod.events import Outcome, RunEnded, StopRun
from linod.executor import register, runfiles, takeover, tree
from linod.executor.door import Door
from linod.executor.executor import Going
from linod.executor.progress import Progress
from linod.executor.runfiles import Proof

DAEMON = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from linod.events import *
from linod.executor import Executor
from linod.log.plan import LogPlan
from linod.specs import *

async def main():
    folder, script = Path(sys.argv[1]), sys.argv[2]
    task = Task(name="task", shell=script, kill_after=KILL_AFTER)
    shells = {"one": sys.argv[3], "two": "echo >> heard", "three": "true"}
    others = {name: Task(name=name, shell=shell) for name, shell in shells.items()}
    config = Config(path=folder / "linod.toml", linod=Linod(directory=folder / "var"),
                    tasks={"task": task, **others})
    executor = Executor(folder / "var", LogPlan.of(config, {}), lambda event: None)
    executor.configure(config)
    now = datetime.now(UTC)
    executor.start(order(1, task, now))
    while not (folder / "ready").exists():
        await asyncio.sleep(0.01)
    if others["one"].shell != "true":
        executor.arm([order(2, others["one"], now)])
        executor.start(order(3, others["two"], now))  # heard after it
    await asyncio.sleep(100)

def order(run, task, now):
    return StartRun(run=run, lease="l", task=task, due=now, planned=now, attempt=1,
                    trigger=Trigger.MANUAL, zone="UTC")

from datetime import timedelta
KILL_AFTER = timedelta(seconds=1)
asyncio.run(main())
"""
TASKS = 4
"""Of that daemon."""
UNTIL_GO = "echo begun; echo on > ready; until [ -e go ]; do sleep 0.02; done; "


def wait_until(is_true: Callable[[], Any], within_s: float = 15.0) -> None:
    limit = time.monotonic() + within_s
    while not is_true():
        assert time.monotonic() < limit
        time.sleep(0.01)


def leave_alone(stage: Any, script: str = UNTIL_GO, armed: str = "true") -> int:
    """Have a daemon start a run, and kill it; return the pid of the keeper that stays.

    `armed` is the shell of an order that it gave ahead, where that is not `true`.
    """
    daemon = subprocess.Popen([sys.executable, "-c", DAEMON, str(stage.folder), script, armed])
    wait_until((stage.folder / ("ready" if armed == "true" else "heard")).exists)
    daemon.kill()
    daemon.wait()
    (keeper,) = stage.keepers()
    return int(keeper)


def former(stage: Any) -> list[register.Former]:
    return register.former_keepers(stage.directory)


def go(stage: Any) -> None:
    (stage.folder / "go").touch()


def going(run: int = 1, lease: str = "l") -> Going:
    return Going(run=run, lease=lease, user=None, task=None)


def has_ended(stage: Any, run: int) -> bool:
    path = Path(runfiles.path_of(stage.directory, None)) / str(run)
    return path.exists() and "outcome" in path.read_text()


def is_there(pid: int) -> bool:
    return tree.start_time(pid) != 0


def test_a_run_goes_on_without_its_daemon_and_its_end_is_told_to_the_next(stage: Any) -> None:
    keeper = leave_alone(stage)

    async def scene() -> RunEnded:
        (kept,) = takeover.take_over(former(stage))
        assert kept.former.pid == keeper
        assert kept.runs[1].lease == "l"
        stage.executor.adopt(kept, [going()])
        started = await stage.started()
        assert started.worker == kept.runs[1].started["worker"]
        go(stage)
        end = await stage.ended()
        await stage.until(lambda: not is_there(keeper))
        return end

    end = stage.play(scene)

    assert (end.outcome, end.log.split()[-1]) == (Outcome.SUCCEEDED, "begun")
    assert former(stage) == []


def test_workers_wait_for_what_the_next_daemon_has_to_start_at_once(stage: Any) -> None:
    keeper = leave_alone(stage)

    # The run, what is prepared for each task, and what waits for anything else.
    wait_until(lambda: len(tree.children(keeper) or ()) == 1 + TASKS + 1)
    go(stage)


def test_what_was_armed_when_its_daemon_died_does_not_begin(stage: Any) -> None:
    keeper = leave_alone(stage, armed="echo > armed")

    wait_until(lambda: has_ended(stage, 3))
    # As above: the worker that was armed is not among them.
    wait_until(lambda: len(tree.children(keeper) or ()) == 1 + TASKS + 1)
    assert list(takeover.take_over(former(stage))[0].runs) == [1]
    assert not (stage.folder / "armed").exists()
    go(stage)


def test_an_end_that_no_daemon_heard_is_told_with_all_that_belongs_to_it(stage: Any) -> None:
    leave_alone(stage, UNTIL_GO + "exit 3")
    file = stage.directory / "runs" / str(os.geteuid()) / "1"
    go(stage)
    wait_until(lambda: "exit status 3" in file.read_text())

    (kept,) = takeover.take_over(former(stage))
    told = runfiles.end_of([kept.ends[1]], 1, "l")
    found = runfiles.recover(stage.directory, 1, "l", boot=tree.boot_id())
    kept.channel.close()

    assert kept.runs == {}
    assert told is not None
    assert (told.outcome, told.reason) == (Outcome.FAILED, "exit status 3")
    assert told.log.split()[-1] == "begun"
    assert told.used["memory"] > 0
    assert told.worker == kept.ends[1]["worker"] != ""
    assert (found.proof, found.end) == (Proof.ENDED, evolve(told, worker=""))
    register.end_keepers(former(stage))


def test_what_a_procedure_reported_itself_keeps_its_log_in_the_run_file() -> None:
    lines = [
        [1, 2, "boot"],
        {"outcome": "succeeded", "ended": 5.0},
        {"outcome": "failed", "log": "begun", "used": {"user_s": 1, "system_s": 2, "memory": 3}},
    ]

    end = runfiles.end_of(lines, 7, "l")

    assert end is not None
    assert (end.outcome, end.log, end.used["memory"]) == (Outcome.SUCCEEDED, "begun", 3)


def test_limits_hold_without_a_daemon(stage: Any) -> None:
    stage.task("task", shell=UNTIL_GO)
    keeper = leave_alone(stage, "trap '' TERM; " + UNTIL_GO)

    async def scene() -> RunEnded:
        (kept,) = takeover.take_over(former(stage))
        stage.executor.adopt(kept, [going()])
        stage.executor.stop(stop(1))
        return await stage.ended(within_s=5)

    end = stage.play(scene)

    assert (end.outcome, end.reason) == (Outcome.CANCELLED, "by alice")
    wait_until(lambda: not is_there(keeper))


def stop(run: int) -> StopRun:
    return StopRun(run=run, lease="l", outcome=Outcome.CANCELLED, reason="by alice")


def test_a_run_that_the_store_does_not_know_is_ended(stage: Any) -> None:
    keeper = leave_alone(stage)

    async def scene() -> None:
        (kept,) = takeover.take_over(former(stage))
        stage.executor.adopt(kept, [])
        await stage.until(lambda: not is_there(keeper))

    stage.play(scene)

    assert stage.marked() == []
    assert stage.events == []


def test_one_after_another_takes_over_and_the_newest_is_heard(stage: Any) -> None:
    keeper = leave_alone(stage)
    for _ in range(3):
        (kept,) = takeover.take_over(former(stage))
        assert kept.runs.keys() == {1}
        kept.channel.close()
    go(stage)
    (kept,) = takeover.take_over(former(stage))
    kept.channel.send({"do": "leave"})
    wait_until(lambda: not is_there(keeper))


def test_a_keeper_that_hangs_is_ended_and_its_run_is_lost(stage: Any) -> None:
    keeper = leave_alone(stage)
    os.kill(keeper, signal.SIGSTOP)

    kept = takeover.take_over(former(stage), within_s=0.3)
    found = runfiles.recover(stage.directory, 1, "l", boot=tree.boot_id())

    assert (kept, former(stage)) == ([], [])
    assert not is_there(keeper)
    assert (found.proof, found.end.reason) == (Proof.LOST, "its keeper died")
    assert stage.marked() == []


@contextmanager
def speaking(stage: Any, answer: bytes) -> Iterator[tuple[register.Former, Any]]:
    """Play a keeper that answers in a way of its own; give its record and its process."""
    seat = register.make_seat(stage.directory)
    keeper = subprocess.Popen(["sleep", "600"])
    record = register.record(stage.directory, keeper.pid, seat)
    seat.bound.listen()

    def speak() -> None:
        connection, _ = seat.bound.accept()
        with connection, suppress(OSError):
            connection.sendall(answer)
            connection.recv(1)  # until it is let go

    speaker = threading.Thread(target=speak)
    speaker.start()
    yield record, keeper
    speaker.join()
    seat.close()


def test_another_protocol_is_not_taken_over(stage: Any) -> None:
    answer = b'{"is":"keeping","protocol":0,"runs":[]}\n{"is":"told","protocol":0}\n'

    with speaking(stage, answer) as (record, keeper):
        assert takeover.take_over([record], within_s=0.5) == []

    assert keeper.wait(5) == -signal.SIGKILL


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"nonsense\n",
        b'{"is":"keeping"}\n',
        b'{"is":"keeping","protocol":1,"runs":[{"run":"x"}]}\n{"is":"told"}\n',
        b'{"is":"keeping","protocol":1,"runs":{}}\n' * 3,
        b'{"is":"ended","run":[]}\n{"is":"ended"}\n',
        b"\xff" * 300_000,
    ],
)
def test_nonsense_is_no_answer(stage: Any, junk: bytes) -> None:
    with speaking(stage, junk) as (record, keeper):
        assert takeover.take_over([record], within_s=0.3) == []

    assert keeper.wait(5) == -signal.SIGKILL


def test_one_whose_last_run_ended_while_it_answered_is_let_go(stage: Any) -> None:
    answer = [
        {"is": "keeping", "protocol": 1, "runs": [{"run": 1, "lease": "l", "started": None}]},
        {"is": "told", "protocol": 1},
        {"is": "ended", "run": 1, "lease": "l", "outcome": "succeeded", "worker": "1:2"},
    ]
    data = b"".join(json.dumps(each).encode() + b"\n" for each in answer)

    async def scene(record: Any) -> RunEnded:
        (kept,) = await asyncio.to_thread(takeover.take_over, [record])
        stage.executor.adopt(kept, [going()])
        return await stage.ended()

    with speaking(stage, data) as (record, keeper):
        end = stage.play(lambda: scene(record))
        keeper.kill()
        keeper.wait(5)

    assert (end.outcome, end.worker) == (Outcome.SUCCEEDED, "1:2")


@pytest.mark.parametrize(
    "started",
    [
        {"is": "started", "run": 1, "worker": "1:2", "at": None},
        {"is": "started", "run": 1},
        {"is": "ended", "run": 1, "outcome": []},
        {"is": "started", "run": 1, "worker": "1:2", "at": 1e300},
    ],
)
def test_who_tells_nonsense_of_its_runs_is_ended_with_them(
    stage: Any, started: dict[str, Any]
) -> None:
    told = [{"run": 1, "lease": "l", "started": started}]
    answer = [
        {"is": "keeping", "protocol": 1, "runs": told},
        {"is": "told", "protocol": 1},
    ]
    data = b"".join(json.dumps(each).encode() + b"\n" for each in answer)

    async def scene(record: Any) -> None:
        (kept,) = await asyncio.to_thread(takeover.take_over, [record])
        stage.executor.adopt(kept, [going()])
        await stage.until(lambda: stage.events)

    with speaking(stage, data) as (record, keeper):
        stage.play(lambda: scene(record))

    assert keeper.wait(5) == -signal.SIGKILL
    (event,) = stage.events
    assert getattr(event, "outcome", Outcome.LOST) is Outcome.LOST


def test_one_that_does_not_listen_yet_has_no_runs_and_is_ended_at_once(stage: Any) -> None:
    seat = register.make_seat(stage.directory)
    keeper = subprocess.Popen(["sleep", "600"])
    record = register.record(stage.directory, keeper.pid, seat)
    before = time.monotonic()

    assert takeover.take_over([record]) == []

    assert time.monotonic() - before < 1
    seat.close()
    assert keeper.wait(5) == -signal.SIGKILL
    assert list((stage.directory / "keepers").iterdir()) == []


def test_a_socket_without_record_is_swept(stage: Any) -> None:
    seat = register.make_seat(stage.directory)
    seat.close()

    assert former(stage) == []

    assert not seat.path.exists()


@pytest.mark.parametrize(
    "text", ["", "junk", "[]", "[1]", '["a", "b", "c", "d"]', "[1, 2, 3, 4]", '{"a": 1}', "null"]
)
def test_a_record_that_cannot_be_read_names_nobody(stage: Any, text: str) -> None:
    folder = stage.directory / "keepers"
    folder.mkdir(parents=True)
    (folder / "123").write_text(text)

    (found,) = former(stage)

    assert not found.is_alive()
    assert takeover.take_over([found]) == []
    assert list(folder.iterdir()) == []


def test_a_record_names_no_socket_elsewhere(stage: Any) -> None:
    folder = stage.directory / "keepers"
    folder.mkdir(parents=True)
    text = json.dumps([os.getpid(), 1, tree.boot_id(), "../../linod.sock"])
    (folder / "123").write_text(text)

    (found,) = former(stage)

    assert found.socket == folder / "linod.sock"


def test_a_directory_with_a_long_path_has_keepers_too(tmp_path: Path) -> None:
    directory = tmp_path / ("long" * 30)
    seat = register.make_seat(directory)
    seat.bound.listen()
    record = register.record(directory, os.getpid(), seat)

    with register.connect(record) as connection:
        assert isinstance(connection, socket.socket)
    seat.close()


def test_a_stranger_is_not_let_in(stage: Any) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to become another user")
    stage.folder.chmod(0o755)
    seat = register.make_seat(stage.directory)
    for path in (stage.directory, seat.path.parent, seat.path):
        path.chmod(0o777)
    door = Door(seat.bound, owner=0)
    door.open()
    knock = f"""
import socket, os
os.setuid(65534)
s = socket.socket(socket.AF_UNIX); s.connect({str(seat.path)!r}); print(s.recv(1))
"""
    caller = subprocess.Popen([sys.executable, "-c", knock], stdout=subprocess.PIPE)
    wait_until(lambda: answered(door, caller))

    assert door.take() is None


def answered(door: Any, caller: Any) -> bool:
    door.answer()
    return caller.poll() is not None


@pytest.mark.timeout(90)
def test_a_keeper_without_daemon_and_runs_ends_after_a_minute(stage: Any) -> None:
    keeper = leave_alone(stage)
    go(stage)
    wait_until(lambda: stage.marked() == [])
    before = time.monotonic()

    wait_until(lambda: not is_there(keeper), within_s=70)

    assert time.monotonic() - before > 50


# -- progress ---------------------------------------------------------------------------------

HALF = """
import os, time
from pathlib import Path
import linod

def half(run: linod.Run):
    run.progress(40, 80)
    Path("ready").touch()
    while not Path("go").exists():
        time.sleep(0.01)
"""


def leave_alone_with_half(stage: Any) -> None:
    """Have a daemon start the run, and kill it."""
    keys = 'procedure="shop.half"'
    text = DAEMON.replace("shell=script", keys).replace(
        'directory=folder / "var"', 'directory=folder / "var", import_path=(folder,)'
    )
    daemon = subprocess.Popen([sys.executable, "-c", text, str(stage.folder), "", "true"])
    wait_until((stage.folder / "ready").exists)
    daemon.kill()
    daemon.wait()


def test_the_next_daemon_knows_it_too(stage: Any) -> None:
    stage.module("shop", HALF)
    leave_alone_with_half(stage)

    async def scene() -> Any:
        (kept,) = takeover.take_over(former(stage))
        stage.executor.adopt(kept, [going()])
        await stage.until(lambda: stage.executor.progress(1))  # the keeper may read it yet
        found = stage.executor.progress(1)
        go(stage)
        await stage.ended()
        return found

    assert stage.play(scene) == Progress(40, 80)

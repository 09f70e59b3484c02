"""What people do to a serving daemon, over its socket; states that survive a restart."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from linod.control.client import Refused
from linod.events import Outcome, State, Trigger, Verdict
from linod.policy import HoldKind
from linod.store import open_reader, open_store

from .building import WITNESS, Building, Daemon, until

ME = getpass.getuser()
TICK = f"""
[tasks.tick]
shell = '{WITNESS}'
recurrence = "every second"
"""
TASKS = """
[tasks.good]
shell = "echo done"
recurrence = "every day at 03:00"
[tasks.bad]
shell = "exit 3"
disable_after = 2
[tasks.long]
shell = "sleep 60"
[tasks.first]
shell = "true"
[tasks.second]
shell = "test -e go"
[chains.nightly]
tasks = ["first", "second"]
recurrence = "every day at 02:00"
"""


@pytest.fixture
def daemon(build_daemon: Building) -> Daemon:
    daemon = build_daemon(TASKS)
    daemon.start()
    return daemon


def status_of(daemon: Daemon, task: str) -> dict[str, Any]:
    tasks = daemon.client.request("status")["tasks"]
    return next(each for each in tasks if each["task"] == task)


def run(daemon: Daemon, task: str, **fields: Any) -> dict[str, Any]:
    """Ask for a run, and follow it to its end."""
    number = daemon.client.request("run", task=task, **fields)["run"]
    return list(daemon.client.follow(number))[-1]


def actions(daemon: Daemon) -> list[tuple[str, str, str, str]]:
    """What people did, oldest first."""
    reader = open_reader(daemon.directory / "linod.db")
    rows = [(row.verb, row.task, row.by, row.text) for row in reader.actions()]
    reader.close()
    return rows[::-1]


def holds(daemon: Daemon) -> list[tuple[str, HoldKind, str, str]]:
    reader = open_reader(daemon.directory / "linod.db")
    rows = [(hold.task, hold.kind, hold.by, hold.reason) for hold in reader.holds()]
    reader.close()
    return rows


# -- pause and resume ---------------------------------------------------------------------------


def test_a_paused_task_is_decided_paused_and_runs_again_when_resumed(
    build_daemon: Building,
) -> None:
    daemon = build_daemon(TICK)
    daemon.start()
    until(daemon.witness)

    answer = daemon.client.request("pause", tasks=["tick"], reason="migration")
    until(lambda: "(paused)" in daemon.terminal())
    paused = len(daemon.witness())
    daemon.client.request("resume", tasks=["tick"])
    until(lambda: len(daemon.witness()) > paused)

    assert answer["tasks"] == ["tick"]
    assert f'tick paused by {ME}: "migration"' in daemon.terminal()
    assert [action[:3] for action in actions(daemon)] == [
        ("pause", "tick", ME),
        ("resume", "tick", ME),
    ]


def test_a_pause_survives_a_restart_with_who_and_until_when(daemon: Daemon) -> None:
    ends = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
    daemon.client.request("pause", tasks=["good"], until=ends.isoformat(), reason="migration")

    daemon.stop()
    daemon.start()

    paused = status_of(daemon, "good")["paused"]
    assert (paused["by"], paused["reason"]) == (ME, "migration")
    assert datetime.fromisoformat(paused["until"]) == ends


def dues(daemon: Daemon) -> list[datetime]:
    """When the runs were due that wrote themselves down."""
    return [datetime.fromisoformat(line.split()[0].partition("@")[2]) for line in daemon.witness()]


def test_a_pause_ends_by_itself(build_daemon: Building) -> None:
    daemon = build_daemon(TICK)
    daemon.start()
    ends = datetime.now(UTC) + timedelta(seconds=4)
    daemon.client.request("pause", tasks=["tick"], until=ends.isoformat())
    until(lambda: "(paused)" in daemon.terminal())
    paused = datetime.now(UTC)

    until(lambda: any(due >= ends for due in dues(daemon)))

    assert not [due for due in dues(daemon) if paused < due < ends]
    assert "tick is not paused any more" in daemon.terminal()
    assert status_of(daemon, "tick")["paused"] is None


def test_linod_as_a_whole_is_paused_and_says_so(build_daemon: Building) -> None:
    daemon = build_daemon(TICK + TASKS)
    daemon.start()

    daemon.client.request("pause", all=True, reason="the database moves")
    until(lambda: "(paused)" in daemon.terminal())
    paused = daemon.client.request("status")["paused"]
    daemon.client.request("resume", all=True)

    assert (paused["by"], paused["until"], paused["reason"]) == (ME, None, "the database moves")
    assert daemon.client.request("status")["paused"] is None


def test_a_pause_names_the_runs_that_go_on(daemon: Daemon) -> None:
    number = daemon.client.request("run", task="long")["run"]

    assert daemon.client.request("pause", tasks=["long", "good"])["going_on"] == [number]


def test_a_chain_is_paused_as_a_whole(daemon: Daemon) -> None:
    daemon.client.request("pause", tasks=["nightly"])

    assert status_of(daemon, "nightly")["paused"]["by"] == ME
    assert status_of(daemon, "first")["paused"] is None


# -- disable and enable -------------------------------------------------------------------------


def test_failures_disable_a_task_until_it_is_enabled(daemon: Daemon) -> None:
    run(daemon, "bad")
    run(daemon, "bad")
    disabled = status_of(daemon, "bad")
    daemon.client.request("enable", failed=True)
    enabled = status_of(daemon, "bad")

    assert disabled["failures"] == 2
    assert disabled["disabled"]["by"] == ""
    assert disabled["disabled"]["reason"].startswith("after 2 failures in a row")
    assert (enabled["failures"], enabled["disabled"]) == (0, None)
    assert "(linod enable bad)" in daemon.terminal()


def test_a_disable_survives_a_restart_with_who_and_why(daemon: Daemon) -> None:
    daemon.client.request("disable", tasks=["good"], reason="broken upstream")

    daemon.stop()
    daemon.start()

    disabled = status_of(daemon, "good")["disabled"]
    assert (disabled["by"], disabled["reason"]) == (ME, "broken upstream")
    assert holds(daemon) == [("good", HoldKind.DISABLE, ME, "broken upstream")]


# -- runs ---------------------------------------------------------------------------------------


def test_what_waits_survives_a_restart_with_what_it_waits_for(build_daemon: Building) -> None:
    retry = 'shell = "exit 1"\nretry = { attempts = 2, delay = "1 hour" }\n'
    daemon = build_daemon(f"[tasks.late]\n{retry}")
    daemon.start()
    end = run(daemon, "late")
    daemon.stop()
    daemon.start()

    current = status_of(daemon, "late")["current"]
    assert (current["state"], current["held"]) == ("waiting", "retry, attempt 2 of 2")
    assert end["again"]["attempt"] == 2
    assert "(attempt 1 of 2): exit status 1" in daemon.terminal()
    assert ", again in 1 h\n" in daemon.terminal()


def test_an_occurrence_of_the_past_is_run_again(daemon: Daemon) -> None:
    due = datetime.now(UTC).replace(hour=3, minute=0, second=0, microsecond=0) - timedelta(days=2)

    end = run(daemon, "good", due=due.isoformat())

    assert end["ended"] == "succeeded"
    assert (daemon.runs()[0].due, daemon.runs()[0].trigger) == (due, Trigger.MANUAL)


def test_a_followed_chain_tells_each_member(daemon: Daemon) -> None:
    (daemon.folder / "go").touch()
    answer = daemon.client.request("run", task="nightly")
    *members, end = daemon.client.follow(answer["run"])

    ended = [each["member"] for each in members if each["member"]["ended"]]
    assert answer["is_chain"] is True
    assert [(each["task"], each["state"]) for each in ended] == [
        ("first", "succeeded"),
        ("second", "succeeded"),
    ]
    assert end["ended"] == "succeeded"
    again = [each for each in daemon.client.follow(answer["run"]) if "member" in each]
    assert [each["member"]["task"] for each in again] == ["first", "second"]


def test_a_chain_goes_on_from_what_failed(daemon: Daemon) -> None:
    failed = run(daemon, "nightly")
    (daemon.folder / "go").touch()
    answer = daemon.client.request("run", task="nightly", from_failed=True)
    *members, end = daemon.client.follow(answer["run"])

    assert (failed["ended"], failed["reason"]) == ("failed", "second failed")
    assert {each["member"]["task"] for each in members} == {"second"}
    assert end["ended"] == "succeeded"


def test_a_backfill_runs_what_was_due_and_leaves_out_what_succeeded(daemon: Daemon) -> None:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    span = {"from": today - timedelta(days=4), "until": today - timedelta(microseconds=1)}
    fields = {name: instant.isoformat() for name, instant in span.items()}

    first = daemon.client.request("backfill", task="good", **fields)
    until(lambda: not daemon.unfinished())
    second = daemon.client.request("backfill", task="good", **fields)
    third = daemon.client.request("backfill", task="good", **fields, again=True)

    assert len(first["runs"]) == 4
    assert (second["runs"], second["note"]) == ([], "4 left out that succeeded or go on")
    assert len(third["runs"]) == 4
    dues = [row.due for row in daemon.runs() if row.trigger is Trigger.BACKFILL]
    assert dues[:4] == [today - timedelta(days=days) + timedelta(hours=3) for days in (4, 3, 2, 1)]


# -- the store ----------------------------------------------------------------------------------


def test_a_task_that_is_gone_is_forgotten(daemon: Daemon) -> None:
    run(daemon, "first")
    daemon.write(TICK)
    daemon.client.request("reload")

    with pytest.raises(Refused, match='nothing is kept of "frist": did you mean "first"'):
        daemon.client.request("forget", task="frist")
    answer = daemon.client.request("forget", task="first")

    assert answer["note"] == "forgotten with 1 run"
    assert "first" not in [row.task for row in daemon.runs()]


def test_a_configured_task_is_not_forgotten(daemon: Daemon) -> None:
    with pytest.raises(Refused, match="first is in the configuration: remove it there first"):
        daemon.client.request("forget", task="first")


def test_a_clock_that_stepped_back_is_told_once_and_accepted(build_daemon: Building) -> None:
    daemon = build_daemon(TICK)
    daemon.start()
    daemon.stop()
    store = open_store(daemon.directory / "linod.db")
    with store.transaction():
        store.move_cursor("tick", datetime.now(UTC) + timedelta(hours=5))
    store.close()
    before = len(daemon.witness())

    daemon.start()
    ahead = daemon.client.request("status")["ahead"]
    answer = daemon.client.request("clock_accept")
    until(lambda: len(daemon.witness()) > before)

    assert ahead["tasks"] == 1
    assert answer["tasks"] == ["tick"]
    assert daemon.client.request("status")["ahead"] is None
    assert daemon.terminal().count("the clock stepped back: 1 task is decided until") == 1
    assert ("clock accept", "", ME, "tick") in actions(daemon)


def test_reload_and_stop_are_recorded_with_who_asked(daemon: Daemon) -> None:
    daemon.client.request("reload")
    daemon.client.request("stop")
    daemon.process.wait(30)

    assert [action[:3] for action in actions(daemon)] == [("reload", "", ME), ("stop", "", ME)]


# -- what is wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "fields", "error"),
    [
        ("pause", {"tasks": ["god"]}, 'there is no task "god": did you mean "good"?'),
        ("pause", {"tasks": ["good", "x"]}, 'there is no task "x": linod status lists them'),
        ("resume", {"tasks": ["good"]}, "good: not paused"),
        ("enable", {"tasks": ["good"]}, "good: not disabled"),
        ("enable", {"failed": True}, "no task was disabled by its failures"),
        ("run", {"task": "good", "from_failed": True}, "good is no chain"),
        (
            "pause",
            {"tasks": ["good"], "until": "2001-01-01T00:00Z"},
            "the pause would have ended already",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(
    daemon: Daemon, verb: str, fields: dict[str, Any], error: str
) -> None:
    with pytest.raises(Refused) as refused:
        daemon.client.request(verb, **fields)

    assert str(refused.value) == error


def test_what_a_backfill_cannot_fill_is_refused(daemon: Daemon) -> None:
    fields = {"from": "2026-01-02T00:00Z", "until": "2026-01-01T00:00Z"}

    with pytest.raises(Refused, match="--from is after --until"):
        daemon.client.request("backfill", task="good", **fields)


def test_decisions_of_a_pause_say_who_paused(build_daemon: Building) -> None:
    daemon = build_daemon(TICK)
    daemon.start()
    daemon.client.request("pause", tasks=["tick"], reason="migration")
    until(lambda: "(paused)" in daemon.terminal())

    reader = open_reader(daemon.directory / "linod.db")
    found = [row for row in reader.decisions("tick") if row.verdict is Verdict.PAUSED]
    reader.close()

    assert [(row.reason, row.by) for row in found] == [(f'paused by {ME}: "migration"', ME)]


def test_a_chain_that_goes_on_says_at_which_step_it_is(build_daemon: Building) -> None:
    daemon = build_daemon(TASKS.replace("test -e go", "sleep 60"))
    daemon.start()
    daemon.client.request("run", task="nightly")

    until(lambda: status_of(daemon, "nightly")["step"] == "step 2 of 2: second")
    daemon.client.request("cancel", task="nightly")
    until(lambda: not daemon.unfinished())

    assert {row.task: row.state for row in daemon.runs()} == {
        "nightly": Outcome.CANCELLED,
        "first": Outcome.SUCCEEDED,
        "second": Outcome.CANCELLED,
    }
    assert State.WAITING not in [row.state for row in daemon.runs()]

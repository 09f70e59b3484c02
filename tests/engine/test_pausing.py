"""pause and resume: of tasks and of linod as a whole, with an end and without."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from linod.events import Answer, Event, ServeStarted
from linod.specs import CatchUp, Overlap

from .asking import disable, enable, pause, resume, run
from .building import World, at, build_task, changes, dues, ended, names, only


def test_what_falls_due_is_decided_paused(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(6), pause(6, "mail", reason="migration"))

    assert [] == world.starts(at(10))
    row = world.store.decisions("mail")[0]
    assert ("paused", 'paused by alice: "migration"', "alice") == (
        row.verdict,
        row.reason,
        row.by,
    )


def test_what_falls_due_meanwhile_is_one_range(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(6), pause(6, "mail"))
    for each in (10, 20, 30):
        world.settle(at(each))

    assert [(10, 30, 3, "paused")] == world.decisions()


def test_a_pause_answers_with_its_tasks_and_is_told(world: World) -> None:
    world.adopt(at(5), build_task(), build_task("news"))

    settled = world.settle(at(6), pause(6, "mail", "news", until=60))

    assert ("mail", "news") == only(settled, Answer).tasks
    assert [
        "mail paused by alice until 2026-11-21T07:01:00+00:00",
        "news paused by alice until 2026-11-21T07:01:00+00:00",
    ] == changes(settled)


def test_other_tasks_run(world: World) -> None:
    world.adopt(at(5), build_task(), build_task("news"))
    world.settle(at(6), pause(6, "mail"))

    assert ["news"] == names(world.starts(at(10)))


def test_a_pause_of_all_holds_all(world: World) -> None:
    world.adopt(at(5), build_task(), build_task("news"))

    settled = world.settle(at(6), pause(6, reason="migration"))

    assert ['linod paused by alice: "migration"'] == changes(settled)
    assert [] == world.starts(at(10))
    assert (10, "paused", 'all tasks paused by alice: "migration"') == world.verdicts()[0]


def test_a_pause_of_all_holds_a_task_that_comes_later(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(6), pause(6))
    world.adopt(at(7), build_task(), build_task("news"))

    assert [] == world.starts(at(10))


def test_a_pause_drops_what_waits_with_the_reason(world: World) -> None:
    world.adopt(at(5), build_task(overlap=Overlap.WAIT))
    world.settle(at(10))
    world.settle(at(20))
    world.settle(at(21), pause(21, "mail", reason="migration"))

    assert [("starting", ""), ("cancelled", 'paused by alice: "migration"')] == world.ends()


def test_a_pause_of_all_drops_what_waits_everywhere(world: World) -> None:
    tasks = [build_task("a"), build_task("b"), build_task("c")]
    world.adopt(at(5), *tasks, max_running=1)
    world.settle(at(10))
    world.settle(at(11), pause(11))

    assert ["starting", "cancelled", "cancelled"] == [
        world.runs(name)[0].state for name in ("a", "b", "c")
    ]


def test_a_pause_leaves_what_runs(world: World) -> None:
    world.adopt(at(5), build_task())
    (start,) = world.starts(at(10))
    world.settle(at(11), pause(11, "mail"))
    world.settle(at(15), ended(start))

    assert [("succeeded", "")] == world.ends()


def test_the_verdict_of_what_is_dropped_stays(world: World) -> None:
    world.adopt(at(5), build_task(spread=timedelta(seconds=60)))
    world.settle(at(10))
    world.settle(at(11), pause(11, "mail"))

    assert [(10, "admitted", "")] == world.verdicts()


def test_a_resume_lets_it_run_again(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(6), pause(6, "mail"))
    world.settle(at(10))

    settled = world.settle(at(15), resume(15, "mail"))

    assert ("mail",) == only(settled, Answer).tasks
    assert ["mail resumed by alice"] == changes(settled)
    assert [20] == dues(world.starts(at(20)))


def test_what_fell_due_in_a_pause_is_not_made_up_for(world: World) -> None:
    world.adopt(at(5), build_task(catch_up=CatchUp.ALL))
    world.settle(at(6), pause(6, "mail"))

    assert [] == world.starts(at(45), resume(45, "mail"))
    assert [(10, 40, 4, "paused")] == world.decisions()


def test_a_pause_ends_at_its_end(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(6), pause(6, "mail", until=25))
    world.settle(at(10))
    world.settle(at(20))

    assert ["mail is not paused any more"] == changes(world.settle(at(25)))
    assert () == world.engine.holds
    assert [30] == dues(world.starts(at(30)))


def test_the_end_of_a_pause_wakes_the_engine(world: World) -> None:
    world.adopt(at(5), build_task(recurrence="every day"))

    assert at(25) == world.settle(at(6), pause(6, "mail", until=25)).wake


def test_what_is_due_at_the_end_of_a_pause_runs(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(6), pause(6, "mail", until=20))
    world.settle(at(10))

    assert [20] == dues(world.starts(at(20)))


def test_what_is_due_after_its_end_is_missed_as_usual_where_nothing_ran_then(
    world: World,
) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(6), pause(6, "mail", until=35))
    world.restart()
    world.adopt(at(75), build_task())

    assert [70] == dues(world.starts(at(75), ServeStarted(at=at(75))))
    assert [(10, 30, 3, "paused"), (40, 60, 3, "missed"), (70, 70, 1, "admitted")] == (
        world.decisions()
    )


def test_a_pause_holds_over_a_restart(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(6), pause(6, "mail"))
    world.restart()
    world.adopt(at(7), build_task())

    assert [] == world.starts(at(10), ServeStarted(at=at(7)))


def test_a_manual_run_that_was_asked_for_in_a_pause_survives_a_restart(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(6), run(6), run(6.1))
    world.settle(at(7), pause(7, "mail"), run(7))
    world.restart()
    world.adopt(at(8), build_task())

    assert ["starting", "cancelled", "waiting"] == [state for state, _ in world.ends()]


def test_a_pause_holds_over_a_reload(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(6), pause(6, "mail", until=25))
    world.adopt(at(7), build_task(timeout=timedelta(seconds=3)))

    assert [] == world.starts(at(20))
    assert [30] == dues(world.starts(at(25)) + world.starts(at(30)))


def test_of_a_pause_of_all_and_of_a_task_the_longer_one_counts(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(6), pause(6, until=25), pause(6.1, "mail", until=45))
    for each in (10, 20, 30, 40):
        world.settle(at(each))

    assert [50] == dues(world.starts(at(50)))
    assert (10, 40, 4, "paused") == world.decisions()[0]


def test_one_pause_after_the_other_decides_each_as_its_own(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(6), pause(6, until=45), pause(6.1, "mail", until=25))
    world.restart()
    world.adopt(at(55), build_task())
    world.settle(at(55))

    assert [(10, 40, 4, "paused"), (50, 50, 1, "admitted")] == world.decisions()


def test_a_second_pause_replaces_the_first(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(6), pause(6, "mail"))
    world.settle(at(7), pause(7, "mail", until=15, reason="short"))

    assert [20] == dues(world.starts(at(10)) + world.starts(at(15)) + world.starts(at(20)))


def test_a_resume_of_a_task_while_all_is_paused_says_so(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(6), pause(6, "mail"), pause(6.1))

    answer = only(world.settle(at(7), resume(7, "mail")), Answer)

    assert "all tasks paused by alice: nothing runs until linod resume --all" == answer.note
    assert [] == world.starts(at(10))


def test_a_resume_of_all_leaves_the_pauses_of_tasks(world: World) -> None:
    world.adopt(at(5), build_task(), build_task("news"))
    world.settle(at(6), pause(6, "mail"), pause(6.1))
    world.settle(at(7), resume(7))

    assert ["news"] == names(world.starts(at(10)))


@pytest.mark.parametrize(
    ("request_", "refusal"),
    [
        (pause(6, "male"), 'there is no task "male"'),
        (pause(6, "mail", until=5), "the pause would have ended already"),
        (resume(6, "male"), 'there is no task "male"'),
        (resume(6, "news"), "news: not paused"),
        (resume(6), "linod as a whole is not paused: linod resume mail"),
        (resume(6, "off"), "off is disabled, not paused: linod enable off"),
    ],
)
def test_what_cannot_be_done_is_refused(world: World, request_: Event, refusal: str) -> None:
    world.adopt(at(0), build_task(), build_task("news"), build_task("off"))
    world.settle(at(1), pause(1, "mail"), disable(1, "off"))

    assert refusal == only(world.settle(at(6), request_), Answer).refusal


def test_a_resume_of_a_task_that_only_the_pause_of_all_holds_says_how(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(6), pause(6))

    answer = only(world.settle(at(7), resume(7, "mail")), Answer)

    assert "all tasks paused by alice: linod resume --all" == answer.refusal


def test_what_people_did_is_kept(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(6), pause(6, "mail", reason="migration"))
    world.settle(at(7), resume(7, "mail"))
    world.settle(at(8), pause(8))

    assert [("pause", "", ""), ("resume", "mail", ""), ("pause", "mail", "migration")] == [
        (row.verb, row.task, row.text) for row in world.store.actions()
    ]


def test_a_wrong_name_among_many_pauses_none(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(6), pause(6, "mail", "male"))

    assert () == world.engine.holds


def test_a_pause_of_a_removed_task_does_not_hold_another(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(6), pause(6, "mail", until=100))
    world.adopt(at(7), build_task("news"))

    assert ["news"] == names(world.starts(at(10)))


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_a_pause_whose_commit_fails_is_done_and_answered(world: World, fault: str) -> None:
    world.adopt(at(5), build_task())
    world.fail(fault, at(6), pause(6, "mail"))

    answer = only(world.settle(at(6.5), pause(6, "mail")), Answer)

    assert (None, ("mail",)) == (answer.refusal, answer.tasks)
    assert [] == world.starts(at(10))
    assert 1 == len(world.store.actions())


@pytest.mark.parametrize("fault", ["undone", "unknown"])
@pytest.mark.parametrize("tasks", [(), ("mail",)])
def test_a_resume_whose_commit_fails_is_done_and_answered(
    world: World, fault: str, tasks: tuple[str, ...]
) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(6), pause(6, *tasks))
    world.fail(fault, at(7), resume(7, *tasks))

    answer = only(world.settle(at(7.5), resume(7, *tasks)), Answer)

    assert (None, tasks) == (answer.refusal, answer.tasks)
    assert [10] == dues(world.starts(at(10)))


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_the_end_of_a_pause_whose_commit_fails_is_told_once_more(world: World, fault: str) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(6), pause(6, "mail", until=15))
    world.fail(fault, at(15))
    world.settle(at(15.5))

    assert () == world.engine.holds
    assert [20] == dues(world.starts(at(20)))


def test_a_pause_that_came_and_went_unseen_holds_nothing_from_before(world: World) -> None:
    task = build_task(catch_up=CatchUp.NONE)
    world.adopt(at(5), task)
    world.settle(at(10))
    world.engine.drain()
    world.settle(at(32), pause(32, "mail", until=45))
    world.restart()
    world.adopt(at(55), task)
    world.settle(at(55), ServeStarted(at=at(55)))

    assert world.decisions() == [
        (10, 10, 1, "admitted"),
        (20, 30, 2, "missed"),
        (40, 40, 1, "paused"),
        (50, 50, 1, "missed"),
    ]


def test_a_pause_from_before_a_step_back_reaches_over_nothing_that_is_missed(world: World) -> None:
    world.adopt(at(205), build_task("news"))
    world.settle(at(206), pause(206, until=245))
    world.adopt(at(5), build_task(catch_up=CatchUp.NONE))
    world.settle(at(10))
    world.settle(at(265))

    assert world.decisions() == [
        (10, 10, 1, "paused"),
        (20, 200, 19, "missed"),
        (210, 240, 4, "paused"),
        (250, 260, 2, "missed"),
    ]


def test_a_pause_reaches_over_nothing_that_is_caught_up_from_before_it(world: World) -> None:
    world.adopt(at(205), build_task("news"))
    world.settle(at(206), pause(206, until=245))
    world.adopt(at(5), build_task())
    world.settle(at(10))
    world.settle(at(249))

    assert world.decisions() == [
        (10, 10, 1, "paused"),
        (20, 190, 18, "missed"),
        (200, 200, 1, "admitted"),
        (210, 240, 4, "paused"),
    ]


def test_a_pause_that_ends_while_linod_stops_holds_what_fell_due_in_it(world: World) -> None:
    task = build_task(catch_up=CatchUp.NONE)
    world.adopt(at(5), task)
    world.settle(at(6), pause(6, "mail", until=15))
    world.engine.drain()
    world.settle(at(16), run(16, "mail"))
    world.restart()
    world.adopt(at(25), task)
    world.settle(at(25), ServeStarted(at=at(25)))

    assert world.decisions() == [(10, 10, 1, "paused"), (20, 20, 1, "admitted")]


def test_a_pause_that_came_and_went_unseen_grows_over_nothing_from_before(world: World) -> None:
    task = build_task(catch_up=CatchUp.NONE)
    world.adopt(at(5), task)
    world.settle(at(6), pause(6, "mail", until=15))
    world.settle(at(10))
    world.settle(at(15))
    world.engine.drain()
    world.settle(at(32), pause(32, "mail", until=45))
    world.restart()
    world.adopt(at(55), task)
    world.settle(at(55), ServeStarted(at=at(55)))

    assert world.decisions() == [
        (10, 10, 1, "paused"),
        (20, 30, 2, "missed"),
        (40, 40, 1, "paused"),
        (50, 50, 1, "missed"),
    ]


@pytest.mark.parametrize(
    ("hold", "release", "verdict"), [(pause, resume, "paused"), (disable, enable, "disabled")]
)
def test_no_hold_is_let_go_while_linod_stops(
    world: World, hold: Any, release: Any, verdict: str
) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(6), hold(6, "mail"))
    world.engine.drain()
    settled = world.settle(at(16), release(16, "mail"))
    world.restart()
    world.adopt(at(25), build_task())
    world.settle(at(25), ServeStarted(at=at(25)))

    answers = [each for each in settled.effects if isinstance(each, Answer)]
    assert [each.refusal for each in answers] == ["linod is stopping: ask again when it serves"]
    assert world.decisions() == [(10, 20, 2, verdict)]


def test_a_pause_that_is_heard_of_after_its_end_drops_nothing(world: World) -> None:
    world.adopt(at(5), build_task(overlap=Overlap.WAIT))
    world.settle(at(10))
    world.settle(at(20))

    world.settle(at(22), pause(6, "mail", until=8))

    world.settle(at(22.1))
    assert world.ends() == [("starting", ""), ("waiting", "")]
    assert world.store.holds() == []

"""What every store must do: a class of tests that a store's own test file inherits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from linod.events import Outcome, State, Trigger, Verdict
from linod.policy import WarningKind
from linod.store.interface import ActionRow, CursorRow, DecisionRow, RunRow, Store, WarningRow

T = datetime(2026, 11, 21, 7, 0, 0, 123456, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def build_run(**fields: object) -> RunRow:
    values: dict[str, object] = {
        "id": 0,
        "task": "mail",
        "due": T,
        "attempt": 1,
        "trigger": Trigger.SCHEDULE,
        "state": State.STARTING,
        "queued": T,
        "planned": T,
        "lease": "secret",
        "boot": "boot-1",
    }
    return RunRow(**{**values, **fields})  # type: ignore[arg-type]


def build_decision(**fields: object) -> DecisionRow:
    values: dict[str, object] = {
        "task": "mail",
        "due": T,
        "last": T,
        "count": 1,
        "verdict": Verdict.ADMITTED,
    }
    return DecisionRow(**{**values, **fields})  # type: ignore[arg-type]


def add_ended(store: Store, at: datetime, outcome: Outcome, task: str = "mail") -> int:
    with store.transaction():
        run = store.add_run(build_run(task=task, due=at, queued=at, planned=at))
        store.add_decision(build_decision(task=task, due=at, last=at))
        store.end_run(run.id, "secret", outcome, ended=at + SECOND, started=at, log="a line\n")
    return run.id


def add_and_raise(store: Store) -> None:
    store.add_run(build_run())
    raise ZeroDivisionError


class StoreSuite:
    """Inherit it and give a fixture `store`."""

    def test_a_run_comes_back_as_it_was_written(self, store: Store) -> None:
        with store.transaction():
            run = store.add_run(build_run(by="alice", arguments="shop = 'ee'"))

        assert run == store.run(run.id)

    def test_a_transaction_that_raises_leaves_nothing(self, store: Store) -> None:
        with pytest.raises(ZeroDivisionError), store.transaction():
            add_and_raise(store)

        assert store.runs() == []

    def test_an_attempt_at_an_occurrence_exists_once(self, store: Store) -> None:
        with store.transaction():
            store.add_run(build_run())

        with pytest.raises(AssertionError), store.transaction():
            store.add_run(build_run())

    def test_the_next_attempt_follows_the_last_one(self, store: Store) -> None:
        with store.transaction():
            store.add_run(build_run())
            store.add_run(build_run(attempt=2))

        assert store.next_attempt("mail", T) == 3
        assert store.next_attempt("mail", T + SECOND) == 1

    def test_an_end_with_the_right_lease_is_accepted(self, store: Store) -> None:
        with store.transaction():
            run = store.add_run(build_run())
            ended = store.end_run(
                run.id,
                "secret",
                Outcome.FAILED,
                ended=T + SECOND,
                started=T,
                reason="ValueError: no",
                detail={"traceback": "…"},
                log="one\ntwo\n",
            )

        assert ended == store.run(run.id)
        assert ended is not None
        assert (ended.state, ended.outcome) == (Outcome.FAILED, Outcome.FAILED)
        assert ended.detail == {"traceback": "…"}
        assert ended.took == SECOND
        assert store.log_text(run.id) == "one\ntwo\n"

    def test_an_end_tells_of_the_begin_that_was_not_told(self, store: Store) -> None:
        with store.transaction():
            run = store.add_run(build_run(state=State.STARTING, started=None, worker=""))
            ended = store.end_run(
                run.id, "secret", Outcome.SUCCEEDED, ended=T + SECOND, started=T, worker="7:8"
            )

        assert ended == store.run(run.id)
        assert ended is not None
        assert (ended.worker, ended.took) == ("7:8", SECOND)

    def test_an_end_without_a_worker_leaves_the_one_that_is_known(self, store: Store) -> None:
        with store.transaction():
            run = store.add_run(build_run(state=State.STARTING))
            assert store.mark_running(run.id, "secret", "7:8", T)
            ended = store.end_run(run.id, "secret", Outcome.SUCCEEDED, ended=T + SECOND)

        assert ended is not None
        assert ended.worker == "7:8"

    def test_a_worker_that_is_no_text_is_escaped(self, store: Store) -> None:
        with store.transaction():
            run = store.add_run(build_run(state=State.STARTING))
            assert store.mark_running(run.id, "secret", "\ud800", T)
            ended = store.end_run(run.id, "secret", Outcome.LOST, ended=T, worker="\udc00")

        assert ended is not None
        assert ended.worker == "\\udc00"

    def test_an_end_with_another_lease_is_refused(self, store: Store) -> None:
        with store.transaction():
            run = store.add_run(build_run())

            assert store.end_run(run.id, "old", Outcome.SUCCEEDED, ended=T) is None
        assert [run] == store.unfinished()

    def test_the_first_end_wins(self, store: Store) -> None:
        with store.transaction():
            run = store.add_run(build_run())
            store.end_run(run.id, "secret", Outcome.LOST, ended=T)

            assert store.end_run(run.id, "secret", Outcome.SUCCEEDED, ended=T) is None
        assert store.runs()[0].outcome == Outcome.LOST

    def test_a_waiting_run_is_leased_once(self, store: Store) -> None:
        with store.transaction():
            run = store.add_run(build_run(state=State.WAITING, lease=""))

            assert store.lease_run(run.id, "first", "keeper", "boot-2", "")
            assert not store.lease_run(run.id, "second", "keeper", "boot-2", "")
        assert store.runs()[0].lease == "first"

    def test_only_a_starting_run_begins_to_run(self, store: Store) -> None:
        with store.transaction():
            run = store.add_run(build_run())

            assert not store.mark_running(run.id, "old", "12:34", T)
            assert store.mark_running(run.id, "secret", "12:34", T)
            assert not store.mark_running(run.id, "secret", "12:34", T)
        assert (
            store.runs()[0].state,
            store.runs()[0].worker,
            store.runs()[0].started,
        ) == (State.RUNNING, "12:34", T)

    def test_the_log_of_a_run_keeps_its_end(self, store: Store) -> None:
        with store.transaction():
            run = store.add_run(build_run())
            store.end_run(run.id, "secret", Outcome.SUCCEEDED, ended=T, log="ä" * 70_000)

        assert len(store.log_text(run.id)) == 32_768

    def test_text_that_utf8_cannot_hold_is_escaped(self, store: Store) -> None:
        with store.transaction():
            run = store.add_run(build_run())
            ended = store.end_run(run.id, "secret", Outcome.FAILED, ended=T, reason="\ud800")

        assert ended is not None
        assert ended.reason == "\\ud800"

    def test_an_end_of_a_known_run_is_the_row_that_is_written(self, store: Store) -> None:
        with store.transaction():
            run = store.add_run(build_run(arguments="\ud800", by="\ud800", held="\ud800"))
            ended = store.end_run(
                run.id,
                "secret",
                Outcome.FAILED,
                ended=T + SECOND,
                started=T,
                reason="\ud800",
                detail={"bases": ("ValueError", "Exception"), "used": {"user_s": 0.5}},
                known=run,
            )

        assert ended == store.run(run.id)

    def test_an_end_keeps_the_start_that_is_known(self, store: Store) -> None:
        with store.transaction():
            run = store.add_run(build_run(started=None))
            store.mark_running(run.id, "secret", "1:2", T)
            known = store.run(run.id)
            ended = store.end_run(run.id, "secret", Outcome.FAILED, ended=T + SECOND, known=known)

        assert ended == store.run(run.id)
        assert ended is not None
        assert ended.started == T

    def test_a_known_run_with_another_lease_does_not_end(self, store: Store) -> None:
        with store.transaction():
            run = store.add_run(build_run())

            assert store.end_run(run.id, "old", Outcome.LOST, ended=T, known=run) is None

    def test_a_range_grows(self, store: Store) -> None:
        row = build_decision(verdict=Verdict.OVERLAP, reason="run 1 was going on")
        with store.transaction():
            store.add_decision(row)
            store.grow_decision(row, T + 2 * SECOND, 2)

        (grown,) = store.decisions("mail")
        assert (grown.due, grown.last, grown.count) == (T, T + 2 * SECOND, 3)

    def test_a_due_inside_a_range_is_found(self, store: Store) -> None:
        row = build_decision(verdict=Verdict.MISSED, last=T + 10 * SECOND, count=11)
        with store.transaction():
            store.add_decision(row)

        assert row == store.decision_at("mail", T + 3 * SECOND)
        assert store.decision_at("mail", T - SECOND) is None
        assert store.decision_at("mail", T + 11 * SECOND) is None

    def test_a_row_of_its_own_comes_before_the_range_around_it(self, store: Store) -> None:
        around = build_decision(verdict=Verdict.MISSED, last=T + 10 * SECOND, count=11)
        own = build_decision(due=T + SECOND / 2, last=T + SECOND / 2)
        with store.transaction():
            store.add_decision(around)
            store.add_decision(own)

        assert own == store.decision_at("mail", T + SECOND / 2)
        assert around == store.decision_at("mail", T + SECOND)

    def test_decisions_of_a_time_begin_with_the_range_it_begins_in(self, store: Store) -> None:
        found = [
            build_decision(verdict=Verdict.MISSED, last=T + 10 * SECOND, count=11),
            build_decision(due=T + 5 * SECOND / 2, last=T + 5 * SECOND / 2),
            build_decision(due=T + 11 * SECOND, last=T + 11 * SECOND),
        ]
        with store.transaction():
            for row in found:
                store.add_decision(row)

        assert found == store.decisions_between("mail", T + 2 * SECOND, T + 11 * SECOND)
        assert found[:1] == store.decisions_between("mail", T + 3 * SECOND, T + 10 * SECOND)
        assert [] == store.decisions_between("mail", T + 12 * SECOND, T + 99 * SECOND)

    def test_what_a_person_asked_for_under_another_verdict_is_found(self, store: Store) -> None:
        dues = [T + number * SECOND for number in range(5)]
        with store.transaction():
            store.add_decision(build_decision(verdict=Verdict.MISSED, last=dues[3], count=4))
            store.add_decision(build_decision(due=dues[4], last=dues[4]))
            for number, due in enumerate(dues):
                store.add_run(build_run(due=due))
                store.add_run(build_run(due=due, attempt=2, task="mail" if number else "other"))

        assert dues[1:4] == store.asked_dues("mail", dues[1], dues[4])

    def test_a_warning_is_found_by_what_it_is_about(self, store: Store) -> None:
        kind, last = WarningKind.LATE, T + 10 * SECOND
        rows = [WarningRow(task="mail", at=T, kind=kind, run=run, text="") for run in (1, 2, None)]
        with store.transaction():
            for row in rows:
                store.add_warning(row)

        assert 3 == len(store.warnings("mail"))
        assert [True, True, False, True] == [
            store.has_warning("mail", kind, run, T, last) for run in (1, 2, 3, None)
        ]
        assert not store.has_warning("mail", kind, 1, T + SECOND, last)
        assert not store.has_warning("mail", WarningKind.RUNNING, 1, T, last)
        assert not store.has_warning("news", kind, 1, T, last)

    def test_what_a_person_did_is_found_by_its_instant(self, store: Store) -> None:
        rows = [ActionRow(at=T, verb="pause", task=task, by="alice") for task in ("mail", "news")]
        with store.transaction():
            for row in (*rows, ActionRow(at=T, verb="pause", task="other", by="bob")):
                store.add_action(row)

        assert rows == store.actions_at(T, "alice")
        assert [] == store.actions_at(T + SECOND, "alice")

    def test_the_reach_of_a_cursor_never_goes_back(self, store: Store) -> None:
        cursor = CursorRow(
            task="mail",
            through=T,
            reached=T,
            definition="d",
            definition_hash="h",
            first_seen=T,
        )
        with store.transaction():
            store.put_cursor(cursor)
            store.move_cursor("mail", T - SECOND)

        moved = store.cursors()["mail"]
        assert (moved.through, moved.reached) == (T - SECOND, T)

    def test_runs_are_paged_newest_first(self, store: Store) -> None:
        ids = [add_ended(store, T + SECOND * n, Outcome.SUCCEEDED) for n in range(5)]

        assert [ids[4], ids[3]] == [run.id for run in store.runs("mail", limit=2)]
        assert [ids[2], ids[1]] == [run.id for run in store.runs(limit=2, before=ids[3])]

    def test_a_summary_shows_the_present_and_the_last_ten(self, store: Store) -> None:
        for n in range(12):
            last = add_ended(store, T + SECOND * n, Outcome.FAILED if n == 11 else Outcome.WARNED)
        with store.transaction():
            current = store.add_run(build_run(due=T + 20 * SECOND))
            store.add_run(build_run(due=T + 21 * SECOND, state=State.WAITING, lease=""))

        summary = store.summaries(["mail", "never"])["mail"]
        assert current == summary.current
        assert summary.last is not None
        assert last == summary.last.id
        assert summary.outcomes == (Outcome.WARNED,) * 9 + (Outcome.FAILED,)
        assert store.summaries(["never"])["never"].last is None

    def test_pruning_keeps_the_last_failure_and_what_still_blocks(self, store: Store) -> None:
        add_ended(store, T, Outcome.FAILED)
        failed = add_ended(store, T + SECOND, Outcome.TIMED_OUT)
        add_ended(store, T + 2 * SECOND, Outcome.SUCCEEDED)
        with store.transaction():
            going_on = store.add_run(build_run(due=T + 3 * SECOND))
            store.add_decision(build_decision(due=T + 3 * SECOND, last=T + 3 * SECOND))
            store.prune(T + timedelta(days=1))

        assert [going_on.id, failed] == [run.id for run in store.runs()]
        assert [row.due for row in store.decisions("mail")] == [T + 3 * SECOND, T + SECOND]

    def test_pruning_goes_in_batches(self, store: Store) -> None:
        for n in range(5):
            add_ended(store, T + SECOND * n, Outcome.SUCCEEDED)

        with store.transaction():
            assert store.prune(T + timedelta(days=1), limit=2) == 4
        assert len(store.runs()) == 3

    def test_pruning_leaves_what_is_younger(self, store: Store) -> None:
        add_ended(store, T, Outcome.SUCCEEDED)

        with store.transaction():
            assert store.prune(T) == 0
        assert len(store.runs()) == 1

    def test_facts_are_kept(self, store: Store) -> None:
        with store.transaction():
            store.put_meta("host", "one")
            store.put_meta("host", "two")

        assert store.meta() == {"host": "two"}

    def test_what_never_started_is_no_last_end(self, store: Store) -> None:
        number = add_ended(store, T, Outcome.FAILED)
        with store.transaction():
            run = store.add_run(build_run(due=T + SECOND, queued=T, planned=T))
            store.end_run(
                run.id, "secret", Outcome.LOST, ended=T + 9 * SECOND, reason="never started"
            )

        last = store.last_end("mail")

        assert last is not None
        assert number == last.id

"""`warn`: records what people are told although nothing failed; each once.

Timers find the moment; what is true then is read from the runs, so that a restart or a reload in
between changes nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from linod import policy
from linod.engine.agenda import Plan
from linod.engine.situation import Situation
from linod.engine.timers import Watch
from linod.events import State
from linod.policy import WarningKind
from linod.policy.warning import AUTO_RUNS_MAX
from linod.specs import LogLevel
from linod.store.interface import RunRow, WarningRow
from linod.units import format_duration

_FIRST = datetime(1970, 1, 1, tzinfo=UTC)


class Watching:
    """Sets timers where a task asks for warnings, and looks when they go off."""

    def __init__(self, situation: Situation) -> None:
        self._situation = situation
        self._looks = {
            WarningKind.LATE: self._look_late,
            WarningKind.RUNNING: self._look_running,
            WarningKind.NO_SUCCESS: self._look_success,
            WarningKind.DONE_BY: self._look_day,
        }

    def begin(self) -> None:
        """Watch all tasks and unfinished runs of a configuration."""
        for plan in self._situation.agenda:
            if plan.task.warn.no_success is not None:
                self._watch_success(plan)
            if plan.task.warn.done_by is not None:
                self._watch_day(plan)
        for run in self._situation.roster.all().values():
            self.watch(run)

    def watch(self, run: RunRow) -> None:
        """Watch a run that was added, or that began."""
        plan = self._situation.agenda.get(run.task)
        if plan is None:
            return
        late, timers = plan.task.warn.late, self._situation.timers
        if late is not None and run.started is None:
            timers.at(run.planned + late, Watch(run.task, WarningKind.LATE, run.id))
        limit = self._running_limit(plan) if run.started is not None else None
        if limit is not None and run.started is not None:
            draft = self._situation.draft
            rest = max(timedelta(0), run.started + limit - draft.now)
            watch = Watch(run.task, WarningKind.RUNNING, run.id, limit)
            timers.after(draft.elapsed + rest, watch)

    def look(self, watch: Watch) -> None:
        """Look whether what was watched for has come true."""
        plan = self._situation.agenda.get(watch.task)
        if plan is not None:
            self._looks[watch.kind](plan, watch)

    # -- runs ---------------------------------------------------------------------------------

    def _look_late(self, plan: Plan, watch: Watch) -> None:
        run, late = self._situation.roster.get(watch.run), plan.task.warn.late
        if run is not None and late is not None and run.started is None:
            waits = f", {run.held}" if run.held and run.state is State.WAITING else ""
            text = f"did not start within {format_duration(late)}{waits}"
            self._warn(plan, WarningKind.LATE, text, run.id)

    def _look_running(self, plan: Plan, watch: Watch) -> None:
        run = self._situation.roster.get(watch.run)
        if run is not None and run.started is not None and watch.limit is not None:
            text = f"has run for more than {format_duration(watch.limit)}"
            self._warn(plan, WarningKind.RUNNING, text, run.id)

    def _running_limit(self, plan: Plan) -> timedelta | None:
        if plan.task.warn.running is None:
            return None
        lengths = self._situation.store.lengths(plan.name, AUTO_RUNS_MAX)
        return policy.running_limit(plan.task.warn, lengths)

    # -- tasks --------------------------------------------------------------------------------

    def _last_success(self, plan: Plan) -> datetime:
        run = self._situation.store.newest_success(plan.name, self._situation.draft.now)
        return plan.first_seen if run is None or run.ended is None else run.ended

    def _watch_success(self, plan: Plan) -> None:
        length = plan.task.warn.no_success
        assert length is not None
        at = max(self._last_success(plan) + length, self._situation.draft.now)
        self._situation.timers.at(at, Watch(plan.name, WarningKind.NO_SUCCESS))

    def _look_success(self, plan: Plan, _watch: Watch) -> None:
        length, now = plan.task.warn.no_success, self._situation.draft.now
        if length is None:
            return
        last = self._last_success(plan)
        if now < last + length:
            self._watch_success(plan)
            return
        text = f"had no success for {format_duration(length)}"
        self._warn(plan, WarningKind.NO_SUCCESS, text, since=last)
        self._situation.timers.at(now + length, Watch(plan.name, WarningKind.NO_SUCCESS))

    def _watch_day(self, plan: Plan) -> None:
        """Look at once: nobody may have looked when it was time."""
        now, watch = self._situation.draft.now, Watch(plan.name, WarningKind.DONE_BY)
        self._situation.timers.at(now, watch)

    def _look_day(self, plan: Plan, _watch: Watch) -> None:
        """Look whether what was due in the day before the last reading was done by now."""
        by, now = plan.task.warn.done_by, self._situation.draft.now
        if by is None:
            return
        readings = self._readings(plan, by)
        past = [reading for reading in readings if reading <= now]
        following = next((reading for reading in readings if reading > now), None)
        if following is not None:
            self._situation.timers.at(following, Watch(plan.name, WarningKind.DONE_BY))
        due = plan.planner.previous(past[-1]) if past else None
        is_due = due is not None and due > past[-1] - timedelta(days=1)
        if due is not None and is_due and self._last_success(plan) < due:
            text = f"was not done by {by:%H:%M}"
            self._warn(plan, WarningKind.DONE_BY, text, since=past[-1])

    def _readings(self, plan: Plan, by: time) -> list[datetime]:
        """The instants of some days at which the wall clock shows a time of day."""
        place = ZoneInfo(plan.zone)
        today = self._situation.draft.now.astimezone(place).date()
        return [
            datetime.combine(today + timedelta(days=days), by, place).astimezone(UTC)
            for days in range(-1, 3)
        ]

    # -- telling ------------------------------------------------------------------------------

    def _warn(
        self,
        plan: Plan,
        kind: WarningKind,
        text: str,
        run: int | None = None,
        since: datetime | None = None,
    ) -> None:
        """Tell it, unless that was told of this run, or of the task since an instant."""
        situation, now = self._situation, self._situation.draft.now
        # What lies beyond now is of a clock that was ahead.
        if situation.store.has_warning(plan.name, kind, run, since or _FIRST, now):
            return
        row = WarningRow(task=plan.name, at=now, kind=kind, run=run, text=text)
        situation.store.add_warning(row)
        situation.draft.warnings.append(row)
        where = f"  (run {run})" if run is not None else ""
        situation.tell(LogLevel.WARNING, plan.name, text + where)

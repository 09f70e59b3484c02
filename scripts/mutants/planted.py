"""Bugs to plant in linod, each by replacing one piece of text that occurs once in its file."""

from __future__ import annotations

from typing import NamedTuple


class Bug(NamedTuple):
    """One planted bug; `file` is below src/linod."""

    name: str
    file: str
    text: str
    instead: str


BUGS = (
    # -- policy ---------------------------------------------------------------------------------
    Bug(
        "late occurrences run for ten minutes",
        "policy/missed.py",
        "LATE_MAX = timedelta(seconds=60)",
        "LATE_MAX = timedelta(seconds=600)",
    ),
    Bug(
        "the window of catch_up is not looked at",
        "policy/missed.py",
        "if task.catch_up is CatchUp.NONE or newest < since:",
        "if task.catch_up is CatchUp.NONE:",
    ),
    Bug(
        "catch_up all is one",
        "policy/missed.py",
        "if task.catch_up is CatchUp.ONE:\n        return Choice",
        "if task.catch_up is not CatchUp.NONE:\n        return Choice",
    ),
    Bug(
        "catch_up none catches one up",
        "policy/missed.py",
        "if task.catch_up is CatchUp.NONE or newest < since:",
        "if newest < since:",
    ),
    Bug(
        "several missed ones count as a late one",
        "policy/missed.py",
        "if undecided.is_single and now - newest <= LATE_MAX:",
        "if now - newest <= LATE_MAX:",
    ),
    Bug(
        "skip lets a second one in",
        "policy/overlap.py",
        "if task.overlap is Overlap.SKIP:",
        "if task.overlap is Overlap.SKIP and len(going) > 1:",
    ),
    Bug(
        "wait lets any number wait",
        "policy/overlap.py",
        "if task.overlap is Overlap.WAIT and (waiting := _newcomers(task, going)):",
        "if task.overlap is Overlap.WAIT and (waiting := _newcomers(task, going))[9:]:",
    ),
    Bug(
        "max_running is one too many",
        "policy/overlap.py",
        "return task.max_running is not None and count >= task.max_running",
        "return task.max_running is not None and count > task.max_running",
    ),
    Bug(
        "what waits starts beside what runs",
        "policy/overlap.py",
        "if task.overlap is not Overlap.ALLOW and begun:",
        "if task.overlap is Overlap.SKIP and begun:",
    ),
    Bug(
        "all that wait start at once",
        "policy/overlap.py",
        "return found if task.overlap is Overlap.ALLOW else found[:1]",
        "return found",
    ),
    Bug(
        "replace stops the newcomer",
        "policy/overlap.py",
        "return _series(run) < _series(newest) and",
        "return _series(run) >= _series(newest) and",
    ),
    Bug(
        "jitter hastens",
        "policy/planning.py",
        "planned = (base or due) + spread + jitter",
        "planned = (base or due) + spread - jitter",
    ),
    Bug(
        "spread is forgotten",
        "policy/planning.py",
        "planned = (base or due) + spread + jitter",
        "planned = (base or due) + spread * 2 + jitter",
    ),
    Bug(
        "the window is open when it is closed",
        "policy/window.py",
        "return reading >= allowed.first or reading < allowed.last",
        "return reading < allowed.first or reading >= allowed.last",
    ),
    Bug(
        "one retry too many",
        "policy/retrying.py",
        "or failures >= retry.attempts:",
        "or failures > retry.attempts:",
    ),
    Bug(
        "no retry at all",
        "policy/retrying.py",
        "or failures >= retry.attempts:",
        "or failures >= 1:",
    ),
    Bug(
        "lost runs are always tried again",
        "policy/retrying.py",
        "if task.on_lost is not OnLost.RETRY or number > LOST_MAX:",
        "if number > LOST_MAX:",
    ),
    Bug(
        "a cooldown is forgotten",
        "policy/cooldown.py",
        "return rest or timedelta(0)",
        "return timedelta(0)",
    ),
    Bug(
        "cooldowns are mixed up",
        "policy/cooldown.py",
        "cooldown.success if outcome in _SUCCESS else cooldown.failure",
        "cooldown.failure if outcome in _SUCCESS else cooldown.success",
    ),
    Bug(
        "holds are not looked at",
        "policy/refusing.py",
        "if hold is None:",
        "if hold is not None or hold is None:",
    ),
    Bug(
        "enabled = false is not looked at",
        "policy/refusing.py",
        "if not task.enabled:",
        "if not task.enabled and not task.name:",
    ),
    # -- engine ---------------------------------------------------------------------------------
    Bug(
        "a pause holds beyond its end",
        "engine/deciding.py",
        "held = spans if end is None else before(spans, end)",
        "held, end = spans, None",
    ),
    Bug(
        "the cursor is not moved",
        "engine/deciding.py",
        "            situation.store.move_cursor(plan.name, draft.now)\n",
        "",
    ),
    Bug(
        "missed ones are not recorded",
        "engine/deciding.py",
        "        refused += [_Refused(span, Verdict.MISSED, why) for span in missed]\n",
        "",
    ),
    Bug(
        "the oldest missed one is caught up",
        "engine/deciding.py",
        "return newest_of(plan.planner, spans, choice.at_most, choice.since)",
        "return newest_of(plan.planner, spans, 9, choice.since)[:1]",
    ),
    Bug(
        "an end does not make room",
        "engine/ending.py",
        "        situation.look_at(ended.task)\n        is_asked_to_end",
        "        is_asked_to_end",
    ),
    Bug(
        "what never started is not tried again",
        "engine/ending.py",
        "if reason:\n            self.drop(again, reason)",
        "if plan.task.name:\n            self.drop(again, reason)",
    ),
    Bug(
        "a retry begins a series of its own",
        "engine/ending.py",
        "origin=ended.series,",
        "origin=0,",
    ),
    Bug(
        "a retry waits until the clock says so",
        "engine/roster.py",
        "return self._ready_at[run.id] <= draft.elapsed",
        "return run.planned <= draft.now",
    ),
    Bug(
        "a retry waits on after a restart as if the clock were right",
        "engine/roster.py",
        "rest = max(timedelta(0), min(run.planned - now, run.delay))",
        "rest = max(timedelta(0), run.planned - now)",
    ),
    Bug(
        "a planned start is not waited for",
        "engine/roster.py",
        "return run.planned <= draft.now",
        "return run.due <= draft.now",
    ),
    Bug(
        "pools have no limit",
        "engine/starting.py",
        "return size is None or self._situation.roster.places[pool] < size",
        "return True",
    ),
    Bug(
        "max_running of linod is no limit",
        "engine/starting.py",
        "self._situation.roster.begun >= config.linod.max_running",
        "self._situation.roster.begun > config.linod.max_running * 9",
    ),
    Bug(
        "places in pools are never given back",
        "engine/roster.py",
        "        self._count(run, -1)\n        self._of_task[run.task].remove(id)",
        "        self._of_task[run.task].remove(id)",
    ),
    Bug(
        "a start that was committed unseen is forgotten",
        "engine/engine.py",
        "                self._start_late(run)\n",
        "                pass\n",
    ),
    Bug(
        "what is in memory is believed after a failed commit",
        "engine/engine.py",
        "                if self._is_stale:\n                    self._refresh()\n",
        "",
    ),
    Bug(
        "timers are lost with a transaction that fails",
        "engine/engine.py",
        "        situation.timers = Timers()\n        self._set_timers()\n"
        "        self._occasions.continue_all()\n        situation.draft.failures",
        "        situation.draft.failures",
    ),
    Bug(
        "waiting runs are dropped at a restart",
        "engine/engine.py",
        "elif is_restart and policy.is_too_old(plan.task, run.planned, situation.draft.now):",
        "elif is_restart:",
    ),
    Bug(
        "a changed task begins long ago",
        "engine/adoption.py",
        "            through=now,\n            reached=max(now, old.reached) if old else now,",
        "            through=now.replace(year=now.year - 1),\n"
        "            reached=max(now, old.reached) if old else now,",
    ),
    Bug(
        "a changed rule is not noticed",
        "engine/adoption.py",
        "if cursor is None or cursor.definition != planner.definition:",
        "if cursor is None:",
    ),
    Bug(
        "what an old rule left is forgotten",
        "engine/adoption.py",
        "        if old is not None:\n            self._supersede(old)\n",
        "",
    ),
    Bug(
        "ranges reach one occurrence too far",
        "engine/ledger.py",
        "return [(after, min(through, due - TICK)) for after, through in spans",
        "return [(after, min(through, due)) for after, through in spans",
    ),
    Bug(
        "a step of the clock decides again",
        "engine/ledger.py",
        "if after >= reached:",
        "if after >= after:",
    ),
    Bug(
        "every other due is passed over",
        "engine/agenda.py",
        "plan.next_due = plan.planner.next(plan.through)\n        if",
        "due = plan.planner.next(plan.through)\n"
        "        plan.next_due = due and plan.planner.next(due)\n        if",
    ),
    Bug(
        "lengths of time wake nobody",
        "engine/timers.py",
        "        if rest is None:\n            return first\n",
        "        if rest is None or first is not None:\n            return first\n",
    ),
    Bug(
        "a chain does not wait for all of a step",
        "engine/chaining.py",
        "if run is None or roster.members(run.id) or run.state is State.WAITING:",
        "if run is None or run.state is State.WAITING:",
    ),
    Bug(
        "a chain goes on after a failure",
        "policy/chain.py",
        "return bool(self.blamed) and self.on_failed is OnFailed.STOP",
        "return False",
    ),
    # -- store ----------------------------------------------------------------------------------
    Bug(
        "ranges do not count",
        "store/sqlite.py",
        "UPDATE decision SET last = ?, count = count + ?",
        "UPDATE decision SET last = ?, count = max(count, ?)",
    ),
    Bug(
        "commits are not made",
        "store/sqlite.py",
        'self._connection.execute("COMMIT")',
        'self._connection.execute("ROLLBACK")',
    ),
    Bug(
        "attempts are counted from one again",
        "store/sqlite.py",
        "coalesce(max(attempt), 0) + 1",
        "coalesce(min(attempt), 0) + 1",
    ),
    # -- planner --------------------------------------------------------------------------------
    Bug(
        "lattices begin on a Tuesday",
        "recurrence/instants.py",
        "found = instant + self._step - (instant - self._anchor) % self._step",
        "found = instant + self._step - (instant - self._anchor - 86_401) % self._step",
    ),
    Bug(
        "a wall time that is passed twice runs at its second pass",
        "recurrence/track.py",
        "        if self._fold is Fold.FIRST:\n            low = max(low, segment.seen)\n"
        "        elif self._fold is Fold.SECOND:\n            high = min(high, segment.again)\n",
        "        if self._fold is not Fold.BOTH:\n            high = min(high, segment.again)\n",
    ),
    Bug(
        "a wall time that is passed twice runs twice",
        "recurrence/track.py",
        "        if self._fold is Fold.FIRST:\n            low = max(low, segment.seen)\n"
        "        elif self._fold is Fold.SECOND:\n",
        "        if self._fold is Fold.SECOND:\n",
    ),
    Bug(
        "a wall time that is skipped does not run",
        "recurrence/track.py",
        "if start == segment.start and self._has_moved(segment.seen, start + offset):",
        "if start != start and self._has_moved(segment.seen, start + offset):",
    ),
    Bug(
        "lattices are anchored in daylight saving time",
        "recurrence/zones.py",
        "return min(self.offset(instant), self.offset(instant + 182 * DAY))",
        "return max(self.offset(instant), self.offset(instant + 182 * DAY))",
    ),
    Bug(
        "previous is not before",
        "recurrence/instants.py",
        "found = instant - 1 - (instant - 1 - self._anchor) % self._step",
        "found = instant - (instant - self._anchor) % self._step",
    ),
)

"""Tells the checker what happened in a simulated world, in the checker's own words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from checker import history as checked
from checker.clock import Clock
from checker.instants import NEVER, instant_of, ticks
from linod.events import CancelRequested
from linod.policy import ALL, Hold, HoldKind
from linod.specs import Chain, OnFailed, Task
from linod.store.interface import DecisionRow, RunRow

from .configuration import Setting
from .keepers import Note
from .world import Chained, Down, World

_NOTHING = timedelta(0)
_VERDICTS = {HoldKind.PAUSE: "paused", HoldKind.DISABLE: "disabled"}


def history_of(world: World) -> checked.History:
    """Gather all that the checker wants to know."""
    store, diary = world.store, world.diary
    steps = tuple(checked.Step(at=at, by=by) for at, by in diary.steps)
    clock = Clock(steps)
    decisions = store.decisions(limit=10**9)
    return checked.History(
        begin=world.begin,
        until=world.until,
        tasks=_tasks(diary.settings),
        begun=(
            *(_begun(note) for note in world.keepers.notes.values()),
            *(_chained(each) for each in diary.chains.values()),
        ),
        outages=tuple(outage for down in diary.down for outage in _told_outages(down)),
        adopted=tuple(checked.Adopted(at=at) for down in diary.down for at in down.begun),
        steps=steps,
        holds=tuple(told_hold(clock, *each) for each in diary.holds),
        drains=tuple(
            # It does not decide once more between its drain and its death.
            checked.Drain(begin=begin, end=end + timedelta(milliseconds=1))
            for begin, end in diary.drains
        ),
        cancelled=_cancelled(world),
        deaths=tuple(diary.deaths),
        max_running=world.config.linod.max_running,
        decisions=tuple(told_decision(row) for row in decisions),
        runs=tuple(told_run(row) for row in store.runs(limit=10**9)),
        through={name: cursor.through for name, cursor in store.cursors().items()},
    )


def _told_outages(down: Down) -> Iterator[checked.Outage]:
    """Tell the instants apart at which commits were made of which nobody heard."""
    assert down.until is not None
    since = down.since
    for until in (*down.unsure, down.until):
        begun = [each for each in down.begun if since < each <= until]
        looked = begun[-1] if begun else None
        yield checked.Outage(begin=since, end=until, is_restart=bool(begun), looked=looked)
        if until in down.unsure:
            yield checked.Outage(begin=until, end=until, is_unsure=True)
        since = until


def _tasks(settings: list[tuple[datetime, Setting]]) -> tuple[checked.Task, ...]:
    versions: dict[str, list[checked.Version]] = {}
    for at, setting in settings:
        seen = dict(_versions(setting, at))
        for name in seen.keys() | versions.keys():
            version = seen.get(name, checked.Version(since=at, parts=None))
            former = versions.setdefault(name, [])
            if not former or not _is_alike(former[-1], version):
                former.append(version)
    return tuple(
        checked.Task(name=name, versions=tuple(each)) for name, each in sorted(versions.items())
    )


def _versions(setting: Setting, at: datetime) -> list[tuple[str, checked.Version]]:
    found = []
    for recipe in setting.recipes:
        policy = _policy(recipe.task, setting)
        found.append((recipe.task.name, recipe.parts, policy))
    for chain, parts in setting.chains:
        found.append((chain.name, parts, _chain_policy(chain, setting)))
    return [
        (name, checked.Version(since=at, parts=parts, policy=policy))
        for name, parts, policy in found
    ]


def _is_alike(one: checked.Version, other: checked.Version) -> bool:
    return (one.parts, one.policy) == (other.parts, other.policy)


def _policy(task: Task, setting: Setting) -> checked.Policy:
    cooldown = task.cooldown
    pool = setting.config.pools.get(task.pool or "")
    return checked.Policy(
        overlap=task.overlap.value,
        max_running=task.max_running,
        catch_up=task.catch_up.value,
        catch_up_window=task.catch_up_window,
        retry_attempts=task.retry.attempts,
        on_lost=task.on_lost.value,
        cooldown_success=(cooldown.success if cooldown else None) or _NOTHING,
        cooldown_failure=(cooldown.failure if cooldown else None) or _NOTHING,
        spread=task.spread or _NOTHING,
        jitter=task.jitter or _NOTHING,
        allowed=((task.allowed.first, task.allowed.last),) if task.allowed else (),
        zone=setting.config.zone_of(task),
        pool=task.pool,
        pool_size=pool.size if pool else None,
        enabled=task.enabled,
        after=task.after,
    )


def _chain_policy(chain: Chain, setting: Setting) -> checked.Policy:
    return checked.Policy(
        overlap=chain.overlap.value,
        catch_up=chain.catch_up.value,
        catch_up_window=chain.catch_up_window,
        zone=setting.config.zone_of(chain),
        steps=chain.tasks,
        goes_on=chain.on_failed is OnFailed.CONTINUE,
    )


def _begun(note: Note) -> checked.Begun:
    command = note.command
    return checked.Begun(
        task=command.task.name,
        due=command.due,
        attempt=command.attempt,
        started=note.begun,
        ended=None if note.is_killed else note.ended,
        run=command.run,
        trigger=command.trigger.value,
    )


def _chained(chained: Chained) -> checked.Begun:
    """A chain goes on from its first member's beginning to its last one's end."""
    row = chained.row
    return checked.Begun(
        task=row.task,
        due=row.due,
        attempt=row.attempt,
        started=chained.begun,
        ended=chained.ended,
        run=row.id,
        trigger=row.trigger.value,
    )


def told_hold(clock: Clock, hold: Hold, begin: datetime, gone: datetime | None) -> checked.Hold:
    """A pause that ends by itself does so when the clock shows its end."""
    ends = [] if gone is None else [ticks(gone)]
    if hold.until is not None:
        ends.append(clock.since(ticks(begin), ticks(hold.until)))
    end = min(ends, default=NEVER)
    return checked.Hold(
        task=None if hold.task == ALL else hold.task,
        verdict=_VERDICTS[hold.kind],
        begin=begin,
        end=None if end == NEVER else instant_of(end),
    )


def _cancelled(world: World) -> tuple[checked.Cancelled, ...]:
    found = []
    for lived, _written, request in world.diary.committed:
        if isinstance(request, CancelRequested):
            row = world.store.run(request.run) if request.run is not None else None
            task = request.task or (row.task if row is not None else None)
            if task is not None:
                found.append(checked.Cancelled(task=task, at=lived))
    return tuple(found)


def told_decision(row: DecisionRow) -> checked.DecisionRow:
    return checked.DecisionRow(
        task=row.task,
        due=row.due,
        last=row.last,
        count=row.count,
        verdict=row.verdict.value,
        reason=row.reason,
        by=row.by,
    )


def told_run(row: RunRow) -> checked.RunRow:
    return checked.RunRow(
        id=row.id,
        task=row.task,
        due=row.due,
        attempt=row.attempt,
        trigger=row.trigger.value,
        chain=row.parent,
        state=row.state.value,
        queued=row.queued,
        planned=row.planned,
        started=row.started,
        ended=row.ended,
        reason=row.reason,
        by=row.by,
    )

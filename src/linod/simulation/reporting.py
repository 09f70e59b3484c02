"""Makes the report of a simulation from what was counted while it was played."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from linod.events import Verdict
from linod.simulation.fates import Lengths, Spread
from linod.simulation.findings import with_findings
from linod.simulation.heat import heat_of, peaks_of
from linod.simulation.load import Load
from linod.simulation.playing import Simulation
from linod.simulation.report import PoolReport, Report, TaskReport, WaitReport
from linod.simulation.tally import TaskTally
from linod.store.interface import of_microseconds

PEAKS_MAX = 5
"""Minutes of the day that are shown."""


def report_of(simulation: Simulation) -> Report:
    """Report on a simulation as far as it was played."""
    scenario, tally = simulation.scenario, simulation.tally
    config = scenario.config
    tasks = tuple(
        _task_report(simulation, name, task_tally) for name, task_tally in tally.tasks.items()
    )
    load, span = tally.load, (scenario.begins, simulation.reached)
    return with_findings(
        Report(
            begins=scenario.begins,
            ends=scenario.ends,
            reached=simulation.reached,
            cut_by=simulation.cut_by,
            seed=scenario.fates.seed,
            zone=config.zone,
            tasks=tasks,
            pools=tuple(_pool_reports(simulation, tasks)),
            heat=heat_of(load, config.zone, *span),
            peaks=peaks_of(load, config.zone, PEAKS_MAX),
            most_at_once=load.peak,
            most_at_once_at=_peak_at(load),
            default=_length(scenario.fates.default),
        )
    )


def _length(lengths: Lengths) -> timedelta | None:
    return lengths.length if isinstance(lengths, Spread) else None


def _peak_at(load: Load) -> datetime | None:
    return of_microseconds(load.peak_us) if load.peak else None


def _task_report(simulation: Simulation, name: str, tally: TaskTally) -> TaskReport:
    scenario = simulation.scenario
    config, ended = scenario.config, tally.outcomes.total()
    not_run = {verdict: count for verdict, count in tally.verdicts.items() if not _ran(verdict)}
    behind = sorted(tally.behind_us)
    is_chain = name in config.chains
    return TaskReport(
        task=name,
        zone=config.zone_of(config.planned[name]),
        is_chain=is_chain,
        is_counted=tally.is_alone,
        origin=None if is_chain else scenario.fates.lengths_of(name).origin,
        occurrences=tally.occurrences,
        every=_every(tally),
        runs=tally.runs,
        retries=tally.retries,
        going=tally.going,
        at_once=tally.at_once,
        not_run=not_run,
        dropped=dict(tally.dropped),
        stopped=dict(tally.reasons),
        outcomes=dict(tally.outcomes),
        took_mean=timedelta(microseconds=tally.took_us // ended) if ended else None,
        took_longest=timedelta(microseconds=tally.longest_us) if ended else None,
        late_p95=_late(tally, 0.95),
        late_longest=_late(tally, 1.0),
        behind_median=timedelta(microseconds=behind[len(behind) // 2]) if behind else None,
        behind_longest=timedelta(microseconds=behind[-1]) if behind else None,
        waits=tuple(_waits(name, tally)),
        warnings={kind.value: count for kind, count in tally.warnings.items()},
    )


def _ran(verdict: Verdict) -> bool:
    return verdict is Verdict.ADMITTED


def _every(tally: TaskTally) -> timedelta | None:
    if tally.first_due is None or tally.last_due is None or tally.occurrences < 2:
        return None
    return (tally.last_due - tally.first_due) / (tally.occurrences - 1)


def _late(tally: TaskTally, part: float) -> timedelta:
    """The lateness that this part of the runs does not exceed; most are not late at all."""
    late = sorted(tally.late_us)
    at = -int(-part * tally.runs // 1) - 1 - (tally.runs - len(late))
    return timedelta(microseconds=late[at]) if at >= 0 else timedelta(0)


def _waits(name: str, tally: TaskTally) -> list[WaitReport]:
    found = [
        WaitReport(
            task=name,
            kind=kind,
            count=wait.count,
            longest=timedelta(microseconds=wait.longest_us),
            due=wait.longest_due,
        )
        for kind, wait in tally.waits.items()
    ]
    return sorted(found, key=lambda wait: wait.longest, reverse=True)


def _pool_reports(simulation: Simulation, tasks: tuple[TaskReport, ...]) -> Iterator[PoolReport]:
    span = simulation.reached - simulation.scenario.begins
    span_us = max(1, span // timedelta(microseconds=1))
    for name, load in simulation.tally.pools.items():
        waits = [wait for task in tasks for wait in task.waits if wait.kind == f'pool "{name}"']
        yield PoolReport(
            pool=name,
            size=load.size,
            full=load.full_us / span_us,
            used=load.busy_us / span_us,
            most=load.peak,
            waits=sum(wait.count for wait in waits),
            longest=max(waits, key=lambda wait: wait.longest, default=None),
        )

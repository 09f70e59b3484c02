"""What a person asks of the log: whose records, from when to when, which."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import inf
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from linod.cli import Told
from linod.cli._options import USAGE, known, now
from linod.cli._past import find_run, is_task, planned, zone_of
from linod.cli._plans import typed_instant
from linod.log.plan import LEVEL_NUMBERS
from linod.log.search import Wanted
from linod.specs import Chain
from linod.units import parse_duration

if TYPE_CHECKING:
    from linod.specs import Config
    from linod.store.interface import Reader, RunRow

_AROUND = timedelta(minutes=1)
"""A run's records are within its time, but the last may be written a moment later."""


@frozen(kw_only=True)
class Asked:
    """Whose records are asked for."""

    which: str | None = None
    """As it was typed; None: everything."""
    task: str | None = None
    """A task, or a chain, whose runs are meant."""
    run: RunRow | None = None
    number: int | None = None
    """Of a run that the store does not know."""
    wanted: Wanted

    @property
    def is_of_run(self) -> bool:
        """Tell whether one run is meant."""
        return self.run is not None or self.number is not None


def asked_of(config: Config, reader: Reader | None, which: str | None, filters: Wanted) -> Asked:
    """Find out whose records are meant; `filters` says which of them."""
    if which is None:
        return Asked(wanted=filters)
    if "@" not in which and is_task(config, reader, which):
        return Asked(which=which, task=which, wanted=evolve(filters, tasks=_tasks(config, which)))
    number = _number(which)
    if number is not None and (reader is None or reader.run(number) is None):
        wanted = evolve(filters, runs=frozenset((number,)))
        return Asked(which=which, number=number, wanted=wanted)
    if number is None and "@" not in which:
        known(which, {**config.tasks, **config.chains})
    return of_run(reader, which, find_run(config, reader, which), filters)


def of_run(reader: Reader | None, which: str, run: RunRow, filters: Wanted) -> Asked:
    """Ask for the records of a run; of a chain, those of the runs of its members.

    Its task is not asked for: it may have had another name then.
    """
    members = reader.children(run.id) if reader is not None and run.is_chain else []
    wanted = evolve(
        filters,
        runs=frozenset(member.id for member in members) or frozenset((run.id,)),
        since=max(filters.since, _since(run)),
        until=min(filters.until, _until(run)),
        is_over=run.is_ended and _until(run) <= filters.until,
    )
    return Asked(which=which, run=run, wanted=wanted)


def filters_of(
    config: Config,
    which: str | None,
    level: str | None,
    since: str | None,
    until: str | None,
    text: str | None,
) -> Wanted:
    """Read the options that say which records."""
    zone = zone_of(config, (which or "").partition("@")[0])
    return Wanted(
        level=0 if level is None else LEVEL_NUMBERS[level],
        since=-inf if since is None else _instant(since, zone, "--since").timestamp(),
        until=inf if until is None else _instant(until, zone, "--until", is_end=True).timestamp(),
        text=text or "",
    )


def _instant(text: str, zone: str, option: str, *, is_end: bool = False) -> datetime:
    """Read an instant, or how long ago it was."""
    try:
        return now() - parse_duration(text)
    except (ValueError, OverflowError):
        return typed_instant(text, zone, option, is_end=is_end)


def _number(text: str) -> int | None:
    # 18 digits: what a row number of the store holds.
    is_number = text.isascii() and text.isdecimal() and len(text) <= 18
    if text.isdecimal() and not is_number:
        raise Told(f"there is no run {text}", USAGE)
    return int(text) if is_number else None


def _tasks(config: Config, name: str) -> frozenset[str]:
    """Name the tasks whose runs are meant, also as they were called before."""
    found = planned(config, name)
    if found is None:
        return frozenset((name,))
    members = found.members if isinstance(found, Chain) else (name,)
    former = (each for member in members for each in _formerly(config, member))
    return frozenset((*members, *former))


def _formerly(config: Config, task: str) -> tuple[str, ...]:
    return config.tasks[task].formerly if task in config.tasks else ()


def _since(run: RunRow) -> float:
    begun = [at for at in (run.started, run.ended) if at is not None]
    return (min(begun) - _AROUND).timestamp() if begun else -inf


def _until(run: RunRow) -> float:
    if run.ended is None or run.started is None:
        return inf
    return (max(run.started, run.ended) + _AROUND).timestamp()

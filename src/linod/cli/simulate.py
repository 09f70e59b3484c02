"""`linod simulate`: what will happen, played in advance with the real engine."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

import click
from attrs import frozen

from linod.cli import Told, tell
from linod.cli._options import (
    USAGE,
    config_option,
    has_colour,
    json_option,
    known,
    load_config,
    now,
    screen_width,
    write,
    write_json,
)
from linod.cli._past import reading
from linod.cli._plans import typed_instant
from linod.cli._progress import progress
from linod.cli._simulated import lines_of
from linod.errors import ConfigurationError
from linod.simulation import (
    LIMIT,
    Cut,
    Fates,
    Lengths,
    Observed,
    Origin,
    Report,
    Scenario,
    Simulation,
    only_tasks,
    report_of,
)
from linod.simulation.reading import failing_of, lengths_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from linod.specs import Config

DAYS_MAX = 366
_RUNS_OBSERVED = 200
"""Of a task's last runs: more would say how it was long ago."""
_INTERRUPTED = 130
_IGNORED = signal.SIG_IGN

_Value = TypeVar("_Value")


@frozen(kw_only=True)
class _Wanted:
    """What the options say of runs, as typed."""

    seed: int
    durations: Sequence[str]
    default: str
    failures: Sequence[str]


@click.command("simulate")
@config_option
@click.option(
    "--days", type=click.IntRange(1, DAYS_MAX), default=30, show_default=True, help="How many."
)
@click.option("--from", "first", metavar="WHEN", help="The beginning. Default: today at 00:00.")
@click.option(
    "--task",
    "tasks",
    multiple=True,
    metavar="TASK",
    help="Only this one, with what it needs; may be given again.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Draw other lengths.")
@click.option(
    "--duration",
    "durations",
    multiple=True,
    metavar="TASK=LENGTH[±x%]",
    help='What its runs take: "report=12m±20%". Default: as its last runs did.',
)
@click.option(
    "--default-duration",
    "default",
    metavar="LENGTH",
    default="1s",
    show_default=True,
    help="What runs take of which nothing is known.",
)
@click.option(
    "--failures",
    multiple=True,
    metavar="TASK=PART",
    help='The part of its runs that fail: "report=5%".',
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=LIMIT,
    show_default=True,
    help="End after so many occurrences that the engine decides.",
)
@json_option
def command(
    config_path: str | None,
    days: int,
    first: str | None,
    tasks: tuple[str, ...],
    seed: int,
    durations: tuple[str, ...],
    default: str,
    failures: tuple[str, ...],
    limit: int,
    is_json: bool,
) -> None:
    """Play the coming days in advance: what runs, what is skipped, what waits for what.

    The engine of the daemon decides on a store of its own, under a clock that jumps; nothing is
    run, and the real store is only read, for how long former runs took. It begins with nothing
    going on, nothing paused, and no history. Ctrl-C prints what there is so far.

    --json prints an object: begins, ends, reached, cut_by, seed, timezone, occurrences, runs,
    default_duration_s, tasks, pools, most_at_once, minutes, load, findings (the most important
    first).
    """
    config = load_config(config_path)
    if tasks:
        names = config.planned
        config = only_tasks(config, [known(name, names) for name in tasks])
    wanted = _Wanted(seed=seed, durations=durations, default=default, failures=failures)
    fates = _fates(config, wanted)
    begins, ends = _span(config, first, days)
    scenario = Scenario(config=config, begins=begins, ends=ends, fates=fates, limit=limit)
    report = _played(scenario)
    if is_json:
        write_json(report.to_json())
    else:
        width = screen_width(sys.stdout)
        write(lines_of(report, width, has_colour=has_colour(sys.stdout)))
    if report.cut_by is Cut.PERSON:
        raise click.exceptions.Exit(_INTERRUPTED)


def _span(config: Config, first: str | None, days: int) -> tuple[datetime, datetime]:
    """So many days of the wall clock, one of which may have 23 hours."""
    place = ZoneInfo(config.zone)
    today = f"{now().astimezone(place):%Y-%m-%d}"
    begins = typed_instant(first or today, config.zone, "--from")
    try:
        last = begins.astimezone(place).replace(tzinfo=None) + timedelta(days=days)
        return begins, typed_instant(last.isoformat(), config.zone, "--from")
    except OverflowError:
        raise Told(f"--from {first} leaves no room for {days} days", USAGE) from None


def _played(scenario: Scenario) -> Report:
    """Play it, with a bar where someone watches; Ctrl-C ends it where it is."""
    span = scenario.ends - scenario.begins
    # A signal must not leave the store behind, in memory or on the disk.
    with _hearing({signal.SIGTERM: _leave, signal.SIGHUP: _leave}):
        simulation = Simulation(scenario)
        try:
            with _stopping(simulation.stop), progress("simulating") as tell_part:
                for reached in simulation.play():
                    tell_part((reached - scenario.begins) / span)
            return report_of(simulation)
        finally:
            simulation.close()


def _leave(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


@contextmanager
def _stopping(stop: Callable[[], None]) -> Iterator[None]:
    """Stop at the first Ctrl-C; the second one is as anywhere else."""

    def hear(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stop()

    with _hearing({signal.SIGINT: hear}):
        yield


@contextmanager
def _hearing(handlers: dict[signal.Signals, Callable[[int, Any], None]]) -> Iterator[None]:
    # What is ignored stays so: nohup, and what a shell runs in the background.
    heard = {each: hear for each, hear in handlers.items() if signal.getsignal(each) != _IGNORED}
    former = {number: signal.signal(number, hear) for number, hear in heard.items()}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


# -- how long runs take -------------------------------------------------------------------------


def _fates(config: Config, wanted: _Wanted) -> Fates:
    given = {
        name: _read(lengths_of, text, f"--duration {name}")
        for name, text in _pairs(config, "--duration", wanted.durations)
    }
    failures = {
        name: _read(failing_of, text, f"--failures {name}")
        for name, text in _pairs(config, "--failures", wanted.failures)
    }
    default = _read(_default_of, wanted.default, "--default-duration")
    return Fates(
        seed=wanted.seed,
        lengths={**_observed(config), **given},
        default=default,
        failures=failures,
    )


def _default_of(text: str) -> Lengths:
    return lengths_of(text, Origin.DEFAULT)


def _pairs(config: Config, option: str, texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise Told(f'{option} "{text}": expected TASK=…', USAGE)
        if name in config.chains:
            raise Told(f"{option} {name}: it is a chain; its tasks take the time", USAGE)
        yield known(name, config.tasks), value


def _read(read: Callable[[str], _Value], text: str, option: str) -> _Value:
    try:
        return read(text)
    except ValueError as error:
        raise Told(f'{option} "{text}": {error}', USAGE) from None


def _observed(config: Config) -> dict[str, Lengths]:
    """The lengths of former runs; a store that cannot be read is told, and does no harm."""
    try:
        with reading(config) as reader:
            if reader is None:
                return {}
            found = {name: reader.lengths(name, _RUNS_OBSERVED) for name in config.tasks}
    except ConfigurationError as error:
        tell(f"{error}; what former runs took is not known")
        return {}
    return {name: Observed.of(lengths) for name, lengths in found.items() if lengths}

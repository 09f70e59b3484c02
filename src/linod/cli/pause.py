"""`linod pause`: hold tasks back, with an end or until they are resumed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from linod.cli import Told
from linod.cli._holds import refuse_none_or_both, tell_changed
from linod.cli._options import USAGE, config_option, json_option, now
from linod.cli._past import client_of, configuration, zone_of
from linod.cli._plans import typed_instant
from linod.units import parse_duration, parse_time_of_day
from linod.views import instant

if TYPE_CHECKING:
    from linod.specs import Config


@click.command("pause")
@click.argument("tasks", nargs=-1, metavar="[TASK]...")
@config_option
@click.option("--all", "is_all", is_flag=True, help="Pause linod as a whole.")
@click.option("--for", "length", metavar="DURATION", help='So long: "2 hours", "30 min", "3 days".')
@click.option("--until", metavar="WHEN", help="Until then; what is due at that instant runs.")
@click.option("--reason", default="", metavar="TEXT", help="Why, for those who wonder.")
@json_option
def command(
    tasks: tuple[str, ...],
    config_path: str | None,
    is_all: bool,
    length: str | None,
    until: str | None,
    reason: str,
    is_json: bool,
) -> None:
    """Pause tasks and chains: what is due meanwhile is recorded as paused and does not run.

    What waits is cancelled, and what runs goes on. "linod run" runs a paused task all the same.
    A pause outlives the daemon; without --for or --until it lasts until "linod resume".

    WHEN is a date (its midnight), a time of day ("18:00", the next one), a local time
    ("2026-11-20 03:30"), all read in the task's zone, or a time with an offset.

    --json prints an object: tasks, all, until, reason, going_on (numbers of runs), note.
    """
    refuse_none_or_both(tasks, is_all, "--all")
    config = configuration(config_path, tasks[0] if tasks else None)
    ends = _end(config, tasks, length, until)
    answer = client_of(config).request(
        "pause",
        tasks=list(tasks),
        all=is_all,
        until=ends.isoformat() if ends else None,
        reason=reason,
    )
    shown = "" if ends is None else f" until {instant(ends, _zone(config, tasks))}"
    named = "linod as a whole" if is_all else ", ".join(answer["tasks"])
    tell_changed(
        answer,
        f"paused {named}{shown}",
        is_json=is_json,
        all=is_all,
        until=ends,
        reason=reason,
    )


def _end(
    config: Config, tasks: Sequence[str], length: str | None, until: str | None
) -> datetime | None:
    if length is not None and until is not None:
        raise Told("--for and --until both say when it ends: take one", USAGE)
    if length is not None:
        try:
            return (now() + parse_duration(length)).replace(microsecond=0)
        except ValueError as error:
            raise Told(f'--for "{length}": {error}', USAGE) from None
    return None if until is None else _typed(until, _zone(config, tasks))


def _typed(text: str, zone: str) -> datetime:
    try:
        reading = parse_time_of_day(text)
    except ValueError:
        return typed_instant(text, zone, "--until")
    return _next_reading(reading, zone)


def _next_reading(reading: time, zone: str) -> datetime:
    """Find when the wall clock shows a time of day next."""
    today = now().astimezone(ZoneInfo(zone)).date()
    texts = (f"{today + timedelta(days=days)} {reading}" for days in range(2))
    found = (typed_instant(text, zone, "--until") for text in texts)
    return next(each for each in found if each > now())


def _zone(config: Config, tasks: Sequence[str]) -> str:
    """The zone that the named tasks share; where they do not, that of [linod]."""
    zones = {zone_of(config, task) for task in tasks}
    return zones.pop() if len(zones) == 1 else config.zone

"""`linod status`: how each task does, with and without a daemon."""

from __future__ import annotations

import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click
from attrs import frozen

from linod.cli import Told
from linod.cli._options import (
    USAGE,
    config_option,
    has_colour,
    json_option,
    load_usable_config,
    now,
    screen_width,
    write,
    write_json,
)
from linod.cli._past import daemon_status, reading
from linod.cli._plans import planner_of
from linod.events import Outcome, State
from linod.recurrence import in_words
from linod.views import (
    BAD,
    NAME_COLUMNS,
    ago,
    ahead,
    clean,
    coarse,
    count_of,
    cut,
    duration,
    near,
    strip,
    table,
    with_notes,
    wrap,
)

if TYPE_CHECKING:
    from linod.specs import Config
    from linod.store.interface import RunRow, TaskSummary

_ORDER = (
    *("ok", "warned", "running", "waiting", "failing", "cancelled"),
    *("unfinished", "never ran", "switched off"),
)
_LEGEND = "· succeeded  ! warned  ✗ failed  T timed out  ? lost  - cancelled  ▸ running"


@frozen(kw_only=True)
class _Standing:
    """One task: what it is, how it did, when it is due."""

    task: str
    state: str
    zone: str
    recurrence: str
    is_enabled: bool
    next: datetime | None
    current: RunRow | None
    last: RunRow | None
    outcomes: tuple[Outcome, ...]


@click.command("status", epilog=f"LAST 10: {_LEGEND}")
@click.argument("task", nargs=-1, metavar="")
@config_option
@click.option("--watch", "is_watching", is_flag=True, help="Redraw each second until Ctrl-C.")
@json_option
def command(
    task: tuple[str, ...], config_path: str | None, is_watching: bool, is_json: bool
) -> None:
    """Show how each task does; works with and without a daemon.

    --json prints an object: version, time, daemon (null where none answers), counts by state, and
    tasks, each with task, state, next, last, running (a run or null: run, due, attempt, state,
    started, ended, took_s, reason), outcomes (of the last ten, oldest first), recurrence,
    timezone, enabled.
    """
    if task:
        raise Told(f'"linod status" shows all tasks: "linod history {task[0]}" shows one', USAGE)
    if is_watching and (is_json or not sys.stdout.isatty()):
        raise Told("--watch redraws a terminal: leave it out for a file, a pipe or --json", USAGE)
    config = load_usable_config(config_path, is_importing=None)
    if is_watching:
        _watch(config)
        return
    daemon, standings, at = _look(config)
    if is_json:
        write_json(_json(daemon, standings, at))
    else:
        write(_lines(daemon, standings, at))


def _watch(config: Config) -> None:
    sys.stdout.write("\033[?1049h\033[?25l")
    try:
        while True:
            lines = fitting(_lines(*_look(config)), shutil.get_terminal_size().lines - 1)
            write(["\033[H" + "\n".join(f"{line}\033[K" for line in lines) + "\033[J"])
            time.sleep(1)
    except KeyboardInterrupt:
        return
    finally:
        sys.stdout.write("\033[?25h\033[?1049l")
        sys.stdout.flush()


def fitting(lines: list[str], height: int) -> list[str]:
    """Cut what a terminal has no lines for, and say how much that is."""
    if len(lines) <= height:
        return lines
    return [*lines[: height - 1], f"… {len(lines) - height + 1} more lines"]


# -- looking ------------------------------------------------------------------------------------


def _look(config: Config) -> tuple[dict[str, Any] | None, list[_Standing], datetime]:
    at = now()
    daemon = daemon_status(config)
    names = [*config.tasks] if daemon is None else [each["task"] for each in daemon["tasks"]]
    with reading(config) as reader:
        past = reader.summaries(names) if reader is not None else {}
    if daemon is None:
        return None, [*_by_configuration(config, past, at)], at
    return daemon, [*_by_daemon(config, daemon, past)], at


def _by_configuration(
    config: Config, past: dict[str, TaskSummary], at: datetime
) -> Iterator[_Standing]:
    for task in config.tasks.values():
        is_enabled = task.enabled and config.linod.enabled
        yield _standing(
            past.get(task.name),
            is_served=False,
            task=task.name,
            zone=config.zone_of(task),
            recurrence=in_words(task.recurrence),
            is_enabled=is_enabled,
            next=planner_of(config, task).next(at) if is_enabled else None,
        )


def _by_daemon(
    config: Config, daemon: dict[str, Any], past: dict[str, TaskSummary]
) -> Iterator[_Standing]:
    """What is served may differ from what the file says by now; the daemon knows."""
    for served in daemon["tasks"]:
        task = config.tasks.get(served["task"])
        following = served.get("next")
        yield _standing(
            past.get(served["task"]),
            is_served=True,
            task=served["task"],
            zone=served["zone"],
            recurrence=in_words(task.recurrence) if task else "",
            is_enabled=bool(served["is_enabled"]) and bool(daemon.get("is_enabled", True)),
            next=datetime.fromisoformat(following) if following else None,
        )


def _standing(
    summary: TaskSummary | None, *, is_served: bool, is_enabled: bool, **fields: Any
) -> _Standing:
    current = summary.current if summary else None
    outcomes = summary.outcomes if summary else ()
    state = _going(current, is_served) if current else _settled(outcomes, is_enabled)
    return _Standing(
        state=state,
        current=current,
        last=summary.last if summary else None,
        outcomes=tuple(outcomes),
        is_enabled=is_enabled,
        **fields,
    )


def _going(current: RunRow, is_served: bool) -> str:
    if current.state == State.WAITING:
        return "waiting"
    # Runs end with their daemon: the next one will record what became of it.
    return "running" if is_served else "unfinished"


def _settled(outcomes: tuple[Outcome, ...], is_enabled: bool) -> str:
    if not is_enabled:
        return "switched off"
    # A cancelled run counts for neither side.
    telling = [outcome for outcome in outcomes if outcome is not Outcome.CANCELLED]
    if not telling:
        return "cancelled" if outcomes else "never ran"
    if telling[-1] in BAD:
        return "failing"
    return "warned" if telling[-1] is Outcome.WARNED else "ok"


# -- telling ------------------------------------------------------------------------------------


def _lines(daemon: dict[str, Any] | None, standings: list[_Standing], at: datetime) -> list[str]:
    width = screen_width(sys.stdout)
    lines = wrap(clean(_header(daemon, standings, at)), width, "  ")
    if daemon is not None and daemon.get("trouble"):
        lines += wrap(clean(f"trouble: {daemon['trouble']}"), width, "  ")
    if not standings:
        return lines
    headings = ("TASK", "STATE", "LAST", "TOOK", "NEXT", "LAST 10")
    head, *rows = table(headings, [_row(standing, at) for standing in standings], width)
    noted = with_notes(rows, [_reason(each, width - 4) for each in standings], "    ", width)
    return [*lines, head, *_painted(noted, head.index("STATE"), standings)]


_COLOURS = {"ok": "32", "warned": "33", "running": "36", "failing": "1;31", "unfinished": "33"}


def _painted(lines: list[str], column: int, standings: list[_Standing]) -> list[str]:
    """Colour the states on a terminal; names are ASCII, so that columns are characters."""
    if not has_colour(sys.stdout):
        return lines
    states = iter(standings)
    # A line that begins with a blank is the note of the row above.
    return [line if line[0] == " " else _paint(line, column, next(states).state) for line in lines]


def _paint(row: str, column: int, state: str) -> str:
    if state not in _COLOURS:
        return row
    end = column + len(state)
    return f"{row[:column]}\033[{_COLOURS[state]}m{row[column:end]}\033[0m{row[end:]}"


def _header(daemon: dict[str, Any] | None, standings: list[_Standing], at: datetime) -> str:
    from linod import __version__

    if daemon is None:
        who = f"linod {__version__}  no daemon (linod serve starts one)"
    else:
        since = datetime.fromisoformat(daemon["since"])
        up = duration(max(1.0, (at - since).total_seconds()))
        stopping = "  stopping" if daemon.get("is_stopping") else ""
        who = f"linod {daemon['version']}  up {up}  pid {daemon['pid']}{stopping}"
    counts = Counter(standing.state for standing in standings)
    each = ", ".join(f"{counts[state]:,} {state}" for state in _ORDER if counts[state])
    tasks = count_of(len(standings), "task")
    return f"{who}  {tasks}: {each}" if each else f"{who}  {tasks}"


def _row(standing: _Standing, at: datetime) -> tuple[str, ...]:
    last, took = _last_and_took(standing, at)
    marks = strip([*standing.outcomes, *([standing.current.state] if standing.current else [])])
    return (
        cut(standing.task, NAME_COLUMNS),
        standing.state,
        last,
        took,
        _next(standing, at),
        marks[-10:],
    )


def _last_and_took(standing: _Standing, at: datetime) -> tuple[str, str]:
    current, last = standing.current, standing.last
    if current is not None and current.started is not None:
        lasting = (at - current.started).total_seconds()
        return f"since {near(current.started, at, standing.zone)}", coarse(lasting)
    if last is None:
        return "-", "-"
    took = duration(last.took.total_seconds()) if last.took is not None else "-"
    return ago(last.ended or last.queued, at), took


def _next(standing: _Standing, at: datetime) -> str:
    if standing.next is None:
        return "-"
    return ahead(standing.next, at)


def _reason(standing: _Standing, room: int) -> str:
    last = standing.last
    if standing.state not in ("failing", "warned") or last is None:
        return ""
    if last.outcome is Outcome.CANCELLED:
        return f"(linod history {standing.task}@last-failed)"
    how = "timed out " if last.outcome is Outcome.TIMED_OUT else ""
    pointer = f"  (linod history {last.id})"
    return cut(clean(how + last.reason), min(_REASON_COLUMNS, room - len(pointer))) + pointer


_REASON_COLUMNS = 48
"""Of a reason: enough for the kind of an exception and what it is about."""


# -- JSON ---------------------------------------------------------------------------------------


def _json(
    daemon: dict[str, Any] | None, standings: list[_Standing], at: datetime
) -> dict[str, Any]:
    from linod import __version__

    about = None
    if daemon is not None:
        about = {key: value for key, value in daemon.items() if key not in ("ok", "tasks")}
    return {
        "version": __version__,
        "time": at,
        "daemon": about,
        "counts": Counter(standing.state for standing in standings),
        "tasks": [_task_json(standing) for standing in standings],
    }


def _task_json(standing: _Standing) -> dict[str, Any]:
    return {
        "task": standing.task,
        "state": standing.state,
        "next": standing.next,
        "last": _run_json(standing.last),
        "running": _run_json(standing.current),
        "outcomes": list(standing.outcomes),
        "recurrence": standing.recurrence,
        "timezone": standing.zone,
        "enabled": standing.is_enabled,
    }


def _run_json(run: RunRow | None) -> dict[str, Any] | None:
    if run is None:
        return None
    return {
        "run": run.id,
        "due": run.due,
        "attempt": run.attempt,
        "state": run.state,
        "started": run.started,
        "ended": run.ended,
        "took_s": run.took.total_seconds() if run.took is not None else None,
        "reason": run.reason,
    }

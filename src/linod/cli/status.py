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

from linod.cli import Told
from linod.cli._notes import note_of, who
from linod.cli._options import (
    USAGE,
    config_option,
    has_colour,
    json_option,
    load_usable_config,
    screen_width,
    write,
    write_json,
)
from linod.cli._standing import Look, Standing, look
from linod.policy import Hold
from linod.views import (
    NAME_COLUMNS,
    ago,
    ahead,
    clean,
    clock_ahead,
    coarse,
    count_of,
    cut,
    duration,
    near,
    strip,
    table,
    tasks_of,
    with_notes,
    wrap,
)

if TYPE_CHECKING:
    from linod.specs import Config
    from linod.store.interface import RunRow

_ORDER = (
    *("ok", "warned", "running", "waiting", "failing", "disabled", "paused", "cancelled"),
    *("unfinished", "never ran", "switched off"),
)
_LEGEND = "· succeeded  ! warned  ✗ failed  T timed out  ? lost  - cancelled  ▸ running  … waiting"


@click.command("status", epilog=f"LAST 10: {_LEGEND}")
@click.argument("task", nargs=-1, metavar="")
@config_option
@click.option("--watch", "is_watching", is_flag=True, help="Redraw each second until Ctrl-C.")
@json_option
def command(
    task: tuple[str, ...], config_path: str | None, is_watching: bool, is_json: bool
) -> None:
    """Show how each task and chain does; works with and without a daemon.

    Below a line stands who paused or disabled it and why, what it waits for and since when, how
    far a run is, at which step a chain is, why it fails, and what was warned of within a day.

    --json prints an object: version, time, daemon (null where none answers), counts by state,
    waiting (how many runs), paused (linod as a whole: by, since, until, reason; or null), ahead
    (after a clock that stepped back: tasks and until; or null), and tasks, each with task,
    is_chain, state, next, last, running (a run or null: run, due, attempt, state, started, ended,
    took_s, used, reason, held, held_since, planned), progress (of that run: done and total; or
    null), waiting (how many runs), step, paused, disabled, failures (in a row), warnings (of a
    day), outcomes (of the last ten, oldest first), recurrence, timezone, enabled.
    """
    if task:
        raise Told(f'"linod status" shows all tasks: "linod history {task[0]}" shows one', USAGE)
    if is_watching and (is_json or not sys.stdout.isatty()):
        raise Told("--watch redraws a terminal: leave it out for a file, a pipe or --json", USAGE)
    config = load_usable_config(config_path, is_importing=None)
    if is_watching:
        _watch(config)
        return
    seen = look(config)
    if is_json:
        write_json(_json(seen))
    else:
        write(_lines(seen))


def _watch(config: Config) -> None:
    sys.stdout.write("\033[?1049h\033[?25l")
    try:
        while True:
            lines = fitting(_lines(look(config)), shutil.get_terminal_size().lines - 1)
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


# -- telling ------------------------------------------------------------------------------------


def _lines(seen: Look) -> list[str]:
    width, standings = screen_width(sys.stdout), seen.standings
    lines = wrap(clean(_header(seen)), width, "  ")
    for text in _troubles(seen):
        lines += wrap(clean(text), width, "  ")
    if not standings:
        return lines
    headings = ("TASK", "STATE", "LAST", "TOOK", "NEXT", "LAST 10")
    head, *rows = table(headings, [_row(standing, seen.at) for standing in standings], width)
    notes = [note_of(standing, seen.at, width - 4) for standing in standings]
    noted = with_notes(rows, notes, "    ", width)
    return [*lines, head, *_painted(noted, head.index("STATE"), standings)]


_COLOURS = {
    "ok": "32",
    "warned": "33",
    "running": "36",
    "waiting": "36",
    "failing": "1;31",
    "disabled": "31",
    "paused": "33",
    "unfinished": "33",
}


def _painted(lines: list[str], column: int, standings: list[Standing]) -> list[str]:
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


def _header(seen: Look) -> str:
    from linod import __version__

    daemon, standings = seen.daemon, seen.standings
    if daemon is None:
        about = f"linod {__version__}  no daemon (linod serve starts one)"
    else:
        since = datetime.fromisoformat(daemon["since"])
        up = duration(max(1.0, (seen.at - since).total_seconds()))
        stopping = "  stopping" if daemon.get("is_stopping") else ""
        about = f"linod {daemon['version']}  up {up}  pid {daemon['pid']}{stopping}"
    counts = Counter(standing.state for standing in standings)
    each = ", ".join(f"{counts[state]:,} {state}" for state in _ORDER if counts[state])
    chains = sum(standing.is_chain for standing in standings)
    tasks = tasks_of(len(standings) - chains, chains)
    # Several runs of a task may wait, also while one of it runs.
    waits = f"; {count_of(seen.waiting, 'run')} waiting" if seen.waiting > counts["waiting"] else ""
    return f"{about}  {tasks}: {each}{waits}" if each else f"{about}  {tasks}"


def _troubles(seen: Look) -> Iterator[str]:
    """What holds up linod as a whole."""
    if seen.daemon is not None and seen.daemon.get("trouble"):
        yield f"trouble: {seen.daemon['trouble']}"
    if seen.paused is not None:
        yield f"all tasks are paused {who(seen.paused, seen.at, seen.zone)}  (linod resume --all)"
    if seen.ahead:
        yield clock_ahead(len(seen.ahead), max(seen.ahead.values()), seen.zone)


def _row(standing: Standing, at: datetime) -> tuple[str, ...]:
    last, took = _last_and_took(standing, at)
    marks = strip([*standing.outcomes, *([standing.current.state] if standing.current else [])])
    return (
        cut(standing.task, NAME_COLUMNS),
        standing.state,
        last,
        took,
        "-" if standing.next is None else ahead(standing.next, at),
        marks[-10:],
    )


def _last_and_took(standing: Standing, at: datetime) -> tuple[str, str]:
    current, last = standing.current, standing.last
    if current is not None and current.started is not None:
        lasting = (at - current.started).total_seconds()
        return f"since {near(current.started, at, standing.zone)}", coarse(lasting)
    if last is None:
        return "-", "-"
    took = duration(last.took.total_seconds()) if last.took is not None else "-"
    return ago(last.ended or last.queued, at), took


# -- JSON ---------------------------------------------------------------------------------------


def _json(seen: Look) -> dict[str, Any]:
    from linod import __version__

    about, latest = None, max(seen.ahead.values(), default=None)
    if seen.daemon is not None:
        about = {key: value for key, value in seen.daemon.items() if key not in ("ok", "tasks")}
    return {
        "version": __version__,
        "time": seen.at,
        "daemon": about,
        "counts": Counter(standing.state for standing in seen.standings),
        "waiting": seen.waiting,
        "paused": _hold_json(seen.paused),
        "ahead": {"tasks": len(seen.ahead), "until": latest} if seen.ahead else None,
        "tasks": [_task_json(standing) for standing in seen.standings],
    }


def _task_json(standing: Standing) -> dict[str, Any]:
    return {
        "task": standing.task,
        "is_chain": standing.is_chain,
        "state": standing.state,
        "next": standing.next,
        "last": _run_json(standing.last),
        "running": _run_json(standing.current),
        "progress": _progress_json(standing),
        "waiting": standing.waiting,
        "step": standing.step,
        "paused": _hold_json(standing.paused),
        "disabled": _hold_json(standing.disabled),
        "failures": standing.failures,
        "warnings": len(standing.warnings),
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
        "used": run.used,
        "reason": run.reason,
        "held": run.held,
        "held_since": run.held_since,
        "planned": run.planned,
    }


def _progress_json(standing: Standing) -> dict[str, Any] | None:
    if standing.progress is None:
        return None
    done, total = standing.progress
    return {"done": done, "total": total}


def _hold_json(hold: Hold | None) -> dict[str, Any] | None:
    if hold is None:
        return None
    return {"by": hold.by, "since": hold.since, "until": hold.until, "reason": hold.reason}

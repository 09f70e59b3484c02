"""Values in, words out: durations, instants, tables and the sentences of the terminal.

Rules of this border:
- Pure: the present is an argument, nothing is printed, nothing knows whether a terminal is there.
- Whatever text comes from outside (names, reasons, output) goes through `clean` before it leaves.
- No line that leaves is wider than WIDTH_MAX columns.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from linod.events import (
    Outcome,
    State,
    TellChanged,
    TellDecided,
    TellEnded,
    TellStarted,
    Verdict,
)
from linod.specs import LogLevel

WIDTH_MAX = 100
"""Columns: what fits beside a second window and into a mail; the promise of every command."""

NAME_COLUMNS = 32
"""Of a task's name where other columns stand beside it; it may have 100 characters."""

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


# -- durations ----------------------------------------------------------------------------------


def size(number: float) -> str:
    """Write a number of bytes with two digits at least: "940 B", "4.1 MB", "46 MB"."""
    units = ["B", "kB", "MB", "GB", "TB"]
    while number >= 1000 and len(units) > 1:
        number /= 1000
        del units[0]
    unit = units[0]
    return f"{number:.1f} {unit}" if number < 10 and unit != "B" else f"{number:.0f} {unit}"


def duration(seconds: float) -> str:
    """Say how long in at most two units, cut and never rounded up: "3 m 12 s"."""
    if seconds < 0:
        return "-" + duration(-seconds)
    if seconds < 1:
        return f"{int(seconds * 1000)} ms"
    if seconds < 10:
        return f"{int(seconds * 10) / 10:g} s"
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return _pair(whole, _MINUTE, "m", 1, "s")
    if whole < _DAY:
        return _pair(whole, _HOUR, "h", _MINUTE, "m")
    if whole < 10 * _DAY:
        return _pair(whole, _DAY, "d", _HOUR, "h")
    return f"{whole // _DAY} d"


def _pair(whole: int, large: int, large_unit: str, small: int, small_unit: str) -> str:
    count, rest = divmod(whole, large)
    text = f"{count} {large_unit}"
    return f"{text} {rest // small} {small_unit}" if rest >= small else text


def coarse(seconds: float) -> str:
    """Say how long in one unit: "14 m"."""
    whole = int(abs(seconds))
    for size, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m")):
        if whole >= size:
            return f"{whole // size} {unit}"
    return f"{whole} s"


def ago(then: datetime, now: datetime) -> str:
    """Say how long it is since: "14 m ago"."""
    return f"{coarse(max(0.0, (now - then).total_seconds()))} ago"


def ahead(then: datetime, now: datetime) -> str:
    """Say how long it is until: "in 3 m", or "now" when it is due."""
    seconds = (then - now).total_seconds()
    return "now" if seconds < 1 else f"in {coarse(seconds)}"


def progress(done: float, total: float | None = None) -> str:
    """Say how far something is: "40 %", or "1,200 done" where nobody knows of how much."""
    if total is None:
        return f"{done:,.1f}".removesuffix(".0") + " done"
    return "100 %" if done >= total else f"{min(99, int(100 * done / total))} %"


# -- instants -----------------------------------------------------------------------------------


def utc(when: datetime) -> str:
    """Write an instant for machines: "2026-11-21T05:10:00Z"."""
    return when.astimezone(_UTC).isoformat().replace("+00:00", "Z")


_UTC = ZoneInfo("UTC")


def local(when: datetime, zone: str) -> datetime:
    """Read an instant in a zone; in UTC on the first and last day that there are."""
    try:
        return when.astimezone(ZoneInfo(zone))
    except OverflowError:
        return when.astimezone(_UTC)


def instant(when: datetime, zone: str) -> str:
    """Write an instant for people: "Sat 2026-11-21 07:10 EET"; seconds only where there are."""
    there = local(when, zone)
    return f"{_DAYS[there.weekday()]} {there:%Y-%m-%d} {clock(when, zone)} {there.tzname()}"


def clock(when: datetime, zone: str) -> str:
    """Write the time of day: "07:10", "07:10:05"."""
    return _time_of_day(local(when, zone))


def _time_of_day(there: datetime) -> str:
    return f"{there:%H:%M:%S}" if there.second else f"{there:%H:%M}"


def near(when: datetime, now: datetime, zone: str) -> str:
    """Write an instant as short as it is clear: "07:15", "Sun 03:30", "2027-03-28 04:00"."""
    there, today = local(when, zone), local(now, zone).date()
    if there.date() == today:
        return _time_of_day(there)
    if timedelta(0) < there.date() - today < timedelta(days=7):
        return f"{_DAYS[there.weekday()]} {_time_of_day(there)}"
    return f"{there:%Y-%m-%d} {_time_of_day(there)}"


def localized(text: str, zone: str) -> str:
    """Write the UTC instants of a sentence for people in a zone."""
    return _INSTANT.sub(lambda found: _localized(found[0], zone), text)


_INSTANT = re.compile(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:]{8}(\.[0-9]{6})?\+00:00", re.ASCII)


def _localized(text: str, zone: str) -> str:
    try:
        return instant(datetime.fromisoformat(text), zone)
    except ValueError:
        return text  # a person wrote it, who may write what is no instant


# -- text from outside --------------------------------------------------------------------------


def clean(text: str) -> str:
    """Make foreign text one harmless line: what could move the cursor is written as an escape."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(sign if _is_harmless(sign) else _escape(sign) for sign in text)


def without_traceback(lines: str) -> str:
    """Leave out tracebacks, which the log has within one line; history shows them readably."""
    return re.sub(r"\\nTraceback \(most recent call last\):.*", "", lines)


def _is_harmless(sign: str) -> bool:
    # Cc control, Cf format (bidi, zero width), Cs surrogate, Zl and Zp line ends.
    return unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Zl", "Zp")


_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": " "}


def _escape(sign: str) -> str:
    return _ESCAPES.get(sign) or sign.encode("unicode_escape").decode("ascii")


def columns(text: str) -> int:
    """Count the columns that a clean text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(map(_sign_columns, text))


def _sign_columns(sign: str) -> int:
    if unicodedata.combining(sign) or unicodedata.category(sign) == "Me":
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def cut(text: str, width: int) -> str:
    """Shorten a clean text to so many columns, with "…" where something is left out."""
    if columns(text) <= width:
        return text
    taken, used = [], 0
    for sign in text:
        used += _sign_columns(sign)
        if used > width - 1:
            break
        taken.append(sign)
    return "".join(taken) + "…" if width > 0 else ""


# -- tables -------------------------------------------------------------------------------------


def table(
    headings: Sequence[str], rows: Iterable[Sequence[str]], width: int = WIDTH_MAX
) -> list[str]:
    """Lay out aligned lines; where they are too wide the widest columns give way first."""
    cells = [list(headings), *([clean(cell) for cell in row] for row in rows)]
    wanted = [max(columns(row[at]) for row in cells) for at in range(len(headings))]
    widths = _fit(wanted, width - 2 * (len(headings) - 1))
    return [_line(row, widths) for row in cells]


def _fit(wanted: Sequence[int], budget: int) -> list[int]:
    """Cap the widest columns at the one level at which all fit."""
    level = max(wanted, default=0)
    while level > 1 and sum(min(width, level) for width in wanted) > budget:
        level -= 1
    spare = max(0, budget - sum(min(width, level) for width in wanted))
    widths = []
    for width in wanted:
        more = min(spare, max(0, width - level))
        widths.append(min(width, level) + more)
        spare -= more
    return widths


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    padded = (_pad(cut(cell, width), width) for cell, width in zip(row, widths, strict=True))
    return "  ".join(padded).rstrip()


def _pad(text: str, width: int) -> str:
    return text + " " * (width - columns(text))


def with_notes(
    lines: Sequence[str], notes: Sequence[str], indent: str, width: int = WIDTH_MAX
) -> list[str]:
    """Put a note behind each line, aligned where that fits, and below it where nothing does."""
    notes = [clean(note) for note in notes]
    edge = max((columns(line) for line, note in zip(lines, notes, strict=True) if note), default=0)
    return [
        piece
        for line, note in zip(lines, notes, strict=True)
        for piece in _aside(line, note, edge, indent, width)
    ]


def _aside(line: str, note: str, edge: int, indent: str, width: int) -> list[str]:
    if not note:
        return [line]
    for start in (edge, columns(line)):
        if start + 2 + columns(note) <= width:
            return [f"{_pad(line, start)}  {note}"]
    return [line, *wrap(indent + note, width, indent)]


def wrap(text: str, width: int = WIDTH_MAX, indent: str = "") -> list[str]:
    """Break one long clean line at blanks; further lines begin with `indent`."""
    line, *words = text.split(" ")
    lines = []
    for word in words:
        candidate = f"{line} {word}"
        if line.strip() and columns(candidate) > width:
            lines.append(line)
            candidate = indent + word
        line = candidate
    return [cut(each, width) for each in (*lines, line)]


def count_of(number: int, noun: str) -> str:
    """Count a regular noun: "1 error", "2 errors"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def tasks_of(tasks: int, chains: int) -> str:
    """Count tasks, and chains where there are any: "14 tasks and 1 chain"."""
    counted = count_of(tasks, "task")
    return f"{counted} and {count_of(chains, 'chain')}" if chains else counted


# -- outcomes -----------------------------------------------------------------------------------

SYMBOLS: dict[str, str] = {
    Outcome.SUCCEEDED: "·",
    Outcome.WARNED: "!",
    Outcome.FAILED: "✗",
    Outcome.TIMED_OUT: "T",
    Outcome.CANCELLED: "-",
    Outcome.LOST: "?",
    State.WAITING: "…",
    State.STARTING: "▸",
    State.RUNNING: "▸",
}
"""One sign per state of a run, told apart by shape and not by colour."""

PAST: dict[str, str] = {
    Outcome.SUCCEEDED: "succeeded",
    Outcome.WARNED: "ended with a warning",
    Outcome.FAILED: "failed",
    Outcome.TIMED_OUT: "timed out",
    Outcome.CANCELLED: "was cancelled",
    Outcome.LOST: "was lost",
}

BAD = frozenset({Outcome.FAILED, Outcome.TIMED_OUT, Outcome.LOST})
"""Outcomes that count as failures."""


def present(held: str) -> str:
    """Say what a run waits for now; what it was held by is kept as history tells it."""
    return held.replace(" was ", " is ").replace(" were ", " are ")


def strip(states: Sequence[str]) -> str:
    """Draw states of runs, oldest first: "·········✗"."""
    return "".join(SYMBOLS.get(state, "?") for state in states)


# -- sentences of the terminal and of linod's own log -------------------------------------------


def ended(told: TellEnded, now: datetime) -> tuple[LogLevel, str]:
    """Say how a run ended: "send_mail succeeded in 1.2 s, 2 ms late, next 07:15"."""
    how, reason = _how_ended(told), _reason(told)
    late_s, rest = told.late_s or 0.0, _following(told, now)
    late = f", {duration(late_s)} late" if late_s >= 0.001 else ""
    # Where it is tried again, nobody has to look yet.
    is_to_see = told.outcome in BAD and told.again is None
    tail = f"  (linod history {told.run})" if is_to_see else ""
    # What a full line does without: less than a second first, then what is next.
    over = _over(how, reason, late, rest, tail)
    if over > 0 and (late_s < 1 or told.again is not None):
        late, over = "", over - columns(late)
    if over > 0 and told.again is None:
        rest = ""
    elif over > 0:
        reason = cut(reason, max(_REASON_COLUMNS_MIN, columns(reason) - over))
    return _LEVELS[told.outcome], how + reason + late + rest + tail


def _over(*parts: str) -> int:
    """How many columns parts of a sentence take beyond those that it has."""
    return sum(map(columns, parts)) - _SENTENCE_COLUMNS


def _following(told: TellEnded, now: datetime) -> str:
    if told.again is not None:
        seconds = told.again.total_seconds()
        return f", again in {duration(seconds)}" if seconds else ", again at once"
    return f", next {near(told.next_due, now, told.zone)}" if told.next_due else ""


_SENTENCE_COLUMNS = WIDTH_MAX - len("07:10:01 WARNING ")


_LEVELS: dict[Outcome, LogLevel] = {
    Outcome.SUCCEEDED: LogLevel.INFO,
    Outcome.WARNED: LogLevel.WARNING,
    Outcome.FAILED: LogLevel.ERROR,
    Outcome.TIMED_OUT: LogLevel.ERROR,
    Outcome.CANCELLED: LogLevel.INFO,
    Outcome.LOST: LogLevel.ERROR,
}
_REASON_COLUMNS = 60
"""Of a reason on the terminal: the whole one is in the history."""
_REASON_COLUMNS_MIN = 20
"""Enough for the kind of an exception, whatever else is on the line."""


def _how_ended(told: TellEnded) -> str:
    preposition = "in" if told.outcome in (Outcome.SUCCEEDED, Outcome.WARNED) else "after"
    took = "" if told.took_s is None else f" {preposition} {duration(told.took_s)}"
    return f"{cut(told.task, NAME_COLUMNS)} {PAST[told.outcome]}{took}{_attempt(told)}"


def _reason(told: TellEnded) -> str:
    if told.outcome in (Outcome.SUCCEEDED, Outcome.TIMED_OUT) or not told.reason:
        return ""
    # "was cancelled: cancelled by ann" would say it twice.
    return ": " + cut(clean(told.reason.removeprefix("cancelled ")), _REASON_COLUMNS)


def _attempt(told: TellEnded) -> str:
    if told.attempts_max is not None:
        return f" (attempt {told.attempt} of {told.attempts_max})"
    return f" (attempt {told.attempt})" if told.attempt > 1 else ""


def started(told: TellStarted) -> tuple[LogLevel, str]:
    """Say that a run began, for those who ask for DEBUG."""
    late = f", {duration(told.late_s)} late" if told.late_s >= 0.001 else ""
    return LogLevel.DEBUG, f"{cut(told.task, NAME_COLUMNS)} started (run {told.run}){late}"


def decided(told: TellDecided, now: datetime) -> tuple[LogLevel, str]:
    """Say what became of occurrences that got no run."""
    because = f": {cut(clean(told.reason), _REASON_COLUMNS)}" if told.reason else ""
    task, first = cut(told.task, NAME_COLUMNS), near(told.first, now, told.zone)
    if told.count == 1:
        what = f"{task} did not run at {first}"
    else:
        last = near(told.last, now, told.zone)
        what = f"{task} did not run {told.count:,} times from {first} to {last}"
    level = LogLevel.INFO if told.verdict in _EXPECTED else LogLevel.WARNING
    return level, f"{what} ({told.verdict}){because}"


_EXPECTED = frozenset({Verdict.SWITCHED_OFF, Verdict.PAUSED, Verdict.DISABLED, Verdict.SUPERSEDED})


def changed(told: TellChanged, zone: str) -> tuple[LogLevel, str]:
    """Say what people should know of a task, or of linod as a whole."""
    return told.level, f"{cut(told.task, NAME_COLUMNS)} {clean(localized(told.text, zone))}"


def clock_ahead(tasks: int, until: datetime, zone: str) -> str:
    """Say that tasks do not run before the clock has caught up with what is decided."""
    are, do = ("is", "does") if tasks == 1 else ("are", "do")
    when = instant(until.replace(microsecond=0), zone)
    return (
        f"the clock stepped back: {count_of(tasks, 'task')} {are} decided until {when} and "
        f"{do} not run before  (linod clock accept)"
    )


def terminal_line(at: datetime, zone: str, level: LogLevel, text: str) -> str:
    """Lay out one line of `linod serve`: "07:10:01 INFO    send_mail succeeded in 1.2 s"."""
    local = at.astimezone(ZoneInfo(zone))
    line = clean(f"{local:%H:%M:%S} {level:<7} {text}")
    # Half a number would lead to another run: what is said gives way to where to look.
    pointer = found[0] if (found := _POINTER.search(line)) else ""
    return cut(line.removesuffix(pointer), WIDTH_MAX - len(pointer)) + pointer


_POINTER = re.compile(r"  \((linod [a-z]+|run) [A-Za-z0-9_-]+\)$", re.ASCII)

"""What is said of a settlement: in order, as the level lets it, and never without a bound."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from linod.daemon.teller import LINES_MAX, Teller
from linod.events import Outcome, TellChanged, TellEnded, TellStarted
from linod.log import LogPlan
from linod.specs import Config, Linod, LogLevel

T = datetime(2026, 11, 21, 7, 0, 0, tzinfo=UTC)
CONFIG = Config(path=Path("/etc/linod.toml"), linod=Linod())
EFFECTS = (
    TellStarted(run=1, task="mail", due=T, late_s=0.0),
    TellEnded(
        run=1,
        task="mail",
        due=T,
        attempt=1,
        outcome=Outcome.SUCCEEDED,
        reason="",
        took_s=None,
        late_s=None,
        next_due=None,
        zone="UTC",
    ),
    TellChanged(level=LogLevel.INFO, task="mail", text="is not paused any more"),
)


def taker(lines: list[str]) -> Callable[[str], None]:
    return lambda text: lines.extend(text.splitlines())


def said(level: str) -> list[str]:
    lines: list[str] = []
    teller = Teller(LogPlan.of(CONFIG, {"LINOD_LOG_LEVEL": level}), taker(lines))
    teller.tell(EFFECTS, T)
    teller.close()
    return [line.removeprefix("07:00:00 ") for line in lines]


def test_what_became_of_runs_is_said_in_order() -> None:
    assert said("INFO") == [
        "INFO    mail succeeded",
        "INFO    mail is not paused any more",
    ]


def test_what_is_said_at_once_is_written_at_once() -> None:
    written: list[str] = []
    teller = Teller(LogPlan.of(CONFIG, {}), written.append)
    teller.tell(EFFECTS, T)
    teller.close()

    assert [len(text.splitlines()) for text in written] == [2]


def test_a_sign_that_the_terminal_does_not_know_takes_nothing_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(terminal, encoding="latin-1"))
    teller = Teller(LogPlan.of(CONFIG, {}))
    teller.tell(
        [TellChanged(level=LogLevel.INFO, task="mail", text=text) for text in ("ä", "€", "end")], T
    )
    teller.close()

    said = terminal.getvalue().decode("latin-1").splitlines()
    assert [line.split()[-1] for line in said] == ["ä", "\\u20ac", "end"]


def test_starts_are_said_where_somebody_asks_for_them() -> None:
    assert said("DEBUG")[0] == "DEBUG   mail started (run 1)"


def test_what_nobody_asks_for_is_not_said() -> None:
    assert said("WARNING") == []


def test_lines_that_nobody_takes_are_dropped_at_a_bound() -> None:
    lines: list[str] = []
    may_write = threading.Event()

    def write(text: str) -> None:
        assert may_write.wait(10)
        lines.extend(text.splitlines())

    teller = Teller(LogPlan.of(CONFIG, {}), write)
    teller.tell(EFFECTS[1:2] * (LINES_MAX + 50), T)
    teller.say(LogLevel.ERROR, "one too many")
    may_write.set()
    teller.close()

    assert len(lines) == LINES_MAX
    assert not any("one too many" in line for line in lines)

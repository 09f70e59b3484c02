"""Tasks of all kinds, as linod.toml says them and as the checker does, and what they noted."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from attrs import frozen

from checker import history as checked
from checker.instants import instant_of
from checker.oracle import Every

from . import working

SHARES = (0.0, 0.0, 0.0, 0.02, 0.1, 0.3, 1.2)
"""How long a run takes, as a part of the period: so many tasks overlap with themselves."""


@frozen(kw_only=True)
class Mixed:
    """One task."""

    name: str
    period_s: int
    work_s: float
    failing: int
    """Of ten runs."""
    is_shell: bool
    is_reused: bool
    """A procedure in a process that lives on."""
    policy: checked.Policy

    def toml(self) -> str:
        """Write it as linod.toml says it."""
        policy = self.policy
        return f"""
[tasks.{self.name}]
{self._what()}
recurrence = "{self._phrase()}"
overlap = "{policy.overlap}"
catch_up = "{policy.catch_up}"
catch_up_window = "{policy.catch_up_window.seconds} seconds"
on_lost = "{policy.on_lost}"
retry = {{ attempts = {policy.retry_attempts}, delay = "1 second" }}
"""

    def told(self, since: datetime) -> checked.Task:
        """Say it in the words of the checker."""
        parts = (Every(seconds=self.period_s),)
        version = checked.Version(since=since, parts=parts, policy=self.policy)
        return checked.Task(name=self.name, versions=(version,))

    def _phrase(self) -> str:
        return "every second" if self.period_s == 1 else f"every {self.period_s} seconds"

    def _what(self) -> str:
        if self.is_shell:
            return f'shell = "sh working.sh {self.work_s:.3f} {self.failing}"'
        arguments = f"{{ seconds = {self.work_s:.3f}, failing = {self.failing} }}"
        process = "reused" if self.is_reused else "fresh"
        return f'procedure = "working.work"\nprocess = "{process}"\narguments = {arguments}'


def mixture(count: int, random: Random, periods_s: Sequence[int] = range(1, 11)) -> list[Mixed]:
    """Mix so many tasks."""
    return [_mixed(f"t{number:03}", random, random.choice(periods_s)) for number in range(count)]


def place(folder: Path) -> None:
    """Put beside linod.toml what the tasks call."""
    shutil.copy(working.__file__, folder / "working.py")
    (folder / "working.sh").write_text(working.SHELL)


def _mixed(name: str, random: Random, period_s: int) -> Mixed:
    failing = random.choice([0, 0, 2])
    policy = checked.Policy(
        overlap=random.choice(["skip", "skip", "wait"]),
        catch_up=random.choice(["one", "none", "all"]),
        catch_up_window=timedelta(seconds=random.choice([period_s, 10, 60])),
        on_lost=random.choice(["fail", "retry"]),
        retry_attempts=random.randint(2, 3) if failing else 1,
    )
    return Mixed(
        name=name,
        period_s=period_s,
        work_s=period_s * random.choice(SHARES),
        failing=failing,
        is_shell=random.random() < 0.3,
        is_reused=random.random() < 0.3,
        policy=policy,
    )


def noted(folder: Path) -> tuple[checked.Begun, ...]:
    """Read what the tasks noted; who has no end was killed."""
    path = folder / "notes"
    lines = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
    ends = {line[4]: instant_of(int(line[5])) for line in lines if line[0] == "ended"}
    return tuple(_begun(line, ends.get(line[4])) for line in lines if line[0] == "begun")


def _begun(line: Sequence[str], ended: datetime | None) -> checked.Begun:
    _, task, due, attempt, run, at = line
    return checked.Begun(
        task=task,
        due=datetime.fromisoformat(due),
        attempt=int(attempt),
        started=instant_of(int(at)),
        ended=ended,
        run=int(run),
    )


def toml_of(mixed: Iterable[Mixed]) -> str:
    """Write them as tables below `[linod]`."""
    return 'import_path = ["."]\n' + "".join(each.toml() for each in mixed)

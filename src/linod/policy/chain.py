"""How a chain goes on: after each step, to the next one, or to its end.

A chain's run carries its steps with it: it ends on the definition with which it started.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from linod.events import ONLY_IF, Outcome
from linod.specs import Chain, OnFailed

Steps = tuple[tuple[str, ...], ...]


@frozen(kw_only=True)
class Member:
    """How one task of a step ended: its last attempt, or why it got none."""

    task: str
    outcome: Outcome | None = None
    """None: it was not admitted."""
    reason: str = ""
    is_begun: bool = False
    """It had a process; else its run was dropped while it waited."""

    @property
    def is_satisfied(self) -> bool:
        """Tell whether what comes after it may start; only_if says that there was nothing to do."""
        if self.outcome is Outcome.CANCELLED:
            return self.reason == ONLY_IF
        return self.outcome in (Outcome.SUCCEEDED, Outcome.WARNED)

    @property
    def is_failed(self) -> bool:
        """Tell whether it failed for good."""
        return self.outcome in (Outcome.FAILED, Outcome.TIMED_OUT, Outcome.LOST)

    @property
    def sentence(self) -> str:
        """Say why it is not satisfied: "extract failed"."""
        if self.is_failed:
            return f"{self.task} {_FAILED[self.outcome]}"
        if self.reason.startswith("cancelled by"):
            return f"{self.task} was {self.reason}"
        how = "was cancelled" if self.is_begun else "did not run"
        return f"{self.task} {how}: {self.reason}"


@frozen(kw_only=True)
class Progress:
    """How far the run of a chain has come; kept in the detail of its row."""

    steps: Steps
    on_failed: OnFailed = OnFailed.STOP
    at: int = -1
    """Index of the step that goes on; -1: none yet."""
    blamed: str = ""
    """The first member that was not satisfied."""
    why: str = ""
    worst: Outcome = Outcome.SUCCEEDED
    stopped: str = ""
    """Why nothing of it starts any more, where somebody ended it."""

    @classmethod
    def of(cls, chain: Chain) -> Progress:
        """Begin a chain as it is configured now."""
        return cls(steps=chain.tasks, on_failed=chain.on_failed)

    @classmethod
    def read(cls, detail: Mapping[str, Any]) -> Progress:
        """Read it from the detail of a row."""
        kept = detail["chain"]
        return cls(
            steps=tuple(tuple(step) for step in kept["steps"]),
            on_failed=OnFailed(kept["on_failed"]),
            at=kept["at"],
            blamed=kept["blamed"],
            why=kept["why"],
            worst=Outcome(kept["worst"]),
            stopped=kept["stopped"],
        )

    def to_detail(self) -> dict[str, Any]:
        """Write it for the detail of a row."""
        kept = {
            "steps": [list(step) for step in self.steps],
            "on_failed": self.on_failed.value,
            "at": self.at,
            "blamed": self.blamed,
            "why": self.why,
            "worst": self.worst.value,
            "stopped": self.stopped,
        }
        return {"chain": kept}

    def renamed(self, old: str, new: str) -> Progress:
        """Follow a member to its new name: a run ends on the steps it started with."""
        steps = (tuple(new if name == old else name for name in step) for step in self.steps)
        return evolve(self, steps=tuple(steps))

    @property
    def following(self) -> Steps:
        """The steps after the one that goes on."""
        return self.steps[self.at + 1 :]

    @property
    def is_over(self) -> bool:
        """Tell whether no further step starts."""
        return not self.following or bool(self.stopped) or self.is_broken

    @property
    def is_broken(self) -> bool:
        """Tell whether a member was not satisfied, and the chain does not go on for that."""
        return bool(self.blamed) and self.on_failed is OnFailed.STOP


def step_of(detail: Mapping[str, Any]) -> str | None:
    """Say how far the run of a chain is by its detail: "step 2 of 3: transform"."""
    if "chain" not in detail:
        return None
    progress = Progress.read(detail)
    if progress.at < 0:
        return None
    names = ", ".join(progress.steps[progress.at])
    return f"step {progress.at + 1} of {len(progress.steps)}: {names}"


_RANK = (
    Outcome.SUCCEEDED,
    Outcome.WARNED,
    Outcome.CANCELLED,
    Outcome.FAILED,
)


def after_step(progress: Progress, members: Sequence[Member]) -> Progress:
    """Take in how the members of a step ended."""
    for member in members:
        progress = _after_member(progress, member)
    return progress


def _after_member(progress: Progress, member: Member) -> Progress:
    if member.is_failed:
        outcome, why = Outcome.FAILED, member.sentence
    elif not member.is_satisfied:
        outcome, why = Outcome.CANCELLED, member.sentence
    else:
        outcome = member.outcome or Outcome.SUCCEEDED
        outcome, why = (Outcome.SUCCEEDED if outcome is Outcome.CANCELLED else outcome), ""
    worst = max(progress.worst, outcome, key=_RANK.index)
    if not why or (progress.blamed and worst is progress.worst):
        return evolve(progress, worst=worst)
    return evolve(progress, worst=worst, blamed=member.task, why=why)


_FAILED: Mapping[Outcome | None, str] = {
    Outcome.FAILED: "failed",
    Outcome.TIMED_OUT: "timed out",
    Outcome.LOST: "was lost",
}


def chain_outcome(progress: Progress) -> tuple[Outcome, str]:
    """Say how the whole ended, and why."""
    if progress.stopped:
        return Outcome.CANCELLED, progress.stopped
    return progress.worst, progress.why


def remaining_steps(steps: Steps, done: Collection[str]) -> Steps:
    """Give the steps without the members that are done: from the failed ones on."""
    left = (tuple(name for name in step if name not in done) for step in steps)
    return tuple(step for step in left if step)

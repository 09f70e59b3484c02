"""What verdicts, triggers, states and outcomes mean, and how a run goes from state to state.

The page on decisions is made of these tables. A test lets the engine play and holds every change
of state that it writes against TRANSITIONS.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from linod.events import Outcome, State, Trigger, Verdict


@frozen
class Meaning:
    """What a word says, and what a person can do about it; both are Markdown."""

    says: str
    then: str = ""


VERDICTS: Mapping[Verdict, Meaning] = {
    Verdict.ADMITTED: Meaning(
        "It gets a run, which waits until its turn has come.",
        "Nothing. `linod history TASK` shows its runs.",
    ),
    Verdict.OVERLAP: Meaning(
        "An earlier one was going on: running, waiting, or waiting for a retry.",
        'A `timeout`, a longer recurrence, or another `overlap`: "wait", "allow" or "replace".',
    ),
    Verdict.MISSED: Meaning(
        "linod did not decide it in time: it was down, the machine slept, or the clock was set. "
        "`catch_up` brought back none, or another one.",
        '`catch_up = "all"`, a longer `catch_up_window`, or `linod backfill TASK`.',
    ),
    Verdict.SUPERSEDED: Meaning(
        "Its recurrence was changed, or the task removed, before anything decided it.",
        "Nothing: an edit runs nothing from before. `linod run TASK` runs it once.",
    ),
    Verdict.SWITCHED_OFF: Meaning(
        "`enabled = false` in the task, or in `[linod]`, or `LINOD_ENABLED=0`.",
        "`enabled = true` and `linod reload`.",
    ),
    Verdict.PAUSED: Meaning(
        "A person paused the task, or all of linod.",
        "Wait for the end of the pause, or `linod resume TASK`.",
    ),
    Verdict.DISABLED: Meaning(
        "A person disabled the task, or so many failures in a row as `disable_after` says did.",
        "Mend what failed, then `linod enable TASK`.",
    ),
    Verdict.OUTSIDE_ALLOWED: Meaning(
        "`allowed` was closed, and opens only after the next one is due.",
        "A wider `allowed`, or a recurrence inside it.",
    ),
    Verdict.COOLDOWN: Meaning(
        "It was due in the rest after the end of the run before.",
        "A shorter `cooldown`. `linod run TASK` does not wait for it.",
    ),
    Verdict.UPSTREAM_FAILED: Meaning(
        "It belongs to a chain that ended before its turn came.",
        "Mend what failed, then run the rest of the chain; "
        '`on_failed = "continue"` goes on in spite of it.',
    ),
}
"""Each verdict: when an occurrence gets it, and what a person can do."""

TRIGGERS: Mapping[Trigger, str] = {
    Trigger.SCHEDULE: "It is due by its recurrence; also where it was missed and is caught up.",
    Trigger.EVENT: "`at start`, `at boot` or `continuously`.",
    Trigger.AFTER: "The tasks that it names in `after` have all succeeded anew.",
    Trigger.CHAIN: "Its turn has come in a chain.",
    Trigger.MANUAL: "A person asked for it: `linod run`.",
    Trigger.BACKFILL: "A person asked for the occurrences of a time that is past.",
}
"""Why a run exists."""

STATES: Mapping[State, str] = {
    State.WAITING: "It is on record and waits: for its planned start, an earlier run, the tasks "
    "of `after`, the window of `allowed`, a place in its pool, or the delay of a retry.",
    State.STARTING: "It is on record that it is started, and a worker is being made for it.",
    State.RUNNING: "Its worker has begun. A chain is running from its first member to its last.",
}
"""The states of a run without an end."""

OUTCOMES: Mapping[Outcome, Meaning] = {
    Outcome.SUCCEEDED: Meaning(
        "The procedure returned, or the command ended with a status listed as succeeded.",
        "What waits for it goes on.",
    ),
    Outcome.WARNED: Meaning(
        "The procedure raised a `Warning`, or the status is listed as warned.",
        "As succeeded; it is no failure.",
    ),
    Outcome.FAILED: Meaning(
        "It raised anything else, ended with another status, or its process died. "
        "A chain: a member failed for good.",
        "`retry`, else it failed for good.",
    ),
    Outcome.TIMED_OUT: Meaning(
        "It ran longer than `timeout` and was ended with all its processes.",
        "`retry`, else it failed for good.",
    ),
    Outcome.CANCELLED: Meaning(
        "A person or a stop of linod ended it, `only_if` said no, a newer one replaced it, or it "
        "was dropped while it waited.",
        "It counts for neither side, and does not satisfy `after`.",
    ),
    Outcome.LOST: Meaning(
        "Nobody saw its end: the machine or linod went down.",
        "`on_lost`; one that is proven never to have begun is started again at once.",
    ),
}
"""How a run ended, and what follows."""


@frozen
class Transition:
    """One change of the state of a run, and what brings it about."""

    before: State | None
    after: State | Outcome
    by: str
    is_of_chain: bool = False
    """Only the run of a chain goes this way: it has no process of its own."""


_ENDS: Mapping[Outcome, str] = {
    Outcome.SUCCEEDED: "its keeper or its run file says so",
    Outcome.WARNED: "its keeper or its run file says so",
    Outcome.FAILED: "its keeper or its run file says so, or no worker could be made for it",
    Outcome.TIMED_OUT: "its `timeout` is over",
    Outcome.CANCELLED: "a person, a stop of linod, a newer run or `only_if` ends it",
    Outcome.LOST: "nobody saw its end, or it is proven never to have begun",
}

TRANSITIONS: tuple[Transition, ...] = (
    Transition(None, State.WAITING, "admitted"),
    Transition(State.WAITING, State.STARTING, "its turn has come"),
    Transition(State.WAITING, State.RUNNING, "its turn has come", is_of_chain=True),
    Transition(State.WAITING, Outcome.CANCELLED, "it is dropped, with the reason"),
    Transition(State.STARTING, State.RUNNING, "its worker began"),
    # A daemon that went down hears of the end, and not of the beginning.
    *(Transition(State.STARTING, outcome, by) for outcome, by in _ENDS.items()),
    *(Transition(State.RUNNING, outcome, by) for outcome, by in _ENDS.items()),
)
"""All ways there are; from an outcome there is none, the first one stays."""

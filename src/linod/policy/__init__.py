"""What is decided, and why: values in, verdict out.

Rules of this border:
- Total functions over frozen values: no store, no clock, no memory of former calls.
- A reason is the sentence that history, status and why print; it names what a person can look up.
"""

from linod.policy.arguments import arguments_text
from linod.policy.chain import (
    Member,
    Progress,
    after_step,
    chain_outcome,
    remaining_steps,
    step_of,
)
from linod.policy.clock import AHEAD_MAX, is_ahead
from linod.policy.cooldown import cooldown_after
from linod.policy.filling import BACKFILL_MAX, is_to_fill
from linod.policy.missed import (
    CAUGHT_UP_MAX,
    LATE_MAX,
    Choice,
    Undecided,
    is_too_old,
    to_run,
    why_missed,
)
from linod.policy.overlap import (
    CAUGHT_UP_EVERY,
    Admission,
    Going,
    admission,
    startable,
    to_stop,
    why_behind,
)
from linod.policy.planning import planned_start
from linod.policy.reasons import (
    NEVER_STARTED,
    OUTSIDE,
    REMOVED,
    SWITCHED_OFF,
    SWITCHED_OFF_TASK,
    TOO_OLD,
    YIELDED,
)
from linod.policy.refusing import ALL, Hold, HoldKind, Refusal, in_force, refusal
from linod.policy.retrying import LOST_MAX, next_attempt
from linod.policy.warning import WARNED_FOR, WarningKind, running_limit, slow_limit
from linod.policy.window import is_open, opening

__all__ = [
    "AHEAD_MAX",
    "ALL",
    "BACKFILL_MAX",
    "CAUGHT_UP_EVERY",
    "CAUGHT_UP_MAX",
    "LATE_MAX",
    "LOST_MAX",
    "NEVER_STARTED",
    "OUTSIDE",
    "REMOVED",
    "SWITCHED_OFF",
    "SWITCHED_OFF_TASK",
    "TOO_OLD",
    "WARNED_FOR",
    "YIELDED",
    "Admission",
    "Choice",
    "Going",
    "Hold",
    "HoldKind",
    "Member",
    "Progress",
    "Refusal",
    "Undecided",
    "WarningKind",
    "admission",
    "after_step",
    "arguments_text",
    "chain_outcome",
    "cooldown_after",
    "in_force",
    "is_ahead",
    "is_open",
    "is_to_fill",
    "is_too_old",
    "next_attempt",
    "opening",
    "planned_start",
    "refusal",
    "remaining_steps",
    "running_limit",
    "slow_limit",
    "startable",
    "step_of",
    "to_run",
    "to_stop",
    "why_behind",
    "why_missed",
]

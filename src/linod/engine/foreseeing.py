"""Which instant can be decided a moment before it has come.

Rules of this border:
- What is decided ahead is committed a few milliseconds before its instant at most, not if the clock
  was set before that, and starts at the instant. So nothing else that may happen until then, the
  end of a run for example, may make another decision of it: only tasks are foreseen that depend on
  nobody, and of which nothing goes on.
"""

from __future__ import annotations

from datetime import datetime

from linod.engine.agenda import Plan
from linod.engine.situation import Situation

# More take longer to look at than is gained.
_DUE_MAX = 2000


def is_foreseen(situation: Situation, instant: datetime) -> bool:
    """Tell whether nothing can change what will be decided of the tasks that are due then."""
    if situation.is_closed or situation.dirty:
        return False
    plans = situation.agenda.due_by(instant, _DUE_MAX)
    if len(plans) >= _DUE_MAX or not _have_room(situation, len(plans)):
        return False
    return all(_is_alone(situation, plan) for plan in plans)


def _is_alone(situation: Situation, plan: Plan) -> bool:
    is_free = plan.chain is None and not plan.task.after and plan.task.pool is None
    return is_free and not situation.roster.going_on(plan.name)


def _have_room(situation: Situation, count: int) -> bool:
    """Tell whether all of them can start; where nothing goes on, nothing can end meanwhile either.

    Then some of them wait for others of them, as they would if it was decided at the instant.
    """
    assert situation.config is not None, "adopt() comes first"
    is_idle = not situation.roster.all()
    return is_idle or situation.roster.begun + count <= situation.config.linod.max_running

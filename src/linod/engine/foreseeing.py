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
    if len(plans) >= _DUE_MAX or not (_is_idle(situation) or _have_room(situation, len(plans))):
        return False
    return all(_is_alone(situation, plan) for plan in plans)


def _is_alone(situation: Situation, plan: Plan) -> bool:
    is_free = plan.chain is None and not plan.task.after and plan.task.pool is None
    return is_free and not situation.roster.going_on(plan.name)


def _have_room(situation: Situation, count: int) -> bool:
    """Tell whether all of them can start, so that none has to wait for the end of another run."""
    assert situation.config is not None, "adopt() comes first"
    return situation.roster.begun + count <= situation.config.linod.max_running


def _is_idle(situation: Situation) -> bool:
    """Tell whether nothing can end until then: who has to wait, waits for others of them."""
    return not situation.roster.all()

"""The checker: what a history of decisions and runs must look like, independent of linod.

It imports nothing from linod. It is given schedules and policies, what the tasks themselves noted
down, what happened to the decider, and the rows of the store; it reports what does not fit.
`check(history)` gives the findings, `report(history)` the counts besides.

**Time**

1. An instant is *lived* (steady) or *written* (what the deciding clock showed). A step of the
   clock lies between: `shown = lived + all steps so far`. Dues and rows are written, outages and
   what tasks noted down are lived; each field of `history` says which.
2. An *outage* is a time in which the decider could not decide: it could at both ends, and not
   between. Where commits were made of which nobody heard, it is unsure: it may have decided.
   A daemon that began in an outage, and was gone before it decided anything, ended schedules then.
   A harness with a virtual clock gives one outage from each settle to the next, and
   `late_max` 0; one with real processes gives what it did to them, and its tolerance.
3. A due has its *moment* when it can first be decided: the decider is able to, and the clock shows
   the due or later. So a jump forward is an outage of the clock, and what the clock shows a second
   time was decided before; unless a person accepted a clock that had stepped back: what lies
   beyond it is decided once, then or before, and how is not judged. What it showed only while the
   decider was unable has not come yet.
4. From its moment on a due must be decided before `late_max` has passed, of which outages do not
   count. What history leaves open within that tolerance is judged in favour of the decider.

**Which dues there are**

5. Lattices go through their anchor, by default Monday 2001-01-01 00:00 in the task's zone turned
   into UTC with its standard offset. Wall times happen at the end of a gap and at the first pass
   of a fold; equal instants collapse. Cron with a `*` in minute or hour reads the clock at every
   minute of UTC.
6. A schedule has the dues behind its adoption, up to and with the adoption of another, or the
   removal of its task: never anything from before, nor what has not come by then. What another
   schedule has too, when the clock shows it again, was decided under the first that it came for.
   An edit of policies moves nothing.
7. What comes from persons, events, `after` and chains is no occurrence: such a due is known from
   `asked`, or believed by the trigger of its run row. It is never missed nor caught up. What runs
   continuously goes on: between its runs lies a rest of a second, or of the longest cooldown.

**Each due is decided once** (undecided, doubled, phantom)

8. Every occurrence is covered by one row if the store says it is decided through there, if one
   behind it is decided, or if its deadline has passed.
9. No occurrence is covered twice. A row begins and ends at occurrences, counts all between, and
   only what is not admitted is ranged. There is no row where nothing was due.

**Each verdict is right** (missed, phantom, unjustified)

10. `paused`, `disabled`, `switched off` need such a hold on the due, or on the settle that comes
    late to it; what lies inside a hold gets its verdict. `superseded` needs a daemon that began
    with another schedule before the due could be decided, and then nothing else is right.
11. All else is settled in groups. A settle decides everything undecided: what lies in one outage
    is one group, what is apart by more than the tolerance is not. A group of one, at most 60 s
    old, is chosen to run. Of any other group `catch_up` chooses: none; the newest, if it is inside
    `catch_up_window`; all inside it, the newest 1,000. The rest is `missed`.
    Of all ways to settle, the one counts that leaves the fewest verdicts unexplained.
12. What is chosen is `admitted`, unless something keeps it: `overlap` needs an earlier run of the
    task (or the chain) going on, that is running, waiting or waiting for a retry; with `wait`, one
    that waits; with `allow`, `max_running` of them, of which a series counts once; with `replace`
    there is none. `cooldown` needs an end so recent, as it was lived, or as it was written where it
    was read after an outage. `outside allowed` needs a closed window that opens no sooner than the
    task is due next. What certainly holds then must be the verdict.
13. A required occurrence with any other verdict is *missed*; one admitted against the rules is a
    *phantom*; a wrong word for what did not have to run is *unjustified*.
14. Reasons: `overlap` names a run that was going on, or how many, which is at least `max_running`.
    `missed` because of "catch_up", the window or a newer one that runs is held to that. Other
    reasons are not judged.

**What is admitted is carried out** (missed, doubled, phantom)

15. What is admitted has a run row, and attempts count from 1 without a gap. A run has its admitted
    decision, a member the run of its chain; where a person asked for it, any decision will
    do, also one that reaches over it. A chain begins with the first of its members.
16. An attempt began exactly once, as its task noted it. It need not have begun where its row waits
    or starts still; was cancelled, with a reason that something bears out; was proven never
    started; or, not having succeeded, was in the way when workers, keepers or daemons died.
    Where it was replaced, a newer one was going on.
17. A further attempt follows `never started`, a failure within the retries, or a loss within
    `on_lost` (3 at most); and it does follow, unless the task was held, edited, replaced, cancelled
    or stopped by the time that its end was heard of. Persons, and another run of the chain, begin
    a line of attempts of their own.
18. What waited over a restart longer than `catch_up_window` does not start any more; what never
    started waited from its first attempt on.

**Starts are on time and apart** (early, late, overlapping)

19. Nothing begins before its due, its decision or its planned start, nor in a closed window. Where
    the clock was set, any of its readings may have been meant; but what is tried again waits for a
    length of lived time, of which a restart reads what is left, and never more than the whole. The
    start is planned within spread and jitter. What was committed with nobody hearing of it starts
    when it is found.
20. A start is late if, after its planned start, nothing kept it for longer than `late_max`. An
    outage keeps it, another run of its task that goes on or waits for its own time, a full pool,
    `max_running`, a closed window, the run of a task that it comes after, by any policy that held
    meanwhile; what `catch_up = "all"` brings runs one after another, at most ten a second. What was
    proven never to have started is late in the same way.
21. Runs of one task or chain do not overlap, unless `overlap = "allow"`; then `max_running` go on,
    and no more than its size in a pool, and than `max_running` in all. A run that was killed lasts
    until the store has its end; where a clock that was set back may have written that too early,
    it may have kept others until the latest that it can have been.
22. A step of a chain begins when the one before has ended, and if it succeeded, unless the chain
    goes on behind failures. A member is left out for a failure before it, or since it was held.
23. Nothing scheduled begins while its task is held or switched off, and nothing at all while the
    daemon drains; windows do not bind persons.
"""

from .checking import check, report
from .findings import Counts, Finding, Kind, Report
from .history import (
    Accepted,
    Adopted,
    Asked,
    Begun,
    Cancelled,
    DecisionRow,
    Drain,
    History,
    Hold,
    Outage,
    Policy,
    RunRow,
    Step,
    Task,
    Verdict,
    Version,
)
from .oracle import Continuously, Cron5, Daily, Events, Every, Instants

__all__ = [
    "Accepted",
    "Adopted",
    "Asked",
    "Begun",
    "Cancelled",
    "Continuously",
    "Counts",
    "Cron5",
    "Daily",
    "DecisionRow",
    "Drain",
    "Events",
    "Every",
    "Finding",
    "History",
    "Hold",
    "Instants",
    "Kind",
    "Outage",
    "Policy",
    "Report",
    "RunRow",
    "Step",
    "Task",
    "Verdict",
    "Version",
    "check",
    "report",
]

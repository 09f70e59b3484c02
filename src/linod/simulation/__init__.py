"""Plays a configuration under a virtual clock: the real engine, a real store, pretended runs.

Rules of this border:
- A composition: it joins the engine and the store with an executor that only counts time.
- No clock is read and nothing is random but for the seed: the same scenario plays the same.
- Whatever is left out of a simulation is said in its report.
"""

from linod.simulation.fates import Called, Fate, Fates, Lengths, Observed, Origin, Spread
from linod.simulation.playing import Cut, Simulation
from linod.simulation.report import Report, TaskReport
from linod.simulation.reporting import report_of
from linod.simulation.scenario import LIMIT, Scenario, only_tasks

__all__ = [
    "LIMIT",
    "Called",
    "Cut",
    "Fate",
    "Fates",
    "Lengths",
    "Observed",
    "Origin",
    "Report",
    "Scenario",
    "Simulation",
    "Spread",
    "TaskReport",
    "only_tasks",
    "report_of",
]

"""The engine plans, admits and records: events in, effects out, one transaction per settle.

Rules of this border:
- Synchronous; knows the pure files and the store's interface. Time, leases and the boot id come
  from outside: given the same, it decides the same.
- Record before effect: what a settlement asks for is committed when the settlement is returned.
- What is in memory is a cache. When a transaction fails it is read again from the store before
  the next one, and what was committed without our knowing is made good.
"""

from linod.engine.agenda import Plan
from linod.engine.draft import Settled
from linod.engine.engine import Engine

__all__ = ["Engine", "Plan", "Settled"]

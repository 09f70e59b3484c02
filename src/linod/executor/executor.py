"""The daemon's side of execution: gives runs to keepers and reports what becomes of them.

Rules of this border:
- It lives on the daemon's event loop; no method blocks, every event comes by a later callback.
- User code is never imported here: keepers do that, one per (user, group, import_env).
- A run that was given to `start` is reported ended exactly once, whatever happens to its keeper,
  unless the Executor is closed before: then its run file tells the next daemon.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from linod.events import Event, Outcome, RunEnded, RunStarted, StartRun, StopRun
from linod.executor import messages, runfiles
from linod.executor.link import Link
from linod.executor.messages import KeeperKey
from linod.log.plan import LogPlan
from linod.specs import Config

"""The log: every process appends whole lines to one file, or to the console.

Nothing is imported here until it is asked for: `linod.connect_log` and the worker's start should
not pay for rotation, nor the command line for any of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from linod.log.connect import Handler, connect_log
    from linod.log.intercept import (
        check_log,
        end_log,
        start_log,
        write_kept,
        write_lines,
        write_output,
    )
    from linod.log.plan import LogPlan, parse_rotation
    from linod.log.recorder import forget_run, name_run, name_run_here, named_run
    from linod.log.rotation import Rotator
    from linod.log.sink import keep_mode
    from linod.log.streams import replace_streams

__all__ = [
    "Handler",
    "LogPlan",
    "Rotator",
    "check_log",
    "connect_log",
    "end_log",
    "forget_run",
    "keep_mode",
    "name_run",
    "name_run_here",
    "named_run",
    "parse_rotation",
    "replace_streams",
    "start_log",
    "write_kept",
    "write_lines",
    "write_output",
]

_PLACES = {
    "Handler": "connect",
    "LogPlan": "plan",
    "Rotator": "rotation",
    "check_log": "intercept",
    "connect_log": "connect",
    "end_log": "intercept",
    "forget_run": "recorder",
    "keep_mode": "sink",
    "name_run": "recorder",
    "name_run_here": "recorder",
    "named_run": "recorder",
    "parse_rotation": "plan",
    "replace_streams": "streams",
    "start_log": "intercept",
    "write_kept": "intercept",
    "write_lines": "intercept",
    "write_output": "intercept",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'linod.log' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"linod.log.{_PLACES[name]}"), name)
    globals()[name] = value
    return value

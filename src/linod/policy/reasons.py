"""The reasons that more than one part of linod knows by their text."""

from __future__ import annotations

NEVER_STARTED = "never started"
SWITCHED_OFF_TASK = "enabled = false"
SWITCHED_OFF = "linod is switched off"
REMOVED = "the task was removed"
TOO_OLD = "missed"
OUTSIDE = "outside allowed"
YIELDED = "the next occurrence was due"

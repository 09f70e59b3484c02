"""What a request says: the list of verbs is closed, and so is that of the fields of each.

Every field is checked for its type and its limits; the first that is wrong is told in one line.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from linod.errors import LinodError
from linod.units import nearest

USAGE = 2

FIELDS: Mapping[str, tuple[str, ...]] = {
    "status": (),
    "run": ("task", "due", "from_failed"),
    "follow": ("run",),
    "cancel": ("run", "task"),
    "pause": ("tasks", "all", "until", "reason"),
    "resume": ("tasks", "all"),
    "enable": ("tasks", "failed"),
    "disable": ("tasks", "reason"),
    "backfill": ("task", "from", "until", "newest_first", "again"),
    "forget": ("task",),
    "clock_accept": (),
    "reload": (),
    "stop": (),
    "hand_over": (),
}
"""All verbs with their fields."""

NAMES_MAX = 1000
"""Of tasks in one request: more fit into no request line that people type."""
NAME_MAX = 100
TEXT_MAX = 500
"""Characters of a reason: it is shown on one line."""
NUMBER_MAX = 2**63 - 1
"""What a row number of the store holds."""
FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""What is outside could not be stored, or not be read in every zone."""


class Refusal(LinodError):  # noqa: N818 - it reads as what happened
    """A request that is not carried out."""

    def __init__(self, message: str, exit_code: int = 1, **details: Any) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.details = details
        """What the answer carries beside the message."""


class Request:
    """One request, of which each field is read once, by its type."""

    def __init__(self, message: Mapping[str, Any]) -> None:
        verb = message.get("verb")
        if not isinstance(verb, str) or verb not in FIELDS:
            raise Refusal(f"no such verb; there are {', '.join(FIELDS)}", USAGE)
        self.verb = verb
        # A field that is null says as much as one that is left out.
        self._fields = {
            name: value for name, value in message.items() if name != "verb" and value is not None
        }
        for name in self._fields:
            self._refuse_unknown(name)

    def __contains__(self, field: str) -> bool:
        return field in self._fields

    def task(self) -> str:
        """The name of one task or chain; whether there is such a one is another question."""
        name = self._fields.get("task")
        if not isinstance(name, str) or not name:
            raise Refusal('"task" is the name of a task or chain', USAGE)
        return name[: NAME_MAX + 1]

    def tasks(self, instead: str) -> tuple[str, ...]:
        """Names of tasks and chains; none where the flag `instead` is there, which means all."""
        is_instead = self.flag(instead) if instead else False
        names = self._fields.get("tasks", [])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise Refusal('"tasks" is a list of names of tasks and chains', USAGE)
        if len(names) > NAMES_MAX:
            raise Refusal(f'"tasks" has {NAMES_MAX:,} names at most', USAGE)
        if is_instead and names:
            raise Refusal(f'"tasks" and "{instead}" exclude each other', USAGE)
        if not is_instead and not names:
            other = f', or "{instead}" is true' if instead else ""
            raise Refusal(f'"tasks" names at least one task or chain{other}', USAGE)
        return tuple(dict.fromkeys(name[: NAME_MAX + 1] for name in names))

    def run(self) -> int:
        """The number of a run."""
        run = self._fields.get("run")
        if not isinstance(run, int) or isinstance(run, bool) or not 0 < run <= NUMBER_MAX:
            raise Refusal('"run" is the number of a run', USAGE)
        return run

    def flag(self, field: str) -> bool:
        """A field that is true or false; false where it is left out."""
        value = self._fields.get(field, False)
        if not isinstance(value, bool):
            raise Refusal(f'"{field}" is true or false', USAGE)
        return value

    def text(self, field: str) -> str:
        """A short text; empty where it is left out."""
        value = self._fields.get(field, "")
        if not isinstance(value, str):
            raise Refusal(f'"{field}" is a text', USAGE)
        if len(value) > TEXT_MAX:
            raise Refusal(f'"{field}" has {TEXT_MAX} characters at most', USAGE)
        return value.strip()

    def instant(self, field: str) -> datetime:
        """An instant with its offset from UTC."""
        instant = self.maybe_instant(field)
        if instant is None:
            raise Refusal(f'"{field}" is missing: {_EXPECTED}', USAGE)
        return instant

    def maybe_instant(self, field: str) -> datetime | None:
        """An instant with its offset from UTC; None where it is left out."""
        if field not in self._fields:
            return None
        try:
            instant = datetime.fromisoformat(self._fields[field])
            is_right = instant.tzinfo is not None and FIRST <= instant < LAST
        except (TypeError, ValueError):
            is_right = False
        if not is_right:
            raise Refusal(f'"{field}" is {_EXPECTED}', USAGE)
        return instant.astimezone(UTC)

    def _refuse_unknown(self, name: str) -> None:
        fields = FIELDS[self.verb]
        if name in fields:
            return
        near = nearest(name, fields)
        known = f"it has {', '.join(fields)}" if fields else "it has none"
        hint = f'did you mean "{near}"?' if near else known
        raise Refusal(f'"{self.verb}" has no field "{name[:NAME_MAX]}": {hint}', USAGE)


_EXPECTED = 'an instant of the years 1970 to 8999 in ISO 8601 with its offset: "2026-11-21T07:00Z"'

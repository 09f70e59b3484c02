"""What a child process found out about procedures: values that cross from keeper to loader.

The keeper imports user code and answers `describe` and `bind`; the loader turns the answer into
discovered tasks and diagnostics. Neither knows the other; both know these.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from attrs import field, frozen


class ProblemKind(StrEnum):
    """What is wrong with a procedure or with the arguments given to it."""

    IMPORT_RAISED = "import raised"
    IMPORT_EXITED = "import exited"
    IMPORT_TIMED_OUT = "import timed out"
    IMPORT_CRASHED = "import crashed"
    MODULE_MISSING = "module missing"
    NAME_MISSING = "name missing"
    NOT_CALLABLE = "not callable"
    UNSUITABLE = "unsuitable"
    """Callable, but not what linod runs: a generator, a class, a builtin without signature."""
    SETUP_FAILED = "setup failed"
    DJANGO_FAILED = "django failed"
    COMMAND_UNKNOWN = "command unknown"
    """Of Django: no such management command."""
    COMMAND_REFUSED = "command refused"
    """A management command that does not take its arguments."""
    ARGUMENT_UNKNOWN = "argument unknown"
    ARGUMENT_MISSING = "argument missing"
    ARGUMENT_INVALID = "argument invalid"
    STARTS_THREADS = "starts threads"
    """Said, not refused: the module is imported after the fork."""
    DECLARATION_INVALID = "declaration invalid"
    USER_UNKNOWN = "user unknown"


@frozen(kw_only=True)
class Described:
    """One procedure as found by import."""

    path: str
    """Dotted path."""
    signature: str
    """As a person would write it: `shop.tasks.send_report(recipient: str, since: date = …)`."""
    file: str
    line: int
    summary: str = ""
    """First line of its docstring."""
    is_async: bool = False
    takes_run: bool = False


@frozen(kw_only=True)
class Declared:
    """A function marked with @linod.procedure in a module of `discover`."""

    name: str
    """Task name: that given to the decorator, else the function's."""
    described: Described
    keys: dict[str, Any]
    """Task keys as given to the decorator: plain TOML values."""


@frozen(kw_only=True)
class Problem:
    """One finding, to be placed in the file by the loader."""

    kind: ProblemKind
    message: str
    task: str | None = None
    """The task it concerns; None: a module of `discover` or of an app, or a callable of `setup`."""
    subject: str = ""
    """The module or dotted path that it concerns."""
    key: tuple[str | int, ...] = ()
    """Where below the task: ("only_if",), ("arguments", "since"), ("arguments", "shops", 2)."""
    suggestion: str | None = None
    notes: tuple[str, ...] = ()
    """Signature and place of definition; the last lines of a traceback."""


@frozen(kw_only=True)
class Inspection:
    """All that the children found."""

    procedures: dict[str, Described] = field(factory=dict)
    declared: tuple[Declared, ...] = ()
    problems: tuple[Problem, ...] = ()

"""Load a configuration: read the files, parse, check, merge."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from linod.diagnostics import Diagnostic, Severity
from linod.specs import Config


@frozen(kw_only=True)
class Loaded:
    """What loading gave: the configuration, if it is usable, and all findings."""

    path: Path
    config: Config | None
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """List the findings that are errors."""
        return tuple(each for each in self.diagnostics if each.severity is Severity.ERROR)

    @property
    def fatal(self) -> tuple[Diagnostic, ...]:
        """List the errors that keep the daemon from starting: all but failed imports."""
        return self.errors


def load(path: Path, environ: Mapping[str, str]) -> Loaded:
    """Load `path` and what it includes; never raises for what a file says."""
    return Loaded(path=path, config=Config(path=path.absolute()))

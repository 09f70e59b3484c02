"""A child that looks at user code, begun before it is known what it is to look at.

It imports linod meanwhile, which takes as long as to read the file. Nothing of the user's is
imported before the request comes; who does not need the child ends it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO


def program() -> tuple[str, ...]:
    """Return the command of a keeper: `-P`, so that nothing in its directory shadows linod."""
    return (sys.executable, "-P", "-m", "linod.executor.keeper")


class EarlyChild:
    """Its process, and the pipes and files between it and us."""

    def __init__(self, environ: Mapping[str, str], directory: Path) -> None:
        """Begin it; OSError where that is not possible."""
        self.environ = dict(environ)
        self.directory = directory
        self.fault: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close
        """Where it says in what it hangs or crashes."""
        self._request: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close
        self.result, result = os.pipe()
        going, self._go = os.pipe()
        descriptors = (self._request.fileno(), result, self.fault.fileno(), going)
        try:
            self.process = subprocess.Popen(
                [*program(), "describe", *map(str, descriptors)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=descriptors,
                start_new_session=True,
                env=self.environ,
                cwd=directory,
            )
        except OSError:
            self._close()
            raise
        finally:
            os.close(result)
            os.close(going)

    def is_for(self, environ: Mapping[str, str], directory: Path) -> bool:
        """Say whether it is what would be begun now, and nobody has it."""
        return self._go >= 0 and self.environ == environ and self.directory == directory

    def ask(self, request: bytes) -> None:
        """Tell it what to look at."""
        self._request.write(request)
        self._request.flush()
        with suppress(BrokenPipeError):  # who listens to it will find it dead
            os.write(self._go, b"\n")
        self._let_go()

    def end(self) -> None:
        """End it, where it was not asked."""
        if self._go >= 0:
            self._let_go()
            self.process.kill()
            self.close()

    def close(self) -> None:
        """Let go of all that is open; the process has ended, or ends now."""
        self.process.wait()
        if self.process.stderr is not None:
            self.process.stderr.close()
        self._close()

    def _let_go(self) -> None:
        os.close(self._go)
        self._go = -1

    def _close(self) -> None:
        if self._go >= 0:
            self._let_go()
        os.close(self.result)
        self.fault.close()
        self._request.close()


def begun(environ: Mapping[str, str], directory: Path) -> EarlyChild | None:
    """Begin such a child; None where that is not possible, which is told when one is needed."""
    with suppress(OSError):
        return EarlyChild(environ, directory)
    return None

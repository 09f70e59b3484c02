"""Standard streams that are there: who started us may have closed them.

A closed one is None to Python, and the next file that is opened would get its number: a store as
fd 1 would be written to by whatever prints.
"""

from __future__ import annotations

import os
import sys


def open_missing() -> None:
    """Open /dev/null in place of each standard stream that is closed."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)
        if getattr(sys, name) is None:
            mode = "w" if number else "r"
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115

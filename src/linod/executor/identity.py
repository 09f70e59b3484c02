"""What makes a keeper what it is: a daemon takes over only one that it would start just so."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping

from attrs import evolve

from linod.executor.messages import Settings, hello

_PER_START = frozenset(
    (
        *("INVOCATION_ID", "JOURNAL_STREAM", "SYSTEMD_EXEC_PID", "MAINPID", "MANAGERPID"),
        *("NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "SHLVL", "OLDPWD", "_"),
    )
)
"""Variables that shells and systemd set anew at each start of the same thing."""


def with_identity(settings: Settings, environ: Mapping[str, str]) -> Settings:
    """Name all that a keeper is made of, its environment too, by a hash.

    `late` is left out: it is what keepers themselves found out.
    """
    own = {name: value for name, value in environ.items() if name not in _PER_START}
    plain = evolve(settings, late=[], identity="")
    told = {**hello(plain), "environ": own, "python": sys.executable}
    text = json.dumps(told, sort_keys=True, default=str)
    return evolve(settings, identity=hashlib.sha256(text.encode("utf-8", "replace")).hexdigest())

"""Loads the configuration anew, and takes nobody at their word in the middle of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from linod.checking import prepare
from linod.daemon import clock
from linod.errors import LinodError
from linod.loader import Loaded

SETTLED_S = 0.1
"""An editor that cuts a file off writes it anew within a fraction of this."""
TRIES_MAX = 50
"""Five seconds at least; who writes for longer asks again when it is done."""


async def load_settled(path: Path, environ: Mapping[str, str]) -> Loaded:
    """Load what the files say once nobody has written them for a moment."""
    loop = asyncio.get_running_loop()
    for _ in range(TRIES_MAX):
        began = loop.time()
        loaded = await asyncio.to_thread(prepare, path, environ, now=clock.now())
        await asyncio.sleep(max(0.0, began + SETTLED_S - loop.time()))
        if not await asyncio.to_thread(loaded.is_outdated):
            return loaded
    raise LinodError(f"{path} is being written all the time, everything stays as it is")

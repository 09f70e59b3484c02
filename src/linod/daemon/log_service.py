"""The log server of a daemon: a child that is begun again whenever it ends.

It ends with the daemon, by the pipe that is its stdin: also with one that is killed.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress

from linod.errors import LinodError
from linod.log.access import Access
from linod.log.plan import LogPlan
from linod.log.serving import is_needed
from linod.specs import Config, LogLevel

AGAIN_S = (0.1, 30.0)
"""Before it is begun again, at first and at most; one that served a minute begins at first."""
LONG_S = 60.0
END_WITHIN_S = 2.0

Say = Callable[[LogLevel, str], None]


class LogService:
    """Keeps a log server while the configuration needs one."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._child: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None

    def prepare(self, config: Config, plan: LogPlan) -> None:
        """Make the places of senders, so that they need not wait for the server."""
        if plan.path is not None and is_needed(config):
            from linod.log.places import Places  # a daemon without a log server needs no TLS

            try:
                Places(plan.path, Access.of(config)).prepare()
            except (OSError, LinodError) as error:
                self._say(LogLevel.ERROR, f"the log server has no place: {error}")

    async def configure(self, config: Config) -> None:
        """Serve by this configuration: begin, begin again, or end."""
        await self.close()
        if is_needed(config):
            self._keeping = asyncio.create_task(self._keep(config))

    async def close(self) -> None:
        """End the server, if there is one."""
        if self._keeping is not None:
            self._keeping.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeping
            self._keeping = None
        if self._child is not None:
            await _end(self._child)
            self._child = None

    async def _keep(self, config: Config) -> None:
        again_s = AGAIN_S[0]
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            how = await self._serve(config)
            if loop.time() - began > LONG_S:
                again_s = AGAIN_S[0]
            self._say(LogLevel.ERROR, f"the log server {how}: it is begun again")
            await asyncio.sleep(again_s)
            again_s = min(again_s * 2, AGAIN_S[1])

    async def _serve(self, config: Config) -> str:
        """Have a server until it ends; say how it did."""
        try:
            self._child = await _begin(config)
        except OSError as error:
            return f"could not be started: {error.strerror or error}"
        code = await self._child.wait()
        return f"ended with {code}" if code >= 0 else f"ended by signal {-code}"


async def _begin(config: Config) -> asyncio.subprocess.Process:
    # -P: a module in the working directory must not stand in for one of ours.
    command = (sys.executable, "-P", "-m", "linod", "-c", str(config.path), "log-server")
    return await asyncio.create_subprocess_exec(
        *command, "--with-parent", stdin=asyncio.subprocess.PIPE
    )


async def _end(child: asyncio.subprocess.Process) -> None:
    assert child.stdin is not None
    child.stdin.close()
    try:
        await asyncio.wait_for(child.wait(), END_WITHIN_S)
    except TimeoutError:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()

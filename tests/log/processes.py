"""Real processes for tests of the log: forked children and fresh interpreters."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import traceback


def fork(function, *arguments):
    """Run a function in a forked child, which ends with 1 if it raised; give its pid."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        function(*arguments)
        code = 0
    except BaseException:  # noqa: BLE001 - the child ends here, whatever it was
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(code)


def wait(pid):
    """Wait for a child and give its exit status, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def in_child(function, *arguments):
    """Run a function in a forked child to its end."""
    assert wait(fork(function, *arguments)) == 0


def run_python(code, directory, **environ):
    """Run code in a fresh interpreter."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=directory,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def until(condition, limit_s=20.0):
    """Poll until a condition is true."""
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "the condition did not come true"
        time.sleep(0.005)

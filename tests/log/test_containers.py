"""Containers on the shared log: other namespaces, the socket and a volume for spools."""

from __future__ import annotations

import grp
import os
import re
import subprocess
import sys
from contextlib import contextmanager

import pytest

from .processes import until
from .servers import NOBODY

CONTAINER = (
    *("unshare", "--pid", "--fork", "--kill-child", "--mount-proc"),
    *("--net", "--uts", "--ipc"),
)
COUNT = 100
WRITER = f"""
import os, pkgutil, signal, sys
from importlib import import_module
from linod import connect_log, loader, log
from loguru import logger

for package in (loader, log):  # that user may not be able to read them
    for module in pkgutil.iter_modules(package.__path__):
        import_module(f"{{package.__name__}}.{{module.name}}")

os.setgroups([])
os.setgid({NOBODY})
os.setuid({NOBODY})
os.chdir("/")
logger.remove()
connect_log()
for number in range({COUNT}):
    logger.info("{{}} {{}}", sys.argv[1], number)
print(os.getpid(), flush=True)
if sys.argv[1] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
sys.stdin.read()
"""
WHO = re.compile(r" (\S+)@\S+\[(\d+)\] \S+: (.*)$")


def _may_unshare():
    try:
        return (
            subprocess.run([*CONTAINER, "true"], capture_output=True, check=False).returncode == 0
        )
    except FileNotFoundError:
        return False


pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not _may_unshare(), reason="namespaces cannot be made here"
)


class Site:
    """A host with a log server and a volume."""

    def __init__(self, folder):
        self.folder = folder
        self.socket = folder / "log" / "log.sock"
        self.volume = folder / "volume"
        self.volume.mkdir()
        self.volume.chmod(0o777)
        group = grp.getgrgid(NOBODY).gr_name
        (folder / "linod.toml").write_text(f'[log]\ndirectory = "log"\ngroup = "{group}"\n')

    @contextmanager
    def serving(self, *around):
        command = [*around, sys.executable, "-m", "linod", "log-server"]
        with (self.folder / "output").open("w") as output:
            server = subprocess.Popen(command, cwd=self.folder, stdout=output, stderr=output)
        try:
            until(self.socket.exists)
            yield
        finally:
            server.kill() if around else server.terminate()  # unshare heeds no SIGTERM
            server.wait(20)

    @contextmanager
    def writing(self, name):
        """Write from a container, which lives until the end of the block; give its own pid."""
        environ = {
            **os.environ,
            "LINOD_LOG_SOCKET": str(self.socket),
            "LINOD_LOG_SPOOL": str(self.volume),
        }
        command = [*CONTAINER, sys.executable, "-c", WRITER, name]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen(command, env=environ, text=True, **pipes) as writer:
            yield int(writer.stdout.readline())

    def told(self):
        """Give who wrote what, in order."""
        path = self.folder / "log" / "linod.log"
        lines = path.read_text().rpartition("\n")[0].splitlines() if path.exists() else []
        found = [WHO.search(line) for line in lines]
        return [match.groups() for match in found if match]

    def messages(self):
        return [message for _, _, message in self.told()]


@pytest.fixture
def site(open_folder):
    return Site(open_folder)


def said(name):
    return [f"{name} {number}" for number in range(COUNT)]


@pytest.mark.parametrize("around", [(), CONTAINER], ids=["host", "container"])
def test_a_container_writes_to_the_log_of_its_host_or_of_another_one(site, around):
    with site.serving(*around), site.writing("mail") as own:
        until(lambda: len(site.messages()) >= COUNT)

    assert said("mail") == site.messages()
    pids = {int(pid) for _, pid, _ in site.told()}
    # A process of another container has no number there but the one that it says itself.
    assert pids == {own} if around else own not in pids
    assert 0 not in pids


def test_what_a_killed_container_left_on_its_volume_the_next_one_delivers(site):
    # Both are number 1 of their namespace: that the one lives says nothing of the other.
    with site.writing("killed") as killed:
        pass
    with site.serving(), site.writing("next") as own:
        until(lambda: len(site.messages()) >= 2 * COUNT)

    assert killed == own == 1
    assert sorted(said("killed") + said("next")) == sorted(site.messages())

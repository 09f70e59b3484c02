"""Django in keepers and workers: set up once, connections of each process its own."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from linod.events import Outcome, RunEnded

from . import project


def test_a_procedure_finds_django_set_up(shop: Any) -> None:
    shop.task("count", procedure="orders.tasks.count_users")

    assert shop.run("count").outcome is Outcome.SUCCEEDED
    assert "orders:count_users" in shop.log()
    assert "0 users, 0 before" in shop.log()


def test_what_is_logged_by_django_is_in_the_log_once(shop: Any) -> None:
    settings = shop.folder / "shop/settings.py"
    settings.write_text(settings.read_text() + "DEBUG = True\n")
    shop.module("noisy", NOISY)
    shop.task("noisy", procedure="noisy.warn")

    shop.run("noisy")

    assert shop.log().count("Not Found: /x") == 1


NOISY = """\
import logging

def warn():
    logging.getLogger("django.request").warning("Not Found: /x")
"""


def test_setup_callables_find_django_set_up(shop: Any) -> None:
    shop.module("boot", BOOT)
    shop.linod["setup"] = ("boot.prepare",)
    shop.task("nothing", procedure="orders.tasks.nothing")

    shop.run("nothing")

    assert shop.text("prepared") == "ready in 1\n"


BOOT = """\
from pathlib import Path

def prepare():
    from django.apps import apps
    with Path("prepared").open("a") as file:
        file.write(f"ready in {apps.ready:d}\\n")
"""


def test_import_env_may_name_other_settings(shop: Any) -> None:
    text = "from shop.settings import *\nSITE = 'other'\n"
    project.write(shop.folder, "shop/other.py", text)
    shop.module(
        "which", "def tell():\n    from django.conf import settings\n    print(settings.SITE)"
    )
    shop.task("which", procedure="which.tell", import_env={"DJANGO_SETTINGS_MODULE": "shop.other"})

    assert shop.run("which").outcome is Outcome.SUCCEEDED
    assert "stdout: other" in shop.log()


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ("shop.setings", 'django: there is no module "shop.setings"'),
        ("shop.torn", "django: shop.torn cannot be imported: ValueError: torn"),
        ("shop.exits", "django: shop.exits ends the program when it is imported: SystemExit(3)"),
        (
            "shop.wrong",
            "Django cannot be set up with shop.wrong: ModuleNotFoundError: No module named 'nope'",
        ),
    ],
)
def test_settings_that_cannot_be_used_are_the_reason_of_a_run(
    shop: Any, settings: str, reason: str
) -> None:
    project.write(shop.folder, "shop/torn.py", "raise ValueError('torn')\n")
    project.write(shop.folder, "shop/exits.py", "raise SystemExit(3)\n")
    project.write(shop.folder, "shop/wrong.py", "INSTALLED_APPS = ['nope']\n")
    shop.linod["django"] = settings
    shop.task("talk", manage=("talk", "hello"))

    end = shop.run("talk")

    assert (end.outcome, end.reason) == (Outcome.FAILED, reason)


def test_without_django_the_reason_says_what_to_install(shop: Any) -> None:
    # What stands first on the import path stands for an environment without it.
    shop.module("sitecustomize", HIDE)
    shop.linod["django"] = "shop.settings"
    shop.task("talk", manage=("talk", "hello"), import_env={"PYTHONPATH": str(shop.folder)})

    reason = "Django is not installed where linod is: pip install 'linod[django]'"
    assert shop.run("talk").reason == reason


HIDE = """\
import sys

class Hide:
    def find_spec(self, name, path=None, target=None):
        if name == "django":
            raise ModuleNotFoundError("No module named 'django'", name="django")

sys.meta_path.insert(0, Hide())
"""

# -- connections --------------------------------------------------------------------------------

QUERIES = """\
import asyncio, os, sys, threading
from django.contrib.auth.models import User
from django.db import connection

at_import = User.objects.count()

def open_files():
    names = (os.readlink(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")
             if os.path.exists(f"/proc/self/fd/{number}"))
    return [name for name in names if "db.sqlite3" in name]

def query():
    assert connection.connection is None, "inherited"
    assert open_files() == [], open_files()
    User.objects.create(username=f"user{os.environ['LINOD_RUN_ID']}")
    assert open_files() != []

def query_in_a_thread():
    thread = threading.Thread(target=User.objects.count)
    thread.start()
    thread.join()
    User.objects.count()

async def query_async():
    print(await User.objects.acount(), "users")

def look_at_exit():
    # The last thing that a worker does with its streams, when all else is cleared up.
    User.objects.count()
    class Last:
        def flush(self):
            os.write(1, f"{len(open_files())} left\\n".encode())
    sys.__stdout__ = Last()

def threads_at_exit():
    look_at_exit()
    query_in_a_thread()

async def async_at_exit():
    await User.objects.acount()
    class Last:
        def flush(self):
            os.write(1, f"{len(open_files())} left\\n".encode())
    sys.__stdout__ = Last()
"""


def _open_files(pid: int) -> list[str]:
    folder = Path(f"/proc/{pid}/fd")
    names = []
    for path in folder.iterdir():
        with suppress(OSError):  # it was closed by now
            names.append(os.readlink(path))
    return [name for name in names if "db.sqlite3" in name]


def test_fifty_runs_leave_no_connection_open(shop: Any) -> None:
    shop.module("queries", QUERIES)
    shop.task("query", procedure="queries.query")

    async def scene() -> tuple[list[RunEnded], list[str]]:
        ends = []
        for number in range(1, 51):
            shop.start("query", number)
            ends.append(await shop.ended(number))
        return ends, [name for pid in shop.keepers() for name in _open_files(pid)]

    ends, left = shop.play(scene)

    assert [end.reason for end in ends if end.outcome is not Outcome.SUCCEEDED] == []
    assert left == []
    assert shop.marked() == []


@pytest.mark.parametrize("name", ["look_at_exit", "threads_at_exit", "async_at_exit"])
def test_after_a_run_its_connections_are_closed(shop: Any, name: str) -> None:
    shop.module("queries", QUERIES)
    shop.task("query", procedure=f"queries.{name}")

    assert shop.run("query").outcome is Outcome.SUCCEEDED
    assert "stdout: 0 left" in shop.log()


@pytest.mark.parametrize("name", ["query_in_a_thread", "query_async"])
def test_threads_and_coroutines_have_connections_of_their_own(shop: Any, name: str) -> None:
    shop.module("queries", QUERIES)
    shop.task("query", procedure=f"queries.{name}")

    assert shop.run("query").outcome is Outcome.SUCCEEDED


def test_runs_at_once_do_not_share_a_connection(shop: Any) -> None:
    shop.module("queries", QUERIES)
    shop.task("query", procedure="queries.query")

    async def scene() -> list[RunEnded]:
        for number in range(1, 9):
            shop.start("query", number)
        return list(await asyncio.gather(*map(shop.ended, range(1, 9))))

    assert {end.reason for end in shop.play(scene)} == {""}


FORKING = """\
import os
from django.contrib.auth.models import User
from django.db import connection, transaction
from linod.integrations.django import bridge

def fork_while_open():
    with transaction.atomic():
        User.objects.create(username="parent")
        ours = connection.connection
        pid = os.fork()
        if pid == 0:
            bridge.put_connections_aside()
            is_new = connection.connection is None and not connection.in_atomic_block
            seen = User.objects.count()
            os._exit(0 if is_new and seen == 0 and connection.connection is not ours else 1)
        status = os.waitpid(pid, 0)[1]
        assert connection.connection is ours
        User.objects.create(username="again")
    assert status == 0, status
    assert User.objects.count() == 2
"""


CLOSING = """\
import gc, os, sqlite3

class Telling(sqlite3.Connection):
    def __init__(self, *given, **named):
        super().__init__(*given, **named)
        self.pid = os.getpid()
    def close(self):
        self.tell()
        super().close()
    def tell(self):
        if os.getpid() != self.pid:
            os.write(1, b"closed a connection of another process\\n")
    __del__ = tell

def fork_while_open():
    from django.contrib.auth.models import User
    from linod.integrations.django import bridge
    User.objects.count()
    pid = os.fork()
    if pid == 0:
        bridge.put_connections_aside()
        User.objects.count()
        bridge.close_connections()
        gc.collect()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    User.objects.count()
"""


def test_a_connection_of_the_parent_is_not_closed_in_a_child(shop: Any) -> None:
    # A server would be told to end the session of the parent, by way of the same socket.
    shop.module("closing", CLOSING)
    settings = shop.folder / "shop/settings.py"
    more = "from closing import Telling\nDATABASES['default']['OPTIONS'] = {'factory': Telling}\n"
    settings.write_text(settings.read_text() + more)
    shop.task("fork", procedure="closing.fork_while_open")

    assert shop.run("fork").reason == ""
    assert "of another process" not in shop.log()


def test_a_connection_that_is_open_at_the_fork_stays_the_parents(shop: Any) -> None:
    shop.module("forking", FORKING)
    shop.task("fork", procedure="forking.fork_while_open")

    assert shop.run("fork").reason == ""

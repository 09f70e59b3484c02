"""Management commands in real keepers and workers."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from linod.events import Outcome, RunEnded

from .project import write


def test_a_command_runs_and_its_output_is_in_the_log(shop: Any) -> None:
    shop.task("talk", manage=("talk", "hello", "--times", "2"))

    assert shop.run("talk").outcome is Outcome.SUCCEEDED
    said = [line.partition("talk#1 ")[2] for line in shop.log().splitlines()]
    assert said == ["stdout: say hello", "stdout: say hello", "stderr: and be silent"]
    assert [line.split()[2] for line in shop.log().splitlines()] == ["INFO", "INFO", "WARNING"]


def test_a_command_of_django_works_on_the_database(shop: Any) -> None:
    shop.module("check", EXPIRED)
    shop.task("expire", procedure="check.expire")
    shop.task("clear", manage=("clearsessions",))
    shop.task("count", procedure="check.count")

    async def scene() -> list[RunEnded]:
        ends = []
        for number, name in enumerate(("expire", "clear", "count"), 1):
            shop.start(name, number)
            ends.append(await shop.ended(number))
        return ends

    assert [end.outcome for end in shop.play(scene)] == [Outcome.SUCCEEDED] * 3
    assert "0 sessions" in shop.log()


EXPIRED = """\
from datetime import UTC, datetime
from django.contrib.sessions.models import Session

def expire():
    past = datetime(2020, 1, 1, tzinfo=UTC)
    Session.objects.create(session_key="x", session_data="", expire_date=past)

def count():
    print(Session.objects.count(), "sessions")
"""


def test_a_command_that_gives_up_fails_with_its_words_and_its_status(shop: Any) -> None:
    shop.task("talk", manage=("talk", "refuse"))

    end = shop.run("talk")

    assert end.outcome is Outcome.FAILED
    assert end.reason == "the stock is empty"
    assert end.detail["exit_status"] == 3
    assert end.detail["exception"] == "django.core.management.base.CommandError"
    assert "CommandError" in end.detail["bases"]


def test_a_command_that_raises_fails_as_a_procedure_does(shop: Any) -> None:
    shop.task("talk", manage=("talk", "crash"))

    end = shop.run("talk")

    assert end.reason == "ConnectionError: the far end hung up"
    assert "in handle" in end.detail["traceback"]


@pytest.mark.parametrize(
    ("status", "outcome", "reason"),
    [("0", Outcome.SUCCEEDED, ""), ("4", Outcome.FAILED, "exit status 4")],
)
def test_the_status_with_which_a_command_exits_counts(
    shop: Any, status: str, outcome: Outcome, reason: str
) -> None:
    shop.task("talk", manage=("talk", "exit", "--times", status))

    end = shop.run("talk")

    assert (end.outcome, end.reason) == (outcome, reason)


def test_a_command_sees_the_command_line_of_manage_py(shop: Any) -> None:
    shop.task("talk", manage=("talk", "argv"))

    shop.run("talk")

    assert "say manage.py talk argv" in shop.log()


def test_only_if_is_asked_before_a_command(shop: Any) -> None:
    shop.module("gate", "def closed(): return False\n")
    shop.task("talk", manage=("talk", "hello"), only_if="gate.closed")

    end = shop.run("talk")

    assert (end.outcome, end.reason) == (Outcome.CANCELLED, "only_if")
    assert "hello" not in shop.log()


def test_a_command_goes_on_where_only_if_lets_it(shop: Any) -> None:
    shop.module("gate", "def opened(): return True\n")
    shop.task("talk", manage=("talk", "hello"), only_if="gate.opened")

    assert shop.run("talk").outcome is Outcome.SUCCEEDED
    assert "say hello" in shop.log()


def test_the_timeout_ends_a_command(shop: Any) -> None:
    write(shop.folder, "orders/management/commands/sleep.py", SLEEP)
    shop.task("sleep", manage=("sleep",), timeout=timedelta(seconds=0.5))

    assert shop.run("sleep").outcome is Outcome.TIMED_OUT


SLEEP = """\
import time
from django.core.management.base import BaseCommand

class Command(BaseCommand):
    def handle(self, **options):
        time.sleep(600)
"""


def test_env_and_directory_of_the_task_hold_for_a_command(shop: Any) -> None:
    write(shop.folder, "orders/management/commands/where.py", WHERE)
    shop.task("where", manage=("where",), env={"MINE": "yes"}, directory=shop.folder / "orders")

    shop.run("where")

    assert f"yes {shop.folder}/orders" in shop.log()


WHERE = """\
import os
from django.core.management.base import BaseCommand

class Command(BaseCommand):
    def handle(self, **options):
        return os.environ["MINE"] + " " + os.getcwd()
"""


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("tlak",), 'there is no management command "tlak"'),
        (("talk", "x", "--loud"), "Error: unrecognized arguments: --loud"),
        (("torn",), "orders.management.commands.torn cannot be imported: ValueError: torn"),
        (("empty",), "orders.management.commands.empty has no class Command"),
    ],
)
def test_a_command_that_cannot_be_called_is_the_reason_of_its_run_alone(
    shop: Any, words: tuple[str, ...], reason: str
) -> None:
    write(shop.folder, "orders/management/commands/torn.py", "raise ValueError('torn')\n")
    write(shop.folder, "orders/management/commands/empty.py", "")
    shop.task("broken", manage=words)
    shop.task("talk", manage=("talk", "hello"))

    async def scene() -> list[RunEnded]:
        shop.start("broken", 1)
        shop.start("talk", 2)
        return [await shop.ended(1), await shop.ended(2)]

    broken, talk = shop.play(scene)

    assert (broken.outcome, broken.reason) == (Outcome.FAILED, reason)
    assert talk.outcome is Outcome.SUCCEEDED


def test_a_command_whose_module_starts_threads_is_imported_in_its_worker(shop: Any) -> None:
    text = "import threading, time\nthreading.Thread(target=time.sleep, args=(600,), daemon=True)"
    path = shop.folder / "orders/management/commands/talk.py"
    path.write_text(f"{text}.start()\n{path.read_text()}")
    shop.task("talk", manage=("talk", "hello"))

    assert shop.run("talk").outcome is Outcome.SUCCEEDED


def test_many_commands_run_at_once(shop: Any) -> None:
    shop.task("talk", manage=("talk", "hello"))

    async def scene() -> list[RunEnded]:
        for number in range(1, 11):
            shop.start("talk", number)
        return list(await asyncio.gather(*map(shop.ended, range(1, 11))))

    assert {end.outcome for end in shop.play(scene)} == {Outcome.SUCCEEDED}


def test_a_secret_among_the_words_is_masked(shop: Any) -> None:
    from linod.specs import Reference

    secret = Reference("s3cr3t-t0ken", {"env": "TOKEN"}, is_secret=True)
    shop.task("talk", manage=("talk", secret))

    shop.run("talk")

    assert "stdout: say " in shop.log()
    assert "s3cr3t" not in shop.log()

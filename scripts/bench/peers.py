"""The programs whose latency is compared: each has the same tasks due at the same instants.

Each function writes what its program needs into a folder and returns the command, or raises Absent.
In the folder `probe.tick` takes the time as its first act and appends it to the file `out`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from processes import Absent, linod_serve

ANSWER_WITHIN_S = 60.0
DEFAULT_MAX_RUNNING = 64
WORKERS = 2
"""Processes of a pool: one for each of two cores."""
LINE_BYTES = 20
PROBE = """
import os
import time


def tick() -> None:
    at = time.time_ns()
    file = os.open({out!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, b"%d\\n" % at)
    os.close(file)
"""
CRONSTABLE_JOB = """
  - name: t{number:05}
    command:
      - {command[0]}
      - {command[1]}
    schedule: "{schedule}"
"""
APSCHEDULER = """
from apscheduler.executors.pool import ProcessPoolExecutor, ThreadPoolExecutor
from apscheduler.schedulers.blocking import BlockingScheduler

from probe import tick

if __name__ == "__main__":
    scheduler = BlockingScheduler({{"default": {pool}}}, timezone="UTC")
    for _ in range({count}):
        scheduler.add_job(tick, "cron", second="*/{period_s}", misfire_grace_time=60)
    scheduler.start()
"""
DUES = """
    first = (time.time() + {ahead_s}) // {period_s} * {period_s} + {period_s}
    dues = [first + number * {period_s} for number in range({dues})]
"""
HUEY = """
import time
from datetime import UTC, datetime

from huey import SqliteHuey

from probe import tick

huey = SqliteHuey(filename="huey.db", fsync=True, results=False)
task = huey.task()(tick)

if __name__ == "__main__":
{dues}
    for due in dues:
        for _ in range({count}):
            task.schedule(eta=datetime.fromtimestamp(due, UTC))
    consumer = huey.create_consumer(
        workers={workers}, worker_type="process", periodic=False, initial_delay=0.01, max_delay=0.01
    )
    consumer.run()
"""
CELERY_APP = """
from celery import Celery

from probe import tick

URL = "redis+socket://{folder}/redis.sock"
app = Celery("probe_celery", broker=URL)
app.conf.task_ignore_result = True
app.conf.broker_connection_retry_on_startup = True
task = app.task(name="tick")(tick)
"""
CELERY = """
import os
import subprocess
import sys
import time
from datetime import UTC, datetime

from probe_celery import task

if __name__ == "__main__":
    subprocess.Popen([{redis!r}, "--port", "0", "--unixsocket", "redis.sock",
                      "--appendonly", "yes", "--appendfsync", "always"])
    while not os.path.exists("redis.sock"):
        time.sleep(0.01)
{dues}
    for due in dues:
        for _ in range({count}):
            task.apply_async(eta=datetime.fromtimestamp(due, UTC))
    command = [sys.executable, "-m", "celery", "-A", "probe_celery", "worker"]
    subprocess.run([*command, "--pool", "prefork", "--concurrency", "{workers}"])
"""
AHEAD_S = 5.0
"""What a queue gets before its first due, to be filled and to start, ..."""
AHEAD_EACH_S = 0.005
"""... and for each task that it is filled with."""


class Scene(NamedTuple):
    """What is due."""

    folder: Path
    at_once: int
    """So many at once, ..."""
    period_s: int
    """... each time that seconds since 1970 are a multiple of this, which divides a minute; ..."""
    dues: int
    """... at least so many times."""


class Peer(NamedTuple):
    """One row."""

    name: str
    prepare: Callable[[Scene], list[str]]
    is_for: Callable[[int], bool] = lambda _count: True


def place_probe(scene: Scene) -> None:
    """Write what all of them call."""
    (scene.folder / "probe.py").write_text(PROBE.format(out=str(scene.folder / "out")))


def linod_tasks(count: int, keys: str, *, max_running: int = DEFAULT_MAX_RUNNING) -> str:
    """Write a `linod.toml` of tasks that differ in their names alone."""
    head = f'[linod]\ntimezone = "UTC"\nmax_running = {max_running}\n'
    return head + "".join(f"\n[tasks.t{number:05}]\n{keys}" for number in range(count))


def process_key(process: str) -> str:
    """Write the key where it is not the default."""
    return "" if process == "fresh" else f'process = "{process}"\n'


def demand_effect(folder: Path, key: str) -> None:
    """Raise Absent where check says that a key of the first task has no effect yet (L090)."""
    command = [sys.executable, "-m", "linod", "-c", "linod.toml", "check", "--json"]
    ran = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=ANSWER_WITHIN_S, check=False
    )
    for each in json.loads(ran.stdout):
        if each["code"] == "L090" and f".{key} " in each["message"]:
            raise Absent(f"linod check says L090: {each['message']}")


def _linod(process: str, max_running: int | None = None) -> Callable[[Scene], list[str]]:
    def prepare(scene: Scene) -> list[str]:
        phrase = f"every {scene.period_s} seconds" if scene.period_s > 1 else "every second"
        keys = f'procedure = "probe.tick"\nrecurrence = "{phrase}"\n{process_key(process)}'
        running = max_running or max(scene.at_once, DEFAULT_MAX_RUNNING)
        (scene.folder / "linod.toml").write_text(
            linod_tasks(scene.at_once, keys, max_running=running)
        )
        if process != "fresh":
            demand_effect(scene.folder, "process")
        return linod_serve(scene.folder)

    return prepare


def _cronstable(scene: Scene) -> list[str]:
    _demand("cronstable")
    (scene.folder / "probe_main.py").write_text("from probe import tick\n\ntick()\n")
    schedule = "* * * * * * *" if scene.period_s == 1 else f"*/{scene.period_s} * * * * * *"
    command = [sys.executable, str(scene.folder / "probe_main.py")]
    jobs = "".join(
        CRONSTABLE_JOB.format(number=number, command=command, schedule=schedule)
        for number in range(scene.at_once)
    )
    (scene.folder / "cronstable.yaml").write_text(f"jobs:\n{jobs}")
    return [sys.executable, "-m", "cronstable", "-c", "cronstable.yaml", "-l", "WARNING"]


def _apscheduler(pool: str) -> Callable[[Scene], list[str]]:
    def prepare(scene: Scene) -> list[str]:
        _demand("apscheduler")
        text = APSCHEDULER.format(pool=pool, count=scene.at_once, period_s=scene.period_s)
        return _script(scene, text)

    return prepare


def _huey(scene: Scene) -> list[str]:
    _demand("huey")
    return _script(scene, HUEY.format(dues=_dues(scene), count=scene.at_once, workers=WORKERS))


def _celery(scene: Scene) -> list[str]:
    _demand("celery")
    redis = redis_server()
    (scene.folder / "probe_celery.py").write_text(CELERY_APP.format(folder=scene.folder))
    text = CELERY.format(dues=_dues(scene), count=scene.at_once, workers=WORKERS, redis=redis)
    return _script(scene, text)


def redis_server() -> str:
    """Return the path of a Redis server; raise Absent where there is none."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found is None:
        raise Absent("no Redis server was found (redis-server, valkey-server)")
    return found


def _dues(scene: Scene) -> str:
    ahead_s = AHEAD_S + AHEAD_EACH_S * scene.at_once * scene.dues
    return DUES.format(ahead_s=ahead_s, period_s=scene.period_s, dues=scene.dues)


def _script(scene: Scene, text: str) -> list[str]:
    (scene.folder / "scheduler.py").write_text(text)
    return [sys.executable, "scheduler.py"]


def _demand(module: str) -> None:
    if find_spec(module) is None:
        raise Absent(f"{module} is not installed")


FRESH, REUSED = "linod, fresh", "linod, reused"
PROCESS_POOL = "APScheduler, process pool"
PEERS = (
    Peer(FRESH, _linod("fresh")),
    Peer(
        f"linod, fresh, max_running = {DEFAULT_MAX_RUNNING}",
        _linod("fresh", DEFAULT_MAX_RUNNING),
        lambda count: count > DEFAULT_MAX_RUNNING,
    ),
    Peer(REUSED, _linod("reused")),
    Peer("cronstable, python command", _cronstable),
    Peer(PROCESS_POOL, _apscheduler(f"ProcessPoolExecutor({WORKERS})")),
    Peer("APScheduler, thread pool", _apscheduler("ThreadPoolExecutor(10)")),
    Peer("Huey, SQLite, schedule()", _huey),
    Peer("Celery, Redis, eta", _celery),
)

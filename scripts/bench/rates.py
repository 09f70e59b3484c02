"""The peers whose throughput is compared: each writes a program that does so many no-op runs.

Each program writes `result` into its folder: the seconds from the first to the last of them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from peers import WORKERS, redis_server
from processes import Absent

APSCHEDULER = """
import threading
import time
from pathlib import Path

from apscheduler.events import EVENT_JOB_EXECUTED
from apscheduler.executors.pool import ProcessPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from noop import noop

if __name__ == "__main__":
    left, done = {count}, threading.Event()

    def count(event):
        global left
        left -= 1
        if left == 0:
            done.set()

    scheduler = BackgroundScheduler({{"default": ProcessPoolExecutor({workers})}}, timezone="UTC")
    scheduler.add_listener(count, EVENT_JOB_EXECUTED)
    scheduler.start(paused=True)
    for _ in range({count}):
        scheduler.add_job(noop, misfire_grace_time=None)
    began = time.monotonic()
    scheduler.resume()
    done.wait()
    Path("result").write_text(str(time.monotonic() - began))
    scheduler.shutdown()
"""
HUEY_APP = """
from huey import SqliteHuey

from noop import noop

huey = SqliteHuey(filename="huey.db", fsync=True, results=False)
task = huey.task()(noop)

if __name__ == "__main__":
    consumer = huey.create_consumer(
        workers={workers}, worker_type="process", periodic=False, initial_delay=0.01, max_delay=0.01
    )
    consumer.run()
"""
QUEUED = """
import subprocess
import sys
import time
from pathlib import Path

{start}
def wait_for(condition):
    while not condition():
        time.sleep(0.005)


for _ in range({count}):
    {enqueue}
worker = subprocess.Popen([sys.executable, *{command!r}])
wait_for(lambda: {pending} < {count})
began = time.monotonic()
wait_for(lambda: {pending} == 0)
Path("result").write_text(str(time.monotonic() - began))
worker.terminate()
worker.wait()
"""
CELERY_APP = """
from celery import Celery

from noop import noop

app = Celery("celery_app", broker="redis+socket://{folder}/redis.sock")
app.conf.task_ignore_result = True
app.conf.task_acks_late = True
app.conf.worker_prefetch_multiplier = 1
app.conf.broker_connection_retry_on_startup = True
task = app.task(name="noop")(noop)
"""
REDIS = """
import os

from redis import Redis

subprocess.Popen([{redis!r}, "--port", "0", "--unixsocket", "redis.sock",
                  "--appendonly", "yes", "--appendfsync", "always"])
while not os.path.exists("redis.sock"):
    time.sleep(0.01)
redis = Redis(unix_socket_path="redis.sock")
from celery_app import task
"""


class Rated(NamedTuple):
    """One row."""

    name: str
    prepare: Callable[[Path, int], list[str]]
    records: str
    """What it records, and when."""


def _apscheduler(folder: Path, count: int) -> list[str]:
    _demand("apscheduler")
    return _program(folder, APSCHEDULER.format(count=count, workers=WORKERS))


def _huey(folder: Path, count: int) -> list[str]:
    _demand("huey")
    (folder / "huey_app.py").write_text(HUEY_APP.format(workers=WORKERS))
    text = QUEUED.format(
        start="from huey_app import huey, task\n\n",
        enqueue="task()",
        pending="huey.pending_count()",
        command=["huey_app.py"],
        count=count,
    )
    return _program(folder, text)


def _celery(folder: Path, count: int) -> list[str]:
    _demand("celery")
    redis = redis_server()
    (folder / "celery_app.py").write_text(CELERY_APP.format(folder=folder))
    worker = ["-m", "celery", "-A", "celery_app", "worker", "--pool", "prefork"]
    text = QUEUED.format(
        start=REDIS.format(redis=redis),
        enqueue="task.delay()",
        pending='redis.llen("celery") + redis.hlen("unacked")',
        command=[*worker, "--concurrency", str(WORKERS)],
        count=count,
    )
    return _program(folder, text)


def _cronstable(_folder: Path, _count: int) -> list[str]:
    raise Absent("it has no queue: it starts what is due each second, or not")


def _program(folder: Path, text: str) -> list[str]:
    (folder / "noop.py").write_text("def noop():\n    pass\n")
    (folder / "program.py").write_text(text)
    return [sys.executable, "program.py"]


def _demand(module: str) -> None:
    if find_spec(module) is None:
        raise Absent(f"{module} is not installed")


RATED = (
    Rated("APScheduler, process pool", _apscheduler, "nothing, before or after"),
    Rated("Huey, SQLite, two processes", _huey, "taken off the queue before; no end"),
    Rated("Celery, Redis, two processes", _celery, "off the queue after; no start"),
    Rated("cronstable", _cronstable, ""),
)

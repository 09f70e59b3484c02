"""Web servers and Django on the shared log, each as its users start it."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from linod.log import LogPlan, Rotator
from linod.log.rotation import rotated

from .processes import run_python, until

APP = """
import logging
from loguru import logger

def application(environ, start_response):
    logger.info("loguru {}", environ["PATH_INFO"])
    logging.getLogger("shop").warning("logging %s", environ["PATH_INFO"])
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]
"""
LOGGED = re.compile(r"^\S+ \S+ (\w+) +(\S+)\[(\d+)\] (\S+): (.*)$")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "linod.toml").write_text("[log]\n")
    (tmp_path / "app.py").write_text(APP)
    return tmp_path


def free_port():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


@contextmanager
def running(command, folder, port):
    """Run a server from when it answers; end it as a terminal would."""
    with (folder / "output").open("w") as output:
        server = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output)
    try:
        until(lambda: asked(port, "/ready"))
        yield server
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)


def asked(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.read() == b"ok"
    except OSError:
        return False


def lines(folder):
    log = folder / "log" / "linod.log"
    texts = [file.read_text() for file in (*sorted(rotated(log)), log)]
    return [LOGGED.fullmatch(line).groups() for text in texts for line in text.splitlines()]


def assert_each_request_is_logged_once(found, paths):
    for path in paths:
        for name, text in (("app", f"loguru {path}"), ("shop", f"logging {path}")):
            assert sum(where.startswith(name) and text == what for *_, where, what in found) == 1


def test_workers_of_gunicorn_log_themselves_and_what_gunicorn_says(folder):
    port = free_port()
    (folder / "gunicorn.conf.py").write_text(
        f'bind = "127.0.0.1:{port}"\nworkers = 3\n'
        'logger_class = "linod.integrations.gunicorn.Logger"\n'
    )
    paths = [f"/{number}" for number in range(60)]

    with running([sys.executable, "-m", "gunicorn", "app:application"], folder, port) as server:
        plan = LogPlan(path=folder / "log" / "linod.log", rotation="1 kB")
        for path in paths:
            assert asked(port, path)
            Rotator(plan).rotate_if_due(datetime.now(UTC))
        server.send_signal(signal.SIGHUP)  # makes new workers, and sets the logger up again
        until(lambda: asked(port, "/again"))

    found = lines(folder)
    assert len(rotated(plan.path)) > 5
    assert_each_request_is_logged_once(found, paths)
    access = [what for *_, where, what in found if where.startswith("gunicorn.access")]
    assert all(sum(f'"GET {path} HTTP/1.1" 200' in line for line in access) == 1 for path in paths)
    assert any(what.startswith("Starting gunicorn") for *_, what in found)
    assert {program for _, program, *_ in found} == {"gunicorn"}
    pids = {pid for _, _, pid, where, _ in found if where.startswith("app")}
    assert pids
    assert str(server.pid) not in pids


def test_the_logger_of_gunicorn_can_be_quiet_about_requests(folder):
    port = free_port()
    (folder / "linod.toml").write_text('[log]\nlevels = { "gunicorn.access" = "WARNING" }\n')
    options = [
        "--bind",
        f"127.0.0.1:{port}",
        "--logger-class",
        "linod.integrations.gunicorn.Logger",
    ]

    with running([sys.executable, "-m", "gunicorn", *options, "app:application"], folder, port):
        assert asked(port, "/first")

    found = lines(folder)
    assert [where for *_, where, _ in found if where.startswith("gunicorn.access")] == []
    assert_each_request_is_logged_once(found, ["/first"])


UWSGI = shutil.which("uwsgi", path=str(Path(sys.executable).parent))


@pytest.mark.skipif(UWSGI is None, reason="uWSGI is not installed here")
@pytest.mark.parametrize("is_in_app", [False, True])
def test_workers_of_uwsgi_log_under_their_own_pids(folder, is_in_app):
    port = free_port()
    connect = ["--import", "linod.integrations.uwsgi"]
    if is_in_app:  # in the master, before it forks as C code does, without Python's hooks
        (folder / "app.py").write_text(f"import linod\nlinod.connect_log()\n{APP}")
        connect = []
    command = [UWSGI, "--http", f"127.0.0.1:{port}", "--master", "--processes", "2", "--need-app"]
    command += ["--module", "app", "--pythonpath", ".", "--home", sys.prefix, *connect]

    with running(command, folder, port) as server:
        assert all(asked(port, f"/{number}") for number in range(20))

    found = lines(folder)
    assert_each_request_is_logged_once(found, [f"/{number}" for number in range(20)])
    assert str(server.pid) not in {pid for _, _, pid, *_ in found}


SETTINGS = """
SECRET_KEY = "k"
INSTALLED_APPS = []
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"linod": {"class": "linod.log.Handler", "level": "INFO"}},
    "root": {"handlers": ["linod"], "level": "DEBUG"},
    "loggers": {"django.request": {"handlers": ["linod"]}},
}
"""
DJANGO = """
import logging, os
os.environ["DJANGO_SETTINGS_MODULE"] = "shop_settings"
import django
django.setup()
from loguru import logger
logging.getLogger("django.request").error("twice named")
logging.getLogger("shop").info("standard")
logging.getLogger("shop").debug("below the level of the handler")
logger.info("loguru")
"""


@pytest.mark.skipif(importlib.util.find_spec("django") is None, reason="Django is not installed")
def test_an_entry_in_the_logging_of_django_puts_it_on_the_log(folder):
    (folder / "shop_settings.py").write_text(SETTINGS)

    ended = run_python(DJANGO, folder, PYTHONPATH=str(folder))

    assert (ended.returncode, ended.stderr) == (0, "")
    assert [what for *_, what in lines(folder)] == ["twice named", "standard", "loguru"]


def test_the_handler_takes_a_path_and_a_filter(folder):
    code = (
        "import logging.config, os\n"
        "class Only(logging.Filter):\n"
        "    def filter(self, record): return 'keep' in record.getMessage()\n"
        "logging.config.dictConfig({'version': 1, 'filters': {'only': {'()': Only}},\n"
        " 'handlers': {'linod': {'class': 'linod.log.Handler', 'filters': ['only'],\n"
        "              'path': os.environ['TOML']}}, 'root': {'handlers': ['linod']}})\n"
        "logging.warning('keep'); logging.warning('leave')\n"
    )

    run_python(code, "/", TOML=str(folder / "linod.toml"))

    assert [what for *_, what in lines(folder)] == ["keep"]


def test_a_linod_toml_with_nothing_but_the_log_is_right(folder):
    command = [sys.executable, "-m", "linod", "check"]

    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=os.environ)

    assert ended.returncode == 0
    assert "0 errors, 0 warnings" in ended.stdout

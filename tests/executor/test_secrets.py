"""Secrets are masked wherever a run can say them: canaries, and all that comes of its runs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from linod.specs import LogFormat, LogLevel, Process, Reference

PASSWORD = "c4n4ry:pässwört/'\"%s"
NUMBER = "8675309123"
KEY = "-----BEGIN KEY-----\nc4n4ryLineOfTheKey\n-----END KEY-----"
FORMS = [
    PASSWORD,
    NUMBER,
    "c4n4ry",
    "p%C3%A4ssw",
    "p\\xe4ss",
    "p\\u00e4ss",
]
SPEAKS = """
import datetime, json, logging, os, sys, traceback, urllib.parse, warnings
from loguru import logger

class Late:
    # The environment of a run comes after the import.
    def __getattr__(self, name):
        return os.environ[name]

secret = Late()

class Odd(Exception):
    def __init__(self, text):
        super().__init__(text, secret.PASSWORD.encode(), {"password": secret.PASSWORD})
        self.add_note(f"note {secret.PASSWORD}")

def say():
    logger.info("password {}", secret.PASSWORD)
    raw = secret.PASSWORD.encode()
    extra = {secret.PASSWORD: secret.PASSWORD, "pin": int(secret.NUMBER), "raw": raw}
    logger.bind(**extra).info("bound")
    logger.debug("kept {}", secret.PASSWORD)
    logger.info(secret.KEY)
    named = logging.getLogger(f"shop.{secret.PASSWORD}")
    named.warning("%s %r", secret.PASSWORD, secret.PASSWORD, extra={"e": secret.KEY})
    logging.getLogger("shop").warning("%s", json.dumps({"p": secret.PASSWORD}))
    logging.getLogger("shop").warning("%a", secret.PASSWORD)
    logging.getLogger("shop").warning("postgresql://me:%s@db", urllib.parse.quote(secret.PASSWORD))
    logging.getLogger("shop").warning("?p=%s", urllib.parse.quote_plus(secret.PASSWORD))
    try:
        raise Odd(secret.PASSWORD)
    except Odd:
        logger.exception("it was {}", secret.PASSWORD)
        traceback.print_exc()
    warnings.warn(secret.PASSWORD)
    print(secret.PASSWORD)
    sys.stderr.write(f"{secret.PASSWORD}\\n")
    os.write(1, f"raw {secret.PASSWORD}\\n".encode())
    os.system('echo "$PASSWORD $NUMBER"; echo "$KEY" >&2')

def fails():
    say()
    try:
        raise Odd("x" * 290 + secret.PASSWORD)
    except Odd as error:
        raise RuntimeError(f"{'y' * 288}{secret.PASSWORD}") from error

def gives():
    say()
    return {"password": secret.PASSWORD, secret.PASSWORD: [int(secret.NUMBER), secret.KEY]}

def warns():
    raise UserWarning(secret.PASSWORD)

def takes(day: datetime.date):
    pass

def exits():
    sys.exit(secret.PASSWORD)

async def sleeps():
    say()
    raise Odd(secret.PASSWORD)
"""
ENV = {
    name: Reference(text, {"file": "x"}, is_secret=True)
    for name, text in (("PASSWORD", PASSWORD), ("NUMBER", NUMBER), ("KEY", KEY))
}
SECRET = ENV["PASSWORD"]
TASKS: dict[str, dict[str, Any]] = {
    "fails": {"procedure": "speaks.fails"},
    "gives": {"procedure": "speaks.gives"},
    "warns": {"procedure": "speaks.warns"},
    "exits": {"procedure": "speaks.exits"},
    "sleeps": {"procedure": "speaks.sleeps"},
    "asks": {"only_if": "speaks.fails", "command": ["true"]},
    "reused": {"procedure": "speaks.fails", "process": Process.REUSED},
    "together": {"procedure": "speaks.sleeps", "process": Process.REUSED, "max_running": 2},
    "shell": {"shell": 'echo "$PASSWORD"; echo "$KEY" >&2; echo "$NUMBER"; exit 3'},
    "missing": {"command": [SECRET]},
    "path": {"command": ["no-such-program"], "env": {**ENV, "PATH": SECRET}},
    "argument": {"procedure": "speaks.takes", "arguments": {"day": SECRET}},
    "kept": {
        "procedure": "speaks.fails",
        "log_level": LogLevel.CRITICAL,
        "log_keep": LogLevel.DEBUG,
    },
}


@pytest.mark.parametrize("form", [*LogFormat])
@pytest.mark.parametrize("name", TASKS)
def test_no_secret_is_in_anything_that_comes_of_a_run(
    stage: Any, name: str, form: LogFormat
) -> None:
    stage.module("speaks", SPEAKS)
    stage.log_format = form
    stage.task(name, **{"env": ENV, **TASKS[name]})
    end = stage.run(name)
    files = {
        path: path.read_bytes().decode(errors="replace")
        for folder in (stage.directory, stage.folder / "log")
        for path in folder.rglob("*")
        if path.is_file()
    }
    everything = {
        "reason": end.reason,
        "detail": json.dumps(end.detail, ensure_ascii=False),
        "log": end.log,
        **files,
    }

    found = [(place, each) for place, text in everything.items() for each in FORMS if each in text]
    assert found == []
    assert "***" in "".join(everything.values())

"""The plan of a log and the notation of its rotation."""

from __future__ import annotations

import json
from datetime import time, timedelta
from pathlib import Path

import pytest

from linod.errors import ConfigurationError
from linod.log.plan import LogPlan, Rotation, parse_rotation
from linod.specs import Config, Log, LogFormat, LogLevel, LogSink, SinkName, ZoneName

CONFIG = Config(path=Path("/x/linod.toml"), zone=ZoneName("Europe/Tallinn"))


def test_without_a_log_table_the_console_is_the_log():
    assert LogPlan.of(CONFIG, {}) == LogPlan(zone="Europe/Tallinn")


def test_a_plan_survives_its_way_through_json():
    plan = LogPlan(
        path=Path("/x/log/linod.log"),
        fd=7,
        out=6,
        beside=(
            LogSink(SinkName.STDOUT, LogFormat.JSON),
            LogSink(SinkName.JOURNALD, LogFormat.TEXT),
        ),
        journal="/x/socket",
        file_level=LogLevel.TRACE,
        level=LogLevel.DEBUG,
        levels={"lib": LogLevel.ERROR},
        format=LogFormat.JSON,
        zone="Europe/Tallinn",
        rotation="20 MB",
        retention=timedelta(days=14),
        compression="gz",
    )

    assert LogPlan.of_json(json.loads(json.dumps(plan.to_json()))) == plan


@pytest.mark.parametrize(
    ("environ", "level"),
    [
        ({}, "WARNING"),
        ({"LINOD_LOG_LEVEL": ""}, "WARNING"),
        ({"LINOD_LOG_LEVEL": "debug"}, "DEBUG"),
    ],
)
def test_the_level_of_the_environment_wins_over_the_file(environ, level):
    config = Config(path=Path("/x"), log=Log(directory=Path("/l"), level=LogLevel.WARNING))

    plan = LogPlan.of(config, environ)

    assert (plan.path, plan.level) == (Path("/l/linod.log"), level)


def test_a_wrong_level_in_the_environment_is_refused():
    with pytest.raises(
        ConfigurationError, match='LINOD_LOG_LEVEL is "loud": expected one of TRACE'
    ):
        LogPlan.of(CONFIG, {"LINOD_LOG_LEVEL": "loud"})


@pytest.mark.parametrize(
    ("text", "rotation"),
    [
        ("20 MB", Rotation(size=20_000_000)),
        ("1 MiB", Rotation(size=1_048_576)),
        ("00:00", Rotation(at=time(0, 0))),
        ("1 week", Rotation(age=timedelta(weeks=1))),
        ("none", None),
        (None, None),
    ],
)
def test_a_rotation_is_a_size_a_time_of_day_or_an_age(text, rotation):
    assert parse_rotation(text) == rotation


@pytest.mark.parametrize("text", ["", "20", "daily", "25:00", "-1 day", "20 XB"])
def test_any_other_rotation_is_refused_with_what_was_expected(text):
    with pytest.raises(ValueError, match=r'expected a size \("20 MB"\)'):
        parse_rotation(text)


@pytest.mark.parametrize(
    ("environ", "level", "file_level"),
    [
        ({"LINO_LOGLEVEL": "error"}, "ERROR", None),
        ({"LINO_LOGLEVEL": "error", "LINOD_LOG_LEVEL": "debug"}, "DEBUG", None),
        ({"LINOD_FILE_LOG_LEVEL": "debug"}, "WARNING", "DEBUG"),
        ({"LINO_FILE_LOGLEVEL": "DEBUG", "LINOD_LOG_LEVEL": "info"}, "INFO", "DEBUG"),
        ({"LINO_FILE_LOGLEVEL": "DEBUG", "LINOD_FILE_LOG_LEVEL": "error"}, "WARNING", "ERROR"),
    ],
)
def test_the_file_has_a_variable_of_its_own_and_those_of_lino_come_second(
    environ, level, file_level
):
    config = Config(path=Path("/x"), log=Log(directory=Path("/l"), level=LogLevel.WARNING))

    plan = LogPlan.of(config, environ)

    assert (plan.level, plan.file_level) == (level, file_level)


@pytest.mark.parametrize("name", ["LINOD_FILE_LOG_LEVEL", "LINO_LOGLEVEL", "LINO_FILE_LOGLEVEL"])
def test_each_of_them_is_refused_where_it_is_wrong(name):
    with pytest.raises(ConfigurationError, match=f'^{name} is "loud": expected one of TRACE, DEB'):
        LogPlan.of(CONFIG, {name: "loud"})

"""Every source of records ends in one log, each in a process of its own."""

from __future__ import annotations

import json
import logging
import logging.config
import os
import signal
import subprocess
import sys
import threading
import warnings

import pytest
from loguru import logger

from linod.errors import ConfigurationError
from linod.log import LogPlan, check_log, end_log, replace_streams, start_log, write_output
from linod.log.recorder import make_current
from linod.specs import LogFormat, LogLevel

from .processes import in_child, run_python


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log" / "linod.log"


@pytest.fixture
def logged(path):
    """Run a function in a child that is on the log, and give what the log holds then."""

    def run(function, task="t", number=1, plan=None, **options):
        def child():
            logging.getLogger().handlers.clear()  # those of pytest
            make_current(None)
            start_log(plan or LogPlan(path=path), program="p", task=task, run=number, **options)
            function()

        in_child(child)
        if not path.exists():
            return []
        return [line.split(" ", 2)[2] for line in path.read_text().splitlines()]

    return run


def messages(lines):
    return [line.split(": ", 1)[1] for line in lines]


def test_loguru_logging_warnings_print_and_stderr_come_in_order(logged):
    def log():
        replace_streams()
        logger.info("one")
        logging.getLogger("lib").error("two %s", "2")
        print("three")
        print("four", file=sys.stderr)
        warnings.warn("five", stacklevel=1)
        logger.success("six")

    lines = [line.split() for line in logged(log)]

    assert [(words[0], words[-1]) for words in lines if words[-1] in "one 2 three four six"] == [
        ("INFO", "one"),
        ("ERROR", "2"),
        ("INFO", "three"),
        ("WARNING", "four"),
        ("SUCCESS", "six"),
    ]
    assert lines[4][:4] == ["WARNING", "t#1", "py.warnings:", "UserWarning:"]


def test_a_record_names_its_logger_function_and_line(logged):
    def log():
        logging.getLogger("lib.part").warning("w")

    (line,) = logged(log)

    assert line.startswith("WARNING  t#1 lib.part:log:")


def test_the_level_of_the_task_wins_over_that_of_the_log(logged):
    def log():
        logger.info("left out")
        logging.info("left out")
        logger.warning("kept")

    assert messages(logged(log, level=LogLevel.WARNING)) == ["kept"]


def test_the_level_of_a_logger_wins_over_that_of_the_task(logged, path):
    plan = LogPlan(path=path, levels={"lib": LogLevel.DEBUG, "lib.loud": LogLevel.ERROR})

    def log():
        logging.getLogger("lib.a.b").debug("kept")
        logging.getLogger("library").debug("left out")
        logging.getLogger("lib.loud").warning("left out")

    assert messages(logged(log, plan=plan, level=LogLevel.WARNING)) == ["kept"]


def test_a_worker_may_log_below_the_level_of_its_keeper(logged, path):
    def log():
        start_log(LogPlan(path=path), program="p", task="t", run=2, level=LogLevel.DEBUG)
        logger.debug("kept")
        logging.debug("kept too")

    assert messages(logged(log)) == ["kept", "kept too"]


def test_an_exception_is_one_line_with_its_traceback(logged):
    def log():
        try:
            raise ValueError("no\nway")
        except ValueError:
            logger.exception("loguru")
            logging.exception("logging")

    first, second = messages(logged(log))

    assert first.startswith("loguru\\nTraceback (most recent call last):\\n  File ")
    assert first.endswith("\\nValueError: no\\nway")
    assert second.startswith("logging\\nTraceback")


def test_a_chain_of_ten_thousand_causes_loses_no_record(logged):
    def log():
        error = None
        for number in range(10_000):
            cause, error = error, ValueError(number)
            error.__cause__ = cause
        logger.opt(exception=error).error("deep")

    assert messages(logged(log))[0].startswith("deep\\nValueError: 0\\n")


def test_values_of_variables_are_not_shown(logged):
    def log():
        password = "hunter22"
        try:
            raise ValueError(len(password))
        except ValueError:
            logger.exception("x")

    assert "hunter22" not in logged(log)[0]


def test_wrong_arguments_of_logging_do_not_lose_the_record(logged):
    class Hostile:
        def __str__(self):
            raise RuntimeError

    def log():
        logging.info("%d sent", "x")
        logging.info(Hostile())
        logging.info("%s", Hostile())

    first, second, third = messages(logged(log))

    assert first == "%d sent [arguments ('x',) do not fit: TypeError]"
    assert second.startswith("<Hostile: str() raised RuntimeError>")
    assert third.startswith("%s [arguments")


def test_json_records_carry_extra_of_both_libraries(logged, path):
    plan = LogPlan(path=path, format=LogFormat.JSON)

    def log():
        logger.bind(order=1).info("a {who}", who="x")
        logging.info("b", extra={"order": 2})

    with pytest.raises(IndexError):
        logged(log, plan=plan)
    found = [json.loads(line) for line in path.read_text().splitlines()]

    assert [(each["message"], each["extra"]) for each in found] == [
        ("a x", {"order": 1, "who": "x"}),
        ("b", {"order": 2}),
    ]


def test_secrets_are_masked_whoever_logs_them(logged):
    def log():
        replace_streams()
        print("my s3cret")
        logger.info("s3cret")
        logging.error("s3cret")

    assert messages(logged(log, secrets=["s3cret"])) == ["my ***", "***", "***"]


def test_basic_config_changes_nothing(logged):
    def log():
        logging.basicConfig(level=logging.ERROR, format="%(message)s")
        logging.info("kept")

    assert messages(logged(log)) == ["kept"]


def test_console_handlers_made_at_import_are_taken_off_in_the_run(logged, path):
    config = {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"console": {"class": "logging.StreamHandler"}},
        "root": {"handlers": ["console"], "level": "WARNING"},
        "loggers": {"shop": {"handlers": ["console"], "level": "DEBUG", "propagate": False}},
    }

    def log():
        logging.config.dictConfig(config)
        logger.add(sys.stderr)
        start_log(LogPlan(path=path), program="p", task="t", run=2)
        logging.info("root")
        logging.getLogger("shop").info("shop")
        assert all(type(h) is not logging.StreamHandler for h in logging.getLogger().handlers)
        assert " stream" not in repr(logger)

    assert messages(logged(log)) == ["root", "shop"]


def test_a_sink_that_user_code_removed_comes_back_with_the_next_run(logged, path):
    def log():
        logger.remove()
        logger.info("gone")
        start_log(LogPlan(path=path), program="p", task="t", run=2)
        logger.info("back")

    assert messages(logged(log)) == ["back"]


def test_sinks_and_handlers_to_other_places_stay(logged, tmp_path):
    def log():
        logger.add(tmp_path / "own.log", format="{message}")
        start_log(LogPlan(path=tmp_path / "log" / "linod.log"), program="p")
        logger.info("both")

    logged(log)

    assert (tmp_path / "own.log").read_text() == "both\n"


def test_forwarding_loguru_to_logging_makes_no_circle(logged):
    class Forward(logging.Handler):
        def emit(self, record):
            logging.getLogger(record.name).handle(record)

    def log():
        logger.add(Forward(), format="{message}")
        logger.info("x")

    assert messages(logged(log)) == ["x", "x"]


def test_a_print_without_newline_is_logged_at_the_end(logged):
    def log():
        replace_streams()
        print("a", end="")
        logger.info("b")
        sys.stderr.write("c\nd")
        end_log()

    assert messages(logged(log)) == ["b", "c", "a", "d"]


def test_a_child_process_inherits_a_real_descriptor(logged):
    def log():
        replace_streams()
        read, write = os.pipe()
        os.dup2(write, 1)
        subprocess.run(["echo", "child"], check=True, stdout=sys.stdout)
        logger.info(os.read(read, 100).decode())

    assert messages(logged(log)) == ["child\\n"]


def test_threads_that_print_do_not_share_a_line(logged):
    def log():
        replace_streams()
        gate = threading.Barrier(2)

        def say(sign):
            sys.stdout.write(sign)
            gate.wait()
            sys.stdout.write(sign + "\n")

        threads = [threading.Thread(target=say, args=(sign,)) for sign in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sorted(messages(logged(log))) == ["aa", "bb"]


def test_bytes_written_to_stdout_are_decoded_across_writes(logged):
    def log():
        replace_streams()
        sys.stdout.buffer.write("caf\u00e9".encode()[:-1])
        sys.stdout.buffer.write("\u00e9".encode()[1:] + b" \xff\n")

    assert messages(logged(log)) == ["café \\udcff"]


def test_a_long_line_of_output_becomes_several_and_loses_nothing(logged):
    def log():
        replace_streams()
        print("x" * 200_000)

    assert [len(message) for message in messages(logged(log))] == [65536, 65536, 65536, 3392]


def test_what_looks_at_stdout_finds_a_text_stream(logged):
    def log():
        replace_streams()
        sys.stdout.reconfigure(encoding="utf-8", line_buffering=True)
        answers = (sys.stdout.isatty(), sys.stdout.fileno(), sys.stdout.encoding, sys.stdout.closed)
        sys.stdout.close()
        print(*answers, sys.stdout.name, sys.stdout.writable())

    assert messages(logged(log)) == ["False 1 utf-8 False <stdout> True"]


def test_on_line_gets_every_line_as_written_and_may_print(logged, path):
    def log():
        lines = []

        def keep(line):
            lines.append(line)
            print("from on_line")

        start_log(LogPlan(path=path), program="p", task="t", run=1, on_line=keep)
        replace_streams()
        logger.info("a")
        logging.info("b")
        written = path.read_bytes().splitlines(keepends=True)
        assert lines == [line for line in written if b"from on_line" not in line]
        assert len(written) == 4

    logged(log)


def test_output_of_a_run_is_written_by_its_keeper(logged, path):
    def log():
        written = write_output("a\nb\n", LogLevel.INFO, "mirror", 9)
        assert written == path.read_bytes()
        assert write_output("c", LogLevel.INFO, "mirror", 9, task_level=LogLevel.ERROR) == b""

    lines = logged(log, task=None, number=None)

    assert lines == ["INFO     mirror#9 stdout: a", "INFO     mirror#9 stdout: b"]


def test_a_signal_handler_a_finalizer_and_a_thread_may_log_at_any_time(logged):
    def log():
        signal.signal(signal.SIGALRM, lambda *_: logger.info("alarm"))
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        for number in range(3_000):
            logger.info("n {}", number)
        signal.setitimer(signal.ITIMER_REAL, 0)

    found = messages(logged(log))

    assert [line for line in found if line != "alarm"] == [f"n {n}" for n in range(3_000)]
    assert "alarm" in found


def test_a_record_in_an_exit_handler_is_written(path, tmp_path):
    code = (
        "import atexit, sys; from pathlib import Path; from loguru import logger\n"
        "from linod.log import LogPlan, start_log, replace_streams\n"
        f"start_log(LogPlan(path=Path({str(path)!r})), program='p'); replace_streams()\n"
        "atexit.register(lambda: logger.info('late')); print('partial', end='')\n"
    )

    ended = run_python(code, tmp_path)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert [line.split(": ")[1] for line in path.read_text().splitlines()] == ["late", "partial"]


def test_without_a_file_lines_go_to_the_console_whole(logged):
    read, write = os.pipe()

    def log():
        logger.info("x" * 3000)

    logged(log, plan=LogPlan(fd=write))

    assert os.read(read, 10_000).decode().endswith(": " + "x" * 3000 + "\n")


def test_a_log_that_cannot_be_written_is_refused_in_one_line(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(ConfigurationError, match=r"file/linod.log cannot be written: Not a dir"):
        check_log(LogPlan(path=tmp_path / "file" / "linod.log"))


def test_a_fifo_or_a_link_in_place_of_the_log_is_refused(tmp_path):
    os.mkfifo(tmp_path / "fifo.log")
    (tmp_path / "link.log").symlink_to("/tmp/x")

    for name in ("fifo.log", "link.log"):
        with pytest.raises(ConfigurationError, match="cannot be written"):
            check_log(LogPlan(path=tmp_path / name))

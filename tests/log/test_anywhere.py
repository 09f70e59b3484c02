"""A connected process may log from anywhere, whatever it is, at any time."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest

from .processes import run_python, until

CALL = "import logging, linod, os, signal, sys, threading\nfrom loguru import logger\n"
CONNECT = f"{CALL}linod.connect_log()\n"


@pytest.fixture
def logged(tmp_path):
    """Run code in a fresh interpreter, and give what was ended and the messages of the log."""
    (tmp_path / "linod.toml").write_text('[linod]\ntimezone = "UTC"\n[log]\n')

    def run(code):
        ended = run_python(code, tmp_path)
        text = (tmp_path / "log" / "linod.log").read_text()
        return ended, [line.split(": ", 1)[1] for line in text.splitlines()]

    return run


def test_threads_that_connect_at_once_connect_once(logged):
    code = """
def work(number):
    together.wait()
    linod.connect_log()
    logging.getLogger("a").warning("%s.", number)
    logger.info("{}.", number)
together = threading.Barrier(16)
threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
[each.start() for each in threads]
[each.join() for each in threads]
"""

    ended, messages = logged(CALL + code)

    assert ended.stderr == ""
    assert sorted(messages) == sorted(2 * [f"{number}." for number in range(16)])


def test_children_forked_while_threads_log_lose_and_double_nothing(logged):
    code = """
def work(name):
    for number in range(2000):
        logging.warning("%s %s.", name, number)
threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
[each.start() for each in threads]
for child in range(20):
    pid = os.fork()
    if not pid:
        for number in range(20):
            logging.warning("child%s %s.", child, number)
            logger.info("child{} loguru{}.", child, number)
        os._exit(0)
    os.waitpid(pid, 0)
[each.join() for each in threads]
"""

    ended, messages = logged(CONNECT + code)

    assert ended.stderr == ""
    assert len(messages) == len(set(messages)) == 2 * 2000 + 20 * 40
    assert [each for each in messages if each.startswith("a ")] == [f"a {n}." for n in range(2000)]


def test_a_signal_handler_may_log_in_the_middle_of_a_record(logged):
    code = """
caught = 0
def handle(*_):
    global caught
    caught = mine = caught + 1
    logging.warning("signal %s.", mine)
    logger.warning("signal of loguru {}.", mine)
signal.signal(signal.SIGALRM, handle)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
for number in range(5000):
    logging.warning("main %s.", number)
    logger.warning("main of loguru {}.", number)
signal.setitimer(signal.ITIMER_REAL, 0)
print(caught)
"""

    ended, messages = logged(CONNECT + code)

    caught = int(ended.stdout)
    assert caught > 10
    assert len(messages) == len(set(messages)) == 2 * caught + 10_000


def test_exit_handlers_finalizers_fork_hooks_and_late_threads_may_log(logged):
    code = """
import atexit, time
atexit.register(lambda: (logging.warning("at exit"), logger.info("at exit of loguru")))
os.register_at_fork(before=lambda: logging.warning("before the fork"),
                    after_in_child=lambda: logging.warning("in the child"))
if not os.fork():
    os._exit(0)
os.wait()
class Cycle:
    def __init__(self): self.own = self
    def __del__(self): logging.warning("in a collection")
Cycle()
def late():
    threading.main_thread().join()
    logging.warning("after the main thread")
threading.Thread(target=late).start()
"""

    ended, messages = logged(CONNECT + code)

    assert ended.stderr == ""
    assert sorted(messages) == sorted(
        [
            *("before the fork", "in the child", "in a collection", "after the main thread"),
            *("at exit", "at exit of loguru"),
        ]
    )


def test_a_finalizer_may_log_when_the_interpreter_is_taken_down(logged):
    code = """
class Last:
    def __del__(self):
        logging.warning("finalizer")
last = Last()
"""

    ended, messages = logged(CONNECT + code)

    assert (ended.stderr, messages) == ("", ["finalizer"])


def test_an_object_that_logs_loops_or_raises_in_its_text_harms_only_its_record(logged):
    code = """
class Logs:
    def __str__(self):
        logging.warning("inner")
        return "outer"
    __repr__ = __str__
class Raises:
    def __repr__(self): raise KeyError("x")
    __str__ = __repr__
class Loops:
    def __repr__(self): return repr(self)
    __str__ = __repr__
class Exits:
    def __str__(self): raise SystemExit(3)
class NoText:
    def __str__(self): return 5
for each in (Logs(), Raises(), Loops(), NoText()):
    logging.warning("%s", each)
    logging.warning(each)
    logging.warning("x", extra={"it": each})
logging.warning("end")
"""

    ended, messages = logged(CONNECT + code)

    assert ended.stderr == ""
    assert messages.count("inner") == 2
    assert messages.count("outer") == 2
    assert (
        sum("raised KeyError" in each or "do not fit: KeyError" in each for each in messages) == 2
    )
    assert sum("RecursionError" in each for each in messages) == 2
    assert messages[-1] == "end"
    assert len(messages) == 2 + 4 * 3 + 1


def test_an_object_that_ends_the_process_in_its_text_leaves_what_was_logged_before(logged):
    code = """
class Ends:
    def __str__(self): os._exit(7)
logging.warning("before")
logging.warning("%s", Ends())
"""

    ended, messages = logged(CONNECT + code)

    assert (ended.returncode, messages) == (7, ["before"])


def test_strange_exceptions_are_one_line_each(logged):
    code = r"""
def raised(error):
    try:
        raise error
    except BaseException:
        logging.exception("logging")
        logger.opt(exception=True).error("loguru")
cyclic = ValueError("cyclic"); other = KeyError("other")
cyclic.__cause__, other.__cause__ = other, cyclic
raised(cyclic)
chain = None
for number in range(10_000):
    chain, chain_before = ValueError(number), chain
    chain.__cause__ = chain_before
raised(chain)
group = ValueError("leaf")
for _ in range(100):
    group = ExceptionGroup("group", [group])
raised(group)
raised(SyntaxError("bad", ("no\nfile\x1b[2J", 10**9, -5, "x\ny", 1, 1)))
"""

    ended, messages = logged(CONNECT + code)

    assert ended.stderr == ""
    assert [each.split("\\n")[0] for each in messages] == ["logging", "loguru"] * 4
    assert not any("\x1b" in each for each in messages)


def test_formats_and_markup_in_a_message_stay_as_they_are(logged):
    code = r"""
for text in ("{0.__class__}", "%(asctime)s %s", "{extra[secret]}", "<red>x</> </>", "%", "{"):
    logger.info(text)
    logger.opt(colors=False).info(text)
    logging.warning(text)
"""

    _, messages = logged(CONNECT + code)

    assert messages == [
        text
        for text in (
            "{0.__class__}",
            "%(asctime)s %s",
            "{extra[secret]}",
            "<red>x</> </>",
            "%",
            "{",
        )
        for _ in range(3)
    ]


def test_strange_levels_and_times_lose_no_record(logged):
    code = r"""
logging.addLevelName(35, '"; DROP TABLE\n')
logging.log(10**9, "huge")
logging.log(35, "named")
logging.log(-7, "negative, which is below every level")
for at in (0.0, 4_294_967_296.0, float("nan"), float("inf"), -1e300, 1e300):
    record = logging.makeLogRecord({"levelno": 30, "levelname": "WARNING", "msg": "t"})
    record.created = at
    logging.getLogger().handle(record)
"""

    ended, messages = logged(CONNECT + code)

    assert ended.stderr == ""
    assert messages == ["huge", "named", *["t"] * 6]


def test_a_message_of_a_hundred_megabytes_is_one_line_that_says_what_is_cut(logged):
    _, messages = logged(CONNECT + "logging.warning('ab\\n' * 33_000_000); logger.info('next')")

    assert len(messages) == 2
    assert len(messages[0]) < 256 * 1024
    assert " characters cut] " in messages[0]


def test_a_flood_of_others_starves_nobody(tmp_path):
    (tmp_path / "linod.toml").write_text('[linod]\ntimezone = "UTC"\n[log]\n')
    flood = f"{CONNECT}while True: logging.warning('flood')"
    calm = f"""{CONNECT}import time
took = []
for number in range(500):
    before = time.monotonic()
    logging.warning("calm %s.", number)
    took.append(time.monotonic() - before)
print(max(took))
"""
    path = tmp_path / "log" / "linod.log"
    floods = [subprocess.Popen([sys.executable, "-c", flood], cwd=tmp_path) for _ in range(3)]
    try:
        until(lambda: path.exists() and path.stat().st_size > 100_000)
        ended = run_python(calm, tmp_path)
    finally:
        for each in floods:
            each.kill()
            each.wait()

    assert float(ended.stdout) < 2.0
    messages = [line.rpartition(": ")[2] for line in path.read_text().splitlines()]
    assert Counter(each for each in messages if each.startswith("calm ")) == Counter(
        f"calm {number}." for number in range(500)
    )

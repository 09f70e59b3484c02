"""What check finds out about user code, whatever that does at import."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from linod.checking import prepare
from linod.executor.early import EarlyChild
from linod.executor.inspect import inspect
from linod.inspection import Declared, Inspection, ProblemKind

SHOP = '''
import datetime, functools
import linod

def report(recipient: str, since: datetime.date | None = None):
    """Send the report."""

@linod.procedure(
    recurrence="every hour", name="hello-all", timeout=datetime.timedelta(minutes=5),
    arguments={"day": datetime.date(2026, 1, 1)},
)
def hello(day: datetime.date): "Say hello."

@linod.procedure
def bare(): ...

@linod.procedure(recurence="every day")
def wrong(): ...

class Tool:
    @staticmethod
    def sharpen(): ...
    @classmethod
    def clean(cls): ...
    def use(self): ...
    @property
    def weight(self): ...

def counts(): yield 1
async def counts_async(): yield 1
async def waits(): ...
bound = functools.partial(report, "x")
short = lambda: None
coroutine = waits()
number = 3
'''


def look(stage: Any, *, timeout_s: float = 30.0, discover: tuple[str, ...] = ()) -> Inspection:
    stage.module("shop", SHOP)
    stage.linod["discover"] = discover
    return inspect(stage.config(), timeout_s)


def problems(stage: Any, procedure: str, **keys: Any) -> list[Any]:
    stage.task("report", procedure=procedure, **keys)
    return list(look(stage).problems)


@pytest.mark.parametrize(
    "path",
    [
        "shop.Tool.sharpen",
        "shop.Tool.clean",
        "shop.waits",
        "shop.bound",
        "shop.short",
        "os.getcwd",
        "linod.procedures.hello",
    ],
)
def test_what_can_be_called_is_described(stage: Any, path: str) -> None:
    stage.task("report", procedure=path)

    found = look(stage)

    assert found.problems == ()
    assert list(found.procedures) == [path]


@pytest.mark.parametrize(
    ("path", "kind", "message", "suggestion"),
    [
        ("shop.Tool", "unsuitable", "shop.Tool is a class: name a function or a static method", ""),
        (
            "shop.Tool.use",
            "unsuitable",
            "shop.Tool.use is a method that needs an instance: make it a static method or a "
            "function",
            "",
        ),
        ("shop.Tool.weight", "unsuitable", "shop.Tool.weight is a property: name a function", ""),
        (
            "shop.counts",
            "unsuitable",
            "shop.counts is a generator: calling it would run nothing of it",
            "",
        ),
        (
            "shop.counts_async",
            "unsuitable",
            "shop.counts_async is a generator: calling it would run nothing of it",
            "",
        ),
        (
            "shop.coroutine",
            "not callable",
            "shop.coroutine is a coroutine, made when the module was imported: name the "
            "function, not coroutine()",
            "",
        ),
        ("shop.number", "not callable", "shop.number is not callable: an int", ""),
        (
            "time.sleep",
            "unsuitable",
            "time.sleep is built in and does not tell its parameters: wrap it in a function",
            "",
        ),
        ("os.path", "not callable", "os.path is a module: name a function in it", ""),
        ("shop.reprot", "name missing", 'shop has no "reprot"', "shop.report"),
        ("shpo.report", "module missing", 'there is no module "shpo"', "shop.report"),
        ("os:system", "unsuitable", '"os:system" has a colon: use dots throughout', "os.system"),
        ("a..b", "unsuitable", '"a..b" has an empty name between two dots', ""),
        (
            ".shop.f",
            "unsuitable",
            '".shop.f" is relative: write the whole path of the module',
            "shop.f",
        ),
        (
            "shop.report()",
            "unsuitable",
            '"shop.report()" is a call: name the function only',
            "shop.report",
        ),
        ("a.b;c", "unsuitable", '"a.b;c" is no dotted path: write "package.module.function"', ""),
        ("report", "unsuitable", '"report" has no module: write "module.report"', ""),
    ],
)
def test_what_cannot_be_called_gets_its_own_words(
    stage: Any, path: str, kind: str, message: str, suggestion: str
) -> None:
    (problem,) = problems(stage, path)

    assert (problem.kind, problem.message, problem.suggestion or "") == (kind, message, suggestion)
    assert (problem.task, problem.key) == ("report", ("procedure",))


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("1 / 0", "import raised", "bad cannot be imported: ZeroDivisionError: division by zero"),
        (
            "import no_such_thing",
            "import raised",
            "bad cannot be imported: ModuleNotFoundError: No module named 'no_such_thing'",
        ),
        (
            "import sys; sys.exit(3)",
            "import exited",
            "bad ends the program when it is imported: SystemExit(3)",
        ),
        (
            "import os; os._exit(0)",
            "import exited",
            "bad ends the process when it is imported: exit status 0",
        ),
        (
            "import ctypes; ctypes.string_at(0)",
            "import crashed",
            "bad crashes when it is imported: SIGSEGV",
        ),
        (
            "import os, time; os.kill(os.getppid(), 9); time.sleep(60)",
            "import crashed",
            "bad killed the process that waits for it (SIGKILL)",
        ),
        (
            # Nothing tells when a signal arrives: the next module must not be blamed for it.
            "import os; os.kill(os.getppid(), 9)\ndef f(): ...",
            "import crashed",
            "bad killed the process that waits for it (SIGKILL)",
        ),
        (
            "while True: pass",
            "import timed out",
            "bad was still being imported after 2 s",
        ),
    ],
)
def test_a_module_that_misbehaves_is_named_and_others_are_described(
    stage: Any, text: str, kind: str, message: str
) -> None:
    stage.module("bad", text)
    stage.task("bad", procedure="bad.f")
    stage.task("report", procedure="shop.report", arguments={"recipient": "x"})

    found = look(stage, timeout_s=6)

    assert [(p.kind, p.message, p.task, p.subject) for p in found.problems] == [
        (kind, message, "bad", "bad")
    ]
    assert list(found.procedures) == ["shop.report"]


@pytest.mark.parametrize(
    "text", ["1 / 0", "while True: pass", "import ctypes; ctypes.string_at(0)"]
)
def test_the_last_lines_say_where_it_happened(stage: Any, text: str) -> None:
    stage.module("bad", text)
    stage.task("bad", procedure="bad.f")

    (problem,) = look(stage, timeout_s=9).problems

    assert any("bad.py" in note for note in problem.notes)


@pytest.mark.parametrize(
    "text",
    [
        "print('x' * 100_000_000)",
        "import sys; sys.stderr.write('x' * 20_000_000)",
        "import os; os.fork()",
        "import os; os.close(1); os.close(2)",
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)",
    ],
)
def test_a_module_may_be_noisy(stage: Any, text: str) -> None:
    stage.module("noisy", text + "\ndef f(): ...\n")
    stage.task("noisy", procedure="noisy.f")

    found = look(stage)

    assert (found.problems, list(found.procedures)) == ((), ["noisy.f"])


def test_what_a_module_leaves_running_is_ended(stage: Any) -> None:
    stage.module(
        "leaves",
        "import os, subprocess\n"
        "subprocess.Popen(['sleep', '631'], start_new_session=True)\ndef f(): ...\n",
    )
    stage.task("leaves", procedure="leaves.f")

    look(stage)

    assert subprocess.run(["pgrep", "-f", "sleep 631"], capture_output=True).stdout == b""


def test_a_module_that_starts_threads_is_told(stage: Any) -> None:
    stage.module(
        "threads",
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\ndef f(): ...\n",
    )
    stage.task("threads", procedure="threads.f")

    (problem,) = look(stage).problems

    assert (problem.kind, problem.task) == (ProblemKind.STARTS_THREADS, "threads")


def test_wrong_arguments_come_with_signature_and_place(stage: Any) -> None:
    (problem,) = problems(stage, "shop.report", arguments={"recipient": "x", "since": "soon"})

    assert (problem.kind, problem.key) == (
        ProblemKind.ARGUMENT_INVALID,
        ("arguments", "since"),
    )
    assert problem.notes == ("shop.report(recipient: str, since: date | None = None), shop.py:5",)


def test_declared_procedures_are_found_with_their_keys(stage: Any) -> None:
    found = look(stage, discover=("shop",))

    by_name = {declared.name: declared for declared in found.declared}
    assert list(by_name) == ["hello-all", "bare", "wrong"]
    hello: Declared = by_name["hello-all"]
    assert (hello.described.path, hello.described.summary) == ("shop.hello", "Say hello.")
    assert hello.keys == {
        "recurrence": "every hour",
        "timeout": "5 minutes",
        "arguments": {"day": date(2026, 1, 1)},
    }


def test_a_key_that_no_task_has_is_an_error_of_the_declaration(stage: Any) -> None:
    (problem,) = look(stage, discover=("shop",)).problems

    assert (problem.kind, problem.message, problem.suggestion) == (
        ProblemKind.DECLARATION_INVALID,
        '@linod.procedure of shop.wrong: a task has no key "recurence"',
        "recurrence",
    )


def test_a_procedure_imported_from_elsewhere_is_not_declared_again(stage: Any) -> None:
    stage.module("other", "from shop import hello\n")

    assert look(stage, discover=("other",)).declared == ()


def test_setup_that_raises_is_the_one_problem(stage: Any) -> None:
    stage.module("boot", "def prepare(): raise OSError('no disk')\n")
    stage.linod["setup"] = ("boot.prepare",)
    stage.task("report", procedure="shop.report")

    (problem,) = look(stage).problems

    assert (problem.kind, problem.subject, problem.message) == (
        ProblemKind.SETUP_FAILED,
        "boot.prepare",
        "setup failed: boot.prepare: OSError: no disk",
    )


def test_a_declaration_takes_its_keys_by_name(stage: Any) -> None:
    stage.module("jobs", 'import linod\n@linod.procedure("every day")\ndef send(): ...\n')

    (problem,) = look(stage, discover=("jobs",)).problems

    assert problem.message == (
        "jobs cannot be imported: LinodError: "
        "@linod.procedure takes keys by name: recurrence = 'every day'"
    )


def test_setup_that_is_not_there_is_told_in_plain_words(stage: Any) -> None:
    stage.linod["setup"] = ("nowhere.prepare",)
    stage.task("report", procedure="shop.report")

    (problem,) = look(stage).problems

    assert problem.message == 'setup failed: there is no module "nowhere"'


def test_a_user_who_does_not_exist_is_told_at_the_key(stage: Any) -> None:
    (problem,) = problems(stage, "shop.report", user="nobody-of-that-name")

    assert (problem.kind, problem.key) == (ProblemKind.USER_UNKNOWN, ("user",))


def test_a_module_beside_the_file_does_not_shadow_what_linod_imports(stage: Any) -> None:
    stage.module("random", "1 / 0")
    stage.module("json", "1 / 0")
    stage.task("report", procedure="shop.report", arguments={"recipient": "x"})

    assert look(stage).problems == ()


def test_modules_that_hang_leave_time_for_the_others(stage: Any) -> None:
    for name in ("a", "b", "c"):
        stage.module(name, "while True: pass")
        stage.task(name, procedure=f"{name}.f")
    stage.task("report", procedure="shop.report", arguments={"recipient": "x"})

    found = look(stage, timeout_s=15)

    assert [problem.task for problem in found.problems] == ["a", "b", "c"]
    assert list(found.procedures) == ["shop.report"]


def test_what_was_not_looked_at_is_told(stage: Any) -> None:
    stage.module("slow", "import time; time.sleep(60)")
    stage.task("slow", procedure="slow.f")
    stage.task("report", procedure="shop.report", arguments={"recipient": "x"})

    found = look(stage, timeout_s=0.0, discover=("shop",))

    how = "was not looked at to the end: the time for all modules is up"
    assert [(problem.task, problem.message) for problem in found.problems] == [
        ("slow", f"slow.f {how}"),
        ("report", f"shop.report {how}"),
        (None, f"shop {how}"),
    ]


def test_an_environment_too_large_for_a_child_is_told(stage: Any) -> None:
    (problem,) = problems(
        stage, "shop.report", import_env={f"A{number}": "x" * 100_000 for number in range(100)}
    )

    assert (problem.task, problem.message) == (
        "report",
        "shop.report was not looked at to the end: the child cannot be started: "
        "Argument list too long",
    )


def test_what_a_module_says_in_the_name_of_its_child_is_dropped(stage: Any) -> None:
    said = [
        *({"described": each} for each in (1, {}, {"path": 1})),
        {"described": {"path": "x", "signature": 1, "file": "x", "line": "1"}},
        {"declared": {"name": [], "described": {}, "keys": 1}},
        {"problem": {"kind": "no such kind", "message": "", "key": [], "notes": []}},
        {"problem": {"kind": "unsuitable", "message": 1, "key": [[]], "notes": []}},
        {"status": "x"},
        [],
    ]
    lines = "\\n".join(json.dumps(each) for each in said)
    stage.module(
        "liar",
        f"import os\nfor fd in range(3, 9):\n"
        f"    try: os.write(fd, b'{lines}\\n')\n"
        f"    except OSError: pass\n"
        f"def f(): ...\n",
    )
    stage.task("liar", procedure="liar.f")

    found = look(stage)

    assert (found.problems, list(found.procedures)) == ((), ["liar.f"])


def test_the_time_in_all_is_bounded(stage: Any) -> None:
    for name in ("a", "b", "c", "d"):
        stage.module(name, "while True: pass")
        stage.task(name, procedure=f"{name}.f")
    before = time.monotonic()

    found = look(stage, timeout_s=3)

    assert time.monotonic() - before < 6
    assert {problem.task for problem in found.problems} == {"a", "b", "c", "d"}


GATES = """
import linod
def is_open(): ...
async def is_open_later(run: linod.Run, shop="ee"): ...
def is_open_on(day, hour): ...
number = 3
"""


def gate_problems(stage: Any, only_if: str, **keys: Any) -> list[Any]:
    stage.module("gates", GATES)
    stage.task("gated", only_if=only_if, **(keys or {"command": ("true",)}))
    return list(look(stage).problems)


@pytest.mark.parametrize("only_if", ["gates.is_open", "gates.is_open_later"])
@pytest.mark.parametrize("keys", [{"shell": "true"}, {"procedure": "shop.bare"}])
def test_only_if_may_take_the_run_or_nothing(stage: Any, only_if: str, keys: Any) -> None:
    assert gate_problems(stage, only_if, **keys) == []


@pytest.mark.parametrize(
    ("only_if", "kind", "message", "suggestion"),
    [
        ("gates.is_opn", "name missing", 'gates has no "is_opn"', "gates.is_open"),
        ("gtes.is_open", "module missing", 'there is no module "gtes"', "gates.is_open"),
        ("gates.number", "not callable", "gates.number is not callable: an int", None),
        (
            "shop.counts",
            "unsuitable",
            "shop.counts is a generator: calling it would run nothing of it",
            None,
        ),
        ("os._exit", "argument missing", '_exit() needs the argument "status", but', None),
    ],
)
@pytest.mark.parametrize("keys", [{"shell": "true"}, {"procedure": "shop.bare"}])
def test_what_only_if_cannot_call_is_told_at_its_key(
    stage: Any, only_if: str, kind: str, message: str, suggestion: str | None, keys: Any
) -> None:
    (problem,) = gate_problems(stage, only_if, **keys)

    assert (problem.task, problem.key, problem.kind) == ("gated", ("only_if",), kind)
    assert problem.message.startswith(message)
    assert problem.suggestion == suggestion


def test_parameters_that_only_if_gives_nothing_are_told_each(stage: Any) -> None:
    found = gate_problems(stage, "gates.is_open_on")

    assert [problem.message for problem in found] == [
        'is_open_on() needs the argument "day", but only_if gives none',
        'is_open_on() needs the argument "hour", but only_if gives none',
    ]
    assert found[0].notes == ("gates.is_open_on(day, hour), gates.py:5",)


def test_the_arguments_of_a_task_are_not_for_its_only_if(stage: Any) -> None:
    (problem,) = gate_problems(
        stage, "shop.report", procedure="shop.report", arguments={"recipient": "x"}
    )

    assert (problem.kind, problem.key) == (ProblemKind.ARGUMENT_MISSING, ("only_if",))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1 / 0", "import raised"),
        ("import os; os._exit(0)", "import exited"),
        ("import ctypes; ctypes.string_at(0)", "import crashed"),
        ("while True: pass", "import timed out"),
        (
            "import threading, time\n"
            "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
            "def f(): ...\n",
            "starts threads",
        ),
    ],
)
def test_a_module_of_only_if_that_misbehaves_is_named(stage: Any, text: str, kind: str) -> None:
    stage.module("bad", text)
    stage.task("gated", only_if="bad.f", shell="true")

    (problem,) = look(stage, timeout_s=6).problems

    assert (problem.kind, problem.task, problem.key) == (kind, "gated", ("only_if",))
    assert problem.subject == "bad"


def test_an_only_if_that_was_not_looked_at_is_told(stage: Any) -> None:
    stage.task("gated", only_if="shop.bare", shell="true")

    (problem,) = look(stage, timeout_s=0.0).problems

    assert (problem.task, problem.key) == ("gated", ("only_if",))


# -- a child that was begun before --------------------------------------------------------------

WHO = """
import os
from pathlib import Path
Path(__file__).with_name("who").write_text(str(os.getppid()))
def report(): ...
"""


def begun_for(stage: Any) -> EarlyChild:
    stage.module("shop", WHO)
    stage.task("report", procedure="shop.report")
    return EarlyChild(os.environ, stage.folder)


def test_a_child_that_was_begun_is_asked(stage: Any) -> None:
    early = begun_for(stage)

    found = inspect(stage.config(), early=early)

    assert list(found.procedures) == ["shop.report"]
    assert stage.text("who") == str(early.process.pid)
    assert early.process.returncode is not None


def test_one_that_has_another_environment_is_not(stage: Any) -> None:
    early = begun_for(stage)

    inspect(stage.config(), environ={**os.environ, "SHOP": "ee"}, early=early)

    assert stage.text("who") != str(early.process.pid)
    assert early.process.poll() is None
    early.end()
    assert early.process.returncode is not None


def test_after_a_module_that_ends_it_another_child_is_asked(stage: Any) -> None:
    early = begun_for(stage)
    stage.module("bad", "import os\nos._exit(3)\n")
    stage.task("bad", procedure="bad.report")

    found = inspect(stage.config(), early=early)

    assert [problem.kind for problem in found.problems] == [ProblemKind.IMPORT_EXITED]
    assert list(found.procedures) == ["shop.report"]


def test_it_ends_by_itself_where_nobody_lives_to_ask_it(stage: Any) -> None:
    stage.module("shop", WHO)
    code = "import os, sys; from pathlib import Path; from linod.executor.early import EarlyChild\n"
    code += "print(EarlyChild(os.environ, Path(sys.argv[1])).process.pid, flush=True); os._exit(0)"
    run = [sys.executable, "-c", code, str(stage.folder)]

    pid = int(subprocess.run(run, capture_output=True, text=True, check=True).stdout)

    limit = time.monotonic() + 20
    while is_running(pid):
        assert time.monotonic() < limit
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Say whether a process does anything still; not everywhere orphans are waited for."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("text", ["", "[tasks.a]\nshell = 'true'\n", "[tasks\n"])
def test_check_leaves_no_child_behind_that_it_did_not_need(tmp_path: Path, text: str) -> None:
    path = tmp_path / "linod.toml"
    path.write_text(text)
    pid = os.getpid()
    children = Path(f"/proc/{pid}/task/{pid}/children")
    before = {*children.read_text().split()}

    prepare(path, os.environ)

    assert {*children.read_text().split()} <= before

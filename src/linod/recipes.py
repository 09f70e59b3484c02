"""The text of a first linod.toml, from what was found in its folder.

Rules of this border:
- Pure: who looks around is `linod init`.
- The file passes `linod check` as it is, and what is commented in it does when it is switched on.
- What comes from outside (a crontab, a project name) is written through TOML strings; in a comment
  it is cleaned.
"""

from __future__ import annotations

import re
import shlex
from pathlib import PurePath
from typing import Any

from attrs import field, frozen

from linod.recurrence import notation, parse
from linod.recurrence.model import RecurrenceError
from linod.schema import FILE_NAME
from linod.toml import pair_text, table_text
from linod.views import clean

# More lines than that are no recipes any more; the rest is counted.
CRONTAB_LINES_MAX = 100
_NAME_LENGTH_MAX = 40


@frozen(kw_only=True)
class Found:
    """What is in the folder, as far as it matters for a first file."""

    project: str | None = None
    """Its name in pyproject.toml."""
    package: str | None = None
    """A package that can be imported."""
    import_path: tuple[str, ...] = (".",)
    has_manage: bool = False
    settings: str | None = None
    """DJANGO_SETTINGS_MODULE as manage.py sets it."""
    python: str = "python3"
    """The interpreter of the project, as a command names it."""
    crontab: tuple[CronLine, ...] = ()


@frozen(kw_only=True)
class CronLine:
    """One line of a crontab, with the variables that held for it."""

    when: str
    command: str
    text: str = ""
    """What the command reads from stdin: what stands after the first %."""
    variables: dict[str, str] = field(factory=dict)


def first_file(found: Found) -> str:
    """Write the file."""
    recipes = [*_project_recipes(found), *_GENERAL_RECIPES, *_crontab_recipes(found)]
    return "\n".join([_HEADER, _settings(found), _hello(found), _RECIPES, *recipes])


_HEADER = f"""#:schema ./{FILE_NAME}
# What linod runs, and when: linod check, linod next, linod serve.
# "linod schema > {FILE_NAME}" lets editors that know taplo complete and explain every key.
"""

_RECIPES = """# -- Recipes: remove the "# " in front, then "linod check" and "linod reload" --------
"""


def _settings(found: Found) -> str:
    lines = [
        "[linod]",
        'store = "var/linod.db"               # relative to this file',
        f"{pair_text('import_path', found.import_path):<36} # where your modules are",
        f"# {pair_text('discover', [_module(found)]):<34} # its @linod.procedure functions",
    ]
    if found.settings:
        setting = f"# {pair_text('django', found.settings)}"
        lines.append(f"{setting:<36} # pip install 'linod[django]'")
    return "\n".join([*lines, "", "[log]", 'directory = "log"', ""])


def _hello(found: Found) -> str:
    table = {
        "procedure": "linod.procedures.hello",
        "arguments": {"name": found.project or "world"},
        "recurrence": "every 5 seconds",
    }
    return table_text(("tasks", "hello"), table)


def _module(found: Found) -> str:
    return f"{found.package or 'shop'}.tasks"


def _recipe(name: str, table: dict[str, Any], remark: str) -> str:
    """Write a task behind comment signs, with a remark above."""
    text = table_text(("tasks", name), table)
    return "".join(f"# {line}\n" for line in [f"# {remark}", *text.splitlines()])


def _project_recipes(found: Found) -> list[str]:
    recipes = [
        _recipe(
            "report",
            {"procedure": f"{_module(found)}.report", "recurrence": "every weekday at 07:00"},
            "A Python function of yours.",
        )
    ]
    if found.has_manage:
        recipes.append(_recipe("clearsessions", *_management_command(found)))
    return recipes


def _management_command(found: Found) -> tuple[dict[str, Any], str]:
    recurrence = "every day at 03:10"
    if found.settings:
        remark = "A Django management command; needs django, above."
        return {"manage": "clearsessions", "recurrence": recurrence}, remark
    command = [found.python, "manage.py", "clearsessions"]
    table = {"command": command, "directory": ".", "recurrence": recurrence}
    return table, "A Django management command."


_GENERAL_RECIPES = [
    _recipe(
        "mirror",
        {
            "command": ["rsync", "-a", "/srv/", "backup:/srv/"],
            "exit_codes": {"succeeded": [0], "warned": [24]},
            "recurrence": "30 4 * * *",
            "timeout": "2 hours",
        },
        "A program; some of its exit statuses are warnings.",
    ),
    _recipe(
        "disk_space",
        {"shell": "df -h / | tail -n 1", "recurrence": "every hour at minute 20"},
        "A line for /bin/sh.",
    ),
    _recipe(
        "site",
        {
            "procedure": "linod.procedures.http_check",
            "arguments": {"urls": ["https://www.example.org/"], "text": "Example"},
            "recurrence": "every 5 minutes",
        },
        "Web pages that must answer.",
    ),
]


# -- crontab ------------------------------------------------------------------------------------

_VARIABLE = re.compile(r"""\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*""")
_ENTRY = re.compile(r"\s*(@[a-z]+|\S+(?:\s+\S+){4})\s+(\S.*)")
_PERCENT = re.compile(r"(?<!\\)%")


def read_crontab(text: str) -> tuple[CronLine, ...]:
    """Read a user's crontab; what is no entry is passed over."""
    lines: list[CronLine] = []
    variables: dict[str, str] = {}
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            continue
        if variable := _VARIABLE.fullmatch(line):
            variables = {**variables, variable[1]: variable[2].strip("\"'")}
        elif entry := _ENTRY.fullmatch(line):
            lines.append(_cron_line(entry[1], entry[2].rstrip(), variables))
    return tuple(lines)


def _cron_line(when: str, rest: str, variables: dict[str, str]) -> CronLine:
    # crontab(5): a % is a new line, and all after the first one is standard input.
    command, *text = (part.replace("\\%", "%") for part in _PERCENT.split(rest))
    return CronLine(
        when=" ".join(when.split()),
        command=command.rstrip(),
        text="\n".join(text),
        variables=variables,
    )


def _crontab_recipes(found: Found) -> list[str]:
    taken = {"hello", "report", "clearsessions", "mirror", "disk_space", "site"}
    recipes = ["# -- Your crontab, line by line; take a line out there when it is in here ----\n"]
    for line in found.crontab[:CRONTAB_LINES_MAX]:
        name = _free_name(_name_of(line.command), taken)
        taken.add(name)
        recipes.append(_recipe(name, _cron_table(line), f"Was: {_shown(line)}"))
    rest = len(found.crontab) - CRONTAB_LINES_MAX
    if rest > 0:
        recipes.append(f"# {rest} more lines are in the crontab.\n")
    return recipes if found.crontab else []


def _cron_table(line: CronLine) -> dict[str, Any]:
    """Translate a line to the keys of a task."""
    variables = dict(line.variables)
    shell, zone = variables.pop("SHELL", "/bin/sh"), variables.pop("CRON_TZ", None)
    variables.pop("MAILTO", None)
    command = _with_input(line)
    table: dict[str, Any] = {"shell": command}
    if PurePath(shell).name != "sh":
        table = {"command": [shell, "-c", command]}
    table["recurrence"] = _recurrence(line.when)
    if zone:
        table["timezone"] = zone
    return {**table, "env": variables} if variables else table


def _with_input(line: CronLine) -> str:
    if not line.text:
        return line.command
    return f"printf '%s\\n' {shlex.quote(line.text)} | ({line.command})"


def _recurrence(when: str) -> Any:
    """Give the phrase for it; what linod refuses stays, and check says what is wrong with it."""
    try:
        return notation(parse(when))
    except RecurrenceError:
        return when


def _shown(line: CronLine) -> str:
    return clean(f"{line.when} {line.command}")


# Programs that start the one that gives the task its name.
_STARTERS = frozenset(
    {
        *("bash", "cd", "chronic", "env", "exec", "flock", "ionice", "nice", "nohup", "perl"),
        *("php", "python", "python3", "ruby", "setsid", "sh", "sleep", "sudo", "test", "time"),
        "timeout",
    }
)


def _name_of(command: str) -> str:
    """Name a task after the program that its command is about."""
    for words in map(str.split, re.split(r"&&|\|\||;|\|", command)):
        programs = [PurePath(word).name for word in words if _may_name(word)]
        if "manage.py" in programs[:-1]:
            return programs[programs.index("manage.py") + 1]
        is_change = bool(words) and words[0] in ("cd", "test", "[")
        named = [] if is_change else [name for name in programs if name not in _STARTERS]
        if named:
            return named[0]
    return "task"


_NO_NAME = re.compile(r"[-<>$(\d]|[A-Za-z_]+=|\W*$")
"""Options, redirections, expansions, numbers, assignments, and what has no letter."""


def _may_name(word: str) -> bool:
    return _NO_NAME.match(word) is None


def _free_name(wish: str, taken: set[str]) -> str:
    stem = wish.partition(".")[0] or wish
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", stem)[:_NAME_LENGTH_MAX].strip("_-") or "task"
    numbered = (f"{name}_{number}" for number in range(2, CRONTAB_LINES_MAX + 10))
    return name if name not in taken else next(each for each in numbered if each not in taken)

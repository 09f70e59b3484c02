"""The command line: one group whose commands are imported when they are called.

Rules of this border:
- Nothing but click is imported here: `linod --help` is answered from the tables below.
- A command is `command` in `linod.cli.NAME`; its line of help is here, so that help imports none.
- What a person can mend is one line on stderr and an exit code; a traceback is for those who ask.
"""

from __future__ import annotations

import os
from typing import Any

import click

from linod.errors import LinodError

COMMANDS: dict[str, str] = {
    "init": "Write a first linod.toml here.",
    "check": "Check the configuration; say what is wrong and where.",
    "show": "Print the effective configuration, defaults included.",
    "next": "Print when tasks are due next.",
    "simulate": "Play the coming days in advance.",
    "serve": "Run tasks when they are due, until stopped.",
    "log-server": "Take records of other users, containers and hosts.",
    "loop": "Run functions one after the other, again and again, without a file.",
    "status": "Show how each task does.",
    "history": "Show past runs, or one run with its log.",
    "logs": "Show what a task, a run or everybody logged; follow it.",
    "why": "Say why a task ran, did not run, or waits.",
    "audit": "List what people did.",
    "run": "Run a task now and follow its log.",
    "cancel": "End a run, or all runs of a task.",
    "pause": "Hold tasks back for a time, or until they are resumed.",
    "resume": "End pauses.",
    "enable": "Enable tasks that were disabled, also by their failures.",
    "disable": "Disable tasks until they are enabled.",
    "backfill": "Run what was due in a time that is past.",
    "forget": "Remove what is stored of a task that is gone.",
    "reload": "Make the daemon read its configuration again.",
    "stop": "Stop the daemon.",
    "db": "Look whether the store is sound.",
    "procedures": "List the procedures that tasks can call.",
    "schema": "Print the JSON Schema of linod.toml.",
    "explain": "Explain a code that check prints.",
    "clock": "Say what a clock that stepped back holds up, or accept it.",
}
"""Commands in the order of help, with their line of it."""

LATER: dict[str, str] = {
    "diff": "",
    "import": "",
    "export": "",
    "systemd": "until then: ExecStart=linod -c FILE serve, ExecReload=linod -c FILE reload",
    "supervisor": "until then: command=linod -c FILE serve",
    "completion": "",
}
"""Commands that are decided but not built, with what helps until then."""

GUESSES: dict[str, str] = {
    "list": '"linod status" lists the tasks, "linod next" when they are due',
    "ls": '"linod status" lists the tasks, "linod next" when they are due',
    "tasks": '"linod status" lists the tasks, "linod next" when they are due',
    "ps": '"linod status" shows what is running',
    "start": '"linod serve" starts the daemon, "linod run TASK" runs a task now, '
    '"linod resume TASK" ends a pause',
    "up": '"linod serve" starts the daemon',
    "daemon": '"linod serve" is the daemon',
    "beat": '"linod serve" is the daemon',
    "worker": '"linod serve" runs the tasks too; there is no separate worker',
    "down": '"linod stop" stops the daemon',
    "quit": '"linod stop" stops the daemon',
    "shutdown": '"linod stop" stops the daemon',
    "restart": '"linod reload" takes a new configuration and new code, without a restart',
    "validate": '"linod check" checks the configuration',
    "verify": '"linod check" checks the configuration',
    "lint": '"linod check" checks the configuration',
    "test": '"linod check" checks the configuration, "linod run TASK" runs a task now',
    "config": '"linod show" prints the effective configuration, "linod check" checks it',
    "tail": '"linod logs -f TASK" follows what a task logs, "linod logs -f" everything',
    "log": '"linod logs TASK" shows what a task logged, "linod logs TASK@last-failed" one run',
    "follow": '"linod logs -f TASK" follows what a task logs',
    "journal": '"linod logs" shows what was logged',
    "grep": '"linod logs --grep TEXT" searches the log',
    "runs": '"linod history" lists the runs',
    "trigger": '"linod run TASK" runs a task now',
    "exec": '"linod run TASK" runs a task now',
    "now": '"linod run TASK" runs a task now',
    "rerun": '"linod run TASK --due T" runs an occurrence again, "linod backfill" many',
    "retry": '"linod run TASK --due T" runs an occurrence again, "linod backfill" many',
    "replay": '"linod backfill TASK --from A --until B" runs what was due in that time',
    "fill": '"linod backfill TASK --from A --until B" runs what was due in that time',
    "unpause": '"linod resume TASK" ends a pause',
    "continue": '"linod resume TASK" ends a pause',
    "release": '"linod resume TASK" ends a pause, "linod enable TASK" what was disabled',
    "unhold": '"linod resume TASK" ends a pause',
    "hold": '"linod pause TASK" holds it back, with --for DURATION or --until T',
    "suspend": '"linod pause TASK" holds it back, with --for DURATION or --until T',
    "snooze": '"linod pause TASK --for DURATION" holds it back so long',
    "mute": '"linod pause TASK --for DURATION" holds it back so long',
    "freeze": '"linod pause --all" holds everything back, "linod resume --all" ends that',
    "maintenance": '"linod pause --all" holds everything back, "linod resume --all" ends that',
    "skip": '"linod pause TASK --for DURATION" lets what is due meanwhile pass',
    "activate": '"linod enable TASK" ends what was disabled',
    "on": '"linod enable TASK" ends what was disabled',
    "deactivate": '"linod disable TASK" switches a task off',
    "off": '"linod disable TASK" switches a task off',
    "remove": "take the task out of linod.toml, then: linod reload, linod forget TASK",
    "rm": "take the task out of linod.toml, then: linod reload, linod forget TASK",
    "delete": "take the task out of linod.toml, then: linod reload, linod forget TASK",
    "purge": '"linod forget TASK" removes the history of a task that is gone',
    "who": '"linod audit" lists what people did',
    "kill": '"linod cancel TASK" ends its runs',
    "abort": '"linod cancel TASK" ends its runs',
    "upcoming": '"linod next" prints when tasks are due',
    "when": '"linod next TASK" prints when a task is due',
    "preview": '"linod next" prints when tasks are due',
    "timers": '"linod next" prints when tasks are due',
    "new": '"linod init" writes a first linod.toml',
    "edit": "edit linod.toml, then: linod check, linod reload",
    "version": '"linod --version" prints the version',
    "help": '"linod --help" lists the commands, "linod COMMAND --help" explains one',
}
"""Verbs of other programs, with linod's."""


class _Commands(click.Group):
    """Lists its commands without importing them and answers wrong ones with the right one."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        from importlib import import_module

        command: click.Command = import_module(f"linod.cli.{cmd_name.replace('-', '_')}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise Told(_answer_to(args[0]), 2)
        return super().resolve_command(ctx, args)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        from linod.cli._streams import open_missing

        open_missing()
        try:
            return super().main(*args, **kwargs)
        except OSError as error:
            # Help and versions are printed before a command is there.
            tell(_unexpected(error))
            raise SystemExit(1) from error

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        try:
            return super().make_context(*args, **kwargs)
        except click.ClickException as error:
            raise _harmless(error) from None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except LinodError as error:
            tell(str(error))
            raise click.exceptions.Exit(error.exit_code) from error
        except click.ClickException as error:
            raise _harmless(error) from None
        except (click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            raise click.exceptions.Exit(130) from None
        except BrokenPipeError:
            _leave_pipe()
        except Exception as error:
            if ctx.params.get("traceback"):
                raise
            tell(_unexpected(error))
            raise click.exceptions.Exit(1) from error


class Told(LinodError):  # noqa: N818 - it reads as what happened
    """An answer to the person with an exit code of its own."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def tell(message: str) -> None:
    """Say something on stderr, under the program's name and without raw control signs."""
    from linod.views import clean, wrap

    for line in message.split("\n"):
        for piece in wrap(f"linod: {clean(line)}", indent="       "):
            click.echo(piece, err=True)


def _answer_to(verb: str) -> str:
    if verb in LATER:
        return "; ".join(filter(None, (f'"{verb}" comes with a later version', LATER[verb])))
    if verb in GUESSES:
        return f'there is no command "{verb}": {GUESSES[verb]}'
    from difflib import get_close_matches

    near = get_close_matches(verb, [*COMMANDS, *GUESSES], 1)
    hint = f'did you mean "{near[0]}"?' if near else '"linod --help" lists the commands'
    return f'there is no command "{verb}": {GUESSES.get(near[0], hint) if near else hint}'


def _unexpected(error: Exception) -> str:
    text = f"{type(error).__name__}: {error}".replace("\n", " ")
    if isinstance(error, OSError):
        return text
    return f"{text[:300]}\nthis is a defect of linod; --traceback before the command shows where"


def _harmless(error: click.ClickException) -> click.ClickException:
    """Take what moves the cursor out of a message that quotes the command line."""
    from linod.views import clean

    error.message = "\n".join(map(clean, error.message.split("\n")))  # type: ignore[misc]
    return error


def _leave_pipe() -> None:
    # Whoever reads has left: what is buffered goes nowhere, and nobody is told.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    raise click.exceptions.Exit(1)


def _print_version(ctx: click.Context, _param: click.Parameter, is_asked: bool) -> None:
    if is_asked and not ctx.resilient_parsing:
        from linod import __version__

        click.echo(f"linod {__version__}")
        ctx.exit()


@click.group(
    cls=_Commands,
    name="linod",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 ok, 1 errors found or a failed run, 2 usage, 69 no daemon, "
    "78 bad configuration.",
)
@click.option("-c", "--config", "config_path", metavar="FILE", help="The linod.toml to use.")
@click.option("--traceback", is_flag=True, envvar="LINOD_TRACEBACK", help="Show tracebacks.")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version.",
)
def main(config_path: str | None, traceback: bool) -> None:
    """Run Python functions and commands on schedule, from one checked file."""

"""`linod logs`: what was logged, by a task, a run or everybody, and what comes."""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linod.cli import Told, tell
from linod.cli._asked_log import Asked, asked_of, filters_of, of_run
from linod.cli._log_view import View, view_of
from linod.cli._options import ERRORS_FOUND, config_option, json_option
from linod.cli._past import client_of, configuration, reading, zone_of
from linod.errors import DaemonUnreachable
from linod.log.following import Follower
from linod.log.reading import Current, LogReader, open_current
from linod.log.search import Search, Wanted
from linod.specs import LogLevel

if TYPE_CHECKING:
    from linod.specs import Config
    from linod.store.interface import Reader

LAST = 10
"""So many records come before what is followed, where a whole task or log is."""
_LOOK_MS = 50
_NUMBER_MAX = 1_000_000
_RUNS_SEARCHED = 20
"""So far back a stored log of a task is looked for."""


@click.command("logs")
@click.argument("which", required=False, metavar="[TASK|CHAIN|RUN]")
@config_option
@click.option("-f", "--follow", "is_following", is_flag=True, help="Go on with what comes.")
@click.option(
    "--level",
    type=click.Choice([*LogLevel], case_sensitive=False),
    help="Records of this level and above.",
)
@click.option("--since", metavar="T", help="Not older than this.")
@click.option("--until", metavar="T", help="Older than this.")
@click.option("--grep", "text", metavar="TEXT", help="Records that have this text, as it is.")
@click.option(
    "-n",
    "--number",
    type=click.IntRange(0, _NUMBER_MAX),
    help=f"The last so many. Default: all; {LAST} before what is followed of a task.",
)
@json_option
def command(
    config_path: str | None,
    which: str | None,
    is_following: bool,
    level: str | None,
    since: str | None,
    until: str | None,
    text: str | None,
    number: int | None,
    is_json: bool,
) -> None:
    """Show what was logged: by a task, a chain or a run, or everything.

    A RUN is its number, TASK@T (its due, in the task's zone) or TASK@last-failed. T of the options
    is a local time ("2026-11-20 03:30"), one with an offset, or how long ago ("10 minutes").
    Reads the files of the log, the rotated and compressed ones too, and needs no daemon.

    On a terminal newlines of a record are lines of their own; elsewhere lines come as they stand
    in the file. With -f a run is followed to its end, all else until Ctrl-C.

    --json prints an object a line: ts, level, program, pid, task, run, logger, function, line,
    message; kept, exception and extra where the record has them. A line of the text format knows
    neither program and pid of a run nor extra.
    """
    config = configuration(config_path, which)
    with reading(config) as reader:
        filters = filters_of(config, which, level, since, until, text)
        asked = asked_of(config, reader, which, filters)
        view = view_of(zone_of(config, (which or "").partition("@")[0]), is_json=is_json)
        logs = _Logs(config, reader, asked, filters, view)
        try:
            logs.show(_count(asked, number, since, is_following), is_following=is_following)
        except (KeyboardInterrupt, BrokenPipeError):
            # To stop is the way in which this ends; nobody reads what is still buffered.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _count(asked: Asked, number: int | None, since: str | None, is_following: bool) -> int | None:
    if number is None and is_following and since is None and not asked.is_of_run:
        return LAST
    return number


class _Logs:
    """What one call shows."""

    def __init__(
        self, config: Config, reader: Reader | None, asked: Asked, filters: Wanted, view: View
    ) -> None:
        self._config = config
        self._reader = reader
        self._asked = asked
        self._filters = filters
        self._view = view
        self._shown = 0

    def show(self, count: int | None, *, is_following: bool) -> None:
        """Show what there is, and go on with what comes."""
        if self._config.log is None:
            self._show_without_file(is_following=is_following)
            return
        path = self._config.log.directory / "linod.log"
        current = _opened(path)
        self._show_files(path, current, count)
        if is_following:
            self._follow(Follower(path, current))
        if not self._shown:
            self._show_kept(f"the records of run {{}} are not in {path} any more")
        if not self._shown:
            tell(f"there is nothing of that in {path}")

    def _write(self, lines: list[bytes]) -> None:
        if lines:
            self._shown += len(lines)
            self._view(lines)

    # -- files ----------------------------------------------------------------------------------

    def _show_files(self, path: Path, current: Current | None, count: int | None) -> None:
        if count == 0:
            return
        self._show_found(self._reader_of(path, current), count)
        if not self._shown and self._asked.run is not None and self._asked.run.started is not None:
            # A clock that was set back leads a search by time astray.
            self._show_found(self._reader_of(path, current, is_in_order=False), count)

    def _reader_of(
        self, path: Path, current: Current | None, *, is_in_order: bool = True
    ) -> LogReader:
        search = Search(self._asked.wanted)
        return LogReader(path, search, current, _tell_unread, is_in_order=is_in_order)

    def _show_found(self, log: LogReader, count: int | None) -> None:
        for lines in log.lines() if count is None else [log.last(count)]:
            self._write(lines)

    # -- following ------------------------------------------------------------------------------

    def _follow(self, follower: Follower) -> None:
        is_over = self._over()
        while True:
            # Asked before the look: what was logged until then is in the file.
            was_over = is_over()
            search = Search(self._asked.wanted)
            for block in follower.new():
                self._write(search.lines(block))
            if was_over:
                return
            _wait()

    def _over(self) -> Callable[[], bool]:
        """Tell how to find out that nothing will come any more."""
        run, reader = self._asked.run, self._reader
        if run is None or reader is None or self._asked.which is None:
            return lambda: False
        which, number = self._asked.which, run.id

        def is_over() -> bool:
            row = reader.run(number)
            if row is None:
                return True
            if row.is_chain:  # its members come one after the other
                self._asked = of_run(reader, which, row, self._filters)
            return row.is_ended

        return is_over

    # -- what the store keeps -------------------------------------------------------------------

    def _show_without_file(self, *, is_following: bool) -> None:
        """Without [log] the console is the log: the end of a run's log is in the store."""
        path = self._config.path
        why = f"{path} has no [log]: the console of linod serve is the log"
        if is_following and self._asked.run is not None and not self._asked.run.is_ended:
            tell(f"{why}, and the daemon passes on what comes")
            self._follow_daemon(self._asked.run.id)
            return
        more = f"{why}; with [log] records are in files, and are read here"
        if self._asked.which is None or (is_following and not self._asked.is_of_run):
            raise Told(more, ERRORS_FOUND)
        tell(more)
        self._show_kept("run {}")
        if not self._shown:
            tell(f"the store keeps nothing of {self._asked.which}")

    def _show_kept(self, what: str) -> None:
        """Show the end of a run's log that the store keeps; of a task, that of its newest run."""
        found = self._kept()
        if found is None:
            return
        run, text = found
        data = text.rstrip("\n").encode("utf-8", "surrogateescape") + b"\n"
        lines = Search(self._filters).lines(data)
        if lines:
            tell(f"{what.format(run)}: this is the end of its log, as the store keeps it")
            self._write(lines)

    def _kept(self) -> tuple[int, str] | None:
        """Give the number of a run and its stored lines."""
        reader, asked = self._reader, self._asked
        if reader is None:
            return None
        runs = [asked.run] if asked.run is not None else []
        if asked.task is not None:
            runs = [*reader.runs(asked.task, limit=_RUNS_SEARCHED)]
        texts = ((run.id, reader.log_text(run.id)) for run in runs)
        return next(((number, text) for number, text in texts if text.strip()), None)

    def _follow_daemon(self, run: int) -> None:
        search = Search(self._filters)
        try:
            for message in client_of(self._config).follow(run):
                if "line" in message:
                    line = str(message["line"]).rstrip("\n") + "\n"
                    self._write(search.lines(line.encode("utf-8", "surrogateescape")))
        except DaemonUnreachable as error:
            raise Told(str(error), error.exit_code) from None


def _opened(path: Path) -> Current | None:
    try:
        return open_current(path)
    except OSError as error:
        raise Told(f"{path} cannot be read: {error.strerror}", ERRORS_FOUND) from None


def _tell_unread(path: Path, reason: str) -> None:
    tell(f"{path} cannot be read to its end: {reason}")


def _wait() -> None:
    """Wait for a moment; who reads may have left meanwhile, and nothing would tell."""
    poll = select.poll()
    poll.register(1, 0)
    if poll.poll(_LOOK_MS):
        raise BrokenPipeError

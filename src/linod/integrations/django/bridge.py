"""The only file that imports Django, an extra; all that linod wants of it goes through here.

Rules of this border:
- Nothing of Django is imported before it is used: its settings must be known by then.
- Connections are never shared between processes. Those of a keeper are closed before it forks; one
  that a worker finds open nevertheless is put aside there, unused and unclosed, because closing it
  would end the session of the parent at the other end of the same socket.
- Classes for Django to find are made by functions here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from weakref import WeakSet

from attrs import frozen

from linod.errors import LinodError

SETTINGS = "DJANGO_SETTINGS_MODULE"
MISSING = "Django is not installed where linod is: pip install 'linod[django]'"


class DjangoMissing(LinodError):  # noqa: N818 - it reads as what happened
    """Django is not installed."""


class CommandFailed(LinodError):  # noqa: N818 - it reads as what happened
    """A management command gave up, in its own words."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


# -- the project --------------------------------------------------------------------------------


def require() -> None:
    """Raise DjangoMissing where Django is not installed."""
    try:
        import django  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name != "django":
            raise
        raise DjangoMissing(MISSING) from error


def use_settings(name: str) -> None:
    """Say which settings Django takes."""
    os.environ[SETTINGS] = name


def set_up() -> None:
    """Load the apps of the project, and keep account of its connections from now on."""
    import django
    from django.db.backends.signals import connection_created

    connection_created.connect(_note_opened, dispatch_uid="linod")
    django.setup()


def warm() -> None:
    """Import what nearly every run wants, so that no worker has to: the database backends."""
    from django.core.management import get_commands
    from django.db import connections

    get_commands()
    for alias in connections:
        connections[alias].ops.compiler("SQLCompiler")


def task_modules() -> list[str]:
    """Name the `tasks` modules of the installed apps that have one."""
    from django.apps import apps
    from django.utils.module_loading import module_has_submodule

    found = apps.get_app_configs()
    return [f"{app.name}.tasks" for app in found if module_has_submodule(app.module, "tasks")]


# -- connections --------------------------------------------------------------------------------

_opened: WeakSet[Any] = WeakSet()
"""Connections of all threads that were opened in this process or before the fork."""
_put_aside: list[Any] = []
"""Database connections of the parent, kept so that no garbage collector closes them."""


def _note_opened(connection: Any, **_: Any) -> None:
    _opened.add(connection)


def put_connections_aside() -> None:
    """Forget, in a worker, the connections that its keeper had opened."""
    for connection in tuple(_opened):
        if not _is_in_memory(connection):
            _put_aside.append(connection.connection)
            connection.connection = None
            # What the keeper had begun is no transaction of ours.
            connection.in_atomic_block, connection.savepoint_ids = False, []
    _opened.clear()


def close_connections() -> None:
    """Close the connections of all threads, and what pools of them there are."""
    for connection in tuple(_opened):
        with suppress(Exception):  # one that is broken is closed, too
            connection.inc_thread_sharing()  # a thread of an async procedure may have opened it
            connection.close()
            if getattr(connection, "_connection_pools", None):
                connection.close_pool()
    _opened.clear()


def _is_in_memory(connection: Any) -> bool:
    """Tell a database that lives in this process: a fork has its own copy of it."""
    is_in_memory = getattr(connection, "is_in_memory_db", None)
    return is_in_memory is not None and bool(is_in_memory())


# -- management commands ------------------------------------------------------------------------


def command_modules() -> dict[str, str]:
    """Give the module of each management command, by name."""
    from django.core.management import get_commands

    return {name: f"{app}.management.commands.{name}" for name, app in get_commands().items()}


def execute(module: Any, name: str, words: list[str]) -> None:
    """Execute the command of a module as `manage.py` does, without the system checks.

    Raises:
        CommandFailed: It raised CommandError.

    """
    from django.core.management.base import CommandError

    try:
        command = module.Command()
        positional, named = _parsed(command, name, words)
        command.execute(*positional, **{**named, "skip_checks": True})
    except CommandError as error:
        text = str(error).strip() or type(error).__name__
        raise CommandFailed(text, error.returncode) from error


def refusal(module: Any, name: str, words: list[str]) -> str | None:
    """Say why a command does not take these arguments; None if it does."""
    from django.core.management.base import CommandError

    try:
        _parsed(module.Command(), name, words)
    except CommandError as error:
        return str(error).removeprefix("Error: ")
    except SystemExit as error:  # what answers --help and --version
        return None if not error.code else f"it exits with {error.code}"
    return None


def _parsed(command: Any, name: str, words: list[str]) -> tuple[Any, dict[str, Any]]:
    from django.core.management.base import handle_default_options

    options = command.create_parser("manage.py", name).parse_args(words)
    handle_default_options(options)
    named = vars(options)
    return named.pop("args", ()), named


# -- the app ------------------------------------------------------------------------------------


def app_config(package: str | None) -> type:
    """Make the configuration of the app that a package is."""
    from django.apps import AppConfig

    return type(
        "LinodConfig",
        (AppConfig,),
        {
            "name": package,
            "label": "linod",
            "verbose_name": "linod",
            "__module__": f"{package}.apps",
        },
    )


def command_class(call: Callable[[list[str]], None]) -> type:
    """Make a management command that hands its whole command line on."""
    from django.core.management.base import BaseCommand, CommandError

    class Command(BaseCommand):  # type: ignore[misc]
        help = "Run tasks when they are due; all commands of linod."
        requires_system_checks = ()

        def run_from_argv(self, argv: list[str]) -> None:
            call(argv[2:])

        def print_help(self, _program: str, _name: str) -> None:
            call(["--help"])

        def add_arguments(self, parser: Any) -> None:
            parser.add_argument("words", nargs="...")

        def handle(self, *_: Any, words: list[str], **__: Any) -> None:
            try:
                call(words)
            except SystemExit as error:
                if error.code:
                    status = error.code if isinstance(error.code, int) else 1
                    raise CommandError(f"exit status {status}", returncode=status) from error

    return Command


def project_file(name: str, setting: str) -> str | None:
    """Give the file that a setting names, relative to BASE_DIR, or that of a name in BASE_DIR."""
    from django.conf import settings

    base = getattr(settings, "BASE_DIR", None)
    folder = Path.cwd() if base is None else Path(base)
    named = getattr(settings, setting, None)
    if named:
        return str(folder / named)
    return str(folder / name) if base is not None and (folder / name).is_file() else None


# -- asking its pages ---------------------------------------------------------------------------


@frozen
class Answer:
    """What came back for one URL."""

    status: int
    error: BaseException | None
    """What the view raised."""


class Visitor:
    """Django's test client, as somebody: an anonymous user, or one who has logged in."""

    def __init__(self, name: str | None) -> None:
        from django.test import Client

        self.name = name
        self._user = None if name is None else _user(name)
        self._client = Client(raise_request_exception=False, SERVER_NAME=_host())

    def ask(self, path: str) -> Answer:
        """GET a path."""
        from django.conf import settings

        if self._user is not None and not self._is_logged_in():
            self._client.force_login(self._user)
        response = self._client.get(path, secure=bool(settings.SECURE_SSL_REDIRECT))
        raised = getattr(response, "exc_info", None)
        response.close()
        return Answer(response.status_code, raised[1] if raised else None)

    def leave(self) -> None:
        """Log out, so that no session stays."""
        if self._user is not None and self._is_logged_in():
            self._client.logout()

    def _is_logged_in(self) -> bool:
        """A page may have logged out."""
        from django.conf import settings

        cookie = self._client.cookies.get(settings.SESSION_COOKIE_NAME)
        return bool(cookie and cookie.value)


def _user(name: str) -> Any:
    from django.contrib.auth import get_user_model

    model = get_user_model()
    try:
        return model._default_manager.get_by_natural_key(name)
    except model.DoesNotExist:
        raise LinodError(f'there is no user "{name}"') from None


def _host() -> str:
    """Choose a host that the project answers to."""
    from django.conf import settings

    hosts = [str(host).lstrip(".") for host in settings.ALLOWED_HOSTS if host != "*"]
    if not hosts and not settings.ALLOWED_HOSTS and not settings.DEBUG:
        raise LinodError("ALLOWED_HOSTS is empty: every request is refused")
    return hosts[0] if hosts else "localhost"


def paths() -> list[str]:
    """Give the path of every URL pattern of the project that has no parameters, once."""
    from django.urls import get_resolver

    return list(dict.fromkeys("/" + path for path in _below(get_resolver().url_patterns, "")))


def _below(patterns: Any, prefix: str) -> Iterator[str]:
    for each in patterns:
        part = _text(each.pattern)
        if part is None:
            continue
        if hasattr(each, "url_patterns"):
            yield from _below(each.url_patterns, prefix + part)
        else:
            yield prefix + part


def _text(pattern: Any) -> str | None:
    """Write a pattern as it stands in a path; None if it has parameters."""
    from urllib.parse import quote

    from django.urls.resolvers import RegexPattern
    from django.utils.regex_helper import normalize

    if not isinstance(pattern, RegexPattern):
        return None if pattern.converters else quote(str(pattern))
    if pattern.regex.groups:
        return None
    return next((quote(text) for text, names in normalize(str(pattern)) if not names), None)

"""From a dotted path to what it names: imports the module, walks the names, refuses in words.

Rules of this border:
- It runs user code (modules at import), so only keepers, their children and workers call it.
- An ImportError raised inside a module is never taken for a missing module.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import keyword
import pkgutil
import traceback
import types
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from linod.inspection import ProblemKind

_PARTS_MAX = 32
_TRACEBACK_LINES = 12


class Unresolved(Exception):  # noqa: N818 - it reads as what happened
    """A dotted path names nothing that can be run."""

    def __init__(
        self,
        kind: ProblemKind,
        message: str,
        *,
        subject: str,
        suggestion: str | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.subject = subject
        self.suggestion = suggestion
        self.notes = notes

    @property
    def origin(self) -> BaseException:
        """The exception that it tells of in words; itself where there was none."""
        return self.__cause__ or self


def resolve(path: str) -> Any:
    """Return the callable that a dotted path names, or raise Unresolved."""
    parts = _parts(path)
    module, rest = _import_longest(path, parts)
    found = _walk(path, module, rest)
    _check_suitable(path, found, parts[-1])
    return found


def import_by_name(name: str) -> types.ModuleType:
    """Import a module, or raise Unresolved with what it raised."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name + ".").startswith(error.name + "."):
            raise _module_missing(name, error.name) from error
        raise _import_raised(name, error) from error
    except SystemExit as error:
        raise Unresolved(
            ProblemKind.IMPORT_EXITED,
            f"{name} ends the program when it is imported: SystemExit({error.code!r})",
            subject=name,
            notes=last_lines(error),
        ) from error
    except BaseException as error:
        raise _import_raised(name, error) from error


def last_lines(error: BaseException) -> tuple[str, ...]:
    """Return the end of a traceback, without the frames of the import system and of linod."""
    try:
        frames = [
            frame for frame in traceback.extract_tb(error.__traceback__) if not _is_ours(frame)
        ]
        text = "".join(traceback.format_list(frames[-4:]))
        text += "".join(traceback.format_exception_only(error))
    except Exception:  # noqa: BLE001 - a text that cannot be made must not hide the error
        text = type(error).__name__
    return tuple(line[:300] for line in text.splitlines()[-_TRACEBACK_LINES:])


def one_line(error: BaseException, length: int = 300) -> str:
    """Return type and first line of an exception, cut, whatever its __str__ does."""
    name = type(error).__qualname__
    try:
        lines = str(error).strip().splitlines()
    except Exception:  # noqa: BLE001 - a __str__ of user code
        lines = ["(its text cannot be made)"]
    return f"{name}: {lines[0][:length]}" if lines else name


def _is_ours(frame: traceback.FrameSummary) -> bool:
    return frame.filename.startswith("<frozen importlib") or (
        frame.filename.startswith(_OWN_FOLDER) or frame.filename == importlib.__file__
    )


_OWN_FOLDER = str(Path(__file__).parent) + "/"


def _parts(path: str) -> list[str]:
    """Split a dotted path; what else people write there gets its own words."""
    parts = path.split(".")
    is_path = all(part.isidentifier() and not keyword.iskeyword(part) for part in parts)
    if is_path and 1 < len(parts) <= _PARTS_MAX:
        return parts
    message, suggestion = _slip(path)
    raise Unresolved(ProblemKind.UNSUITABLE, message, subject=path, suggestion=suggestion)


def _slip(path: str) -> tuple[str, str | None]:
    shown = path if len(path) <= 100 else path[:100] + "…"
    if "(" in path:
        return f'"{shown}" is a call: name the function only', path.partition("(")[0] or None
    if path.count(":") == 1 and _is_dotted(path.replace(":", ".")):
        return f'"{shown}" has a colon: use dots throughout', path.replace(":", ".")
    if path.startswith("."):
        return f'"{shown}" is relative: write the whole path of the module', path.lstrip(".")
    if ".." in path:
        return f'"{shown}" has an empty name between two dots', None
    if path.endswith(".py") or "/" in path:
        return f'"{shown}" is a file: write "package.module.function"', None
    if path.isidentifier():
        return f'"{shown}" has no module: write "module.{shown}"', None
    return f'"{shown}" is no dotted path: write "package.module.function"', None


def _is_dotted(path: str) -> bool:
    return all(part.isidentifier() for part in path.split("."))


def _import_longest(path: str, parts: list[str]) -> tuple[types.ModuleType, list[str]]:
    """Import the longest prefix that is a module."""
    missing: Unresolved | None = None
    for size in range(len(parts) - 1, 0, -1):
        try:
            return import_by_name(".".join(parts[:size])), parts[size:]
        except Unresolved as error:
            if error.kind is not ProblemKind.MODULE_MISSING:
                raise
            missing = missing or error
    assert missing is not None, path
    if missing.suggestion:
        missing.suggestion += "." + parts[-1]
    raise missing


def _walk(path: str, module: types.ModuleType, rest: list[str]) -> Any:
    found: Any = module
    parts = path.split(".")
    for position, name in enumerate(rest, len(parts) - len(rest)):
        owner = found
        where = ".".join(parts[:position])
        try:
            found = getattr(owner, name)
        except AttributeError as error:
            raise _name_missing(path, owner, where, name) from error
        except Exception as error:
            raise _import_raised(where, error) from error
        _check_member(path, owner, name)
    return found


def _check_member(path: str, owner: Any, name: str) -> None:
    """Refuse what a class gives only through an instance."""
    if not inspect.isclass(owner):
        return
    member = inspect.getattr_static(owner, name, None)
    if isinstance(member, property | functools.cached_property):
        raise _unsuitable(path, "is a property: name a function")
    if inspect.isfunction(member):
        raise _unsuitable(
            path, "is a method that needs an instance: make it a static method or a function"
        )


def _check_suitable(path: str, found: Any, name: str) -> None:
    if inspect.ismodule(found):
        raise _unsuitable(path, "is a module: name a function in it", kind=ProblemKind.NOT_CALLABLE)
    if inspect.isclass(found):
        raise _unsuitable(path, "is a class: name a function or a static method")
    if inspect.iscoroutine(found):
        found.close()
        raise _unsuitable(
            path,
            f"is a coroutine, made when the module was imported: name the function, not {name}()",
            kind=ProblemKind.NOT_CALLABLE,
        )
    if isinstance(found, property):
        raise _unsuitable(path, "is a property: name a function")
    if inspect.isgenerator(found):
        raise _unsuitable(
            path, "is a running generator: name a function", kind=ProblemKind.NOT_CALLABLE
        )
    if not callable(found):
        kind = type(found).__name__
        raise _unsuitable(path, f"is not callable: {_a(kind)}", kind=ProblemKind.NOT_CALLABLE)
    body = underlying(found)
    if inspect.isgeneratorfunction(body) or inspect.isasyncgenfunction(body):
        raise _unsuitable(path, "is a generator: calling it would run nothing of it")
    try:
        inspect.signature(found)
    except (ValueError, TypeError):
        raise _unsuitable(
            path, "is built in and does not tell its parameters: wrap it in a function"
        ) from None


def underlying(function: Any) -> Any:
    """Return the plain function below partials, decorators and callable objects."""
    for _ in range(100):
        if isinstance(function, functools.partial):
            function = function.func
        elif hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        elif inspect.ismethod(function):
            function = function.__func__
        elif not (inspect.isroutine(function) or inspect.isclass(function)):
            function = type(function).__call__
        else:
            break
    return function


def _a(noun: str) -> str:
    return f"an {noun}" if noun[:1].lower() in "aeiou" else f"a {noun}"


def _unsuitable(path: str, text: str, kind: ProblemKind = ProblemKind.UNSUITABLE) -> Unresolved:
    return Unresolved(kind, f"{path} {text}", subject=path)


def _name_missing(path: str, owner: Any, where: str, name: str) -> Unresolved:
    names = [other for other in _names(owner) if not other.startswith("__")]
    close = get_close_matches(name, names, 1)
    rest = path[len(where) + 1 + len(name) :]
    return Unresolved(
        ProblemKind.NAME_MISSING,
        f'{where} has no "{name}"',
        subject=path,
        suggestion=f"{where}.{close[0]}{rest}" if close else None,
        notes=_place(owner),
    )


def _names(owner: Any) -> list[str]:
    try:
        return list(dir(owner))
    except Exception:  # noqa: BLE001 - a __dir__ of user code
        return []


def _place(owner: Any) -> tuple[str, ...]:
    file = getattr(owner, "__file__", None)
    return (f"{owner.__name__} is {file}",) if isinstance(file, str) else ()


def _module_missing(name: str, missing: str) -> Unresolved:
    parent, _, last = missing.rpartition(".")
    close = get_close_matches(last, _siblings(parent), 1)
    better = ".".join(filter(None, (parent, close[0]))) + name[len(missing) :] if close else None
    return Unresolved(
        ProblemKind.MODULE_MISSING,
        f'there is no module "{missing}"',
        subject=name,
        suggestion=better,
    )


@functools.cache
def _siblings(parent: str) -> list[str]:
    """Return the modules that could have been meant; looked up once, as folders are long."""
    paths = None
    if parent:
        paths = getattr(importlib.import_module(parent), "__path__", [])
    try:
        return [module.name for module in pkgutil.iter_modules(paths)]
    except Exception:  # noqa: BLE001 - a finder of user code
        return []


def _import_raised(name: str, error: BaseException) -> Unresolved:
    return Unresolved(
        ProblemKind.IMPORT_RAISED,
        f"{name} cannot be imported: {one_line(error)}",
        subject=name,
        notes=last_lines(error),
    )

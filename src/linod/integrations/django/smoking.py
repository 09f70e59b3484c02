"""Ask every page of a Django project that can be asked without knowing more than its URL."""

from __future__ import annotations

import logging
import re
import time

from linod.errors import LinodError
from linod.integrations.django import bridge

_logger = logging.getLogger(__name__)
_LISTED_MAX = 20
"""Failures that are named; the log has them all."""
_SERVER_ERRORS = 500


class SmokeError(LinodError):
    """At least one page failed."""


def smoke(exclude: list[str] | str | None = None, user: str | None = None) -> None:
    r"""GET every URL pattern without parameters; fail, naming those that answered 500 or raised.

    Nothing goes over the network: Django's test client asks in this process, first as an anonymous
    user, then, if one is named, as that user. Redirects are answers, and are not followed.

    Args:
        exclude: Regular expressions, each matched at the beginning of the path: "/admin/" leaves
            out all that is below it, "/report.*\\.csv" what ends so.
        user: The name with which a user logs in, without a password.

    Raises:
        SmokeError: One or more of the pages failed.

    """
    left_out = _patterns([exclude] if isinstance(exclude, str) else exclude or [])
    asked = [path for path in bridge.paths() if not any(each.match(path) for each in left_out)]
    visitors = [bridge.Visitor(who) for who in dict.fromkeys((None, user))]
    failures = [failure for visitor in visitors for failure in _ask(asked, visitor)]
    if failures:
        number = len({path for path, _ in failures})
        listed = "; ".join(text for _, text in failures[:_LISTED_MAX])
        rest = len(failures) - _LISTED_MAX
        more = f"; and {rest} more" if rest > 0 else ""
        raise SmokeError(f"{number} of {len(asked)} pages failed: {listed}{more}")
    _logger.info("%d pages answered", len(asked))


def _patterns(texts: list[str]) -> list[re.Pattern[str]]:
    try:
        return [re.compile(text) for text in texts]
    except re.error as error:
        raise SmokeError(
            f'exclude: "{error.pattern!s}" is no regular expression: {error}'
        ) from None


def _ask(paths: list[str], visitor: bridge.Visitor) -> list[tuple[str, str]]:
    """Ask all of them as somebody; give the path and a sentence for each that failed."""
    who = "" if visitor.name is None else f" as {visitor.name}"
    failures = []
    try:
        for path in paths:
            began = time.monotonic()
            wrong = _wrong(visitor, path)
            took_ms = (time.monotonic() - began) * 1000
            if wrong is not None:
                failures.append((path, f"{path}{who}: {wrong}"))
                _logger.error("GET %s%s: %s", path, who, wrong)
            else:
                _logger.debug("GET %s%s: answered in %.0f ms", path, who, took_ms)
    finally:
        visitor.leave()
    return failures


def _wrong(visitor: bridge.Visitor, path: str) -> str | None:
    """Say what is wrong with the answer to a path."""
    try:
        answer = visitor.ask(path)
    except Exception as error:  # noqa: BLE001 - middleware of the project
        return _shown(error)
    if answer.error is not None:
        return _shown(answer.error)
    return f"status {answer.status}" if answer.status >= _SERVER_ERRORS else None


def _shown(error: BaseException) -> str:
    text = str(error).strip().partition("\n")[0][:300]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__

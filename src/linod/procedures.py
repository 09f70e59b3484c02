"""Built-in procedures: what a task can name without a line of Python of its own."""

from __future__ import annotations

import logging
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import timedelta
from http.client import HTTPException, HTTPMessage
from typing import IO, Any, Literal

from attrs import define, field, frozen

from linod import __version__
from linod.errors import LinodError

# At most so much of an answer is read to find `text` in it: a page, not a download.
TEXT_BYTES_MAX = 1024 * 1024
# So many URLs are asked at once: enough for a site, few enough for any network.
ASKED_AT_ONCE_MAX = 20

_logger = logging.getLogger(__name__)


class HttpCheckError(LinodError):
    """At least one URL did not answer as expected."""


def hello(name: str = "world") -> None:
    """Say hello in the log."""
    _logger.info("hello, %s", name)


def http_check(
    urls: list[str] | str,
    status: int | list[int] = 200,
    timeout: timedelta = timedelta(seconds=10),
    text: str | None = None,
    method: Literal["GET", "HEAD"] = "GET",
    headers: dict[str, str] | None = None,
) -> None:
    """Ask each URL and fail, naming all that went wrong, unless every one answers as expected.

    A redirect is followed, up to ten times, unless its status is one of those expected.

    Args:
        urls: One URL or several; http and https. All are asked, several at once.
        status: The expected status, or a list of those that are fine.
        timeout: The whole answer of a URL must be there within this time.
        text: Must be found in the first MiB of the answer.
        method: "HEAD" asks for no body; not with `text`.
        headers: Sent with each request, such as Authorization.

    Raises:
        HttpCheckError: One or more of the checks failed.
    """
    asked = [urls] if isinstance(urls, str) else urls
    if not asked:
        raise HttpCheckError("no URL is given in urls")
    if text is not None and method == "HEAD":
        raise HttpCheckError('method = "HEAD" has no body in which text could be found')
    expected = frozenset([status] if isinstance(status, int) else status)
    wanted = _Wanted(expected, timeout.total_seconds(), text, method, headers or {})
    failures = [failure for failure in _check_all(asked, wanted) if failure]
    if failures:
        raise HttpCheckError(_summary(failures, len(asked)))


@frozen
class _Wanted:
    """What every URL is asked for, and what its answer must be."""

    statuses: frozenset[int]
    timeout_s: float
    text: str | None
    method: str
    headers: dict[str, str]


def _summary(failures: list[str], asked: int) -> str:
    if asked == 1:
        return failures[0]
    return f"{len(failures)} of {asked} URLs failed: " + "; ".join(failures)


def _check_all(urls: list[str], wanted: _Wanted) -> list[str | None]:
    """Check the URLs in batches; give what is wrong with each."""
    batches = [
        urls[first : first + ASKED_AT_ONCE_MAX] for first in range(0, len(urls), ASKED_AT_ONCE_MAX)
    ]
    return [failure for batch in batches for failure in _check_batch(batch, wanted)]


def _check_batch(urls: list[str], wanted: _Wanted) -> list[str | None]:
    checks = [_Check(url, wanted) for url in urls]
    deadline = time.monotonic() + wanted.timeout_s
    for check in checks:
        check.thread.start()
    return [check.failure_by(deadline) for check in checks]


@define(eq=False)
class _Check:
    """One URL, asked in a thread of its own.

    The time limit of a socket holds for each read, not for the answer, and none holds for the
    name lookup; so who is late is left behind in its daemon thread.
    """

    url: str
    wanted: _Wanted
    thread: threading.Thread = field(init=False)
    failure: str | None = None

    def __attrs_post_init__(self) -> None:
        self.thread = threading.Thread(target=self._run, daemon=True)

    def failure_by(self, deadline: float) -> str | None:
        """Wait until the deadline at most; tell what is wrong, or None."""
        self.thread.join(max(0.0, deadline - time.monotonic()))
        if self.thread.is_alive():
            return f"{self.url}: no complete answer within {self.wanted.timeout_s:g} s"
        return self.failure

    def _run(self) -> None:
        began = time.monotonic()
        try:
            wrong = _ask(self.url, self.wanted)
        except TimeoutError:
            wrong = f"no complete answer within {self.wanted.timeout_s:g} s"
        except (OSError, HTTPException, ValueError) as error:
            wrong = _reason(error)
        if wrong:
            self.failure = f"{self.url}: {wrong}"
            return
        took_ms = (time.monotonic() - began) * 1000
        _logger.info("%s is as expected, in %.0f ms", self.url, took_ms)


def _reason(error: Exception) -> str:
    """Say in words why no answer came."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return str(cause) or type(cause).__name__


def _ask(url: str, wanted: _Wanted) -> str | None:
    """Send the request; tell what is wrong with the answer, or None."""
    _refuse_other_schemes(url)
    headers = {
        "User-Agent": f"linod/{__version__}",
        "Accept-Encoding": "identity",
        **wanted.headers,
    }
    request = urllib.request.Request(url, method=wanted.method, headers=headers)
    opener = urllib.request.build_opener(_Redirects(wanted.statuses))
    try:
        answer = opener.open(request, timeout=wanted.timeout_s)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return _wrong_status(answer.status, wanted) or _missing_text(answer, wanted)


def _refuse_other_schemes(url: str) -> None:
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise ValueError("not an http or https URL")


def _wrong_status(status: int, wanted: _Wanted) -> str | None:
    if status in wanted.statuses:
        return None
    expected = " or ".join(str(value) for value in sorted(wanted.statuses))
    return f"status {status}, expected {expected}"


def _missing_text(answer: Any, wanted: _Wanted) -> str | None:
    if wanted.text is None:
        return None
    body = answer.read(TEXT_BYTES_MAX)
    if wanted.text in _decoded(body, answer.headers.get_content_charset()):
        return None
    place = "the first MiB of the answer" if len(body) == TEXT_BYTES_MAX else "the answer"
    return f"{wanted.text!r} is not in {place}"


def _decoded(body: bytes, charset: str | None) -> str:
    try:
        return body.decode(charset or "utf-8", errors="replace")
    except LookupError:
        return body.decode("utf-8", errors="replace")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect within http and https, unless the redirect itself is expected."""

    def __init__(self, statuses: frozenset[int]) -> None:
        self._statuses = statuses

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Give the request to send next; None takes the redirect as the answer."""
        if code in self._statuses:
            return None
        _refuse_other_schemes(newurl)
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        if following is not None and _origin(newurl) != _origin(req.full_url):
            following.remove_header("Authorization")
            following.remove_header("Cookie")
        return following


def _origin(url: str) -> tuple[str, str]:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.netloc

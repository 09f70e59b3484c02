"""http_check against a real server on the loopback."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from linod.procedures import HttpCheckError, http_check

ANSWERS = {
    "/ok": (200, {}, b"all is well"),
    "/created": (201, {}, b""),
    "/broken": (503, {}, b"sorry"),
    "/moved": (301, {"Location": "/ok"}, b""),
    "/round": (302, {"Location": "/round"}, b""),
    "/file": (302, {"Location": "file:///etc/hostname"}, b""),
    "/ftp": (302, {"Location": "ftp://127.0.0.1/x"}, b""),
    "/latin": (200, {"Content-Type": "text/plain; charset=iso-8859-1"}, b"sm\xf6rg\xe5s"),
    "/long": (200, {}, b"x" * (1024 * 1024) + b"at the end"),
}


class _Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/secret" and self.headers["Authorization"] == "Bearer 1":
            self._answer(200, {}, b"")
            return
        self._answer(*ANSWERS.get(self.path, (404, {}, b"")))

    do_HEAD = do_GET  # noqa: N815 - http.server's name

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    server.handle_error = lambda *_: None  # a client that reads a part is no error here
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_answer_as_expected_is_a_success(site: str) -> None:
    http_check(f"{site}/ok")


def test_another_status_fails_and_is_named_beside_the_expected_one(site: str) -> None:
    with pytest.raises(HttpCheckError) as caught:
        http_check(f"{site}/broken")

    assert f"{site}/broken: status 503, expected 200" == str(caught.value)


def test_any_of_several_statuses_is_fine(site: str) -> None:
    http_check([f"{site}/ok", f"{site}/created"], status=[200, 201])


def test_all_urls_are_asked_and_all_failures_are_in_one_message(site: str) -> None:
    with pytest.raises(HttpCheckError) as caught:
        http_check([f"{site}/broken", f"{site}/ok", f"{site}/none"])

    assert (
        f"2 of 3 URLs failed: {site}/broken: status 503, expected 200; "
        f"{site}/none: status 404, expected 200"
    ) == str(caught.value)


def test_more_urls_than_are_asked_at_once_are_all_checked(site: str) -> None:
    with pytest.raises(HttpCheckError, match=r"^45 of 45 URLs failed"):
        http_check([f"{site}/broken?{number}" for number in range(45)])


def test_text_that_is_there_is_found(site: str) -> None:
    http_check(f"{site}/ok", text="is well")


def test_text_is_read_in_the_charset_of_the_answer(site: str) -> None:
    http_check(f"{site}/latin", text="smörgås")


def test_text_that_is_not_there_fails(site: str) -> None:
    with pytest.raises(HttpCheckError) as caught:
        http_check(f"{site}/ok", text="is broken")

    assert f"{site}/ok: 'is broken' is not in the answer" == str(caught.value)


def test_only_the_first_mebibyte_is_read(site: str) -> None:
    with pytest.raises(HttpCheckError) as caught:
        http_check(f"{site}/long", text="at the end")

    assert f"{site}/long: 'at the end' is not in the first MiB of the answer" == str(caught.value)


def test_a_redirect_is_followed(site: str) -> None:
    http_check(f"{site}/moved", text="all is well")


def test_an_expected_redirect_is_the_answer(site: str) -> None:
    http_check(f"{site}/moved", status=301)


def test_a_redirect_in_a_circle_fails(site: str) -> None:
    with pytest.raises(HttpCheckError, match="status 302, expected 200"):
        http_check(f"{site}/round")


@pytest.mark.parametrize("path", ["/file", "/ftp"])
def test_a_redirect_out_of_http_is_not_followed(site: str, path: str) -> None:
    with pytest.raises(HttpCheckError, match=r"status 302|not an http or https URL"):
        http_check(f"{site}{path}")


def test_a_file_is_refused() -> None:
    with pytest.raises(HttpCheckError) as caught:
        http_check("file:///etc/hostname")

    assert str(caught.value) == "file:///etc/hostname: not an http or https URL"


def test_head_asks_for_no_body(site: str) -> None:
    http_check(f"{site}/ok", method="HEAD")


def test_head_with_text_is_refused() -> None:
    with pytest.raises(HttpCheckError, match="has no body"):
        http_check("http://127.0.0.1/", method="HEAD", text="x")


def test_headers_are_sent(site: str) -> None:
    http_check(f"{site}/secret", headers={"Authorization": "Bearer 1"})


def test_no_url_is_refused() -> None:
    with pytest.raises(HttpCheckError, match="no URL is given"):
        http_check([])


def test_nobody_listening_is_told_in_words() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        with pytest.raises(HttpCheckError) as caught:
            http_check(url)

    assert f"{url}: Connection refused" == str(caught.value)


def test_a_server_that_never_answers_fails_within_the_time_limit() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(HttpCheckError) as caught:
            http_check(url, timeout=timedelta(seconds=0.2))

    assert f"{url}: no complete answer within 0.2 s" == str(caught.value)


def test_a_server_that_sends_a_byte_now_and_then_fails_within_the_time_limit() -> None:
    is_over = threading.Event()

    def drip(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.sendall(b"HTTP/1.0 200 OK\r\nX: ")
            while not is_over.wait(0.02):
                connection.sendall(b"x")

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        thread = threading.Thread(target=drip, args=[listening])
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        with pytest.raises(HttpCheckError, match=r"no complete answer within 0.3 s"):
            http_check(url, timeout=timedelta(seconds=0.3))
        is_over.set()
        thread.join()


def test_a_server_that_talks_nonsense_fails() -> None:
    def talk(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(b"220 smtp.example.org ESMTP\r\n")

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        thread = threading.Thread(target=talk, args=[listening])
        thread.start()
        with pytest.raises(HttpCheckError, match="220 smtp"):
            http_check(f"http://127.0.0.1:{listening.getsockname()[1]}/")
        thread.join()

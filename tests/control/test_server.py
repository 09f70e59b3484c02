"""What peers may send to the control socket, and what they get."""

from __future__ import annotations

import asyncio
import getpass
import json
import os
import socket
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from linod.control.client import Client, Refused
from linod.control.server import Peer, Server
from linod.errors import ConfigurationError, DaemonUnreachable, LinodError

Talk = Callable[[Path], Awaitable[Any]]


async def answering(request: dict[str, Any], peer: Peer) -> dict[str, Any]:
    if request.get("verb") == "fail":
        raise LinodError("it\ndoes not")
    if request.get("verb") == "follow":
        await peer.send({"line": "one"})
        return {"ok": True, "ended": "succeeded"}
    return {"ok": True, "by": peer.by, "verb": request.get("verb")}


def serve(directory: Path, talk: Talk) -> Any:
    """Open a server, talk to it, close it."""

    async def run() -> Any:
        server = Server(directory, answering)
        await server.open()
        try:
            return await talk(directory)
        finally:
            await server.close()

    return asyncio.run(run())


async def send(directory: Path, data: bytes) -> dict[str, Any]:
    reader, writer = await asyncio.open_unix_connection(directory / "linod.sock")
    writer.write(data)
    line = await reader.readline()
    writer.close()
    answer: dict[str, Any] = json.loads(line)
    return answer


def test_a_request_is_answered_with_who_asked(tmp_path: Path) -> None:
    answer = serve(tmp_path, lambda at: asyncio.to_thread(Client(at).request, "status"))

    assert answer == {"ok": True, "by": getpass.getuser(), "verb": "status"}


def test_a_refusal_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="it does not"):
        serve(tmp_path, lambda at: asyncio.to_thread(Client(at).request, "fail"))


def test_follow_gives_lines_and_the_end(tmp_path: Path) -> None:
    lines = serve(tmp_path, lambda at: asyncio.to_thread(lambda: list(Client(at).follow(1))))

    assert lines == [{"line": "one"}, {"ok": True, "ended": "succeeded"}]


@pytest.mark.parametrize(
    "garbage",
    [
        b"\xff\xfe\x00garbage\n",
        b"[1, 2]\n",
        b"null\n",
        b'{"verb": \n',
        b"[" * 60_000 + b"\n",
        b"GET / HTTP/1.1\n",
        b'"' + b"x" * 100_000 + b'"\n',
    ],
)
def test_garbage_gets_one_line_and_harms_nobody(tmp_path: Path, garbage: bytes) -> None:
    async def talk(directory: Path) -> Any:
        first = await send(directory, garbage)
        return first, await send(directory, b'{"verb": "status"}\n')

    first, second = serve(tmp_path, talk)

    assert (first["ok"], second["ok"]) == (False, True)


def test_who_comes_and_leaves_harms_nobody(tmp_path: Path) -> None:
    async def talk(directory: Path) -> Any:
        for _ in range(100):
            _, writer = await asyncio.open_unix_connection(directory / "linod.sock")
            writer.close()
        return await send(directory, b'{"verb": "status"}\n')

    assert serve(tmp_path, talk)["ok"]


def test_the_sixty_fifth_connection_is_told_so(tmp_path: Path) -> None:
    async def talk(directory: Path) -> Any:
        path = directory / "linod.sock"
        silent = [await asyncio.open_unix_connection(path) for _ in range(64)]
        answer = await send(directory, b'{"verb": "status"}\n')
        for _, writer in silent:
            writer.close()
        return answer

    assert serve(tmp_path, talk)["error"] == "too many connections"


def test_the_socket_belongs_to_its_owner_alone_and_goes_at_the_end(tmp_path: Path) -> None:
    async def talk(directory: Path) -> int:
        return stat.S_IMODE((directory / "linod.sock").stat().st_mode)

    assert serve(tmp_path, talk) == 0o600
    assert not (tmp_path / "linod.sock").exists()


def test_the_socket_of_a_dead_daemon_is_replaced(tmp_path: Path) -> None:
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(os.fspath(tmp_path / "linod.sock"))
    dead.close()

    assert serve(tmp_path, lambda at: send(at, b'{"verb": "status"}\n'))["ok"]


def test_a_file_in_the_way_is_left(tmp_path: Path) -> None:
    (tmp_path / "linod.sock").write_text("mine")

    with pytest.raises(ConfigurationError, match="is no socket"):
        serve(tmp_path, lambda at: send(at, b"{}\n"))
    assert (tmp_path / "linod.sock").read_text() == "mine"


def test_a_path_longer_than_the_kernel_takes_works(tmp_path: Path) -> None:
    directory = tmp_path / ("d" * 120)
    directory.mkdir()

    answer = serve(directory, lambda at: asyncio.to_thread(Client(at).request, "status"))

    assert answer["ok"]


def test_no_daemon_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(DaemonUnreachable, match="no daemon answers"):
        Client(tmp_path).request("status")
    with pytest.raises(DaemonUnreachable, match="no daemon answers"):
        Client(tmp_path / "missing").request("status")


def test_a_silent_daemon_is_given_up(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(os.fspath(tmp_path / "linod.sock"))
        silent.listen()

        with pytest.raises(DaemonUnreachable, match="does not answer"):
            Client(tmp_path).request("status", timeout_s=0.05)

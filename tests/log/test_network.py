"""Other hosts send by TLS, with a token or a certificate, or not at all."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from linod.errors import ConfigurationError
from linod.loader import load
from linod.log.network import Network

from .processes import run_python, until
from .servers import HELLO, frame_of

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl")

TOKEN = "0123456789abcdef-secret"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """An authority, and certificates of a server and of a sender."""
    folder = tmp_path_factory.mktemp("certificates")
    openssl(
        folder,
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem",
    )
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    for name in ("server", "web1"):
        openssl(
            folder,
            f"req -newkey rsa:2048 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr",
        )
        openssl(
            folder,
            f"x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial "
            f"-days 2 -extfile names -out {name}.pem",
        )
    for key in folder.glob("*.key"):
        key.chmod(0o600)
    token = folder / "token"
    token.write_text(TOKEN + "\n")
    token.chmod(0o600)
    return folder


def openssl(folder, arguments):
    subprocess.run(["openssl", *arguments.split()], cwd=folder, check=True, capture_output=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def toml(certificates, **keys):
    lines = "".join(f'{name} = "{value}"\n' for name, value in keys.items())
    text = '[linod]\ntimezone = "UTC"\n[log]\n' + lines
    return text.replace("@", f"{certificates}/")


TLS = {"certificate": "@server.pem", "certificate_key": "@server.key"}


def is_heard(port):
    """Tell whether somebody listens there, without a connection."""
    listening = {
        int(line.split()[1].rpartition(":")[2], 16)
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if line.split()[3] == "0A"
    }
    return port in listening


class Command:
    """`linod log-server` on a folder."""

    def __init__(self, folder, text, port=None):
        folder.mkdir()
        (folder / "linod.toml").write_text(text)
        self.path = folder / "log" / "linod.log"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "linod", "-c", str(folder / "linod.toml"), "log-server"],
        )
        until((folder / "log" / "log.sock").exists)
        if port is not None:
            until(lambda: is_heard(port))  # that comes a moment later

    def lines(self):
        return self.path.read_text().splitlines() if self.path.exists() else []

    def end(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def begin(tmp_path, certificates):
    servers = []

    def begin(**keys):
        port = keys["listen"].rpartition(":")[2] if "listen" in keys else None
        folder, text = tmp_path / f"server{len(servers)}", toml(certificates, **keys)
        servers.append(Command(folder, text, port and int(port)))
        return servers[-1]

    yield begin
    for server in servers:
        server.end()


SENDER = """
import linod, logging
from linod.log.recorder import current
linod.connect_log()
for number in range(500):
    logging.info("m%d", number)
current().sink.close(WITHIN)
"""


# Closes when it has told something, however long that takes.
TELLER = SENDER.replace(
    "current().sink.close",
    "import time\nend = time.monotonic() + 20\n"
    "while not current().sink._told and time.monotonic() < end: time.sleep(0.01)\n"
    "current().sink.close",
)


def send(folder, server, within_s=20.0, code=SENDER, **environ):
    folder.mkdir(exist_ok=True)
    code = code.replace("WITHIN", str(within_s))
    return run_python(
        code, folder, LINOD_LOG_SOCKET=server, LINOD_LOG_SPOOL=str(folder / "spool"), **environ
    )


def messages(server):
    return [line.rpartition(": ")[2] for line in server.lines()]


EXPECTED = [f"m{number}" for number in range(500)]


def test_a_host_with_the_token_sends_by_tls_without_a_linod_toml(begin, tmp_path, certificates):
    port = free_port()
    server = begin(listen=f"0.0.0.0:{port}", token_file="@token", **TLS)
    ended = send(
        tmp_path / "sender",
        f"tls://localhost:{port}",
        LINOD_LOG_AUTHORITY=str(certificates / "ca.pem"),
        LINOD_LOG_TOKEN_FILE=str(certificates / "token"),
    )

    assert (0, "") == (ended.returncode, ended.stderr)
    assert EXPECTED == messages(server)
    assert f" -c@{socket.gethostname()}[" in server.lines()[0]
    assert [] == list((tmp_path / "sender" / "spool" / str(os.geteuid())).iterdir())


def test_a_host_with_a_certificate_is_named_by_it(begin, tmp_path, certificates):
    port = free_port()
    server = begin(listen=f"127.0.0.1:{port}", authority="@ca.pem", **TLS)
    send(
        tmp_path / "sender",
        f"tls://127.0.0.1:{port}",
        LINOD_LOG_AUTHORITY=str(certificates / "ca.pem"),
        LINOD_LOG_CERTIFICATE=str(certificates / "web1.pem"),
        LINOD_LOG_CERTIFICATE_KEY=str(certificates / "web1.key"),
    )

    assert EXPECTED == messages(server)
    assert " -c@web1[" in server.lines()[0]


def test_records_wait_for_a_server_of_another_host_and_are_delivered_by_the_next_process(
    begin, tmp_path, certificates
):
    port = free_port()
    keys = {
        "LINOD_LOG_AUTHORITY": str(certificates / "ca.pem"),
        "LINOD_LOG_TOKEN_FILE": str(certificates / "token"),
    }
    sender = tmp_path / "sender"
    send(sender, f"tls://localhost:{port}", 0.1, **keys)
    assert 1 == len(list((sender / "spool" / str(os.geteuid())).iterdir()))
    server = begin(listen=f"0.0.0.0:{port}", token_file="@token", **TLS)
    waiting = SENDER + "import os, time\nend = time.monotonic() + 20\n"
    waiting += f"while os.listdir({str(sender / 'spool' / str(os.geteuid()))!r}) and "
    waiting += "time.monotonic() < end: time.sleep(0.01)\n"
    run_python(
        waiting.replace("WITHIN", "20"),
        sender,
        LINOD_LOG_SOCKET=f"tls://localhost:{port}",
        LINOD_LOG_SPOOL=str(sender / "spool"),
        **keys,
    )

    assert sorted(EXPECTED * 2) == sorted(messages(server))


def test_a_wrong_token_is_refused_and_told(begin, tmp_path, certificates):
    port = free_port()
    server = begin(listen=f"0.0.0.0:{port}", token_file="@token", **TLS)
    wrong = tmp_path / "wrong"
    wrong.write_text("another-token-that-is-long")
    wrong.chmod(0o600)
    ended = send(
        tmp_path / "sender",
        f"tls://localhost:{port}",
        1.0,
        TELLER,
        LINOD_LOG_AUTHORITY=str(certificates / "ca.pem"),
        LINOD_LOG_TOKEN_FILE=str(wrong),
    )

    assert "refuses what this process sends: its token is wrong" in ended.stderr
    assert [] == [line for line in messages(server) if line in EXPECTED]


def test_a_server_with_the_wrong_certificate_gets_nothing(begin, tmp_path, certificates):
    port = free_port()
    server = begin(listen=f"0.0.0.0:{port}", token_file="@token", **TLS)
    send(
        tmp_path / "sender",
        f"tls://localhost:{port}",
        0.5,
        LINOD_LOG_TOKEN_FILE=str(certificates / "token"),
    )

    assert [] == [line for line in messages(server) if line in EXPECTED]
    assert 1 == len(list((tmp_path / "sender" / "spool" / str(os.geteuid())).iterdir()))


def test_what_is_no_tls_is_closed_and_others_go_on(begin, tmp_path, certificates):
    port = free_port()
    server = begin(listen=f"0.0.0.0:{port}", token_file="@token", **TLS)
    for data in (b"GET / HTTP/1.1\r\n\r\n", HELLO + frame_of(1), b"\x16\x03\x01\xff\xff" * 9):
        with socket.create_connection(("127.0.0.1", port), 20) as connection:
            connection.sendall(data)
            while True:
                try:
                    if not connection.recv(4_096):
                        break
                except ConnectionResetError:
                    break
    silent = [socket.create_connection(("127.0.0.1", port), 20) for _ in range(50)]
    send(
        tmp_path / "sender",
        f"tls://localhost:{port}",
        LINOD_LOG_AUTHORITY=str(certificates / "ca.pem"),
        LINOD_LOG_TOKEN_FILE=str(certificates / "token"),
    )

    assert 50 == len(silent)
    assert set(EXPECTED) <= set(messages(server))


# -- what is not safe ---------------------------------------------------------------------------


def network_of(tmp_path, certificates, **keys):
    path = tmp_path / "linod.toml"
    path.write_text(toml(certificates, **keys))
    loaded = load(path, {})
    assert not loaded.fatal
    return Network.of(loaded.config)


UNSAFE = {
    "no tls": ({"listen": "0.0.0.0:5170", "token_file": "@token"}, "needs TLS"),
    "no tls 6": ({"listen": "[::]:5170", "token_file": "@token"}, "needs TLS"),
    "a name": ({"listen": "example.org:5170", "token_file": "@token"}, "needs TLS"),
    "nobody known": ({"listen": "0.0.0.0:5170", **TLS}, "anybody could send"),
    "nobody known here": ({"listen": "127.0.0.1:5170"}, "anybody could send"),
    "authority without tls": (
        {"listen": "127.0.0.1:5170", "authority": "@ca.pem"},
        "anybody could send",
    ),
    "no key": (
        {"listen": "0.0.0.0:5170", "certificate": "@server.pem", "token_file": "@token"},
        "certificate_key is missing",
    ),
    "wrong key": (
        {"listen": "0.0.0.0:5170", **TLS, "certificate_key": "@web1.key", "token_file": "@token"},
        "server.pem: ",
    ),
    "no token file": (
        {"listen": "0.0.0.0:5170", **TLS, "token_file": "@nothing"},
        "No such file",
    ),
    "no port": ({"listen": "0.0.0.0", "token_file": "@token", **TLS}, "is no address"),
    "port 0": ({"listen": "0.0.0.0:0", "token_file": "@token", **TLS}, "is no address"),
}


@pytest.mark.parametrize(("keys", "told"), UNSAFE.values(), ids=UNSAFE)
def test_what_is_not_safe_is_refused_before_it_begins(tmp_path, certificates, keys, told):
    with pytest.raises(ConfigurationError, match=told) as error:
        network_of(tmp_path, certificates, **keys)

    assert 78 == error.value.exit_code


@pytest.mark.parametrize(
    ("content", "mode", "told"),
    [("", 0o600, "at least 16"), ("short\n", 0o600, "at least 16"), (TOKEN, 0o644, "chmod 600")],
)
def test_a_token_that_is_none_is_refused(tmp_path, certificates, content, mode, told):
    token = tmp_path / "own"
    token.write_text(content)
    token.chmod(mode)

    with pytest.raises(ConfigurationError, match=told):
        network_of(tmp_path, certificates, listen="127.0.0.1:5170", token_file=token)


def test_a_key_that_others_can_read_is_refused(tmp_path, certificates):
    key = tmp_path / "key"
    shutil.copy(certificates / "server.key", key)
    key.chmod(0o644)

    with pytest.raises(ConfigurationError, match="chmod 600"):
        network_of(
            tmp_path,
            certificates,
            listen="0.0.0.0:5170",
            token_file="@token",
            **{**TLS, "certificate_key": key},
        )

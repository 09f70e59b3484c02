"""Addresses and secrets of a log server, as both ends read them; what is wrong is one line."""

from __future__ import annotations

import ipaddress
import os
import stat
from pathlib import Path

from linod.errors import KeyRefused

TOKEN_MIN = 16
"""Characters; fewer can be guessed over a network."""
_SECRET_MAX = 64 * 1024


def address_of(text: str, key: str) -> tuple[str, int]:
    """Read "host:port" or "[::1]:port"; KeyRefused says what was expected."""
    host, colon, port = text.rpartition(":")
    is_port = port.isascii() and port.isdigit() and 0 < int(port) < 65_536
    if not colon or not host or not is_port:
        raise KeyRefused("log", key, f'"{text}" is no address: expected "0.0.0.0:5170"')
    return host.removeprefix("[").removesuffix("]"), int(port)


def read_token(path: Path) -> str:
    """Read a token; KeyRefused where it is none, or others can read it too."""
    refuse_open(path, "token_file")
    try:
        with open(path, encoding="utf-8") as file:
            token = file.read(_SECRET_MAX).strip()
    except (OSError, ValueError) as error:
        raise KeyRefused("log", "token_file", f"{path}: {why(error)}") from error
    if len(token) < TOKEN_MIN:
        raise KeyRefused(
            "log",
            "token_file",
            f"{path} has {len(token)} characters: at least {TOKEN_MIN} are needed",
        )
    return token


def refuse_open(path: Path, key: str) -> None:
    """Refuse a secret that others on this machine can read."""
    try:
        mode = stat.S_IMODE(os.stat(path).st_mode)
    except OSError as error:
        raise KeyRefused("log", key, f"{path}: {why(error)}") from error
    if mode & 0o077 & ~0o040:
        raise KeyRefused("log", key, f"others can read {path} (mode {mode:o}): chmod 600")


def is_loopback(host: str) -> bool:
    """Tell whether an address is of this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def why(error: Exception) -> str:
    """Give the reason of an error without its paths."""
    return getattr(error, "strerror", None) or str(error)

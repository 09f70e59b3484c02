"""Fixtures of the daemon's tests."""

from .building import build_daemon

__all__ = ["build_daemon"]

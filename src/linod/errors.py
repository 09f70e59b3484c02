"""The one exception that linod raises on purpose, for what a person can cause and mend."""

from __future__ import annotations


class LinodError(Exception):
    """Something is wrong that a person can mend.

    The text says what, where and what to do; `exit_code` is what the command line ends with
    (1 errors found, 2 usage, 69 no daemon, 78 bad configuration).
    """

    exit_code = 1


class ConfigurationError(LinodError):
    """The configuration or what it points to keeps linod from starting."""

    exit_code = 78


class KeyRefused(ConfigurationError):  # noqa: N818 - it reads as what happened
    """A key keeps a part of linod from starting on this machine."""

    def __init__(self, table: str, key: str, text: str) -> None:
        """Name the key and say what is wrong."""
        super().__init__(f"[{table}] {key}: {text}")
        self.place = (table, key)
        self.text = text


class DaemonUnreachable(LinodError):  # noqa: N818 - it reads as what happened
    """No daemon answers on the control socket."""

    exit_code = 69

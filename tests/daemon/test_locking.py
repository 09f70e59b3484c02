"""Directories in which others could forge what linod does are refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from linod.daemon.locking import make_directories
from linod.errors import ConfigurationError


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_another_user_is_refused(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    os.chown(tmp_path / "var", 65534, -1)

    with pytest.raises(ConfigurationError, match="belongs to user 65534"):
        make_directories([tmp_path / "var"])


def test_what_is_made_is_for_us_alone(tmp_path: Path) -> None:
    make_directories([tmp_path / "var"])

    assert (tmp_path / "var").stat().st_mode & 0o777 == 0o700

"""Places that cannot be used refuse the start: 78, one line with the path and what to do."""

from __future__ import annotations

import ctypes
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from disks import fill, small_disk
from linod.store import open_store

TOML = '[linod]\ntimezone = "UTC"\n{}\n[tasks.never]\nshell = "true"\n'
MOVE = "move (that|it) away"
CHMOD = "chown or chmod it"
BY_MODE = (0, 1, 2, 3)
"""CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER: without them modes bind root."""
_DROP_FROM_BOUNDING_SET = 24

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can do that to a place")


def serve(folder: Path, more: str = "") -> subprocess.CompletedProcess[str]:
    """Serve as a user whom modes bind, until it ends by itself."""
    (folder / "linod.toml").write_text(TOML.format(more))
    library = ctypes.CDLL(None)
    return subprocess.run(
        [sys.executable, "-m", "linod", "serve"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        preexec_fn=lambda: [library.prctl(_DROP_FROM_BOUNDING_SET, each) for each in BY_MODE],
    )


def check_refused(folder: Path, path: Path, advice: str, more: str = "") -> None:
    ended = serve(folder, more)
    line = " ".join(ended.stderr.split())

    assert ended.returncode == 78
    assert ended.stdout == ""
    assert line.startswith("linod: ")
    assert str(path) in line
    assert re.search(advice, line), line


def as_file(path: Path) -> None:
    path.write_text("")


def as_link(path: Path) -> None:
    path.symlink_to("/nowhere/at/all")


def as_fifo(path: Path) -> None:
    os.mkfifo(path, 0o600)


def as_folder(path: Path) -> None:
    path.mkdir()


def as_device(path: Path) -> None:
    path.symlink_to("/dev/null")


@pytest.mark.parametrize(
    ("name", "put"),
    [
        ("", as_file),
        ("", as_link),
        ("linod.db", as_folder),
        ("linod.db", as_link),
        ("linod.db", as_fifo),
        ("linod.db", as_device),
        ("linod.db-wal", as_folder),
        ("linod.db-shm", as_fifo),
        ("linod.lock", as_folder),
        ("linod.lock", as_link),
        ("linod.lock", as_fifo),
        ("linod.sock", as_folder),
        ("linod.sock", as_file),
        ("keepers", as_file),
        ("runs", as_link),
    ],
)
def test_what_is_in_the_way_refuses_the_start(
    name: str, put: Callable[[Path], None], tmp_path: Path
) -> None:
    directory = tmp_path / "var"
    if name:
        directory.mkdir(mode=0o700)
    put(directory / name)

    check_refused(tmp_path, directory / name, MOVE)


def test_a_file_above_the_directory_refuses_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    check_refused(tmp_path, tmp_path / "file" / "var", MOVE, 'store = "file/var/linod.db"')


@pytest.mark.parametrize("mode", [0o000, 0o500])
def test_a_directory_without_permission_refuses_the_start(mode: int, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir(mode=mode)

    check_refused(tmp_path, tmp_path / "var", f"{CHMOD}|let this user read and write it")


def test_a_directory_that_cannot_be_made_refuses_the_start(tmp_path: Path) -> None:
    (tmp_path / "shut").mkdir(mode=0o500)

    check_refused(
        tmp_path, tmp_path / "shut" / "var", "let this user", 'store = "shut/var/linod.db"'
    )


@pytest.mark.parametrize("name", ["linod.db", "linod.db-wal", "linod.lock"])
def test_a_file_without_permission_refuses_the_start(name: str, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir(mode=0o700)
    (tmp_path / "var" / name).touch(0o400)

    check_refused(tmp_path, tmp_path / "var" / name, f"{CHMOD}|let this user read and write it")


@only_root
@pytest.mark.parametrize("name", ["keepers", "runs"])
def test_a_folder_of_somebody_else_refuses_the_start(name: str, tmp_path: Path) -> None:
    (tmp_path / "var" / name).mkdir(mode=0o700, parents=True)
    (tmp_path / "var").chmod(0o700)
    os.chown(tmp_path / "var" / name, 65534, -1)

    check_refused(tmp_path, tmp_path / "var" / name, "belongs to user 65534")


def foreign(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE theirs (x)")


def newer(path: Path) -> None:
    open_store(path).close()
    with sqlite3.connect(path) as store:
        store.execute("PRAGMA user_version = 99")


def damaged(path: Path) -> None:
    open_store(path).close()
    data = bytearray(path.read_bytes())
    data[8192:20480] = b"\xff" * 12288
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("make", "advice"),
    [
        (foreign, "name another file as"),
        (newer, "newer linod .* use that one"),
        (damaged, "restore it from a backup, or move it away"),
    ],
)
def test_a_store_that_is_not_to_be_used_is_left_as_it_is(
    make: Callable[[Path], None], advice: str, tmp_path: Path
) -> None:
    (tmp_path / "var").mkdir(mode=0o700)
    path = tmp_path / "var" / "linod.db"
    make(path)
    before = path.read_bytes()

    check_refused(tmp_path, path, advice)

    assert path.read_bytes() == before


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "var", "64k") as path:
        yield path


def test_a_read_only_file_system_refuses_the_start(disk: Path, tmp_path: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)

    check_refused(tmp_path, disk, "name another place in \\[linod\\]")


def test_a_full_disk_refuses_the_start_but_not_as_a_wrong_configuration(
    disk: Path, tmp_path: Path
) -> None:
    fill(disk)

    ended = serve(tmp_path)

    assert ended.returncode == 1
    assert "free some space" in ended.stderr

"""Modules that others can change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from linod.checking import prepare

CODE = "L006" if os.geteuid() == 0 else "L084"
TEXT = '[linod]\nimport_path = ["src"]\ntimezone = "UTC"\n[tasks.a]\nprocedure = "shop.mail.send"\n'


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Write a package whose import leaves a mark."""
    shop = tmp_path / "src" / "shop"
    shop.mkdir(parents=True)
    (shop / "__init__.py").touch()
    (shop / "mail.py").write_text(f"open({str(tmp_path / 'mark')!r}, 'w')\ndef send(): ...\n")
    (tmp_path / "linod.toml").write_text(TEXT)
    return tmp_path / "src"


@pytest.mark.parametrize("path", ["shop", "shop/__init__.py", "shop/mail.py"])
def test_a_module_that_others_can_write_is_told_and_as_root_not_imported(
    source: Path, path: str
) -> None:
    (source / path).chmod(0o777)

    found = prepare(source.parent / "linod.toml", {}).diagnostics

    assert [(each.code, each.place.line) for each in found] == [(CODE, 5)]
    assert found[0].message == f"{source / path} can be written by everyone"
    assert (source.parent / "mark").exists() == (os.geteuid() != 0)


def test_a_sticky_folder_does_not_keep_others_from_adding_modules(source: Path) -> None:
    source.chmod(0o1777)

    found = prepare(source.parent / "linod.toml", {}).diagnostics

    assert [(each.code, each.place.line) for each in found] == [(CODE, 2)]


def test_modules_of_one_s_own_are_fine(source: Path) -> None:
    assert prepare(source.parent / "linod.toml", {}).diagnostics == ()
    assert (source.parent / "mark").exists()


def test_one_file_is_told_once(source: Path) -> None:
    (source / "shop" / "mail.py").chmod(0o666)
    path = source.parent / "linod.toml"
    path.write_text(TEXT + '[tasks.b]\nprocedure = "shop.mail.send"\n')

    assert len(prepare(path, {}).diagnostics) == 1


def test_the_module_of_only_if_is_looked_at_too(source: Path) -> None:
    (source / "shop" / "mail.py").chmod(0o666)
    path = source.parent / "linod.toml"
    path.write_text(
        TEXT.replace('procedure = "shop.mail.send"', 'command = "true"\nonly_if = "shop.mail.ask"')
    )

    found = prepare(path, {}).diagnostics

    assert [each.place.line for each in found if each.code == CODE] == [6]
    assert (source.parent / "mark").exists() == (os.geteuid() != 0)

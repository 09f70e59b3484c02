"""The executor's stage in a Django project whose database has its tables, made once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from executor.conftest import Stage, stage  # noqa: F401 - a fixture

from . import project


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is here where Django is not installed."""
    try:
        import django  # noqa: F401
    except ModuleNotFoundError:
        here = Path(__file__).parent
        for item in items:
            if here in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="Django is not installed"))


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the project once: tables take a second."""
    folder = tmp_path_factory.mktemp("template")
    project.build(folder)
    project.migrate(folder)
    return folder


@pytest.fixture
def site(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of one test."""
    for name in ("DJANGO_SETTINGS_MODULE", "LINOD_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def shop(site: Path, stage: Stage) -> Stage:  # noqa: F811
    """The executor's stage in the project."""
    assert stage.folder == site
    stage.linod["django"] = "shop.settings"
    return stage

"""The procedure with which a first file shows that it works."""

from __future__ import annotations

import pytest

from linod.procedures import hello


def test_hello_greets_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        hello(name="Ada")

    assert caplog.messages == ["hello, Ada"]

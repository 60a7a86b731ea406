"""Which folder of sockets is meant when none is named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from drivers.errors import ConfigError
from drivers.runtime import default_runtime


@pytest.fixture(autouse=True)
def somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without rights, whose session says where their sockets live."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.delenv("COILWARD_RUNTIME", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")


def test_the_environment_s_word_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COILWARD_RUNTIME", "/somewhere")
    assert default_runtime() == Path("/somewhere")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_runtime() == Path("/somewhere")


def test_root_s_is_the_machine_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_runtime() == Path("/run/coilward")


@pytest.mark.parametrize("named", [None, ""])
def test_anybody_else_s_is_their_session_s(monkeypatch: pytest.MonkeyPatch, named: str | None) -> None:
    if named is not None:
        monkeypatch.setenv("COILWARD_RUNTIME", named)
    assert default_runtime() == Path("/run/user/1000/coilward")


@pytest.mark.parametrize("own", [None, ""])
def test_nobody_s_is_guessed(monkeypatch: pytest.MonkeyPatch, own: str | None) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    if own is not None:
        monkeypatch.setenv("XDG_RUNTIME_DIR", own)
    with pytest.raises(ConfigError, match=r"XDG_RUNTIME_DIR is not set\. Give --runtime DIR, the same to every"):
        default_runtime()

"""The literal frames of `tests/vectors/`, one test case per frame and firmware; and a UR arm on loopback sockets."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.ur import arm as arm_module
from tests.drivers.ur_room import Room

VECTORS = Path(__file__).parents[1] / "vectors" / "magstim_rapid.toml"
ROWS = tomllib.loads(VECTORS.read_text())


def cases(kind: str) -> list[Any]:
    """Each row of `kind` under each of its firmwares: (frame, row, firmware)."""
    return [
        pytest.param(bytes.fromhex(row["bytes"]), row, firmware, id=f"{firmware}-{row['bytes'].replace(' ', '')}")
        for row in ROWS[kind]
        for firmware in row["firmware"]
    ]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for `command_case` or `reply_case` runs on every literal frame."""
    for kind in ("command", "reply"):
        if f"{kind}_case" in metafunc.fixturenames:
            metafunc.parametrize(f"{kind}_case", [case.values for case in cases(kind)], ids=[c.id for c in cases(kind)])


@pytest.fixture
def all_vectors() -> dict[str, Any]:
    return ROWS


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    monkeypatch.setattr(arm_module, "ENDING_S", 0.0)  # nobody turns this controller while `close` waits
    made = Room()
    yield made
    made.close()

"""The literal frames of `tests/vectors/`, one test case per frame and firmware."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

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

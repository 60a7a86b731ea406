"""What the doctor finds at the watchdog's socket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from daemon.cli.doctor import _stimulator
from daemon.cli.place import Place
from daemon.words import ENGLISH
from tests.daemon.watchdog_stand_in import watchdog

SITE = Path(__file__).parents[3] / "examples" / "site.toml"


@pytest.mark.parametrize("cutting", ["assumed", "proven", "no"])
def test_the_doctor_says_with_the_stimulator_what_is_known_of_disarming(tmp_path: Path, cutting: str) -> None:
    def answer(asked: dict[str, Any]) -> list[dict[str, Any]]:
        status = {"say": "status", "device": {"present": True, "condition": "standby"}}
        return [{"re": asked["id"], "ok": True, "disarm_cuts_train": cutting}, status]

    where = Place(tmp_path, SITE, "operator", None)
    where.runtime.watchdog_control.parent.mkdir(parents=True)
    with watchdog(where.runtime.watchdog_control, answer):
        found = _stimulator(where)

    assert found == f"magstim-rapid2, standby; disarming: {ENGLISH.cutting[cutting]}"

"""The panel's log: one line for each loss and each return."""

from __future__ import annotations

import pytest

from daemon.panel.told import Told


def test_a_loss_and_its_end_are_told_once_each(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told()
    told.back("broker")
    for _ in range(3):
        told.lost("broker", "no broker")
    told.lost("watchdog", "no watchdog")
    told.lost("broker", "another trouble")
    for _ in range(3):
        told.back("broker")
    told.lost("broker", "no broker")

    assert capsys.readouterr().out.splitlines() == [
        f"coilward-panel: {line}"
        for line in ("no broker", "no watchdog", "another trouble", "the broker is there again", "no broker")
    ]

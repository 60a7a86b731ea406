"""What is said of a tracker with few frames, when a session opens."""

from __future__ import annotations

from typing import Any

import pytest

from daemon.slow_tracker import cut_later
from drivers.polaris.models import model
from tests.daemon.arm_in_memory import ArmInMemory
from tests.daemon.stage import rows


def test_a_slow_tracker_s_later_cut_is_said_in_figures_and_nothing_of_one_with_frames_enough() -> None:
    assert cut_later(model("polaris-vicra").capabilities) == (
        "polaris-vicra sends 20 frames a second: a train that leaves its target is cut within 180 ms, 250 ms when "
        "nobody sees it leave, instead of 80 and 150 ms."
    )
    assert cut_later(model("polaris-vega").capabilities) == ""


@pytest.mark.looptime(noop_cycles=0)
@pytest.mark.parametrize("said", ["It sends 20 frames a second.", ""])
async def test_it_is_on_record_with_the_session_that_was_opened(stage: Any, arm: ArmInMemory, said: str) -> None:
    arm.side.slow_tracker = said
    await arm.connected()
    await stage.opened()

    assert rows(stage, "opened")[0]["slow_tracker"] == said

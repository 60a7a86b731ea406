"""A protocol that ramps, carried out in virtual time: every train at its own level, as shown, given and reported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from daemon.guard_words import AskPermit
from daemon.opening import Opener
from daemon.room import Done, Order
from daemon.thresholds import as_motor_threshold
from safety.limits import load_limits
from safety.plans import plan_of
from safety.protocols import Protocol, parse_protocol
from tests.daemon.guard_in_memory import worded
from tests.daemon.stage import report_of, rows

pytestmark = pytest.mark.looptime(noop_cycles=0)  # nothing here is outside the loop
FILE = Path(__file__).parents[1] / "safety" / "files" / "ramped-protocol.toml"


@pytest.fixture
def ramped(stage: Any) -> Any:
    protocol: Protocol = parse_protocol(FILE.read_text("utf-8"), FILE.name, load_limits())
    known = stage.room._opener
    stage.room._opener = Opener(known.site, known.dialect, {"ramped": protocol}, known.thresholds)
    stage.order = Order("sim-0001", "ramped", "left DLPFC, cap mark F3")
    filed = known.thresholds.latest("sim-0001", "coil-1")
    stage.guard.plan = worded(plan_of(protocol, as_motor_threshold(filed), None, protocol.pulses))
    return stage


def given(stage: Any) -> list[int]:
    return [permit.level_tenths for permit in stage.guard.of(AskPermit)]


async def test_every_train_of_a_ramp_has_its_own_level_from_the_setting_to_the_report(ramped: Any) -> None:
    await ramped.begun()
    assert ramped.room.status().level_tenths == 400
    assert ramped.room.status().intensity_tenths == 1000
    await ramped.over()

    rising = [400, 420, 450, 470, 500, 500]
    assert given(ramped) == rising
    assert [row["level_set_tenths"] for row in rows(ramped, "pulse")[::20]] == rising
    assert [row["intensity_tenths"] for row in rows(ramped, "pulse")[::20]] == [800, 840, 900, 940, 1000, 1000]
    assert report_of(ramped)["pulses"]["settled"] == 120
    page = Path(report_of(ramped)["report"]).with_suffix(".html").read_text("utf-8")
    assert "<th>Level<td>40.0 → 42.0 → 45.0 → 47.0 → 50.0 % MSO" in page


async def test_of_the_ramp_and_what_the_operator_lowered_to_the_lower_holds(ramped: Any) -> None:
    await ramped.begun()
    await ramped.reaches("train")
    await ramped.reaches("gap")
    assert await ramped.room.lower(880, "operator") == Done()
    await ramped.over()

    assert given(ramped) == [400, 420, 440, 440, 440, 440]


async def test_a_train_that_is_cut_on_the_ramp_is_made_up_at_its_own_level(ramped: Any) -> None:
    cut = iter([(8, "cut")])
    ramped.guard.deliver = lambda pulses: next(cut, (pulses, "delivered"))
    await ramped.begun()
    await ramped.over()

    assert given(ramped) == [400, 420, 450, 470, 500, 500, 400]
    assert report_of(ramped)["pulses"]["settled"] == 120

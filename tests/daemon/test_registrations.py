"""A target on the skull: which registration a session goes by, where the arm is sent by it, and what opens nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from daemon.guard_words import OpenSession
from daemon.registration_file import MOST_RESIDUAL_M, MeasuredScalp
from daemon.room import Done, Refused
from daemon.scalp import Scalp
from drivers.poses import Pose
from tests.daemon.arm_in_memory import ArmInMemory
from tests.daemon.guard_in_memory import HASH, NONCE
from tests.daemon.registered_head import (
    HEAD_FROM_SKULL,
    HOURS,
    SKULL_TARGET,
    SUBJECT,
    file,
    made,
    registration,
    registrations,
)
from tests.daemon.stage import Stage, rows

looptime = pytest.mark.looptime(noop_cycles=0)


def pose_of(numbers: list[float]) -> Pose:
    return Pose.of(numbers[:4], numbers[4:])


@pytest.fixture
async def arm(stage: Stage) -> Any:
    made_ready = ArmInMemory(stage, SKULL_TARGET)
    yield made_ready
    made_ready.end()


def aimed(arm: ArmInMemory) -> list[dict[str, Any]]:
    return [order for order in arm.orders if order["do"] == "target"]


@pytest.mark.parametrize(
    ("good", "bad", "reason"),
    [
        ({"residual_mm": MOST_RESIDUAL_M * 1000}, {"residual_mm": MOST_RESIDUAL_M * 1000 + 0.01}, "registration-poor"),
        ({"made": made(HOURS)}, {"made": made(HOURS + 0.001)}, "registration-old"),
        ({"made": made(-1 / 60)}, {"made": made(-2 / 60)}, "registration-old"),
        ({}, {"subject": "sim-0002"}, "registration-of-another"),
    ],
)
def test_a_registration_holds_up_to_its_limit_and_no_further(
    tmp_path: Path, good: dict[str, Any], bad: dict[str, Any], reason: str
) -> None:
    kept = registrations(tmp_path)
    file(tmp_path, **good)
    assert kept.of(SUBJECT) == registration(**good)
    file(tmp_path, **bad)
    refused = kept.of(SUBJECT)

    assert isinstance(refused, Refused)
    assert refused.reason == reason


def test_a_registration_that_was_made_in_a_simulation_holds_in_a_simulation_only(tmp_path: Path) -> None:
    file(tmp_path)
    assert registrations(tmp_path).of(SUBJECT) == registration()
    refused = registrations(tmp_path, simulated=False).of(SUBJECT)
    file(tmp_path, simulated=False)

    assert isinstance(refused, Refused)
    assert "made in a simulation" in refused.sentence
    assert registrations(tmp_path, simulated=False).of(SUBJECT) == registration(simulated=False)


def test_a_registration_that_somebody_changed_is_refused(tmp_path: Path) -> None:
    path = file(tmp_path)
    path.write_text(path.read_text().replace('"residual_mm": 0.4', '"residual_mm": 0.3'))
    refused = registrations(tmp_path).of(SUBJECT)

    assert isinstance(refused, Refused)
    assert refused.reason == "registration-unread"
    assert "The file was changed after it was made" in refused.sentence


@looptime
async def test_the_arm_is_sent_where_the_registration_places_the_target_under_the_marker(
    stage: Stage, arm: ArmInMemory
) -> None:
    file(stage.site.daemon.state)
    await arm.connected()
    assert aimed(arm) == [], "nobody is named, so the target is nowhere yet"
    await stage.opened()

    (order,) = aimed(arm)
    head_from_target = HEAD_FROM_SKULL @ SKULL_TARGET.pose
    assert pose_of(order["head_from_target"]).angle_to(head_from_target) < 1e-9
    assert pose_of(order["head_from_target"]).translation == pytest.approx(head_from_target.translation)


@looptime
@pytest.mark.parametrize("shape", [None, Scalp(centre=(0.0, 0.01, 0.03), radii=(0.08, 0.1, 0.09))])
async def test_the_arm_keeps_clear_of_the_scalp_that_was_measured_and_otherwise_of_a_large_head(
    stage: Stage, arm: ArmInMemory, shape: Scalp | None
) -> None:
    file(stage.site.daemon.state, scalp=shape and MeasuredScalp(shape=shape, points=12, residual_mm=1.0))
    await arm.connected()
    await stage.opened()

    (order,) = aimed(arm)
    told = Scalp.model_validate(order["scalp"])
    if shape is None:
        assert told == Scalp.touching(pose_of(order["head_from_target"]), SKULL_TARGET.air_gap_m)
    else:
        assert told.centre == pytest.approx(HEAD_FROM_SKULL.apply(shape.centre))
        assert told.turn == pytest.approx(HEAD_FROM_SKULL.quaternion)
        assert told.radii == shape.radii


@looptime
async def test_registration_and_residual_are_part_of_what_the_watchdog_hashes(stage: Stage, arm: ArmInMemory) -> None:
    file(stage.site.daemon.state)
    await arm.connected()
    await stage.opened()

    (asked,) = stage.guard.of(OpenSession)
    assert asked.placement.startswith(
        f"robot: target left-m1 {SKULL_TARGET.hash[:12]} at -30.0 20.0 120.0 mm of the skull, 5 mm off the scalp"
    )
    assert f"; registration {registration().hash[:12]}, 0.4 mm; calibration 5ea15ea15ea1; " in asked.placement
    assert asked.placement.endswith("left DLPFC, cap mark F3")


@looptime
async def test_an_arm_that_comes_back_is_told_the_same_target_again(stage: Stage, arm: ArmInMemory) -> None:
    file(stage.site.daemon.state)
    await arm.connected()
    await stage.opened()
    await arm.side.linked(arm)

    first, again = aimed(arm)
    assert first == again


@looptime
async def test_without_a_registration_no_session_is_opened_and_with_it_one_is(stage: Stage, arm: ArmInMemory) -> None:
    await arm.connected()
    stage.guard.push()
    refused = await stage.room.start(stage.order, "operator")
    assert isinstance(refused, Refused)
    assert refused.reason == "registration-missing"
    assert stage.guard.of(OpenSession) == []
    assert [row["reason"] for row in rows(stage, "turned-down")] == ["registration-missing"]

    file(stage.site.daemon.state)
    assert isinstance(await stage.room.start(stage.order, "operator"), Done)


@looptime
async def test_a_head_that_was_registered_anew_is_not_released_under_the_session_of_before(
    stage: Stage, arm: ArmInMemory
) -> None:
    file(stage.site.daemon.state)
    await arm.connected()
    await stage.opened()
    file(stage.site.daemon.state, residual_mm=0.5)
    refused = await stage.room.release(HASH, NONCE, "operator")
    file(stage.site.daemon.state)

    assert isinstance(refused, Refused)
    assert refused.reason == "registration-changed"
    assert isinstance(await stage.room.release(HASH, NONCE, "operator"), Done)


@looptime
async def test_an_arm_that_does_not_take_the_target_opens_no_session(
    stage: Stage, arm: ArmInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    file(stage.site.daemon.state)
    await arm.connected()
    stage.guard.push()
    with monkeypatch.context() as patched:
        patched.setattr(arm, "targets_refused", "the target's normal does not lead out of the head")
        refused = await stage.room.start(stage.order, "operator")
        await arm.side.linked(arm)  # it is told nothing of the session that was not opened

    assert isinstance(refused, Refused)
    assert refused.reason == "target-refused"
    assert "normal does not lead out of the head" in refused.sentence
    assert isinstance(await stage.room.start(stage.order, "operator"), Done)

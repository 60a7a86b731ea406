"""Targets on file: whose they are, what they hold, and which one the arm is given at an opening."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from daemon.arm.goals import Ellipsoid
from daemon.arm.lease import AGREES_M, AGREES_RAD
from daemon.arm_side import LONGEST_PLACEMENT
from daemon.guard_words import OpenSession
from daemon.room import Done, Order, Recorded, Refused
from daemon.scalp import Scalp
from daemon.target import LARGEST_GAP_M, Target, read_target
from daemon.targets import MOST_SPREAD_M, MOST_SPREAD_RAD, file_of
from drivers.poses import Pose
from simulator.head.skull import Ellipsoid as Head
from simulator.placement import target_on
from tests.daemon.arm_in_memory import ArmInMemory
from tests.daemon.guard_in_memory import HASH, NONCE
from tests.daemon.registered_head import (
    HEAD_FROM_SKULL,
    HOURS,
    MARKER_TARGET,
    SKULL_TARGET,
    SUBJECT,
    file,
    file_target,
    made,
    registration,
    targets,
)
from tests.daemon.stage import Stage, rows

looptime = pytest.mark.looptime(noop_cycles=0)
PLACE = Pose.turned((2.9, 0.3, -0.2), (0.03, 0.02, 0.11))
RECORDED = Recorded(SUBJECT, "left-m1", PLACE, 0.005, 0.1, 0.1, 0.2, 0.1, "5e" * 32)
NOBODY = Refused("registration-missing", "No session was opened. Nobody has registered it. Register it.")


@pytest.fixture
async def arm(stage: Stage) -> AsyncIterator[ArmInMemory]:
    """In a room in which nothing was recorded yet."""
    made_ready = ArmInMemory(stage, None)
    yield made_ready
    made_ready.end()


def aimed(arm: ArmInMemory) -> list[dict[str, Any]]:
    return [order for order in arm.orders if order["do"] == "target"]


def filed(answer: Target | Refused) -> Target:
    assert isinstance(answer, Target), answer
    return answer


# --- filing -----------------------------------------------------------------------------------------------------------


def test_of_a_registered_head_the_place_is_filed_on_the_skull_and_comes_back_under_another_marker(
    tmp_path: Path,
) -> None:
    one = filed(targets(tmp_path).file(RECORDED, "olga", registration()))
    elsewhere = Pose.turned((0.5, 0.0, -0.4), (-0.02, 0.05, 0.08))
    again = one.order(elsewhere @ HEAD_FROM_SKULL)["head_from_target"]

    assert (one.subject, one.by, one.frame, one.registered_mm) == (SUBJECT, "olga", "skull", 0.4)
    assert one.registration == registration().hash
    assert (Pose.of(again[:4], again[4:]).inverse() @ elsewhere @ PLACE).distance < 1e-9
    assert targets(tmp_path).of(SUBJECT) == one, "read back as it was written"


def test_of_a_head_nobody_registered_the_place_is_filed_under_its_marker(tmp_path: Path) -> None:
    one = filed(targets(tmp_path).file(RECORDED, "olga", NOBODY))

    assert (one.frame, one.head_from_target, one.skull_from_target) == ("head marker", PLACE, None)
    assert one.order()["head_from_target"] == [*PLACE.quaternion, *PLACE.translation]
    assert targets(tmp_path).of(SUBJECT) == one


def test_where_persons_are_treated_only_a_place_on_the_skull_is_filed(tmp_path: Path) -> None:
    store = targets(tmp_path, persons=True)
    refused = store.file(RECORDED, "olga", NOBODY)
    assert isinstance(refused, Refused)
    assert refused.reason == "target-on-marker"
    assert not file_of(tmp_path, SUBJECT).exists()

    assert filed(store.file(RECORDED, "olga", registration())).on_skull


@pytest.mark.parametrize(
    ("figure", "reason"),
    [
        ({"spread_mm": MOST_SPREAD_M * 1000}, "target-unsteady"),
        ({"spread_deg": math.degrees(MOST_SPREAD_RAD)}, "target-unsteady"),
        ({"apart_mm": AGREES_M * 1000}, "target-disagreed"),
        ({"apart_deg": math.degrees(AGREES_RAD)}, "target-disagreed"),
    ],
)
def test_what_moved_while_it_was_recorded_or_was_seen_in_two_places_is_not_filed(
    tmp_path: Path, figure: dict[str, float], reason: str
) -> None:
    store = targets(tmp_path)
    refused = store.file(replace(RECORDED, **{name: most * 1.01 for name, most in figure.items()}), "olga", NOBODY)
    assert isinstance(refused, Refused)
    assert refused.reason == reason

    filed(store.file(replace(RECORDED, **figure), "olga", NOBODY))


# --- which one a session may use --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("good", "bad", "reason"),
    [
        ({}, {"subject": "sim-0002"}, "target-of-another"),
        ({"made": made(HOURS)}, {"made": made(HOURS + 0.01)}, "target-old"),
    ],
)
def test_a_target_under_the_marker_holds_for_its_subject_and_a_visit(
    tmp_path: Path, good: dict[str, Any], bad: dict[str, Any], reason: str
) -> None:
    file_target(tmp_path, MARKER_TARGET, **bad)
    refused = targets(tmp_path).of(SUBJECT)
    assert isinstance(refused, Refused)
    assert refused.reason == reason

    file_target(tmp_path, MARKER_TARGET, **good)
    assert isinstance(targets(tmp_path).of(SUBJECT), Target)


def test_a_target_on_the_skull_holds_at_every_visit(tmp_path: Path) -> None:
    file_target(tmp_path, SKULL_TARGET, made=made(24 * 365))

    assert isinstance(targets(tmp_path, persons=True).of(SUBJECT), Target)


def test_a_target_that_was_recorded_in_a_simulation_holds_in_a_simulation_only(tmp_path: Path) -> None:
    file_target(tmp_path)
    refused = targets(tmp_path, simulated=False).of(SUBJECT)
    assert isinstance(refused, Refused)
    assert "recorded in a simulation" in refused.sentence

    file_target(tmp_path, simulated=False)
    assert isinstance(targets(tmp_path, simulated=False).of(SUBJECT), Target)


def test_under_the_marker_no_person_is_treated_whatever_was_filed_before(tmp_path: Path) -> None:
    file_target(tmp_path, MARKER_TARGET)

    assert isinstance(targets(tmp_path, persons=True).of(SUBJECT), Refused)
    assert isinstance(targets(tmp_path).of(SUBJECT), Target)


def test_a_target_that_somebody_changed_is_refused(tmp_path: Path) -> None:
    path = file_target(tmp_path)
    path.write_text(path.read_text().replace('"air_gap_m": 0.005', '"air_gap_m": 0.0'))
    refused = targets(tmp_path).of(SUBJECT)

    assert isinstance(refused, Refused)
    assert "The file was changed after it was made" in refused.sentence


@pytest.mark.parametrize(
    "change",
    [
        {"skull_from_target": None},
        {"head_from_target": [1, 0, 0, 0, 0, 0, 0.1]},
        {"skull_from_target": [1, 0, 0, 0, 0, 0, 0.301]},
        {"air_gap_m": LARGEST_GAP_M + 0.001},
        {"subject": "../p"},
        {"note": "?"},
    ],
)
def test_a_target_that_cannot_be_is_none(change: dict[str, Any]) -> None:
    good = SKULL_TARGET.model_dump(mode="json")
    assert Target.model_validate(good) == SKULL_TARGET

    with pytest.raises(ValidationError):
        Target.model_validate(good | change)


def test_a_target_on_the_skull_is_nowhere_without_a_registration() -> None:
    with pytest.raises(ValueError, match="nowhere without a registration"):
        SKULL_TARGET.order()

    assert MARKER_TARGET.order()["head_from_target"][4:] == [0.03, 0.02, 0.11]


def test_of_a_head_nobody_measured_a_large_one_lies_inside_what_is_kept_clear_of_wherever_the_coil_is() -> None:
    large = Head((0.0, 0.0, 0.0), (0.08, 0.11, 0.1))
    ways = [
        (math.cos(turn) * math.cos(up), math.sin(turn) * math.cos(up), math.sin(up))
        for turn in (step * math.pi / 12 for step in range(24))
        for up in (step * math.pi / 12 for step in range(-6, 7))
    ]
    for way in ways:
        place = target_on(large, way, (0.3, 0.5, 0.8), 0.005)
        kept = Scalp.touching(place, 0.005)
        clear = Ellipsoid(kept.centre, tuple(radius + 1e-3 for radius in kept.radii))

        assert all(clear.holds(large.pierced(each)) for each in ways), way
        assert math.dist(kept.centre, place.translation) == pytest.approx(kept.radii[0] + 0.005)


# --- at an opening ----------------------------------------------------------------------------------------------------


@looptime
async def test_without_a_target_the_room_serves_its_arm_and_opens_no_session(stage: Stage, arm: ArmInMemory) -> None:
    await arm.connected()
    stage.guard.push()
    refused = await stage.room.start(stage.order, "operator")

    assert isinstance(refused, Refused)
    assert (refused.reason, aimed(arm)) == ("target-missing", [])
    assert "coilward target record sim-0001" in refused.sentence
    assert stage.guard.of(OpenSession) == []
    assert arm.side.shown()["target"] is None
    assert isinstance(await stage.room.hand_guide("operator"), Done), "the coil can be led to where the target will be"


@looptime
async def test_what_was_recorded_is_where_the_next_session_holds_the_coil(stage: Stage, arm: ArmInMemory) -> None:
    file(stage.site.daemon.state)
    await arm.connected()
    answer = await stage.room.file_target(RECORDED, "olga")
    await stage.opened()

    assert isinstance(answer, Done)
    assert (answer.detail["why"], answer.detail["registered_mm"]) == ("", 0.4)
    (order,) = aimed(arm)
    told = Pose.of(order["head_from_target"][:4], order["head_from_target"][4:])
    assert (told.inverse() @ PLACE).distance < 1e-9
    (asked,) = stage.guard.of(OpenSession)
    on_file = read_target(file_of(stage.site.daemon.state, SUBJECT))
    assert asked.placement.startswith(f"robot: target left-m1 {on_file.hash[:12]} at ")
    [row] = rows(stage, "target")
    assert (row["by"], row["subject"], row["sha256"]) == ("olga", SUBJECT, on_file.hash)


@looptime
async def test_without_a_registration_the_answer_says_that_it_holds_while_the_marker_stays(
    stage: Stage, arm: ArmInMemory
) -> None:
    answer = await stage.room.file_target(RECORDED, "olga")

    assert isinstance(answer, Done)
    assert answer.detail["why"].startswith("Nobody has registered the head of sim-0001")
    assert isinstance(await stage.room.start(stage.order, "operator"), Done)


@looptime
async def test_a_subject_is_never_treated_at_another_s_target(stage: Stage, arm: ArmInMemory) -> None:
    await arm.connected()
    await stage.room.file_target(RECORDED, "olga")
    await stage.opened()
    await stage.room.end("operator")
    before = len(aimed(arm))
    refused = await stage.room.start(replace(stage.order, subject="sim-0002"), "operator")
    stolen = file_of(stage.site.daemon.state, "sim-0002")
    stolen.write_text(file_of(stage.site.daemon.state, SUBJECT).read_text())
    copied = await stage.room.start(replace(stage.order, subject="sim-0002"), "operator")

    assert isinstance(refused, Refused)
    assert refused.reason == "target-missing"
    assert isinstance(copied, Refused)
    assert copied.reason == "target-of-another"
    assert len(aimed(arm)) == before
    assert len(stage.guard.of(OpenSession)) == 1


@looptime
async def test_a_target_that_was_recorded_anew_is_not_released_under_the_session_of_before(
    stage: Stage, arm: ArmInMemory
) -> None:
    await arm.connected()
    state = stage.site.daemon.state
    file_target(state, MARKER_TARGET)
    await stage.opened()
    not_filed = await stage.room.file_target(replace(RECORDED, name="right-m1"), "olga")
    file_target(state, MARKER_TARGET, name="right-m1")
    refused = await stage.room.release(HASH, NONCE, "operator")
    file_target(state, MARKER_TARGET)

    assert isinstance(not_filed, Refused)
    assert not_filed.reason == "session-open"
    assert isinstance(refused, Refused)
    assert refused.reason == "target-changed"
    assert isinstance(await stage.room.release(HASH, NONCE, "operator"), Done)


@looptime
async def test_a_registration_from_after_the_recording_makes_a_target_under_the_marker_doubtful(
    stage: Stage, arm: ArmInMemory
) -> None:
    file_target(stage.site.daemon.state, MARKER_TARGET, made=made(1.5))
    file(stage.site.daemon.state)
    refused = await stage.room.start(stage.order, "operator")
    assert isinstance(refused, Refused)
    assert refused.reason == "target-unregistered"

    file(stage.site.daemon.state, made=made(2))
    assert isinstance(await stage.room.start(stage.order, "operator"), Done)


@looptime
async def test_the_longest_words_of_target_registration_and_calibration_fit_into_what_is_hashed(
    stage: Stage, arm: ArmInMemory
) -> None:
    state = stage.site.daemon.state
    farthest = Pose.turned((1.0, -2.0, 1.0), (-0.171, -0.172, -0.173))
    file(state, residual_mm=2.7)
    file_target(state, SKULL_TARGET, name="a" * 32, skull_from_target=farthest, air_gap_m=0.0125)
    await arm.connected()
    assert await arm.side.aim(SUBJECT) is None

    placed = arm.side.placed(Order(SUBJECT, "demo", "")).placement
    assert placed.endswith(f"calibration {arm.calibration[:12]}")
    assert len(placed) <= LONGEST_PLACEMENT

"""A calibration that the daemon tells the running loop: who may, what is taken whole, and what is said of it."""

from __future__ import annotations

from typing import Any

import pytest

from daemon.arm.messages import MAX_PACKET_BYTES, Calibrate, Malformed, encode, parse
from daemon.arm.reasons import ArmReason
from tests.daemon.arm.loop_stand_ins import SIMULATED, LoopRoom
from tests.daemon.arm.test_loop_talk import TARGET
from tests.daemon.calibration_world import ROBOT_FROM_CAMERA, calibrated

FOUND = calibrated(simulated=False, by="olga")


def order(**changes: Any) -> dict[str, Any]:
    return {"do": "calibrate", "calibration": {**FOUND.model_dump(mode="json"), **changes}}


def test_what_the_daemon_files_is_what_the_hold_goes_by_and_what_a_target_is_answered_with(room: LoopRoom) -> None:
    daemon = room.client("daemon")
    answer = daemon.ask(**order())
    (setup,) = room.hold.told

    assert (answer["ok"], answer["calibration"]) == (True, FOUND.hash)
    assert setup.robot_from_camera == ROBOT_FROM_CAMERA
    assert room.said[-1] == f"calibrated anew: {FOUND.hash}"
    room.turn(50_000)
    assert daemon.states[-1]["calibration"] == FOUND.hash
    assert daemon.ask(**TARGET)["calibration"] == FOUND.hash


def test_nobody_but_the_daemon_calibrates(room: LoopRoom) -> None:
    assert "only the daemon" in room.client("cli").ask(**order())["why"]
    assert room.hold.told == []


def test_a_hold_that_takes_none_just_now_says_why_and_goes_by_the_one_before(room: LoopRoom) -> None:
    room.hold.moves = True
    daemon = room.client("daemon")
    answer = daemon.ask(**order())
    room.turn(50_000)

    assert (answer["ok"], answer["why"]) == (False, "not-now")
    assert answer["sentence"] == str(ArmReason.NOT_NOW.sentence)
    assert daemon.states[-1]["calibration"] == "5ea1"


def test_one_that_was_made_in_a_simulation_is_not_taken(room: LoopRoom) -> None:
    assert room.client("daemon").ask(**order(simulated=True))["why"] == SIMULATED
    assert room.hold.told == []


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"robot_from_camera": [1.0, 0, 0, 0, 0, 0]}, "calibration.robot_from_camera: "),
        ({"robot_from_camera": [1.0, 0, 0, 0, 1700.0, 0, 0]}, "are these millimetres"),
        ({"poses": 0}, "calibration.poses: "),
        ({"kept": 1}, "calibration.kept: "),
    ],
)
def test_one_that_does_not_hold_is_refused_by_its_field(room: LoopRoom, changes: dict[str, Any], names: str) -> None:
    assert names in room.client("daemon").ask(**order(**changes))["why"]
    assert room.hold.told == []


def test_a_calibration_goes_through_a_packet_to_the_last_digit_so_its_hash_is_the_file_s() -> None:
    packet = encode(order())

    assert len(packet) < MAX_PACKET_BYTES
    assert parse(packet) == ("calibrate", Calibrate(FOUND))
    with pytest.raises(Malformed, match="calibration is missing"):
        parse(encode({"do": "calibrate"}))

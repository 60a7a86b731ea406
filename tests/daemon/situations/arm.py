"""The arm, and the calibration it goes by."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from daemon.arm.reasons import ArmReason
from tests.daemon.arm_in_memory import ArmInMemory
from tests.daemon.calibration_world import calibrated
from tests.daemon.guard_in_memory import HASH, NONCE
from tests.daemon.situations import comes_about


@comes_about("no-arm", "Nothing was moved. This room has no arm. Move the coil by hand.")
async def _(stage: Any) -> Any:
    return await stage.room.park("operator")


@comes_about("coil-busy", "Nothing was moved. The session is under way. Pause it first.")
async def _(stage: Any) -> Any:
    await stage.begun()
    return await stage.room.hand_guide("operator")


@comes_about(
    "arm-lost",
    "Nobody moves the arm. coilward-arm does not answer; the arm takes the coil off the head by itself. "
    "Start coilward-arm, or wait until it is back.",
)
async def _(stage: Any) -> Any:
    ArmInMemory(stage)
    return await stage.room.coil_away("operator")


@comes_about(
    "calibration-changed",
    "Nothing was released. The arm holds the coil by another calibration than this session was opened with. "
    "End the session and start it again.",
)
async def _(stage: Any) -> Any:
    arm = ArmInMemory(stage)
    await arm.side.linked(arm)
    await stage.opened()
    arm.calibration = "0dd5" * 16
    await arm.side.linked(arm)
    return await stage.room.release(HASH, NONCE, "operator")


@comes_about(
    "not-filed",
    "Nothing was filed. {state}/registrations/sim-0001.json cannot be written: File exists. "
    "Give its folder to the user of coilward-daemon, and see that its disk has space.",
)
async def _(stage: Any) -> Any:
    ArmInMemory(stage).files.registrations.path_of("sim-0001").parent.touch()
    return await stage.room.file_registration("sim-0001", None, "operator")


@comes_about(
    "calibration-simulated",
    "Nothing was filed. The calibration was made in a simulation, and this arm is real. "
    "Calibrate here: `coilward calibrate run`.",
)
async def _(stage: Any) -> Any:
    real = replace(ArmInMemory(stage).files, simulated=False)
    return await real.file_calibration(calibrated(), "operator")


@comes_about(
    "calibration-not-taken",
    "No session was opened. The arm does not take the calibration on file. The order was not carried out. "
    "It is not possible in the arm's present state. Park the arm or send the coil away first.",
)
async def _(stage: Any) -> Any:
    arm = ArmInMemory(stage)
    arm.calibrations_refused = ArmReason.NOT_NOW
    calibrated().write(arm.files.calibration)
    await arm.side.linked(arm)
    stage.guard.push()
    return await stage.room.start(stage.order, "operator")

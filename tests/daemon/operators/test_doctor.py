"""What the doctor finds at the sockets of watchdog and arm."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from daemon.cli.doctor import Finding, _arm, _calibration, _stimulator, examine
from daemon.cli.place import Place
from daemon.words import ENGLISH
from drivers.errors import OperatorError
from tests.daemon.arm_stand_in import ArmStandIn
from tests.daemon.calibration_world import calibrated
from tests.daemon.watchdog_stand_in import watchdog

SITE = Path(__file__).parents[3] / "examples" / "site.toml"


def placed(folder: Path) -> Place:
    where = Place(folder, SITE, "operator", None)
    where.runtime.watchdog_control.parent.mkdir(parents=True)
    return where


def found_at_the_watchdog(folder: Path, **status: Any) -> Finding:
    """What the doctor finds of a watchdog that shows this status."""

    def answer(asked: dict[str, Any]) -> list[dict[str, Any]]:
        shown = {"say": "status", "phase": "safe", "witness": "running", "trip": None, "unknown": [], **status}
        return [{"re": asked["id"], "ok": True, "use": "simulation"}, shown]

    where = placed(folder)
    with watchdog(where.runtime.watchdog_control, answer):
        return next(finding for finding in examine(where) if finding.name == "watchdog")


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("the disk failed before: No space left on device", "The disk failed before: No space left on device."),
        (None, "The pulse record could not be written, or does not hold together."),
    ],
)
def test_the_doctor_says_that_the_watchdog_is_locked_out_why_and_with_which_commands_it_ends(
    tmp_path: Path, why: str | None, said: str
) -> None:
    locked = {"phase": "lockout", "lockout": why, "trip": {"reason": "port-lost"}, "unknown": [4]}
    found = found_at_the_watchdog(tmp_path, **locked)

    assert not found.good
    assert (found.told.what, found.told.why) == ("The system is locked.", said)
    assert "`coilward-watchdog ledger verify`" in found.told.next
    assert "`coilward-watchdog ledger unlock`" in found.told.next


def test_the_doctor_finds_nothing_wrong_with_a_watchdog_that_is_not_locked_out(tmp_path: Path) -> None:
    found = found_at_the_watchdog(tmp_path)
    assert (found.good, found.told.what) == (True, "safe, witness running, simulation")


@pytest.mark.parametrize("cutting", ["assumed", "proven", "no"])
def test_the_doctor_says_with_the_stimulator_what_is_known_of_disarming(tmp_path: Path, cutting: str) -> None:
    def answer(asked: dict[str, Any]) -> list[dict[str, Any]]:
        status = {"say": "status", "device": {"present": True, "condition": "standby"}}
        return [{"re": asked["id"], "ok": True, "disarm_cuts_train": cutting}, status]

    where = placed(tmp_path)
    with watchdog(where.runtime.watchdog_control, answer):
        found = _stimulator(where)

    assert found == f"magstim-rapid2, standby; disarming: {ENGLISH.cutting[cutting]}"


FOUND = calibrated()
ROBOT = SITE.with_name("robot.toml")


async def found_at_the_arm(folder: Path, look: Callable[[Place], str], **says: Any) -> str:
    """What the doctor finds, good or bad, while the arm says this."""
    text = re.sub("calibration = .*", 'calibration = "calibration.json"', ROBOT.read_text())
    (folder / "site.toml").write_text(text)
    where = Place(folder, folder / "site.toml", "operator", None)
    arm = ArmStandIn(where.runtime.arm_control)

    async def speaks() -> None:
        while True:
            arm.say(**says)
            await asyncio.sleep(0.02)

    speaking = asyncio.create_task(speaks())
    try:
        return await asyncio.to_thread(look, where)
    except OperatorError as wrong:
        return str(wrong)
    finally:
        speaking.cancel()
        arm.close()


@pytest.mark.parametrize(
    ("filed", "used", "says"),
    [
        (True, FOUND.hash, f"made {FOUND.made} by tests; the arm goes by it"),
        (True, "0dd5" * 16, f"the arm goes by {'0dd5' * 3}. Start a session, which gives it to the arm, or restart"),
        (True, "", "the arm goes by none."),
        (False, "", "Run `coilward calibrate run` first."),
    ],
)
async def test_the_doctor_holds_the_calibration_on_file_against_the_one_the_arm_goes_by(
    tmp_path: Path, filed: bool, used: str, says: str
) -> None:
    if filed:
        FOUND.write(tmp_path / "calibration.json")

    assert says in await found_at_the_arm(tmp_path, _calibration, calibration=used)


async def test_the_doctor_says_which_arm_it_is_and_what_it_does_when_nobody_speaks_to_it(tmp_path: Path) -> None:
    assert await found_at_the_arm(tmp_path, _arm) == (
        "FOLLOWING; Universal Robots UR5e, mode running, safety normal, program tracking; servoj of the inverse "
        "kinematics, every 2 ms, look-ahead 30 ms, gain 2000, 100 to 500 Hz; silent for 20 ms while it moves, 200 ms "
        "at rest, it stops, then goes 60 mm back along the coil's normal at 50 mm/s unless something is in its way"
    )


@pytest.mark.parametrize(
    ("why", "next_"), [("robot-off", "run `coilward arm on`"), ("robot-stopped", "by `coilward arm unlock`")]
)
async def test_an_arm_that_cannot_move_is_a_finding_with_what_its_driver_met(
    tmp_path: Path, why: str, next_: str
) -> None:
    found = await found_at_the_arm(tmp_path, _arm, state="fault", why=why, trouble="It must be in remote control.")

    assert next_ in found
    assert found.endswith("It must be in remote control.")

"""Each refusal of the daemon's own: how it comes about, and the sentence a person reads, word for word."""

from __future__ import annotations

import ast
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from daemon.arm.reasons import ArmReason
from daemon.guard_link import GuardLost
from daemon.room import Measured, Order, Recorded, Refused
from daemon.thresholds import FILE_NAME
from drivers.errors import DeviceError
from drivers.poses import Pose
from tests.daemon import registered_head
from tests.daemon.arm_in_memory import ArmInMemory
from tests.daemon.calibration_world import calibrated
from tests.daemon.guard_in_memory import HASH, NONCE
from tests.daemon.stage import Stage

pytestmark = pytest.mark.looptime(noop_cycles=0)
DAEMON = Path(__file__).parents[2] / "daemon"
Situation = Callable[[Any], Awaitable[Any]]
SITUATIONS: dict[str, tuple[str, Situation]] = {}
"""By reason: the sentence, and what brings it about."""
DEVICE_TRAIN = {"trains": 1, "pulses": 60, "rate_tenths": 100, "level_tenths": 500, "gap_us": 0}


def comes_about(reason: str, sentence: str) -> Callable[[Situation], Situation]:
    def file(situation: Situation) -> Situation:
        assert reason not in SITUATIONS
        SITUATIONS[reason] = sentence, situation
        return situation

    return file


def refusals_in_the_daemon() -> list[ast.Call]:
    return [
        node
        for path in DAEMON.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Refused", "Refusal")
    ]


def raised_in_the_daemon() -> set[str]:
    """First argument of every Refused and Refusal there; `…-away` and `…-overtaken` are made of what is away."""
    names = (made.args[0] for made in refusals_in_the_daemon())
    return {str(name.value) for name in names if isinstance(name, ast.Constant)}


def test_every_refusal_of_the_daemon_has_its_situation_and_its_sentence() -> None:
    assert set(SITUATIONS) == raised_in_the_daemon() | {"pause-overtaken"}


@pytest.mark.parametrize("reason", SITUATIONS)
async def test_a_refusal_of_the_daemon_reads(stage: Stage, reason: str) -> None:
    sentence, situation = SITUATIONS[reason]

    answer = await situation(stage)

    assert isinstance(answer, Refused)
    assert (answer.reason, answer.sentence) == (reason, sentence.format(state=stage.site.daemon.state))


def test_a_refusal_whose_sentence_is_filled_carries_what_fills_it_for_other_languages() -> None:
    filled = [
        made
        for made in refusals_in_the_daemon()
        if any(isinstance(n, ast.FormattedValue) for n in ast.walk(made.args[1]))
    ]
    bare = [ast.unparse(made) for made in filled if len(made.args) < 3]

    assert len(filled) > 20
    assert bare == []


# --- opening ----------------------------------------------------------------------------------------------------------


@comes_about(
    "placement-missing",
    "No session was opened. This room has no tracker, so only you know where the coil is. "
    "Say where it is placed and by which mark (--placement).",
)
async def _(stage: Any) -> Any:
    return await stage.room.start(replace(stage.order, placement=" "), "operator")


@comes_about(
    "threshold-missing",
    "No session was opened. There is no motor threshold of S-9 with coil-1. "
    "File one with `coilward subject threshold S-9 …`.",
)
async def _(stage: Any) -> Any:
    return await stage.room.start(Order("S-9", "demo", "mark F3"), "operator")


@comes_about(
    "thresholds-unread",
    "No session was opened. {state}/thresholds.jsonl: 1 damaged lines. "
    "File the threshold of whoever was measured last again, then remove the damaged lines.",
)
async def _(stage: Any) -> Any:
    (stage.site.daemon.state / FILE_NAME).write_text("half a li")
    return await stage.room.start(stage.order, "operator")


@comes_about(
    "threshold-not-filed",
    "The threshold was not filed. {state}/thresholds.jsonl cannot be written: Is a directory. "
    "Check its owner, the user of coilward-daemon, and the space on its disk.",
)
async def _(stage: Any) -> Any:
    path = stage.site.daemon.state / FILE_NAME
    path.unlink()
    path.mkdir()
    return stage.room._opener.file(Measured("S-9", 425, "emg", 20, "coil-1"), "operator", 1)


@comes_about(
    "not-deliverable",
    "No session was opened. 60 pulses at 10 Hz run 5.9 s on the device's own, and without a cut-off 5 s and 50 pulses "
    "are the most. Choose a protocol with shorter trains.",
)
async def _(stage: Any) -> Any:
    stage.guard.plan = [DEVICE_TRAIN]
    return await stage.room.start(stage.order, "operator")


@comes_about("session-open", "A session is open already. The coil is being placed. Place the coil, then release.")
async def _(stage: Any) -> Any:
    await stage.opened()
    return await stage.room.start(stage.order, "operator")


@comes_about("no-report", "Nothing was read. This session has no report. Look at the list of sessions.")
async def _(stage: Any) -> Any:
    return await stage.room.read_report("cd" * 8, "vera")


@comes_about(
    "record-unread",
    "Nothing was read. The record cannot be read: Is a directory. Ask an engineer to look at the disk.",
)
async def _(stage: Any) -> Any:
    (stage.site.daemon.state / "sessions.jsonl").mkdir()
    return await stage.room.history(None, 50, "vera")


@comes_about(
    "journal-not-written",
    "No session was opened. The journal cannot be written: No space left on device. Free space on its disk.",
)
async def _(stage: Any) -> Any:
    stage.sink.trouble = "No space left on device"
    return await stage.room.start(stage.order, "operator")


@comes_about(
    "nothing-to-continue",
    "Nothing was continued. The session completed, is unknown here, or ended too long ago. Start a new one.",
)
async def _(stage: Any) -> Any:
    return await stage.room.continue_session(None, "a break", "mark F3", "operator")


@comes_about("reason-missing", "Nothing was continued. No reason was given. Say why it was interrupted.")
async def _(stage: Any) -> Any:
    await stage.opened()
    await stage.room.end("operator")
    return await stage.room.continue_session(None, " ", "mark F3", "operator")


# --- whoever is away --------------------------------------------------------------------------------------------------


@comes_about("watchdog-away", "The watchdog does not answer: its connection ended. Start it again.")
async def _(stage: Any) -> Any:
    async def lost(*_: Any) -> Any:
        raise GuardLost("The watchdog does not answer: its connection ended. Start it again.")

    stage.guard.ask = lost
    return await stage.room.start(stage.order, "operator")


@comes_about(
    "stimulator-away",
    "Nothing was released. The stimulator has taken back remote control. Release when the stimulator is back.",
)
async def _(stage: Any) -> Any:
    await stage.opened()

    async def gone() -> None:
        raise DeviceError("The stimulator has taken back remote control.")

    stage.stimulator.confirm = gone
    return await stage.room.release(HASH, NONCE, "operator")


@comes_about("port-absent", "No stimulator. Its port is missing or it does not answer. Check power, cable and the port "
             "in the site file.")  # fmt: skip
async def _(stage: Any) -> Any:
    await stage.opened()
    stage.room.hear({"say": "status", "device": {"present": False}})
    stage.guard.show = lambda: None
    return await stage.room.release(HASH, NONCE, "operator")


@pytest.mark.parametrize(("who", "what"), [("watchdog", "The watchdog does not answer"),
                                           ("stimulator", "No stimulator is connected")])  # fmt: skip
async def test_who_is_away_is_named_with_what_to_do(stage: Stage, who: str, what: str) -> None:
    stage.room.equipped(None)
    if who == "watchdog":
        stage.room.unlinked("killed")

    answer = await stage.room.start(stage.order, "operator")

    remedy = "Wait until it is back; if it stays away, see `coilward doctor`."
    assert answer == Refused(f"{who}-away", f"Nothing was done. {what}. {remedy}", {"problem": f"{what}."})


# --- a session under way ----------------------------------------------------------------------------------------------


@comes_about("no-session", "Nothing was done. No session is open. Start one first.")
async def _(stage: Any) -> Any:
    return await stage.room.pause("operator")


@comes_about(
    "not-at-rest", "Nothing was released. The stimulator is still being disarmed. Wait a moment, then release."
)
async def _(stage: Any) -> Any:
    await stage.opened()
    stage.guard.condition = "ready"
    return await stage.room.release(HASH, NONCE, "operator")


@comes_about("malformed", "Nothing was asked. hash: string should match pattern '^[0-9a-f]{{32}}$'. Correct it.")
async def _(stage: Any) -> Any:
    await stage.opened()
    return await stage.room.release("x", NONCE, "operator")


@comes_about("pause-overtaken", "The session did not come to its pause. It is complete. Open a new session.")
async def _(stage: Any) -> Any:
    stage.guard.plan = stage.guard.plan[:1]
    stage.guard._drop = lambda *_: None  # too late: the train runs to its end
    await stage.begun()
    await stage.reaches("train")
    return await stage.room.pause("operator")


@comes_about("out-of-place", "The session cannot be released now: the next train is being waited for. Pause first.")
async def _(stage: Any) -> Any:
    await stage.begun()
    return await stage.room.release(HASH, NONCE, "operator")


@comes_about("report-missing", "The session has ended. Its report is not written yet. Check the disk.")
async def _(stage: Any) -> Any:
    await stage.opened()
    stage.room._finish = lambda _treatment: None
    return await stage.room.end("operator")


@comes_about("intensity-missing", "The intensity was not changed. None was given. Name one above 0 % rMT.")
async def _(stage: Any) -> Any:
    await stage.opened()
    return await stage.room.lower(0, "operator")


@comes_about(
    "above-prescribed",
    "The intensity was not changed. 100.1 % rMT is above what is prescribed: the protocol gives 100 % rMT. "
    "Ask for that or less.",
)
async def _(stage: Any) -> Any:
    await stage.opened()
    return await stage.room.lower(1001, "operator")


@comes_about(
    "raise-too-large",
    "The intensity was not changed. 90.1 % rMT is too far above the present 85 % rMT: a step is 5 % rMT at most. "
    "Raise step by step, asking the subject after each.",
)
async def _(stage: Any) -> Any:
    await stage.opened()
    await stage.room.lower(850, "operator")
    return await stage.room.lower(901, "operator")


# --- the arm ----------------------------------------------------------------------------------------------------------


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


async def started(stage: Any, *, refused: str = "", **changes: Any) -> Any:
    """A session in a room whose target is on the skull, with a registration on file."""
    if changes or refused:
        registered_head.file(stage.site.daemon.state, **changes)
    arm = ArmInMemory(stage, registered_head.SKULL_TARGET)
    arm.targets_refused = refused
    await arm.side.linked(arm)
    return await stage.room.start(stage.order, "operator")


RECORD = "Lead the coil there and record it: `coilward target record sim-0001`."
RECORDED = Recorded("sim-0001", "left-m1", Pose(translation=(0.03, 0.02, 0.11)), 0.005, 0.1, 0.1, 0.2, 0.1, "5e" * 32)


async def opened_on(stage: Any, **changes: Any) -> Any:
    """A session of a subject whose target under the marker has these changes."""
    arm = ArmInMemory(stage, registered_head.MARKER_TARGET.model_copy(update=changes))
    await arm.side.linked(arm)
    return await stage.room.start(stage.order, "operator")


@comes_about("target-missing", f"No session was opened. sim-0001 has no target on file. {RECORD}")
async def _(stage: Any) -> Any:
    ArmInMemory(stage, None)
    return await stage.room.start(stage.order, "operator")


@comes_about(
    "target-unread",
    "No session was opened. {state}/targets/sim-0001.json: sha256 is missing. Half of it was copied, or it is another "
    "file. Run: coilward target record",
)
async def _(stage: Any) -> Any:
    ArmInMemory(stage)
    registered_head.file_target(stage.site.daemon.state).write_text("{}")
    return await stage.room.start(stage.order, "operator")


@comes_about("target-of-another", f"No session was opened. The target is that of sim-0002. {RECORD}")
async def _(stage: Any) -> Any:
    return await opened_on(stage, subject="sim-0002")


@comes_about(
    "target-old",
    "No session was opened. The target was recorded 5.0 h ago under the marker on the head, not on the skull, and "
    f"holds only while that stays where it was. Register the head first. {RECORD}",
)
async def _(stage: Any) -> Any:
    return await opened_on(stage, made=registered_head.made(5))


@comes_about(
    "target-unregistered",
    "No session was opened. The head was registered after its target was recorded under the marker, which may have "
    "been moved between. Record it again, on the skull: `coilward target record sim-0001`.",
)
async def _(stage: Any) -> Any:
    registered_head.file(stage.site.daemon.state)
    return await opened_on(stage, made=registered_head.made(1.5))


@comes_about(
    "target-changed",
    "Nothing was released. The target was recorded anew since this session was opened. "
    "End the session and start it again.",
)
async def _(stage: Any) -> Any:
    ArmInMemory(stage)
    await stage.opened()
    registered_head.file_target(stage.site.daemon.state, registered_head.MARKER_TARGET, name="right-m1")
    return await stage.room.release(HASH, NONCE, "operator")


@comes_about(
    "target-unsteady",
    "The target was not filed. Coil and head moved by 0.6 mm and 0.1° against each other. "
    "Record it again: `coilward target record`.",
)
async def _(stage: Any) -> Any:
    ArmInMemory(stage)
    return await stage.room.file_target(replace(RECORDED, spread_mm=0.6), "olga")


@comes_about(
    "target-disagreed",
    "The target was not filed. Robot and camera disagree about the coil by 1.1 mm and 0.1°. "
    "Find out what has shifted: `coilward calibrate check`.",
)
async def _(stage: Any) -> Any:
    ArmInMemory(stage)
    return await stage.room.file_target(replace(RECORDED, apart_mm=1.1), "olga")


@comes_about(
    "target-on-marker",
    "The target was not filed. Nobody has registered the head of sim-0001, so nobody knows where the target is under "
    "the marker. Without it the target would hold only until the marker on the head is moved, which is too short where "
    "persons are treated. Register the head, then record again: `coilward register sim-0001`.",
)
async def _(stage: Any) -> Any:
    ArmInMemory(stage, None, persons=True)
    return await stage.room.file_target(RECORDED, "olga")


@comes_about(
    "target-not-filed",
    "The target was not filed. {state}/targets/sim-0001.json cannot be written: File exists. "
    "Check its owner, the user of coilward-daemon, and the space on its disk.",
)
async def _(stage: Any) -> Any:
    ArmInMemory(stage, None)
    (stage.site.daemon.state / "targets").touch()
    return await stage.room.file_target(RECORDED, "olga")


AGAIN = "Register the head: `coilward register sim-0001`."


@comes_about(
    "registration-missing",
    "No session was opened. Nobody has registered the head of sim-0001, so nobody knows where the target is under the "
    f"marker. {AGAIN}",
)
async def _(stage: Any) -> Any:
    return await started(stage)


@comes_about(
    "registration-unread",
    "No session was opened. {state}/registrations/sim-0001.json: sha256 is missing. Half of it was copied, or it is "
    "another file. Run: coilward register",
)
async def _(stage: Any) -> Any:
    registered_head.file(stage.site.daemon.state).write_text("{}")
    return await started(stage)


@comes_about("registration-of-another", f"No session was opened. The registration is that of sim-0002. {AGAIN}")
async def _(stage: Any) -> Any:
    return await started(stage, subject="sim-0002")


@comes_about(
    "registration-poor", f"No session was opened. The registration misses by 3.1 mm; 3 mm are allowed. {AGAIN}"
)
async def _(stage: Any) -> Any:
    return await started(stage, residual_mm=3.1)


@comes_about(
    "registration-old",
    "No session was opened. The registration was made 5.0 h ago; a marker stays on a head for 4 h at most, so it was "
    f"made of another placement. {AGAIN}",
)
async def _(stage: Any) -> Any:
    return await started(stage, made=registered_head.made(5))


@comes_about(
    "target-refused",
    "No session was opened. The arm does not take the target left-m1: no head has these radii. "
    "Record it again: `coilward target record sim-0001`.",
)
async def _(stage: Any) -> Any:
    return await started(stage, refused="no head has these radii")


@comes_about(
    "registration-changed",
    "Nothing was released. The marker on the head was registered anew since this session was opened. "
    "End the session and start it again.",
)
async def _(stage: Any) -> Any:
    registered_head.file(stage.site.daemon.state)
    ArmInMemory(stage, registered_head.SKULL_TARGET)
    await stage.opened()
    registered_head.file(stage.site.daemon.state, residual_mm=0.5)
    return await stage.room.release(HASH, NONCE, "operator")


async def test_the_arm_does_not_move_while_the_stimulator_is_not_in_standby(stage: Stage, arm: ArmInMemory) -> None:
    await arm.connected()
    stage.guard.condition = "ready"
    stage.guard.show()
    refused = await stage.room.park("operator")
    stage.guard.condition = "standby"
    stage.guard.show()

    assert refused == Refused("not-at-rest", "Nothing was moved. The stimulator is not in standby. Press STOP first.")
    assert not isinstance(await stage.room.park("operator"), Refused)

"""A subject's head: its registration, and the target on it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from daemon.room import Recorded
from drivers.poses import Pose
from tests.daemon import registered_head
from tests.daemon.arm_in_memory import ArmInMemory
from tests.daemon.guard_in_memory import HASH, NONCE
from tests.daemon.situations import comes_about


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

"""Every limit of the arm as measured, met from both sides; numbers in mm, degrees and ms, typed here on purpose."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from daemon.arm import watch
from daemon.arm.approach import Target
from daemon.arm.goals import Error
from daemon.arm.health import Health
from daemon.arm.hold import Verb
from daemon.arm.limits import ArmLimits
from daemon.arm.prediction import Estimate
from daemon.arm.reasons import ArmReason
from daemon.arm.reference import Reference
from drivers.poses import Pose, Vector
from drivers.robots import Program, RobotMode, RobotState, SafetyMode
from tests.daemon.arm.hold_room import HEAD, JOINTS, ROBOT_FROM_CAMERA, SCALP, SETUP, TARGET, Room

STILL: Vector = (0.0, 0.0, 0.0)
ON_TARGET = HEAD @ TARGET
MS = 1_000
NOTHING = (0.0,) * 6


def moving(way: Pose, mm_s: float, *, newtons: float = 0.0, ms: int = 60) -> Health:
    """Health of an arm that went along the x of `way` at a steady speed, under a force, for so long; one state a ms."""
    health = Health(SETUP.limits)
    for at_ms in range(ms + 1):
        tcp = way @ Pose(translation=(mm_s * 1e-6 * (at_ms - ms), 0.0, 0.0))
        force = (newtons, 0.0, 0.0, 0.0, 0.0, 0.0)
        health.take(
            RobotState(
                (10 + at_ms) * MS, tcp, JOINTS, NOTHING, force, RobotMode.RUNNING, SafetyMode.NORMAL,
                Program.TRACKING, 0, 1.0, (10 + at_ms) / 1e3,
            )
        )  # fmt: skip
    return health


def of_the_arm(health: Health, told: Pose | None = None, joints: tuple[float, ...] = JOINTS) -> ArmReason | None:
    """What is wrong with the arm as it is now."""
    assert health.state is not None
    arm = replace(health.state, joints=joints)
    return watch.of_the_arm(arm.received_us, SETUP, health, arm, arm.robot_from_tcp if told is None else told)


def ahead(mm: float = 0.0, degrees: float = 0.0) -> Pose:
    """A set-point that far from the arm, which stands on the target."""
    return ON_TARGET @ Pose.turned((0.0, 0.0, math.radians(degrees)), (0.0, mm / 1e3, 0.0))


def bent(joint: int, degrees: float) -> tuple[float, ...]:
    """The room's posture with one joint, counted from 0, elsewhere."""
    return tuple(math.radians(degrees) if at == joint else angle for at, angle in enumerate(JOINTS))


@pytest.mark.parametrize(
    ("allowed", "refused", "reason"),
    [
        (lambda: of_the_arm(moving(ON_TARGET, 295)), lambda: of_the_arm(moving(ON_TARGET, 305)), ArmReason.TOO_FAST),
        (
            lambda: of_the_arm(moving(ON_TARGET, 0), ahead(mm=39.5)),
            lambda: of_the_arm(moving(ON_TARGET, 0), ahead(mm=40.5)),
            ArmReason.ROBOT_SLOW,
        ),
        (
            lambda: of_the_arm(moving(ON_TARGET, 0), ahead(degrees=8.5)),
            lambda: of_the_arm(moving(ON_TARGET, 0), ahead(degrees=8.7)),
            ArmReason.ROBOT_SLOW,
        ),
        (
            lambda: of_the_arm(moving(ON_TARGET, 0, newtons=19.5)),
            lambda: of_the_arm(moving(ON_TARGET, 0, newtons=20.5)),
            ArmReason.FORCE,
        ),
        (
            lambda: of_the_arm(moving(ON_TARGET, 0, newtons=25, ms=49)),
            lambda: of_the_arm(moving(ON_TARGET, 0, newtons=25, ms=50)),
            ArmReason.FORCE,
        ),
        (
            lambda: of_the_arm(moving(ON_TARGET, 0), joints=bent(0, 350.1)),
            lambda: of_the_arm(moving(ON_TARGET, 0), joints=bent(0, 350.4)),
            ArmReason.JOINT_RANGE,  # the room's arm turns to 6.2 rad, 355.2°
        ),
        (
            lambda: of_the_arm(moving(ON_TARGET, 0), joints=bent(2, 8.1)),
            lambda: of_the_arm(moving(ON_TARGET, 0), joints=bent(2, 7.9)),
            ArmReason.NEAR_SINGULARITY,
        ),
        (
            lambda: of_the_arm(moving(ON_TARGET, 0), joints=bent(4, -171.9)),
            lambda: of_the_arm(moving(ON_TARGET, 0), joints=bent(4, -172.1)),
            ArmReason.NEAR_SINGULARITY,
        ),
    ],
    ids=["speed", "lead", "lead-angle", "force", "force-time", "joint", "elbow", "wrist"],
)
def test_the_arm_may_go_up_to_its_limit_and_no_further(
    allowed: Callable[[], object], refused: Callable[[], object], reason: ArmReason
) -> None:
    assert (allowed(), refused()) == (None, reason)


def of_the_head(
    health: Health, *, out_mm_s: float = 0.0, off_mm: float = 0.0, leans: float = 0.0, turned: float = 0.0
) -> ArmReason | None:
    """The coil `off_mm` before its target, leaning so many degrees; the head comes out to it, and has turned."""
    camera_from_head = ROBOT_FROM_CAMERA.inverse() @ HEAD
    velocity = camera_from_head.rotate(TARGET.rotate((0.0, 0.0, -out_mm_s / 1e3)))
    head = Estimate(camera_from_head, velocity, STILL, moving=1.0)
    error = Error.of(Pose.turned((math.radians(leans), 0.0, 0.0), (0.0, 0.0, -off_mm / 1e3)))
    target = Target.of(TARGET, SCALP, SETUP.limits, SETUP.away_m)
    sent = camera_from_head @ Pose.turned((0.0, 0.0, math.radians(turned)))
    return watch.of_the_head(SETUP, health, target, head=head, error=error, sent=sent)


def inwards(mm_s: float) -> Health:
    """Of an arm that brings the coil to the head at this speed."""
    return moving(ON_TARGET @ Pose.turned((0.0, -math.pi / 2, 0.0)), mm_s)


def test_coil_and_head_may_close_at_150_mm_s_within_50_mm_of_the_target_and_no_faster() -> None:
    too_fast = ArmReason.CLOSING_FAST

    assert (of_the_head(inwards(145)), of_the_head(inwards(155))) == (None, too_fast)
    assert (of_the_head(inwards(80), out_mm_s=65), of_the_head(inwards(80), out_mm_s=75)) == (None, too_fast)
    assert (of_the_head(inwards(155), off_mm=50.5), of_the_head(inwards(155), off_mm=49.5)) == (None, too_fast)
    assert of_the_head(inwards(-155)) is None, "away from the head"
    assert of_the_head(inwards(70), out_mm_s=300) is None, "the head comes, the arm hardly does"


def test_coil_and_head_may_turn_35_degrees_and_no_further() -> None:
    still = inwards(0)

    assert (of_the_head(still, leans=34.5), of_the_head(still, leans=35.5)) == (None, ArmReason.TILT)
    assert (of_the_head(still, turned=34.5), of_the_head(still, turned=35.5)) == (None, ArmReason.TILT)
    assert of_the_head(still, leans=40, off_mm=60) is None, "further off it may still turn into place"


def test_the_reference_goes_at_250_mm_s_and_turns_at_1_rad_s_at_most() -> None:
    reference, far = Reference(ArmLimits()), Pose.turned((1.0, 1.0, 1.0))  # its normal leads away: nothing closes in
    reference.reset(Pose(translation=(0.6, 0.6, 0.6)))
    poses = [
        reference.towards(far, STILL, STILL, 0.002, speed_m_s=ArmLimits().speed_m_s, together=False) for _ in range(400)
    ]
    apart = [before.inverse() @ after for before, after in pairwise(poses)]

    assert max(each.distance for each in apart) / 0.002 * 1e3 == pytest.approx(250, rel=0.01)
    assert math.degrees(max(each.angle for each in apart) / 0.002) == pytest.approx(57.3, rel=0.01)


def test_on_its_way_to_the_head_and_home_the_arm_goes_at_100_mm_s_at_most() -> None:
    lean = math.acos(1 / math.sqrt(3)) / math.sqrt(2)  # the normal along all axes alike: each has a √3rd of the speed
    head = Pose.turned((-lean, lean, 0.0), HEAD.translation)
    park = head @ TARGET @ Pose(translation=(0.0, 0.0, -0.4))
    room = Room(replace(SETUP, park=park), at=park)
    room.head = head
    room.run(0.2)
    assert room.order(Verb.TO_TARGET) is None
    room.run(20, until=lambda _: room.on_target().distance < 0.1)
    home = Room(replace(SETUP, park=park), at=head @ TARGET @ Pose(translation=(0.0, 0.0, -SETUP.away_m)))
    home.head = head
    home.run(0.2)
    assert home.order(Verb.PARK) is None
    home.run(5)

    assert fastest_mm_s(room) == pytest.approx(100, rel=0.02)
    assert fastest_mm_s(home) == pytest.approx(100, rel=0.02)


def fastest_mm_s(room: Room) -> float:
    goals = [said.goal for said in room.said]
    return max((a.inverse() @ b).distance / 0.004 * 1e3 for a, b in pairwise(goals) if a is not None and b is not None)

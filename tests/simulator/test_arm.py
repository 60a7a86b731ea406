"""How the simulated arm follows, what it feels, and what stops it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from drivers.errors import ConfigError
from drivers.poses import Pose
from drivers.robots import Wrench
from simulator.arm.arm import Arm, Contact, Stopped
from simulator.arm.profile import HOME, UR5E

TICKS_A_SECOND = 500


def shifted(pose: Pose, x: float = 0, y: float = 0, z: float = 0) -> Pose:
    a, b, c = pose.translation
    return Pose(pose.quaternion, (a + x, b + y, c + z))


def follow(arm: Arm, speed_m_s: float, seconds: float, lookahead_s: float, gain: float) -> float:
    """Servoes along x at this speed; how far behind it is at the end, in seconds of that way."""
    start = arm.robot_from_tcp
    goal = start
    for tick in range(round(seconds * TICKS_A_SECOND)):
        goal = shifted(start, x=speed_m_s * (tick + 1) / TICKS_A_SECOND)
        arm.servo(arm.body.joints_for(goal), lookahead_s, gain)
        arm.step()
    return (goal.translation[0] - arm.robot_from_tcp.translation[0]) / speed_m_s


def run(arm: Arm, seconds: float) -> None:
    for _ in range(round(seconds * TICKS_A_SECOND)):
        arm.step()


def test_the_servo_follows_a_moving_goal_about_eighty_milliseconds_late() -> None:
    assert follow(Arm(), 0.05, 1.0, 0.03, 2000) == pytest.approx(0.080, abs=0.005)


def test_more_lookahead_and_less_gain_follow_later() -> None:
    quick = follow(Arm(), 0.05, 1.5, 0.03, 2000)

    assert follow(Arm(), 0.05, 1.5, 0.1, 2000) > quick + 0.05
    assert follow(Arm(), 0.05, 1.5, 0.03, 300) > quick + 0.04


def test_an_order_takes_effect_one_tick_later() -> None:
    arm = Arm()
    before = arm.robot_from_tcp
    arm.step()
    still = arm.robot_from_tcp
    arm.servo(arm.body.joints_for(shifted(before, x=0.01)), 0.03, 2000)
    arm.step()

    assert still == before
    assert arm.robot_from_tcp != before


def test_no_joint_turns_faster_than_its_limit_whatever_is_asked() -> None:
    arm = Arm(replace(UR5E, tcp_speed_stop_m_s=100.0))
    fastest = 0.0
    arm.servo((2.0, *HOME[1:]), 0.03, 2000)
    for _ in range(TICKS_A_SECOND):
        arm.step()
        fastest = max(fastest, abs(arm.body.speeds[0]))

    assert fastest == pytest.approx(math.pi)
    assert arm.body.joints[0] == pytest.approx(2.0, abs=1e-3)


def test_speed_scaling_slows_the_whole_motion() -> None:
    whole, half = Arm(), Arm()
    half.scaling = 0.5
    for arm in (whole, half):
        arm.line((0.05, 0, 0, 0, 0, 0), 1.0)
        run(arm, 1.0)

    assert whole.tcp_speed[0] == pytest.approx(0.05, abs=1e-4)
    assert half.tcp_speed[0] == pytest.approx(0.025, abs=1e-4)


def test_a_line_keeps_its_direction_and_its_speed_and_ends_standing() -> None:
    arm = Arm()
    start = arm.robot_from_tcp
    arm.line((0, 0, -0.05, 0, 0, 0.2), 0.5)
    run(arm, 1.0)
    moving = arm.tcp_speed
    arm.line((0, 0, 0, 0, 0, 0), 0.5)
    run(arm, 0.5)

    assert moving == pytest.approx((0, 0, -0.05, 0, 0, 0.2), abs=1e-3)
    assert arm.stands
    assert arm.reached
    assert arm.robot_from_tcp.translation[:2] == pytest.approx(start.translation[:2], abs=1e-5)


def test_a_halt_brakes_every_joint_at_the_deceleration_asked() -> None:
    arm = Arm()
    arm.turn((0.4, 0, 0, 0, 0, 0), 4.0)
    run(arm, 0.5)
    arm.halt(4.0)
    run(arm, 0.09)
    braking = arm.body.speeds[0]
    run(arm, 0.02)

    assert braking == pytest.approx(0.04, abs=0.01)
    assert arm.stands


# ── what stops it ───────────────────────────────────────────────────────────────────────────────────────────────────


def wall(newtons: float, beyond_z: float) -> Contact:
    """Pushes up as soon as the tool is lower than this."""

    def push(robot_from_tcp: Pose) -> Wrench:
        return (0, 0, newtons if robot_from_tcp.translation[2] < beyond_z else 0, 0, 0, 0)

    return push


@pytest.mark.parametrize(("newtons", "why"), [(140.0, None), (160.0, Stopped.FORCE)])
def test_a_force_above_the_limit_stops_it_and_one_below_does_not(newtons: float, why: Stopped | None) -> None:
    arm = Arm()
    arm.contact = wall(newtons, arm.robot_from_tcp.translation[2] - 0.01)
    arm.line((0, 0, -0.05, 0, 0, 0), 1.0)
    run(arm, 0.5)

    assert arm.stopped is why
    assert arm.stands == (why is not None)


@pytest.mark.parametrize(("speed", "why"), [(0.4, None), (1.2, Stopped.SPEED)])
def test_a_tool_faster_than_the_limit_stops_it(speed: float, why: Stopped | None) -> None:
    arm = Arm(replace(UR5E, tcp_speed_stop_m_s=0.5), joints=HOME)
    arm.turn((speed / 0.51, 0, 0, 0, 0, 0), 40.0)
    run(arm, 0.5)

    assert arm.stopped is why


@pytest.mark.parametrize(("limit", "why"), [(math.pi, None), (math.pi / 2 + 0.1, Stopped.JOINT_LIMIT)])
def test_a_joint_at_its_limit_stops_it(limit: float, why: Stopped | None) -> None:
    arm = Arm(replace(UR5E, joint_limit=limit))
    arm.turn((0, 0, 0, 0, 0.5, 0), 4.0)
    run(arm, 1.0)

    assert arm.stopped is why


def test_a_straight_line_out_of_reach_stops_it() -> None:
    arm = Arm()
    arm.line((0.4, 0, 0, 0, 0, 0), 4.0)
    run(arm, 2.0)

    assert arm.stopped is Stopped.OUT_OF_REACH
    assert arm.stands


def test_a_stopped_arm_obeys_nothing_until_it_is_released() -> None:
    arm = Arm()
    arm.stop_for(Stopped.ORDERED)
    arm.line((0.05, 0, 0, 0, 0, 0), 1.0)
    run(arm, 0.2)
    obeyed_stopped = not arm.stands
    arm.release()
    arm.line((0.05, 0, 0, 0, 0, 0), 1.0)
    run(arm, 0.2)

    assert not obeyed_stopped
    assert not arm.stands


def test_an_arm_with_its_brakes_on_stands_at_once() -> None:
    arm = Arm()
    arm.line((0.05, 0, 0, 0, 0, 0), 1.0)
    run(arm, 0.5)
    arm.braked = True
    before = arm.robot_from_tcp
    run(arm, 0.1)

    assert arm.robot_from_tcp == before


# ── a hand ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_hand_leads_it_only_while_it_lets_itself_be_led() -> None:
    arm = Arm()
    start = arm.robot_from_tcp
    arm.led_to = shifted(start, y=0.03) @ Pose.turned((0, 0, 0.1))
    run(arm, 1.0)
    unasked = (start.inverse() @ arm.robot_from_tcp).distance
    arm.guide()
    run(arm, 1.0)

    left = arm.led_to.inverse() @ arm.robot_from_tcp
    assert unasked < 1e-9
    assert (left.distance, left.angle) == pytest.approx((0, 0), abs=1e-4)


# ── what it feels ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_zeroing_calls_the_present_force_nothing() -> None:
    arm = Arm(contact=lambda _: (1.0, 2.0, 3.0, 0, 0, 0))
    arm.step()
    felt = arm.force
    arm.zero_force()
    arm.step()

    assert felt == (1.0, 2.0, 3.0, 0, 0, 0)
    assert arm.force == (0, 0, 0, 0, 0, 0)
    assert arm.touch == felt


def noisy_forces(seed: int) -> list[Wrench]:
    arm = Arm(replace(UR5E, force_noise_n=0.5), seed=seed)
    forces = []
    for _ in range(20):
        arm.step()
        forces.append(arm.force)
    return forces


def test_noise_repeats_with_its_seed_and_only_with_it() -> None:
    assert noisy_forces(1) == noisy_forces(1)
    assert noisy_forces(1) != noisy_forces(2)


def test_the_tool_is_where_flange_and_tool_length_say() -> None:
    bare, tooled = Arm(), Arm(flange_from_tcp=Pose((1, 0, 0, 0), (0, 0, 0.1)))

    assert (bare.robot_from_tcp.inverse() @ tooled.robot_from_tcp).translation == pytest.approx((0, 0, 0.1))


def test_an_arm_placed_somewhere_stands_there() -> None:
    arm = Arm()
    there = shifted(arm.robot_from_tcp, x=0.05)
    arm.place(there)
    run(arm, 0.1)

    assert (there.inverse() @ arm.robot_from_tcp).distance < 1e-9


def test_no_arm_is_made_of_a_step_of_nothing() -> None:
    with pytest.raises(ConfigError, match="above zero"):
        replace(UR5E, step_us=0)


def test_a_servo_that_hears_nothing_new_stays_at_its_last_goal() -> None:
    arm = Arm()
    goal = arm.body.joints_for(shifted(arm.robot_from_tcp, x=0.02))
    arm.servo(goal, 0.03, 2000)
    run(arm, 1.0)

    assert arm.body.joints == pytest.approx(goal, abs=1e-6)


def test_the_tool_goes_on_at_its_speed_when_a_line_takes_over_from_the_servo() -> None:
    arm = Arm()
    follow(arm, 0.05, 1.0, 0.03, 2000)
    arm.line((0.05, 0, 0, 0, 0, 0), 0.5)
    speeds = []
    for _ in range(50):
        arm.step()
        speeds.append(arm.tcp_speed[0])

    assert speeds == pytest.approx([0.05] * 50, rel=0.02)

"""Our own script, run as text: every limit it puts on what a client asks holds, and stops holding without its line."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from drivers.poses import Pose
from drivers.robots import Wrench
from simulator.arm.arm import Arm
from simulator.clock import VirtualClock
from simulator.wires.ur.controller import Controller

TEXT = (Path(__file__).parents[2] / "drivers" / "ur" / "coil_hold.script").read_text()
TICK_US = 2_000
REST, FOLLOW, RETRACT, GUIDE, END = range(5)
STARTING, IDLE, TRACKING, TIMED_OUT, RETRACTING, RETRACTED, REFUSED, GUIDED = range(8)


class Room:
    """An arm with the script running, and a client that writes registers."""

    def __init__(self, text: str = TEXT, *, newtons_up: float = 0.0) -> None:
        self.clock = VirtualClock(5_000_000_000)
        self.arm = Arm()
        self.controller = Controller(self.arm, self.clock)
        self.controller.upload(text)
        assert self.controller.program, self.controller.notes
        self.fastest = 0.0
        self.newtons_up = newtons_up
        self.arm.contact = self.push
        self.sequence = 0
        self.rest(5)
        self.start = self.arm.robot_from_tcp

    def push(self, _robot_from_tcp: Pose) -> Wrench:
        return (0, 0, self.newtons_up, 0, 0, 0)

    @property
    def state(self) -> int:
        return self.controller.registers.outputs.ints[25]

    @property
    def moved(self) -> float:
        """Metres from where it began."""
        return math.dist(self.start.translation, self.arm.robot_from_tcp.translation)

    def wait(self, ticks: int = 1) -> None:
        """The client says nothing new."""
        for _ in range(ticks):
            self.controller.tick()
            self.fastest = max(self.fastest, math.hypot(*self.arm.tcp_speed[:3]))

    def say(self, command: int) -> None:
        """One fresh order."""
        self.sequence += 1
        inputs = self.controller.registers.inputs
        inputs.ints[24], inputs.ints[25] = self.sequence, command
        self.wait()

    def rest(self, ticks: int = 1) -> None:
        for _ in range(ticks):
            self.say(REST)

    def follow(self, goal: Pose, speed_m_s: float = 0.25, ticks: int = 1) -> None:
        """The same goal, fresh in every tick."""
        inputs = self.controller.registers.inputs
        inputs.doubles[24:30] = [*goal.translation, *goal.rotation_vector]
        inputs.doubles[30] = speed_m_s
        for _ in range(ticks):
            self.say(FOLLOW)

    def at(self, x: float = 0, y: float = 0, z: float = 0, turn: float = 0) -> Pose:
        """A goal shifted in the base, turned about the tool's z."""
        a, b, c = self.start.translation
        return Pose(self.start.quaternion, (a + x, b + y, c + z)) @ Pose.turned((0, 0, turn))


# ── what it does ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_says_that_it_is_idle_and_echoes_what_it_takes() -> None:
    room = Room()

    assert room.state == IDLE
    assert room.controller.registers.outputs.ints[24] == room.sequence
    assert room.moved == 0


def test_it_goes_where_it_is_sent_and_stays_there() -> None:
    room = Room()
    goal = room.at(x=0.02, y=-0.01, turn=0.1)
    room.follow(goal, ticks=400)

    apart = goal.inverse() @ room.arm.robot_from_tcp
    assert room.state == TRACKING
    assert (apart.distance, apart.angle) == pytest.approx((0, 0), abs=1e-4)


def test_a_client_that_rests_again_stops_it() -> None:
    room = Room()
    room.follow(room.at(x=0.04), ticks=50)
    room.rest(100)

    assert room.state == IDLE
    assert room.arm.stands


def test_it_retracts_when_asked_and_then_stays_until_a_fresh_rest() -> None:
    room = Room()
    room.say(RETRACT)
    room.wait(1000)
    retracted = room.state
    room.follow(room.arm.robot_from_tcp, ticks=10)
    still = room.state
    room.rest(5)

    assert (retracted, still, room.state) == (RETRACTED, RETRACTED, IDLE)
    assert 0.060 < room.moved < 0.068, "and the way it takes to stop"
    assert room.arm.robot_from_tcp.translation[2] > room.start.translation[2]  # the tool looks down: away is up


def test_a_coil_comes_off_the_head_also_where_that_leads_out_of_the_box() -> None:
    top_m = Room().start.translation[2] + 0.01
    text = re.sub(r"(high = \[.*,) 1.2]", rf"\1 {top_m}]", TEXT)
    goes, retracts = Room(text), Room(text)
    goes.follow(goes.at(z=0.02), ticks=10)
    retracts.say(RETRACT)
    retracts.wait(1000)

    assert (goes.state, goes.moved) == (REFUSED, 0)
    assert (retracts.state, retracts.moved > 0.060) == (RETRACTED, True)


def test_a_hand_may_lead_it_while_the_client_says_so() -> None:
    room = Room()
    for _ in range(5):
        room.say(GUIDE)
    guided = room.arm.guided
    room.rest(5)

    assert guided
    assert not room.arm.guided
    assert room.state == IDLE


def test_the_stop_order_ends_the_program() -> None:
    room = Room()
    room.say(END)
    room.wait(5)

    assert room.controller.program is None


def test_a_protective_stop_ends_it_for_good() -> None:
    room = Room()
    room.follow(room.at(x=0.04), ticks=50)
    room.controller.protective_stop()
    room.follow(room.at(x=0.04), ticks=100)

    assert room.controller.program is None
    assert room.arm.stands


# ── each limit: the claim, the nearest thing that is allowed, and the line without which it fails ───────────────────


def refuses(**goal: float) -> Callable[[str], bool]:
    """A goal that lies there is refused, and nothing moves."""

    def claim(text: str) -> bool:
        room = Room(text)
        room.follow(room.at(**goal), ticks=20)
        return room.state == REFUSED and room.moved < 0.001

    return claim


def leaves_the_box_alone(axis: int, towards: int) -> Callable[[str], bool]:
    """Goals that walk out of this wall of the box, 1 mm at a time, are followed to it and no further."""

    def claim(text: str) -> bool:
        walls = [[-0.85, -0.85, -0.1], [0.85, 0.85, 1.2]]
        wall = walls[towards > 0][axis] = Room().start.translation[axis] + 0.02 * towards
        for name, corner in zip(("low", "high"), walls, strict=True):
            text = re.sub(f"global {name} = .*", f"global {name} = {corner}", text)
        room = Room(text)
        for step in range(40):
            room.follow(room.at(**{"xyz"[axis]: 0.001 * step * towards}), ticks=10)
        return room.state == REFUSED and (room.arm.robot_from_tcp.translation[axis] - wall) * towards < 0.001

    return claim


def keeps_to(speed_m_s: float, asked: float) -> Callable[[str], bool]:
    """The tool never moves faster than this, however far away the goal is."""

    def claim(text: str) -> bool:
        room = Room(text)
        for step in range(60):
            room.follow(room.at(x=min(0.2, room.moved + 0.045)), asked, ticks=1 + step % 3)
        return speed_m_s * 0.5 < room.fastest < speed_m_s * 1.1

    return claim


def turns_no_faster_than(rad_s: float) -> Callable[[str], bool]:
    """The tool never turns faster than this, however far away the goal is."""

    def claim(text: str) -> bool:
        room, fastest = Room(text), 0.0
        for _ in range(60):
            room.follow(room.at(turn=0.19))
            fastest = max(fastest, math.hypot(*room.arm.tcp_speed[3:]))
        return rad_s * 0.5 < fastest < rad_s * 1.2

    return claim


def refuses_a_speed_below_nothing(text: str) -> bool:
    """It would be a way backwards."""
    room = Room(text)
    room.follow(room.at(x=0.01), -0.1, ticks=20)
    return room.state == REFUSED and room.moved < 0.001


def outlives_goals_out_of_reach(text: str) -> bool:
    """Goals that walk further out than the arm can follow, inside the box, are refused, and the program goes on."""
    room = Room(
        re.sub("global (low|high) = .*", r"global \1 = [-9, -9, -9]", text).replace(
            "high = [-9, -9, -9]", "high = [9, 9, 9]"
        )
    )
    for step in range(600):
        room.follow(room.at(x=0.002 * step), ticks=4)
        if room.state == REFUSED:
            break
    return room.controller.program is not None and room.state == REFUSED


def acts_on_silence_after_a_refusal(text: str) -> bool:
    """Whoever was refused and then falls silent leaves a coil that comes off."""
    room = Room(text)
    room.follow(room.at(x=0.055), ticks=20)
    refused = room.state == REFUSED
    room.wait(1100)
    return refused and room.state == RETRACTED


def lets_go_of_a_silent_hand(text: str) -> bool:
    """Nobody says any more that a hand leads it: it holds itself again, and then comes away."""
    room = Room(text)
    for _ in range(5):
        room.say(GUIDE)
    guided = room.arm.guided
    room.wait(105)
    return guided and not room.arm.guided


def acts_on_silence(ticks: int, *, moving: bool) -> Callable[[str], bool]:
    """It begins to retract by itself so many ticks after the last fresh order, and not long before."""

    def claim(text: str) -> bool:
        room = Room(text)
        if moving:
            room.follow(room.at(x=0.001), ticks=20)
        room.wait(ticks // 2)
        early = room.state in {TIMED_OUT, RETRACTING, RETRACTED}
        room.wait(ticks - ticks // 2 + 5)
        late = room.state in {TIMED_OUT, RETRACTING}
        room.wait(1000)
        return late and not early and room.state == RETRACTED and 0.055 < room.moved < 0.067

    return claim


def retracts_at(speed_m_s: float, order: int | None) -> Callable[[str], bool]:
    """On this order, or on silence, the tool leaves this fast."""

    def claim(text: str) -> bool:
        room = Room(text)
        if order is not None:
            room.say(order)
        room.wait(1000)
        return room.state == RETRACTED and speed_m_s * 0.8 < room.fastest < speed_m_s * 1.1

    return claim


def stops_retracting_against(newtons: float) -> Callable[[str], bool]:
    """Something above holds it down with this force: it gives up within a few millimetres."""

    def claim(text: str) -> bool:
        room = Room(text, newtons_up=-newtons)
        room.wait(1000)
        return room.moved < 0.005

    return claim


CLAIMS: dict[str, tuple[Callable[[str], bool], str, str]] = {
    "distance": (refuses(x=0.055), "<= 0.050", "<= 5.0"),
    "angle": (refuses(turn=0.22), "<= 0.2", "<= 9.0"),
    **{
        f"box, {name} {wall}": (leaves_the_box_alone(axis, towards), f"goal[{axis}] {wall}[{axis}]", "True")
        for axis, name in enumerate("xyz")
        for towards, wall in ((-1, ">= low"), (1, "<= high"))
    },
    "own speed": (
        keeps_to(0.25, asked=1.0),
        "least(read_input_float_register(30), 0.25)",
        "read_input_float_register(30)",
    ),
    "asked speed": (keeps_to(0.1, asked=0.1), "least(read_input_float_register(30), 0.25)", "0.25"),
    "turn": (turns_no_faster_than(1.0), "1.0 * step / turn", "100.0 * step / turn"),
    "speed below nothing": (refuses_a_speed_below_nothing, "read_input_float_register(30) >= 0", "True"),
    "reach": (outlives_goals_out_of_reach, "get_inverse_kin_has_solution(at, get_actual_joint_positions())", "True"),
    "silent after a refusal": (acts_on_silence_after_a_refusal, "(state == 1 or state == 6)) or", "(state == 1)) or"),
    "silent in a hand": (lets_go_of_a_silent_hand, "silent > wait_resting or command != 3", "command != 3"),
    "silent while moving": (acts_on_silence(10, moving=True), "wait_moving = 0.020", "wait_moving = 20.0"),
    "silent at rest": (acts_on_silence(100, moving=False), "wait_resting = 0.200", "wait_resting = 20.0"),
    "retract distance": (acts_on_silence(100, moving=False), "< 0.060", "< 0.600"),
    "retract speed on silence": (retracts_at(0.05, None), "withdraw(0.050)", "withdraw(0.100)"),
    "retract speed on an order": (retracts_at(0.1, RETRACT), "withdraw(0.100)", "withdraw(0.150)"),
    "retract force": (stops_retracting_against(25), "> -20.0", "> -2000.0"),
}


@pytest.mark.parametrize("limit", CLAIMS)
def test_the_scripts_limit_holds(limit: str) -> None:
    claim, _, _ = CLAIMS[limit]

    assert claim(TEXT)


@pytest.mark.parametrize("limit", CLAIMS)
def test_the_limit_stops_holding_when_its_line_is_gone(limit: str) -> None:
    claim, line, without = CLAIMS[limit]

    assert line in TEXT, f"{line!r} is no longer in the script: say here how this limit reads now"
    assert not claim(TEXT.replace(line, without))


@pytest.mark.parametrize("goal", [{"x": 0.045}, {"turn": 0.18}], ids=str)
def test_the_nearest_goal_that_is_allowed_is_followed(goal: dict[str, float]) -> None:
    room = Room()
    room.follow(room.at(**goal), ticks=400)

    apart = room.at(**goal).inverse() @ room.arm.robot_from_tcp
    assert room.state == TRACKING
    assert (apart.distance, apart.angle) == pytest.approx((0, 0), abs=1e-3)


def test_a_push_below_the_limit_or_along_the_way_does_not_keep_it_from_retracting() -> None:
    assert not stops_retracting_against(15)(TEXT)
    assert not stops_retracting_against(-40)(TEXT)

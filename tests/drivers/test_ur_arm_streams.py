"""What the UR driver reads and what it sends: each state once and fresh, silence not for long, set-points in order."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from drivers.errors import BadFrame, DeadlinePassed, PortLost
from drivers.ur.arm import UrArm
from drivers.ur.codec import Data, Text
from drivers.ur.registers import SEQUENCES, Command
from tests.drivers.ur_room import GOAL, Room

# ── states, stale and fresh ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_state_is_given_once(room: Room) -> None:
    arm = room.connected()
    assert room.turn() is not None

    assert arm.read(room.now_us) is None


def test_of_states_that_waited_the_newest_is_given(room: Room) -> None:
    arm = room.connected()
    room.controller.turn()
    room.controller.turn()

    state = arm.read(room.now_us)

    assert state is not None
    assert state.controller_s == room.controller.values["timestamp"]


def test_a_controller_whose_clock_stands_tells_nothing_new_and_is_left_after_a_quarter_second(room: Room) -> None:
    arm = room.connected()
    fresh_us = room.now_us
    room.controller.clock_stands = True

    assert [room.turn() for _ in range(125)] == [None] * 125
    assert arm.last is not None
    assert arm.last.received_us == fresh_us
    with pytest.raises(DeadlinePassed, match="its clock stands still"):
        room.turn()
    with pytest.raises(PortLost):
        arm.rest()


def test_a_controller_that_falls_silent_is_left_after_a_quarter_second(room: Room) -> None:
    room.connected()
    room.controller.streams = False
    room.turn(125)

    with pytest.raises(DeadlinePassed, match="nothing comes"):
        room.turn()


def test_what_it_repeated_long_ago_is_not_blamed_for_a_later_silence(room: Room) -> None:
    room.connected()
    room.controller.clock_stands = True
    room.turn(10)
    room.controller.clock_stands = False
    room.turn(10)
    room.controller.streams = False

    with pytest.raises(DeadlinePassed, match="nothing comes"):
        room.turn(200)


def test_the_last_state_is_read_before_the_end_is_told(room: Room) -> None:
    arm = room.connected()
    room.controller.turn()
    room.controller.hang_up()

    assert arm.read(room.now_us) is not None
    with pytest.raises(PortLost, match="hung up"):
        arm.read(room.now_us)


def test_data_of_a_recipe_that_nobody_asked_for_ends_the_connection(room: Room) -> None:
    room.connected()
    assert room.controller.client is not None
    room.controller.client.send(Data(2, bytes(8)).to_bytes())
    room.controller.streams = False

    with pytest.raises(BadFrame, match="recipe 2"):
        room.turn()


def test_a_controller_that_goes_on_in_time_is_kept(room: Room) -> None:
    room.connected()
    room.controller.streams = False
    room.turn(124)
    room.controller.streams = True

    assert room.turn(2) is not None


def test_a_stream_that_is_started_and_never_begins_is_left_too(room: Room) -> None:
    room.controller.settings.tells = False
    room.dial()

    with pytest.raises(DeadlinePassed, match="nothing comes"):
        room.turn(200)


def test_a_pose_that_is_none_ends_the_connection(room: Room) -> None:
    room.connected()
    room.controller.values["actual_TCP_pose"] = (float("nan"),) * 6

    with pytest.raises(BadFrame, match="pose"):
        room.turn(2)


def test_what_the_controller_says_for_people_ends_nothing(room: Room) -> None:
    arm = room.connected()
    assert room.controller.client is not None
    room.controller.client.send(Text("half the speed", "slider", 2).to_bytes())

    assert room.turn(2) is not None
    assert arm.last is not None


# ── set-points ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("order", "command"),
    [
        (lambda arm: arm.stream(GOAL), Command.FOLLOW),
        (lambda arm: arm.rest(), Command.REST),
        (lambda arm: arm.retract(), Command.RETRACT),
        (lambda arm: arm.guide(on=True), Command.GUIDE),
        (lambda arm: arm.guide(on=False), Command.REST),
    ],
)
def test_each_order_is_its_command_and_the_next_number(
    room: Room, order: Callable[[UrArm], int], command: Command
) -> None:
    arm = room.connected()
    room.turn()
    before = room.controller.set_points[-1]

    number = order(arm)
    room.turn()

    sent = [point for point in room.controller.set_points if point[0] == number]
    assert [point[1] for point in sent] == [command]
    assert number == before[0] + 2  # the one in between was the turn's own rest


def test_a_goal_goes_out_in_metres_and_as_a_rotation_vector_with_the_sites_speed(room: Room) -> None:
    arm = room.connected()

    number = arm.stream(GOAL)
    room.turn()

    (sent,) = [point for point in room.controller.set_points if point[0] == number]
    assert sent[2:] == pytest.approx((0.4, -0.1, 0.5, 0.1, -0.2, 3.0, 0.25))


def test_numbers_begin_again_after_the_largest(room: Room) -> None:
    room.dial(first_sequence=SEQUENCES - 3)
    room.turn_until(lambda: len(room.controller.set_points) > 4)

    numbers = [point[0] for point in room.controller.set_points]
    assert numbers[:4] == [SEQUENCES - 2, SEQUENCES - 1, 0, 1]


def test_numbers_begin_where_no_register_left_over_can_be(room: Room) -> None:
    first = {room.dial(first_sequence=None).rest() for _ in range(3)}

    assert len(first) == 3


def test_a_controller_that_takes_no_set_points_is_left_and_no_packet_is_cut(room: Room) -> None:
    arm = room.connected()
    room.controller.reads = False
    with pytest.raises(PortLost, match="takes no set-points"):
        room.turn(60_000, act=lambda: [arm.stream(GOAL) for _ in range(200)])

    room.controller.reads = True
    for _ in range(100):
        room.controller.turn()

    numbers = [point[0] for point in room.controller.set_points]
    assert len(numbers) > 100
    assert numbers == sorted(numbers)

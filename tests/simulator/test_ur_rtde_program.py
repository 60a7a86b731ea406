"""The contract of ur_rtde's uploaded script, without ur_rtde: commands are levels, and each is answered its way."""

from __future__ import annotations

import math

import pytest

from simulator.arm.arm import Arm
from simulator.clock import VirtualClock
from simulator.wires.ur.controller import Controller

SERVOL, SERVO_STOP, SPEEDJ, SPEEDL, SPEED_STOP, WATCHDOG, KICK, STOP = 24, 16, 9, 10, 15, 35, 99, 255
READY, DONE = 1, 2


def text(offset: int = 0) -> str:
    """As ur_rtde 1.6.5 sends it, as far as the simulator reads it: the number stands behind the comment."""
    return f"def rtde_control():\n    global reg_offset_int = # int register offset\n{offset}    textmsg()\nend\n"


class Client:
    """Writes the registers that ur_rtde would."""

    def __init__(self, offset: int = 0) -> None:
        self.offset = offset
        self.arm = Arm()
        self.controller = Controller(self.arm, VirtualClock(31_415_926))
        self.controller.upload(text(offset))
        self.wait()

    def order(self, command: int, *doubles: float) -> None:
        inputs = self.controller.registers.inputs
        inputs.doubles[self.offset : self.offset + len(doubles)] = doubles
        inputs.ints[self.offset] = command
        inputs.int_writes[self.offset] += 1

    def wait(self, ticks: int = 1) -> Client:
        for _ in range(ticks):
            self.controller.tick()
        return self

    @property
    def answer(self) -> int:
        return self.controller.registers.outputs.ints[self.offset]

    @property
    def last(self) -> str:
        return self.controller.notes[-1].text


def test_it_is_ready_as_soon_as_it_runs() -> None:
    assert Client().answer == READY


def test_a_streaming_command_is_carried_out_in_every_tick_and_stays_ready() -> None:
    client = Client()
    client.order(SPEEDL, 0, 0, -0.05, 0, 0, 0, 0.5, 0)
    client.wait(300)

    assert client.answer == READY
    assert client.arm.tcp_speed[2] == pytest.approx(-0.05, abs=1e-4)


def test_any_other_command_is_done_once_and_ready_again_when_it_is_taken_back() -> None:
    client = Client()
    client.order(SPEEDJ, 0.2, 0, 0, 0, 0, 0, 4.0, 0)
    client.wait(100)
    client.order(SPEED_STOP, 4.0)
    client.wait()
    busy = client.answer
    client.wait(50)
    done = client.answer
    client.order(0)
    client.wait()

    assert (busy, done, client.answer) == (READY, DONE, READY)
    assert client.arm.stands


def test_a_servo_whose_client_has_died_holds_its_last_goal() -> None:
    client = Client()
    x, y, z = client.arm.robot_from_tcp.translation
    rotation = client.arm.robot_from_tcp.rotation_vector
    client.order(SERVOL, x + 0.02, y, z, *rotation, 0.5, 0.5, 0.002, 0.1, 300)
    client.wait(1000)

    assert math.dist(client.arm.robot_from_tcp.translation, (x + 0.02, y, z)) < 1e-4
    assert client.controller.program


def test_a_servo_goal_out_of_reach_ends_the_program() -> None:
    client = Client()
    client.order(SERVOL, 2, 0, 0, 0, 0, 0, 0.5, 0.5, 0.002, 0.1, 300)
    client.wait()

    assert client.controller.program is None
    assert "no joints for this pose" in client.last


@pytest.mark.parametrize(("every_ticks", "runs"), [(40, True), (60, False)])
def test_a_watchdog_of_ten_hertz_wants_a_write_every_hundred_milliseconds(every_ticks: int, runs: bool) -> None:
    client = Client()
    client.order(WATCHDOG, 10.0)
    client.wait()
    for _ in range(10):
        client.order(KICK)
        client.wait(every_ticks)

    assert (client.controller.program is not None) is runs


def test_stop_script_ends_it() -> None:
    client = Client()
    client.order(STOP)
    client.wait()

    assert client.controller.program is None
    assert client.last == "program rtde_control ends: stopScript"


def test_what_is_not_simulated_ends_the_program_instead_of_being_called_done() -> None:
    client = Client()
    client.order(3)
    client.wait()

    assert client.controller.program is None
    assert client.last == "program rtde_control ends: command 3 of ur_rtde is not simulated"


def test_the_upper_registers_work_when_the_script_names_them() -> None:
    client = Client(offset=24)
    client.order(STOP)
    client.wait()

    assert client.controller.registers.outputs.ints[24] == READY
    assert client.controller.program is None

"""An unmodified ur_rtde works with the simulated controller as it does with a real one."""

from __future__ import annotations

import contextlib
import json
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.arm.arm import Arm
from simulator.clock import RealClock
from simulator.wires.ur.controller import Controller
from simulator.wires.ur.ports import UrPorts
from tests.simulator.test_ur_ports import own_host
from tests.system.at_once import ANOTHER_ARM

pytestmark = [pytest.mark.system, pytest.mark.xdist_group(ANOTHER_ARM)]

CLIENT = Path(__file__).with_name("ur_rtde_client.py")
GIVE_UP_S = 40.0


class Lab:
    """A served controller, and ur_rtde beside it."""

    def __init__(self) -> None:
        self.clock = RealClock()
        self.arm = Arm()
        self.controller = Controller(self.arm, self.clock)
        self.ports = UrPorts(self.controller, own_host())

    def turn(self) -> None:
        wait_s = max(0.0, (self.ports.next_us - self.clock.now_us()) / 1e6)
        if select.select(self.ports.filenos(), [], [], wait_s)[0]:
            self.ports.wake()
        self.ports.advance(self.clock.now_us())

    @contextlib.contextmanager
    def client(self, verb: str) -> Iterator[subprocess.Popen[str]]:
        """The client in a process of its own."""
        command = [sys.executable, str(CLIENT), verb, self.ports.host]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            try:
                yield process
            finally:
                process.kill()

    def serve(self, process: subprocess.Popen[str], *, until: str = "") -> dict[str, Any]:
        """Serves until the client's line has come: what it saw, or nothing for the word waited for."""
        give_up = time.monotonic() + GIVE_UP_S
        assert process.stdout
        while not select.select([process.stdout], [], [], 0)[0]:
            assert time.monotonic() < give_up, self.controller.notes
            self.turn()
        line = process.stdout.readline().strip()
        if line == until:
            return {}
        assert line.startswith("{"), (line, process.communicate()[1])
        return dict(json.loads(line))

    def runs(self, verb: str) -> dict[str, Any]:
        """One verb of the client from start to end."""
        with self.client(verb) as process:
            return self.serve(process)

    @property
    def notes(self) -> list[str]:
        return [note.text for note in self.controller.notes]


@pytest.fixture
def lab() -> Iterator[Lab]:
    made = Lab()
    yield made
    made.ports.close()


def test_it_receives_every_field_it_knows_at_five_hundred_hertz(lab: Lab) -> None:
    seen = lab.runs("receive")

    assert seen["samples"] > 20  # it polls, on a machine shared by all
    assert seen["least_step_ms"] == 2
    assert seen["joints"] == pytest.approx(lab.arm.body.joints)
    assert seen["pose"][:3] == pytest.approx(lab.arm.robot_from_tcp.translation)
    assert (seen["mode"], seen["safety"]) == (7, 1)


def test_its_servo_moves_the_arm_and_its_stop_stops_it(lab: Lab) -> None:
    start = lab.arm.robot_from_tcp
    seen = lab.runs("servo")

    assert seen["refused"] == 0
    assert seen["ten_s"] < 0.025  # ten set-points in 20 ms, at least once, on a machine shared by all
    assert lab.controller.registers.inputs.int_writes[0] > 500
    assert seen["stopped"] is True
    assert max(map(abs, seen["standing"])) < 1e-3
    assert seen["way"] == pytest.approx(0.05, abs=1e-4)
    assert (start.inverse() @ lab.arm.robot_from_tcp).distance == pytest.approx(seen["way"], abs=1e-4)
    assert seen["playing"] is False
    assert "program rtde_control ends: stopScript" in lab.notes


def test_its_watchdog_stops_the_program_and_the_arm_when_nobody_kicks_it(lab: Lab) -> None:
    seen = lab.runs("watchdog")

    assert seen["set"] is True
    assert seen["kicked"] is True
    assert seen["ended_s"] < 1.5
    assert "program rtde_control ends: watchdog: nothing written for 500 ms" in lab.notes
    assert seen["again"] is True
    assert seen["runs"] is True


def test_its_speed_and_its_slider_are_obeyed(lab: Lab) -> None:
    seen = lab.runs("speed")

    assert seen["slid"] is True
    assert seen["started"] is True
    assert seen["scaling"] == 0.5
    assert seen["moving"][2] == pytest.approx(-0.025, rel=0.05)
    assert seen["stopped"] is True
    assert max(map(abs, seen["standing"])) < 1e-3


def test_a_protective_stop_reaches_it(lab: Lab) -> None:
    with lab.client("stop") as process:
        lab.serve(process, until="moving")
        for _ in range(50):
            lab.turn()
        lab.controller.protective_stop()
        seen = lab.serve(process)

    assert seen == {"stopped": True, "mode": 3}

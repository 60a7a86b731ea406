"""`coilward stop` against a real watchdog whose stimulator is there, was pulled while armed, or never came."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.system.clients import client
from tests.system.processes import START_S
from tests.system.room import RealRoom, real_room

pytestmark = [pytest.mark.system, pytest.mark.timeout(90)]
UNREACHABLE = 3


@pytest.fixture
def room() -> Iterator[RealRoom]:
    """A room whose watchdog does not run yet."""
    with real_room() as made:
        yield made


def stop(room: RealRoom, *options: str) -> subprocess.CompletedProcess[str]:
    """What a person at the room's machine does; there is no broker."""
    command = [sys.executable, "-c", "from daemon.cli import main; main()", "stop", *options]
    where = ("--runtime", str(room.folder), "--site", str(room.site))
    wide = os.environ | {"COLUMNS": "400"}
    return subprocess.run([*command, *where], env=wide, capture_output=True, text=True, timeout=START_S, check=False)


def test_a_stop_of_an_armed_stimulator_is_confirmed_by_its_own_standby(room: RealRoom) -> None:
    room.start_watchdog()
    with client(room, "treatment", "S-1") as running:
        running.wait("armed")
        told = stop(room)

    assert told.returncode == 0, told.stderr
    assert "DISARMED. The watchdog has read the stimulator back in standby." in told.stdout
    assert room.condition() == "standby"


def test_a_stop_of_one_whose_cable_was_pulled_while_armed_says_press_stop_on_the_stimulator(room: RealRoom) -> None:
    line = room.start_watchdog()
    with client(room, "treatment", "S-1") as running:
        running.wait("armed")
        room.simulator.control("vanish")
        line.event("port-lost")
        told, as_json = stop(room), stop(room, "--json")

    assert told.returncode == as_json.returncode == UNREACHABLE
    assert "STOP is NOT CONFIRMED: press STOP on the stimulator." in told.stderr
    assert "lost while it may have been armed" in told.stderr
    assert json.loads(as_json.stdout)["standby"] is False


def test_a_stop_without_a_stimulator_says_that_there_is_none(room: RealRoom) -> None:
    room.simulator.control("vanish")
    room.start_watchdog(phase="boot")
    told = stop(room)

    assert told.returncode == UNREACHABLE
    assert "STOP is NOT CONFIRMED: no stimulator is connected." in told.stderr
    assert "none was left armed since the watchdog started" in told.stderr

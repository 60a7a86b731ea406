"""`coilward guarded`: an unmodified magpy-tms 1.4 behind the watchdog's port, in processes of their own.

Its known mistakes are walked around, not mended: without unlock code it cannot set the power, and its setNPulses
writes a wrong duration, so the train is given by its duration.
"""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon.guard_words import Threshold
from daemon.thresholds import Thresholds
from safety.ledger_format import Kind
from tests.system.processes import ANSWER_S, boot_us, children_of, end, lives, until
from tests.system.room import RealRoom, real_room

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

COILWARD = Path(sys.executable).with_name("coilward")
CONFLICT = 5
"""magpy-tms's number for `S`, COMMAND_CONFLICT_ERR."""
UNVALIDATED = 16
"""Its own refusal to fire a train it has not validated."""
SUBJECT, CEILING = "S-1", 40

PREAMBLE = """
import json, multiprocessing, os, sys, time
multiprocessing.set_start_method("fork")
from magpy import magstim
code, major = sys.argv[1], int(sys.argv[2])
rapid = magstim.Rapid(os.environ["COILWARD_PORT"], unlockCode=code, version=(major, 0, 0))
rapid.connect()
said = {}

def ready():
    until = time.monotonic() + 5
    while not rapid.isReadyToFire() and time.monotonic() < until:
        time.sleep(0.05)

def train(seconds):
    rapid.rTMSMode(True)
    if code:
        said["power"] = rapid.setPower(40, receipt=True)
    rapid.setFrequency(10)
    return rapid.setDuration(seconds, receipt=True)
"""
LAST_WORDS = """
print(json.dumps(said), flush=True)
rapid.disconnect()
"""


@pytest.fixture
def firmware() -> int:
    """Of the simulated stimulator, where a test does not ask for each."""
    return 11


@pytest.fixture
def room(firmware: int) -> Iterator[RealRoom]:
    with real_room(firmware) as made:
        made.start_watchdog()
        yield made


both_firmwares = pytest.mark.parametrize("firmware", [8, 11])


@contextlib.contextmanager
def guarded(room: RealRoom, script: str, *options: str, terminal: int | None = None) -> Iterator[subprocess.Popen[str]]:
    """`coilward guarded` with a script around it; unattended unless a terminal is given."""
    command = [str(COILWARD), "--runtime", str(room.folder), "guarded", *options]
    if terminal is None:
        command.append("--unattended")
    command += ["--", sys.executable, "-W", "ignore", "-c", script, room.code, str(room.firmware)]
    stdin = subprocess.DEVNULL if terminal is None else terminal
    with subprocess.Popen(
        command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            end(process)


def outcome(process: subprocess.Popen[str]) -> tuple[int, dict[str, Any], str]:
    """Exit status, what magpy was told, and what guarded explained."""
    out, err = process.communicate(timeout=60)
    lines = out.splitlines()
    return process.returncode, json.loads(lines[-1]) if lines else {}, err


IN_SESSION = ("--subject", SUBJECT, "--ceiling", str(CEILING))


@both_firmwares
def test_magpy_fires_a_train_that_is_counted(room: RealRoom) -> None:
    walk = """
said["at_rest"] = rapid.getParameters()
said["set"] = train(2)
rapid.arm(delay=True)
ready()
said["unvalidated"] = rapid.fire(receipt=True)
said["valid"] = rapid.validateSequence()
said["fired"] = rapid.fire(receipt=True)
time.sleep(2.8)
said["after"] = rapid.getParameters()
"""
    with guarded(room, PREAMBLE + walk + LAST_WORDS, *IN_SESSION) as process:
        code, said, explained = outcome(process)
    assert code == 0, explained
    assert said["unvalidated"][0] == UNVALIDATED
    assert said["set"][0] == said["valid"][0] == said["fired"][0] == 0, (said, explained)
    if room.code:
        assert said["power"][0] == 0
        assert said["after"][1]["rapidParam"]["power"] == 40
    assert said["after"][1]["rapidParam"]["nPulses"] == 20
    assert room.pulses() == 20
    until(lambda: room.counted(SUBJECT) == 20, ANSWER_S, "what was not spent is given back")
    assert room.condition() == "standby"
    assert "at most 40 % MSO" in explained


@both_firmwares
def test_what_exceeds_the_session_is_refused_and_magpy_is_told_so(room: RealRoom) -> None:
    walk = """
said["level"] = magstim.Magstim.setPower(rapid, 60, receipt=True)
said["level_allowed"] = magstim.Magstim.setPower(rapid, 40, receipt=True)
said["interlock"] = rapid.ignoreCoilSafetySwitch(receipt=True)
said["enhanced"] = rapid.enhancedPowerMode(True, receipt=True)
train(4)
said["armed"] = rapid.arm(receipt=True, delay=True)
ready()
rapid.validateSequence()
said["too_long"] = rapid.fire(receipt=True)
said["after"] = rapid.getParameters()
"""
    with guarded(room, PREAMBLE + walk + LAST_WORDS, *IN_SESSION) as process:
        code, said, explained = outcome(process)
    assert code == 0, explained
    for refused in ("level", "interlock", "enhanced", "too_long"):
        assert said[refused][0] == CONFLICT, (refused, said)
    assert said["level_allowed"][0] == said["armed"][0] == 0
    assert said["after"][1]["rapidParam"]["nPulses"] == 40, "the train was there to be fired"
    assert room.pulses() == 0
    assert room.simulator.control("status")["settings"]["level"] == 400
    assert (
        "refused (@060): The level was not changed. 60 % MSO is outside what is allowed now: at most 40 %" in explained
    )
    assert "refused (b@): The command was not passed on. It would bypass a protection" in explained
    assert "refused (EH): The train was not allowed" in explained


def test_with_a_threshold_on_file_a_train_may_last_as_long_as_its_level_allows_this_subject(room: RealRoom) -> None:
    """40 % MSO are 89 % of this subject's threshold: the tables give 10 Hz 5 s there, and 2.2 s where nobody knows."""
    filed = Threshold(value_tenths=450, method="emg", pulses=20, coil="coil-1", taken_wall_us=time.time_ns() // 1000,
                      simulated=True)  # fmt: skip
    Thresholds(room.folder / "daemon").file(SUBJECT, filed, "operator")
    walk = """
train(4)
rapid.arm(delay=True)
ready()
rapid.validateSequence()
said["fired"] = rapid.fire(receipt=True)
time.sleep(5)
"""
    with guarded(room, PREAMBLE + walk + LAST_WORDS, *IN_SESSION, "--threshold-on-file") as process:
        code, said, explained = outcome(process)
    assert code == 0, explained
    assert "threshold 45 % MSO, at most 40 % MSO" in explained
    assert said["fired"][0] == 0, explained
    assert room.pulses() == 40


@both_firmwares
def test_without_a_session_magpy_can_arm_nothing(room: RealRoom) -> None:
    walk = """
said["level"] = magstim.Magstim.setPower(rapid, 31, receipt=True)
said["armed"] = rapid.arm(receipt=True)
said["fired"] = rapid.fire(receipt=True)
said["disarmed"] = rapid.disarm(receipt=True)
said["alive"] = rapid.getTemperature()
"""
    shim = Path(__file__).parents[2] / "daemon" / "pyserial_lines"
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PREAMBLE + walk + LAST_WORDS, room.code, str(room.firmware)],
        env=os.environ | {"COILWARD_PORT": str(room.pty), "PYTHONPATH": str(shim)},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    said = json.loads(ran.stdout)
    assert [said[what][0] for what in ("level", "armed", "fired")] == [CONFLICT] * 3
    assert said["disarmed"][0] == said["alive"][0] == 0
    assert not room.happenings("armed", "pulse")


def test_raising_the_trigger_line_fires_nothing_and_says_why(room: RealRoom) -> None:
    walk = """
said["armed"] = rapid.arm(receipt=True, delay=True)
ready()
rapid.quickFire()
rapid._connection.join(5)
said["magpy_gave_up"] = not rapid._connection.is_alive()
print(json.dumps(said), flush=True)
os._exit(0)
"""
    with guarded(room, PREAMBLE + walk, *IN_SESSION) as process:
        _, said, explained = outcome(process)
    assert said["armed"][0] == 0
    assert said["magpy_gave_up"]
    assert "RTS was not raised: the guarded port has no trigger line" in explained
    room.wait_standby(ANSWER_S)
    assert room.pulses() == 0


def test_a_line_can_be_lowered_and_its_raising_is_an_error_of_pyserial(room: RealRoom) -> None:
    walk = """
import json, os, serial
port = serial.Serial(os.environ["COILWARD_PORT"])
port.rts = port.dtr = False
port.dtr = True
try:
    port.rts = True
except serial.SerialException as error:
    print(json.dumps({"error": str(error)}))
"""
    with guarded(room, walk) as process:
        code, said, explained = outcome(process)
    assert code == 0, explained
    assert "the guarded port has no trigger line" in said["error"]


def test_guarded_without_a_terminal_needs_to_be_told_so(room: RealRoom) -> None:
    command = [str(COILWARD), "--runtime", str(room.folder), "guarded", "--", "true"]
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 1
    assert "No terminal: nobody is there to stop" in ran.stderr
    assert not room.records(Kind.OPEN)


ARMED = """
train(2)
rapid.arm(delay=True)
ready()
print(json.dumps({"serial": rapid._connection.pid}), flush=True)
time.sleep(60)
"""


def test_a_terminal_that_hangs_up_disarms_and_ends_the_session_also_where_it_is_not_the_controlling_one(
    room: RealRoom,
) -> None:
    master, slave = pty.openpty()
    with guarded(room, PREAMBLE + ARMED, *IN_SESSION, terminal=slave) as process:
        os.close(slave)
        os.write(master, b"what is typed ends nothing\n")
        assert process.stdout is not None
        assert process.stdout.readline()
        at_us = boot_us()
        assert room.armed_at(at_us)
        os.close(master)
        assert room.line is not None
        assert room.line.event("stop", at_us)["reason"] == "stop-asked"
        room.line.event("session-closed", at_us)
        assert process.wait(ANSWER_S) == 1
    disarmed = next(event for event in room.happenings("disarmed") if event["at_us"] > at_us)
    assert disarmed["note"] == "ordered"


def disarmed_when(room: RealRoom, process: subprocess.Popen[str], victim: str) -> None:
    """Kills one of the processes while the device is armed, and sees the device disarmed."""
    assert process.stdout is not None
    serial = json.loads(process.stdout.readline())["serial"]
    program = children_of(process.pid)[0]
    assert room.armed_at(boot_us())
    at_us = boot_us()
    os.kill({"guarded": process.pid, "program": program, "port": serial}[victim], signal.SIGKILL)
    until(lambda: not room.armed_at(boot_us()), 1, "the device disarmed")
    first = next(event for event in room.happenings("disarmed") if event["at_us"] > at_us)
    assert first["note"] == "ordered"
    if victim == "guarded":  # nobody is left to end them
        for pid in (program, serial):
            os.kill(pid, signal.SIGKILL)
    if victim == "port":
        os.kill(program, signal.SIGKILL)
    until(lambda: not lives(program) and not lives(serial), ANSWER_S, "magpy's processes gone")


@pytest.mark.parametrize("victim", ["guarded", "program", "port"])
def test_whichever_process_is_killed_the_device_is_disarmed(room: RealRoom, victim: str) -> None:
    with guarded(room, PREAMBLE + ARMED, *IN_SESSION) as process:
        disarmed_when(room, process, victim)
    assert room.pulses() == 0

"""An unmodified client of others drives the simulator: magpy-tms 1.4, in a process of its own.

A PTY has no modem lines and magpy hangs when it cannot lower RTS, so its serial port is told to skip them; nothing
else is touched. Its known mistakes are walked around: without unlock code it cannot set the power, and it writes a
wrong duration after setting the pulses.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simulator.stimulators.profile import Profile
from simulator.testing import running_simulator

pytestmark = pytest.mark.system

WALK = """
import json, multiprocessing, sys, time
import serial.serialposix
multiprocessing.set_start_method("fork")
serial.serialposix.Serial._update_rts_state = lambda port: None
serial.serialposix.Serial._update_dtr_state = lambda port: None
from magpy import magstim

link, code, major = sys.argv[1], sys.argv[2], int(sys.argv[3])
rapid = magstim.Rapid(link, unlockCode=code, version=(major, 0, 0))
said = {}
rapid.connect()
said["version"] = rapid.getVersion()
said["temperature"] = rapid.getTemperature()
said["error"] = rapid.getErrorCode()
said["at_rest"] = rapid.getParameters()
if code:
    said["power"] = rapid.setPower(40, receipt=True)
    said["enhanced"] = rapid.enhancedPowerMode(True, receipt=True)
    said["not_enhanced"] = rapid.enhancedPowerMode(False, receipt=True)
    said["delay"] = rapid.setChargeDelay(100, receipt=True)
    said["delay_read"] = rapid.getChargeDelay()
    rapid.setChargeDelay(0)
said["early"] = rapid.fire(receipt=True)
said["armed"] = rapid.arm(receipt=True, delay=True)
said["ready"] = rapid.isReadyToFire()
said["single"] = rapid.fire(receipt=True)
said["disarmed"] = rapid.disarm(receipt=True)
rapid.poke()
said["train_mode"] = rapid.rTMSMode(True, receipt=True)
said["rate"] = rapid.setFrequency(10, receipt=True)
said["pulses"] = rapid.setNPulses(10, receipt=True)
said["duration"] = rapid.setDuration(1, receipt=True)
said["set"] = rapid.getParameters()
rapid.validateSequence()
rapid.arm(delay=True)
said["train"] = rapid.fire(receipt=True)
time.sleep(1.2)
said["after"] = rapid.getParameters()
rapid.disconnect()
print(json.dumps(said))
"""


def walk(link: Path, code: str, firmware: int) -> dict[str, Any]:
    command = [sys.executable, "-W", "ignore", "-c", WALK, link, code, str(firmware)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=40, check=False)
    assert ran.returncode == 0, ran.stderr
    said: dict[str, Any] = json.loads(ran.stdout)
    return said


@pytest.mark.parametrize("firmware", [5, 8, 11])
def test_magpy_walks_through_everything_it_can_do(tmp_path: Path, firmware: int) -> None:
    code = Profile().unlock_code if firmware >= 9 else ""
    with running_simulator(tmp_path, firmware=firmware) as simulator:
        said = walk(simulator.link, code, firmware)
        truth = simulator.control("status")
        happened = [json.loads(line) for line in simulator.log.read_text().splitlines()]

    assert said["version"] == [0, [firmware, 0]]
    assert said["at_rest"][1]["rapidParam"]["power"] == 30
    assert said["at_rest"][1]["rapid"]["singlePulseMode"] == 1
    assert said["temperature"][1]["magstimTemp"] == {"coil1Temp": 22.0, "coil2Temp": 22.0}
    assert said["armed"][0] == said["disarmed"][0] == said["train_mode"][0] == 0
    assert said["early"][0] == 5  # its word for S
    assert said["ready"]
    assert said["single"][0] == said["train"][0] == 0
    assert said["set"][1]["rapidParam"]["frequency"] == 10
    assert said["set"][1]["rapidParam"]["nPulses"] == 10
    if code:
        assert said["power"][0] == said["enhanced"][0] == said["delay"][0] == 0
        assert said["not_enhanced"][1]["rapid"]["enhancedPowerMode"] == 1  # status before the effect
        assert said["delay_read"][1]["chargeDelay"] == 100
        assert said["set"][1]["rapidParam"]["power"] == 40
    assert [happening["train"] for happening in happened if happening["kind"] == "pulse"] == [1] + [2] * 10
    assert (truth["remote"], truth["condition"]) == (False, "standby")

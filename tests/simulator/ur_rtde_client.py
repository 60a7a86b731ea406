"""An unmodified ur_rtde in a process of its own: one verb a run, what it saw as one line of JSON.

Started by `test_ur_conformance.py`; ur_rtde runs threads that nobody can join, and may take its process with it.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
from typing import Any

from rtde_control import RTDEControlInterface
from rtde_io import RTDEIOInterface
from rtde_receive import RTDEReceiveInterface

SPEED_M_S = 0.05
SET_POINTS, STEP_M = 500, 0.0001
WAIT_S = 5.0


def receive(host: str) -> dict[str, Any]:
    """A second of the stream with every field that ur_rtde knows."""
    receiver = RTDEReceiveInterface(host)
    times, end = [receiver.getTimestamp()], time.monotonic() + 1
    while time.monotonic() < end:
        now = receiver.getTimestamp()
        if now != times[-1]:
            times.append(now)
        time.sleep(0.0004)
    seen = {
        "samples": len(times),
        "least_step_ms": round(1e3 * min(b - a for a, b in itertools.pairwise(times)), 3),
        "joints": receiver.getActualQ(),
        "pose": receiver.getActualTCPPose(),
        "mode": receiver.getRobotMode(),
        "safety": receiver.getSafetyMode(),
    }
    receiver.disconnect()
    return seen


def servo(host: str) -> dict[str, Any]:
    """500 times servoL along a line, 500 a second as far as the machine lets it, then servoStop."""
    receiver, control = RTDEReceiveInterface(host), RTDEControlInterface(host)
    start = receiver.getActualTCPPose()
    goal, refused, times = list(start), 0, []
    for n in range(1, SET_POINTS + 1):
        period = control.initPeriod()
        goal[0] = start[0] + STEP_M * n
        refused += not control.servoL(goal, 0.5, 0.5, 0.002, 0.03, 2000)
        times.append(time.monotonic())
        control.waitPeriod(period)
    ten_s = min(b - a for a, b in zip(times, times[10:], strict=False))
    time.sleep(0.5)
    stopped = control.servoStop(5.0)
    time.sleep(0.1)
    standing = receiver.getActualTCPSpeed()
    way = receiver.getActualTCPPose()[0] - start[0]
    control.stopScript()
    seen = {"refused": refused, "ten_s": ten_s, "stopped": stopped, "standing": standing, "way": way}
    return seen | {"playing": control.isProgramRunning()}


def watchdog(host: str) -> dict[str, Any]:
    """A watchdog of 2 Hz: kicked for a second and a half, then no more; then the script is uploaded again."""
    control = RTDEControlInterface(host)
    control.speedL([0, 0, -0.02, 0, 0, 0], 0.5, 0)
    set_ok = control.setWatchdog(2.0)
    for _ in range(30):
        control.kickWatchdog()
        time.sleep(0.05)
    kicked = control.isProgramRunning()
    begun = time.monotonic()
    while control.isProgramRunning() and time.monotonic() - begun < WAIT_S:
        time.sleep(0.005)
    ended_s = time.monotonic() - begun
    again = control.reuploadScript()
    while not control.isProgramRunning() and time.monotonic() - begun < WAIT_S:
        time.sleep(0.005)
    return {"set": set_ok, "kicked": kicked, "ended_s": ended_s, "again": again, "runs": control.isProgramRunning()}


def speed(host: str) -> dict[str, Any]:
    """A speedL under a speed slider of one half, then speedStop."""
    receiver, control, slider = RTDEReceiveInterface(host), RTDEControlInterface(host), RTDEIOInterface(host)
    slid = slider.setSpeedSlider(0.5)
    started = control.speedL([0, 0, -SPEED_M_S, 0, 0, 0], 0.5, 0)
    time.sleep(1.0)
    moving, scaling = receiver.getActualTCPSpeed(), receiver.getSpeedScaling()
    stopped = control.speedStop(2.0)
    time.sleep(0.1)
    standing = receiver.getActualTCPSpeed()
    return {
        "slid": slid,
        "started": started,
        "moving": moving,
        "scaling": scaling,
        "stopped": stopped,
        "standing": standing,
    }


def stop(host: str) -> dict[str, Any]:
    """A servoL until the arm's own safety stops it: the parent sees to that."""
    receiver, control = RTDEReceiveInterface(host), RTDEControlInterface(host)
    goal = receiver.getActualTCPPose()
    print("moving", flush=True)
    begun = time.monotonic()
    while control.servoL(goal, 0.5, 0.5, 0.002, 0.03, 2000) and time.monotonic() - begun < WAIT_S:
        time.sleep(0.002)
    return {"stopped": receiver.isProtectiveStopped(), "mode": receiver.getSafetyMode()}


if __name__ == "__main__":
    verb, address = sys.argv[1:]
    print(json.dumps(globals()[verb](address)), flush=True)
    os._exit(0)  # its threads are nobody's to wait for

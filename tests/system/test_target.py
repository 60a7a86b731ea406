"""A target recorded where a hand has led the coil: every process real, and the world says where the pulses land."""

from __future__ import annotations

import asyncio
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from daemon.cli.conduct import take_control
from daemon.client import connect
from daemon.registration_file import read_registration
from daemon.registrations import file_of
from daemon.runtime import Runtime
from daemon.simulated_arm import register_simulated
from daemon.simulated_room import ROOM, new_name, new_subject
from drivers.poses import Pose
from simulator.placement import AIR_GAP_M, SCALP, target_on
from tests.system.at_once import ANOTHER_ARM
from tests.system.robot_treatment import Person, room_of

pytestmark = [pytest.mark.system, pytest.mark.timeout(300), pytest.mark.xdist_group(ANOTHER_ARM)]
ELSEWHERE = target_on(SCALP, (-0.25, 0.35, 0.90), (0.9, 0.4, 0.0), AIR_GAP_M)
"""In the frame of the skull: forward and inward of the simulator's own target, the handle turned otherwise."""
LED_S = 30.0


def pose_of(numbers: list[float]) -> Pose:
    return Pose.of(numbers[:4], numbers[4:])


def typed(pose: Pose) -> str:
    return ",".join(map(str, (*pose.quaternion, *pose.translation)))


async def coilward(runtime: Runtime, *words: str) -> dict[str, Any]:
    """What the command says as JSON, having done what it was told."""
    command = [Path(sys.executable).with_name("coilward"), "--runtime", runtime.folder, *words, "--json"]
    ran = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=90, check=False)
    assert ran.returncode == 0, ran.stderr + ran.stdout
    return dict(json.loads(ran.stdout))


async def led_to(person: Person, skull_from_target: Pose) -> Pose:
    """A hand leads the coil there; where on the head it then really stands, in the frame of the head's marker."""
    robot_from_skull = pose_of((await person.does("room-truth"))["robot_from_skull"])
    goal = robot_from_skull @ skull_from_target
    await person.does("lead-arm", to=typed(goal))
    async with asyncio.timeout(LED_S):
        while (goal.inverse() @ (here := pose_of((await person.does("arm"))["robot_from_tcp"]))).distance > 1e-3:
            await asyncio.sleep(0.1)
    await asyncio.sleep(0.5)
    here = pose_of((await person.does("arm"))["robot_from_tcp"])
    return pose_of((await person.does("room-truth"))["head_from_skull"]) @ robot_from_skull.inverse() @ here


def without_its_scalp(registration: Path) -> None:
    """Nobody has measured it: the arm keeps clear of a large head below the coil."""
    read_registration(registration).model_copy(update={"scalp": None}).write(registration)


async def test_pulses_land_where_a_hand_had_led_the_coil_and_nobody_else_s_session_opens(runtime: Runtime) -> None:
    async with room_of(runtime, "still", 3) as room, connect(room.address, ROOM) as client:
        person = Person(client, room)
        await take_control(client)
        subject, other = await new_subject(client, room.site), new_name()
        await asyncio.to_thread(without_its_scalp, file_of(room.site.daemon.state, subject))
        threshold = {"value_tenths": 450, "method": "emg", "pulses": 20, "coil": room.site.stimulator.coil}
        assert (await client.ask("file-threshold", subject=other, **threshold)).ok
        await asyncio.to_thread(register_simulated, room.site, other)

        await coilward(runtime, "coil", "guide")
        stood = await led_to(person, ELSEWHERE)
        filed = await coilward(runtime, "target", "record", subject, "--name", "dlpfc")
        shown = await coilward(runtime, "target", "show", subject)
        await person.does("lead-arm", mm=0)
        await person.does("aim-truth", head_from_target=typed(stood))
        await coilward(runtime, "coil", "park")
        await client.until(lambda view: view.arm is not None and view.arm.state == "parked", 30)
        await person.does("head", motion="rest", seed=3)

        async with client.present():
            refused = await person.starts(other)
            opened = await person.opens(subject)
            await person.comes_to_a_train()
            await person.until("gap", "held", "paused")
        pulses = await person.pulses()

    assert filed["detail"]["sha256"] == shown["sha256"]
    assert (shown["subject"], shown["name"], shown["head_from_target"]) == (subject, "dlpfc", None)
    assert refused.reason == "target-missing"
    assert f"coilward target record {other}" in str(refused.sentence)
    assert f"target dlpfc {shown['sha256'][:12]}" in str(opened.detail["understood"])
    assert pulses
    for pulse in pulses:
        coil = pulse["coil"]
        assert math.hypot(coil["lateral_mm"], coil["depth_mm"]) <= 2, pulse
        assert math.hypot(coil["tilt_deg"], coil["twist_deg"]) <= 3, pulse

"""A whole room as a process: our own drivers follow the head through its real ports, and what it costs is measured."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.errors import DeviceSilent, PortLost
from drivers.polaris.tracker import connect_polaris
from drivers.poses import Pose
from drivers.robots import Program
from drivers.trackers import Frame, Tool
from drivers.ur.site import UrSite
from simulator.testing import RunningSimulator, running_room
from simulator.wires.polaris_tools import write_tool_files
from tests.drivers.ur_room import opened
from tests.system.at_once import ANOTHER_ARM

pytestmark = [pytest.mark.system, pytest.mark.timeout(120), pytest.mark.xdist_group(ANOTHER_ARM)]

SLACK = 10.0
"""The arm's time-outs are stretched by this: the machine of a test is shared."""
FREE_PORT = ["--tracker-port", "0"]


def some_host() -> str:
    return f"127.{random.randrange(32, 64)}.{random.randrange(256)}.{random.randrange(2, 255)}"


@pytest.fixture
def room(tmp_path: Path) -> Iterator[RunningSimulator]:
    with running_room(tmp_path, some_host(), more=FREE_PORT) as simulator:
        yield simulator


def pose(numbers: list[float]) -> Pose:
    return Pose.of(numbers[:4], numbers[4:])


def cpu_s(pid: int) -> float:
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


async def some_frames(url: str, folder: Path, count: int) -> list[Frame]:
    tracker = await connect_polaris(url, "polaris-vega", write_tool_files(folder))
    seen: list[Frame] = []
    try:
        async for frame in tracker.frames():
            seen.append(frame)
            if len(seen) == count:
                break
    finally:
        await tracker.close()
    return seen


class Follower(contextlib.AbstractContextManager["Follower"]):
    """Our driver of the arm, sent to where the truth says the target is."""

    def __init__(self, room: RunningSimulator) -> None:
        self.room = room
        self.truth: dict[str, Any] = room.control("room-truth")
        site = UrSite(self.truth["ports"]["arm"], flange_from_tcp=pose(self.truth["flange_from_tcp"]), slack=SLACK)
        self.arm = opened(site)

    def __exit__(self, *_: object) -> None:
        self.arm.close()

    @property
    def goal(self) -> Pose:
        truth = self.room.control("room-truth")
        robot_from_head = pose(truth["robot_from_skull"]) @ pose(truth["head_from_skull"]).inverse()
        return robot_from_head @ pose(truth["head_from_target"])

    def follow(self, seconds: float) -> None:
        """Nearer to the target as it is now, by at most 20 mm of lead, a set-point every 2 ms."""
        ends, goal, asked = time.monotonic() + seconds, self.goal, time.monotonic()
        while time.monotonic() < ends:
            if time.monotonic() - asked > 0.05:
                goal, asked = self.goal, time.monotonic()
            select.select([self.arm.fileno()], [], [], 0.01)
            self.arm.read(time.monotonic_ns() // 1000)
            state = self.arm.last
            assert state is not None
            left = (state.robot_from_tcp.inverse() @ goal).distance
            self.arm.stream(state.robot_from_tcp.towards(goal, min(1.0, 0.02 / max(left, 1e-9))))


def test_it_serves_stimulator_tracker_and_arm_under_their_names(room: RunningSimulator, tmp_path: Path) -> None:
    assert sorted(path.name for path in (tmp_path / "sim").iterdir()) == ["control", "lock", "stimulator", "tracker"]
    truth = room.control("room-truth")
    for port in ("tracker", "tracker_tcp"):
        frames = asyncio.run(some_frames(truth["ports"][port], tmp_path / "tools", 30))
        numbers = [frame.number for frame in frames]
        assert numbers == sorted(set(numbers))
        head = frames[-1].tools[Tool.HEAD].pose
        assert head is not None
        seen = pose(truth["robot_from_camera"]) @ head @ pose(truth["head_from_skull"])
        assert (pose(truth["robot_from_skull"]).inverse() @ seen).distance < 0.001
        late_us = [frame.received_us - frame.source_us for frame in frames]
        assert min(late_us) > 5_000


def test_our_driver_brings_the_coil_to_its_target_and_a_pulse_there_is_on_record_as_on_target(
    room: RunningSimulator,
) -> None:
    with Follower(room) as follower:
        follower.follow(4)
        room.control("shift", mm=10, s=1.0)
        follower.follow(2.5)
        room.control("panel-arm")
        follower.follow(1.5)
        room.control("panel-trigger")
        follower.follow(0.3)
        (pulse,) = room.happenings("pulse")
        assert abs(pulse["coil"]["depth_mm"]) < 1
        assert pulse["coil"]["lateral_mm"] < 1
        assert pulse["coil"]["tilt_deg"] < 1
        assert pulse["coil"]["touches"] is False
        assert room.control("room")["peak_force_n"] == 0


def test_an_abandoned_coil_is_withdrawn_by_the_controllers_program(room: RunningSimulator) -> None:
    with Follower(room) as follower:
        follower.follow(4)
        near_mm = room.control("room")["coil"]["gap_mm"]
        ends = time.monotonic() + 4
        while time.monotonic() < ends:  # reads on, sends nothing
            select.select([follower.arm.fileno()], [], [], 0.05)
            follower.arm.read(time.monotonic_ns() // 1000)
        assert room.control("room")["coil"]["gap_mm"] > near_mm + 50
        assert follower.arm.last is not None
        assert follower.arm.last.program is Program.RETRACTED


def test_a_room_with_arm_and_tracker_in_use_keeps_its_500_ticks_a_second_within_half_a_core(
    room: RunningSimulator, tmp_path: Path
) -> None:
    with Follower(room) as follower:
        room.control("head", motion="free", seed=3)
        truth = room.control("room-truth")
        script = (
            "import asyncio, sys; from pathlib import Path; from tests.simulator.test_room_process import some_frames\n"
            "asyncio.run(some_frames(sys.argv[1], Path(sys.argv[2]), 100000))\n"
        )
        command = [sys.executable, "-c", script, truth["ports"]["tracker_tcp"], str(tmp_path / "tools")]
        with subprocess.Popen(command, cwd=Path(__file__).parents[2], stderr=subprocess.DEVNULL) as watching:
            follower.follow(2)
            assert follower.arm.last is not None
            began_s, cpu, clock_s = time.monotonic(), cpu_s(room.process.pid), follower.arm.last.controller_s
            follower.follow(5)
            lasted_s, spent_s = time.monotonic() - began_s, cpu_s(room.process.pid) - cpu
            ticked_s = follower.arm.last.controller_s - clock_s
            watching.kill()
        print(f"{spent_s / lasted_s:.2f} of a core, {ticked_s / lasted_s * 500:.0f} ticks a second")
        assert ticked_s / lasted_s == pytest.approx(1, abs=0.02)
        assert spent_s / lasted_s < 0.5


def test_a_pulled_tracker_hangs_up_and_comes_back_under_the_same_names_counting_anew(
    room: RunningSimulator, tmp_path: Path
) -> None:
    truth = room.control("room-truth")
    numbers = []

    async def watch() -> None:
        tracker = await connect_polaris(truth["ports"]["tracker_tcp"], "polaris-vega", write_tool_files(tmp_path))
        try:
            async for frame in tracker.frames():
                numbers.append(frame.number)
                if len(numbers) == 120:
                    await asyncio.to_thread(room.control, "pull-tracker")
        finally:
            await tracker.close()

    with pytest.raises(PortLost):
        asyncio.run(watch())
    room.control("plug-tracker")
    again = room.control("room-truth")["ports"]
    frames = asyncio.run(some_frames(again["tracker_tcp"], tmp_path / "tools", 5))
    assert again == truth["ports"]
    assert len(frames) == 5
    assert frames[-1].number < numbers[-1]


def test_a_second_room_at_the_same_address_is_refused_with_a_remedy(room: RunningSimulator, tmp_path: Path) -> None:
    host = room.control("room-truth")["ports"]["arm"]
    command = [sys.executable, "-m", "simulator", "--runtime", str(tmp_path / "b"), "--room", "robot"]
    refused = subprocess.run([*command, "--arm-host", host], capture_output=True, text=True, timeout=20, check=False)
    assert refused.returncode == 1
    assert "another loopback address" in refused.stderr
    with pytest.raises(DeviceSilent), running_room(tmp_path / "c", some_host(), more=["--tracker-rate", "1"]):
        pytest.fail("a tracker of 1 Hz")

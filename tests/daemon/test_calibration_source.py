"""What the arm process says on its socket, as samples of a calibration; and when it says nothing, or nonsense."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from daemon.calibration_seal import seven
from daemon.calibration_source import Sample, arm_samples, together
from drivers.errors import BadFrame, DeadlinePassed, DeviceSilent, PortLost, PortNotFound
from drivers.trackers import Frame, Tool
from tests.daemon.calibration_world import ORIGIN_US, START, frame, seen_by


async def test_a_players_frames_and_a_robot_at_hand_are_samples_too() -> None:
    async def player() -> AsyncGenerator[Frame, None]:
        yield frame(1, {Tool.COIL: seen_by(START)})

    async with aclosing(together(player(), lambda: START)) as samples:
        assert [sample.robot_from_tcp async for sample in samples] == [START]


def state(number: int | None, at_ms: int = 0, **more: Any) -> dict[str, Any]:
    seen = None
    if number is not None:
        seen = {"n": number, "source_us": 10, "received_us": 20, "tools": {"head": seven(START)}, "fault": ""}
    robot = {"mode": "running", "safety": "normal", "program": "idle", "tcp": seven(START)}
    return {"say": "state", "at_us": ORIGIN_US + at_ms * 1000, "frame": seen, "robot": robot, **more}


@contextmanager
def arm(path: Path, packets: list[Any]) -> Iterator[None]:
    """A process that says these things to whoever connects, and then hangs up."""

    async def serve(server: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        link, _ = await loop.sock_accept(server)
        with link:
            link.setblocking(False)
            assert json.loads(await loop.sock_recv(link, 4096)) == {"do": "hello", "role": "cli"}
            for packet in packets:
                await loop.sock_sendall(link, packet if isinstance(packet, bytes) else json.dumps(packet).encode())

    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.bind(str(path))
        server.listen()
        server.setblocking(False)
        task = asyncio.get_running_loop().create_task(serve(server))
        yield
        assert task.done()
        task.result()


async def heard(path: Path, packets: list[Any], error: type[Exception], match: str) -> list[Sample]:
    """The samples that come before the error."""
    found: list[Sample] = []

    async def listen() -> None:
        async with aclosing(arm_samples(path)) as samples:
            async for sample in samples:
                found.append(sample)  # noqa: PERF401  what came before the error counts

    with arm(path, packets), pytest.raises(error, match=match):
        await listen()
    return found


async def test_each_frame_the_arm_process_tells_is_one_sample(tmp_path: Path) -> None:
    said = [{"re": "hello", "ok": True, "why": None}, state(None), state(1), state(1, 50), state(2, 100)]

    found = await heard(tmp_path / "arm", said, PortLost, "ended the connection")

    assert [sample.frame.number for sample in found] == [1, 2]
    assert found[0].robot_from_tcp == START
    assert found[0].frame.tools[Tool.HEAD].pose == START


async def test_an_unreachable_robot_has_no_pose_however_well_the_last_one_is_remembered(tmp_path: Path) -> None:
    gone = state(1)
    gone["robot"]["mode"] = "unreachable"

    found = await heard(tmp_path / "arm", [gone], PortLost, "ended")

    assert found[0].robot_from_tcp is None


async def test_a_tracker_without_new_frames_is_silent(tmp_path: Path) -> None:
    said = [state(1), state(1, 2900), state(1, 3001)]

    assert len(await heard(tmp_path / "arm", said, DeviceSilent, "No frame of the tracker")) == 1


async def test_an_arm_process_that_says_nothing_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.calibration_source.ANSWER_S", 0.05)
    path = tmp_path / "arm"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.bind(str(path))
        server.listen()
        async with aclosing(arm_samples(path)) as samples:
            with pytest.raises(DeadlinePassed, match="said nothing"):
                await anext(samples)


async def test_no_arm_process_is_said_to_be_none(tmp_path: Path) -> None:
    async with aclosing(arm_samples(tmp_path / "arm")) as samples:
        with pytest.raises(PortNotFound, match="no arm process answers"):
            await anext(samples)


@pytest.mark.parametrize(
    "packet",
    [
        b"{",
        b"[]",
        {"say": "state", "at_us": 5},
        state(1, frame={"n": 1}),
        state(1, frame=7),
        state(1, robot={"mode": "running", "tcp": [1, 2]}),
    ],
)
async def test_an_arm_process_of_another_version_is_refused(tmp_path: Path, packet: Any) -> None:
    await heard(tmp_path / "arm", [packet], BadFrame, "Its version and this command's")

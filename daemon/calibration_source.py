"""Where registration and calibration see tracker and robot: each new frame together with where the robot then was.

`Samples` is the small thing they ask for. The arm process tells it on its socket; a tracker and a robot at hand, such
as a player of recorded frames or simulated ones, do as well.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from daemon.arm.messages import MAX_PACKET_BYTES, Malformed, Seen, encode, parse
from daemon.calibration_seal import pose_of
from drivers.errors import BadFrame, DeadlinePassed, DeviceSilent, PortLost, PortNotFound
from drivers.poses import Pose
from drivers.robots import RobotMode
from drivers.trackers import Frame

ANSWER_S: Final = 2.0
"""For the arm process to say something; it does so 20 times a second (engineering choice)."""
FRAME_US: Final = 3_000_000
"""For a new frame to be in what it says (engineering choice)."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One frame of the tracker, and where the robot was when it came."""

    frame: Frame
    robot_from_tcp: Pose | None = None
    """None while no robot answers."""


Samples = AsyncIterator[Sample]


async def together(frames: AsyncIterator[Frame], robot: Callable[[], Pose | None]) -> AsyncGenerator[Sample, None]:
    """The frames of a tracker, each with what `robot` says as it comes."""
    async for frame in frames:
        yield Sample(frame, robot())


async def arm_samples(control: Path) -> AsyncGenerator[Sample, None]:
    """What the arm process sees, until the generator is closed.

    Raises PortNotFound when none runs, DeadlinePassed or DeviceSilent when it or the tracker falls silent, PortLost
    when it ends, BadFrame when it is of another version.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as link:
        link.setblocking(False)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(ANSWER_S):
                await loop.sock_connect(link, str(control))
                await loop.sock_sendall(link, encode({"do": "hello", "role": "cli"}))
        except (OSError, TimeoutError) as wrong:
            raise PortNotFound(f"{control}: no arm process answers ({wrong}). Start the robot's room first.") from None
        newest, since_us = None, None
        while True:
            said = await _state(loop, link)
            if said is None:
                continue
            since_us = said["at_us"] if since_us is None else since_us
            sample = _sample(said)
            if sample is not None and sample.frame.number != newest:
                newest, since_us = sample.frame.number, said["at_us"]
                yield sample
            elif said["at_us"] - since_us > FRAME_US:
                raise DeviceSilent(
                    f"No frame of the tracker has come for {FRAME_US // 1_000_000} s. The daemon passes none on to the "
                    "arm process. See that the tracker is on, then run `coilward doctor`."
                )


async def _state(loop: asyncio.AbstractEventLoop, link: socket.socket) -> dict[str, Any] | None:
    """The next packet, or None for one that is no state."""
    try:
        async with asyncio.timeout(ANSWER_S):
            packet = await loop.sock_recv(link, MAX_PACKET_BYTES + 1)
    except TimeoutError:
        raise DeadlinePassed(f"The arm process has said nothing for {ANSWER_S:g} s. See its log; restart it.") from None
    except OSError as wrong:
        raise PortLost(f"The arm process is gone: {wrong}. Start it, then begin again.") from None
    if not packet:
        raise PortLost("The arm process ended the connection. Start it, then begin again.")
    try:
        said = json.loads(packet)
    except ValueError:
        raise _other_version("no JSON") from None
    if not isinstance(said, dict):
        raise _other_version("no JSON object")
    if said.get("say") != "state":
        return None
    if "frame" not in said or not isinstance(said.get("at_us"), int):
        raise _other_version("a state without its frame")
    return said


def _sample(said: dict[str, Any]) -> Sample | None:
    if said["frame"] is None:
        return None
    try:
        _, message = parse(encode({"do": "frame", **said["frame"]}))
        robot = said.get("robot") or {}
        tcp = robot.get("tcp") if robot.get("mode") != RobotMode.UNREACHABLE.value else None
        pose = None if tcp is None else pose_of(tcp)
    except (Malformed, ValueError, TypeError) as wrong:
        raise _other_version(str(wrong)) from None
    return Sample(message.frame, pose) if isinstance(message, Seen) else None


def _other_version(what: str) -> BadFrame:
    return BadFrame(f"The arm process says what is no state: {what}. Its version and this command's must be the same.")

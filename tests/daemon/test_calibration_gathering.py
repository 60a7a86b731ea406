"""Collecting touches and poses: what counts as held still, what a person is told, and what is frozen or silent."""

from __future__ import annotations

import asyncio
import json
import math
import socket
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daemon.calibration import calibrate
from daemon.calibration_gather import NEXT_US, Gathering, read_sightings, write_sightings
from daemon.calibration_plan import shell
from daemon.calibration_seal import seven
from daemon.calibration_source import Sample, arm_samples, together
from daemon.calibration_still import GAP_US, HOLD_US, LEAST_FRAMES, STILL_M, Still
from daemon.registration import register
from daemon.registration_file import Fiducial
from daemon.registration_touching import Touching
from drivers.errors import (
    BadFrame,
    ConfigError,
    DeadlinePassed,
    DeviceError,
    DeviceSilent,
    OperatorError,
    PortLost,
    PortNotFound,
)
from drivers.poses import Pose
from drivers.trackers import Frame, Missing, Tool
from tests.daemon.calibration_world import (
    FRAME_US,
    MARKER_FROM_SKULL,
    START,
    TCP_FROM_COIL,
    frame,
    held_at,
    on_marker,
    played,
    resting,
    seen_by,
    sightings,
)

ORIGIN_US = 3_000_000_000


def trembling(rng: np.random.Generator, sigma_m: float) -> Pose:
    return Pose(translation=tuple(rng.normal(0, sigma_m, 3).tolist()))


def fed(still: Still, poses: list[Pose], step_us: int = FRAME_US, start_us: int = ORIGIN_US) -> list[int]:
    """The numbers of the frames that completed a hold."""
    return [n for n, pose in enumerate(poses) if still.feed(start_us + n * step_us, pose) is not None]


def test_a_pose_held_for_a_second_is_taken_and_then_the_wait_begins_anew() -> None:
    rng = np.random.default_rng(1)

    taken = fed(Still(), [trembling(rng, 1e-4) for _ in range(50)])

    assert taken == [HOLD_US // FRAME_US, 2 * HOLD_US // FRAME_US + 1]


def test_the_mean_of_a_hold_is_better_than_its_frames() -> None:
    rng = np.random.default_rng(2)
    still = Still()
    held = [still.feed(ORIGIN_US + n * FRAME_US, trembling(rng, 2e-4)) for n in range(21)][-1]

    assert held is not None
    assert held.frames == 21
    assert held.poses[0].distance < 2e-4
    assert held.spread_m == pytest.approx(2e-4 * math.sqrt(3), rel=0.3)


@pytest.mark.parametrize(("speed_m_s", "taken"), [(STILL_M, True), (4 * STILL_M, False)])
def test_what_moves_is_not_taken_and_what_creeps_less_than_the_limit_is(speed_m_s: float, taken: bool) -> None:
    moving = [Pose(translation=(speed_m_s * n * FRAME_US / 1e6, 0, 0)) for n in range(100)]

    assert bool(fed(Still(), moving)) is taken


def test_a_wiggle_of_more_than_a_millimetre_is_not_still() -> None:
    """What went and came back is not seen from the ends of the second."""
    wiggle = [Pose(translation=(1.5 * STILL_M * (n % 20 == 10), 0, 0)) for n in range(60)]

    assert fed(Still(), wiggle) == []


def test_turning_is_motion_for_an_arm_and_none_for_a_tip() -> None:
    turning = [Pose.turned((0.02 * n, 0, 0)) for n in range(60)]

    assert fed(Still(), turning) == []
    assert fed(Still(turns=False), turning) != []


def test_too_few_frames_make_no_hold() -> None:
    rng = np.random.default_rng(1)
    slow_us = HOLD_US // (LEAST_FRAMES - 2) + 1

    assert fed(Still(), [trembling(rng, 1e-4) for _ in range(40)], slow_us) == []
    assert fed(Still(), [trembling(rng, 1e-4) for _ in range(40)], HOLD_US // (LEAST_FRAMES - 1)) != []


@pytest.mark.parametrize(("gap_us", "taken"), [(GAP_US, 20), (GAP_US + 1, 30)])
def test_a_long_gap_begins_the_wait_anew_and_a_short_one_does_not(gap_us: int, taken: int) -> None:
    rng = np.random.default_rng(1)
    still = Still()
    times = [ORIGIN_US + n * FRAME_US for n in range(10)]
    times += [times[-1] + gap_us + n * FRAME_US for n in range(30)]
    found = [n for n, at_us in enumerate(times) if still.feed(at_us, trembling(rng, 1e-4))]

    assert found[0] == taken - (4 if gap_us == GAP_US else 0)


def test_a_tracker_that_repeats_one_pose_is_frozen_and_not_still() -> None:
    with pytest.raises(DeviceError, match="frozen"):
        fed(Still(), [START] * 40)


def collect(samples: list[Sample]) -> Gathering:
    gathering = Gathering()
    for sample in samples:
        gathering.feed(sample)
    return gathering


def test_every_pose_the_arm_rests_at_is_taken_once_and_calibrates() -> None:
    gathering = collect(resting(shell(START, 14), seconds=2.6))

    found = calibrate(gathering.taken)

    assert len(gathering.taken) == 14
    assert (found.tcp_from_coil.inverse() @ TCP_FROM_COIL).distance < 5e-4
    assert "like pose 14" in gathering.hint


def test_an_arm_that_does_not_rest_gives_no_pose() -> None:
    assert collect(resting(shell(START, 6), seconds=0.8)).taken == []


@pytest.mark.parametrize(
    ("sample", "said"),
    [
        (Sample(frame(0, {Tool.COIL: Missing.PARTLY_SEEN}), START), "partly seen"),
        (Sample(frame(0, {Tool.HEAD: START}), START), "no such tool"),
        (Sample(frame(0, {Tool.COIL: START}), None), "robot does not answer"),
    ],
)
def test_what_is_missing_is_said(sample: Sample, said: str) -> None:
    assert said in collect([sample]).hint


def test_an_arm_that_nobody_moves_ends_the_waiting() -> None:
    hidden = Sample(frame(0, {Tool.COIL: Missing.NOT_SEEN}), START)
    late = Sample(frame(NEXT_US // FRAME_US + 1, {Tool.COIL: Missing.NOT_SEEN}), START)

    with pytest.raises(OperatorError, match="No new pose for 5 minutes; 0 were taken"):
        collect([hidden, late])


def test_poses_kept_in_a_file_are_read_back_without_those_left_out(tmp_path: Path) -> None:
    seen = sightings(13)
    write_sightings(seen, tmp_path / "p.jsonl")

    assert read_sightings(tmp_path / "p.jsonl") == seen
    assert read_sightings(tmp_path / "p.jsonl", (1, 13)) == seen[1:-1]
    with pytest.raises(OperatorError, match="no pose 14"):
        read_sightings(tmp_path / "p.jsonl", (14,))


@pytest.mark.parametrize(
    ("line", "said"),
    [("{", "line 2"), ('{"robot_from_tcp": [1,0,0,0,0,0,0]}', "camera_from_coil is missing"), ("[]", "line 2")],
)
def test_a_file_of_poses_that_does_not_hold_is_refused_by_its_line(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "p.jsonl"
    write_sightings(sightings(1), path)
    path.write_text(path.read_text() + line + "\n")

    with pytest.raises(ConfigError, match="line 2") as refused:
        read_sightings(path)
    assert said in str(refused.value)


def touch_all(touching: Touching, frames: list[Frame], *, press_at: int | None = None) -> Touching:
    for number, each in enumerate(frames):
        if number == press_at:
            touching.begin()
        touching.feed(each)
    return touching


def test_fiducials_touched_on_a_moving_head_register_to_a_tenth_of_a_millimetre() -> None:
    points = on_marker()
    frames = [each.frame for each in held_at([points[each] for _ in range(2) for each in Fiducial])]

    touching = touch_all(Touching(2, hands_free=True), frames)
    found = register(touching.touches)

    assert touching.wanted is None
    assert (found.head_from_skull.inverse() @ MARKER_FROM_SKULL).distance < 2e-4
    assert found.nas.spread_mm < 0.5


def test_a_tip_left_on_one_point_is_one_touch() -> None:
    frames = [each.frame for each in held_at([on_marker()[Fiducial.NAS]], seconds=8)]

    touching = touch_all(Touching(1, hands_free=True), frames)

    assert touching.wanted is Fiducial.LPA
    assert "still at the point before" in touching.hint


def test_with_a_key_nothing_counts_before_it_is_pressed() -> None:
    frames = [each.frame for each in held_at([on_marker()[Fiducial.NAS]], seconds=4)]

    waiting = touch_all(Touching(1, hands_free=False), frames)
    pressed = touch_all(Touching(1, hands_free=False), frames, press_at=15)

    assert waiting.wanted is Fiducial.NAS
    assert "Press Enter" in waiting.hint
    assert pressed.wanted is Fiducial.LPA


def test_a_pointer_on_the_table_is_no_touch() -> None:
    frames = [each.frame for each in held_at([(0.5, 0.0, 0.0)], seconds=4)]

    touching = touch_all(Touching(1, hands_free=True), frames)

    assert touching.wanted is Fiducial.NAS
    assert "not at the head" in touching.hint


@pytest.mark.parametrize(
    ("tools", "said"),
    [
        ({Tool.POINTER: START}, "marker on the head"),
        ({Tool.HEAD: START, Tool.POINTER: Missing.NOT_SEEN}, "does not see the pointer"),
    ],
)
def test_a_tool_that_is_not_seen_is_named(tools: dict[Tool, Pose | Missing], said: str) -> None:
    assert said in touch_all(Touching(1, hands_free=True), [frame(0, tools)]).hint


def test_a_fiducial_nobody_touches_ends_the_waiting() -> None:
    frames = [frame(n, {Tool.HEAD: START, Tool.POINTER: Missing.NOT_SEEN}) for n in (0, 4000)]

    with pytest.raises(OperatorError, match=r"NAS was not touched within 3 minutes"):
        touch_all(Touching(1, hands_free=True), frames)


async def test_a_players_frames_and_a_robot_at_hand_are_samples_too() -> None:
    async def player() -> AsyncGenerator[Frame, None]:
        yield frame(1, {Tool.COIL: seen_by(START)})

    async with aclosing(together(player(), lambda: START)) as samples:
        assert [sample.robot_from_tcp async for sample in samples] == [START]


# What the arm process says on its socket.


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


async def test_samples_that_end_early_are_an_error_and_no_calibration() -> None:
    from daemon.cli.calibrating import gather  # noqa: PLC0415  the terminal's part

    with pytest.raises(PortLost, match="after 2 poses"):
        await gather(played(resting(shell(START, 2))), 12, lambda *_: None)


def test_a_marker_that_drops_out_now_and_then_costs_no_pose() -> None:
    samples = resting(shell(START, 3), seconds=1.8)
    for number in range(0, len(samples), 7):
        hidden = frame(number, {Tool.COIL: Missing.NOT_SEEN})
        samples[number] = replace(samples[number], frame=hidden)

    assert len(collect(samples).taken) == 3

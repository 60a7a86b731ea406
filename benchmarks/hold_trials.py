"""Single trials: one law, one head, one seed, and what physically came of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from time import thread_time_ns

from benchmarks.hold_laws import Law
from benchmarks.hold_plant import GAP_M, NECK_N_M, SKULL_N_M, Room
from daemon.arm.lease import Lease
from daemon.arm.messages import Seen, encode, parse
from daemon.arm.table import HoldState
from daemon.arm_words import frame_words
from drivers.poses import Pose

RATE_HZ = 125.0
"""Turns of the loop per second here: the slowest rate of the arm. 500 Hz takes four times as long to simulate."""
WARM_US = 4_000_000
"""Not judged: everything settles, and a train may begin."""
TRAIN_EVERY_US, TRAIN_US, PULSE_US = 4_000_000, 2_000_000, 100_000
"""10 Hz for 2 s, 2 s of pause."""
STIFFNESS_N_M = NECK_N_M * SKULL_N_M / (NECK_N_M + SKULL_N_M)


@dataclass
class Trace:
    """What physically happened after the warm-up, one entry a turn."""

    distance_m: list[float] = field(default_factory=list)
    angle_rad: list[float] = field(default_factory=list)
    states: list[HoldState | None] = field(default_factory=list)
    coil: list[Pose] = field(default_factory=list)
    target: list[Pose] = field(default_factory=list)
    pulses: int = 0
    off_target: int = 0
    """Delivered beyond 2 mm or 3°."""
    begun_off: int = 0
    """Trains whose first pulse was delivered there."""
    run_off: int = 0
    """Delivered beyond 5 mm or 6°."""
    peak_n: float = 0.0


def run(
    room: Room, law: Law, start_us: int, seconds: float, script: Callable[[int, Room], None] | None = None
) -> Trace:
    """One trial. `script` is called in every turn, with the time since the warm-up's end in µs."""
    trace, dt_us, train = Trace(), round(1e6 / RATE_HZ), None
    for turn in range(round((WARM_US / 1e6 + seconds) * RATE_HZ)):
        now_us = start_us + turn * dt_us
        since_us = now_us - start_us - WARM_US
        if script is not None:
            script(since_us, room)
        room.tracker.step_to(now_us)
        for frame in room.tracker.take():
            law.saw(frame)
        command, goal, lease, state = law.step(now_us, room.arm.state(now_us))
        for _ in range(2):  # the arm's own ticks are finer
            room.arm.step(now_us, dt_us / 2e6)
        room.arm.command(now_us, command, goal)
        if since_us < 0:
            continue
        target = room.target(now_us)
        error = target.inverse() @ room.arm.pose
        _note(trace, error, state, room.arm.pose, target)
        train = pulse(trace, error, lease, since_us, train)
    return trace


def costs(law: Law, room: Room, start_us: int, turns: int = 4000) -> tuple[list[float], list[float]]:
    """CPU time of each turn of the law at 500 Hz, and of each frame from its packet on, µs; not of the first half
    second.
    """
    turns_us: list[float] = []
    frames_us: list[float] = []
    for turn in range(turns):
        now_us = start_us + turn * 2_000
        room.tracker.step_to(now_us)
        for packet in (encode(frame_words(frame)) for frame in room.tracker.take()):
            began_ns = thread_time_ns()
            _, message = parse(packet)
            assert isinstance(message, Seen)
            law.saw(message.frame)
            frames_us.append((thread_time_ns() - began_ns) / 1000)
        state = room.arm.state(now_us)
        began_ns = thread_time_ns()
        command, goal, _, _ = law.step(now_us, state)
        turns_us.append((thread_time_ns() - began_ns) / 1000)
        room.arm.step(now_us, 0.002)
        room.arm.command(now_us, command, goal)
    return turns_us[250:], frames_us[30:]


def _note(trace: Trace, error: Pose, state: HoldState | None, coil: Pose, target: Pose) -> None:
    trace.distance_m.append(error.distance)
    trace.angle_rad.append(error.angle)
    trace.states.append(state)
    trace.coil.append(coil)
    trace.target.append(target)
    trace.peak_n = max(trace.peak_n, (error.translation[2] - GAP_M) * STIFFNESS_N_M)


def pulse(trace: Trace, error: Pose, lease: Lease | None, since_us: int, train: int | None) -> int | None:
    """Trains as planned: begun only by `begin`, cut by `none`; without a gate every pulse goes out. `train` is how many
    pulses the running one has given; None: none runs.
    """
    phase_us = since_us % TRAIN_EVERY_US
    if train is None and phase_us < PULSE_US and lease in (None, Lease.BEGIN):
        train = 0
    if train is None or phase_us >= TRAIN_US or lease is Lease.NONE:
        return None
    if phase_us % PULSE_US < 1e6 / RATE_HZ:
        off = error.distance > 0.002 or error.angle > math.radians(3)
        trace.pulses += 1
        trace.off_target += off
        trace.begun_off += off and train == 0
        trace.run_off += error.distance > 0.005 or error.angle > math.radians(6)
        train += 1
    return train

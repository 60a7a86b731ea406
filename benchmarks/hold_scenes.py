"""The scenes in which the laws are compared, and what one trial comes to."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.hold_laws import LAWS, Law, oracle, setup
from benchmarks.hold_oracles import ORACLES
from benchmarks.hold_plant import DELAY_US, Room
from benchmarks.hold_trials import RATE_HZ, WARM_US, Trace, run
from daemon.arm.prediction import USUAL, HeadModel
from daemon.arm.table import HoldState
from drivers.poses import Pose
from simulator.head.events import Shift
from simulator.head.statistics import Motion
from simulator.tracking import Freeze

START_US = 7_000_000_000
CLASS_S, SHIFT_S, FREEZE_S = 15.0, 4.0, 1.2
SHIFT_M, SHIFT_US, SHIFT_AT_US = 0.030, 600_000, 500_000
FREEZE_AT_US = 800_000
STANDS_M_S = 0.001
CLASSES = ("restrained", "rest", "free")
SHIFTED = "30 mm in 0.6 s"
FROZEN, FROZEN_MOVING = "frozen in free motion", "frozen in a shift"
SCENES = (*CLASSES, SHIFTED, FROZEN, FROZEN_MOVING)
ORACLE = "oracle"
NAMES = (*LAWS, ORACLE)


@dataclass(frozen=True)
class Job:
    """One trial."""

    scene: str
    law: str
    seed: int
    head: HeadModel = USUAL


@dataclass(frozen=True)
class Result:
    """What came of it; lengths in mm, angles in degrees, times in ms."""

    job: Job
    rms: float
    rms_deg: float
    p95: float
    worst: float
    outside: tuple[float, float, float]
    """Share of the time beyond 1, 2 and 3 mm."""
    back_ms: float
    """From the end of the shift to the last time beyond 2 mm; 0 when it never was."""
    blind: float
    """Coil's way from the freeze until it stands, less the target's way meanwhile."""
    stands_off: float
    """Coil from its target when the trial ends, or the retract begins."""
    pulses: int
    off: int
    begun_off: int
    run_off: int
    peak_n: float
    trace: tuple[float, ...]
    """The distance turn by turn, of seed 1 alone: for the plots."""


def job(scene: str, law: str, seed: int) -> Job:
    """As it is compared: the oracle with its own motion model."""
    return Job(scene, law, seed, ORACLES[scene] if law == ORACLE else USUAL)


def trial(job: Job) -> Result:
    """One trial, in a process of its own."""
    draw = random.Random(f"{job.scene}/{job.seed}")
    moves = Motion(job.scene) if job.scene in CLASSES else Motion.FREE if job.scene == FROZEN else Motion.REST
    room = Room(moves, job.seed, START_US, latency=job.law != ORACLE)
    law = _law(job, room)
    if job.scene in (SHIFTED, FROZEN_MOVING):
        _shift(room, draw)
    freeze_us = FREEZE_AT_US + draw.randrange(200_000) if job.scene in (FROZEN, FROZEN_MOVING) else None

    def script(since_us: int, room: Room) -> None:
        if freeze_us is not None and since_us >= freeze_us:
            room.tracker.faults.frozen = (Freeze.POSES, 2**62)

    seconds = CLASS_S if job.scene in CLASSES else SHIFT_S if job.scene == SHIFTED else FREEZE_S
    trace = run(room, law, START_US, seconds, script)
    return _result(job, trace, freeze_us)


def _law(job: Job, room: Room) -> Law:
    how = setup(RATE_HZ, job.head)
    if job.law == ORACLE:
        return oracle(how, lag_us=round(room.arm.lag_s * 1e6) + DELAY_US)
    return LAWS[job.law](how)


def _shift(room: Room, draw: random.Random) -> None:
    """In a direction of the seed's."""
    way = [draw.gauss(0, 1) for _ in range(3)]
    length = math.hypot(*way)
    x, y, z = (part / length * SHIFT_M for part in way)
    room.head.add(Shift(START_US + WARM_US + SHIFT_AT_US, (x, y, z), SHIFT_US), START_US)


def _result(job: Job, trace: Trace, freeze_us: int | None) -> Result:
    millimetres = [1000 * each for each in trace.distance_m]
    ranked, count = sorted(millimetres), len(millimetres)
    turn_ms = 1000 / RATE_HZ
    ended = round((SHIFT_AT_US + SHIFT_US) / 1000 / turn_ms)
    late = [index for index in range(ended, count) if millimetres[index] > 2] if job.scene == SHIFTED else []
    blind, stands_off = (0.0, 0.0) if freeze_us is None else blind_travel(trace, math.ceil(freeze_us / 1000 / turn_ms))
    return Result(
        job,
        rms=math.sqrt(sum(each * each for each in millimetres) / count),
        rms_deg=math.degrees(math.sqrt(sum(each * each for each in trace.angle_rad) / count)),
        p95=ranked[int(0.95 * count)],
        worst=ranked[-1],
        outside=(_beyond(millimetres, 1), _beyond(millimetres, 2), _beyond(millimetres, 3)),
        back_ms=(late[-1] + 1 - ended) * turn_ms if late else 0.0,
        blind=blind,
        stands_off=stands_off,
        pulses=trace.pulses,
        off=trace.off_target,
        begun_off=trace.begun_off,
        run_off=trace.run_off,
        peak_n=trace.peak_n,
        trace=tuple(millimetres) if job.seed == 1 else (),
    )


def _beyond(millimetres: Sequence[float], limit: float) -> float:
    return sum(each > limit for each in millimetres) / len(millimetres)


def blind_travel(trace: Trace, since: int) -> tuple[float, float]:
    """Blind travel, and how far off its target the coil then stands; up to the retract."""
    retract = (i for i in range(since, len(trace.coil)) if trace.states[i] is HoldState.RETRACT)
    end = next(retract, len(trace.coil))
    coil, target = _steps(trace.coil[since:end]), _steps(trace.target[since:end])
    until = max((i + 1 for i, step in enumerate(coil) if step > STANDS_M_S / RATE_HZ), default=0)
    return 1000 * (sum(coil[:until]) - sum(target[:until])), 1000 * trace.distance_m[end - 1]


def _steps(poses: Sequence[Pose]) -> list[float]:
    return [math.dist(a.translation, b.translation) for a, b in pairwise(poses)]

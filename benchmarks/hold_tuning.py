"""How the filter's motion model was chosen: `python -m benchmarks.hold_tuning [SCENE …]`; ten minutes.

One figure is varied at a time, over a grid, and the best is kept; twice through all figures. The measure is the median
RMS over the tuning seeds. Ours is one model for every scene (the geometric mean of its RMS decides) and begins at what
is in use; the oracle has one for each scene. Nothing is changed: the result is printed, for daemon/arm/prediction.py
and benchmarks/hold_oracles.py.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from multiprocessing.pool import Pool
from statistics import geometric_mean, median

from benchmarks.hold_scenes import CLASSES, ORACLE, SHIFTED, Job, trial
from daemon.arm.prediction import USUAL, HeadModel

SEEDS = range(1001, 1005)
SCENES = (*CLASSES, SHIFTED)
NEVER_S = 1e9
"""No change of the velocity is believed: constant velocity."""
GRID: dict[str, Sequence[float]] = {
    "shifts.still": (1e-7, 1e-6, 1e-5, 3e-5, 1e-4),
    "shifts.moving": (3e-4, 1e-3, 2e-3, 6e-3),
    "turns.still": (4e-6, 4e-5, 4e-4),
    "turns.moving": (1e-2, 1e-1, 3e-1),
    "fade": (0.0, 0.75, 1.5, 2.5),
    "shifts.slows_s": (0.02, 0.04, 0.08, NEVER_S),
    "turns.slows_s": (0.02, 0.04, NEVER_S),
}
ROUNDS = 2


def main() -> None:
    """Ours over all scenes, then the oracle in each; or only the scenes that are named, `ours` among them."""
    named = sys.argv[1:] or ["ours", *SCENES]
    with multiprocessing.Pool() as pool:
        for name in named:
            law, scenes = ("ours", SCENES) if name == "ours" else (ORACLE, (name,))
            print(f"{name}:", flush=True)
            print(f"{name}: {best(lambda head, law=law, scenes=scenes: score(pool, law, scenes, head))!r}", flush=True)


def best(measure: Callable[[HeadModel], float]) -> HeadModel:
    """Of the grid, one figure after the other."""
    head, tried = USUAL, {USUAL: measure(USUAL)}
    for name, values in [*GRID.items()] * ROUNDS:
        ways = {value: changed(head, name, value) for value in values}
        tried |= {way: measure(way) for way in ways.values() if way not in tried}
        head = min(tried, key=tried.__getitem__)
        print(f"  {name}:", *(f"{value:g} {tried[way]:.4f}" for value, way in ways.items()), flush=True)
    return head


def changed(head: HeadModel, name: str, value: float) -> HeadModel:
    """With another figure."""
    group, _, part = name.rpartition(".")
    return replace(head, **{group: replace(getattr(head, group), **{part: value})} if group else {part: value})


def score(pool: Pool, law: str, scenes: Sequence[str], head: HeadModel) -> float:
    """RMS in mm: the median over the seeds, and the geometric mean of these over the scenes."""
    jobs = [Job(scene, law, seed, head) for scene in scenes for seed in SEEDS]
    errors = [result.rms for result in pool.map(trial, jobs, chunksize=1)]
    each = len(SEEDS)
    return geometric_mean(median(errors[at : at + each]) for at in range(0, len(errors), each))


if __name__ == "__main__":
    main()

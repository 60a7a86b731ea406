"""How well the coil stays on its target: five laws on the same heads, the same noise, the same arm.

Test seeds are 1 to 30. Our own motion model, and one for the oracle in each scene, were chosen on seeds 1001 to 1004
(`python -m benchmarks.hold_tuning`). The oracle sees the same noisy frames without latency and knows the arm's true
lag. Medians over the seeds stand with their 95 % interval (bootstrap).

Blind travel is the coil's way from the instant the tracker froze to the last moment at which it moved faster than
1 mm/s, less the target's way in that time: below 0 the coil went less far than its target did. Beside it stands how far
from its target the coil then stands: a law that lags travels little and stands far off.
"""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from benchmarks.figures import Figures, Row, ratios
from benchmarks.hold_laws import Ours, setup
from benchmarks.hold_plant import Room
from benchmarks.hold_plot import plots
from benchmarks.hold_scenes import (
    CLASS_S,
    CLASSES,
    FROZEN,
    FROZEN_MOVING,
    NAMES,
    ORACLE,
    SCENES,
    SHIFTED,
    START_US,
    Result,
    job,
    trial,
)
from benchmarks.hold_trials import RATE_HZ, costs
from simulator.head.statistics import Motion

SEEDS = 30
OUT = Path(__file__).parent / "out"


def rows(share: float = 1.0) -> Iterator[Row]:
    """Runs everything; `share` below 1 takes few seeds. Also writes hold.md and hold.png into benchmarks/out/."""
    turn, frame = map(Figures.of, costs(Ours(setup(500.0)), Room(Motion.FREE, 1, START_US), START_US))
    yield Row("coil hold, one turn (CPU)", turn, "", None, "", "", None)
    yield Row("coil hold, one frame from its packet on (CPU)", frame, "", None, "", "", None)
    seeds = range(1, (SEEDS if share >= 1 else max(3, round(SEEDS * share))) + 1)
    with multiprocessing.Pool() as pool:
        results = pool.map(trial, [job(scene, law, seed) for scene in SCENES for law in NAMES for seed in seeds], 4)
    OUT.mkdir(exist_ok=True)
    (OUT / "hold.md").write_text(page(results))
    plots(results, OUT / "hold.png")
    back, naive = (
        Figures.of([r.back_ms * 1000 for r in results if r.job.scene == SHIFTED and r.job.law == law])
        for law in ("ours", "naive follow")
    )
    beside = ratios(back, naive) if naive.median else ""
    kept = back.median <= 150_000
    yield Row("coil hold, back under 2 mm after 30 mm", back, "naive follow", naive, beside, "≤ 150 ms median", kept)


def notes() -> str:
    """The page of the last run."""
    return (OUT / "hold.md").read_text()


def page(results: Sequence[Result]) -> str:
    """The Markdown page: errors, what they led to, what a frozen tracker led to, and the aims with yes or no."""
    seeds = len({r.job.seed for r in results})
    how = f"{seeds} seeds of {CLASS_S:g} s, {RATE_HZ:g} turns a second; median [95 % interval]."
    lines = [
        f"### Coil hold\n\n{how}\n\n{__doc__}",
        *_head("scene", "law", "RMS mm", "RMS °", "p95 mm", "max mm", "beyond 1 / 2 / 3 mm"),
    ]
    for scene in (*CLASSES, SHIFTED):
        for law in NAMES:
            of = _of(results, law, scene)
            outside = " / ".join(f"{100 * sum(r.outside[i] for r in of) / len(of):.1f} %" for i in range(3))
            shown = [interval([getattr(r, part) for r in of]) for part in ("rms", "rms_deg", "p95")]
            lines.append(_line(scene, law, *shown, f"{max(r.worst for r in of):.2f}", outside))
    lines += [
        "",
        *_head(
            "law",
            "back under 2 mm, ms",
            "pulses",
            "beyond 2 mm / 3°",
            "trains begun there",
            "beyond 5 mm / 6°",
            "peak force N",
        ),
    ]
    for law in NAMES:
        of = _of(results, law)
        sums = [str(sum(getattr(r, part) for r in of)) for part in ("pulses", "off", "begun_off", "run_off")]
        back = interval([r.back_ms for r in _of(results, law, SHIFTED)], digits=0)
        lines.append(_line(law, back, *sums, f"{max(r.peak_n for r in of):.1f}"))
    lines += ["", *_head("tracker", "law", "blind travel mm", "max", "stands off its target mm", "max")]
    for scene in (FROZEN, FROZEN_MOVING):
        for law in NAMES:
            of = _of(results, law, scene)
            parts = [[getattr(r, part) for r in of] for part in ("blind", "stands_off")]
            lines.append(_line(scene, law, *(each for part in parts for each in (interval(part), f"{max(part):.2f}"))))
    return "\n".join([*lines, "", *_aims(results), "", "`hold.png` shows the distances of seed 1.", ""])


def _of(results: Sequence[Result], law: str, scene: str | None = None) -> list[Result]:
    return [r for r in results if r.job.law == law and scene in (None, r.job.scene)]


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _head(*cells: str) -> tuple[str, str]:
    return _line(*cells), "|---" * len(cells) + "|"


def _aims(results: Sequence[Result]) -> list[str]:
    def middle(scene: str, part: str = "rms", law: str = "ours") -> float:
        return median(getattr(r, part) for r in _of(results, law, scene))

    aims = [("RMS in rest ≤ 0.3 mm", middle("rest") <= 0.3), ("RMS in rest ≤ 0.3°", middle("rest", "rms_deg") <= 0.3)]
    for scene, most in (("rest", 1.2), ("free", 1.5)):
        ratio = middle(scene) / middle(scene, law=ORACLE)
        aims.append((f"RMS in {scene} ≤ {most} times the oracle's: {ratio:.2f}", ratio <= most))
    back = middle(SHIFTED, "back_ms")
    aims.append((f"back under 2 mm within 150 ms, median: {back:.0f} ms", back <= 150))
    for scene in (FROZEN, FROZEN_MOVING):
        blind = middle(scene, "blind")
        aims.append((f"blind travel ≤ 0.5 mm, {scene}, median: {blind:.2f} mm", blind <= 0.5))
    begun = sum(r.begun_off for r in _of(results, "ours"))
    aims.append((f"no train begun beyond 2 mm / 3°: {begun}", begun == 0))
    for other in ("naive follow", "ours, no prediction"):
        for scene in (*CLASSES, SHIFTED):
            theirs = {r.job.seed: r.rms for r in _of(results, other, scene)}
            gain = [r.rms - theirs[r.job.seed] for r in _of(results, "ours", scene)]
            aims.append((f"never worse than {other}, {scene}: {interval(gain)} mm", bounds(gain)[0] <= 0))
    return [f"- {'kept' if kept else '**missed**'}: {aim}" for aim, kept in aims]


def bounds(values: Sequence[float]) -> tuple[float, float]:
    """95 % interval of the median, by 1,000 resamplings."""
    draw = random.Random(1)
    medians = sorted(median(draw.choices(values, k=len(values))) for _ in range(1000))
    return medians[25], medians[974]


def interval(values: Sequence[float], digits: int = 3) -> str:
    """Median and its interval, for people."""
    low, high = bounds(values)
    return f"{median(values):.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"

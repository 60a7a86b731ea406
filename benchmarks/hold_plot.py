"""The distance of coil and target over time: one panel for each scene, one curve for each law."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.hold_scenes import (
    CLASSES,
    FREEZE_AT_US,
    FROZEN,
    FROZEN_MOVING,
    NAMES,
    SCENES,
    SHIFT_AT_US,
    SHIFT_US,
    Result,
)
from benchmarks.hold_trials import RATE_HZ

COLOURS = ("tab:gray", "tab:blue", "tab:orange", "tab:red", "tab:green")
TOP_MM = {FROZEN: 3.0, FROZEN_MOVING: 16.0, **dict.fromkeys(CLASSES, 1.5)}
SHIFT_TOP_MM = 12.0


def plots(results: Sequence[Result], path: Path) -> None:
    """Of the seed whose traces are kept. Higher than a panel is cut off: the holder stays where the head was."""
    figure = Figure(figsize=(14, 10), layout="constrained")
    figure.suptitle(
        "Distance of the coil from its target, seed 1: lower is better (dotted: 2 mm, beyond which no train begins)"
    )
    for scene, axes in zip(SCENES, figure.subplots(len(SCENES) // 2, 2).flat, strict=True):
        for law, colour in zip(NAMES, COLOURS, strict=True):
            trace = next(r.trace for r in results if r.trace and (r.job.scene, r.job.law) == (scene, law))
            axes.plot([i / RATE_HZ for i in range(len(trace))], trace, label=law, color=colour, linewidth=1)
        axes.set(title=_title(scene), xlabel="time, s", ylabel="distance, mm")
        axes.set_ylim(0, TOP_MM.get(scene, SHIFT_TOP_MM))
        axes.axhline(2, color="black", linewidth=0.6, linestyle=":")
        axes.grid(alpha=0.3)
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(NAMES))
    figure.savefig(path, dpi=100)


def _title(scene: str) -> str:
    if scene in CLASSES:
        return f"head {scene}"
    if scene in (FROZEN, FROZEN_MOVING):
        return f"tracker {scene} at about {FREEZE_AT_US / 1e6:g} s"
    return f"head shifts {scene}, from {SHIFT_AT_US / 1e6:g} s to {(SHIFT_AT_US + SHIFT_US) / 1e6:g} s"

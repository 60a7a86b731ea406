"""What a benchmark says: figures of many durations, and one row of the table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figures:
    """Of many durations, in µs, each one that occurred."""

    count: int
    median: float
    p99: float
    p999: float
    worst: float

    @classmethod
    def of(cls, durations_us: Sequence[float]) -> Figures:
        """The figures of at least one duration. Below 1,000 of them p99.9 is the worst, and below 100 p99 too."""
        ranked = sorted(durations_us)

        def at(share: float) -> float:
            return ranked[min(len(ranked) - 1, int(len(ranked) * share))]

        return cls(len(ranked), at(0.5), at(0.99), at(0.999), ranked[-1])

    def __str__(self) -> str:
        return f"{us(self.median)} / {us(self.p99)} / {us(self.p999)}"


def us(value: float) -> str:
    """A duration of `value` µs with a unit that reads well."""
    return f"{value / 1000:.1f} ms" if abs(value) >= 10_000 else f"{value:.0f} µs"


@dataclass(frozen=True)
class Row:
    """One line of the table: what was measured, beside what, and whether it keeps its budget."""

    path: str
    ours: Figures | str
    """The words say why nothing was measured."""
    beside: str
    theirs: Figures | None
    ratio: str
    budget: str
    kept: bool | None
    """None: there is no budget, or nothing was measured; the row is there to compare with."""


def table(rows: Iterable[Row]) -> str:
    """Markdown. Figures are median / p99 / p99.9."""
    lines = [
        "| path | n | median / p99 / p99.9 | beside | median / p99 / p99.9 | ratio | budget | kept |",
        "|---|---:|---|---|---|---|---|---|",
    ]
    for row in rows:
        kept = {True: "yes", False: "**no**", None: ""}[row.kept]
        count = 0 if isinstance(row.ours, str) else row.ours.count
        theirs = str(row.theirs or "")
        lines.append(
            f"| {row.path} | {count} | {row.ours} | {row.beside} | {theirs} | {row.ratio} | {row.budget} | {kept} |"
        )
    return "\n".join(lines)


def ratios(ours: Figures, theirs: Figures) -> str:
    """Ours over theirs, at the median and at p99."""
    return f"{ours.median / theirs.median:.2f} / {ours.p99 / theirs.p99:.2f}"

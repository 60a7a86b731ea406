"""What durability costs: a ledger commit beside a bare fdatasync of as many bytes on the same disk."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figures, Row, ratios
from safety.ledger_bench import bare_syncs, ledger_commits

TIMES = 3_000


def rows(share: float = 1.0) -> Iterator[Row]:
    """One row; `share` shortens it for a quick look."""
    times = max(100, int(TIMES * share))
    with tempfile.TemporaryDirectory(prefix="coilward-bench-", dir=Path.cwd()) as folder:
        bare = Figures.of(bare_syncs(Path(folder), times))
        ours = Figures.of(ledger_commits(Path(folder), times))
    yield Row("ledger commit", ours, "bare fdatasync", bare, ratios(ours, bare), "", None)

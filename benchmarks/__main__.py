"""Every benchmark into one Markdown table: `python -m benchmarks [NAME …] [--quick]`, also kept in benchmarks/out/."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
from pathlib import Path

from benchmarks.figures import Row, table

BENCHMARKS = ("guard", "ledger", "hold", "loop", "panel")
KEPT = Path(__file__).parent / "out" / "table.md"
QUICK = 0.05


def main() -> None:
    """Runs what is named, everything when nothing is."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--quick", action="store_true", help="a twentieth of the samples: does it run at all")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(BENCHMARKS):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}")
    rows: list[Row] = []
    notes: list[str] = []
    for name in arguments.names or BENCHMARKS:
        benchmark = importlib.import_module(f"benchmarks.{name}")
        for row in benchmark.rows(QUICK if arguments.quick else 1.0):
            print(table([row]).splitlines()[-1], flush=True)
            rows.append(row)
        if hasattr(benchmark, "notes"):  # what does not fit a table of durations
            notes.append(benchmark.notes())
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}"
    page = f"{machine}. Figures are median / p99 / p99.9.\n\n{table(rows)}\n" + "".join(f"\n{note}" for note in notes)
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(page)
    print(f"\n{page}")


if __name__ == "__main__":
    main()

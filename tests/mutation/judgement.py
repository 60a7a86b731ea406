"""Judges a mutation run.

A gate of this kind can be green for the wrong reason, so it complains not only of a survivor that nobody explained, but
also when

- a mutant was made and never evaluated, or there are none of a module at all;
- the canary that no test watches did not survive, or the one that is watched did;
- an explanation explains nothing any more.

Crashes and time-outs count as noticed and are shown apart: neither is a test that said no.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

CAUGHT = {"killed", "timed out", "crashed"}


@dataclass(frozen=True)
class Mutant:
    """One change, and what became of it."""

    name: str
    """As mutmut calls it: `safety.rules.x_judge__mutmut_3`."""
    verdict: str
    change: str = ""
    """The lines taken out and put in; known of survivors only."""

    @property
    def module(self) -> str:
        """`safety.rules`."""
        return self.name.rpartition(".")[0]

    @property
    def function(self) -> str:
        """The function that was changed."""
        return function_of(self.name)

    @property
    def mark(self) -> str:
        """Names this change for as long as its line reads the same."""
        return hashlib.blake2s(f"{self.function}\n{self.change}".encode(), digest_size=6).hexdigest()


def function_of(mutant: str) -> str:
    """A mutant's name without its number, which moves with every edit."""
    return re.sub(r"__mutmut_\d+$", "", mutant)


def complaints(mutants: Iterable[Mutant], made: Counter[str], explained: dict[str, str]) -> list[str]:
    """Everything that stands in the way of trusting the result; empty when it can be trusted.

    `made` counts per module the mutants that stand in the generated code; `explained` is mark → reason.
    """
    said = []
    per_module = Counter(mutant.module for mutant in mutants)
    for module, count in sorted(made.items()):
        if not count or per_module[module] != count:
            said.append(f"{module}: {count} mutants were made and {per_module[module]} evaluated")
    canary: list[Mutant] = []
    ours: list[Mutant] = []
    for mutant in mutants:
        (canary if mutant.module == "safety.canary" else ours).append(mutant)
    for mutant in canary:
        unwatched = mutant.function.endswith("x_unwatched")
        if (mutant.verdict == "survived") != unwatched:
            said.append(f"canary {mutant.name} {mutant.verdict}: the gate cannot tell a test from none")
    if not canary:
        said.append("there was no canary")
    left = [mutant for mutant in ours if mutant.verdict not in CAUGHT]
    said += [
        f"{mutant.name} {mutant.verdict} [{mutant.mark}]\n{mutant.change}"
        for mutant in left
        if mutant.mark not in explained
    ]
    said += [f"{mark} is explained and does not survive" for mark in explained if mark not in {m.mark for m in left}]
    return said


def table(mutants: list[Mutant]) -> str:
    """One row a module, in Markdown."""
    columns = ("killed", "timed out", "crashed", "survived", "no test")
    rows = ["| module | mutants | " + " | ".join(columns) + " |", "|---" * (len(columns) + 2) + "|"]
    for module in [*sorted({mutant.module for mutant in mutants}), ""]:
        became = Counter(mutant.verdict for mutant in mutants if module in (mutant.module, ""))
        cells = (str(became[column]) for column in columns)
        rows.append(f"| {module or 'all'} | {became.total()} | " + " | ".join(cells) + " |")
    return "\n".join(rows)

"""`python -m tests.mutation [PATTERN...]`: mutates what decides in `safety/`, or the modules named (`safety/rules.py`).

Exit code 1, and every complaint on stderr, when the result cannot be trusted or a survivor is not explained.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from pathlib import Path

from tests.mutation.judgement import CAUGHT, Mutant, complaints, table
from tests.mutation.tree import Module, prepare

EXPLAINED = Path(__file__).with_name("explained.toml")


def evaluate(tree: Path, modules: list[Module]) -> list[Mutant]:
    """Every mutant with its verdict, survivors with their change; CalledProcessError when the tests cannot run."""
    results = tree / "results.jsonl"
    asked = [
        json.dumps([f"{module.name}.{mutant}", module.path, *module.place_of(mutant)])
        for module in modules
        for mutant in module.mutants
    ]
    command = [sys.executable, "-m", "tests.mutation.evaluation", str(results)]
    subprocess.run(command, cwd=tree, input="\n".join(asked), text=True, check=True)
    found = {module.name: module for module in modules}
    mutants = []
    for line in results.read_text().splitlines():
        name, verdict, _ = json.loads(line)
        module, _, mutant = name.rpartition(".")
        change = "" if verdict in CAUGHT else found[module].change_of(mutant)
        mutants.append(Mutant(name, verdict, change))
    return mutants


def main() -> int:
    """Runs it all."""
    patterns = sys.argv[1:]
    explained = {entry["mark"]: entry["reason"] for entry in tomllib.loads(EXPLAINED.read_text())["survivor"]}
    with tempfile.TemporaryDirectory(prefix="coilward-mutation-") as place:
        modules = prepare(Path(place) / "tree", patterns)
        mutants = evaluate(Path(place) / "tree", modules)
    if patterns:  # of the modules left out nothing is known, their explained survivors included
        explained = {mutant.mark: explained[mutant.mark] for mutant in mutants if mutant.mark in explained}
    print(table(mutants))
    made = Counter({module.name: len(module.mutants) for module in modules})
    said = complaints(mutants, made, explained)
    for line in said:
        print(line, file=sys.stderr)
    print(f"{len(mutants)} mutants, {len(said)} complaints, {len(explained)} survivors explained")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())

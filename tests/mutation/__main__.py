"""`python -m tests.mutation`: mutates what decides in `safety/` and asks all its tests.

Exit code 1, and every complaint on stderr, when the result cannot be trusted or a survivor is not explained. While
writing a test, a module and the tests meant for it are enough, and take seconds:
`python -m tests.mutation safety/permits.py --tests tests/safety/test_gate_permits.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from pathlib import Path

from tests.mutation.judgement import CAUGHT, Mutant, complaints, table
from tests.mutation.tree import Module, prepare

EXPLAINED = Path(__file__).with_name("explained.toml")


def evaluate(tree: Path, modules: list[Module], tests: list[str]) -> list[Mutant]:
    """Every mutant with its verdict, survivors with their change; CalledProcessError when the tests cannot run."""
    results = tree / "results.jsonl"
    asked = [
        json.dumps([f"{module.name}.{mutant}", module.path, *module.place_of(mutant)])
        for module in modules
        for mutant in module.mutants
    ]
    command = [sys.executable, "-m", "tests.mutation.evaluation", str(results), *tests]
    environment = os.environ | {"HYPOTHESIS_PROFILE": "unshrunk"}
    subprocess.run(command, cwd=tree, env=environment, input="\n".join(asked), text=True, check=True)
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
    usage = argparse.ArgumentParser(prog="python -m tests.mutation", description="Tests the tests of safety/.")
    usage.add_argument("modules", nargs="*", metavar="MODULE", help="only these, such as safety/rules.py (fnmatch)")
    usage.add_argument("--tests", nargs="+", default=[], metavar="FILE", help="ask only these, not all of safety/")
    asked = usage.parse_args()
    explained = {entry["mark"]: entry["reason"] for entry in tomllib.loads(EXPLAINED.read_text())["survivor"]}
    with tempfile.TemporaryDirectory(prefix="coilward-mutation-") as place:
        modules = prepare(Path(place) / "tree", asked.modules)
        mutants = evaluate(Path(place) / "tree", modules, asked.tests)
    if asked.modules:  # of the modules left out nothing is known, their explained survivors included
        explained = {mutant.mark: explained[mutant.mark] for mutant in mutants if mutant.mark in explained}
    print(table(mutants))
    made = Counter({module.name: len(module.mutants) for module in modules})
    said = complaints(mutants, made, explained)
    for complaint in said:
        print(complaint, file=sys.stderr)
    print(f"{len(mutants)} mutants, {len(said)} complaints, {len(explained)} survivors explained")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())

"""Tests of the tests: changes what decides in `safety/` one operator at a time, and asks whether a test notices.

`make mutation` copies the tree, adds two canaries, runs mutmut there and judges what came out. A gate of this kind can
be green for the wrong reason, so it fails not only on a survivor that nobody explained, but also when

- a mutant was made and never evaluated, or there are none of a module at all;
- the canary that no test watches did not survive, or the one that is watched did;
- an explanation in `tests/mutants.toml` explains nothing any more.

Crashes and time-outs count as noticed and are shown apart: neither is a test that said no.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
EXPLAINED = Path(__file__).with_name("mutants.toml")
LEFT_AT_HOME = shutil.ignore_patterns(".git", ".venv", "mutants", "__pycache__", ".*_cache", ".hypothesis", "out")

PROGRESS_S = 20
"""How often a line says how far it is."""

CANARY = "safety/canary.py"
CANARY_SOURCE = """
def watched(value):
    return value > 3

def unwatched(value):
    return value > 3
"""
CANARY_TEST = """
from safety.canary import unwatched, watched

def test_watched():
    assert watched(4)
    assert not watched(3)

def test_unwatched():
    assert unwatched(10)
"""

VERDICTS = {0: "survived", 1: "killed", 33: "no test", 36: "timed out", -24: "timed out", 152: "timed out"}
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
        return ".".join(self.name.split(".")[:2])

    @property
    def function(self) -> str:
        """The function's name, without the number: that one moves with every edit."""
        return re.sub(r"__mutmut_\d+$", "", self.name)

    @property
    def mark(self) -> str:
        """Names this change for as long as its line reads the same."""
        return hashlib.blake2s(f"{self.function}\n{self.change}".encode(), digest_size=6).hexdigest()


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


def prepare(place: Path, only: list[str]) -> Path:
    """A copy of the tree with the canaries in it; `only` narrows the modules (fnmatch patterns)."""
    tree = place / "tree"
    shutil.copytree(ROOT, tree, ignore=LEFT_AT_HOME)
    (tree / CANARY).write_text(CANARY_SOURCE)
    (tree / "tests/safety/test_canary.py").write_text(CANARY_TEST)
    settings = (tree / "pyproject.toml").read_text()
    listed = tomllib.loads(settings)["tool"]["mutmut"]["only_mutate"]
    block = json.dumps([CANARY, *(only or listed)])
    settings = re.sub(r"^only_mutate = \[.*?\]", f"only_mutate = {block}", settings, flags=re.DOTALL | re.MULTILINE)
    (tree / "pyproject.toml").write_text(settings)
    return tree


def run(tree: Path) -> None:
    """Makes and evaluates every mutant; CalledProcessError when mutmut itself could not."""
    command = [str(Path(sys.executable).with_name("mutmut")), "run", "--max-children", str(os.cpu_count() or 1)]
    shown = time.monotonic()
    with subprocess.Popen(command, cwd=tree, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as mutmut:
        assert mutmut.stdout is not None
        said: deque[str] = deque(maxlen=40)
        for line in mutmut.stdout:  # text mode reads its carriage returns as line ends
            said.append(line)
            if re.search(r"\d+/\d+", line) and time.monotonic() - shown > PROGRESS_S:
                print("  " + line.strip()[2:], file=sys.stderr)
                shown = time.monotonic()
    if mutmut.returncode:
        print("".join(said), file=sys.stderr)
        raise subprocess.CalledProcessError(mutmut.returncode, command)


def results(tree: Path) -> tuple[list[Mutant], Counter[str]]:
    """What became of each mutant, and how many each module's generated code holds."""
    mutants, made = [], Counter[str]()
    for meta in sorted((tree / "mutants/safety").rglob("*.py.meta")):
        source = meta.with_suffix("")
        module = f"safety.{source.stem}"
        functions = functions_of(source)
        made[module] = sum(bool(re.search(r"__mutmut_\d+$", name)) for name in functions)
        for name, code in json.loads(meta.read_text())["exit_code_by_key"].items():
            if code is None:
                continue
            verdict = VERDICTS.get(code, "crashed" if code < 0 else f"ended oddly ({code})")
            mutants.append(Mutant(name, verdict, change_of(functions, name) if verdict == "survived" else ""))
    return mutants, made


def functions_of(source: Path) -> dict[str, list[str]]:
    """Every function of a generated file, the original and the mutants, as lines: its parameters, then its body."""
    nodes = [node for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.FunctionDef)]
    return {node.name: [ast.unparse(node.args), *ast.unparse(node).splitlines()[1:]] for node in nodes}


def change_of(functions: dict[str, list[str]], name: str) -> str:
    """The lines that make up a mutant."""
    mutant = name.rpartition(".")[2]
    original = re.sub(r"\d+$", "orig", mutant)
    lines = difflib.unified_diff(functions[original], functions[mutant], n=0, lineterm="")
    return "\n".join(line for line in lines if re.match(r"[-+](?![-+]{2} )", line))


def table(mutants: list[Mutant]) -> str:
    """One row a module, in Markdown."""
    columns = ("killed", "timed out", "crashed", "survived", "no test")
    rows = ["| module | mutants | " + " | ".join(columns) + " |", "|---" * (len(columns) + 2) + "|"]
    for module in sorted({mutant.module for mutant in mutants}):
        became = Counter(mutant.verdict for mutant in mutants if mutant.module == module)
        cells = (str(became[column]) for column in columns)
        rows.append(f"| {module} | {became.total()} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def main() -> int:
    """Runs it all; arguments are module patterns to narrow it to, such as `safety/rules.py`."""
    explained = {entry["mark"]: entry["reason"] for entry in tomllib.loads(EXPLAINED.read_text()).get("survivor", [])}
    with tempfile.TemporaryDirectory(prefix="coilward-mutation-") as place:
        tree = prepare(Path(place), sys.argv[1:])
        run(tree)
        mutants, made = results(tree)
    if sys.argv[1:]:  # of the modules left out nothing is known, their explained survivors included
        explained = {mutant.mark: explained[mutant.mark] for mutant in mutants if mutant.mark in explained}
    print(table(mutants))
    said = complaints(mutants, made, explained)
    for line in said:
        print(line, file=sys.stderr)
    print(f"{len(mutants)} mutants, {len(said)} complaints, {len(explained)} survivors explained")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())

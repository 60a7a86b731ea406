"""A copy of the tree in which every mutant and two canaries are written down, and what each mutant changes."""

from __future__ import annotations

import ast
import difflib
import re
import shutil
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from mutmut.mutation.file_mutation import mutate_file_contents

ROOT = Path(__file__).parents[2]
LEFT_AT_HOME = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", ".hypothesis", "out")

CANARY = "safety/canary.py"
CANARY_SOURCE = """
def watched(value):
    return value > 3

def unwatched(value):
    return value > 3
"""
CANARY_TESTS = "tests/safety/test_canary.py"
CANARY_TESTS_SOURCE = """
from safety.canary import unwatched, watched

def test_watched():
    assert watched(4)
    assert not watched(3)

def test_unwatched():
    assert unwatched(10)
"""

SWITCH = "from mutmut.mutation.trampoline import wrap_in_trampoline as _mutmut_mutated, MutantDict"
OURS = "from tests.mutation.switch import switched as _mutmut_mutated, MutantDict"


@dataclass(frozen=True)
class Module:
    """A module as mutmut wrote it: every function beside all its mutants."""

    path: str
    """`safety/rules.py`."""
    lines: list[str]
    functions: dict[str, ast.FunctionDef]

    @property
    def name(self) -> str:
        """`safety.rules`."""
        return self.path.removesuffix(".py").replace("/", ".")

    @property
    def mutants(self) -> list[str]:
        """The names of the mutants: `x_judge__mutmut_3`."""
        return [name for name in self.functions if re.search(r"__mutmut_\d+$", name)]

    def change_of(self, mutant: str) -> str:
        """The lines that make up a mutant."""
        written = ([ast.unparse(node.args), *ast.unparse(node).splitlines()[1:]] for node in self._original_and(mutant))
        diff = difflib.unified_diff(*written, n=0, lineterm="")
        return "\n".join(line for line in diff if re.match(r"[-+](?![-+]{2} )", line))

    def place_of(self, mutant: str) -> tuple[int, int]:
        """First and last line of what differs in the original: nobody notices a statement that is not run."""
        original, mutated = self._original_and(mutant)
        ours, theirs = (self.lines[node.lineno : node.end_lineno] for node in (original, mutated))
        differ = (
            number for number, (a, b) in enumerate(zip(ours, theirs, strict=False), original.lineno + 1) if a != b
        )
        changed = next(differ, original.lineno)
        holding = [node for node in ast.walk(original) if isinstance(node, ast.stmt) and _holds(node, changed)]
        statement = min(holding, key=lambda node: (node.end_lineno or 0) - node.lineno)
        last = statement.end_lineno or 0
        if statement is not original and isinstance(body := getattr(statement, "body", None), list):
            head = body[0].lineno - 1
            last = head if changed <= head else last
        return statement.lineno, last

    def _original_and(self, mutant: str) -> tuple[ast.FunctionDef, ast.FunctionDef]:
        return self.functions[re.sub(r"\d+$", "orig", mutant)], self.functions[mutant]


def _holds(node: ast.stmt, line: int) -> bool:
    return node.lineno <= line <= (node.end_lineno or 0)


def deciding_modules() -> list[str]:
    """The modules that are mutated, as `pyproject.toml` lists them: `safety/rules.py`."""
    listed: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutmut"]["only_mutate"]
    return listed


def prepare(tree: Path, only: Iterable[str]) -> list[Module]:
    """Writes the copy; `only` narrows the modules (fnmatch patterns). Returns those that were mutated."""
    shutil.copytree(ROOT, tree, ignore=LEFT_AT_HOME)
    (tree / CANARY).write_text(CANARY_SOURCE)
    (tree / CANARY_TESTS).write_text(CANARY_TESTS_SOURCE)
    wanted = list(only) or ["*"]
    chosen = [path for path in deciding_modules() if any(fnmatch(path, pattern) for pattern in wanted)]
    return [mutate(tree, path) for path in [CANARY, *chosen]]


def mutate(tree: Path, path: str) -> Module:
    """Rewrites one module with all its mutants in it; one of them is chosen when the program runs."""
    generated = mutate_file_contents(path, (tree / path).read_text()).code.replace(SWITCH, OURS)
    (tree / path).write_text(generated)
    nodes = [node for node in ast.walk(ast.parse(generated)) if isinstance(node, ast.FunctionDef)]
    return Module(path, generated.splitlines(), {node.name: node for node in nodes})

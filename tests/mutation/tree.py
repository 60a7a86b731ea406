"""A copy of the tree in which every mutant and two canaries are written down, and what each mutant changes."""

from __future__ import annotations

import ast
import difflib
import re
import shutil
import tomllib
from collections.abc import Iterable
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
CANARY_TEST = """
from safety.canary import unwatched, watched

def test_watched():
    assert watched(4)
    assert not watched(3)

def test_unwatched():
    assert unwatched(10)
"""

SWITCH = "from mutmut.mutation.trampoline import wrap_in_trampoline as _mutmut_mutated, MutantDict"
OURS = "from tests.mutation.switch import switched as _mutmut_mutated, MutantDict"

Functions = dict[str, list[str]]
"""Function's name → its lines: its parameters, then its body."""


def deciding_modules() -> list[str]:
    """The modules that are mutated, as `pyproject.toml` lists them: `safety/rules.py`."""
    listed: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutmut"]["only_mutate"]
    return listed


def prepare(tree: Path, only: Iterable[str]) -> dict[str, Functions]:
    """Writes the copy; `only` narrows the modules (fnmatch patterns). Returns the functions of each module changed."""
    shutil.copytree(ROOT, tree, ignore=LEFT_AT_HOME)
    (tree / CANARY).write_text(CANARY_SOURCE)
    (tree / "tests/safety/test_canary.py").write_text(CANARY_TEST)
    wanted = list(only) or ["*"]
    chosen = [path for path in deciding_modules() if any(fnmatch(path, pattern) for pattern in wanted)]
    return {path.removesuffix(".py").replace("/", "."): mutate(tree, path) for path in [CANARY, *chosen]}


def mutate(tree: Path, path: str) -> Functions:
    """Rewrites one module with all its mutants in it; one of them is chosen when the program runs."""
    generated = mutate_file_contents(path, (tree / path).read_text()).code.replace(SWITCH, OURS)
    (tree / path).write_text(generated)
    nodes = [node for node in ast.walk(ast.parse(generated)) if isinstance(node, ast.FunctionDef)]
    return {node.name: [ast.unparse(node.args), *ast.unparse(node).splitlines()[1:]] for node in nodes}


def mutants_in(functions: Functions) -> list[str]:
    """The names of the mutants among them."""
    return [name for name in functions if re.search(r"__mutmut_\d+$", name)]


def change_of(functions: Functions, mutant: str) -> str:
    """The lines that make up a mutant."""
    original = re.sub(r"\d+$", "orig", mutant)
    lines = difflib.unified_diff(functions[original], functions[mutant], n=0, lineterm="")
    return "\n".join(line for line in lines if re.match(r"[-+](?![-+]{2} )", line))

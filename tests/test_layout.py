"""The shape of the repository: who may import whom, and what no file may hold."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("drivers", "safety", "daemon", "simulator")
MOST_LINES = 400
"""A file past this is two files; most are under 250."""

VAGUE_NAMES = {"utils", "util", "helpers", "helper", "manager", "handler", "misc", "common"}

UNWANTED = {
    "a place on somebody's machine": re.compile(r"(?<![\w.$}])/(?:work|root|home/\w+|Users/\w+)/"),
    "the host of a registry": re.compile(r"\b(?:pypi|pythonhosted|npmjs|deb\.debian|archive\.ubuntu)\.(?:org|com)\b"),
    "work left undone": re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b"),
}


def tracked() -> list[Path]:
    """Files under version control or about to be; a source archive without git has all of them."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=10, check=False)
    if listed.returncode:
        return [path for path in ROOT.rglob("*") if path.is_file() and ".venv" not in path.parts]
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_imports_go_one_way() -> None:
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=50, check=False)

    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("what", UNWANTED)
def test_no_file_holds(what: str) -> None:
    found = []
    for path in tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        lines = enumerate(text.splitlines(), 1)
        found += [f"{path.relative_to(ROOT)}:{n}" for n, line in lines if UNWANTED[what].search(line)]

    assert found == []


def test_a_file_of_a_package_can_be_read_in_one_sitting() -> None:
    sources = [path for path in tracked() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in PACKAGES]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in sources}

    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_a_file_is_named_for_what_it_holds() -> None:
    assert [path for path in tracked() if path.suffix == ".py" and path.stem in VAGUE_NAMES] == []

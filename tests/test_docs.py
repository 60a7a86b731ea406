"""What the documentation says of the code is so."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def pages() -> list[Path]:
    """Every page of the documentation, the ones at the root and in the packages included."""
    return [*ROOT.glob("*.md"), *(page for top in ROOT.glob("[a-z]*") if top.is_dir() for page in top.rglob("*.md"))]


def test_the_drawings_are_what_the_tables_say() -> None:
    command = [sys.executable, "docs/draw.py", "--check"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)

    assert checked.returncode == 0, checked.stderr


def test_every_link_within_the_repository_leads_somewhere() -> None:
    links = [
        (page, target) for page in pages() for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    ]
    broken = [f"{page.relative_to(ROOT)}: {target}" for page, target in links if not (page.parent / target).exists()]

    assert broken == []


INVARIANTS = (ROOT / "docs" / "invariants.md").read_text()
NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def test_every_test_that_an_invariant_names_is_there() -> None:
    named = NAMED_TEST.findall(INVARIANTS)
    gone = [
        (file, name)
        for file, name in named
        if not (ROOT / file).exists()
        or not re.search(rf"^(async )?def {name}\(", (ROOT / file).read_text(), re.MULTILINE)
    ]

    assert named
    assert gone == []


def test_every_invariant_of_the_coil_hold_names_a_test_that_holds_it() -> None:
    rows = re.findall(r"^\| \*\*(H\d+)\*\* \|(.*)$", INVARIANTS, re.MULTILINE)

    assert [number for number, _ in rows] == [f"H{at}" for at in range(1, len(rows) + 1)]
    assert [number for number, row in rows if not NAMED_TEST.search(row)] == []


def test_the_readme_can_be_read_in_five_minutes() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < 150


def test_the_readme_names_targets_that_the_makefile_has() -> None:
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert {"run", "test"} <= named <= targets

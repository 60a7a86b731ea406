"""The page itself, as far as it can be judged without a browser."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from daemon.panel.files import STATIC
from daemon.verbs import VERBS
from daemon.words.document import labels

VENDOR = STATIC / "vendor"
BUILD = STATIC.parent / "vendor-build"
OURS = sorted(
    path for path in STATIC.rglob("*") if path.suffix in {".js", ".css", ".html"} and VENDOR not in path.parents
)
SCRIPTS = {path: path.read_text() for path in OURS if path.suffix == ".js"}
PURE = sorted((Path(__file__).parent / "page").glob("*.test.mjs"))


def test_what_is_vendored_is_what_was_built() -> None:
    told = json.loads((VENDOR / "vendor.json").read_text())

    there = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.iterdir()
        if path.name != "vendor.json"
    }

    assert {name: row["sha256"] for name, row in told.items()} == there


def test_versions_are_locked_without_naming_a_registry() -> None:
    lock = (BUILD / "package-lock.json").read_text()
    packages = json.loads(lock)["packages"]

    assert '"resolved"' not in lock
    assert all("integrity" in row for name, row in packages.items() if name)
    for row in json.loads((VENDOR / "vendor.json").read_text()).values():
        for library in row["made_of"]:
            assert packages[f"node_modules/{library['name']}"]["version"] == library["version"]


@pytest.mark.parametrize("language", ["en", "it"])
def test_every_label_the_page_names_is_there(language: str) -> None:
    named = {key for text in SCRIPTS.values() for key in re.findall(r"\bt\(\s*\"([a-z0-9-]+)\"", text)}
    local = {key for text in SCRIPTS.values() for key in re.findall(r"local\(\"([a-z0-9-]+)\"\)", text)}
    begun = {key for text in SCRIPTS.values() for key in re.findall(r"\bt\(`([a-z-]+-)\$\{", text)}

    there = labels(language)

    assert len(named) > 100
    assert sorted((named | local) - there.keys()) == []
    assert sorted(begin for begin in begun if not any(key.startswith(begin) for key in there)) == []


@pytest.mark.parametrize(
    "forbidden",
    [
        "innerHTML", "outerHTML", "insertAdjacentHTML", "dangerouslySetInnerHTML", "document.write",
        "alert(", "confirm(", "prompt(", "<select", 'type="date"', "eval(", "new Function", "http://", "https://",
    ],
)  # fmt: skip
def test_the_page_opens_nothing_of_the_browsers_own_and_makes_no_html_of_text(forbidden: str) -> None:
    for path in OURS:
        assert forbidden not in path.read_text(), path


def test_no_style_or_script_is_written_into_the_page() -> None:
    text = (STATIC / "index.html").read_text()

    assert "<style" not in text
    assert "style=" not in "".join(SCRIPTS.values()) + text
    assert re.findall(r"<script[^>]*>[^<]", text) == []


def test_every_module_that_is_named_is_there() -> None:
    for path, text in SCRIPTS.items():
        for name in re.findall(r"""(?:from|import)\s*\(?\s*"(\.[^"]+)\"""", text):
            assert (path.parent / name).is_file(), f"{path}: {name}"


def test_the_page_fetches_all_it_starts_with_at_once() -> None:
    told = re.findall(r'rel="modulepreload" href="/app/([^"]+)"', (STATIC / "index.html").read_text())

    assert told == sorted(told)
    assert {*told, "app.js"} == imported("app.js", set())


def imported(name: str, seen: set[str]) -> set[str]:
    """The module and everything it cannot begin without."""
    if name not in seen:
        seen.add(name)
        text = (STATIC / name).read_text() if "vendor" not in name else ""
        for other in re.findall(r"""^import[^;]*?from\s+"(\.[^"]+)\"""", text, re.MULTILINE):
            imported(str((STATIC / name).parent.joinpath(other).resolve().relative_to(STATIC.resolve())), seen)
    return seen


def test_every_verb_the_page_asks_for_exists() -> None:
    asked = {verb for text in SCRIPTS.values() for verb in re.findall(r"\bask\(\"([a-z-]+)\"", text)}
    later = {"note", "history", "read-report", "read-journal", "dose", "emergency", "unblock"}

    assert {"take", "start", "pause", "end"} <= asked
    assert asked - later <= VERBS.keys()


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed; only these tests need it")
@pytest.mark.parametrize("path", PURE, ids=lambda path: path.name.split(".")[0])
def test_the_pages_own_decisions(path: Path) -> None:
    ran = subprocess.run(["node", "--test", str(path)], capture_output=True, text=True, timeout=60, check=False)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(r"^# pass [1-9]", ran.stdout, re.MULTILINE)

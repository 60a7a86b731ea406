"""The operator's guide says what the page says, and prints as it must."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from daemon.practice.scenario import load, names
from daemon.practice.telling import of
from daemon.words import LANGUAGES
from daemon.words.document import document, labels

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "docs" / "guide"
PAGES = [f"{kind}.{language}" for kind in ("guide", "card") for language in LANGUAGES]
MOST_PAGES = {"guide": 12, "card": 1}
MOST_BYTES = 150_000
OURS = re.compile(
    r"\b(permits?|leases?|witness(es)?|trip(s|ped)?|nonces?|safe|ledger|daemon|broker|lockout)\b", re.IGNORECASE
)
"""Not an operator's words (docs/glossary.md)."""
PRINT_TIMEOUT_S = 120


def text_of(page: str) -> str:
    return (GUIDE / f"{page}.md").read_text(encoding="utf-8")


def bold_in(page: str) -> list[str]:
    """What it prints in bold, lines joined."""
    return [" ".join(each.split()) for each in re.findall(r"\*\*(.+?)\*\*", text_of(page), re.DOTALL)]


def on_screen(language: str) -> set[str]:
    """Every text of the panel in this language, and each sentence of it, with and without its full stop."""
    words = document(language)
    tables = [words[name] for name in ("phases", "coil")]
    rows = [row for table in tables for row in table.values()]
    rows += [row for row in words.values() if isinstance(row, dict) and "sentence" in row]
    texts = [*labels(language).values(), *(row[part] for row in rows for part in ("word", "sentence"))]
    texts += [text for row in words["reasons"].values() for text in row.values()]
    sentences = [sentence for text in texts for sentence in re.split(r"(?<=[.?!]) ", text)]
    return {form for text in (*texts, *sentences) for form in (text, text.rstrip("."))}


def printing() -> ModuleType:
    """docs/print.py, which is no package's."""
    spec = importlib.util.spec_from_file_location("print_guide", ROOT / "docs" / "print.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", PAGES)
def test_what_is_bold_stands_on_the_screen_in_the_same_words(page: str) -> None:
    bold = bold_in(page)
    shown = on_screen(page.partition(".")[2])

    assert len(bold) > 10
    assert [each for each in bold if each not in shown and each not in ("bold", "grassetto")] == []


def test_the_tables_of_state_words_are_the_panels_own() -> None:
    command = [sys.executable, "docs/state_words.py", "--check"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)

    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_what_an_exercise_tells_to_read_is_a_chapter(language: str) -> None:
    chapters = re.findall(r"^## \d+\. (.+)$", text_of(f"guide.{language}"), re.MULTILINE)
    told = {name: of(load(name).read, language) for name in names()}

    assert told
    assert {name: chapter for name, chapter in told.items() if chapter not in chapters} == {}


@pytest.mark.parametrize("page", PAGES)
def test_it_speaks_an_operators_words(page: str) -> None:
    assert OURS.findall(text_of(page)) == []


@pytest.mark.parametrize("page", PAGES)
def test_it_says_that_this_is_no_medical_device_and_stop_no_emergency_stop(page: str) -> None:
    _, language = page.split(".")
    told = labels(language)

    assert told["help-research-only"] in bold_in(page)
    assert any(each in told["stop-not-emergency-stop"] for each in bold_in(page) if len(each) > len("STOP"))


def test_both_languages_have_the_same_chapters_and_pictures() -> None:
    for kind in ("guide", "card"):
        skeletons = {
            language: re.findall(r"^(?:##+|\d+\.|!\[|\| \d+)", text_of(f"{kind}.{language}"), re.MULTILINE)
            for language in LANGUAGES
        }
        assert len({str(each) for each in skeletons.values()}) == 1, (kind, skeletons)


def test_every_picture_is_there_in_its_language_and_small_and_none_lies_unused() -> None:
    shown = {
        (target, page.split(".")[1]) for page in PAGES for target in re.findall(r"!\[.+?\]\((.+?)\)", text_of(page))
    }
    there = {f"pictures/{file.name}" for file in (GUIDE / "pictures").iterdir()}
    of_the_readme = set(re.findall(r"docs/guide/(pictures/[\w.]+)", (ROOT / "README.md").read_text()))

    assert shown
    assert [target for target, language in shown if not target.endswith(f".{language}.png")] == []
    assert {target for target, _ in shown} | of_the_readme == there
    assert [name for name in there if (GUIDE / name).stat().st_size > MOST_BYTES] == []


@pytest.mark.timeout(PRINT_TIMEOUT_S)
@pytest.mark.parametrize("page", PAGES)
def test_the_card_is_one_sheet_and_the_guide_at_most_twelve(page: str, tmp_path: Path) -> None:
    press = printing()
    if not press.CHROMIUM.exists():
        pytest.skip(f"needs Debian's Chromium at {press.CHROMIUM}: .ci/setup chromium")

    sheets = press.pages_of(press.print_page(GUIDE / f"{page}.md", tmp_path))

    assert 1 <= sheets <= MOST_PAGES[page.partition(".")[0]]


def test_a_card_that_grows_is_seen_to_be_more_than_one_sheet(tmp_path: Path) -> None:
    press = printing()
    if not press.CHROMIUM.exists():
        pytest.skip(f"needs Debian's Chromium at {press.CHROMIUM}: .ci/setup chromium")
    grown = tmp_path / "card.en.md"
    grown.write_text(text_of("card.en") * 2, encoding="utf-8")

    assert press.pages_of(press.print_page(grown, tmp_path)) > 1

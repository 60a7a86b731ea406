"""Writes the tables of state words into the operator's guide, from the words that the panel shows.

`python docs/state_words.py` rewrites the blocks in `docs/guide/guide.*.md`; with `--check` it writes nothing and fails
when one is out of step.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from daemon.words import LANGUAGES
from daemon.words.catalogue import Catalogue, PhaseWord

GUIDE: Final = Path(__file__).parent / "guide"
HEADS: Final = {"en": ("on the page", "word", "what it means"), "it": ("sulla pagina", "parola", "che cosa significa")}
LOOKS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {"dashed": "dashed square"},
    "it": {
        "grey": "grigio", "blue": "blu", "green": "verde", "yellow": "giallo", "red": "rosso",
        "square": "quadrato", "circle": "cerchio", "triangle": "triangolo", "octagon": "ottagono",
        "dashed": "quadrato tratteggiato",
    },
}  # fmt: skip
"""Colours and shapes as the guide calls them; what is not here is called as in the code."""


def table(words: Iterable[PhaseWord], language: str) -> str:
    """One row for each word: its look, the word as on the screen, its sentence."""
    looks = LOOKS[language]
    rows = [f"| {' | '.join(HEADS[language])} |", "|---|---|---|"]
    for row in words:
        colour, shape = looks.get(row.colour, row.colour), looks.get(row.shape, row.shape)
        look = f"{shape}, {colour}" if language == "it" else f"{colour} {shape}"
        rows.append(f"| {look} | **{row.word}** | {row.sentence} |")
    return "\n".join(rows)


def tables(words: Catalogue, language: str) -> dict[str, str]:
    """Every block by its name."""
    states = [words.unknown, *words.phases.values(), *words.standing.values()]
    return {"states": table(states, language), "coil": table(words.coil.values(), language)}


def told(page: str, blocks: Mapping[str, str]) -> str:
    """The page with every block as the words are now."""
    for name, rows in blocks.items():
        block = re.compile(rf"(<!-- words: {name} -->\n).*?(?=<!-- end -->)", re.DOTALL)
        page, found = block.subn(lambda mark, rows=rows: f"{mark[1]}\n{rows}\n\n", page)
        if found != 1:
            raise SystemExit(f"the guide has {found} blocks for {name}: write one, between its two marks")
    return page


def main() -> int:
    """Exit code."""
    stale = []
    for language, words in LANGUAGES.items():
        file = GUIDE / f"guide.{language}.md"
        page = file.read_text(encoding="utf-8")
        wanted = told(page, tables(words, language))
        if wanted == page:
            continue
        stale.append(file.name)
        if "--check" not in sys.argv:
            file.write_text(wanted, encoding="utf-8")
    if stale and "--check" in sys.argv:
        print(f"{', '.join(stale)}: not what daemon/words says. Run: python docs/state_words.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""One language as the panel reads it: `/words/<language>.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from daemon.messages import Sentence
from daemon.words import LANGUAGES
from daemon.words.catalogue import PhaseWord
from daemon.words.figures import AS_WRITTEN, FIGURES
from daemon.words.glossary import TERMS
from daemon.words.reasons import COIL_ROWS, ROWS, told

_HERE: Final = Path(__file__).parent


def document(language: str) -> dict[str, Any]:
    """Everything the panel says in this language, as JSON data. KeyError for a language that is not there."""
    words = LANGUAGES[language]
    return {
        "language": language,
        "phases": _shown(words.phases),
        "unknown": asdict(words.unknown),
        **{name.replace("-", "_"): asdict(word) for name, word in words.standing.items()},
        "reasons": _told(told({**ROWS, **COIL_ROWS}, language)),
        "outcomes": dict(words.outcomes),
        "cutting": dict(words.cutting),
        "coil": _shown(words.coil),
        "coil_reasons": _told(told(COIL_ROWS, language)),
        "ui": labels(language),
        "figures": dict(FIGURES[language]),
        "as_written": list(AS_WRITTEN),
        "glossary": {term: row._asdict()[language]._asdict() for term, row in TERMS.items()},
    }


def labels(language: str) -> dict[str, str]:
    """The page's own labels, by key."""
    found: dict[str, str] = json.loads((_HERE / f"panel_{language}.json").read_text(encoding="utf-8"))
    return found


def _shown(words: Mapping[str, PhaseWord]) -> dict[str, dict[str, str]]:
    return {name: asdict(word) for name, word in words.items()}


def _told(rows: Mapping[str, Sentence]) -> dict[str, dict[str, str]]:
    return {reason: row.model_dump() for reason, row in rows.items()}

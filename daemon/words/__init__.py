"""Every word an operator reads, by language: phases, reasons, labels. CLI, report and panel say the same.

A language is one `Catalogue`; a test holds all of them to the same keys. English is the first.
"""

from __future__ import annotations

from daemon.words.catalogue import Catalogue, PhaseWord
from daemon.words.english import ENGLISH

LANGUAGES: dict[str, Catalogue] = {"en": ENGLISH}

__all__ = ["ENGLISH", "LANGUAGES", "Catalogue", "PhaseWord"]

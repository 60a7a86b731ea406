"""Every word an operator reads, by language: phases, reasons, labels. CLI, report and panel say the same.

A language is one `Catalogue`; a test holds all of them to the same keys. English is the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby

from daemon.messages import Sentence
from daemon.words.catalogue import Catalogue, PhaseWord
from daemon.words.english import ENGLISH
from daemon.words.italian import ITALIAN

LANGUAGES: dict[str, Catalogue] = {"en": ENGLISH, "it": ITALIAN}

__all__ = ["ENGLISH", "ITALIAN", "LANGUAGES", "Catalogue", "PhaseWord", "split", "steps"]


def split(text: str) -> Sentence:
    """What, why and next of a refusal that was written as one text: first sentence, what is between, last sentence."""
    first, *rest = re.split(r"(?<=[.!?])\s+", text.strip())
    if not rest:
        return Sentence(what=first)
    return Sentence(what=first, why=" ".join(rest[:-1]), next=rest[-1])


def steps(tenths: Iterable[int]) -> str:
    """What something was one after another, each value once where it stays: a ramp as a person reads it."""
    return " → ".join(f"{value // 10}.{value % 10}" for value, _ in groupby(tenths))

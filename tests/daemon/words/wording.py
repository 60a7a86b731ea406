"""What a text for operators may not hold, in any language."""

from __future__ import annotations

import re

LONGEST = 30
"""Words a message may have."""
OURS = re.compile(
    r"\b(?:permit\w*|leases?|witness\w*|trips?|tripp\w+|nonces?|permess[oi]|testimon[ei])\b", re.IGNORECASE
)
"""Words of ours, that no operator knows."""
SAFE = re.compile(r"\b(?:safe|sicur[oaie])\b", re.IGNORECASE)
"""A disarmed stimulator is disarmed, no more."""
FOR_ENGINEERS = re.compile(r"`|--|\[|coilward|daemon\b|\.json|\.toml|site file|file del sito|https?:", re.IGNORECASE)
"""A command, an option, a file, a setting: a panel's reader has buttons."""


def braces(text: str) -> set[str]:
    """The fields that a text is filled with."""
    return set(re.findall(r"\{(\w+)\}", text))

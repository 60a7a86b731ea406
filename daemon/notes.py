"""What a person may note with one press: the one list of it, for the room, the page and the words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from daemon.continuing import CLOSED

NOTES: Final[Mapping[str, tuple[str, ...]]] = {
    "check": ("screening", "hearing-protection", "operator-clear"),
    "reason": ("sneeze", "talking", "moved", "pain", "toilet", "other"),
    "adverse": ("headache", "scalp-pain", "fainting", "unwell", "seizure", "other"),
    "stamp": ("onset", "end", "help-called", "drug", "doctor", "other"),
    "note": ("note", CLOSED),
}
"""By kind: a check before a session, why somebody paused, an adverse event, a time in an emergency, words alone."""

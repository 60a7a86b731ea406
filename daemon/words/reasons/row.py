"""One row of what an operator reads at the panel."""

from __future__ import annotations

from typing import NamedTuple

Parts = tuple[str, str, str]
"""What happened; why, and what it means for the dose where it bears on it; what to do now."""


class Row(NamedTuple):
    """One reason, in every language; braces are the fields of the refusal, the same in each."""

    it: Parts
    en: Parts | None = None
    """None: the sentence that the reason carries anyway, where an operator can act on it."""

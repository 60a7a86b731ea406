"""What an operator reads for every reason there is, by group; the texts of safety and of the arm where they serve.

A panel's reader has buttons and an engineer to call: no sentence here names a command, a file or a setting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

from daemon.messages import Sentence
from daemon.words.english import ENGLISH
from daemon.words.reasons import coil, commands, conditions, doses, frames, placements, sessions, stimulator
from daemon.words.reasons.row import Parts, Row
from safety.reasons import Reason

ROWS: Final[Mapping[str, Row]] = {
    **frames.ROWS, **conditions.ROWS, **stimulator.ROWS, **sessions.ROWS, **doses.ROWS, **placements.ROWS,
    **commands.ROWS,
}  # fmt: skip
"""The watchdog's reasons and the daemon's, by name."""
COIL_ROWS: Final[Mapping[str, Row]] = coil.ROWS
"""The arm's reasons, and the daemon's of the coil."""
_CARRIED: Final[Mapping[str, Sentence]] = {
    **{reason.json: Sentence(**asdict(reason.sentence)) for reason in Reason},
    **ENGLISH.coil_reasons,
    **ENGLISH.reasons,
}


def told(rows: Mapping[str, Row], language: str) -> dict[str, Sentence]:
    """Every sentence of these rows in `language`; a row without English has the sentence that its reason carries."""
    return {name: _sentence(row._asdict()[language]) or _CARRIED[name] for name, row in rows.items()}


def _sentence(parts: Parts | None) -> Sentence | None:
    return None if parts is None else Sentence(what=parts[0], why=parts[1], next=parts[2])

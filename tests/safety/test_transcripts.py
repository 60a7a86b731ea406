"""Word for word what the gate says, writes down and lets through in every situation it has a reason for.

`python -m tests.safety.test_transcripts` writes the file anew, after a change that is meant; the difference is then
read like any other change.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.safety.refusal_situations import SITUATIONS
from tests.safety.rooms import New
from tests.safety.scenes import SCENES
from tests.safety.transcripts import Recorded

pytestmark = pytest.mark.untraced

FILE = Path(__file__).parent / "transcripts.txt"
STORIES: dict[str, Callable[[New], Any]] = {
    **{reason.json: situation for reason, situation in SITUATIONS.items()},
    **SCENES,
}


def transcript(story: Callable[[New], Any]) -> str:
    rooms: list[Recorded] = []

    def room(*, start: bool = True, **options: Any) -> Recorded:
        made = Recorded(**({"firmware": 11} | options))
        rooms.append(made)
        if start:
            made.start()
            made.lines.clear()
        return made

    story(room)
    return "\n--\n".join("\n".join(made.lines) for made in rooms)


def kept() -> dict[str, str]:
    """Title → transcript."""
    parts = FILE.read_text(encoding="utf-8").split("\n== ")[1:]
    return {part.partition("\n")[0]: part.partition("\n")[2].rstrip("\n") for part in parts}


KEPT = kept() if FILE.exists() else {}


@pytest.mark.parametrize("title", STORIES)
def test_the_gate_says_and_writes_down_what_it_always_did(title: str) -> None:
    assert transcript(STORIES[title]).splitlines() == KEPT[title].splitlines()


def test_no_transcript_is_left_over() -> None:
    assert set(KEPT) == set(STORIES)


if __name__ == "__main__":
    FILE.write_text("".join(f"\n== {title}\n{transcript(story)}\n" for title, story in STORIES.items()), "utf-8")

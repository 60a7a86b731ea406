"""Draws the state diagrams of the documentation from the tables that the code decides by.

`python docs/draw.py` rewrites the blocks in `docs/states.md`; with `--check` it writes nothing and fails when one is
out of step.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

PAGE = Path(__file__).with_name("states.md")

Arrow = tuple[str, str, str]
"""From, to, and what leads there (may be empty)."""


def watchdog() -> Iterable[Arrow]:
    """The gate's phases. What leads from one to another is the rules' business, so the arrows bear no words."""
    from safety.state import MOVES  # noqa: PLC0415  each drawing needs its own table and no other

    for phase, ways in MOVES.items():
        for to in sorted(ways, key=lambda way: list(MOVES).index(way)):
            yield phase.value, to.value, ""


def session() -> Iterable[Arrow]:
    """The session's states, and the events that move it."""
    from daemon.session_table import TRANSITIONS  # noqa: PLC0415

    for state, moves in TRANSITIONS.items():
        for event, (to, _effects) in moves.items():
            if state is not to:
                yield state.value, to.value, event.name.lower().replace("_", " ")


def coil() -> Iterable[Arrow]:
    """The coil on its arm. What people order anywhere, `away`, `stop` and `park`, is left to the words above it."""
    from daemon.arm.table import TRANSITIONS, Event, Verb  # noqa: PLC0415

    for state, moves in TRANSITIONS.items():
        for cause, (to, _leave) in moves.items():
            if state is not to and (isinstance(cause, Event) or cause in (Verb.TO_TARGET, Verb.HAND)):
                yield state.value, to.value, cause.value


DRAWINGS = {"watchdog": watchdog, "session": session, "coil": coil}


def mermaid(arrows: Iterable[Arrow]) -> str:
    """A Mermaid state diagram; several reasons for one way share its arrow."""
    ways: dict[tuple[str, str], list[str]] = defaultdict(list)
    for start, end, why in arrows:
        ways[start, end].append(why)
    names = dict.fromkeys(name for way in ways for name in way)
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f'    state "{name}" as {_key(name)}' for name in names if _key(name) != name]
    lines += [f"    [*] --> {_key(next(iter(names)))}"]
    for (start, end), reasons in ways.items():
        words = ", ".join(filter(None, reasons))
        lines.append(f"    {_key(start)} --> {_key(end)}" + (f" : {words}" if words else ""))
    starts = {start for start, _ in ways}
    lines += [f"    {_key(name)} --> [*]" for name in names if name not in starts]
    return "\n".join([*lines, "```"])


def _key(name: str) -> str:
    return re.sub(r"\W", "_", name)


def drawn(page: str) -> str:
    """`page` with every drawing as the code has it now; ValueError when the page has no place for one."""
    for name, arrows in DRAWINGS.items():
        block = re.compile(rf"(<!-- drawing: {name} -->\n).*?(\n<!-- end -->)", re.DOTALL)
        page, places = block.subn(lambda found, arrows=arrows: found[1] + mermaid(arrows()) + found[2], page)
        if places != 1:
            raise ValueError(f"{PAGE.name} has {places} places for the drawing {name!r}, not one")
    return page


def main() -> int:
    """Redraws, or with `--check` only compares."""
    page = PAGE.read_text()
    if page == drawn(page):
        return 0
    if "--check" in sys.argv[1:]:
        print(f"docs/{PAGE.name} is out of step with the tables: run python docs/draw.py", file=sys.stderr)
        return 1
    PAGE.write_text(drawn(page))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""An emergency as people see it: over MQTT, in the terminal, and as it happens."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.console import Console

from daemon.cli import show
from daemon.cli.told import line
from daemon.messages import Event

PRESSED = {"at_us": 1_800_000_000_000_000, "by": "vera", "subject": "S-01"}


def printed(view: Any) -> str:
    told = io.StringIO()
    Console(file=told, width=120).print(show.room(view))
    return told.getvalue()


async def test_it_is_a_decision_and_stands_in_the_rooms_state_until_it_is_over(house: Any) -> None:
    client = await house.client("olga")
    before = (await client.known(5)).state.state_seq
    house.room.show(emergency=PRESSED, blocked=True)
    view = await client.until(lambda view: view.state.emergency is not None, 5)
    standing = printed(view)
    house.room.show(emergency=None)
    after = await client.until(lambda view: view.state.emergency is None, 5)

    assert (view.state.emergency.by, view.state.emergency.subject, view.state.blocked) == ("vera", "S-01", True)
    assert before < view.state.state_seq < after.state.state_seq
    assert re.search(r"emergency +\d\d:\d\d:\d\d, pressed by vera, of S-01", standing)
    assert "coilward subject unblock" in standing
    assert "pressed by" not in printed(after)


@pytest.mark.parametrize(
    ("kind", "detail", "told"),
    [
        ("emergency", {"by": "vera", "subject": "S-01"}, "EMERGENCY, pressed by vera: S-01"),
        ("emergency", {"by": None, "subject": None}, "EMERGENCY, pressed by somebody: of nobody"),
        ("blocked", {"subject": "S-01", "by": "olga", "why": "a new implant"},
         "S-01 is blocked, by olga: a new implant"),
        ("unblocked", {"subject": "S-01", "by": "paola", "physician": "Dr. Bianchi", "why": "seen and well"},
         "S-01 is unblocked by Dr. Bianchi, asked by paola: seen and well"),
        ("note", {"note": "adverse", "what": "headache", "text": "", "by": "olga"},
         "adverse noted by olga: headache"),
        ("note", {"note": "note", "what": "note", "text": "slept well", "by": "olga"},
         "note noted by olga: note slept well"),
        ("incident", {"report": "/r/incident-ab-7.json"}, "incident report: /r/incident-ab-7.json"),
    ],
)  # fmt: skip
def test_what_happens_around_it_is_one_line_each(kind: str, detail: dict[str, Any], told: str) -> None:
    said = line(Event(kind=kind, detail=detail))
    assert said is not None
    assert said.split("  ", 1)[1] == told

"""What `coilward watch` says of an event."""

from __future__ import annotations

from typing import Any

import pytest

from daemon.cli.told import line
from daemon.messages import Event


@pytest.mark.parametrize(
    ("kind", "detail", "told"),
    [
        (
            "train",
            {"train": 2, "commanded": 20, "pulses": 23, "low": 21, "high": 24, "by": "running", "unknown": 0},
            "train 2: 23 pulses counted of 20 (21 to 24, running)",
        ),
        ("session", {"state": "paused", "reason": "pause-asked"}, "PAUSED: pause asked"),
        ("session", {"state": "gap", "reason": ""}, "INTERVAL"),
        ("ended", {"outcome": "completed", "settled": 60}, "ended: completed, 60 pulses counted"),
        ("registration", {"subject": "S-1", "by": "olga"}, "registration of S-1 filed, by olga"),
        ("calibration", {"sha256": "5ea1" * 16, "by": "olga"}, "calibration 5ea15ea15ea1 filed, by olga"),
        ("missed", {"count": 3}, "3 events were missed here"),
        (
            "refused",
            {"reason": "session-full", "detail": {"asked": 63, "allowed": 60}},
            "refused: The pulses were not allowed. The session would reach 63 pulses; 60 at most. End the session.",
        ),
    ],
)
def test_an_event_is_one_line_with_its_time(kind: str, detail: dict[str, Any], told: str) -> None:
    said = line(Event(kind=kind, detail=detail | {"wall_us": 0}))
    assert said is not None
    clock, _, rest = said.partition("  ")
    assert len(clock) == len("12:03:07")
    assert rest == told


@pytest.mark.parametrize("kind", ["pulse", "watchdog", "allowed"])
def test_what_only_programs_read_is_not_told(kind: str) -> None:
    assert line(Event(kind=kind, detail={})) is None

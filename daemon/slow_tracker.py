"""What a tracker with few frames costs: how late a train is cut that leaves its target. Said when a session opens."""

from __future__ import annotations

from typing import Final

from drivers.trackers import TrackerCapabilities

USUAL_HZ: Final = 60.0
SEEN_MS, UNSEEN_MS = 80, 150
"""From the coil's leaving 5 mm or 6° until the disarm is written, with frames as often as that: where the camera sees
it leave, and where it does not (design; `docs/invariants.md` H2)."""
MORE_PERIODS: Final = 2
"""What a slower one adds to both (design)."""


def cut_later(tracker: TrackerCapabilities) -> str:
    """The sentence; empty where the usual figures hold."""
    if tracker.rate_hz >= USUAL_HZ:
        return ""
    more_ms = MORE_PERIODS * 1000 / tracker.rate_hz
    return (
        f"{tracker.model} sends {tracker.rate_hz:g} frames a second: a train that leaves its target is cut within "
        f"{SEEN_MS + more_ms:.0f} ms, {UNSEEN_MS + more_ms:.0f} ms when nobody sees it leave, "
        f"instead of {SEEN_MS} and {UNSEEN_MS} ms."
    )

"""How a session ended, as the one JSON object that programs read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from daemon.client import RoomClient, View
from daemon.messages import Counts, Progress, RoomState
from daemon.session_table import State
from drivers.errors import DeadlinePassed

Summary = Mapping[str, Any]
"""outcome, protocol, trains, pulses, report; from a report's file more."""
REPORT_S = 10.0
"""For the report to be written after a session has ended (engineering choice)."""


async def summary_of(room: RoomClient, view: View, *, stopped: bool) -> Summary:
    """How a session ended: from its report's file, or as the room shows it where that cannot be read here."""
    found = await report_of(room, view)
    if found is not None:
        return found
    counted = await room.until(lambda later: later.progress is not None, REPORT_S)
    return as_shown(counted.state, counted.progress, stopped=stopped)


def as_shown(state: RoomState, progress: Progress | None, *, stopped: bool) -> Summary:
    """A session at its end without its report: nothing that was commanded is known to have been read back."""
    counts = progress.counts if progress else Counts(planned=0, commanded=0, settled=0, unknown=0)
    whole = {State.DONE.value: "completed", State.REFUSED.value: "refused"}.get(state.phase)
    early = "stopped" if stopped else "ended_early"
    outcome = whole or ("tripped" if state.trip else "unknown_pulses" if counts.unknown else early)
    pulses = counts.model_dump() | {"read_back": {"low": 0, "high": counts.commanded, "by": "none"}, "sensed": None}
    return {
        "outcome": outcome,
        "protocol": state.protocol,
        "trains": progress.train if progress else 0,
        "pulses": pulses,
        "report": state.report,
    }


async def report_of(room: RoomClient, view: View) -> Summary | None:
    """The summary in the report's file, when it lies on this machine and is this user's to read."""
    try:
        path = view.state.report
        if path is None:
            path = (await room.until(lambda later: later.state.report is not None, REPORT_S)).state.report
        found: Summary = json.loads(await asyncio.to_thread(Path(str(path)).read_text))
    except (DeadlinePassed, OSError, ValueError):
        return None
    names = ("outcome", "protocol", "trains", "pulses", "waits", "off_target", "target_unknown", "report")
    return {name: found[name] for name in names if name in found}

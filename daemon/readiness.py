"""Before a segment begins: is the stimulator there and ours, at rest, and does the watchdog show what has been counted?

After a trip or a cable that went and came back, a driver may still believe in a remote control that the device has
dropped, and a status may still be on its way that counts a reservation in full. A release pressed at once waits for
both, as long as the nonce it quotes lives; what is still missing then is said.
"""

from __future__ import annotations

import asyncio
from typing import Final

from daemon.connected import Connected
from daemon.guard_view import GuardView, Rest, sentence
from daemon.room import Refused
from drivers.errors import CoilwardError

WITHIN_S: Final = 1.2
"""Longest wait: the watchdog takes a nonce of 2 s, and one arrives here up to 0.5 s old (engineering choice)."""
LOOK_S: Final = 0.05
COUNTED_US: Final = 200_000
"""A status this much later than the last count has it from the ledger: the watchdog waits no longer for a record."""


async def ready(connected: Connected, view: GuardView, counted_us: int) -> Refused | None:
    """None as soon as all is ready; after `WITHIN_S` the refusal that says what is missing.

    `counted_us`: BOOTTIME of the last event after which the ledger counts otherwise.
    """
    ends_s = asyncio.get_running_loop().time() + WITHIN_S
    while (missing := _at_rest(view, counted_us) or await _obeys(connected)) is not None:
        if asyncio.get_running_loop().time() >= ends_s:
            return missing
        await asyncio.sleep(LOOK_S)
    return None


def _at_rest(view: GuardView, counted_us: int) -> Refused | None:
    if not view.present:
        return Refused("port-absent", sentence("port-absent", {}))
    if view.rest is not Rest.STANDBY or view.at_us < counted_us + COUNTED_US:
        return Refused(
            "not-at-rest", "Nothing was released. The stimulator is still being disarmed. Wait a moment, then release."
        )
    return None


async def _obeys(connected: Connected) -> Refused | None:
    try:
        await connected.confirm()
    except CoilwardError as error:
        told = f"Nothing was released. {error} Release when the stimulator is back."
        return Refused("stimulator-away", told, {"problem": str(error)})
    return None

"""Every reason the watchdog may refuse, hold, cut, stop, trip or lock out for.

One row each: what follows from it, who may lift it, and the sentence an operator reads. The words of the panel
are in `daemon/words`; these sentences are the source they translate.
"""

from __future__ import annotations

from enum import Enum


class Outcome(Enum):
    """What follows from a reason (design §5, outcomes of a condition)."""

    REFUSED = "refused"
    """This request is not carried out; nothing else changes."""
    HOLD = "hold"
    """No permits until it clears by itself."""
    CUT = "cut"
    """A running train is disarmed, then hold."""
    STOP = "stop"
    """The session pauses; the operator releases again."""
    TRIP = "trip"
    """Latched and disarmed; the operator resets."""
    TRIP_TWO = "trip, two persons"
    """Latched and disarmed; two different operators reset within 30 s."""
    LOCKOUT = "lockout"
    """Nothing arms until an engineer unlocks the ledger."""

"""One situation for each reason: how it comes about, what the gate says then, and beside it what passes.

By area in `refusals/`; here all of them together.
"""

from __future__ import annotations

from safety.reasons import Reason
from tests.safety.refusals import device, frames, permits, readiness, sessions, stops, strength, trains
from tests.safety.refusals.situation import Situation

AREAS = (frames, readiness, device, stops, permits, sessions, strength, trains)
SITUATIONS: dict[Reason, Situation] = {
    reason: situation for area in AREAS for reason, situation in area.SITUATIONS.items()
}

"""One situation for each reason: how it comes about, what the gate says then, and beside it what passes.

By area in `refusals/`; here all of them together.
"""

from __future__ import annotations

from tests.safety.refusals import device, frames, permits, readiness, sessions, stops, strength, trains
from tests.safety.refusals.situation import together

AREAS = (frames, readiness, device, stops, permits, sessions, strength, trains)
SITUATIONS = together(area.SITUATIONS for area in AREAS)

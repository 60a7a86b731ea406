"""Every reason the gate can refuse for is met, and its neighbour passes, whenever the machine was started."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safety.reasons import Reason
from tests.safety.conftest import VirtualRoom
from tests.safety.refusal_situations import SITUATIONS

THIRTY_YEARS_US = 10**15


@pytest.mark.parametrize("reason", SITUATIONS, ids=lambda reason: reason.json)
@settings(max_examples=4)
@given(origin_us=st.integers(1_000_000, 10_000_000) | st.integers(1_000_000, THIRTY_YEARS_US))
def test_a_reason_is_met_and_its_neighbour_passes_from_any_origin_of_the_clock(reason: Reason, origin_us: int) -> None:
    def started(**options: Any) -> VirtualRoom:
        room = VirtualRoom(origin_us, firmware=11, **options)
        room.start()
        return room

    said, neighbour_passed = SITUATIONS[reason](started)

    assert said.reason == reason.json
    assert neighbour_passed

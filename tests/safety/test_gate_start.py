"""A watchdog starts behind one that died inside a frame: the device ends in standby, whatever stands on the line."""

from __future__ import annotations

import pytest

from drivers.magstim.framing import pulses_digits, seal
from drivers.stimulators import Condition, Field
from safety import events
from safety.state import Phase
from simulator.stimulators.profile import Profile
from simulator.world import Kind
from tests.safety.conftest import VirtualRoom

S, MS = 1_000_000, 1_000


def frames(firmware: int) -> dict[str, bytes]:
    """Frames that a dying client may leave half written."""
    unlock = f"Q{Profile().unlock_code}" if firmware >= 9 else "Q@"
    return {
        "unlock": seal(unlock.encode()),
        "pulses": seal(b"D%0*d" % (pulses_digits(firmware), 20)),
        "level": seal(b"@045"),
        "arm": seal(b"EB"),
        "trigger": seal(b"EH"),
    }


CUTS = [
    pytest.param(firmware, name, cut, id=f"{firmware}-{name}-{cut}")
    for firmware in (5, 8, 9, 11)
    for name, frame in frames(firmware).items()
    for cut in range(1, len(frame))
]


@pytest.mark.parametrize("armed", [False, True], ids=["standby", "armed"])
@pytest.mark.parametrize(("firmware", "name", "cut"), CUTS)
def test_half_a_frame_left_on_the_line_keeps_no_device_armed(
    firmware: int, name: str, cut: int, *, armed: bool
) -> None:
    room = VirtualRoom(firmware=firmware)
    device = room.bench.device
    device.take_remote()
    if armed:
        device.arm()
        room.clock.advance_to(room.clock.now_us() + 500 * MS)
    before = {field: device.settings[field] for field in Field}
    room.bench.port.receive(frames(firmware)[name][:cut], room.clock.now_us())

    room.feed(events.PortFound())
    room.pass_time(600 * MS)

    assert device.condition is Condition.STANDBY
    assert room.state.phase is Phase.SAFE
    assert room.state.trip is None
    assert not room.world.of(Kind.PULSE)
    assert {field: device.settings[field] for field in Field} == before
    booked = [record for _, record in room.records if record.pulses]
    assert bool(booked) == armed

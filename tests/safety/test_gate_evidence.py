"""A device that delivers another number than it was set to: a trip at every protocol it runs by itself."""

from __future__ import annotations

from typing import Any

import pytest

from safety.protocols import Protocol
from safety.reasons import Outcome, Reason
from tests.safety.conftest import PROTOCOLS, VirtualRoom, taken

pytestmark = pytest.mark.untraced

S, MS = 1_000_000, 1_000
DEVICE_RUN = [protocol.id for protocol in PROTOCOLS.values() if not any(phase.slow for phase in protocol.phases)]
THRESHOLD = 45
FIRMWARES = (5, 8, 9, 11)
BITS = ("last-pulse", "duration")


def level_of(protocol: Protocol) -> int:
    """The first phase's level in % MSO."""
    return THRESHOLD * protocol.phases[0].intensity.tenths // 1000


def one_train(protocol_id: str, *, fault: str | None = None, **options: Any) -> VirtualRoom:
    """A room after the first train of a protocol, delivered as set or by three pulses off."""
    room = VirtualRoom(**options)
    room.start()
    protocol = PROTOCOLS[protocol_id]
    train = protocol.phases[0].train
    level, rate = level_of(protocol), train.rate.tenths // 10
    assert room.open(protocol_id)["ok"], room.told[-1]
    assert room.release()["ok"]
    room.set_train(level=level, rate=rate, pulses=train.pulses)
    assert taken(room.arm())
    assert room.permit(level=level, rate=rate, pulses=train.pulses)["ok"]
    if fault:
        room.fault(fault, pulses=3)
    assert taken(room.frame("EH"))
    room.stay(train.duration_us + 2 * S)
    return room


def counted(room: VirtualRoom) -> int:
    """What the ledger counts of this session."""
    session = room.state.session
    assert session is not None
    return room.state.book.session(session.key)


@pytest.mark.parametrize(
    ("fault", "bit"), [("over-fire", "last-pulse"), ("over-fire", "duration"), ("under-fire", "last-pulse")]
)
@pytest.mark.parametrize("firmware", FIRMWARES)
@pytest.mark.parametrize("protocol", DEVICE_RUN)
def test_three_pulses_more_or_fewer_end_in_a_trip_for_two(protocol: str, fault: str, firmware: int, bit: str) -> None:
    room = one_train(protocol, fault=fault, firmware=firmware, options={"train_bit_until": bit})

    trip = room.state.trip
    assert trip is not None
    assert trip.reason is Reason.EVIDENCE_CONTRADICTS
    assert trip.reason.outcome is Outcome.TRIP_TWO
    assert counted(room) >= room.pulses


@pytest.mark.parametrize("firmware", FIRMWARES)
@pytest.mark.parametrize("protocol", DEVICE_RUN)
def test_fewer_pulses_hide_behind_a_bit_that_shows_the_set_duration(protocol: str, firmware: int) -> None:
    """Such a device says "running" for as long as it was set to, whatever it delivers: nothing here can see it.

    Its pulses are counted as set, which is more than went out, never less.
    """
    room = one_train(protocol, fault="under-fire", firmware=firmware, options={"train_bit_until": "duration"})

    assert room.state.trip is None
    assert counted(room) == room.pulses + 3


@pytest.mark.parametrize("pacing", [False, True], ids=["unpaced", "paced"])
@pytest.mark.parametrize("bit", BITS)
@pytest.mark.parametrize("firmware", FIRMWARES)
@pytest.mark.parametrize("protocol", DEVICE_RUN)
def test_a_train_as_set_is_delivered_and_trips_nothing(protocol: str, firmware: int, bit: str, *, pacing: bool) -> None:
    room = one_train(protocol, firmware=firmware, pacing=pacing, options={"train_bit_until": bit})

    assert room.state.trip is None, room.state.trip
    settled = room.last("settled")
    pulses = PROTOCOLS[protocol].phases[0].train.pulses
    assert (settled["outcome"], settled["pulses"], room.pulses) == ("delivered", pulses, pulses)


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_of_a_single_pulse_only_the_devices_word_is_known_and_said(firmware: int) -> None:
    """Another number of pulses cannot be seen without a counter: the evidence says what it stands on."""
    room = VirtualRoom(firmware=firmware)
    room.start()
    assert room.open("lf-right-1hz")["ok"]
    assert room.release()["ok"]
    room.set_single(level=54)
    room.arm()
    assert room.permit(level=54, rate=0, pulses=1)["ok"]
    assert taken(room.frame("EH"))
    room.stay(800 * MS)

    settled = room.last("settled")
    assert (settled["by"], settled["low"], settled["high"]) == ("accepted", 1, 1)
    assert room.state.trip is None

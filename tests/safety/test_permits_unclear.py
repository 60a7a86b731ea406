"""Settings that name no train, or two: a device may show anything, and its trigger is refused by its numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drivers.quantities import SINGLE, Hertz, PercentMso
from drivers.stimulators import Settings
from safety import permits
from safety.events import Door
from safety.reasons import Reason
from safety.turn import Turn
from tests.safety.conftest import VirtualRoom, new, turn_of
from tests.safety.rooms import passes, ready, script

MS, S = 1_000, 1_000_000
FITS = "a duration that fits them"


@pytest.fixture(scope="module")
def granted() -> VirtualRoom:
    room = ready(new)
    assert room.permit()["ok"]
    return room


@pytest.fixture(scope="module")
def scripted() -> VirtualRoom:
    return script(new)


def showing(room: VirtualRoom, pulses: int, tenths_hertz: int, duration_ms: int) -> Turn:
    """A turn whose device reads back these settings, at the level of its session."""
    known = room.state.device.confirmed
    assert known is not None
    read = Settings(known.level, Hertz(tenths_hertz), pulses, duration_ms)
    return turn_of(room, device=replace(room.state.device, confirmed=read))


def test_a_script_that_sets_a_rate_of_zero_is_refused_its_trigger() -> None:
    room = new()
    assert room.open_script()["ok"]
    assert room.release()["ok"]
    room.take_remote(Door.PTY)
    room.set_train(level=40, door=Door.PTY)
    assert passes(room, "B0000", Door.PTY)
    room.pass_time(600 * MS)
    room.arm(Door.PTY)

    assert not passes(room, "EH", Door.PTY)

    refused = room.last("refused")
    assert refused["reason"] == "read-back-differs"
    assert refused["detail"] == {"shown": "20 pulses in 2 s at 0 Hz", "expected": FITS}


UNCLEAR = [
    ((20, 0, 0), "20 pulses in 0 s at 0 Hz"),
    ((2, 0, 0), "2 pulses in 0 s at 0 Hz"),
    ((0, 100, 0), "0 pulses in 0 s at 10 Hz"),
    ((0, 0, 0), "0 pulses in 0 s at 0 Hz"),
    ((20, 100, 1_900), "20 pulses in 1.9 s at 10 Hz"),
    ((20, 100, 2_100), "20 pulses in 2.1 s at 10 Hz"),
    ((7, 30, 2_300), "7 pulses in 2.3 s at 3 Hz"),
    ((2, 10, 0), "2 pulses in 0 s at 1 Hz"),
]


@pytest.mark.parametrize(("read", "shown"), UNCLEAR)
def test_no_trigger_passes_on_settings_of_which_nobody_can_say_what_they_deliver(
    granted: VirtualRoom, scripted: VirtualRoom, read: tuple[int, int, int], shown: str
) -> None:
    detail = {"shown": shown, "expected": FITS}
    turn = showing(scripted, *read)
    for refused in (permits.judge_trigger(showing(granted, *read)), permits.make_for_script(turn)):
        assert refused is not None
        assert (refused.reason, refused.detail) == (Reason.READ_BACK_DIFFERS, detail)
    assert turn.state.permits == ()


@pytest.mark.parametrize(
    ("read", "shown"),
    [
        ((7, 30, 2_400), "7 pulses, 3 Hz"),
        ((2, 100, 200), "2 pulses, 10 Hz"),
        ((19, 100, 1_900), "19 pulses, 10 Hz"),
        ((20, 50, 4_000), "20 pulses, 5 Hz"),
        ((1, 0, 0), "1 pulses, 0 Hz"),
        ((1, 100, 2_000), "1 pulses, 10 Hz"),
    ],
)
def test_clear_settings_that_are_not_those_of_the_permit_are_named_beside_them(
    granted: VirtualRoom, read: tuple[int, int, int], shown: str
) -> None:
    refused = permits.judge_trigger(showing(granted, *read))

    assert refused is not None
    assert refused.reason is Reason.PERMIT_DIFFERS
    assert refused.detail == {"shown": f"45 % MSO, {shown}", "expected": "45 % MSO, 20 pulses, 10 Hz"}


def test_another_level_alone_is_another_train(granted: VirtualRoom) -> None:
    turn = showing(granted, 20, 100, 2_000)
    assert permits.judge_trigger(turn) is None
    read = turn.state.device.confirmed
    assert read is not None
    turn.to(device=replace(turn.state.device, confirmed=replace(read, level=PercentMso(440))))

    refused = permits.judge_trigger(turn)

    assert refused is not None
    assert (refused.reason, refused.detail["shown"]) == (Reason.PERMIT_DIFFERS, "44 % MSO, 20 pulses, 10 Hz")


@pytest.mark.parametrize(
    ("read", "rate"),
    [((20, 100, 2_000), Hertz(100)), ((2, 100, 200), Hertz(100)), ((1, 0, 0), SINGLE), ((1, 100, 2_000), SINGLE)],
)
def test_a_script_s_permit_is_for_what_the_device_reads_back_and_a_single_pulse_has_no_rate(
    scripted: VirtualRoom, read: tuple[int, int, int], rate: Hertz
) -> None:
    turn = showing(scripted, *read)

    assert permits.make_for_script(turn) is None

    (permit,) = turn.state.permits
    assert (permit.level, permit.train.pulses, permit.train.rate) == (PercentMso(400), read[0], rate)

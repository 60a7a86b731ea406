"""What must hold all the time, of the client, the coil, the device and what is known of it, from the start on."""

from __future__ import annotations

from drivers.magstim.framing import seal
from drivers.magstim.replies import SettingsReply
from drivers.magstim.status import Instrument, Rapid
from drivers.stimulators import Condition, Reading
from safety import control, events
from safety.ledger_format import Kind
from safety.state import Phase
from tests.safety.conftest import VirtualRoom, new
from tests.safety.rooms import no_replies, passes, ready, released

MS, S = 1_000, 1_000_000


def test_beats_that_grew_old_between_two_steps_refuse_before_they_trip() -> None:
    room = ready(new)
    room.connected = False
    room.pass_time(240 * MS)
    assert room.state.trip is None
    room.clock.advance_to(room.clock.now_us() + 60 * MS)
    assert room.ask(control.AskPermit(level_tenths=450, rate_tenths=100, pulses=20))["reason"] == "beats-lost"
    assert room.last("trip")["reason"] == "beats-lost"


def test_a_first_trigger_needs_the_coil_within_the_narrow_limits() -> None:
    room = ready(new, profile="robot")
    assert room.permit()["ok"]
    room.lease = "continue"
    room.pass_time(60 * MS)
    room.frame("EH")
    assert room.last("refused")["reason"] == "lease-missing"
    room.lease = "begin"
    room.pass_time(60 * MS)
    assert passes(room, "EH")


def test_a_fault_of_the_armed_device_pauses_the_session() -> None:
    room = ready(new)
    room.fault("error-code", code="E01")
    room.poke()
    assert room.last("stop")["reason"] == "device-fault"


def test_settings_nobody_asked_for_end_the_read_back() -> None:
    room = ready(new)
    status = Instrument.REMOTE | Instrument.STANDBY
    reply = SettingsReply("\\", status, Rapid(0), 60, 100, 20, 20, 0).encode(11)
    room.feed(events.DeviceReply(reply, room.dialect.reading(reply)))
    assert room.kinds()[-1] == "reply-to-nobody"
    assert room.state.device.agreed == 0


def test_an_answer_to_a_disarm_that_says_nothing_of_remote_control_leaves_it_as_it_was() -> None:
    room = ready(new)
    room.fault("silent")
    room.ask(control.Stop(by="ann"))
    room.feed(events.DeviceReply(seal(b"E\x01"), Reading(condition=Condition.STANDBY)))
    assert room.state.phase is Phase.SAFE
    assert room.state.device.remote


def test_a_device_that_says_nothing_at_the_start_trips_nothing_and_is_asked_every_second_and_a_half() -> None:
    room = VirtualRoom(firmware=11)
    room.fault("silent")
    room.feed(events.PortFound())
    room.pass_time(1_100 * MS)
    before = len(room.written)
    room.pass_time(3 * S)
    assert len(room.written) - before == 2
    assert room.state.phase is Phase.BOOT
    assert room.state.trip is None


def test_a_device_found_armed_is_booked_unless_nothing_can_be_written_down() -> None:
    room, locked = VirtualRoom(firmware=11), VirtualRoom(firmware=11)
    locked.feed(events.CommitFailed("no disk"))
    for each in (room, locked):
        each.bench.device.take_remote()
        each.bench.device.arm()
        each.feed(events.PortFound())
        each.pass_time(300 * MS)
        assert each.last("found-armed")["pulses"] == 50
        assert each.bench.device.condition is Condition.STANDBY
    assert [record.kind for _, record in room.records] == [Kind.FOUND_ARMED]
    assert not locked.records


def test_a_start_is_written_down_unless_nothing_can_be() -> None:
    room, locked = VirtualRoom(), VirtualRoom()
    locked.feed(events.CommitFailed("no disk"))
    for each in (room, locked):
        each.feed(events.Started())
        each.pass_time(10 * MS)
    assert [record.kind for _, record in room.records] == [Kind.BOOT]
    assert not locked.records


def test_a_coil_whose_temperature_nobody_read_lately_is_not_armed() -> None:
    room, heard = released(new), released(new)
    no_replies(room, "F")
    for each in (room, heard):
        each.stay(2_400 * MS)
    assert not passes(room, "EB")
    assert room.last("refused")["reason"] == "temperature-unread"
    assert passes(heard, "EB")

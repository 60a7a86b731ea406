"""The port of a simulated device in virtual time: what comes when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drivers.magstim.framing import seal
from simulator.port import BACKLOG_BYTES
from simulator.world import Kind

MS, S = 1_000, 1_000_000
BYTE_US = 1041
TalkTo = Callable[..., Any]


def test_without_pacing_a_reply_is_there_at_once(talk_to: TalkTo, origin_us: int) -> None:
    talk = talk_to(origin_us, firmware=8)
    assert talk.take_remote() == bytes.fromhex("51 89 25")
    assert talk.port.next_us == origin_us + 10 * S  # the lapse of remote control


def test_with_pacing_every_byte_takes_its_time_in_both_directions(talk_to: TalkTo, origin_us: int) -> None:
    talk = talk_to(origin_us, firmware=8, pacing=True)
    assert talk.take_remote() == b""
    assert not talk.device.remote
    talk.rest(3 * BYTE_US)
    assert talk.device.remote
    came = []
    while talk.port.next_us < origin_us + S:
        talk.clock.advance_to(talk.port.next_us)
        came.append((talk.port.due(talk.now_us), talk.now_us - origin_us))
    assert came == [(b"\x51", 4 * BYTE_US), (b"\x89", 5 * BYTE_US), (b"\x25", 6 * BYTE_US)]


def test_a_frame_waits_behind_the_bytes_before_it(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8, pacing=True)
    talk.send(seal(b"F@") + seal(b"Q@"))
    talk.rest(6 * BYTE_US - 1)
    assert not talk.device.remote
    talk.rest(1)
    assert talk.device.remote


def test_a_pulse_has_the_time_it_went_out_not_the_time_somebody_looked(talk_to: TalkTo, origin_us: int) -> None:
    talk = talk_to(origin_us, firmware=8)
    talk.fault("panel-arm")
    talk.rest(S)
    talk.fault("panel-trigger")
    talk.rest(17 * S)
    assert [pulse.at_us for pulse in talk.pulses()] == [origin_us + S + talk.profile.trigger_latency_us]


def test_a_disarm_written_between_two_pulses_stops_the_second(talk_to: TalkTo, origin_us: int) -> None:
    talk = talk_to(origin_us, firmware=8)
    talk.set_train(20, 100)
    talk.make_ready()
    talk.say("EH")
    talk.rest(talk.profile.trigger_latency_us + 199 * MS)
    talk.port.receive(seal(b"EA"), talk.now_us)
    talk.rest(S)
    assert len(talk.pulses()) == 2


def test_next_us_leads_through_a_whole_train_without_a_missing_moment(talk_to: TalkTo, origin_us: int) -> None:
    talk = talk_to(origin_us, firmware=8, pacing=True)
    talk.fault("panel-arm")
    talk.rest(S)
    talk.port.receive(seal(b"Q@") + seal(b"EH"), talk.now_us)
    seen = []
    while talk.world.pulses < 1:
        talk.clock.advance_to(talk.port.next_us)
        talk.port.due(talk.now_us)
        seen.append(talk.now_us)
    assert seen == sorted(seen)
    assert talk.pulses()[0].at_us == seen[-1] == origin_us + S + 6 * BYTE_US + talk.profile.trigger_latency_us


def test_a_client_that_writes_ahead_of_a_paced_line_is_bounded(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8, pacing=True)
    assert talk.port.room == BACKLOG_BYTES
    talk.send(b"\xff" * (BACKLOG_BYTES + 100))
    assert talk.port.room == 0
    said = talk.rest(2 * BACKLOG_BYTES * BYTE_US)
    assert said == b"?" * BACKLOG_BYTES
    assert talk.port.room == BACKLOG_BYTES


def test_what_was_on_its_way_when_the_cable_was_pulled_is_lost(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.fault("slow-replies", ms=50)
    talk.say("Q@")
    talk.fault("vanish")
    talk.fault("come-back")
    assert talk.rest(MS * 100) == b""
    assert talk.device.remote


def test_looking_with_an_old_time_moves_nothing_back(talk_to: TalkTo, origin_us: int) -> None:
    talk = talk_to(origin_us, firmware=8)
    talk.rest(S)
    talk.port.advance_to(origin_us)
    assert talk.device.now_us == origin_us + S


def test_the_log_in_memory_is_bounded_and_the_count_is_not(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.world.log = type(talk.world.log)(maxlen=3)
    for _ in range(5):
        talk.fault("unplug-coil")
        talk.fault("plug-coil")
    assert len(talk.world.log) == 3
    assert talk.world.counts[Kind.COIL] == 10
    assert talk.world.forgotten == 7
    assert talk.fault("log")["first"] == 7


def test_half_a_frame_stays_in_the_device_when_its_cable_is_pulled(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.send(b"E")
    talk.fault("vanish")
    talk.fault("come-back")
    assert talk.send(seal(b"EA")) == seal(b"E?") + b"?"  # it took the disarm for the rest of that frame

"""Trains that the device's answers say too little of, or too late: what is settled then, and how it is resolved."""

from __future__ import annotations

from dataclasses import replace

from drivers.magstim.framing import seal
from safety import control, events
from safety.events import Door
from safety.state import Phase
from tests.safety.conftest import VirtualRoom, new
from tests.safety.rooms import no_replies, ready, released, script

MS, S = 1_000, 1_000_000


def test_a_status_asked_at_once_after_the_trigger_proves_nothing() -> None:
    room = ready(new, options={"trigger_latency_us": 15 * MS})
    assert room.permit()["ok"]
    room.frame("EH")
    room.frame("x@")
    assert room.state.delivery is not None
    room.stay(4 * S)
    assert room.last("settled")["outcome"] == "delivered"


def short_train() -> VirtualRoom:
    """A train so short that its end is overdue before the coil's temperature is."""
    room = released(new)
    room.set_train(pulses=5)
    room.arm()
    room.frame("F@")
    assert room.permit(pulses=5)["ok"]
    room.frame("EH")
    return room


def test_a_train_that_no_answer_ever_spoke_of_is_unknown() -> None:
    room = short_train()
    no_replies(room, "x", "\\")
    room.pass_time(1_900 * MS)
    assert room.last("settled")["outcome"] == "unknown"


def test_a_train_seen_running_whose_end_nobody_saw_is_a_trip() -> None:
    room = short_train()
    room.pass_time(150 * MS)
    no_replies(room, "x", "\\")
    room.pass_time(1_700 * MS)
    assert room.last("trip")["reason"] == "evidence-contradicts"


def test_a_refusal_that_comes_after_a_trip_refuses_and_nothing_more() -> None:
    room = ready(new)
    assert room.permit()["ok"]
    room.fault("slow-replies", ms=200)
    room.bench.device.disarm("the coil's button was let go")
    trigger = seal(b"EH")
    room.feed(events.ClientFrame(Door.DAEMON, trigger, room.dialect.effect(trigger)))
    room.clock.advance_to(room.state.seen_us + 151 * MS)
    room.feed(events.Tick())
    assert room.state.phase is Phase.TRIPPED
    room.pass_time(S)
    assert room.kinds().count("not-delivered") == 1
    assert room.state.phase is Phase.TRIPPED


def test_a_lost_reply_in_a_script_takes_its_whole_block_along() -> None:
    room = script(new)
    room.fault("lose-reply", of="E", count=1)
    room.frame("EH", Door.PTY)
    room.pass_time(S)
    session = room.state.session
    assert session is not None
    assert session.block is None
    assert room.state.book.session(session.key) == 50


def test_an_unknown_pulse_is_resolved_when_the_device_stands_by() -> None:
    room = ready(new)
    assert room.permit()["ok"]
    room.fault("lose-reply", of="E", count=1)
    room.fault("swallow-disarm", count=3)
    room.frame("EH")
    while not room.state.book.unknowns:
        room.pass_time(5 * MS)
    resolve = control.Resolve(by="ann", ref=room.state.book.unknowns[0], why="it clicked", nonce=room.nonce)
    assert room.ask(resolve)["reason"] == "resolve-conditions"
    room.pass_time(2 * S)
    assert room.ask(replace(resolve, nonce=room.nonce))["ok"]

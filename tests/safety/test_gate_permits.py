"""Permits: what no trigger passes without, what contradicts itself, and blocks of pulses on the watchdog's timer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drivers.quantities import SINGLE, PercentMso, Train
from safety import control, events, permits
from safety.ledger_format import Kind, Record
from safety.reasons import Reason
from safety.state import Phase
from safety.turn import Turn
from tests.safety.conftest import VirtualRoom, new, turn_of
from tests.safety.rooms import hunting, no_replies, ready, script

MS, S = 1_000, 1_000_000


# --- the judge stands on its own ------------------------------------------------------------------------------


@pytest.fixture
def granted() -> VirtualRoom:
    """A room in which the next trigger passes."""
    room = ready(new)
    assert room.permit()["ok"]
    assert permits.judge_trigger(turn_of(room)) is None
    return room


def test_a_hunt_s_trigger_is_held_to_the_estimate_of_its_permit() -> None:
    room = hunting(new)
    assert room.permit(level=45, rate=0, pulses=1, estimate_tenths=300)["ok"]
    assert permits.judge_trigger(turn_of(room)) is None

    (permit,) = room.state.permits
    assert permit.estimate == PercentMso(300)
    room.state = replace(room.state, permits=(replace(permit, estimate=PercentMso(299)),))

    refused = permits.judge_trigger(turn_of(room))
    assert refused is not None
    assert (refused.reason, dict(refused.detail)) == (
        Reason.HUNT_TOO_STRONG, {"asked": "45 % MSO", "allowed": "44.8 % MSO"},
    )  # fmt: skip


def test_a_hunt_s_pulse_without_an_estimate_is_held_to_the_ceiling_alone() -> None:
    room = hunting(new)
    room.set_single(level=90)
    assert room.permit(level=90, rate=0, pulses=1)["ok"]
    (permit,) = room.state.permits
    assert permit.estimate is None
    assert permits.judge_trigger(turn_of(room)) is None


def judged(turn: Turn) -> Reason:
    """The reason a trigger is refused for."""
    refused = permits.judge_trigger(turn)
    assert refused is not None
    return refused.reason


def test_no_trigger_passes_while_a_pulse_is_unknown(granted: VirtualRoom) -> None:
    book = granted.state.book.apply(granted.state.book.last_seq + 1, Record(Kind.UNKNOWN, ref=1))
    assert judged(turn_of(granted, book=book)) is Reason.UNKNOWN_OPEN


def test_no_first_trigger_passes_on_an_expired_permit(granted: VirtualRoom) -> None:
    permit = granted.state.permits[0]
    assert judged(turn_of(granted, permits=(replace(permit, expires_us=granted.now.us - 1),))) is Reason.PERMIT_EXPIRED


def test_no_trigger_passes_that_its_reservation_has_no_room_for(granted: VirtualRoom) -> None:
    permit = granted.state.permits[0]
    full = replace(permit, block=replace(permit.block, spent=1))
    assert judged(turn_of(granted, permits=(full,))) is Reason.LEDGER_LATE


def test_no_trigger_passes_on_settings_that_were_read_and_never_confirmed(granted: VirtualRoom) -> None:
    device = replace(granted.state.device, confirmed=None)
    assert judged(turn_of(granted, device=device)) is Reason.READ_BACK_STALE


SPACED = "times_us has one time for each trigger, spaced by spacing_us"


# --- permits --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"rate": 0}, "a train of several pulses has a rate"),
        ({"triggers": 2, "times_us": (0,), "spacing_us": S}, SPACED),
        ({"triggers": 2, "times_us": (0, S - 1), "spacing_us": S}, SPACED),
        ({"times_us": (S + 1,), "spacing_us": S}, "the first of times_us lies within a permit's life, or one spacing"),
    ],
)
def test_a_permit_that_contradicts_itself_is_malformed(changes: dict[str, Any], why: str) -> None:
    answer = ready(new).permit(**changes)
    assert (answer["reason"], answer["detail"]) == ("malformed-message", {"why": why})


@pytest.mark.parametrize(
    "changes",
    [
        {"pulses": 1, "rate": 0},
        {"pulses": 1, "rate": 0, "triggers": 2, "times_us": (0, S), "spacing_us": S},
        {"pulses": 1, "rate": 0, "times_us": (S,), "spacing_us": S},
        {"pulses": 1, "rate": 0, "times_us": (500 * MS,)},
    ],
)
def test_a_permit_at_the_very_edge_of_what_contradicts_itself_is_granted(changes: dict[str, Any]) -> None:
    assert one_hertz().permit(level=54, **changes)["ok"]


class Weak:
    """A dialect whose stimulator is too weak for any train."""

    def __init__(self, real: Any) -> None:
        self.real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def refuses_energy(self, level: object, rate: object, pulses: int) -> str:
        return f"{rate} at {level} overheats the stimulator: {pulses - 1} pulses at most."


def test_what_the_stimulator_cannot_deliver_is_refused_with_its_numbers_at_the_opening_and_at_the_permit() -> None:
    room, unopened = ready(new), new()
    unopened.start()
    for each in (room, unopened):
        each.room = replace(each.room, dialect=Weak(each.room.dialect))
    for refused in (room.permit(), unopened.open()):
        why = "10 Hz at 45 % MSO overheats the stimulator: 19 pulses at most"
        assert (refused["reason"], refused["detail"]) == ("energy", {"why": why})
    assert ready(new).permit()["ok"]


def test_a_script_asks_for_no_permits() -> None:
    refused = script(new).permit()
    assert (refused["reason"], refused["detail"]) == (
        "permit-busy",
        {"why": "a script's permits are made at its triggers"},
    )


def one_hertz(**options: Any) -> VirtualRoom:
    """Armed for pulses one by one."""
    room = new(**options)
    assert room.open("lf-right-1hz")["ok"]
    assert room.release()["ok"]
    room.set_single(level=54)
    room.arm()
    return room


def timed(room: VirtualRoom, triggers: int = 3) -> dict[str, Any]:
    """A block of pulses on the watchdog's timer, the first in 200 ms."""
    times = tuple(200 * MS + n * S for n in range(triggers))
    return room.permit(level=54, rate=0, pulses=1, triggers=triggers, spacing_us=S, times_us=times)


def test_a_timed_pulse_that_would_come_too_late_is_left_out() -> None:
    room = one_hertz()
    assert timed(room)["ok"]
    due_us = room.state.permits[0].due[0]
    room.pass_time(due_us - 40 * MS - room.clock.now_us())
    room.clock.advance_to(due_us + 60 * MS)
    room.feed(events.Tick())
    assert room.last("left-out")["index"] == 0
    room.stay(3 * S)
    assert room.pulses == 2
    session = room.state.session
    assert session is not None
    assert room.state.book.session(session.key) == 2


def test_a_timed_pulse_that_may_not_go_out_takes_the_rest_of_its_block_along() -> None:
    room = one_hertz()
    assert timed(room)["ok"]
    no_replies(room, "\\")
    room.stay(4 * S)
    assert room.kinds().count("refused") == 1, "the second, whose settings were read too long ago; not the third"
    assert (room.last("refused")["frame"], room.last("refused")["reason"]) == ("timed trigger", "read-back-stale")
    assert room.last("withdrawn")["reason"] == "read-back-stale"
    assert not room.state.permits
    assert room.pulses == 1
    session = room.state.session
    assert session is not None
    assert room.state.book.session(session.key) == 1


def test_a_lost_reply_gives_back_the_block_that_waited_behind() -> None:
    room = one_hertz()
    assert timed(room, 2)["ok"]
    times = (S, 2 * S)
    assert room.permit(level=54, rate=0, pulses=1, triggers=2, spacing_us=S, times_us=times)["ok"]
    room.fault("lose-reply", of="E", count=1)
    room.stay(S)
    session = room.state.session
    assert session is not None
    assert room.last("settled")["outcome"] == "unknown"
    assert room.state.book.session(session.key) == 2


def test_the_next_block_may_be_asked_for_while_a_pulse_is_on_its_way() -> None:
    room = one_hertz()
    assert timed(room, 2)["ok"]
    room.fault("slow-replies", ms=40)
    while room.state.phase is not Phase.FIRING:
        room.pass_time(5 * MS)
    message = control.AskPermit(540, 0, 1, triggers=2, spacing_us=S, times_us=(S, 2 * S))
    assert room.ask(message)["ok"]


@pytest.mark.parametrize(
    ("blocks", "times", "granted"),
    [(1, (S, 2 * S), True), (1, (), False), (2, (S, 2 * S), False)],
    ids=["one timed block ahead", "not timed", "a third block"],
)
def test_one_timed_block_may_wait_behind_the_one_that_runs(
    blocks: int, times: tuple[int, ...], *, granted: bool
) -> None:
    room = one_hertz()
    assert timed(room, 2)["ok"]
    again: dict[str, Any] = {"level": 54, "rate": 0, "pulses": 1, "triggers": 2, "spacing_us": S}
    for _ in range(blocks - 1):
        assert room.permit(**again, times_us=(S, 2 * S))["ok"]
    answer = room.permit(**again, times_us=times)
    assert answer["ok"] is granted
    assert granted or answer["reason"] == "permit-busy"


def test_no_timed_block_waits_behind_a_permit_that_the_speaker_triggers() -> None:
    room = one_hertz()
    assert room.permit(level=54, rate=0, pulses=1)["ok"]
    assert room.permit(level=54, rate=0, pulses=1, times_us=(0,))["reason"] == "permit-busy"


def test_a_single_pulse_has_no_rate_whatever_was_asked() -> None:
    room = one_hertz()
    assert room.permit(level=54, rate=10, pulses=1)["ok"]
    assert room.state.permits[0].train == Train(1, SINGLE)


def test_a_timed_block_is_judged_from_its_first_pulse_on() -> None:
    room = one_hertz()
    message = control.AskPermit(540, 0, 1, triggers=2, spacing_us=S, times_us=(300 * MS, 1_400 * MS))
    assert permits._ask(turn_of(room), message).starts_us == room.now.us + 300 * MS
    speaks = replace(message, triggers=1, spacing_us=0, times_us=())
    assert permits._ask(turn_of(room), speaks).starts_us == room.now.us + 500 * MS, "until the permit's end"

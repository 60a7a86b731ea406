"""Disarm, frame by frame: when it is written again, what its answers change, and what is said once it is confirmed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drivers.magstim.framing import seal
from drivers.stimulators import Condition, Reading, Refusal
from safety import disarm, events
from safety.book import Book
from safety.events import Door
from safety.ledger_format import KEY0, Kind, Record, key
from safety.reasons import Reason
from safety.state import Disarming, Phase, Waiting
from safety.turn import Turn
from tests.safety.conftest import WALL_US, VirtualRoom, new, tightened, turn_of
from tests.safety.rooms import ready
from tests.safety.said import told

MS, S = 1_000, 1_000_000
ANSWER = seal(b"E\x01")


@pytest.fixture(scope="module")
def armed() -> VirtualRoom:
    return ready(new)


def under_way(room: VirtualRoom, since_us: int, last_us: int, *, heard: bool = True, **changes: Any) -> Turn:
    """A disarm begun and last written so long ago, of a device that has been heard or not."""
    now_us = room.now.us
    disarming = Disarming(Reason.STOP_ASKED, now_us - since_us, now_us - last_us, **changes)
    device = replace(room.state.device, condition=Condition.READY if heard else None)
    return turn_of(room, disarming=disarming, device=device)


def written(turn: Turn) -> int:
    """How many disarm frames went out; nothing else does here."""
    frames = [action.frame for action in turn.actions if isinstance(action, events.Write)]
    assert set(frames) <= {turn.room.dialect.disarm}
    return len(frames)


# --- written again ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pause_us", "since_us", "changes"),
    [
        (50 * MS, 100 * MS, {}),
        (50 * MS, 100 * MS, {"boot": True}),
        (50 * MS, S - 1, {"boot": True, "heard": False}),
        (1_500 * MS, 2 * S, {"overdue": True}),
        (1_500 * MS, 2 * S, {"overdue": True, "heard": False}),
        (1_500 * MS, 2 * S, {"boot": True, "overdue": True}),
        (1_500 * MS, 2 * S, {"boot": True, "overdue": True, "heard": False}),
    ],
    ids=["at first", "at the start", "silent at the start", "late", "silent", "late since the start", "no device yet"],
)
def test_a_disarm_is_written_again_after_its_pause_and_not_before(
    armed: VirtualRoom, pause_us: int, since_us: int, changes: dict[str, Any]
) -> None:
    for last_us, frames in ((pause_us - 1, 0), (pause_us, 1)):
        turn = under_way(armed, since_us, last_us, **changes)
        disarm.repeat(turn)
        assert written(turn) == frames
        assert turn.state.disarming is not None
        assert turn.state.disarming.last_us == (armed.now.us if frames else armed.now.us - last_us)


@pytest.mark.parametrize(("boot", "limit_us"), [(False, 250 * MS), (True, S)])
def test_a_disarm_that_nothing_confirms_trips_once_and_at_its_limit(
    armed: VirtualRoom, limit_us: int, *, boot: bool
) -> None:
    for since_us, late in ((limit_us - 1, False), (limit_us, True)):
        turn = under_way(armed, since_us, 0, boot=boot)
        disarm.repeat(turn)
        disarm.repeat(turn)
        assert (turn.state.phase is Phase.TRIPPED) == late
        assert turn.state.disarming is not None
        assert turn.state.disarming.overdue == late
        assert [body["reason"] for body in told(turn.actions) if body["kind"] == "trip"] == [
            "disarm-unconfirmed"
        ] * late


def test_a_device_that_was_never_heard_trips_nothing_at_the_start_and_does_later(armed: VirtualRoom) -> None:
    for boot in (True, False):
        turn = under_way(armed, 2 * S, 0, heard=False, boot=boot)
        disarm.repeat(turn)
        assert (turn.state.trip is None) == boot


def test_only_the_frames_of_the_last_second_may_still_be_answered(armed: VirtualRoom) -> None:
    now_us = armed.now.us
    turn = under_way(armed, 2 * S, 2 * S, overdue=True, unanswered_us=(now_us - S, now_us - S + 1))
    disarm.repeat(turn)
    assert turn.state.disarming is not None
    assert turn.state.disarming.unanswered_us == (now_us - S + 1, now_us)


# --- begun ------------------------------------------------------------------------------------------------------


def test_a_disarm_begun_twice_is_one_and_each_door_that_asked_is_answered_once(armed: VirtualRoom) -> None:
    turn = turn_of(armed)
    for door in (None, Door.DAEMON, Door.PTY, Door.DAEMON):
        disarm.begin(turn, Reason.STOP_ASKED, door=door)
    assert written(turn) == 1
    begun = turn.state.disarming
    now_us = armed.now.us
    assert begun == Disarming(
        Reason.STOP_ASKED, now_us, now_us, waiting=(Door.DAEMON, Door.PTY), unanswered_us=(now_us,)
    )

    disarm.answered(turn, ANSWER, Reading(condition=Condition.READY))
    disarm.answered(turn, ANSWER, Reading(condition=Condition.READY))
    assert [action for action in turn.actions if isinstance(action, events.Reply)] == [
        events.Reply(Door.DAEMON, ANSWER), events.Reply(Door.PTY, ANSWER),
    ]  # fmt: skip


@pytest.mark.parametrize(("reason", "said"), [(Reason.COIL_HOT, "coil-hot"), (None, "not-armed")])
def test_a_disarm_refuses_what_waits_and_withdraws_what_is_granted_for_its_reason(
    reason: Reason | None, said: str
) -> None:
    room = ready(new)
    assert room.permit()["ok"]
    frame = seal(b"@045")
    room.clock.advance_to(room.clock.now_us() + 1)
    turn = turn_of(room)
    turn.to(wire=replace(turn.state.wire, queue=(Waiting(Door.DAEMON, frame, room.dialect.effect(frame), 0),)))

    disarm.begin(turn, reason)

    assert [(body["kind"], body["reason"]) for body in told(turn.actions)] == [("withdrawn", said), ("refused", said)]


def test_without_a_device_whoever_asks_for_a_disarm_is_refused_it_and_nothing_is_written(armed: VirtualRoom) -> None:
    absent = replace(armed.state.device, present=False)
    asked, unasked = turn_of(armed, device=absent), turn_of(armed, device=absent)

    disarm.begin(asked, None, door=Door.PTY)
    disarm.begin(unasked, Reason.STOP_ASKED)

    refusal = armed.dialect.refusal(armed.dialect.disarm)
    assert [action for action in asked.actions if not isinstance(action, events.Tell)] == [
        events.Reply(Door.PTY, refusal)
    ]
    assert [(body["kind"], body["reason"], body["frame"]) for body in told(asked.actions)] == [
        ("refused", "port-absent", "EA")
    ]
    assert unasked.actions == []
    assert asked.state.disarming is None


def test_at_the_start_half_a_frame_is_ended_before_the_first_disarm(armed: VirtualRoom) -> None:
    turn = turn_of(armed)
    disarm.begin(turn, None, boot=True)
    frames = [action.frame for action in turn.actions if isinstance(action, events.Write)]
    assert frames == [armed.dialect.complete_half_frame, armed.dialect.disarm]


# --- answered ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reading", [Reading(refused=Refusal.CONFLICT, condition=Condition.STANDBY), Reading()], ids=["refused", "silent"]
)
def test_an_answer_that_refuses_or_names_no_condition_confirms_nothing(armed: VirtualRoom, reading: Reading) -> None:
    now_us = armed.now.us
    turn = under_way(armed, 100 * MS, 0, unanswered_us=(now_us - 50 * MS, now_us))
    disarm.answered(turn, ANSWER, reading)
    assert turn.state.disarming is not None
    assert turn.state.disarming.unanswered_us == (now_us,)
    assert turn.state.device.condition is Condition.READY


def test_a_lone_byte_answers_no_disarm_and_neither_does_anything_when_none_is_under_way(armed: VirtualRoom) -> None:
    turn = under_way(armed, 100 * MS, 0, waiting=(Door.PTY,), unanswered_us=(armed.now.us,))
    before = turn.state
    disarm.answered(turn, b"?", Reading(condition=Condition.STANDBY))
    assert turn.state == before

    idle = turn_of(armed)
    disarm.answered(idle, ANSWER, Reading(condition=Condition.STANDBY))
    assert idle.state == armed.state
    assert not idle.actions + turn.actions


@pytest.mark.parametrize(("condition", "may_be_armed"), [(Condition.STANDBY, False), (Condition.ARMED, True)])
def test_an_answer_says_now_what_the_device_is(armed: VirtualRoom, condition: Condition, *, may_be_armed: bool) -> None:
    turn = under_way(armed, 100 * MS, 0)
    turn.to(device=replace(turn.state.device, condition_at_us=0, may_be_armed=not may_be_armed))
    disarm.answered(turn, ANSWER, Reading(condition=condition, remote=False))
    device = turn.state.device
    assert (device.condition, device.condition_at_us) == (condition, armed.now.us)
    assert (device.may_be_armed, device.remote) == (may_be_armed, False)


@pytest.mark.parametrize(
    ("changes", "why"),
    [({}, "stop-asked"), ({"why": None}, "asked"), ({"why": None, "boot": True}, "boot")],
)
@pytest.mark.parametrize(
    ("phase", "after"),
    [
        (Phase.BOOT, Phase.SAFE),
        (Phase.SAFE, Phase.SAFE),
        (Phase.ARMED, Phase.SAFE),
        (Phase.FIRING, Phase.SAFE),
        (Phase.TRIPPED, Phase.TRIPPED),
        (Phase.LOCKOUT, Phase.LOCKOUT),
    ],
)
def test_a_confirmed_disarm_says_what_for_and_how_long_it_took_and_ends_no_trip(
    armed: VirtualRoom, phase: Phase, after: Phase, changes: dict[str, Any], why: str
) -> None:
    turn = under_way(armed, 120 * MS, 20 * MS)
    assert turn.state.disarming is not None
    turn.to(phase=phase, disarming=replace(turn.state.disarming, **changes))

    disarm.answered(turn, ANSWER, Reading(condition=Condition.STANDBY))

    assert told(turn.actions) == [{"kind": "disarmed", "why": why, "after_us": 120 * MS}]
    assert (turn.state.phase, turn.state.disarming) == (after, None)
    assert turn.state.standby_at_us == armed.now.us


def test_everybody_is_shown_at_once_that_a_disarm_is_confirmed_and_not_before(armed: VirtualRoom) -> None:
    turn = under_way(armed, 120 * MS, 20 * MS)

    disarm.answered(turn, ANSWER, Reading(condition=Condition.READY))
    before = [each for each in turn.actions if isinstance(each, events.Push)]
    disarm.answered(turn, ANSWER, Reading(condition=Condition.STANDBY))

    (pushed,) = [each.body for each in turn.actions if isinstance(each, events.Push)]
    assert before == []
    assert pushed["disarming"] is False
    assert pushed["device"]["condition"] == "standby"
    assert pushed["at_us"] == armed.now.us


def test_answers_still_due_to_a_confirmed_disarm_are_owed_each_from_its_own_frame_on(armed: VirtualRoom) -> None:
    now_us = armed.now.us
    turn = under_way(armed, 100 * MS, 0, unanswered_us=(now_us - 100 * MS, now_us - 50 * MS, now_us))
    disarm.answered(turn, ANSWER, Reading(condition=Condition.STANDBY))
    owed = [(each.frame, each.until_us - now_us) for each in turn.state.wire.owed]
    assert owed == [(turn.room.dialect.disarm, 950 * MS), (turn.room.dialect.disarm, S)]


# --- found armed ------------------------------------------------------------------------------------------------

OPENED = Book().apply(1, Record(Kind.OPEN, 60, subject=key("S-0009"), session=b"\7" * 8, wall_us=WALL_US - S))


def reserved(book: Book, *pulses: int) -> Book:
    for each in pulses:
        record = Record(Kind.RESERVE, each, subject=key("S-0009"), session=b"\7" * 8, wall_us=WALL_US - S)
        book = book.apply(book.last_seq + 1, record)
    return book


@pytest.mark.parametrize(
    ("book", "worst", "subject", "session"),
    [
        (Book(), 50, KEY0, KEY0),
        (OPENED, 50, key("S-0009"), b"\7" * 8),
        (reserved(OPENED, 20), 30, key("S-0009"), b"\7" * 8),
        (reserved(OPENED, 49), 1, key("S-0009"), b"\7" * 8),
        (reserved(OPENED, 20, 30), 20, key("S-0009"), b"\7" * 8),
        (reserved(OPENED, 60), 0, None, None),
    ],
)
def test_a_device_found_armed_is_booked_once_to_whom_it_was_last_opened_for(
    armed: VirtualRoom, book: Book, worst: int, subject: bytes | None, session: bytes | None
) -> None:
    turn = under_way(armed, 100 * MS, 0, boot=True)
    turn.to(book=book, commits=(), session=None, phase=Phase.BOOT)

    disarm.answered(turn, ANSWER, Reading(condition=Condition.ARMED))
    disarm.answered(turn, ANSWER, Reading(condition=Condition.READY))

    assert told(turn.actions) == [{"kind": "found-armed", "pulses": worst}]
    booked = [(each.kind, each.pulses, each.subject, each.session) for _, each, _ in turn.state.commits]
    assert booked == ([(Kind.FOUND_ARMED, worst, subject, session)] if worst else [])


def test_a_site_that_tightened_autonomy_books_a_device_found_armed_no_lower(armed: VirtualRoom) -> None:
    """Who armed it, and with which settings, nobody knows: this site's own bound was not asked then."""
    turn = tightened(under_way(armed, 100 * MS, 0, boot=True), autonomy_pulses=20)
    turn.to(book=Book(), commits=(), session=None, phase=Phase.BOOT)

    disarm.answered(turn, ANSWER, Reading(condition=Condition.ARMED))

    assert turn.room.limits.autonomy_pulses == 20
    assert told(turn.actions) == [{"kind": "found-armed", "pulses": 50}]


def test_a_device_that_is_armed_while_it_is_disarmed_later_is_no_find(armed: VirtualRoom) -> None:
    turn = under_way(armed, 100 * MS, 0)
    disarm.answered(turn, ANSWER, Reading(condition=Condition.ARMED))
    assert told(turn.actions) == []


# --- begun ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("boot", [False, True])
@pytest.mark.parametrize(("door", "waiting"), [(None, ()), (Door.PTY, (Door.PTY,))])
def test_a_disarm_that_begins_remembers_why_at_whose_door_and_whether_at_a_start(
    armed: VirtualRoom, door: Door | None, waiting: tuple[Door, ...], *, boot: bool
) -> None:
    turn, now_us = turn_of(armed), armed.now.us
    disarm.begin(turn, Reason.STOP_ASKED, door, boot=boot)

    assert turn.state.disarming == Disarming(
        Reason.STOP_ASKED, now_us, now_us, boot=boot, waiting=waiting, unanswered_us=(now_us,)
    )


def test_a_device_found_armed_at_a_start_is_disarmed_on_and_booked_once(armed: VirtualRoom) -> None:
    turn = under_way(armed, 100 * MS, 50 * MS, boot=True)
    still_armed = Reading(condition=Condition.READY)
    for _ in range(2):
        disarm.answered(turn, ANSWER, still_armed)

    assert turn.state.disarming is not None
    assert turn.state.disarming.found_armed
    assert [body["kind"] for body in told(turn.actions)] == ["found-armed"]


def test_from_the_moment_it_is_overdue_a_disarm_is_written_more_slowly(armed: VirtualRoom) -> None:
    timing = armed.room.limits.timing
    limit_us, pause_us = timing.disarm_confirm_us, timing.disarm_repeat_us
    assert pause_us < timing.disarm_unconfirmed_repeat_us
    before, at_it = (under_way(armed, limit_us - early_us, pause_us, overdue=True) for early_us in (1, 0))
    for turn in (before, at_it):
        disarm.repeat(turn)

    assert (written(before), written(at_it)) == (1, 0)

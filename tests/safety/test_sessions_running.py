"""An open session: its stop, its intensity and its end, and what of it stays behind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drivers.quantities import PercentMso, PercentRmt
from drivers.stimulators import Condition
from safety import control, sessions
from safety.events import Answer, Tell, Write
from safety.frames import No
from safety.ledger_format import Kind, Record
from safety.reasons import Reason
from safety.state import Block, Disarming, Phase
from safety.turn import Turn
from tests.safety.book_records import book_of
from tests.safety.conftest import HOLDER, PROTOCOLS, VirtualRoom, new, turn_of
from tests.safety.rooms import ready, running

MS, S = 1_000, 1_000_000
OTHER = 9


@pytest.fixture(scope="module")
def opened() -> VirtualRoom:
    """A demo that waits for its release."""
    room = new()
    assert room.open()["ok"]
    return room


@pytest.fixture(scope="module")
def armed() -> VirtualRoom:
    return ready(new)


@pytest.fixture(scope="module")
def granted() -> VirtualRoom:
    room = ready(new)
    assert room.permit()["ok"]
    return room


@pytest.fixture(scope="module")
def firing() -> VirtualRoom:
    return running(new)


@pytest.fixture(scope="module")
def asked() -> VirtualRoom:
    """A permit is asked for and its reservation is on its way to the disk."""
    room = ready(new)
    room.disk_us = 100 * MS
    room.ask(control.AskPermit(level_tenths=450, rate_tenths=100, pulses=20))
    while room.state.pending is None or room.state.pending.token is None:
        room.pass_time(MS)
    return room


def told(turn: Turn) -> dict[str, dict[str, Any]]:
    """The last of each kind, without the time."""
    bodies = [dict(action.body) for action in turn.actions if isinstance(action, Tell)]
    return {body.pop("kind"): {k: v for k, v in body.items() if k not in ("at_us", "wall_us")} for body in bodies}


def written(turn: Turn) -> int:
    """How many disarm frames go out."""
    return [action.frame for action in turn.actions if isinstance(action, Write)].count(turn.room.dialect.disarm)


# --- stop -------------------------------------------------------------------------------------------------------


def stop(turn: Turn) -> None:
    assert sessions.stop(turn, control.Stop(by="bob")) == sessions.Yes({"at_us": turn.now.us})
    assert told(turn)["stop-asked"] == {"by": "bob"}
    assert turn.state.stopped_us == turn.now.us


@pytest.mark.parametrize("phase", [Phase.BOOT, Phase.SAFE, Phase.ARMED, Phase.TRIPPED, Phase.LOCKOUT])
def test_a_stop_disarms_in_its_very_step_whatever_is_the_matter(armed: VirtualRoom, phase: Phase) -> None:
    for session in (armed.state.session, None):
        turn = turn_of(armed, phase=phase, session=session)
        stop(turn)
        assert turn.state.disarming is not None
        assert turn.state.disarming.why is Reason.STOP_ASKED
        assert written(turn) == 1 + (phase is Phase.ARMED and session is not None), "once more rather than not at all"


def test_a_stop_pauses_the_session_and_takes_its_permit_back(granted: VirtualRoom) -> None:
    turn = turn_of(granted)
    stop(turn)
    assert (turn.session.released, turn.session.paused) == (False, Reason.STOP_ASKED)
    assert turn.state.permits == ()
    assert told(turn)["stop"] == {"reason": "stop-asked"}
    assert told(turn)["withdrawn"] == {"permit": 1, "reason": "stop-asked"}


def test_a_stop_in_a_disarm_that_is_under_way_writes_one_frame_more_and_keeps_its_reason(granted: VirtualRoom) -> None:
    now_us = granted.now.us
    disarming = Disarming(Reason.COIL_HOT, now_us - 10 * MS, now_us - 10 * MS)
    turn = turn_of(granted, session=None, disarming=disarming)
    stop(turn)
    assert written(turn) == 1
    assert turn.state.disarming == replace(disarming, last_us=now_us, unanswered_us=(now_us,))
    assert told(turn)["withdrawn"] == {"permit": 1, "reason": "stop-asked"}


# --- intensity --------------------------------------------------------------------------------------------------


def intensity(turn: Turn, tenths: int, connection: int = HOLDER) -> sessions.Yes | No:
    return sessions.intensity(turn, connection, control.Intensity(tenths, "ann"))


def at(room: VirtualRoom, tenths: int, delivered: int | None = None) -> Turn:
    """A turn in a treatment set to an intensity, its last train given at one."""
    turn = turn_of(room)
    delivered_at = None if delivered is None else PercentRmt(delivered)
    turn.to(session=replace(turn.session, intensity=PercentRmt(tenths), delivered_at=delivered_at))
    return turn


OVER = {"allowed": "100 % rMT", "asked": "100.1 % rMT"}


@pytest.mark.parametrize(
    ("now", "delivered", "wanted", "no"),
    [
        (1000, None, 0, None),
        (1000, None, 1000, None),
        (1000, None, 1001, No(Reason.INTENSITY_OVER_LIMIT, OVER)),
        (900, None, 950, None),
        (900, None, 951, No(Reason.RAISE_TOO_LARGE, {"allowed": "95 % rMT", "asked": "95.1 % rMT"})),
        (950, 900, 950, None),
        (950, 900, 951, No(Reason.RAISE_TOO_LARGE, {"allowed": "95 % rMT", "asked": "95.1 % rMT"})),
        (800, 900, 950, None),
    ],
)
def test_an_intensity_is_lowered_freely_and_raised_a_step_from_the_last_train_up_to_what_is_prescribed(
    armed: VirtualRoom, now: int, delivered: int | None, wanted: int, no: No | None
) -> None:
    turn = at(armed, now, delivered)
    before = turn.session

    answer = intensity(turn, wanted)

    if no is not None:
        assert (answer, turn.session, turn.actions) == (no, before, [])
        return
    ceiling = PercentMso(450 * wanted // 10_000 * 10)
    assert answer == sessions.Yes({"ceiling_tenths": ceiling.tenths})
    assert turn.session == replace(before, intensity=PercentRmt(wanted), ceiling=ceiling)
    assert told(turn) == {"intensity": {"intensity_tenths": wanted, "by": "ann"}}


def test_of_a_protocol_with_several_intensities_the_highest_is_prescribed(armed: VirtualRoom) -> None:
    demo = PROTOCOLS["demo"]
    turn = at(armed, 1000)
    phases = tuple(replace(demo.phases[0], intensity=PercentRmt(each)) for each in (900, 1010, 800))
    turn.to(session=replace(turn.session, protocol=replace(demo, phases=phases)))
    assert intensity(turn, 1011) == No(Reason.INTENSITY_OVER_LIMIT, {"allowed": "101 % rMT", "asked": "101.1 % rMT"})
    assert isinstance(intensity(turn, 1010), sessions.Yes)


def test_an_intensity_is_its_holder_s_to_change_and_between_trains(
    armed: VirtualRoom, granted: VirtualRoom, asked: VirtualRoom, firing: VirtualRoom
) -> None:
    assert intensity(turn_of(armed, session=None), 900) == No(Reason.NO_SESSION)
    assert intensity(turn_of(armed), 900, OTHER) == No(Reason.NOT_SESSION_HOLDER)
    for turn in (turn_of(granted), turn_of(asked), turn_of(firing, permits=())):
        assert intensity(turn, 900) == No(Reason.TRAIN_RUNNING)


@pytest.mark.parametrize("lacking", ["intensity", "protocol", "threshold"])
def test_only_a_treatment_has_an_intensity(armed: VirtualRoom, lacking: str) -> None:
    turn = turn_of(armed)
    turn.to(session=replace(turn.session, **{lacking: None}))
    assert intensity(turn, 900) == No(Reason.MALFORMED_MESSAGE, {"why": "only a treatment has an intensity"})


# --- the end ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("why", "said"), [("", "closed"), ("the subject sneezed", "the subject sneezed")])
def test_the_holder_closes_its_session_and_says_why(opened: VirtualRoom, why: str, said: str) -> None:
    turn = turn_of(opened, commits=(), hold=Reason.PRESENCE_OLD)
    session = turn.session

    assert sessions.close(turn, HOLDER, control.CloseSession("ann", why)) == sessions.Yes({})

    assert told(turn) == {"session-closed": {"session": session.key.hex(), "why": said, "by": "ann"}}
    assert (turn.state.session, turn.state.hold, turn.state.disarming) == (None, None, None)
    ((_, record, _),) = turn.state.commits
    assert (record.kind, record.pulses, record.session) == (Kind.CLOSE, 0, session.key)


def test_nobody_else_closes_it(opened: VirtualRoom) -> None:
    message = control.CloseSession("ann")
    assert sessions.close(turn_of(opened), OTHER, message) == No(Reason.NOT_SESSION_HOLDER)
    assert sessions.close(turn_of(opened, session=None), HOLDER, message) == No(Reason.NO_SESSION)


def test_the_ledger_keeps_how_many_pulses_the_session_had(opened: VirtualRoom) -> None:
    turn = turn_of(opened, commits=())
    turn.to(book=book_of(Record(Kind.RESERVE, 17, session=turn.session.key), Record(Kind.RESERVE, 5)))
    sessions.end(turn, "done")
    assert [(record.kind, record.pulses) for _, record, _ in turn.state.commits] == [(Kind.CLOSE, 17)]
    assert told(turn)["session-closed"]["by"] == ""


def test_at_its_end_nothing_is_granted_any_more(granted: VirtualRoom, asked: VirtualRoom) -> None:
    given, waiting = turn_of(granted), turn_of(asked)
    for turn in (given, waiting):
        sessions.end(turn, "done")
        assert (turn.state.permits, turn.state.pending) == ((), None)
    assert told(given)["withdrawn"] == {"permit": 1, "reason": "session-ended"}
    (answer,) = (action for action in waiting.actions if isinstance(action, Answer))
    assert answer.body == {"ok": False, "reason": "session-ended", "detail": {}}


@pytest.mark.parametrize(
    ("phase", "disarmed"),
    [(Phase.SAFE, False), (Phase.ARMED, True), (Phase.FIRING, True), (Phase.TRIPPED, False)],
)
def test_at_its_end_an_armed_device_is_disarmed(armed: VirtualRoom, phase: Phase, *, disarmed: bool) -> None:
    turn = turn_of(armed, phase=phase)
    sessions.end(turn, "done")
    assert written(turn) == disarmed
    assert (turn.state.disarming.why if turn.state.disarming else None) is (Reason.SESSION_ENDED if disarmed else None)


BLOCK = Block(41, 50, spent=20, settled=20, low=19, high=20)


def settled(turn: Turn) -> list[tuple[int, int]]:
    return [(record.ref, record.pulses) for _, record, _ in turn.state.commits if record.kind is Kind.SETTLE]


def test_what_a_script_had_reserved_and_not_spent_is_given_back_unless_it_runs(
    armed: VirtualRoom, firing: VirtualRoom
) -> None:
    for room, given_back in ((armed, [(41, 20)]), (firing, [])):
        turn = turn_of(room)
        turn.to(session=replace(turn.session, block=BLOCK))
        sessions.end(turn, "done")
        assert settled(turn) == given_back


def test_what_a_script_had_asked_for_is_given_back_once_the_ledger_has_it(armed: VirtualRoom) -> None:
    turn = turn_of(armed, unwanted=(5,))
    turn.to(session=replace(turn.session, block_token=77))
    sessions.end(turn, "done")
    assert turn.state.unwanted == (5, 77)


def test_pulses_under_way_outlive_their_session(firing: VirtualRoom) -> None:
    turn = turn_of(firing)
    sessions.end(turn, "done")
    assert turn.delivery.cut
    assert [(permit.number, permit.left) for permit in turn.state.permits] == [(1, 0)]
    assert turn.state.device.condition is not Condition.STANDBY

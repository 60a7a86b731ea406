"""A request for a permit: what is refused at once, what is examined until when, and what is reserved for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drivers.quantities import SINGLE, Hertz, PercentMso, Train
from drivers.stimulators import Condition
from safety import permits
from safety.asking import Ask
from safety.control import AskPermit
from safety.events import Answer
from safety.ledger_format import Kind, Record, key
from safety.reasons import Reason
from safety.state import Pending, Phase
from safety.turn import Turn
from tests.safety.conftest import HOLDER, VirtualRoom, new, turn_of
from tests.safety.permit_turns import answered, one_hertz, pulse, recorded
from tests.safety.rooms import hunting, ready, script
from tests.safety.said import told

MS, S = 1_000, 1_000_000
TRAIN = AskPermit(450, 100, 20, train=3)
PULSE = AskPermit(540, 0, 1, triggers=3, spacing_us=S, times_us=(200 * MS, 1_200 * MS, 2_300 * MS))
REQUEST = 55


@pytest.fixture(scope="module")
def armed() -> VirtualRoom:
    return ready(new)


@pytest.fixture(scope="module")
def single() -> VirtualRoom:
    return one_hertz()


# --- taken up ---------------------------------------------------------------------------------------------------


def taken_up(turn: Turn, message: AskPermit) -> Pending:
    assert permits.request(turn, HOLDER, REQUEST, message) is None
    assert turn.actions == []
    assert turn.state.pending is not None
    return turn.state.pending


@pytest.mark.parametrize(
    ("message", "train"),
    [
        (TRAIN, Train(20, Hertz(100))),
        (AskPermit(450, 100, 2), Train(2, Hertz(100))),
        (AskPermit(450, 100, 1), Train(1, SINGLE)),
    ],
)
def test_what_the_speaker_triggers_is_judged_as_at_the_end_of_its_permit(
    armed: VirtualRoom, message: AskPermit, train: Train
) -> None:
    now_us = armed.now.us
    ask = Ask(PercentMso(450), train, now_us + 500 * MS)
    assert taken_up(turn_of(armed), message) == Pending(HOLDER, REQUEST, message, ask, now_us)


@pytest.mark.parametrize(("tenths", "estimate"), [(400, PercentMso(400)), (None, None)])
def test_a_hunt_is_judged_by_the_estimate_it_states(tenths: int | None, estimate: PercentMso | None) -> None:
    pending = taken_up(turn_of(hunting(new)), AskPermit(450, 0, 1, estimate_tenths=tenths))
    assert pending.ask.estimate == estimate


@pytest.mark.parametrize(("running_us", "from_us"), [((), 0), ((S, 2 * S), 2 * S)])
def test_a_timed_block_is_judged_from_now_or_from_the_end_of_the_one_that_runs(
    single: VirtualRoom, running_us: tuple[int, ...], from_us: int
) -> None:
    now_us = single.now.us
    turn = turn_of(single, permits=(pulse(now_us, *running_us),) if running_us else ())
    starts_us = now_us + from_us + 200 * MS
    message = replace(PULSE, times_us=(200 * MS, 1_200 * MS, 2_200 * MS))
    assert taken_up(turn, message).ask == Ask(PercentMso(540), Train(1, SINGLE), starts_us, 3, S)


def test_a_block_that_runs_and_has_no_pulse_left_is_followed_from_now_on(single: VirtualRoom) -> None:
    turn = turn_of(single, permits=(pulse(single.now.us),))
    assert permits._planned(turn, PULSE) == tuple(single.now.us + each for each in PULSE.times_us)


# --- refused at once --------------------------------------------------------------------------------------------

SPACED = {"why": "times_us has one time for each trigger, spaced by spacing_us"}
LATE = {"why": "the first of times_us lies within a permit's life, or one spacing"}


def refused(turn: Turn, message: AskPermit, connection: int = HOLDER) -> tuple[Reason, dict[str, object]]:
    before = turn.state
    no = permits.request(turn, connection, REQUEST, message)
    assert no is not None
    assert turn.state == before
    assert turn.actions == []
    return no.reason, dict(no.detail)


def test_only_the_holder_of_a_session_asks_for_permits(armed: VirtualRoom) -> None:
    assert refused(turn_of(armed), TRAIN, HOLDER + 1) == (Reason.NOT_SESSION_HOLDER, {})
    assert refused(turn_of(armed, session=None), TRAIN) == (Reason.NO_SESSION, {})


def test_one_request_at_a_time_and_none_behind_a_train(armed: VirtualRoom) -> None:
    asked = turn_of(armed)
    taken_up(asked, TRAIN)
    assert refused(asked, TRAIN) == (Reason.PERMIT_BUSY, {})
    assert refused(turn_of(armed, permits=(pulse(armed.now.us),)), TRAIN) == (Reason.PERMIT_BUSY, {})


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (AskPermit(540, 0, 2), {"why": "a train of several pulses has a rate"}),
        (replace(PULSE, triggers=2), SPACED),
        (replace(PULSE, times_us=(200 * MS, 1_200 * MS - 1, 2_300 * MS)), SPACED),
        (replace(PULSE, times_us=(200 * MS, 1_200 * MS, 2_200 * MS - 1)), SPACED),
        (replace(PULSE, triggers=1, times_us=(S + 1,)), LATE),
        (AskPermit(540, 0, 1, times_us=(500 * MS + 1,)), LATE),
    ],
)
def test_a_message_that_contradicts_itself_says_where(
    single: VirtualRoom, message: AskPermit, why: dict[str, str]
) -> None:
    assert refused(turn_of(single), message) == (Reason.MALFORMED_MESSAGE, why)


def test_what_stands_in_the_way_of_every_trigger_is_in_the_way_of_a_request(armed: VirtualRoom) -> None:
    local = replace(armed.state.device, remote=False)
    assert refused(turn_of(armed, device=local), TRAIN) == (Reason.REMOTE_LOST, {})
    assert refused(turn_of(armed, phase=Phase.SAFE), TRAIN) == (Reason.NOT_ARMED, {})
    assert refused(turn_of(armed, device=local, phase=Phase.SAFE), TRAIN) == (Reason.REMOTE_LOST, {})


# --- examined ---------------------------------------------------------------------------------------------------

ASK = Ask(PercentMso(450), Train(20, Hertz(100)), 0)


def examined(room: VirtualRoom, waited_us: int = 0, token: int | None = None, ask: Ask = ASK, **changes: Any) -> Turn:
    """A turn that goes on with a request taken up, or reserved for, so long ago."""
    now_us = room.now.us
    pending = Pending(HOLDER, REQUEST, TRAIN, replace(ask, starts_us=now_us), now_us - waited_us, token)
    turn = turn_of(room, pending=pending, **changes)
    permits.advance(turn)
    return turn


def assert_refused(turn: Turn, reason: str, **detail: str) -> None:
    """Whoever asked is told so once, everybody else too, and nothing is recorded."""
    assert turn.state.pending is None
    assert answered(turn) == [Answer(HOLDER, REQUEST, {"ok": False, "reason": reason, "detail": detail})]
    assert told(turn.actions) == [{"kind": "permit-refused", "reason": reason, "detail": detail}]
    assert recorded(turn) == []
    assert turn.state.unwanted == ()


def assert_waits(turn: Turn) -> None:
    assert turn.state.pending is not None
    assert turn.state.pending.token is None
    assert turn.actions == []


def test_nothing_goes_on_where_nobody_asked(armed: VirtualRoom) -> None:
    turn = turn_of(armed)
    permits.advance(turn)
    assert (turn.state, turn.actions) == (armed.state, [])


def test_a_request_waits_for_a_device_that_charges_as_long_as_a_permit_lives(armed: VirtualRoom) -> None:
    charging = replace(armed.state.device, condition=Condition.ARMED)
    assert_waits(examined(armed, 500 * MS, device=charging))
    assert_refused(examined(armed, 500 * MS + 1, device=charging), "not-ready")


@pytest.mark.parametrize("firing", [False, True])
def test_a_request_waits_for_a_coil_that_is_only_near_its_target_also_while_the_block_before_it_runs(
    *, firing: bool
) -> None:
    room = one_hertz(profile="robot")
    ask = Ask(PercentMso(540), Train(1, SINGLE), 0, 3, S)
    running = {"phase": Phase.FIRING, "permits": (pulse(room.now.us, S),)} if firing else {}
    assert_waits(examined(room, 500 * MS, ask=ask, lease="continue", **running))
    assert_refused(examined(room, 500 * MS + 1, ask=ask, lease="continue", **running), "lease-missing")
    assert recorded(examined(room, 500 * MS, ask=ask, lease="begin", **running))


@pytest.mark.parametrize("waited_us", [0, 500 * MS + 1])
def test_a_request_does_not_wait_for_what_only_a_person_can_change(armed: VirtualRoom, waited_us: int) -> None:
    local = replace(armed.state.device, remote=False)
    stronger = replace(ASK, level=PercentMso(460))
    read = armed.state.device.confirmed
    assert read is not None
    other = replace(armed.state.device, confirmed=replace(read, pulses=10, duration_ms=1_000))

    assert_refused(examined(armed, waited_us, phase=Phase.SAFE), "not-armed")
    assert_refused(examined(armed, waited_us, device=local), "remote-lost")
    assert_refused(examined(armed, waited_us, ask=stronger), "not-in-protocol", asked="46 % MSO", allowed="45 % MSO")
    assert_refused(
        examined(armed, waited_us, device=other),
        "permit-differs",
        shown="45 % MSO, 10 pulses, 10 Hz",
        expected="45 % MSO, 20 pulses, 10 Hz",
    )


@pytest.mark.parametrize("firing", [False, True])
def test_what_is_allowed_is_reserved_with_all_that_is_known_of_it_and_the_disk_s_time_counts_from_there(
    single: VirtualRoom, *, firing: bool
) -> None:
    changes = {"phase": Phase.FIRING, "permits": (pulse(single.now.us, S),)} if firing else {}
    ask = Ask(PercentMso(540), Train(1, SINGLE), 0, 3, S)
    token, now, session = single.state.next_token, single.now, single.state.session
    assert session is not None

    turn = examined(single, 400 * MS, ask=ask, **changes)

    assert recorded(turn) == [
        Record(
            Kind.RESERVE, 3, 540, 0, key(session.subject), session.key, key(session.coil), key("lf-right-1hz"),
            simulated=True, boot_us=now.us, wall_us=now.wall_us,
        )
    ]  # fmt: skip
    assert len(turn.actions) == 1
    assert turn.state.pending == Pending(HOLDER, REQUEST, TRAIN, replace(ask, starts_us=now.us), now.us, token)


def test_a_train_is_reserved_with_its_rate(armed: VirtualRoom) -> None:
    (record,) = recorded(examined(armed))
    assert (record.pulses, record.level_tenths, record.rate_tenths) == (20, 450, 100)


def test_a_reservation_on_its_way_is_waited_for_as_long_as_a_permit_lives_and_then_stands(armed: VirtualRoom) -> None:
    for phase in (Phase.ARMED, Phase.SAFE):
        waits = examined(armed, 500 * MS, token=9, phase=phase)
        assert waits.state.pending is not None
        assert waits.actions == []
    assert_refused(examined(armed, 500 * MS + 1, token=9), "ledger-late")


def test_a_script_asks_for_nothing() -> None:
    why = {"why": "a script's permits are made at its triggers"}
    assert refused(turn_of(script(new)), TRAIN) == (Reason.PERMIT_BUSY, why)

"""The frame table, frame by frame: what passes from the speaker's door, what waits, and what is said of the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from drivers.quantities import Hertz, PercentMso, Train
from drivers.stimulators import Condition, Effect, EffectKind, Field
from safety import events, frames
from safety.asking import SessionKind
from safety.events import Door
from safety.reasons import Reason
from safety.state import Delivery, Permit, Phase, Waiting
from safety.turn import Turn
from tests.safety.conftest import VirtualRoom, new, turn_of
from tests.safety.rooms import ready, script
from tests.safety.said import told

MS, S = 1_000, 1_000_000
LEVEL = Field.LEVEL
ALL_PHASES = list(Phase)


@pytest.fixture(scope="module")
def idle() -> VirtualRoom:
    return new()


@pytest.fixture(scope="module")
def armed() -> VirtualRoom:
    return ready(new)


@pytest.fixture(scope="module")
def granted() -> VirtualRoom:
    """Armed, charged, and a permit for the train that is set."""
    room = ready(new)
    assert room.permit()["ok"]
    return room


@pytest.fixture(scope="module")
def scripted() -> VirtualRoom:
    return script(new)


def judged(turn: Turn, effect: Effect, door: Door = Door.DAEMON, since_us: int | None = None) -> frames.Verdict:
    """What becomes of a frame with this effect that has waited since then, or came just now."""
    since_us = turn.now.us if since_us is None else since_us
    return frames.judge(turn, Waiting(door, b"", effect, since_us))


def under_way(room: VirtualRoom) -> Delivery:
    now_us = room.now.us
    return Delivery(Train(20, Hertz(100)), PercentMso(450), 1, 0, now_us, now_us)


# --- what changes nothing, or gives control back -----------------------------------------------------------------


@pytest.mark.parametrize("phase", ALL_PHASES)
@pytest.mark.parametrize(
    "effect",
    [Effect(EffectKind.QUERY), Effect(EffectKind.DISARM), Effect(EffectKind.REMOTE, renews=True)],
    ids=["query", "disarm", "remote control taken"],
)
def test_questions_disarm_and_taking_remote_control_pass_always(
    armed: VirtualRoom, phase: Phase, effect: Effect
) -> None:
    turn = turn_of(armed, phase=phase)
    before = turn.state
    assert judged(turn, effect) is None
    assert (turn.state, turn.actions) == (before, [])


@pytest.mark.parametrize("phase", ALL_PHASES)
def test_remote_control_of_an_armed_device_is_given_up_when_it_is_read_back_disarmed(
    armed: VirtualRoom, phase: Phase
) -> None:
    turn = turn_of(armed, phase=phase)
    waits = phase in (Phase.ARMED, Phase.FIRING)

    assert judged(turn, Effect(EffectKind.REMOTE)) == (frames.WAIT if waits else None)

    assert [action for action in turn.actions if isinstance(action, events.Write)] == (
        [events.Write(armed.dialect.disarm)] if waits else []
    )
    assert (turn.state.disarming is not None) == waits
    assert turn.state.disarming is None or turn.state.disarming.why is None


def test_a_forbidden_frame_is_refused_with_the_reason_why_it_is_forbidden(idle: VirtualRoom) -> None:
    verdict = judged(turn_of(idle), Effect(EffectKind.FORBIDDEN, why="it does two things at once"))
    assert verdict == frames.No(Reason.FORBIDDEN_FRAME, {"why": "it does two things at once"})


# --- settings ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phase", "reason"),
    [
        (Phase.TRIPPED, Reason.TRIPPED),
        (Phase.LOCKOUT, Reason.LOCKED_OUT),
        (Phase.SAFE, None),
        (Phase.ARMED, None),
    ],
)
def test_nothing_is_set_while_tripped_or_locked_out(armed: VirtualRoom, phase: Phase, reason: Reason | None) -> None:
    verdict = judged(turn_of(armed, phase=phase), Effect(EffectKind.SETTING, LEVEL, 400))
    assert verdict == (frames.No(reason) if reason else None)


def test_nothing_is_set_while_pulses_are_under_way(armed: VirtualRoom) -> None:
    turn = turn_of(armed, delivery=under_way(armed))
    assert judged(turn, Effect(EffectKind.SETTING, LEVEL, 0)) == frames.No(Reason.SETTING_WHILE_TRAIN)


@pytest.mark.parametrize(
    ("field", "value", "forbidden"),
    [(Field.ENHANCED, 1, True), (Field.ENHANCED, 0, False), (None, 1, True), (None, 0, True)],
)
@pytest.mark.parametrize("at", ["idle", "armed"])
def test_enhanced_power_and_a_setting_of_nobody_knows_what_are_forbidden_with_and_without_a_session(
    request: pytest.FixtureRequest, at: str, field: Field | None, value: int, *, forbidden: bool
) -> None:
    turn = turn_of(request.getfixturevalue(at))
    why = {"why": "enhanced power reaches above 100 % MSO"}
    verdict = judged(turn, Effect(EffectKind.SETTING, field, value))
    assert verdict == (frames.No(Reason.FORBIDDEN_FRAME, why) if forbidden else None)
    assert turn.actions == []


@pytest.mark.parametrize(
    ("at", "highest", "asked", "allowed"),
    [("idle", 300, "30.1 % MSO", "at most 30 % MSO"), ("armed", 450, "45.1 % MSO", "at most 45 % MSO")],
)
def test_a_level_is_set_up_to_what_the_session_or_the_room_without_one_allows(
    request: pytest.FixtureRequest, at: str, highest: int, asked: str, allowed: str
) -> None:
    room = request.getfixturevalue(at)
    detail = {"asked": asked, "allowed": allowed, "field": "level"}
    assert judged(turn_of(room), Effect(EffectKind.SETTING, LEVEL, highest)) is None
    verdict = judged(turn_of(room), Effect(EffectKind.SETTING, LEVEL, highest + 1))
    assert verdict == frames.No(Reason.SETTING_OUT_OF_RANGE, detail)


@pytest.mark.parametrize(
    ("door", "kind", "trips"),
    [
        (Door.DAEMON, SessionKind.TREATMENT, True),
        (Door.PTY, SessionKind.TREATMENT, False),
        (Door.DAEMON, SessionKind.THRESHOLD, False),
        (Door.PTY, SessionKind.SCRIPT, False),
        (Door.DAEMON, None, False),
    ],
)
def test_a_treatments_own_driver_that_sets_too_much_trips_and_anybody_else_is_only_refused(
    armed: VirtualRoom, door: Door, kind: SessionKind | None, *, trips: bool
) -> None:
    session = armed.state.session
    assert session is not None
    turn = turn_of(armed, session=replace(session, kind=kind) if kind else None)

    verdict = judged(turn, Effect(EffectKind.SETTING, LEVEL, 1001), door)

    assert isinstance(verdict, frames.No)
    assert verdict.reason is Reason.SETTING_OUT_OF_RANGE
    trip = {"kind": "trip", "reason": "over-limit-frame", "detail": "setting-out-of-range"}
    assert [body for body in told(turn.actions) if body["kind"] == "trip"] == [trip] * trips
    assert (turn.state.phase is Phase.TRIPPED) == trips


# --- arming -----------------------------------------------------------------------------------------------------


def test_a_device_is_armed_when_nothing_stands_against_it_and_no_pulses_are_under_way(armed: VirtualRoom) -> None:
    arm = Effect(EffectKind.ARM)
    assert judged(turn_of(armed), arm) is None
    assert judged(turn_of(armed, delivery=under_way(armed)), arm) == frames.No(Reason.TRAIN_RUNNING)
    assert judged(turn_of(armed, session=None), arm) == frames.No(Reason.NO_SESSION)
    both = turn_of(armed, session=None, delivery=under_way(armed))
    assert judged(both, arm) == frames.No(Reason.NO_SESSION)


def test_a_script_arms_when_its_pulses_are_reserved_on_the_disk(scripted: VirtualRoom) -> None:
    session = scripted.state.session
    assert session is not None
    turn = turn_of(scripted, session=replace(session, block=None))
    assert judged(turn_of(scripted), Effect(EffectKind.ARM), Door.PTY) is None
    assert judged(turn, Effect(EffectKind.ARM), Door.PTY) == frames.WAIT
    assert [action.record.pulses for action in turn.actions if isinstance(action, events.Commit)] == [50]


# --- triggers ---------------------------------------------------------------------------------------------------


def not_ready(turn: Turn) -> None:
    turn.to(device=replace(turn.state.device, condition=Condition.ARMED), fired_since_arm=False)


def permit_of(room: VirtualRoom) -> Permit:
    (permit,) = room.state.permits
    return permit


@pytest.mark.parametrize(("early_us", "passes"), [(1, False), (0, True)])
def test_a_trigger_passes_that_was_sent_in_the_knowledge_of_its_permit(
    granted: VirtualRoom, early_us: int, *, passes: bool
) -> None:
    turn, permit = turn_of(granted), permit_of(granted)
    planned_us = permit.granted_us - early_us

    verdict = judged(turn, Effect(EffectKind.TRIGGER), since_us=planned_us)

    assert verdict == (None if passes else frames.No(Reason.NO_PERMIT))
    written = [(body["permit"], body["planned_us"]) for body in told(turn.actions) if body["kind"] == "trigger"]
    assert written == [(permit.number, planned_us)] * passes
    assert turn.state.phase is (Phase.FIRING if passes else Phase.ARMED)


def granted_to_the_timer(turn: Turn) -> None:
    (permit,) = turn.state.permits
    turn.to(permits=(replace(permit, due=(turn.now.us,)),))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (granted_to_the_timer, Reason.NO_PERMIT),
        (not_ready, Reason.NOT_READY),
        (lambda turn: turn.to(permits=()), Reason.NO_PERMIT),
    ],
    ids=["the timer's", "not charged", "no permit"],
)
def test_a_treatments_trigger_that_is_refused_leaves_everything_as_it_was(
    granted: VirtualRoom, change: Callable[[Turn], None], reason: Reason
) -> None:
    turn = turn_of(granted)
    change(turn)
    before = turn.state
    assert judged(turn, Effect(EffectKind.TRIGGER)) == frames.No(reason)
    assert (turn.state, turn.actions) == (before, [])


def test_without_a_session_a_trigger_is_refused(armed: VirtualRoom) -> None:
    assert judged(turn_of(armed, session=None), Effect(EffectKind.TRIGGER)) == frames.No(Reason.NO_SESSION)


@pytest.mark.parametrize("kind", [SessionKind.SCRIPT, SessionKind.PHANTOM])
class TestScripts:
    """At whose trigger the permit itself is made."""

    def turn(self, room: VirtualRoom, kind: SessionKind) -> Turn:
        turn = turn_of(room)
        turn.to(session=replace(turn.session, kind=kind))
        return turn

    def test_its_trigger_passes_with_a_permit_out_of_its_block(self, scripted: VirtualRoom, kind: SessionKind) -> None:
        turn = self.turn(scripted, kind)
        assert judged(turn, Effect(EffectKind.TRIGGER), Door.PTY) is None
        (used,) = turn.state.permits
        assert (used.left, used.block.spent, turn.state.phase) == (0, 20, Phase.FIRING)

    def test_a_trigger_for_which_no_permit_is_made_is_refused(self, scripted: VirtualRoom, kind: SessionKind) -> None:
        turn = self.turn(scripted, kind)
        turn.to(device=replace(turn.state.device, confirmed=None))
        assert judged(turn, Effect(EffectKind.TRIGGER), Door.PTY) == frames.No(Reason.READ_BACK_STALE)
        assert turn.actions == []

    def test_a_permit_that_its_own_judgement_refuses_is_forgotten(
        self, scripted: VirtualRoom, kind: SessionKind
    ) -> None:
        turn = self.turn(scripted, kind)
        not_ready(turn)
        block = turn.session.block
        assert judged(turn, Effect(EffectKind.TRIGGER), Door.PTY) == frames.No(Reason.NOT_READY)
        assert (turn.state.permits, turn.session.block, turn.state.phase) == ((), block, Phase.ARMED)

"""Who gets no session and why, in the words that reach a person, and that a refusal leaves nothing behind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drivers.quantities import Hertz, PercentMso, Train
from safety import control, sessions
from safety.asking import Use
from safety.events import Tell
from safety.frames import No
from safety.ledger_format import Kind, Record, key
from safety.reasons import Reason
from safety.state import Delivery, Device, Disarming, Phase
from safety.turn import Turn
from tests.safety.book_records import book_of
from tests.safety.conftest import ARM_LOOP, HOLDER, WALL_US, VirtualRoom, new, turn_of

MS, S, HOUR = 1_000, 1_000_000, 3_600_000_000
OTHER: dict[str, Any] = {"protocol": "", "threshold": None}
PHANTOM = OTHER | {"kind": "phantom", "subject": ""}
HUNT = OTHER | {"kind": "threshold"}
TREATMENT = b"\7" * 8
IN_DOUBT = book_of(Record(Kind.RESERVE, 20), Record(Kind.UNKNOWN, 20, ref=1))


@pytest.fixture(scope="module")
def room() -> VirtualRoom:
    return new()


@pytest.fixture(scope="module")
def busy() -> VirtualRoom:
    """A room with a session."""
    made = new()
    assert made.open()["ok"]
    return made


def answer(turn: Turn, room: VirtualRoom, connection: int = HOLDER, **changes: Any) -> sessions.Yes | No:
    base: dict[str, Any] = {
        "kind": "treatment", "door": "daemon", "by": "ann", "coil": "coil-1", "subject": "S-0001", "protocol": "demo",
        "threshold": room.threshold(),
    }  # fmt: skip
    return sessions.open_session(turn, connection, control.OpenSession(**(base | changes)))


def in_room(room: VirtualRoom, **changes: Any) -> Turn:
    """A turn in a room that is a little otherwise."""
    turn = turn_of(room)
    turn.room = replace(room.room, **changes)
    return turn


def refused(turn: Turn, room: VirtualRoom, **changes: Any) -> No | None:
    """The refusal, which leaves no session, no record and no word behind. None: it was opened."""
    said = answer(turn, room, **changes)
    if isinstance(said, sessions.Yes):
        return None
    assert (turn.state.session, turn.state.commits) == (None, ())
    assert [action for action in turn.actions if isinstance(action, Tell)] == []
    return said


# --- not by this one, not now -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("connection", "role"), [(HOLDER, "cli"), (HOLDER, "lease"), (9, "daemon")])
def test_who_said_hello_as_nobody_who_runs_sessions_opens_none(room: VirtualRoom, connection: int, role: str) -> None:
    assert answer(turn_of(room, roles=((connection, role),)), room) == No(Reason.NOT_SESSION_HOLDER)


def test_there_is_one_session_at_a_time(busy: VirtualRoom) -> None:
    turn = turn_of(busy)
    assert answer(turn, busy) == No(Reason.SESSION_OPEN)
    assert turn.session == busy.state.session


DELIVERY = Delivery(Train(20, Hertz(100)), PercentMso(450), 1, 0, 0, 0)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"phase": Phase.LOCKOUT, "device": Device()}, Reason.LOCKED_OUT),
        ({"phase": Phase.TRIPPED, "device": Device()}, Reason.TRIPPED),
        ({"phase": Phase.BOOT, "device": Device()}, Reason.PORT_ABSENT),
        ({"phase": Phase.BOOT}, Reason.BOOT),
        ({"phase": Phase.ARMED}, Reason.BOOT),
        ({"delivery": DELIVERY}, Reason.BOOT),
        ({"disarming": Disarming(None, 0, 0)}, Reason.BOOT),
        ({"book": IN_DOUBT}, Reason.UNKNOWN_OPEN),
        ({"book": IN_DOUBT, "phase": Phase.BOOT}, Reason.BOOT),
    ],
)
def test_no_session_opens_before_the_room_is_well(room: VirtualRoom, state: dict[str, Any], reason: Reason) -> None:
    assert refused(turn_of(room, **state), room) == No(reason)


@pytest.mark.parametrize(
    ("profile", "roles", "reason"),
    [
        ("fixed", ((HOLDER, "daemon"),), None),
        ("robot", ((HOLDER, "daemon"),), Reason.ARM_ABSENT),
        ("hand", ((HOLDER, "daemon"),), Reason.ARM_ABSENT),
        ("robot", ((HOLDER, "daemon"), (ARM_LOOP, "lease")), None),
    ],
)
def test_where_the_coil_must_be_on_its_target_somebody_must_say_so(
    room: VirtualRoom, profile: str, roles: tuple[tuple[int, str], ...], reason: Reason | None
) -> None:
    turn = in_room(room, profile=profile)
    turn.to(roles=roles)
    assert refused(turn, room) == (No(reason) if reason else None)


# --- not this -----------------------------------------------------------------------------------------------------

MALFORMED = No(Reason.MALFORMED_MESSAGE, {"why": "every kind but phantom has a subject"})
KNOWN = "demo, lf-right-1hz, mdd-10hz-19, mdd-10hz-37, mdd-10hz-5-25"


@pytest.mark.parametrize(
    ("asked", "no"),
    [
        ({"subject": ""}, MALFORMED),
        (PHANTOM | {"subject": "S-0001"}, MALFORMED),
        ({"coil": "coil-2"}, No(Reason.THRESHOLD_OTHER_COIL, {"coil": "coil-1"})),
        ({"protocol": "demos"}, No(Reason.UNKNOWN_PROTOCOL, {"protocol": "demos", "known": KNOWN})),
        ({"intensity_tenths": 1001}, No(Reason.INTENSITY_OVER_LIMIT, {"allowed": "100 % rMT", "asked": "100.1 % rMT"})),
        ({"intensity_tenths": 1000}, None),
        ({"threshold": None}, No(Reason.THRESHOLD_MISSING)),
        (HUNT, None),
        (PHANTOM, None),
    ],
)
def test_what_contradicts_itself_the_room_or_the_prescription_is_refused(
    room: VirtualRoom, asked: dict[str, Any], no: No | None
) -> None:
    turn = in_room(room, protocols=dict(reversed(room.room.protocols.items())))
    assert refused(turn, room, **asked) == no


@pytest.mark.parametrize(
    ("use", "asked", "no"),
    [
        (Use.BENCH, {}, No(Reason.USE_FORBIDS, {"use": "bench"})),
        (Use.BENCH, HUNT, No(Reason.USE_FORBIDS, {"use": "bench"})),
        (Use.BENCH, PHANTOM, None),
        (Use.SIMULATION, {}, None),
    ],
)
def test_on_the_bench_nobody_is_stimulated(room: VirtualRoom, use: Use, asked: dict[str, Any], no: No | None) -> None:
    assert refused(in_room(room, use=use), room, **asked) == no


@pytest.mark.parametrize(
    ("simulated", "threshold", "reason"),
    [(False, True, Reason.THRESHOLD_SIMULATED), (False, False, None), (True, True, None), (True, False, None)],
)
def test_a_threshold_of_a_simulation_is_good_for_simulations(
    room: VirtualRoom, reason: Reason | None, *, simulated: bool, threshold: bool
) -> None:
    turn = in_room(room, simulated=simulated)
    no = refused(turn, room, threshold=room.threshold(simulated=threshold))
    assert no == (No(reason) if reason else None)


def test_a_blocked_subject_gets_no_session_and_another_one_does(room: VirtualRoom) -> None:
    book = book_of(Record(Kind.BLOCK, subject=key("S-0001")))
    assert refused(turn_of(room, book=book), room) == No(Reason.SUBJECT_BLOCKED)
    for asked in ({"subject": "S-0002"}, PHANTOM):
        assert refused(turn_of(room, book=book), room, **asked) is None


def test_a_study_names_the_first_of_what_it_lacks_for_this_protocol_now(room: VirtualRoom) -> None:
    turn = in_room(room, lacks=lambda protocol, wall_us: (f"{protocol.id} at {wall_us}", "more"))
    assert refused(turn, room) == No(Reason.STUDY_INCOMPLETE, {"lacks": f"demo at {room.now.wall_us}"})


# --- not so much --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("given", "opens"), [(3_119, True), (3_120, False)])
def test_nothing_is_opened_for_a_subject_who_may_not_have_one_pulse_more(
    room: VirtualRoom, given: int, *, opens: bool
) -> None:
    had = Record(Kind.RESERVE, given, subject=key("S-0001"), session=TREATMENT, wall_us=WALL_US)
    no = refused(turn_of(room, book=book_of(had)), room, **HUNT)
    assert no == (None if opens else No(Reason.DAY_FULL, {"asked": "3121", "allowed": "3120"}))


def test_a_plan_is_refused_as_a_whole_before_its_first_train(room: VirtualRoom) -> None:
    had = Record(Kind.RESERVE, 121, subject=key("S-0001"), session=TREATMENT, wall_us=WALL_US)
    no = refused(turn_of(room, book=book_of(had)), room)
    assert no == No(Reason.DAY_FULL, {"asked": "181", "allowed": "180"})


class Weak:
    """The room's stimulator with another power supply."""

    def __init__(self, room: VirtualRoom, *, needs_us: int = 0, unable: str = "") -> None:
        self._dialect, self._needs_us, self._unable = room.room.dialect, needs_us, unable
        self.asked: list[tuple[str, str, int]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dialect, name)

    def refuses_energy(self, level: PercentMso, rate: Hertz, pulses: int) -> str | None:
        self.asked.append((str(level), str(rate), pulses))
        return self._unable or None

    def minimum_wait_us(self, level: PercentMso, rate: Hertz, pulses: int) -> int:
        self.asked.append((str(level), str(rate), pulses))
        return self._needs_us


@pytest.mark.parametrize(
    ("needs_us", "why"),
    [(0, ""), (6 * S, ""), (6 * S + 1, "it needs 6 s between trains"), (6_500 * MS, "it needs 6.5 s between trains")],
)
def test_a_plan_whose_trains_lie_too_close_for_the_stimulator_is_refused(
    room: VirtualRoom, needs_us: int, why: str
) -> None:
    weak = Weak(room, needs_us=needs_us)
    assert refused(in_room(room, dialect=weak), room) == (No(Reason.ENERGY, {"why": why}) if why else None)
    assert set(weak.asked) == {("45 % MSO", "10 Hz", 20)}


def test_one_train_waits_for_none_before_it(room: VirtualRoom) -> None:
    demo = room.room.protocols["demo"]
    once = replace(demo, phases=(replace(demo.phases[0], trains=1),))
    turn = in_room(room, dialect=Weak(room, needs_us=60 * S), protocols={"demo": once})
    assert refused(turn, room) is None


def test_a_train_the_stimulator_cannot_give_is_refused_in_its_own_words(room: VirtualRoom) -> None:
    turn = in_room(room, dialect=Weak(room, unable="No such train. At 10 Hz it gives 5 pulses."))
    assert refused(turn, room) == No(Reason.ENERGY, {"why": "No such train. At 10 Hz it gives 5 pulses"})

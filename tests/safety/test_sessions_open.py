"""What a session is from its opening on, and what its operator is told and releases, field by field."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import blake2s
from typing import Any

import pytest

from drivers.quantities import PercentMso, PercentRmt
from safety import control, sessions
from safety.asking import SessionKind, Use
from safety.authorisations import Authorisation
from safety.events import Door, Tell
from safety.ledger_format import Kind, Record, key
from safety.reasons import Reason
from safety.state import Beats, Session
from safety.threshold import MotorThreshold, ThresholdMethod
from safety.turn import Turn
from tests.safety.book_records import book_of
from tests.safety.conftest import HOLDER, LIMITS, PROTOCOLS, S, VirtualRoom, new, turn_of

HOUR = 3_600 * S
NO_TREATMENT: dict[str, Any] = {"protocol": "", "threshold": None}
PHANTOM = NO_TREATMENT | {"kind": "phantom", "subject": ""}


@pytest.fixture(scope="module")
def room() -> VirtualRoom:
    return new()


def opening(room: VirtualRoom, **changes: Any) -> control.OpenSession:
    """A demo for S-0001, a little otherwise."""
    base: dict[str, Any] = {
        "kind": "treatment", "door": "daemon", "by": "ann", "coil": "coil-1", "subject": "S-0001", "protocol": "demo",
        "threshold": room.threshold(),
    }  # fmt: skip
    return control.OpenSession(**(base | changes))


def opened(turn: Turn, room: VirtualRoom, **changes: Any) -> dict[str, Any]:
    """The answer to an opening that succeeds."""
    answer = sessions.open_session(turn, HOLDER, opening(room, **changes))
    assert isinstance(answer, sessions.Yes), answer
    return dict(answer.body)


def in_room(room: VirtualRoom, **changes: Any) -> Turn:
    """A turn in a room that is a little otherwise."""
    turn = turn_of(room)
    turn.room = replace(room.room, **changes)
    return turn


def understood(turn: Turn, room: VirtualRoom, **changes: Any) -> dict[str, Any]:
    words: dict[str, Any] = opened(turn, room, **changes)["understood"]
    return words


# --- what is understood -----------------------------------------------------------------------------------------

DEMO: dict[str, Any] = {
    "kind": "treatment",
    "door": "daemon",
    "subject": "S-0001",
    "coil": "coil-1",
    "threshold_tenths": 450,
    "threshold_method": "emg",
    "intensity_tenths": 1000,
    "ceiling_tenths": 450,
    "protocol": "demo",
    "protocol_version": 1,
    "plan": [
        {"trains": 1, "pulses": 20, "rate_tenths": 100, "level_tenths": 450, "gap_us": 0},
        {"trains": 2, "pulses": 20, "rate_tenths": 100, "level_tenths": 450, "gap_us": 6 * S},
    ],
    "planned": 60,
    "pulses_left": 60,
    "tier": 1,
    "today": 0,
    "course": 0,
    "course_notice": False,
    "witness": "running",
    "disarm_cuts_train": "assumed",
    "placement": "",
    "simulated": True,
}
NONE_OF_A_TREATMENT: dict[str, Any] = {
    "threshold_tenths": None, "threshold_method": None, "intensity_tenths": None, "protocol": None,
    "protocol_version": None, "plan": [],
}  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "differs"),
    [
        ({}, {}),
        ({"placement": "F3", "intensity_tenths": 800},
         {"placement": "F3", "intensity_tenths": 800, "ceiling_tenths": 360,
          "plan": [run | {"level_tenths": 360} for run in DEMO["plan"]]}),
        ({"protocol": "mdd-10hz-37"},
         {"protocol": "mdd-10hz-37", "intensity_tenths": 1200, "ceiling_tenths": 540, "planned": 3000, "tier": 2,
          "pulses_left": 3000,
          "plan": [{"trains": trains, "pulses": 40, "rate_tenths": 100, "level_tenths": 540, "gap_us": gap_us}
                   for trains, gap_us in ((1, 0), (74, 26_100_000))]}),
        (NO_TREATMENT | {"kind": "threshold"},
         NONE_OF_A_TREATMENT | {"kind": "threshold", "ceiling_tenths": 1000}),
        ({"kind": "script", "door": "pty", "protocol": ""},
         NONE_OF_A_TREATMENT | {"kind": "script", "door": "pty", "ceiling_tenths": 300, "planned": 3000,
                                "pulses_left": 3000, "threshold_tenths": 450, "threshold_method": "emg"}),
        (PHANTOM,
         NONE_OF_A_TREATMENT | {"kind": "phantom", "subject": "", "ceiling_tenths": 500, "planned": 200,
                                "pulses_left": 200}),
    ],
    ids=["demo", "lowered", "beyond the tables", "threshold", "script", "phantom"],
)  # fmt: skip
def test_the_operator_is_told_all_that_decides_what_the_subject_gets(
    room: VirtualRoom, asked: dict[str, Any], differs: dict[str, Any]
) -> None:
    assert understood(turn_of(room), room, **asked) == DEMO | differs


def test_a_room_that_is_not_simulated_says_so(room: VirtualRoom) -> None:
    assert understood(in_room(room, simulated=False), room, **PHANTOM)["simulated"] is False


@pytest.mark.parametrize(("course", "noticed"), [(38_999, False), (39_000, True), (39_001, True)])
def test_what_the_subject_had_is_told_and_a_long_course_is_noticed(
    room: VirtualRoom, course: int, *, noticed: bool
) -> None:
    had: dict[str, Any] = {"subject": key("S-0001"), "protocol": key("demo")}
    today = Record(Kind.RESERVE, 40, wall_us=room.now.wall_us, **had)
    book = book_of(today, Record(Kind.CARRIED, course - 40, code=2, **had))
    words = understood(turn_of(room, book=book), room)
    assert (words["today"], words["course"], words["course_notice"]) == (40, course, noticed)


# --- what a session is ------------------------------------------------------------------------------------------


def test_a_treatment_is_held_by_who_opened_it_and_for_whom_and_nothing_is_released(room: VirtualRoom) -> None:
    turn = turn_of(room)

    answer = opened(turn, room)

    threshold = MotorThreshold(
        PercentMso(450), ThresholdMethod.EMG, 20, 15, "coil-1", room.now.wall_us - HOUR, simulated=True
    )
    assert turn.session == Session(
        key=key(f"S-0001 {room.now.wall_us} {room.now.us}"),
        hash=answer["hash"],
        connection=HOLDER,
        kind=SessionKind.TREATMENT,
        door=Door.DAEMON,
        subject="S-0001",
        coil="coil-1",
        ceiling=PercentMso(450),
        protocol=PROTOCOLS["demo"],
        threshold=threshold,
        intensity=PercentRmt(1000),
        planned=60,
    )
    assert answer["session"] == turn.session.key.hex()


def test_an_opening_is_told_and_recorded(room: VirtualRoom) -> None:
    turn = turn_of(room)

    answer = opened(turn, room, intensity_tenths=900)

    (told,) = (action.body for action in turn.actions if isinstance(action, Tell))
    assert told == {"kind": "session-opened", "at_us": room.now.us, "wall_us": room.now.wall_us} | answer
    ((_, record, _),) = turn.state.commits
    assert (record.kind, record.pulses, record.level_tenths) == (Kind.OPEN, 60, 400)
    assert record.session == turn.session.key


def test_it_begins_without_a_hold_and_with_a_moment_s_grace_for_its_holder(room: VirtualRoom) -> None:
    turn = turn_of(room, hold=Reason.PRESENCE_OLD, beats=Beats(9, 1, 9, 1, 1))

    opened(turn, room)

    now_us = room.now.us
    assert turn.state.hold is None
    assert turn.state.beats == Beats(-1, now_us, -1, now_us, now_us)


@pytest.mark.parametrize("role", ["daemon", "guarded"])
def test_the_daemon_and_a_guarded_run_open_sessions(room: VirtualRoom, role: str) -> None:
    turn = turn_of(room, roles=((5, "cli"), (HOLDER, role), (8, "lease")))
    assert opened(turn, room)["session"]


@pytest.mark.parametrize(("early_us", "authorised"), [(0, False), (1, True)])
@pytest.mark.parametrize("whose", ["S-0001", "S-0002"])
def test_only_what_is_authorised_now_and_for_this_subject_is(
    room: VirtualRoom, whose: str, early_us: int, *, authorised: bool
) -> None:
    until_us = room.now.wall_us + early_us
    leave = Authorisation("a physician", "a test", whose, "demo", 1, (), 0, until_us)
    turn = in_room(room, authorisations=(leave,))
    opened(turn, room)
    assert turn.session.authorised is (authorised and whose == "S-0001")


def test_a_phantom_needs_no_authorisation_and_has_none(room: VirtualRoom) -> None:
    turn = in_room(room, use=Use.BENCH)
    opened(turn, room, **PHANTOM)
    assert turn.session.authorised is False


@pytest.mark.parametrize(
    ("asked", "declared", "ceiling"),
    [
        (NO_TREATMENT | {"kind": "threshold"}, 999, 999),
        (NO_TREATMENT | {"kind": "threshold"}, 1000, 1000),
        (PHANTOM, 499, 499),
        (PHANTOM, 501, 500),
        (PHANTOM, 0, 0),
        ({"kind": "script", "protocol": ""}, 540, 540),
        ({"kind": "script", "protocol": ""}, 541, 540),
        ({"kind": "script", "protocol": "", "threshold": None}, None, 300),
        ({"kind": "script", "protocol": "", "threshold": None}, 999, 999),
        ({"kind": "script", "protocol": "", "threshold": None}, 1010, 1000),
        ({}, 10, 450),
    ],
)
def test_a_declared_ceiling_lowers_what_the_kind_allows_and_never_raises_it(
    room: VirtualRoom, asked: dict[str, Any], declared: int | None, ceiling: int
) -> None:
    turn = turn_of(room)
    opened(turn, room, ceiling_tenths=declared, **asked)
    assert turn.session.ceiling == PercentMso(ceiling)


def test_a_subject_with_a_low_threshold_gets_no_more_by_a_script_than_the_highest_intensity(room: VirtualRoom) -> None:
    turn = turn_of(room)
    opened(turn, room, kind="script", protocol="", threshold=room.threshold(20))
    assert turn.session.ceiling == PercentMso(240)


# --- what is released -------------------------------------------------------------------------------------------


def names(turn: Turn, room: VirtualRoom, **changes: Any) -> str:
    digest: str = opened(turn, room, **changes)["hash"]
    return digest


def test_a_release_names_what_was_understood_and_what_it_was_judged_by(room: VirtualRoom) -> None:
    for asked, protocol in (({}, PROTOCOLS["demo"].digest), (PHANTOM, "")):
        answer = opened(turn_of(room), room, **asked)
        named = json.dumps([answer["understood"], LIMITS.digest, protocol], sort_keys=True)
        assert answer["hash"] == blake2s(named.encode(), digest_size=16).hexdigest()


def test_whatever_is_understood_otherwise_needs_another_release(room: VirtualRoom) -> None:
    other_file = replace(PROTOCOLS["demo"], digest="another file")
    other_limit = LIMITS.tightened({"coil_stop": 39})
    assert names(turn_of(room), room) == names(turn_of(room), room, by="bob")
    digests = [
        names(turn_of(room), room),
        names(turn_of(room), room, placement="F3"),
        names(turn_of(room), room, intensity_tenths=999),
        names(in_room(room, limits=other_limit), room),
        names(in_room(room, protocols={"demo": other_file}), room),
    ]
    assert len(set(digests)) == 5

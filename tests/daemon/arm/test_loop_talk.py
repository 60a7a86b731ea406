"""A turn of the loop: who may say what, what reaches the hold, and what is said to whoever listens."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from daemon.arm.goals import Error
from daemon.arm.lateness import BUCKETS
from daemon.arm.lease import Lease
from daemon.arm.messages import MAX_PACKET_BYTES, encode
from daemon.arm.reasons import ArmReason
from daemon.arm.table import HoldState, Verb
from drivers.poses import Pose
from drivers.trackers import Missing, Tool
from tests.daemon.arm.loop_stand_ins import LoopRoom, at

TURNS_MOST = 5_000
"""In ten seconds at 500 a second."""
TARGET = {
    "do": "target",
    "id": "left-m1",
    "head_from_target": [1.0, 0, 0, 0, 0.03, 0.02, 0.11],
    "scalp": {"centre": [0, 0, 0.0], "radii": [0.08, 0.1, 0.09]},
}


def frame(room: LoopRoom, number: int = 1, **changes: Any) -> dict[str, Any]:
    pose = [1.0, 0, 0, 0, 0.1, 0.2, 1.3]
    times = {"source_us": room.now_us - 9_000, "received_us": room.now_us - 500}
    return {"do": "frame", "n": number, **times, "tools": {"head": pose}, "fault": "", **changes}


# --- who may say what


@pytest.mark.parametrize(("to", "verb"), [(verb.value, verb) for verb in Verb if verb is not Verb.STOP])
def test_the_daemon_may_send_the_coil_anywhere(room: LoopRoom, to: str, verb: Verb) -> None:
    assert room.client("daemon").ask(do="go", to=to) == {"re": "go", "ok": True, "why": None}
    assert room.hold.verbs == [verb]


@pytest.mark.parametrize("to", ["target", "park", "hand"])
def test_somebody_at_the_command_line_may_not(room: LoopRoom, to: str) -> None:
    assert "only the daemon" in room.client("cli").ask(do="go", to=to)["why"]
    assert room.hold.verbs == []


def test_everybody_with_a_name_may_send_the_coil_away(room: LoopRoom) -> None:
    assert room.client("cli").ask(do="go", to="away")["ok"]
    assert room.hold.verbs == [Verb.AWAY]


@pytest.mark.parametrize("role", ["", "cli", "daemon"])
def test_everybody_may_stop_even_without_a_name(room: LoopRoom, role: str) -> None:
    assert room.client(role).ask(do="stop")["ok"]
    assert room.hold.verbs == [Verb.STOP]


@pytest.mark.parametrize("sends_off", [{"do": "go", "to": "away"}, {"do": "stop"}])
def test_who_sends_the_coil_off_has_the_last_word_over_what_was_asked_before(
    room: LoopRoom, sends_off: dict[str, str]
) -> None:
    daemon, person, asked_us = room.client("daemon"), room.client("cli"), room.now_us
    assert person.ask(**sends_off)["ok"]
    again = daemon.ask(do="go", to="target", asked_us=asked_us)
    assert (again["ok"], again["why"], Verb.TO_TARGET in room.hold.verbs) == (False, "sent-off", False)

    assert daemon.ask(do="go", to="target", asked_us=room.now_us + 1)["ok"]
    assert room.hold.verbs[-1] is Verb.TO_TARGET


def test_what_is_asked_once_more_is_heard_where_nobody_has_sent_the_coil_off(room: LoopRoom) -> None:
    assert room.client("daemon").ask(do="go", to="target", asked_us=room.now_us)["ok"]


def test_without_a_name_nothing_else_is_heard(room: LoopRoom) -> None:
    assert room.client().ask(do="go", to="away")["why"] == "say hello first"
    assert room.client().ask(**frame(room))["why"] == "say hello first"
    assert room.hold.told == []


def test_a_stop_outlives_everything_said_in_the_same_turn(room: LoopRoom) -> None:
    daemon, person = room.client("daemon"), room.client("cli")
    person.send(do="stop")
    daemon.send(do="go", to="target")
    room.turn()

    assert room.hold.verbs == [Verb.TO_TARGET, Verb.STOP]


def test_a_refusal_of_the_hold_is_answered_with_its_reason_and_its_sentence(room: LoopRoom) -> None:
    room.hold.refuses[Verb.TO_TARGET] = ArmReason.NO_TARGET

    answer = room.client("daemon").ask(do="go", to="target")

    assert (answer["ok"], answer["why"]) == (False, "no-target")
    assert answer["sentence"] == str(ArmReason.NO_TARGET.sentence)


# --- targets and frames


def test_a_target_reaches_the_hold_whole(room: LoopRoom) -> None:
    answer = room.client("daemon").ask(**TARGET)
    ((pose, scalp),) = room.hold.told

    assert (answer["ok"], answer["calibration"]) == (True, "5ea1")
    assert pose == Pose((1.0, 0, 0, 0), (0.03, 0.02, 0.11))
    assert (scalp.centre, scalp.radii) == ((0.0, 0.0, 0.0), (0.08, 0.1, 0.09))


def test_a_target_that_no_head_has_is_refused(room: LoopRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    def aim(_pose: Pose, _scalp: object) -> None:
        raise ValueError("the normal leads into the head")

    monkeypatch.setattr(room.hold, "aim", aim)

    assert "leads into the head" in room.client("daemon").ask(**TARGET)["why"]


def test_frames_reach_the_hold_in_order_and_get_no_answer(room: LoopRoom) -> None:
    daemon = room.client("daemon")
    for number in (1, 2, 3):
        daemon.send(**frame(room, number, tools={"head": [1.0, 0, 0, 0, 0, 0, 1.3], "coil": {"missing": "not-seen"}}))
    room.turn()

    assert [seen.number for seen in room.hold.told] == [1, 2, 3]
    assert room.hold.told[0].tools[Tool.HEAD].pose == Pose(translation=(0.0, 0.0, 1.3))
    assert room.hold.told[0].tools[Tool.COIL].missing is Missing.NOT_SEEN
    assert [answer["re"] for answer in daemon.answers] == ["hello"]


@pytest.mark.parametrize(("role", "why"), [("", "say hello first"), ("cli", "only the daemon")])
def test_only_the_daemons_frames_and_targets_count(room: LoopRoom, role: str, why: str) -> None:
    client, daemon = room.client(role), room.client("daemon")

    assert why in client.ask(**frame(room))["why"]
    assert why in client.ask(**TARGET)["why"]
    assert room.hold.told == []

    daemon.send(**frame(room))
    assert daemon.ask(**TARGET)["ok"]
    assert len(room.hold.told) == 2


def test_a_frame_of_another_clock_is_refused(room: LoopRoom) -> None:
    later = room.now_us + 60_000_000

    answer = room.client("daemon").ask(**frame(room, source_us=later - 10, received_us=later))

    assert "CLOCK_MONOTONIC" in answer["why"]
    assert room.hold.told == []


# --- what it says


def test_the_state_is_said_twenty_times_a_second_and_at_once_when_it_changes(room: LoopRoom) -> None:
    client = room.client("cli")
    room.turns(1)
    before = len(client.states)
    room.turns(500)
    assert 19 <= len(client.states) - before <= 20

    room.turn()
    before = len(client.states)
    at(room, HoldState.FREEZE)
    room.hold.output = replace(room.hold.output, why=ArmReason.HEAD_LOST)
    room.turn()
    (said,) = client.states[before:]
    assert (said["state"], said["why"], said["at_us"]) == ("freeze", "head-lost", room.now_us)


def test_errors_are_said_in_millimetres_and_degrees(room: LoopRoom) -> None:
    daemon = room.client("daemon")
    daemon.send(**frame(room))
    room.with_an_arm()
    room.robot.comes = {}
    error = Error(0.0012, -0.0005, 0.01, -0.02)
    room.hold.output = replace(
        room.hold.output, state=HoldState.TRACK, lease=Lease.BEGIN, error=error, head_speed_m_s=0.0013
    )
    room.turn()
    said = daemon.states[-1]

    assert said["error"] == {"lateral_mm": 1.2, "depth_mm": -0.5, "tilt_deg": 0.573, "twist_deg": -1.146}
    assert (said["lease"], said["head_speed_mm_s"]) == ("begin", 1.3)
    assert said["robot"] == {
        "mode": "running", "safety": "normal", "program": "tracking", "tcp": [1, 0, 0, 0, 0, 0, 0],
    }  # fmt: skip
    assert said["frame_age_ms"] == 9.0 + 2.0 * 2
    assert said["frame"] == {name: value for name, value in frame(room).items() if name != "do"} | {
        "source_us": said["frame"]["source_us"],
        "received_us": said["frame"]["received_us"],
    }


def test_a_state_says_how_often_the_loop_woke_how_late_and_is_a_packet_even_of_a_loop_that_knows_every_lateness(
    room: LoopRoom,
) -> None:
    daemon, client = room.client("daemon"), room.client("cli")
    room.with_an_arm()
    daemon.send(**frame(room))
    room.turn(50_000)
    told = client.states[-1]["late_us"]
    room.loop.lateness.recent_counts = [TURNS_MOST] * BUCKETS
    room.turn(50_000)

    assert told == {"p50": 0, "p99": 0, "p999": 0, "max": 0, "counts": []}, "before its first second"
    assert client.states[-1]["late_us"]["counts"] == [TURNS_MOST] * BUCKETS
    assert client.states[-1]["frame"] is not None
    assert len(encode(client.states[-1])) <= MAX_PACKET_BYTES


def test_without_arm_and_frames_the_state_says_so(room: LoopRoom) -> None:
    client = room.client("cli")
    room.turn(50_000)
    said = client.states[-1]

    assert said["robot"] == {"mode": "unreachable", "safety": "unknown", "program": "absent", "tcp": None}
    assert (said["error"], said["frame"], said["frame_age_ms"]) == (None, None, None)


def test_figures_of_the_loop_are_told_to_whoever_asks(room: LoopRoom) -> None:
    for turn in range(2000):
        room.loop.lateness.woke(room.now_us + turn * 2000, 40 if turn else 7_000, missed=0 if turn else 3)

    answer = room.client("cli").ask(do="status")

    assert answer["late_us"]["max"] == answer["late_ever_us"]["max"] == 7_000
    assert answer["missed"] == 3


def test_it_tells_how_long_the_goal_took_from_the_waking_and_from_the_frame(room: LoopRoom) -> None:
    daemon = room.client("daemon")
    room.with_an_arm()
    room.took_us = 300
    daemon.send(**frame(room, received_us=room.now_us - 400))
    room.turns(510)

    answer = daemon.ask(do="status")

    assert answer["goal_us"]["max"] == 300
    assert answer["frame_us"]["max"] == 0
    room.took_us = 0
    room.turn()
    daemon.send(**frame(room, received_us=room.now_us))
    room.turn()
    assert daemon.ask(do="status")["frame_us"]["max"] == 400 + 2_000 + 300

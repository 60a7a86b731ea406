"""Head, tracker, arm and stimulator in one world: what each sees of the others, and what the log says of a pulse."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path

import pytest

from drivers.magstim.framing import seal
from drivers.poses import Pose
from drivers.trackers import Frame, Tool
from simulator.clock import RealClock
from simulator.head.statistics import Motion
from simulator.room import Room, RoomOptions
from simulator.stimulators.profile import Profile
from simulator.world import Kind, TraceFile, World
from tests.simulator.rooms import MS, RoomTalk, S

FRAMES = 12
"""A fifth of a second, on the only clock that runs by itself here."""


def pose_of(frame: Frame, tool: Tool) -> Pose:
    pose = frame.tools[tool].pose
    assert pose is not None
    return pose


def fire(talk: RoomTalk) -> None:
    talk.say("panel-arm")
    talk.rest(2 * S)
    talk.say("panel-trigger")
    talk.rest(100 * MS)


def test_the_chain_of_frames_leads_from_what_the_tracker_sees_to_where_the_target_is() -> None:
    talk = RoomTalk()
    talk.place_on_target()
    frame = talk.frames(100 * MS)[-1]
    truth = talk.say("room-truth")
    robot_from_camera = Pose.of(truth["robot_from_camera"][:4], truth["robot_from_camera"][4:])
    head_from_target = Pose.of(truth["head_from_target"][:4], truth["head_from_target"][4:])

    seen = robot_from_camera @ pose_of(frame, Tool.HEAD) @ head_from_target
    wrong = talk.room.arm.robot_from_tcp.inverse() @ seen

    assert wrong.distance < 0.0005
    assert math.degrees(wrong.angle) < 0.3
    by_coil = robot_from_camera @ pose_of(frame, Tool.COIL) @ talk.room.placement.tcp_from_coil.inverse()
    assert (talk.room.arm.robot_from_tcp.inverse() @ by_coil).distance < 0.0005


def test_a_pulse_is_on_record_with_where_the_coil_really_was() -> None:
    talk = RoomTalk()
    talk.place_on_target()
    fire(talk)
    (pulse,) = [happening for happening in talk.happenings if happening.kind is Kind.PULSE]
    place = pulse.as_json()["coil"]
    assert place == {
        "lateral_mm": pytest.approx(0, abs=0.01),
        "depth_mm": pytest.approx(0, abs=0.01),
        "tilt_deg": pytest.approx(0, abs=0.01),
        "twist_deg": pytest.approx(0, abs=0.01),
        "gap_mm": pytest.approx(5, abs=0.01),
        "force_n": 0,
        "touches": False,
    }
    json.dumps(pulse.as_json())


@pytest.mark.parametrize(
    ("order", "arguments", "part", "value"),
    [
        ("shift", {"mm": 10, "s": 0.1, "direction": "forward"}, "lateral_mm", 9.96),
        ("shift", {"mm": 20, "s": 0.1, "direction": "down"}, "depth_mm", -16.7),
        ("shift", {"mm": 0.0, "s": 0.1, "deg": 10}, "twist_deg", 8.4),
    ],
)
def test_a_head_that_moves_away_from_a_coil_that_stands_shows_in_the_next_pulse(
    order: str, arguments: dict[str, float], part: str, value: float
) -> None:
    talk = RoomTalk()
    talk.place_on_target()
    talk.say(order, **arguments)
    fire(talk)
    (pulse,) = [happening for happening in talk.happenings if happening.kind is Kind.PULSE]
    assert pulse.coil is not None
    assert pulse.coil.as_json()[part] == pytest.approx(value, rel=0.05)


def test_a_pulse_through_the_wire_is_judged_at_its_own_instant() -> None:
    talk = RoomTalk()
    talk.place_on_target()
    talk.say("panel-arm")
    talk.rest(2 * S)
    talk.say("shift", mm=20, s=0.2, direction="down")
    port = talk.room.bench.port
    port.receive(seal(f"Q{talk.room.bench.profile.unlock_code}".encode()) + seal(b"EH"), talk.now_us)
    talk.rest(500 * MS)
    (pulse,) = [happening for happening in talk.happenings if happening.kind is Kind.PULSE]
    assert pulse.coil is not None
    assert pulse.coil.depth_m == pytest.approx(talk.room.coil_place(pulse.at_us).depth_m, abs=1e-6)
    assert abs(pulse.coil.depth_m) < 0.015  # the head was still on its way, or had not begun


def test_a_coil_that_follows_stays_on_target_and_one_that_stands_does_not() -> None:
    errors = {}
    for follows in (True, False):
        talk = RoomTalk(Motion.REST)
        talk.place_on_target()
        talk.start_program()
        talk.say("shift", mm=15, s=1, direction="left")
        for _ in range(10):
            (talk.hold if follows else talk.rest)(200 * MS)
        errors[follows] = math.hypot(*_error(talk))
    assert errors[True] < 0.0005
    assert errors[False] > 0.01


def _error(talk: RoomTalk) -> tuple[float, float]:
    place = talk.room.coil_place(talk.now_us)
    return place.lateral_m, place.depth_m


def test_a_head_that_comes_against_the_coil_is_felt_counted_and_pushed_aside() -> None:
    talk = RoomTalk()
    talk.place_on_target()
    before = talk.head()
    talk.say("shift", mm=8, s=0.5, direction="up")
    talk.rest(S)
    touch = talk.room.coil_place(talk.now_us)
    expected_m = 0.008 * 0.84 - 0.005  # along the normal, less the air gap
    assert touch.force_n == pytest.approx(expected_m * 4839, rel=0.1)
    assert math.hypot(*talk.room.arm.touch[:3]) == pytest.approx(touch.force_n, rel=0.01)
    moved = (before.inverse() @ talk.head()).distance
    assert moved < 0.008  # less than it wanted
    talk.say("shift", mm=8, s=0.5, direction="down")
    talk.rest(S)
    assert [happening.note for happening in talk.happenings if happening.kind is Kind.TOUCH] == ["begins", "ends"]
    seen = talk.say("room")
    assert (seen["touches"], seen["coil"]["touches"]) == (1, False)
    assert seen["peak_force_n"] == pytest.approx(touch.force_n, rel=0.01)
    talk.say("forget-peaks")
    assert talk.say("room")["peak_force_n"] == 0


def test_a_head_pushed_by_the_coil_gives_way_ten_times_as_much_as_it_is_dented() -> None:
    talk = RoomTalk()
    talk.place_on_target(off_m=-0.007)  # 2 mm into the scalp
    felt = talk.room.contact(talk.now_us)
    assert felt.force_n == pytest.approx(9.68, rel=0.01)
    assert felt.push_m == pytest.approx(felt.force_n / 5000)
    place = talk.room.coil_place(talk.now_us)
    assert place.touches
    assert place.gap_m == pytest.approx(-felt.force_n / 150_000, abs=2e-5)


def test_the_same_seed_gives_the_same_world_and_another_gives_another() -> None:
    def frames(seed: int, step_us: int) -> list[Frame]:
        talk = RoomTalk(Motion.FREE, seed)
        seen = []
        for _ in range(2 * S // step_us):
            seen += talk.frames(step_us)
        return seen

    assert frames(5, 2 * MS) == frames(5, 100 * MS)
    assert frames(5, 100 * MS) != frames(6, 100 * MS)


def test_a_real_clock_shows_the_world_that_a_virtual_one_shows() -> None:
    options = RoomOptions(motion=Motion.FREE, seed=5)
    real = Room(Profile(), World(RealClock()), options)
    seen: list[Frame] = []
    while len(seen) < FRAMES:  # for as long as it takes: what a clock shows does not depend on who looks when
        real.advance()
        seen += real.tracker.take()

    def shown(start_us: int) -> list[Frame]:
        return RoomTalk(Motion.FREE, 5, start_us).frames(2 * S)

    after_us = shown(0)[0].source_us
    assert shown(seen[0].source_us - after_us)[: len(seen)] == seen


def test_a_pulse_makes_the_head_twitch_when_it_may() -> None:
    for size_m in (0.0, 0.002):
        talk = RoomTalk(twitch_m=size_m)
        before = talk.head()
        talk.say("panel-arm")
        talk.rest(2 * S)
        talk.say("panel-trigger")
        furthest = 0.0
        for _ in range(100):
            talk.rest(2 * MS)
            furthest = max(furthest, (before.inverse() @ talk.head()).distance)
        assert furthest == pytest.approx(size_m, rel=0.02)


def test_a_protective_stop_leaves_the_coil_where_it_is_and_the_head_goes_on() -> None:
    talk = RoomTalk()
    talk.place_on_target()
    talk.start_program()
    talk.hold(200 * MS)
    talk.say("protective-stop")
    talk.rest(100 * MS)
    assert talk.say("arm")["safety"] == "protective_stop"
    stands = talk.room.arm.robot_from_tcp
    talk.say("shift", mm=20, s=0.3, direction="back")
    talk.rest(S)
    assert (stands.inverse() @ talk.room.arm.robot_from_tcp).distance < 1e-6
    assert talk.room.coil_place(talk.now_us).lateral_m > 0.015


def test_a_silent_follower_is_retracted_by_the_controllers_own_program() -> None:
    talk = RoomTalk()
    talk.place_on_target()
    talk.start_program()
    talk.hold(300 * MS)
    talk.rest(2 * S)
    assert talk.room.coil_place(talk.now_us).gap_m == pytest.approx(0.065, abs=0.004)


def test_time_may_come_in_any_portions() -> None:
    fine, coarse = RoomTalk(Motion.FREE), RoomTalk(Motion.FREE)
    for _ in range(500):
        fine.rest(777)
    coarse.rest(500 * 777)
    assert fine.head() == coarse.head()
    assert fine.room.arm.ticks == coarse.room.arm.ticks
    assert fine.room.tracker.take() == coarse.room.tracker.take()


def test_a_room_on_a_machine_that_is_too_slow_says_so_and_catches_up_bit_by_bit() -> None:
    talk = RoomTalk()
    talk.clock.advance_to(talk.now_us + S)
    talk.room.catch_up(20 * MS)
    assert talk.room.arm.ticks in range(9, 13)
    assert [happening.kind for happening in talk.happenings] == [Kind.LATE]
    while talk.room.next_us <= talk.now_us:
        talk.room.catch_up(20 * MS)
    assert talk.room.arm.ticks == 500
    assert [happening.kind for happening in talk.happenings] == [Kind.LATE]
    assert talk.say("room")["late_ms"] in range(990, 1001)
    talk.rest(S)
    assert [happening.kind for happening in talk.happenings] == [Kind.LATE]


def test_a_patient_who_leaves_the_chair_does_not_brush_the_coil_that_stands_there() -> None:
    talk = RoomTalk()
    talk.place_on_target()
    talk.say("leave", s=2, missed_mm=0.0)
    talk.rest(4 * S)
    assert talk.room.coil_place(talk.now_us).gap_m > 0.2
    talk.rest(6 * S)
    assert talk.room.coil_place(talk.now_us).lateral_m < 1e-6
    assert Kind.TOUCH not in [happening.kind for happening in talk.happenings]


def test_a_trace_follows_the_coil_every_10_ms(tmp_path: Path) -> None:
    talk = RoomTalk()
    talk.place_on_target()
    trace = TraceFile(tmp_path / "trace")
    talk.room.trace = trace
    talk.say("shift", mm=20, s=0.4, direction="down")
    talk.rest(S)
    trace.close()
    lines = [json.loads(line) for line in (tmp_path / "trace").read_text().splitlines()]
    assert [b["at_us"] - a["at_us"] for a, b in pairwise(lines)] == [10_000] * (len(lines) - 1)
    gaps = [line["gap_mm"] for line in lines]
    assert gaps == sorted(gaps)
    assert (gaps[0], gaps[-1]) == (pytest.approx(5, abs=0.1), pytest.approx(21.8, abs=1))
    assert len(lines) in (99, 100)

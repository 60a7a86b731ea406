"""The head moves as published, does what is scripted, and is the same for whoever asks when."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from statistics import fmean

import pytest

from drivers.errors import OperatorError
from drivers.poses import Pose
from simulator.head.events import Breath, Event, Jerk, Leave, Nod, Shift, cough, startle, twitch
from simulator.head.motion import MOST_EVENTS, Head
from simulator.head.shapes import minimum_jerk, there_and_back
from simulator.head.statistics import STATISTICS, Motion
from simulator.head.wander import NOWHERE, Wander

S = 1_000_000
HALF_HOUR_S = 1800.0
STEP_S = 0.2
SEEDS = range(100, 106)
MOVING = (Motion.RESTRAINED, Motion.REST, Motion.FREE)


def head(motion: Motion = Motion.STILL, seed: int = 1) -> Head:
    return Head(Pose(translation=(0.4, 0, 0.1)), (0, 0, 0.04), motion, seed, 0)


def speed(event: Event, at_us: int) -> float:
    """m/s of the shift it makes, over a millisecond."""
    before, after = event.at(at_us - 500), event.at(at_us + 500)
    return math.dist(before[:3], after[:3]) / 0.001


# ── what is published ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("motion", MOVING)
def test_mean_spread_and_maximum_of_the_speed_are_the_published_ones(motion: Motion) -> None:
    wanted = STATISTICS[motion]
    speeds: list[float] = []
    for seed in SEEDS:
        wander = Wander(motion, seed)
        places = [wander.at(n * STEP_S)[:3] for n in range(int(HALF_HOUR_S / STEP_S))]
        speeds += [math.dist(a, b) / STEP_S for a, b in pairwise(places)]
    mean = fmean(speeds)
    spread = math.sqrt(fmean((each - mean) ** 2 for each in speeds))
    assert mean == pytest.approx(wanted.speed_mean_m_s, rel=0.15)
    assert spread == pytest.approx(wanted.speed_sd_m_s, rel=0.25)
    assert 0.5 * wanted.speed_max_m_s < max(speeds) < 1.05 * wanted.speed_max_m_s


@pytest.mark.parametrize("motion", MOVING)
def test_drift_after_half_an_hour_is_the_published_one_in_the_mean_and_never_beyond_the_published_maximum(
    motion: Motion,
) -> None:
    wanted = STATISTICS[motion]
    ends = [Wander(motion, seed).at(HALF_HOUR_S) for seed in range(30)]
    shifts, turns = [math.hypot(*end[:3]) for end in ends], [math.hypot(*end[3:]) for end in ends]
    assert fmean(shifts) == pytest.approx(wanted.drift_mean_m, rel=0.2)
    assert fmean(turns) == pytest.approx(wanted.turned_mean_rad, rel=0.2)
    assert max(shifts) < wanted.drift_max_m + 0.006  # and what it sways
    assert max(turns) < wanted.turned_max_rad + math.radians(3)


@pytest.mark.parametrize("motion", [Motion.RESTRAINED, Motion.REST])
def test_drift_after_five_minutes_is_the_published_one(motion: Motion) -> None:
    drift_m = fmean(math.hypot(*Wander(motion, seed).at(300)[:3]) for seed in range(80))
    assert 0.0052 < drift_m < 0.0082


def test_a_head_kept_still_does_not_move_at_all() -> None:
    assert {Wander(Motion.STILL, 3).at(float(n)) for n in range(100)} == {NOWHERE}


# ── a function of time and seed ─────────────────────────────────────────────────────────────────────────────────────


def test_it_is_the_same_in_whatever_order_it_is_asked() -> None:
    times = [n * 1.37 for n in range(400)]
    forward, backward = Wander(Motion.FREE, 9), Wander(Motion.FREE, 9)
    assert [forward.at(time) for time in times] == [backward.at(time) for time in reversed(times)][::-1]
    assert Wander(Motion.FREE, 9).at(500) != Wander(Motion.FREE, 10).at(500)


def test_it_begins_at_rest_where_it_was_put() -> None:
    assert Wander(Motion.FREE, 4).at(0.0) == NOWHERE
    assert math.hypot(*Wander(Motion.FREE, 4).at(0.01)[:3]) < 1e-6


def test_it_never_jumps() -> None:
    wander = Wander(Motion.FREE, 12)
    for n in range(60_000):
        a, b = wander.at(n / 200), wander.at((n + 1) / 200)
        assert math.dist(a[:3], b[:3]) < STATISTICS[Motion.FREE].speed_max_m_s / 200 * 1.1


def test_another_motion_goes_on_from_where_the_head_is() -> None:
    moving = head(Motion.FREE)
    before = moving.pose(600 * S)
    assert before.translation != head().pose(0).translation
    moving.wander_as(Motion.STILL, 0, 600 * S)
    assert moving.pose(600 * S) == before
    assert moving.pose(900 * S) == before


# ── shapes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_minimum_jerk_move_is_at_rest_at_both_ends_and_fastest_in_the_middle() -> None:
    assert [minimum_jerk(share) for share in (-1, 0, 0.5, 1, 2)] == [0, 0, 0.5, 1, 1]
    slopes = [(minimum_jerk(share + 1e-4) - minimum_jerk(share - 1e-4)) / 2e-4 for share in (0.001, 0.25, 0.5, 0.999)]
    assert slopes == pytest.approx([0, 1.0547, 1.875, 0], abs=1e-3)
    assert [there_and_back(share, 0.2) for share in (0, 0.2, 1)] == [0, 1, 0]


# ── scripted ────────────────────────────────────────────────────────────────────────────────────────────────────────

SCRIPTED: dict[str, Callable[[int], Event]] = {
    "shift": lambda at_us: Shift(at_us, (0.03, 0, 0), 600_000),
    "nod": lambda at_us: Nod(at_us, 0.1, S),
    "breath": lambda at_us: Breath(at_us, 0.3, 0.001, 30 * S),
    "cough": cough,
    "startle": lambda at_us: startle(at_us, (0, 0, 1)),
    "twitch": twitch,
    "leave": lambda at_us: Leave(at_us, 2 * S, 10 * S, (0.01, 0, 0)),
    "jerk": lambda at_us: Jerk(at_us, (0.01, 0, 0), 100_000, 200_000),
}


@pytest.mark.parametrize("name", SCRIPTED)
def test_an_event_gives_nothing_before_it_starts_never_jumps_and_rests_when_it_says(name: str) -> None:
    event = SCRIPTED[name](7 * S)
    assert event.at(0) == event.at(7 * S) == NOWHERE
    steps = [event.at(7 * S + n * 2_000) for n in range(20_000)]
    assert max(math.dist(a, b) for a, b in pairwise(steps)) < 0.004
    assert any(step != NOWHERE for step in steps)
    if event.rests_us is None:
        assert steps[-1] != NOWHERE
    else:
        assert event.at(event.rests_us) == pytest.approx(NOWHERE, abs=1e-12)
        assert event.at(event.rests_us + S) == pytest.approx(NOWHERE, abs=1e-12)


def test_a_shift_of_30_mm_in_600_ms_is_at_most_94_mm_a_second_and_stays() -> None:
    shift = Shift(0, (0.03, 0, 0), 600_000)
    assert max(speed(shift, at_us) for at_us in range(1_000, 600_000, 1_000)) == pytest.approx(0.0938, rel=0.01)
    assert shift.at(600_000)[0] == shift.at(10**9)[0] == 0.03


@pytest.mark.parametrize("asked", [0.1, 0.2])
def test_a_startle_is_as_fast_as_asked(asked: float) -> None:
    event = startle(0, (0.6, 0.8, 0), asked)
    assert max(speed(event, at_us) for at_us in range(1_000, 250_000, 1_000)) == pytest.approx(asked, rel=0.01)


def test_a_twitch_comes_after_its_pulse_as_a_muscle_does() -> None:
    event = twitch(0, 0.001)
    assert event.at(20_000) == NOWHERE
    assert event.at(60_000)[1] == pytest.approx(0.001)


def test_a_nod_turns_about_the_neck() -> None:
    event = Nod(0, math.radians(20), S)
    x, _, z, _, turn, _ = event.at(500_000)
    assert math.degrees(turn) == pytest.approx(20)
    assert (x, z) == pytest.approx((0.0513, -0.00905), abs=1e-4)


def test_whoever_leaves_the_chair_comes_back_a_little_beside() -> None:
    event = Leave(0, 2 * S, 10 * S, (0, 0.015, 0))
    assert event.at(7 * S)[:3] == pytest.approx((0.5, 0, 0.4))
    assert event.at(20 * S)[:3] == pytest.approx((0, 0.015, 0))


# ── all of it together ──────────────────────────────────────────────────────────────────────────────────────────────


def test_events_add_to_each_other_and_to_the_heads_own_motion() -> None:
    both, one = head(Motion.REST, 5), head(Motion.REST, 5)
    both.add(Shift(S, (0.01, 0, 0), S), 0)
    both.add(Shift(S, (0, 0.02, 0), S), 0)
    a, b = both.pose(9 * S).translation, one.pose(9 * S).translation
    assert [x - y for x, y in zip(a, b, strict=True)] == pytest.approx([0.01, 0.02, 0])


def test_a_turn_is_about_the_heads_centre() -> None:
    turned = head()
    turned.add(Shift(0, (0, 0, 0), S, (0, 0, 0.3)), 0)
    assert turned.pose(2 * S).apply((0, 0, 0.04)) == pytest.approx((0.4, 0, 0.14))
    assert turned.pose(2 * S).angle == pytest.approx(0.3)


def test_twitches_of_a_whole_treatment_are_let_go_and_shifts_are_kept_until_there_are_too_many() -> None:
    patient = head()
    for n in range(5 * MOST_EVENTS):
        patient.add(twitch(n * S), n * S)
    assert len(patient.events) < 5
    while len(patient.events) < MOST_EVENTS:
        patient.add(Shift(0, (0.001, 0, 0), S), 0)
    with pytest.raises(OperatorError, match="start anew"):
        patient.add(Shift(0, (0.001, 0, 0), S), 0)

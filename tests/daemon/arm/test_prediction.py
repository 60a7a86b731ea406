"""The filter: quieter than its input at rest, ahead of it in motion, indifferent to the frame's spacing."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from daemon.arm.prediction import FURTHEST_S, HeadFilter
from drivers.poses import Pose

START_US = 987_654_321
NOISE_M, NOISE_RAD = 0.00005, 0.0009


def measured(
    truth: Callable[[float], Pose], seconds: float, *, predicts: bool = True, jitter_us: int = 0
) -> tuple[list[float], list[float], HeadFilter]:
    """Errors of the prediction over 80 ms and of the newest measurement, against the truth then; after one second."""
    draw, head = random.Random(7), HeadFilter(NOISE_M, predicts=predicts)
    ours, raw = [], []
    for number in range(round(seconds * 60)):
        at_us = START_US + round(number * 16_667 + draw.uniform(-jitter_us, jitter_us))
        true = truth((at_us - START_US) / 1e6)
        noise = Pose.turned([draw.gauss(0, NOISE_RAD) for _ in range(3)], [draw.gauss(0, NOISE_M) for _ in range(3)])
        seen = Pose((true @ noise).quaternion, (Pose(translation=true.translation) @ noise).translation)
        head.correct(seen, at_us)
        then = truth((at_us - START_US) / 1e6 + 0.08)
        estimate = head.at(at_us + 80_000)
        if estimate is not None and number > 60:
            ours.append(math.dist(estimate.pose.translation, then.translation))
            raw.append(math.dist(seen.translation, then.translation))
    return ours, raw, head


def rms(values: list[float]) -> float:
    """Root mean square."""
    return math.sqrt(sum(value * value for value in values) / len(values))


def test_at_rest_a_prediction_is_quieter_than_the_tracker() -> None:
    ours, raw, head = measured(lambda _s: Pose(translation=(0.3, -0.2, 1.5)), 20)

    assert rms(ours) < 0.75 * rms(raw)
    assert head.at(START_US + 20_000_000) is not None


@pytest.mark.parametrize("jitter_us", [0, 4_000])
def test_in_steady_motion_it_is_ahead_by_what_the_arm_needs(jitter_us: int) -> None:
    def truth(at_s: float) -> Pose:
        return Pose.turned((0.0, 0.2 * at_s, 0.0), (0.05 * at_s, 0.0, 1.5))

    ours, raw, head = measured(truth, 3, jitter_us=jitter_us)
    estimate = head.at(START_US + 3_000_000)

    assert rms(ours) < 0.0003
    assert rms(raw) > 0.0035
    assert estimate is not None
    assert estimate.speed_m_s == pytest.approx(0.05, rel=0.05)
    assert math.hypot(*estimate.turning) == pytest.approx(0.2, rel=0.15)
    then, later = (truth(at_s).apply((0.15, 0.0, 0.0)) for at_s in (3.0, 3.001))
    assert estimate.velocity_of((0.15, 0.0, 0.0)) == pytest.approx(
        [(b - a) / 0.001 for a, b in zip(then, later, strict=True)], abs=0.004
    )


def slows(at_s: float) -> Pose:
    """100 mm/s until 2 s, then 0.3 m/s² less and less, to a stand."""
    slow_s = min(max(0.0, at_s - 2.0), 1 / 3)
    return Pose(translation=(0.1 * min(at_s, 2 + 1 / 3) - 0.15 * slow_s**2, 0.0, 1.5))


def test_what_slows_down_is_expected_to_go_on_slowing_down() -> None:
    _, _, head = measured(slows, 2.2)
    newest = head.at_us
    assert newest is not None
    then = head.at(newest + 100_000)
    assert then is not None
    true = slows((newest - START_US) / 1e6 + 0.1).translation[0]

    assert abs(then.pose.translation[0] - true) < 0.0006, "at the same speed it would go 1.5 mm too far"
    assert then.speed_m_s == pytest.approx(0.1 - 0.3 * 0.3, abs=0.01)


def test_what_slows_down_comes_to_a_stand_and_does_not_turn_back() -> None:
    _, _, head = measured(slows, 2.3)
    newest = head.at_us
    assert newest is not None
    places = [head.at(newest + ms * 1_000) for ms in range(150)]
    ways = [place.pose.translation[0] for place in places if place is not None]

    assert ways == sorted(ways)
    assert places[-1] is not None
    assert places[-1].speed_m_s < 1e-6, "of 20 mm/s nothing is left after 0.1 s"


def test_what_speeds_up_is_not_expected_to_go_on() -> None:
    _, _, head = measured(lambda at_s: Pose(translation=(0.1 * max(0.0, at_s - 2) ** 2, 0.0, 1.5)), 2.5)
    newest = head.at_us
    assert newest is not None
    now, then = head.at(newest), head.at(newest + 100_000)
    assert now is not None
    assert then is not None
    way = [b - a for a, b in zip(now.pose.translation, then.pose.translation, strict=True)]

    assert way == pytest.approx([0.1 * part for part in now.velocity], abs=1e-6)


def test_without_prediction_it_stays_at_the_newest_frame() -> None:
    ours, raw, _ = measured(lambda at_s: Pose(translation=(0.05 * at_s, 0.0, 1.5)), 3, predicts=False)

    assert rms(ours) == pytest.approx(rms(raw), rel=0.2)


def test_it_predicts_no_further_than_it_may() -> None:
    _, _, head = measured(lambda at_s: Pose(translation=(0.05 * at_s, 0.0, 1.5)), 2)
    newest = head.at_us
    assert newest is not None

    far, further = head.at(newest + round(FURTHEST_S * 1e6)), head.at(newest + 5_000_000)

    assert far == further


def test_half_a_turn_of_the_head_marker_is_no_seam() -> None:
    ours, _, head = measured(lambda at_s: Pose.turned((0.0, 0.0, 1.0 * at_s)), 7)
    estimate = head.at(START_US + 7_000_000)

    assert max(ours) < 0.001
    assert estimate is not None
    assert estimate.turning[2] == pytest.approx(1.0, rel=0.05)


def test_an_older_frame_changes_nothing_and_a_long_gap_begins_anew() -> None:
    _, _, head = measured(lambda at_s: Pose(translation=(0.05 * at_s, 0.0, 1.5)), 2)
    newest = head.at_us
    assert newest is not None
    before = head.at(newest)
    head.correct(Pose(translation=(9.0, 9.0, 9.0)), newest - 1)

    assert head.at(newest) == before

    head.correct(Pose(translation=(9.0, 9.0, 9.0)), newest + 2_000_000)
    after = head.at(newest + 2_000_000)
    assert after is not None
    assert after.pose.translation == (9.0, 9.0, 9.0)
    assert after.velocity == (0.0, 0.0, 0.0)

"""How far the head is thought to have gone: as long as frames come, and once one is missing."""

from __future__ import annotations

import pytest

from daemon.arm.prediction import Estimate
from daemon.arm.sight import Sight
from drivers.poses import Pose
from drivers.trackers import Frame, Tool
from drivers.trackers import Sight as Seen
from tests.daemon.arm.hold_room import FRAME_US, HEAD, LATENCY_US, ROBOT_FROM_CAMERA, SETUP, START_US

LAG_US = 80_000
SPEED_M_S = 0.05
FRAMES = 60
NEWEST_US = START_US + (FRAMES - 1) * FRAME_US


def seen(number: int, *, showing: int | None = None) -> Frame:
    """A frame of a head that goes along steadily; `showing` an earlier one's poses."""
    at_us, shown = START_US + number * FRAME_US, number if showing is None else showing
    head = Pose(translation=(SPEED_M_S * shown * FRAME_US / 1e6, 0.0, 0.0)) @ ROBOT_FROM_CAMERA.inverse() @ HEAD
    return Frame(number + 1, at_us, at_us + LATENCY_US, {Tool.HEAD: Seen(head)})


@pytest.fixture
def sight() -> Sight:
    """Has seen one second of it."""
    sight = Sight(SETUP)
    for number in range(FRAMES):
        sight.saw(seen(number), followed=True)
    return sight


def ahead(sight: Sight, after_us: int) -> Estimate:
    """By the lag, so long after the newest frame was seen."""
    estimate = sight.ahead(NEWEST_US + after_us, LAG_US)
    assert estimate is not None
    return estimate


def test_while_frames_come_it_goes_on_with_the_head(sight: Sight) -> None:
    a, b = ahead(sight, LATENCY_US), ahead(sight, LATENCY_US + 10_000)

    assert b.speed_m_s == pytest.approx(SPEED_M_S, rel=0.05)
    assert b.pose.translation[0] - a.pose.translation[0] == pytest.approx(0.01 * SPEED_M_S, rel=0.05)


def test_once_a_frame_is_missing_it_stands_where_it_would_be_by_then(sight: Sight) -> None:
    due, late = ahead(sight, SETUP.steady_us), ahead(sight, SETUP.steady_us + 1)

    assert due.speed_m_s > 0.9 * SPEED_M_S
    assert (late.pose, late.speed_m_s, late.turning) == (due.pose, 0.0, (0.0, 0.0, 0.0))
    assert ahead(sight, 500_000) == late


def test_a_frame_that_repeats_the_one_before_is_as_good_as_missing(sight: Sight) -> None:
    missing = ahead(sight, 500_000)
    sight.saw(seen(FRAMES, showing=FRAMES - 1), followed=True)

    assert ahead(sight, LATENCY_US + FRAME_US - 2_000) == missing

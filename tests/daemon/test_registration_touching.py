"""Touching the fiducials: which one is wanted, what counts as a touch, and what a person is told."""

from __future__ import annotations

import pytest

from daemon.registration import register
from daemon.registration_file import Fiducial
from daemon.registration_touching import Touching
from drivers.errors import OperatorError
from drivers.poses import Pose
from drivers.trackers import Frame, Missing, Tool
from tests.daemon.calibration_world import MARKER_FROM_SKULL, START, frame, held_at, on_marker


def touch_all(touching: Touching, frames: list[Frame], *, press_at: int | None = None) -> Touching:
    for number, each in enumerate(frames):
        if number == press_at:
            touching.begin()
        touching.feed(each)
    return touching


def test_fiducials_touched_on_a_moving_head_register_to_a_tenth_of_a_millimetre() -> None:
    points = on_marker()
    frames = [each.frame for each in held_at([points[each] for _ in range(2) for each in Fiducial])]

    touching = touch_all(Touching(2, hands_free=True), frames)
    found = register(touching.touches)

    assert touching.wanted is None
    assert (found.head_from_skull.inverse() @ MARKER_FROM_SKULL).distance < 2e-4
    assert found.nas.spread_mm < 0.5


def test_a_tip_left_on_one_point_is_one_touch() -> None:
    frames = [each.frame for each in held_at([on_marker()[Fiducial.NAS]], seconds=8)]

    touching = touch_all(Touching(1, hands_free=True), frames)

    assert touching.wanted is Fiducial.LPA
    assert "still at the point before" in touching.hint


def test_with_a_key_nothing_counts_before_it_is_pressed() -> None:
    frames = [each.frame for each in held_at([on_marker()[Fiducial.NAS]], seconds=4)]

    waiting = touch_all(Touching(1, hands_free=False), frames)
    pressed = touch_all(Touching(1, hands_free=False), frames, press_at=15)

    assert waiting.wanted is Fiducial.NAS
    assert "Press Enter" in waiting.hint
    assert pressed.wanted is Fiducial.LPA


def test_a_pointer_on_the_table_is_no_touch() -> None:
    frames = [each.frame for each in held_at([(0.5, 0.0, 0.0)], seconds=4)]

    touching = touch_all(Touching(1, hands_free=True), frames)

    assert touching.wanted is Fiducial.NAS
    assert "not at the head" in touching.hint


@pytest.mark.parametrize(
    ("tools", "said"),
    [
        ({Tool.POINTER: START}, "marker on the head"),
        ({Tool.HEAD: START, Tool.POINTER: Missing.NOT_SEEN}, "does not see the pointer"),
    ],
)
def test_a_tool_that_is_not_seen_is_named(tools: dict[Tool, Pose | Missing], said: str) -> None:
    assert said in touch_all(Touching(1, hands_free=True), [frame(0, tools)]).hint


def test_a_fiducial_nobody_touches_ends_the_waiting() -> None:
    frames = [frame(n, {Tool.HEAD: START, Tool.POINTER: Missing.NOT_SEEN}) for n in (0, 4000)]

    with pytest.raises(OperatorError, match=r"NAS was not touched within 3 minutes"):
        touch_all(Touching(1, hands_free=True), frames)

"""The two conversions of a threshold lose nothing on the unsafe side."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.quantities import PercentMso, PercentRmt
from safety.threshold import MotorThreshold, ThresholdMethod


def of(value: float) -> MotorThreshold:
    return MotorThreshold(PercentMso.of(value), ThresholdMethod.EMG, 20, None, "coil-1", 0)


@pytest.mark.parametrize(
    ("mt", "percent", "level"), [(50, 120, 60), (45, 120, 54), (45.5, 120, 54), (33, 110, 36), (52.5, 100, 52)]
)
def test_a_level_is_rounded_down_to_whole_percent(mt: float, percent: float, level: int) -> None:
    assert of(mt).level(PercentRmt.of(percent)) == PercentMso.of(level)


@pytest.mark.parametrize(("mt", "level", "percent"), [(50, 60, "120"), (33, 40, "121.3"), (70, 84, "120")])
def test_an_intensity_is_rounded_up_to_a_tenth(mt: float, level: int, percent: str) -> None:
    assert of(mt).intensity(PercentMso.of(level)) == PercentRmt.of(percent)


@given(mt=st.integers(1, 1000), percent=st.integers(0, 1300))
def test_the_level_of_an_intensity_is_never_more_than_that_intensity(mt: int, percent: int) -> None:
    threshold = MotorThreshold(PercentMso(mt), ThresholdMethod.EMG, 20, None, "coil-1", 0)
    level = threshold.level(PercentRmt(percent))
    assert level.tenths % 10 == 0
    assert threshold.intensity(level) <= PercentRmt(percent)
    assert (level.tenths + 10) * 1000 > percent * mt


@pytest.mark.parametrize("tenths", [0, 1001])
def test_a_threshold_outside_the_output_is_none(tenths: int) -> None:
    with pytest.raises(ValueError, match="above 0 and at most at 100 % MSO"):
        MotorThreshold(PercentMso(tenths), ThresholdMethod.EMG, 20, None, "coil-1", 0)
    assert of(0.1).value.tenths == 1
    assert of(100).value.tenths == 1000

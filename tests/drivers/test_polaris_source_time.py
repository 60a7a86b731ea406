"""The time of a frame from its number: what delays do to it, and what they must not."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.polaris.source_time import SourceTime

LATENCY_US = 14_200


def errors_us(
    times: SourceTime, *, began_us: int, period_us: float, delays_us: list[int], first: int = 5_000
) -> list[float]:
    """How far each frame's time lies from when it was seen."""
    found = []
    for n, delay_us in enumerate(delays_us):
        seen_us = began_us + n * period_us
        found.append(times.saw(first + n, round(seen_us) + LATENCY_US + delay_us) - seen_us)
    return found


@pytest.mark.parametrize("ppm", [-200, 0, 200])
@pytest.mark.parametrize("began_us", [0, 987_654_321_012])
def test_jitter_is_taken_off_at_any_rate_of_the_two_clocks(ppm: int, began_us: int) -> None:
    dice = random.Random(7)
    delays = [int(dice.expovariate(1 / 2_000)) for _ in range(3_600)]
    period_us = 1e6 / 60 * (1 + ppm * 1e-6)

    errors = errors_us(SourceTime(60, LATENCY_US), began_us=began_us, period_us=period_us, delays_us=delays)

    assert max(map(abs, errors[60:])) < 2_200  # while the model's rate is believed: 200 ppm of ten seconds
    assert max(map(abs, errors[1_200:])) < 300


@pytest.mark.parametrize("rate_hz", [20, 30, 400])
def test_a_unit_that_runs_at_another_rate_than_its_model_is_timed_by_its_own(rate_hz: int) -> None:
    errors = errors_us(SourceTime(60, LATENCY_US), began_us=5, period_us=1e6 / rate_hz, delays_us=[0] * rate_hz * 8)

    assert max(map(abs, errors[rate_hz * 4 :])) < 100


def test_a_burst_of_late_frames_moves_no_time() -> None:
    delays = [0] * 600 + [80_000] * 12 + [0] * 60

    errors = errors_us(SourceTime(60, LATENCY_US), began_us=5, period_us=1e6 / 60, delays_us=delays)

    assert max(map(abs, errors)) < 50


def test_a_counter_that_paused_is_timed_anew_within_a_second() -> None:
    delays = [0] * 600 + [700_000] * 120

    errors = errors_us(SourceTime(60, LATENCY_US), began_us=5, period_us=1e6 / 60, delays_us=delays)

    assert min(errors[600:610]) < -600_000 or max(errors[600:610]) < 50  # until then frames look old, never young
    assert all(abs(error - 700_000) < 100 for error in errors[670:])


@given(delays=st.lists(st.integers(0, 60_000), min_size=2, max_size=400))
def test_times_rise_and_a_frame_is_never_younger_than_its_latency(delays: list[int]) -> None:
    times = SourceTime(60, LATENCY_US)
    told = []
    for n, delay_us in enumerate(delays):
        received_us = 10_000_000 + n * 16_667 + delay_us
        told.append(times.saw(n, received_us))
        assert told[-1] <= max([received_us - LATENCY_US, *(before + 1 for before in told[:-1])])

    assert told == sorted(set(told))


def test_the_fit_is_cheap() -> None:
    times = SourceTime(60, LATENCY_US)
    errors_us(times, began_us=5, period_us=1e6 / 60, delays_us=[0] * 10_000)

    assert len(times._kept) == 60

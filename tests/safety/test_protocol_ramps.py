"""A phase whose first trains lead up to its intensity: what each is prescribed, and which ramps never load."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import ConfigError
from drivers.quantities import PercentMso, PercentRmt
from safety.limits import load_limits
from safety.plans import plan_of
from safety.protocols import LIBRARY, Protocol, parse_protocol
from safety.threshold import MotorThreshold, ThresholdMethod

LIMITS = load_limits()
RAMPED = (Path(__file__).parent / "files" / "ramped-protocol.toml").read_text("utf-8")
RAMP = "ramp = { from = 80, trains = 4 }"
MT = MotorThreshold(PercentMso.of(50), ThresholdMethod.EMG, 20, 15, "coil-1", 1)


def with_ramp(ramp: str) -> Protocol:
    assert RAMP in RAMPED
    return parse_protocol(RAMPED.replace(RAMP, ramp), "some.toml", LIMITS)


def error_of(ramp: str) -> str:
    with pytest.raises(ConfigError) as caught:
        with_ramp(ramp)
    return str(caught.value)


def prescribed(ramp: str) -> list[float]:
    phase = with_ramp(ramp).phases[0]
    return [phase.intensity_of(number).number for number in range(phase.trains)]


def levels(intensity: float | None, remaining: int = 120) -> list[float]:
    lowered = None if intensity is None else PercentRmt.of(intensity)
    return [planned.level.number for planned in plan_of(with_ramp(RAMP), MT, lowered, remaining)]


@pytest.mark.parametrize(
    ("ramp", "trains"),
    [
        ("", [100, 100, 100, 100, 100, 100]),
        (RAMP, [80, 85, 90, 95, 100, 100]),
        ("ramp = { from = 85, trains = 4 }", [85, 88.7, 92.5, 96.2, 100, 100]),
        ("ramp = { from = 99.9, trains = 1 }", [99.9, 100, 100, 100, 100, 100]),
        ("ramp = { from = 95, trains = 5 }", [95, 96, 97, 98, 99, 100]),
    ],
)
def test_the_first_trains_rise_evenly_and_the_next_has_the_phase_s_intensity(ramp: str, trains: list[float]) -> None:
    assert prescribed(ramp) == trains


@pytest.mark.parametrize(
    ("ramp", "wrong"),
    [
        (
            "from = 0, trains = 5",
            (
                "ramp begins at 0 % rMT, not above 0 and below 100 % rMT; "
                "ramp rises by 100 % rMT in 5 trains, more than 5 % rMT from one to the next"
            ),
        ),
        ("from = 100, trains = 4", "ramp begins at 100 % rMT, not above 0 and below 100 % rMT"),
        ("from = 95, trains = 6", "ramp takes 6 trains of 6, none is left at 100 % rMT"),
        ("from = 79.9, trains = 4", "ramp rises by 20.1 % rMT in 4 trains, more than 5 % rMT from one to the next"),
        ("from = 80, trains = 3", "ramp rises by 20 % rMT in 3 trains, more than 5 % rMT from one to the next"),
    ],
)
def test_a_ramp_that_contradicts_its_phase_or_rises_too_fast_does_not_load(ramp: str, wrong: str) -> None:
    assert error_of(f"ramp = {{ {ramp} }}") == f"some.toml: {wrong}; correct the file against its source"


def test_a_ramp_may_begin_at_the_least_there_is() -> None:
    weak = RAMPED.replace("intensity = 100", "intensity = 5").replace("from = 80", "from = 0.1")
    assert parse_protocol(weak, "some.toml", LIMITS).phases[0].intensity_of(0) == PercentRmt.of(0.1)


@pytest.mark.parametrize(
    ("ramp", "wrong"),
    [
        ("from = 80, trains = 0", "[phases 1.ramp] trains = 0: must be a whole number from 1 to 1000"),
        ("from = 80, trains = 1001", "[phases 1.ramp] trains = 1001: must be a whole number from 1 to 1000"),
        ("from = 80.05, trains = 4", "resolution of 0.1"),
        ("trains = 4", "[phases 1.ramp] from is missing"),
        ("from = 80", "[phases 1.ramp] trains is missing"),
        ("from = 80, trains = 4, to = 90", "[phases 1.ramp] to = 90: no such key here"),
    ],
)
def test_a_malformed_ramp_is_refused_with_its_key(ramp: str, wrong: str) -> None:
    assert wrong in error_of(f"ramp = {{ {ramp} }}")


def test_pulses_that_are_triggered_one_by_one_have_no_ramp() -> None:
    slow = (LIBRARY / "lf-right-1hz.toml").read_text("utf-8")
    ramped = slow.replace("rate = 1\n", "ramp = { from = 115, trains = 1 }\nrate = 1\n", 1)
    with pytest.raises(ConfigError) as caught:
        parse_protocol(ramped, "some.toml", LIMITS)
    assert "some.toml: ramp rises from train to train, and this phase is triggered pulse by pulse;" in str(caught.value)
    assert parse_protocol(slow, "some.toml", LIMITS).phases[0].ramp is None


@given(st.integers(700, 999), st.integers(1, 5))
def test_no_train_of_a_ramp_that_loads_is_more_than_one_step_above_the_last(start_tenths: int, trains: int) -> None:
    try:
        rising = prescribed(f"ramp = {{ from = {start_tenths / 10}, trains = {trains} }}")
    except ConfigError:
        return
    assert all(0 <= round(10 * (later - sooner)) <= 50 for sooner, later in pairwise(rising))


def test_a_plan_has_each_train_at_its_own_level_rounded_down() -> None:
    assert levels(None) == [40, 42, 45, 47, 50, 50]


def test_of_the_ramp_and_a_lowered_intensity_the_lower_one_holds() -> None:
    assert levels(88) == [40, 42, 44, 44, 44, 44]
    assert levels(70) == [35] * 6


def test_what_is_left_of_a_phase_begins_with_its_ramp() -> None:
    assert levels(None, 60) == [40, 42, 45]
    assert levels(None, 101) == [40, 42, 45, 47, 50, 50]

"""Threshold records: appended, and the newest of a subject for a coil."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.guard_words import Threshold
from daemon.thresholds import FILE_NAME, Thresholds, as_motor_threshold, mso_tenths
from drivers.errors import ConfigError, OperatorError
from drivers.quantities import PercentMso, PercentRmt


def record(value: str = "50", coil: str = "coil-1", at: int = 1) -> Threshold:
    return Threshold(value_tenths=mso_tenths(value), method="emg", pulses=20, coil=coil, taken_wall_us=at)


def test_the_newest_record_for_the_coil_counts_whatever_order_they_were_filed_in(tmp_path: Path) -> None:
    store = Thresholds(tmp_path)
    store.file("s-1", record("52", at=2), "operator")
    store.file("s-1", record("50", at=1), "operator")
    store.file("s-1", record("60", "coil-2", at=3), "operator")
    store.file("s-2", record("70", at=4), "operator")

    newest = store.latest("s-1", "coil-1")
    assert newest is not None
    assert newest.value_tenths == 520


def test_nobody_and_no_file_have_no_threshold(tmp_path: Path) -> None:
    assert Thresholds(tmp_path / "none").latest("s-1", "coil-1") is None


def test_a_damaged_line_refuses_all_because_it_may_be_the_newest(tmp_path: Path) -> None:
    store = Thresholds(tmp_path)
    store.file("s-1", record(), "operator")
    path = tmp_path / FILE_NAME
    path.write_bytes(path.read_bytes() + b'{"subject":"s-1","thr')
    with pytest.raises(ConfigError, match="1 damaged line"):
        store.latest("s-1", "coil-1")


@pytest.mark.parametrize("value", ["0", "100.1", "42.55", "high", "-1", "1e999999999", "nan"])
def test_a_value_that_is_no_threshold_is_refused_with_a_sentence(value: str) -> None:
    with pytest.raises(OperatorError) as caught:
        record(value)
    said = f"'{value}' is no % MSO. Write 0.1 to 100 with at most one decimal, such as 42 or 42.5."
    assert str(caught.value) == said


@pytest.mark.parametrize(("value", "tenths"), [("0.1", 1), ("42", 420), ("42.5", 425), ("100", 1000)])
def test_tenths_are_kept_exactly(value: str, tenths: int) -> None:
    assert record(value).value_tenths == tenths


def test_a_subject_without_a_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="subject is no name"):
        Thresholds(tmp_path).file("", record(), "operator")


def test_the_rules_get_the_record_as_it_was_filed() -> None:
    threshold = as_motor_threshold(record("45.5"))

    assert threshold.value == PercentMso(455)
    assert threshold.level(PercentRmt(1200)) == PercentMso(540)  # 54.6 % in whole per cents

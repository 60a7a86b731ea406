"""Loading limits, and what a site may change of them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from drivers.errors import ConfigError
from drivers.quantities import Hertz, PercentRmt
from safety.limits import DATA, load_limits

LIMITS = load_limits()


def loaded_with(folder: Path, file: str, changed: str, to: str) -> None:
    """Loads a copy of the data in which one text is another."""
    for name in ("limits.toml", "choices.toml"):
        text = (DATA / name).read_text("utf-8")
        if name == file:
            assert changed in text
            text = text.replace(changed, to, 1)
        (folder / name).write_text(text, "utf-8")
    load_limits(folder)


@pytest.mark.parametrize(
    ("file", "changed", "to", "what"),
    [
        ("limits.toml", "default = 120\nhard", "default = 131\nhard", "less safe than the hard value 130"),
        ("limits.toml", "default = 15\nhard = 10", "default = 9\nhard = 10", "less safe than the hard value 10"),
        ("limits.toml", 'unit = "% rMT"', 'unit = "furlongs"', 'unit = "furlongs": must be one of'),
        ("limits.toml", "[minimum_gap]", "[minimal_gap]", "missing or unknown: minimal_gap_us, minimum_gap_us"),
        ("limits.toml", "verified = false", "verified = 0", "must be true or false"),
        ("limits.toml", "hard = [5, 5, 4.2, 2.9]", "hard = [5, 5, 4.2]", "as many entries as default and hard"),
        ("limits.toml", "hard = [5, 5, 4.2, 2.9]", "hard = [5, 5, 3.1, 2.9]", "3.2 s exceeds the hard value 3.1 s"),
        ("limits.toml", "[5, 5, 3.2, 2.2]", "[5, 5, 3.2, -2.2]", "must be a number from 0"),
        ("limits.toml", "[5, 5, 3.2, 2.2]", "[5, 5, 3.2, 2.0000001]", "finer than the resolution of its unit"),
        ("limits.toml", "[5, 5, 3.2, 2.2]", "[5, 5, 3.2, inf]", "must be a number from 0"),
        ("limits.toml", "rate = 10\n", "rate = 0\n", "must be above 0"),
        ("limits.toml", "default = 20\nhard = 25", "default = 20.05\nhard = 25", "resolution of 0.1"),
        ("limits.toml", "default = 20\nhard = 25", "default = 20\nhard = 25.05", "resolution of 0.1"),
        ("limits.toml", "longest = 4", "longest = 4\nshortest = 1", "shortest = 1: no such key here"),
        ("choices.toml", 'why = "five beats of 50 ms"', 'whence = "x"', "why is missing"),
        ("choices.toml", "[timing]", "[times]", "timing is missing"),
        ("choices.toml", "[limits]", "[more]\n[limits]", "more"),
    ],
)
def test_data_that_does_not_hold_is_refused(file: str, changed: str, to: str, what: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded_with(tmp_path, file, changed, to)
    assert what in str(caught.value)


def test_the_same_data_from_another_folder_are_the_same_limits(tmp_path: Path) -> None:
    loaded_with(tmp_path, "limits.toml", "default = 120", "default = 120")
    assert load_limits(tmp_path).digest == LIMITS.digest


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"limits\.toml: cannot be read"):
        load_limits(tmp_path)


def test_every_row_has_a_source_and_choices_say_so() -> None:
    for row in LIMITS.rows.values():
        assert row.source
        if row.file.endswith("choices.toml"):
            assert row.source.startswith("engineering choice: ")
            assert not row.verified


@pytest.mark.parametrize(
    ("name", "safer", "hardest", "beyond"),
    [
        ("intensity", 100, 130, 130.1),
        ("minimum_gap", 8, 5, 4.9),
        ("threshold_pulses", 30, 10, 9),
        ("cell_10hz_120", 2, 4.2, 4.3),
        ("beat", 200, 300, 301),
        ("presence_new", 0.5, 1, 1.1),
        ("tier2_10hz_120", 3, 4, 4.1),
    ],
)
def test_a_site_may_tighten_and_go_to_the_hard_value_but_no_further(
    name: str, safer: float, hardest: float, beyond: float
) -> None:
    for allowed in (safer, hardest):
        number = LIMITS.tightened({name: Decimal(str(allowed))}).rows[name].number
        assert number == Decimal(str(allowed))
    with pytest.raises(ConfigError, match=f"room.toml: .limits. {name} = .*, the hard value; choose a safer one"):
        LIMITS.tightened({name: Decimal(str(beyond))}, "room.toml")


@pytest.mark.parametrize(
    ("site", "what"),
    [
        ({"intensty": 100}, "intensty = 100: no such limit"),
        ({"intensity": "100"}, 'intensity = "100": must be a number from 0'),
        ({"intensity": True}, "intensity = True"),
        ({"intensity": Decimal("100.05")}, "resolution of 0.1"),
        ({"day_pulses": Decimal("2999.5")}, "finer than the resolution of its unit"),
    ],
)
def test_a_site_s_mistake_is_named(site: dict[str, object], what: str) -> None:
    with pytest.raises(ConfigError) as caught:
        LIMITS.tightened(site)
    assert what in str(caught.value)


def test_a_tightened_limit_reaches_its_field_and_changes_the_digest() -> None:
    tight = LIMITS.tightened({"beat": 200, "intensity": 110, "cell_20hz_100": 1})
    assert tight.timing.beat_us == 200_000
    assert tight.intensity == PercentRmt.of(110)
    assert tight.digest != LIMITS.digest
    assert LIMITS.tightened({}).digest == LIMITS.digest
    cell = tight.cell(Hertz.of(20), PercentRmt.of(100))
    assert cell is not None
    assert cell.pulses(Hertz.of(20)) == 20


def test_the_hard_value_stays_when_the_number_is_tightened() -> None:
    assert LIMITS.tightened({"intensity": 110}).hard("intensity") == PercentRmt.of(130)


def test_slack_stretches_what_others_must_say_in_time_and_late_ticks_alone() -> None:
    timing = LIMITS.timing
    slack = timing.slackened(4)
    changed = {name for name in timing.__slots__ if getattr(timing, name) != getattr(slack, name)}
    assert changed == {"beat_us", "beat_fast_us", "presence_new_us", "presence_cut_us", "late_tick_us", "lease_us"}
    assert slack.beat_us == 1_000_000
    assert timing.slackened(1) == timing


@pytest.mark.parametrize(
    ("hertz", "percent", "cell"),
    [
        (10, 120, "10 Hz, 120 %"),
        (10, 120.1, "10 Hz, 130 %"),
        (10.1, 120, "20 Hz, 120 %"),
        (1, 1, "1 Hz, 100 %"),
        (25, 130, "25 Hz, 130 %"),
        (3, None, "5 Hz, 130 %"),
        (10, 130.1, "None"),
        (25.1, 100, "None"),
        (25.1, None, "None"),
    ],
)
def test_between_rows_the_next_higher_rate_and_intensity_bind(hertz: float, percent: float | None, cell: str) -> None:
    intensity = None if percent is None else PercentRmt.of(percent)
    assert str(LIMITS.cell(Hertz.of(hertz), intensity)) == cell

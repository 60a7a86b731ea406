"""Loading limits, and what a site may change of them."""

from __future__ import annotations

import ast
import tomllib
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path

import pytest

from drivers.errors import ConfigError
from drivers.quantities import Hertz, PercentRmt
from safety.limits import DATA, Limits, Timing, load_limits

ROOT = Path(__file__).parents[2]
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
        (
            "limits.toml",
            "default = 120\nhard",
            "default = 131\nhard",
            "[intensity] default = 131: less safe than the hard value 130; correct one of the two",
        ),
        (
            "limits.toml",
            "default = 15\nhard = 10",
            "default = 9\nhard = 10",
            "[threshold_pulses] default = 9: less safe than the hard value 10; correct one of the two",
        ),
        (
            "choices.toml",
            "default = 300, end = 50",
            "default = 49, end = 50",
            "[timing.exchange] default = 49: beyond the end 50 of the safer side; correct one of the two",
        ),
        (
            "choices.toml",
            "end = 50, unit",
            "end = 50.0001, unit",
            "[timing.exchange] end = 50.0001: finer than the resolution of its unit; write a rounder number of ms",
        ),
        (
            "limits.toml",
            'safer = "lower"',
            'safer = "left"',
            '[intensity] safer = "left": must be one of "lower", "higher"; write one of "lower", "higher"',
        ),
        (
            "limits.toml",
            "verified = false",
            "verified = 0",
            "[intensity] verified = 0: must be true or false; write true or false",
        ),
        (
            "limits.toml",
            "hard = [5, 5, 4.2, 2.9]",
            "hard = [5, 5, 4.2]",
            "[cells 3] intensity = [100, 110, 120, 130]: as many entries as default and hard; complete the row",
        ),
        (
            "limits.toml",
            "hard = [5, 5, 4.2, 2.9]",
            "hard = [5, 5, 3.1, 2.9]",
            "[cells 3] default = [5, 5, 3.2, 2.2]: 3.2 s exceeds the hard value 3.1 s; correct one of the two",
        ),
        (
            "limits.toml",
            "[5, 5, 3.2, 2.2]",
            "[5, 5, 3.2, -2.2]",
            "[cells 3] default = -2.2: must be a number from 0; choose a value inside",
        ),
        (
            "limits.toml",
            "[5, 5, 3.2, 2.2]",
            "[5, 5, 3.2, inf]",
            "[cells 3] default = Infinity: must be a number from 0; choose a value inside",
        ),
        ("limits.toml", "rate = 10\n", "rate = 0\n", "[cells 3] rate = 0: must be above 0; write it in Hz"),
        (
            "limits.toml",
            "longest = 4",
            "longest = 4\nshortest = 1",
            (
                "[named 1] shortest = 1: no such key here;"
                " remove it, or write one of: intensity, longest, rate, source, verified"
            ),
        ),
        (
            "choices.toml",
            'why = "five beats of 50 ms"',
            'whence = "x"',
            "[timing.beat] why is missing: must be a text in quotes; write a text in quotes",
        ),
        ("choices.toml", "[timing]", "[times]", "[file] timing is missing: must be a table; write a table"),
        (
            "choices.toml",
            "[limits]",
            "[more]\n[limits]",
            "[file] more = {}: no such key here; remove it, or write one of: limits, timing",
        ),
    ],
)
def test_data_that_does_not_hold_is_refused(file: str, changed: str, to: str, what: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded_with(tmp_path, file, changed, to)

    assert str(caught.value) == f"{tmp_path / file}: {what}"


TOO_FINE = "finer than the resolution of its unit; write a rounder number of"


def tenths_only(quantity: str, number: float) -> str:
    return f"{quantity} has a resolution of 0.1, and {number} does not fit; write a rounder number of"


@pytest.mark.parametrize(
    ("changed", "to", "what"),
    [
        ("20\nhard = 25", "20.05\nhard = 25", f"[rate] default = 20.05: {tenths_only('Hertz', 20.05)} Hz"),
        ("20\nhard = 25", "20\nhard = 25.05", f"[rate] hard = 25.05: {tenths_only('Hertz', 25.05)} Hz"),
        ("rate = 10\n", "rate = 10.05\n", f"[cells 3] rate = 10.05: {tenths_only('Hertz', 10.05)} Hz"),
        (
            "intensity = [100, 110, 120, 130]",
            "intensity = [100, 110, 120, 130.05]",
            f"[cells 1] intensity = [100, 110, 120, 130.05]: {tenths_only('PercentRmt', 130.05)} % rMT",
        ),
        (
            "intensity = 120\nlongest",
            "intensity = 120.05\nlongest",
            f"[named 1] intensity = 120.05: {tenths_only('PercentRmt', 120.05)} % rMT",
        ),
        ("[5, 5, 3.2, 2.2]", "[5, 5, 3.2, 2.0000001]", f"[cells 3] default = [5, 5, 3.2, 2.0000001]: {TOO_FINE} s"),
        ("[5, 5, 4.2, 2.9]", "[5, 5, 4.2, 2.9000001]", f"[cells 3] hard = [5, 5, 4.2, 2.9000001]: {TOO_FINE} s"),
        ("longest = 4", "longest = 4.0000001", f"[named 1] longest = 4.0000001: {TOO_FINE} s"),
    ],
)
def test_a_number_finer_than_its_unit_is_refused_under_its_own_key(
    changed: str, to: str, what: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded_with(tmp_path, "limits.toml", changed, to)

    assert str(caught.value) == f"{tmp_path / 'limits.toml'}: {what}"


def test_an_unknown_unit_is_refused_with_those_there_are(tmp_path: Path) -> None:
    units = '"d", "s", "ms", "pulses", "triggers", "cuts", "days", "%", "degC", "Hz", "% MSO", "% rMT"'

    with pytest.raises(ConfigError) as caught:
        loaded_with(tmp_path, "limits.toml", 'unit = "% rMT"', 'unit = "furlongs"')

    sentence = f'[intensity] unit = "furlongs": must be one of {units}; write one of {units}'
    assert str(caught.value) == f"{tmp_path / 'limits.toml'}: {sentence}"


def test_a_row_renamed_is_one_missing_and_one_unknown(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded_with(tmp_path, "limits.toml", "[minimum_gap]", "[minimal_gap]")

    names = "minimal_gap_us, minimum_gap_us"
    assert str(caught.value) == f"limits: missing or unknown: {names}; restore the data files"


def test_the_same_data_from_another_folder_are_the_same_limits(tmp_path: Path) -> None:
    loaded_with(tmp_path, "limits.toml", "default = 120", "default = 120")
    assert load_limits(tmp_path).digest == LIMITS.digest


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"limits\.toml: cannot be read"):
        load_limits(tmp_path)


def test_every_row_has_a_source_and_choices_say_so() -> None:
    choices = tomllib.loads((DATA / "choices.toml").read_text("utf-8"))
    chosen = choices["limits"] | choices["timing"]
    rows = load_limits().rows

    assert chosen.keys() < rows.keys()
    for row in rows.values():
        assert row.source
        if row.name in chosen:
            assert row.source == f"engineering choice: {chosen[row.name]['why']}"
            assert row.verified is False


@pytest.mark.parametrize(
    ("name", "verified", "source"),
    [
        ("intensity", False, "Default: FDA predicate of 21 CFR 882.5805; hard: Rossi 2009 Table 4 ends at 130 %"),
        ("minimum_gap", True, "Chen 1997, PubMed 9448642: 5 s safe, 1 s unsafe above 100 % MT"),
        ("cell_10hz_120", False, "Chen 1997 part B; hard: Rossi 2009 Table 4"),
        ("tier2_10hz_120", True, "O'Reardon 2007, the FDA predicate: 10 Hz, 4 s, 120 % MT"),
    ],
)
def test_a_row_says_who_published_it_and_whether_somebody_has_seen_it_there(
    name: str, verified: bool, source: str
) -> None:
    row = load_limits().rows[name]

    assert (row.verified, row.source) == (verified, source)


@pytest.mark.parametrize(
    ("name", "safer", "hardest", "beyond", "bound"),
    [
        ("intensity", 100, 130, 130.1, "at most 130 % rMT"),
        ("minimum_gap", 8, 5, 4.9, "at least 5 s"),
        ("threshold_pulses", 30, 10, 9, "at least 10 pulses"),
        ("cell_10hz_120", 2, 4.2, 4.3, "at most 4.2 s"),
        ("beat", 200, 300, 301, "at most 300 ms"),
        ("presence_new", 0.5, 1, 1.1, "at most 1 s"),
        ("tier2_10hz_120", 3, 4, 4.1, "at most 4 s"),
    ],
)
def test_a_site_may_tighten_and_go_to_the_hard_value_but_no_further(
    name: str, safer: float, hardest: float, beyond: float, bound: str
) -> None:
    limits = load_limits()
    for allowed in (safer, hardest):
        number = limits.tightened({name: Decimal(str(allowed))}).rows[name].number
        assert number == Decimal(str(allowed))
    with pytest.raises(ConfigError) as caught:
        limits.tightened({name: Decimal(str(beyond))}, "room.toml")

    sentence = f"{name} = {beyond}: must be {bound}, the hard value; choose a safer one"
    assert str(caught.value) == f"room.toml: [limits] {sentence}"


@pytest.mark.parametrize(
    ("name", "end", "beyond", "bound"),
    [
        ("script_block", 1, 0, "at least 1 pulses"),
        ("exchange", 50, 49, "at least 50 ms"),
        ("disarm_repeat", 30, 29, "at least 30 ms"),
        ("disarm_confirm", 150, 149, "at least 150 ms"),
        ("disarm_boot", 0.15, 0.149, "at least 0.15 s"),
        ("disarm_unconfirmed_repeat", 5000, 5001, "at most 5000 ms"),
        ("half_frame", 20, 19, "at least 20 ms"),
        ("owed", 10, 10.1, "at most 10 s"),
        ("nonce_every", 50, 49, "at least 50 ms"),
    ],
)
def test_a_number_is_tightened_as_far_as_it_does_its_work_and_no_further(
    name: str, end: float, beyond: float, bound: str
) -> None:
    assert LIMITS.tightened({name: Decimal(str(end))}).rows[name].number == Decimal(str(end))
    with pytest.raises(ConfigError) as caught:
        LIMITS.tightened({name: Decimal(str(beyond))}, "room.toml")

    sentence = f"{name} = {beyond}: must be {bound} to do its work; choose a value inside"
    assert str(caught.value) == f"room.toml: [limits] {sentence}"


def test_frames_that_confirm_nothing_may_be_written_less_often_by_a_site_and_never_more_often() -> None:
    """Each of them keeps an armed device awake."""
    assert LIMITS.tightened({"disarm_unconfirmed_repeat": 2000}).timing.disarm_unconfirmed_repeat_us == 2_000_000
    with pytest.raises(ConfigError, match="disarm_unconfirmed_repeat = 500: must be at least 1500 ms"):
        LIMITS.tightened({"disarm_unconfirmed_repeat": 500})


def test_a_row_without_an_end_goes_all_the_way_and_an_end_is_part_of_what_is_signed() -> None:
    assert LIMITS.tightened({"phantom_pulses": 0}).phantom_pulses == 0
    row = LIMITS.rows["exchange"]
    assert len({replace(row, end=end).digest for end in (None, Decimal(50), Decimal(60))}) == 3
    assert replace(row, end=Decimal("50.0")).digest == row.digest


@pytest.mark.parametrize(
    ("site", "what"),
    [
        ({"intensty": 100}, "intensty = 100: no such limit; names are listed in safety/README.md"),
        ({"intensity": "100"}, 'intensity = "100": must be a number from 0; write a number from 0'),
        ({"intensity": True}, "intensity = True: must be a number from 0; write a number from 0"),
        ({"intensity": Decimal("100.05")}, f"intensity = 100.05: {tenths_only('PercentRmt', 100.05)} % rMT"),
        ({"day_pulses": Decimal("2999.5")}, f"day_pulses = 2999.5: {TOO_FINE} pulses"),
    ],
)
def test_a_site_s_mistake_is_named(site: dict[str, object], what: str) -> None:
    with pytest.raises(ConfigError) as caught:
        LIMITS.tightened(site)

    assert str(caught.value) == f"site file: [limits] {what}"


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


def asked_for(owner: str) -> set[str]:
    """What the product reads of whatever it calls `owner`, in all modules but that of the limits themselves."""
    read = set()
    for path in (path for folder in ("safety", "daemon") for path in (ROOT / folder).rglob("*.py")):
        if path == ROOT / "safety" / "limits.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                match node.value:
                    case ast.Name(id=name) | ast.Attribute(attr=name) if name == owner:
                        read.add(node.attr)
    return read


def test_every_limit_that_a_site_may_set_is_read_by_what_it_limits() -> None:
    """A number nobody reads is reviewed, signed and set, and limits nothing."""
    by_method = {"cells": "cell", "named": "names"}
    plain = {by_method.get(field.name, field.name) for field in fields(Limits)}

    assert plain - asked_for("limits") == set()
    assert {field.name for field in fields(Timing)} - asked_for("timing") == set()

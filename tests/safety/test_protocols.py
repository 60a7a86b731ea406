"""A protocol whose arithmetic does not hold never loads, and the error names each wrong figure."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.errors import ConfigError
from drivers.quantities import SECOND_US, Hertz, PercentRmt
from safety.limits import load_limits
from safety.protocols import LIBRARY, load_protocols, most_in_window, parse_protocol

LIMITS = load_limits()
STANDARD = (LIBRARY / "mdd-10hz-37.toml").read_text("utf-8")
WRONG = Path(__file__).parent / "files" / "wrong-protocol.toml"


def error_of(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_protocol(text, "some.toml", LIMITS)
    return str(caught.value)


def test_the_library_loads_by_id() -> None:
    assert sorted(load_protocols()) == ["demo", "lf-right-1hz", "mdd-10hz-19", "mdd-10hz-37", "mdd-10hz-5-25"]


def test_the_deliberately_wrong_protocol_is_refused_with_every_wrong_figure() -> None:
    assert error_of(WRONG.read_text("utf-8")) == (
        "some.toml: "
        "published says 2220 s, its arithmetic gives 900.0 s; "
        "span says 2220 s, its arithmetic gives 879.9 s; "
        "exceeds says 10 Hz, 120 % for 4 s, the tables give 10 Hz, 120 % for 10 s; "
        "10 Hz, 120 % for 10 s is in no cell that a named protocol may exceed; "
        "windows says (10, 40, 80), its arithmetic gives (10, 100, 200); "
        "correct the file against its source"
    )


@pytest.mark.parametrize(
    ("changed", "to", "figure"),
    [
        ("pulses = 3000", "pulses = 3001", "pulses says 3001, its arithmetic gives 3000"),
        ("on = 4", "on = 3.9", "on (s) says 3.9, its arithmetic gives 4"),
        ("published = 2250", "published = 2273", "published says 2273 s, its arithmetic gives 2250.0 s"),
        ("span = 2223.9", "span = 2201", "span says 2201 s, its arithmetic gives 2223.9 s"),
        ("s60 = 80", "s60 = 81", "windows says (10, 40, 81), its arithmetic gives (10, 40, 80)"),
        ("seconds = 4 ", "seconds = 3.9 ", "exceeds says 10 Hz, 120 % for 3.9 s"),
        ("[{ rate = 10, intensity = 120, seconds = 4 }]", "[]", "exceeds says nothing, the tables give 10 Hz, 120 %"),
        (
            "exceeds = [{",
            "exceeds = [{ rate = 1, intensity = 110, seconds = 300 }, {",
            "exceeds says 1 Hz, 110 % for 300 s, 10 Hz, 120 % for 4 s, the tables give 10 Hz, 120 % for 4 s; correct",
        ),
        (
            "intensity = 120\nrate",
            "intensity = 110\nrate",
            "exceeds says 10 Hz, 120 % for 4 s, the tables give nothing",
        ),
        ("train_pulses = 40", "train_pulses = 1", "exceeds says 10 Hz, 120 % for 4 s, the tables give nothing"),
        ("per_day = 3000", "per_day = 4000", "per_day says 4000, no multiple of 3000"),
        ("per_day = 3000", "per_day = 9000", "per_day is 9000, above the hard limit of 6000"),
        ("rate = 10\ntrain", "rate = 30\ntrain", "window_1s is 30, above the hard limit of 25"),
        ("rate = 10\ntrain", "rate = 30\ntrain", "30 Hz, 120 % for 1.33333 s is in no cell"),
    ],
)
def test_each_figure_is_proved_by_itself(changed: str, to: str, figure: str) -> None:
    assert changed in STANDARD
    assert figure in error_of(STANDARD.replace(changed, to))


def test_a_train_that_ends_between_two_microseconds_exceeds_its_cell_up_to_the_first() -> None:
    cell = "exceeds = [{ rate = 7, intensity = 120, seconds = 7.142857 }]"
    seven = STANDARD.replace("rate = 10\ntrain_pulses = 40", "rate = 7\ntrain_pulses = 50")
    changed = seven.replace("exceeds = [{ rate = 10, intensity = 120, seconds = 4 }]", cell)
    longer = changed.replace("7.142857 }", "7.142858 }")

    assert "exceeds says" not in error_of(changed)
    assert "exceeds says 7 Hz, 120 % for 7.14286 s, the tables give 7 Hz, 120 % for 7.14286 s" in error_of(longer)


@pytest.mark.parametrize("stated", [2227.5, 2272.5])
def test_a_printed_length_may_be_rounded_by_a_hundredth(stated: float) -> None:
    text = STANDARD.replace("published = 2250", f"published = {stated}")
    assert parse_protocol(text, "some.toml", LIMITS).pulses == 3000


@pytest.mark.parametrize(
    ("convention", "published", "span", "s60", "gap_us"),
    [
        ("period", 2250, 2223.9, 80, 26_100_000),
        ("no-trailing-gap", 2224, 2223.9, 80, 26_100_000),
        ("vendor-gap", 2216.5, 2216.5, 82, 26_000_000),
    ],
)
def test_each_convention_explains_another_length_of_the_same_numbers(
    convention: str, published: float, span: float, s60: int, gap_us: int
) -> None:
    text = STANDARD.replace("published = 2250", f"published = {published}").replace("span = 2223.9", f"span = {span}")
    text = text.replace('"period"', f'"{convention}"').replace("s60 = 80", f"s60 = {s60}")
    assert parse_protocol(text, "some.toml", LIMITS).phases[0].gap_us == gap_us


def test_an_accelerated_protocol_may_have_18000_a_day() -> None:
    text = STANDARD.replace("per_day = 3000", "per_day = 18000")
    assert "per_day is 18000, above the hard limit of 6000" in error_of(text)
    assert parse_protocol(text.replace("accelerated = false", "accelerated = true"), "f", LIMITS).accelerated


@pytest.mark.parametrize(
    ("changed", "to", "what"),
    [
        (
            'id = "mdd-10hz-37"',
            'id = "MDD 10"',
            '[file] id = "MDD 10": must match [a-z0-9-]{1,32}; use lower-case letters, digits and hyphens',
        ),
        (
            'threshold = "rmt"',
            'threshold = "amt"',
            '[phases 1] threshold = "amt": must be one of "rmt"; write one of "rmt"',
        ),
        (
            'side = "left"',
            'side = "top"',
            '[phases 1] side = "top": must be one of "left", "right"; write one of "left", "right"',
        ),
        ("verified = true", "", "[file] verified is missing: must be true or false; write true or false"),
        (
            "version = 1",
            'version = 1\nnote = "x"',
            (
                '[file] note = "x": no such key here; remove it, or write one of: '
                "accelerated, id, per_day, phases, pulses, source, title, verified, version, windows"
            ),
        ),
        (
            "intensity = 120\nrate = 10",
            "intensity = 120\nrate = 0",
            "a train of several pulses has a rate; correct the phase",
        ),
        (
            "rate = 10\ntrain_pulses = 40",
            "rate = 0\ntrain_pulses = 1",
            "[phases 1] rate = 0: must be above 0; write it in Hz",
        ),
        ("rate = 10\n", "rate = 10.05\n", "Hertz has a resolution of 0.1, and 10.05 does not fit; correct the phase"),
    ],
)
def test_a_malformed_file_is_refused_with_its_key(changed: str, to: str, what: str) -> None:
    assert error_of(STANDARD.replace(changed, to)) == f"some.toml: {what}"


@pytest.mark.parametrize(
    ("stated", "section", "key", "most"),
    [
        ("version = 1\n", "file", "version", 10_000),
        ("per_day = 3000", "file", "per_day", 100_000),
        ("\npulses = 3000", "file", "pulses", 100_000),
        ("s1 = 10,", "windows", "s1", 1000),
        ("s10 = 40", "windows", "s10", 10_000),
        ("s60 = 80", "windows", "s60", 60_000),
        ("train_pulses = 40", "phases 1", "train_pulses", 10_000),
        ("trains = 75", "phases 1", "trains", 1000),
    ],
)
def test_a_count_out_of_all_proportion_is_refused_with_its_bounds(
    stated: str, section: str, key: str, most: int
) -> None:
    for count in (0, most + 1):
        message = error_of(STANDARD.replace(stated, re.sub(r"= \d+", f"= {count}", stated)))

        bound = f"must be a whole number from 1 to {most}; choose a value inside"
        assert message == f"some.toml: [{section}] {key} = {count}: {bound}"


def test_a_protocol_has_at_least_one_phase() -> None:
    message = error_of(STANDARD.partition("[[phases]]")[0])
    assert message == "some.toml: [file] phases is missing: at least one phase; write [[phases]]"


def test_a_changed_file_is_another_protocol() -> None:
    first = parse_protocol(STANDARD, "some.toml", LIMITS)
    assert first.digest == parse_protocol(STANDARD, "other.toml", LIMITS).digest
    assert re.fullmatch("[0-9a-f]{32}", first.digest)
    assert first.digest != parse_protocol(STANDARD + "\n", "some.toml", LIMITS).digest


def test_a_protocol_excuses_its_own_cells_only() -> None:
    protocol = parse_protocol(STANDARD, "some.toml", LIMITS)
    ten, at = Hertz.of(10), PercentRmt.of(120)
    assert protocol.excuses(ten, at, 40)
    assert not protocol.excuses(ten, at, 41)
    assert not protocol.excuses(ten, PercentRmt.of(120.1), 40)
    assert not protocol.excuses(Hertz.of(9.9), at, 39)


def test_the_longest_gap_is_between_trains() -> None:
    library = load_protocols()
    assert library["mdd-10hz-37"].longest_gap_us == 26_100_000
    assert library["lf-right-1hz"].longest_gap_us == 0


def test_of_several_phases_each_excuses_its_cells_and_the_longest_gap_counts() -> None:
    library = load_protocols()
    fast, slow, inside = (library[name].phases[0] for name in ("mdd-10hz-19", "lf-right-1hz", "demo"))
    once = replace(inside, trains=1, gap_us=60 * SECOND_US)
    mixed = replace(library["mdd-10hz-19"], phases=(inside, fast, slow, once))
    assert mixed.longest_gap_us == 11_000_000
    assert mixed.excuses(Hertz.of(10), PercentRmt.of(120), 40)
    assert mixed.excuses(Hertz.of(1), PercentRmt.of(120), 1200)
    twice = replace(inside, trains=2, gap_us=30 * SECOND_US)
    assert replace(mixed, phases=(fast, twice)).longest_gap_us == 30_000_000


def test_a_second_phase_follows_after_the_least_gap() -> None:
    head, phase = STANDARD.split("[[phases]]")
    text = head.replace("pulses = 3000", "pulses = 6000").replace("per_day = 3000", "per_day = 6000")
    message = error_of(f"{text}[[phases]]{phase}[[phases]]{phase}")
    assert "windows says (10, 40, 80), its arithmetic gives (10, 51, 120)" in message


@pytest.mark.parametrize(
    ("times", "most"), [([], 0), ([0], 1), ([0, 10], 1), ([0, 9], 2), ([0, 1, 2, 30, 31, 32, 33], 4)]
)
def test_windows_are_half_open(times: list[int], most: int) -> None:
    assert most_in_window(times, 10) == most


def test_an_id_belongs_to_one_file(tmp_path: Path) -> None:
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text(STANDARD, "utf-8")
    with pytest.raises(ConfigError, match="id mdd-10hz-37 is taken by another file"):
        load_protocols([tmp_path], LIMITS)
    (tmp_path / "b.toml").unlink()
    assert list(load_protocols([tmp_path], LIMITS)) == ["mdd-10hz-37"]


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match=r"a\.toml: cannot be read \(.*0xff.*\); repair or remove it$"):
        load_protocols([tmp_path], LIMITS)


@pytest.mark.parametrize(
    ("changed", "to", "what"),
    [
        ("\npulses = 3000", "\npulses = 3001", "pulses says 3001, its arithmetic gives 3000"),
        ("verified = true", "verified = 1", "[file] verified = 1: must be true or false; write true or false"),
    ],
)
def test_a_file_of_a_folder_that_does_not_hold_is_named(changed: str, to: str, what: str, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(STANDARD.replace(changed, to), "utf-8")
    with pytest.raises(ConfigError) as caught:
        load_protocols([tmp_path], LIMITS)

    assert str(caught.value).startswith(f"{tmp_path / 'a.toml'}: {what}")


def test_a_day_of_the_library_lasts_as_its_pulses_say() -> None:
    last = list(load_protocols()["mdd-10hz-19"].phases[0].pulse_times_us(0))[-1]
    assert last == 1_106_500_000
    assert last // SECOND_US // 60 == 18

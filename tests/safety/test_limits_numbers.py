"""Every number of safety/data against a table typed by hand in other units, and proof that the table notices."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from drivers.errors import ConfigError
from drivers.quantities import SECOND_US, Hertz
from safety.limits import DATA, Cell, Limits, Row, load_limits
from safety.protocols import LIBRARY, parse_protocol

INDEPENDENT = tomllib.loads(
    (Path(__file__).parent / "independent_numbers.toml").read_text("utf-8"), parse_float=Decimal
)
OTHER_UNITS: dict[str, tuple[str, Callable[[Decimal], Fraction]]] = {
    "% rMT": ("times_threshold", lambda n: Fraction(n) / 100),
    "Hz": ("milliseconds_per_pulse", lambda n: 1000 / Fraction(n) if n else Fraction(0)),
    "% MSO": ("fraction_of_output", lambda n: Fraction(n) / 100),
    "%": ("factor", lambda n: Fraction(n) / 100),
    "d": ("hours", lambda n: Fraction(n) * 24),
    "s": ("milliseconds", lambda n: Fraction(n) * 1000),
    "ms": ("seconds", lambda n: Fraction(n) / 1000),
    "degC": ("kelvin", lambda n: Fraction(n) + Fraction("273.15")),
}
NUMBER = re.compile(r"(?<![\w.])\d+(\.\d+)?(?![\w.])")


Bounds = tuple[Fraction, Fraction, Fraction | None]
"""Default, hard, and end where there is one."""


def _bounds(value: Any) -> Bounds:
    default, hard, *end = value if isinstance(value, list) else (value, value)
    return Fraction(default), Fraction(hard), Fraction(end[0]) if end else None


def _typed() -> dict[str, tuple[str, Bounds]]:
    groups = [group for group, _ in OTHER_UNITS.values()] + ["counts"]
    return {name: (group, _bounds(value)) for group in groups for name, value in INDEPENDENT[group].items()}


def _converted(row: Row) -> tuple[str, Bounds]:
    group, convert = OTHER_UNITS.get(row.unit, ("counts", Fraction))
    return group, (convert(row.number), convert(row.hard), None if row.end is None else convert(row.end))


def _cells(limits: Limits) -> dict[tuple[str, int], tuple[int, int]]:
    """(rate, column) → pulses by default and hard milliseconds."""
    cells = {}
    for cell in limits.cells:
        hard_us = limits.hard(f"cell_{cell.rate.number}hz_{cell.intensity.number}")
        cells[str(cell.rate.number), cell.intensity.tenths] = (cell.pulses(cell.rate), hard_us // 1000)
    return cells


def _rate_and_intensity(cell: Cell) -> tuple[Fraction, Fraction]:
    """Milliseconds per pulse and multiples of the threshold."""
    return Fraction(10_000, cell.rate.tenths), Fraction(cell.intensity.tenths, 1000)


def _unequal(one: dict[Any, Any], other: dict[Any, Any]) -> list[str]:
    return [str(key) for key in one.keys() | other.keys() if one.get(key) != other.get(key)]


def differences(limits: Limits) -> list[str]:
    """Where `limits` and the independent table disagree."""
    plain = {name: _converted(row) for name, row in limits.rows.items() if not name.startswith(("cell_", "tier2_"))}
    chen, rossi = INDEPENDENT["chen_pulses"], INDEPENDENT["rossi_milliseconds"]
    cells = {(rate, 1000 + 100 * n): (chen[rate][n], rossi[rate][n]) for rate in chen for n in range(4)}
    named = {
        (*_rate_and_intensity(cell), Fraction(cell.longest_us * cell.rate.tenths, 10 * SECOND_US))
        for cell in limits.named
    }
    typed_named = {tuple(Fraction(n) for n in row) for row in INDEPENDENT["named"].values()}
    wrong = _unequal(plain, _typed()) + _unequal(cells, _cells(limits))
    return wrong + [f"named {cell}" for cell in named ^ typed_named]


def moved_one_step(text: str) -> Iterator[tuple[str, str]]:
    """`text` with each of its numbers in turn moved by one in its last digit, up and down."""
    for number in NUMBER.finditer(_without_words(text)):
        step = Decimal(1).scaleb(Decimal(number.group()).as_tuple().exponent)  # type: ignore[arg-type]
        for sign in (1, -1):
            moved = Decimal(number.group()) + sign * step
            line = text.count("\n", 0, number.start()) + 1
            yield f"line {line}: {number.group()} → {moved}", text[: number.start()] + str(moved) + text[number.end() :]


def _without_words(text: str) -> str:
    """Blanks comments, quoted text, section names and keys, so that only values are left, each in its place."""
    return re.sub(r'#[^\n]*|"[^"\n]*"|^\[[^\n]*\]$|^\w+ =', lambda m: " " * len(m.group()), text, flags=re.MULTILINE)


def _numbers_in(data: Any) -> int:
    if isinstance(data, dict):
        return sum(_numbers_in(value) for value in data.values())
    if isinstance(data, list):
        return sum(_numbers_in(value) for value in data)
    return isinstance(data, int | float) and not isinstance(data, bool)


def test_every_limit_is_what_was_typed_from_its_source() -> None:
    assert differences(load_limits()) == []


@pytest.mark.parametrize("name", ["limits.toml", "choices.toml"])
def test_a_limit_moved_one_step_is_noticed(name: str, tmp_path: Path) -> None:
    for each in ("limits.toml", "choices.toml"):
        (tmp_path / each).write_bytes((DATA / each).read_bytes())
    text = (DATA / name).read_text("utf-8")
    moved = list(moved_one_step(text))
    assert len(moved) == 2 * _numbers_in(tomllib.loads(text))
    for what, changed in moved:
        (tmp_path / name).write_text(changed, "utf-8")
        try:
            unnoticed = not differences(load_limits(tmp_path))
        except ConfigError:
            unnoticed = False
        assert not unnoticed, f"{name}, {what}: nothing noticed"


def _minutes(text: str) -> Fraction:
    minutes, seconds = text.split(":")
    return Fraction(minutes) * 60 + Fraction(seconds)


def protocol_differs(text: str, limits: Limits) -> bool:
    """Whether a protocol file and the independent table disagree, or the file disagrees with itself."""
    try:
        protocol = parse_protocol(text, "file", limits)
    except ConfigError:
        return True
    raw = tomllib.loads(text, parse_float=Decimal)
    typed, phase, stated = INDEPENDENT["protocol"][protocol.id], protocol.phases[0], raw["phases"][0]
    exceeds = [[*_rate_and_intensity(cell), cell.pulses(cell.rate)] for cell in phase.exceeds]
    typed_exceeds = [[Fraction(n) for n in typed["exceeds"]]] if typed["exceeds"] else []
    pairs = [
        (protocol.pulses, typed["total"]),
        (raw["pulses"], typed["total"]),
        (protocol.per_day, typed["daily"]),
        (protocol.version, typed["version"]),
        (list(protocol.windows), typed["windows"]),
        (phase.train.rate, Hertz.of(1000 / Decimal(typed["milliseconds_per_pulse"]))),
        (Fraction(phase.intensity.tenths, 1000), Fraction(typed["times_threshold"])),
        (phase.train.pulses, typed["train"]),
        (phase.trains, typed["trains"]),
        (Fraction(stated["on"]) * 1000, typed["on_milliseconds"]),
        (Fraction(stated["off"]) * 1000, typed["off_milliseconds"]),
        (phase.gap_us, typed["gap_milliseconds"] * 1000),
        (Fraction(stated["published"]), _minutes(typed["published"])),
        (Fraction(stated["span"]), _minutes(typed["first_to_last"])),
        (exceeds, typed_exceeds),
        ([_raw_cell(cell) for cell in stated["exceeds"]], typed_exceeds),
    ]
    return any(loaded != typed_number for loaded, typed_number in pairs)


def _raw_cell(cell: dict[str, Any]) -> list[Fraction]:
    rate = Fraction(cell["rate"])
    return [1000 / rate, Fraction(cell["intensity"]) / 100, Fraction(cell["seconds"]) * rate]


LIBRARY_FILES = sorted(LIBRARY.glob("*.toml"))


def test_every_protocol_of_the_library_was_typed_independently() -> None:
    assert {path.stem for path in LIBRARY_FILES} == INDEPENDENT["protocol"].keys()


@pytest.mark.parametrize("path", LIBRARY_FILES, ids=lambda path: path.stem)
def test_a_protocol_is_what_was_typed_and_notices_each_number_moved_one_step(path: Path) -> None:
    limits, text = load_limits(), path.read_text("utf-8")
    assert not protocol_differs(text, limits)
    moved = list(moved_one_step(text))
    assert len(moved) == 2 * _numbers_in(tomllib.loads(text))
    unnoticed = [what for what, changed in moved if not protocol_differs(changed, limits)]
    assert unnoticed == []

"""The limits as data: rows with a unit, a hard value, a source and a verified mark, and what is computed from them.

`load_limits` reads `data/limits.toml` (published numbers) and `data/choices.toml` (engineering choices), once, at
start-up. A row in seconds becomes a field in µs; everything the rules compare is an exact integer.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from functools import partial
from hashlib import blake2s
from pathlib import Path
from types import MappingProxyType
from typing import Any

from drivers.errors import ConfigError
from drivers.quantities import SECOND_US, Hertz, PercentMso, PercentRmt
from safety.tables import Table, read_table

DATA = Path(__file__).parent / "data"
DAY_US = 86_400 * SECOND_US
_CELL, _NAMED = "cell_", "tier2_"
"""How the rows of the two tables of cells are called: cell_10hz_120."""


def _scaled(factor: int, value: Decimal) -> int:
    scaled = value * factor
    if scaled != scaled.to_integral_value():
        raise ValueError("finer than the resolution of its unit")
    return int(scaled)


_TIMES = {"d": partial(_scaled, DAY_US), "s": partial(_scaled, SECOND_US), "ms": partial(_scaled, 1000)}
_COUNTS = {unit: partial(_scaled, 1) for unit in ("pulses", "triggers", "cuts", "days", "%")}
_UNITS: Mapping[str, Callable[[Decimal], Any]] = {
    **_TIMES,
    **_COUNTS,
    "degC": partial(_scaled, 10),
    "Hz": Hertz.of,
    "% MSO": PercentMso.of,
    "% rMT": PercentRmt.of,
}


@dataclass(frozen=True, slots=True)
class Row:
    """One number of the limits, as its file gives it."""

    name: str
    number: Decimal
    """In `unit`: the default, or what the site has set instead."""
    hard: Decimal
    unit: str
    safer: str
    """`lower` or `higher`: the side a site may move it to."""
    source: str
    verified: bool
    end: Decimal | None = None
    """How far on the safer side it still does its work; None: all the way."""

    @property
    def value(self) -> Any:
        """The exact quantity: µs for times, tenths for °C, a quantity of drivers, or a count."""
        return _UNITS[self.unit](self.number)

    @property
    def field(self) -> str:
        """The field this row fills: its name, with the unit where that is µs."""
        return f"{self.name}_us" if self.unit in _TIMES else self.name

    @property
    def digest(self) -> str:
        """Names these very numbers; a signature under a row holds only while it stays the same."""
        end = "" if self.end is None else f" {self.end.normalize()}"
        text = f"{self.name} {self.number.normalize()} {self.hard.normalize()} {self.unit} {self.source}{end}"
        return blake2s(text.encode(), digest_size=8).hexdigest()

    def beyond_hard(self, number: Decimal) -> bool:
        """Whether `number` is less safe than the hard value."""
        return self._safer(self.hard, number)

    def beyond_end(self, number: Decimal) -> bool:
        """Whether `number` is so far on the safer side that it no longer does its work."""
        return self.end is not None and self._safer(number, self.end)

    def _safer(self, one: Decimal, other: Decimal) -> bool:
        return one < other if self.safer == "lower" else one > other


@dataclass(frozen=True, slots=True)
class Cell:
    """The longest train at a rate and an intensity."""

    rate: Hertz
    intensity: PercentRmt
    longest_us: int

    def pulses(self, rate: Hertz) -> int:
        """⌊T·f⌋: the most pulses of a train at `rate` in this cell."""
        return self.longest_us * rate.tenths // (10 * SECOND_US)

    def covers(self, rate: Hertz, intensity: PercentRmt, pulses: int) -> bool:
        """Whether such a train lies in this cell, taken alone."""
        return self.rate == rate and intensity <= self.intensity and pulses <= self.pulses(rate)

    def __str__(self) -> str:
        return f"{self.rate}, {self.intensity.number:g} %"


@dataclass(frozen=True, slots=True)
class Timing:
    """How long the watchdog waits, and for what; the reason of each is in `data/choices.toml`."""

    beat_us: int
    beat_fast_us: int
    """Instead of `beat_us` in trains faster than `fast_rate`."""
    fast_rate: Hertz
    presence_new_us: int
    presence_cut_us: int
    lease_us: int
    permit_life_us: int
    reservation_wait_us: int
    exchange_us: int
    disarm_repeat_us: int
    disarm_confirm_us: int
    disarm_boot_us: int
    disarm_unconfirmed_repeat_us: int
    late_tick_us: int
    armed_idle_us: int
    dwell_us: int
    max_cuts: int
    half_frame_us: int
    train_poll_us: int
    script_poll_us: int
    quiet_before_trigger_us: int
    line_clear_before_trigger_us: int
    owed_us: int
    read_back_age_us: int
    coil_stop: int
    """0.1 °C."""
    coil_trip: int
    """0.1 °C."""
    coil_age_us: int
    trigger_late_us: int
    trigger_drop_us: int
    park_gap_us: int
    nonce_every_us: int
    nonce_age_us: int
    second_person_us: int
    continue_within_us: int
    emergency_within_us: int

    def slackened(self, factor: int) -> Timing:
        """For use `simulation` alone: what others must say in time, times `factor`, because shared machines stall."""
        slack = ("beat_us", "beat_fast_us", "presence_new_us", "presence_cut_us", "late_tick_us", "lease_us")
        return replace(self, **{name: getattr(self, name) * factor for name in slack})


@dataclass(frozen=True, slots=True)
class Limits:
    """What a session may do; the source of each number is in its row."""

    intensity: PercentRmt
    intensity_visual: PercentRmt
    rate: Hertz
    minimum_gap_us: int
    window_1s: int
    window_10s: int
    window_60s: int
    session_pulses: int
    session_pulses_slow: int
    day_pulses: int
    day_pulses_accelerated: int
    course_pulses: int
    course_notice: int
    threshold_age_us: int
    threshold_age_accelerated_us: int
    threshold_pulses: int
    threshold_sd: PercentMso
    threshold_pulses_least: int
    threshold_sd_most: PercentMso
    gap_tolerance_us: int
    single_spacing_us: int
    run_break_us: int
    day_threshold_pulses: int
    week_days: int
    phantom_level: PercentMso
    phantom_pulses: int
    hunt_level: PercentMso
    hunt_factor: int
    """Per cent of the running estimate."""
    hunt_pulses: int
    hunt_spacing_us: int
    no_session_level: PercentMso
    block_triggers: int
    script_block: int
    autonomy_us: int
    autonomy_pulses: int
    autonomy_cut_off_us: int
    autonomy_cut_off_pulses: int
    autonomy_uncut_us: int
    running_rate: Hertz
    accepted_rate: Hertz
    cells: tuple[Cell, ...]
    """Tier 1, by rate, then by intensity."""
    named: tuple[Cell, ...]
    """Tier 2: the only cells a named protocol may exceed, and how far."""
    timing: Timing
    rows: Mapping[str, Row]

    def cell(self, rate: Hertz, intensity: PercentRmt | None) -> Cell | None:
        """The tier 1 cell that binds: next higher listed rate and intensity; None above the tables.

        No intensity (nobody knows this subject's threshold): the highest column.
        """
        at = bisect_left(self.cells, rate.tenths, key=_tenths_hertz)
        if at == len(self.cells):
            return None
        columns = self.cells[at : bisect_right(self.cells, self.cells[at].rate.tenths, key=_tenths_hertz)]
        if intensity is None:
            return columns[-1]
        return next((cell for cell in columns if cell.intensity >= intensity), None)

    def names(self, rate: Hertz, intensity: PercentRmt, pulses: int) -> bool:
        """Whether tier 2 has a cell for such a train."""
        return any(cell.covers(rate, intensity, pulses) for cell in self.named)

    def hard(self, name: str) -> Any:
        """The hard value of a row, in the same quantity as its field."""
        row = self.rows[name]
        return replace(row, number=row.hard).value

    @property
    def digest(self) -> str:
        """Names this very set of numbers, site settings included."""
        text = " ".join(sorted(row.digest for row in self.rows.values()))
        return blake2s(text.encode(), digest_size=16).hexdigest()

    def tightened(self, site: Mapping[str, object], file: str = "site file") -> Limits:
        """These limits with a site's own values, by row name and in the row's unit.

        ConfigError for a name that is none, a value that is no number, or one beyond the hard value or the end.
        """
        table = Table(site, file, "limits")
        rows = dict(self.rows)
        for name in site:
            if name not in rows:
                raise table.error(name, "no such limit", "names are listed in safety/README.md")
            rows[name] = _set(rows[name], table)
        return limits_of(rows)


def _tenths_hertz(cell: Cell) -> int:
    return cell.rate.tenths


def _set(row: Row, table: Table) -> Row:
    number = table.number(row.name)
    if row.beyond_hard(number):
        side = "at most" if row.safer == "lower" else "at least"
        raise table.error(row.name, f"must be {side} {row.hard} {row.unit}, the hard value", "choose a safer one")
    if row.beyond_end(number):
        side = "at least" if row.safer == "lower" else "at most"
        raise table.error(row.name, f"must be {side} {row.end} {row.unit} to do its work", "choose a value inside")
    _must_be_exact(table, row.name, number, row.unit)
    return replace(row, number=number)


def _must_be_exact(table: Table, key: str, number: Decimal, unit: str) -> None:
    try:
        _UNITS[unit](number)
    except ValueError as error:
        raise table.error(key, str(error), f"write a rounder number of {unit}") from error


def _row(name: str, table: Table, source: str, verified: bool) -> Row:
    number = table.number("default")
    row = Row(
        name=name,
        number=number,
        hard=table.number("hard", number),
        unit=table.choice("unit", tuple(_UNITS)),
        safer=table.choice("safer", ("lower", "higher")),
        source=source,
        verified=verified,
        end=table.number("end") if "end" in table else None,
    )
    table.done()
    if row.beyond_hard(number):
        raise table.error("default", f"less safe than the hard value {row.hard}", "correct one of the two")
    if row.beyond_end(number):
        raise table.error("default", f"beyond the end {row.end} of the safer side", "correct one of the two")
    _must_be_exact(table, "default", row.number, row.unit)
    _must_be_exact(table, "hard", row.hard, row.unit)
    if row.end is not None:
        _must_be_exact(table, "end", row.end, row.unit)
    return row


def _published(file: Table) -> dict[str, Row]:
    rows = {}
    for name in file.raw:
        if name not in {"cells", "named"}:
            table = file.table(name)
            rows[name] = _row(name, table, table.text("source"), table.flag("verified"))
    return rows


def _chosen(file: Table, section: str) -> dict[str, Row]:
    chosen = file.table(section)
    rows = {}
    for name in chosen.raw:
        table = chosen.table(name)
        rows[name] = _row(name, table, f"engineering choice: {table.text('why')}", verified=False)
    return rows


def _rate(table: Table) -> Decimal:
    rate = table.number("rate")
    if not rate:
        raise table.error("rate", "must be above 0", "write it in Hz")
    _must_be_exact(table, "rate", rate, "Hz")
    return rate


def _cell_rows(file: Table) -> dict[str, Row]:
    rows = {}
    for table in file.tables("cells"):
        rate, source, verified = _rate(table), table.text("source"), table.flag("verified")
        columns = [table.numbers(key) for key in ("intensity", "default", "hard")]
        table.done()
        try:
            cells = tuple(zip(*columns, strict=True))
        except ValueError as error:
            raise table.error("intensity", "as many entries as default and hard", "complete the row") from error
        for intensity, number, hard in cells:
            name = f"{_CELL}{rate}hz_{intensity}"
            rows[name] = Row(name, number, hard, "s", "lower", source, verified)
            if rows[name].beyond_hard(number):
                raise table.error("default", f"{number} s exceeds the hard value {hard} s", "correct one of the two")
            _must_be_exact(table, "intensity", intensity, "% rMT")
            _must_be_exact(table, "default", number, "s")
            _must_be_exact(table, "hard", hard, "s")
    return rows


def _named_rows(file: Table) -> dict[str, Row]:
    rows = {}
    for table in file.tables("named"):
        longest, intensity = table.number("longest"), table.number("intensity")
        name = f"{_NAMED}{_rate(table)}hz_{intensity}"
        rows[name] = Row(name, longest, longest, "s", "lower", table.text("source"), table.flag("verified"))
        table.done()
        _must_be_exact(table, "intensity", intensity, "% rMT")
        _must_be_exact(table, "longest", longest, "s")
    return rows


def _cells(rows: Mapping[str, Row], prefix: str) -> tuple[Cell, ...]:
    cells = []
    for row in rows.values():
        if row.name.startswith(prefix):
            rate, intensity = row.name.removeprefix(prefix).split("hz_")
            cells.append(Cell(Hertz.of(rate), PercentRmt.of(intensity), row.value))
    return tuple(sorted(cells, key=lambda cell: (cell.rate, cell.intensity)))


def limits_of(rows: Mapping[str, Row]) -> Limits:
    """The limits these rows make; ConfigError when one is missing or none of ours."""
    values = {row.field: row.value for row in rows.values() if not row.name.startswith((_CELL, _NAMED))}
    timing_fields = {field.name for field in fields(Timing)}
    plain_fields = {field.name for field in fields(Limits)} - {"cells", "named", "timing", "rows"}
    if wrong := values.keys() ^ (timing_fields | plain_fields):
        raise ConfigError(f"limits: missing or unknown: {', '.join(sorted(wrong))}; restore the data files")
    return Limits(
        **{name: values[name] for name in plain_fields},
        cells=_cells(rows, _CELL),
        named=_cells(rows, _NAMED),
        timing=Timing(**{name: values[name] for name in timing_fields}),
        rows=MappingProxyType(dict(rows)),
    )


def load_limits(path: Path | None = None) -> Limits:
    """The limits of this release, or those of another folder with the same two files; ConfigError when wrong."""
    folder = path or DATA
    published, choices = read_table(folder / "limits.toml"), read_table(folder / "choices.toml")
    rows = _published(published) | _cell_rows(published) | _named_rows(published)
    rows |= _chosen(choices, "limits") | _chosen(choices, "timing")
    choices.done()
    return limits_of(rows)

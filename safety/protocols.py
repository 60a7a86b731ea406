"""Named, versioned treatments whose arithmetic is proved before they load.

A protocol file declares what its source prints *and* which time convention it uses; loading recomputes every figure
and refuses the file with each wrong one named. Tier 2: a protocol may exceed the cells it lists, and only cells that
the limits name; an authorisation then lets one subject have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from hashlib import blake2s
from pathlib import Path

from drivers.errors import ConfigError
from drivers.quantities import SECOND_US, Hertz, PercentRmt, Train, gap_from_period
from safety.limits import DATA, Cell, Limits, load_limits
from safety.tables import Table, parse_table

LIBRARY = DATA / "protocols"
SLOW = Hertz.of(1)
"""Up to here a train is triggered pulse by pulse: device-run it would outlast any autonomy."""
RAISE_STEP = PercentRmt.of(5)
"""Largest rise of intensity from one train to the next (engineering choice: one step a person notices)."""
WINDOWS_US = (SECOND_US, 10 * SECOND_US, 60 * SECOND_US)


class Convention(Enum):
    """What the printed on and off times, and the printed length, mean (docs/time-conventions.md)."""

    PERIOD = "period"
    """on + off is one period; the length counts the gap after the last train."""
    NO_TRAILING_GAP = "no-trailing-gap"
    """on + off is one period; the length ends with the last on time."""
    VENDOR_GAP = "vendor-gap"
    """off is last pulse → first pulse; the length is first pulse → last pulse."""


@dataclass(frozen=True, slots=True)
class Ramp:
    """The first trains of a phase, below its intensity: they rise evenly, and the next one has it."""

    start: PercentRmt
    trains: int


@dataclass(frozen=True, slots=True)
class Phase:
    """Equal trains at one target and one intensity, which a ramp may lead up to."""

    target: str
    side: str
    intensity: PercentRmt
    train: Train
    trains: int
    gap_us: int
    """Last pulse → first pulse."""
    exceeds: tuple[Cell, ...]
    """Cells above tier 1 that this phase needs, with the length it needs there."""
    ramp: Ramp | None = None

    def intensity_of(self, train: int) -> PercentRmt:
        """What the train of this 0-based number is prescribed, rounded down to 0.1 % rMT."""
        if self.ramp is None:
            return self.intensity
        rise, trains = self.intensity.tenths - self.ramp.start.tenths, self.ramp.trains
        return PercentRmt(self.ramp.start.tenths + rise * min(train, trains) // trains)

    @property
    def slow(self) -> bool:
        """Whether this phase is triggered pulse by pulse."""
        return self.train.rate <= SLOW

    @property
    def pulses(self) -> int:
        """Pulses of all trains."""
        return self.train.pulses * self.trains

    def pulse_times_us(self, start_us: int) -> Iterator[int]:
        """When each pulse is due."""
        for n in range(self.trains):
            yield from self.train.pulse_times_us(start_us + n * (self.train.duration_us + self.gap_us))


@dataclass(frozen=True, slots=True)
class Protocol:
    """One treatment of one day, as its file prescribes and its arithmetic proves."""

    id: str
    version: int
    title: str
    source: str
    verified: bool
    phases: tuple[Phase, ...]
    per_day: int
    accelerated: bool
    windows: tuple[int, int, int]
    """Most pulses in any 1, 10 and 60 s, at planned times."""
    digest: str
    """BLAKE2s of the file: a changed file is another protocol."""

    @property
    def pulses(self) -> int:
        """Pulses of the whole treatment."""
        return sum(phase.pulses for phase in self.phases)

    @property
    def exceeds(self) -> tuple[Cell, ...]:
        """Every cell above tier 1 that this protocol needs."""
        return tuple(cell for phase in self.phases for cell in phase.exceeds)

    @property
    def longest_gap_us(self) -> int:
        """Longest time from one train's last pulse to the next one's first; 0 where all is pulse by pulse."""
        return max((phase.gap_us for phase in self.phases if not phase.slow and phase.trains > 1), default=0)

    def excuses(self, rate: Hertz, intensity: PercentRmt, pulses: int) -> bool:
        """Whether such a train lies in a cell this protocol may exceed."""
        return any(cell.covers(rate, intensity, pulses) for cell in self.exceeds)


def most_in_window(times_us: Sequence[int], window_us: int) -> int:
    """Most of the rising `times_us` inside any half-open window."""
    most = oldest = 0
    for newest, time_us in enumerate(times_us):
        while times_us[oldest] <= time_us - window_us:
            oldest += 1
        most = max(most, newest - oldest + 1)
    return most


def _windows(phases: Iterable[Phase], limits: Limits) -> tuple[int, int, int]:
    times: list[int] = []
    for phase in phases:
        times += phase.pulse_times_us(times[-1] + limits.minimum_gap_us if times else 0)
    one, ten, sixty = (most_in_window(times, window_us) for window_us in WINDOWS_US)
    return one, ten, sixty


class _Proof:
    """Collects every figure of a file that its own arithmetic contradicts."""

    def __init__(self) -> None:
        self.wrong: list[str] = []

    def equal(self, figure: str, stated: object, proved: object) -> None:
        if stated != proved:
            self.wrong.append(f"{figure} says {stated}, its arithmetic gives {proved}")

    def at_most(self, figure: str, number: int, hard: int) -> None:
        if number > hard:
            self.wrong.append(f"{figure} is {number}, above the hard limit of {hard}")

    def near(self, figure: str, stated: Decimal, proved_us: int) -> None:
        """Within 1 %, because papers round minutes."""
        proved = Decimal(proved_us) / SECOND_US
        if abs(stated - proved) * 100 > proved:
            self.wrong.append(f"{figure} says {stated} s, its arithmetic gives {proved:.1f} s")


def _seconds_us(table: Table, key: str) -> int:
    return int(table.number(key) * SECOND_US)


def _phase(table: Table, limits: Limits, proof: _Proof) -> Phase:
    train = Train(table.whole("train_pulses", 1, 10_000), Hertz.of(table.number("rate")))
    if not train.rate.tenths:
        raise table.error("rate", "must be above 0", "write it in Hz")
    trains = table.whole("trains", 1, 1000)
    convention = Convention(table.choice("convention", [each.value for each in Convention]))
    on_us, off_us = _seconds_us(table, "on"), _seconds_us(table, "off")
    table.choice("threshold", ("rmt",))
    phase = Phase(
        target=table.text("target"),
        side=table.choice("side", ("left", "right")),
        intensity=PercentRmt.of(table.number("intensity")),
        train=train,
        trains=trains,
        gap_us=off_us if convention is Convention.VENDOR_GAP else gap_from_period(train, on_us, off_us),
        exceeds=tuple(exceeded_cell(cell) for cell in table.tables("exceeds")),
        ramp=_ramp(table.table("ramp")) if "ramp" in table else None,
    )
    span_us = trains * train.duration_us + (trains - 1) * phase.gap_us
    stated_us = {
        Convention.PERIOD: trains * (on_us + off_us),
        Convention.NO_TRAILING_GAP: trains * on_us + (trains - 1) * off_us,
        Convention.VENDOR_GAP: span_us,
    }[convention]
    proof.equal("on (s)", table.number("on"), Decimal(train.pulses * 10) / train.rate.tenths)
    proof.near("published", table.number("published"), stated_us)
    proof.near("span", table.number("span"), span_us)
    table.done()
    _prove_cells(phase, limits, proof)
    if phase.ramp is not None:
        _prove_ramp(phase, phase.ramp, proof)
    return phase


def _ramp(table: Table) -> Ramp:
    ramp = Ramp(PercentRmt.of(table.number("from")), table.whole("trains", 1, 1000))
    table.done()
    return ramp


def exceeded_cell(table: Table) -> Cell:
    """A cell with the length that is needed, or authorised, there."""
    cell = Cell(Hertz.of(table.number("rate")), PercentRmt.of(table.number("intensity")), _seconds_us(table, "seconds"))
    table.done()
    return cell


def _prove_cells(phase: Phase, limits: Limits, proof: _Proof) -> None:
    """What the phase exceeds is what it says it exceeds, and nothing the limits do not name."""
    rate, length_us = phase.train.rate, phase.train.pulses * 10 * SECOND_US // phase.train.rate.tenths
    needed = Cell(rate, phase.intensity, length_us)
    tier1 = limits.cell(rate, phase.intensity)
    exceeds = tier1 is None or phase.train.pulses > tier1.pulses(rate)
    shown = f"{needed} for {length_us / SECOND_US:g} s"
    if (needed,) * exceeds != phase.exceeds:
        stated = ", ".join(f"{cell} for {cell.longest_us / SECOND_US:g} s" for cell in phase.exceeds) or "nothing"
        proof.wrong.append(f"exceeds says {stated}, the tables give {shown if exceeds else 'nothing'}")
    if exceeds and not limits.names(rate, phase.intensity, phase.train.pulses):
        proof.wrong.append(f"{shown} is in no cell that a named protocol may exceed")


def _prove_ramp(phase: Phase, ramp: Ramp, proof: _Proof) -> None:
    """It rises from train to train, in steps a person may take, and the phase's intensity is reached."""
    rise = phase.intensity.tenths - ramp.start.tenths
    if phase.slow:
        proof.wrong.append("ramp rises from train to train, and this phase is triggered pulse by pulse")
    if not 0 < ramp.start.tenths < phase.intensity.tenths:
        proof.wrong.append(f"ramp begins at {ramp.start}, not above 0 and below {phase.intensity}")
    if ramp.trains >= phase.trains:
        proof.wrong.append(f"ramp takes {ramp.trains} trains of {phase.trains}, none is left at {phase.intensity}")
    if rise > RAISE_STEP.tenths * ramp.trains:
        proof.wrong.append(
            f"ramp rises by {PercentRmt(rise)} in {ramp.trains} trains, more than {RAISE_STEP} from one to the next"
        )


def _prove_totals(protocol: Protocol, limits: Limits, proof: _Proof) -> None:
    """Nothing that no site could ever allow."""
    one, ten, sixty = protocol.windows
    for name, most in (("window_1s", one), ("window_10s", ten), ("window_60s", sixty)):
        proof.at_most(name, most, limits.hard(name))
    proof.at_most(
        "per_day", protocol.per_day, limits.hard("day_pulses_accelerated" if protocol.accelerated else "day_pulses")
    )
    if protocol.per_day % protocol.pulses:
        proof.wrong.append(f"per_day says {protocol.per_day}, no multiple of {protocol.pulses}")


def parse_protocol(text: str, file: str, limits: Limits) -> Protocol:
    """The protocol `text` describes; ConfigError naming each figure that does not hold."""
    table, proof = parse_table(text, file), _Proof()
    try:
        phases = tuple(_phase(each, limits, proof) for each in table.tables("phases"))
    except ValueError as error:
        raise ConfigError(f"{file}: {error}; correct the phase") from error
    if not phases:
        raise table.error("phases", "at least one phase", "write [[phases]]")
    stated = table.table("windows")
    windows = (stated.whole("s1", 1, 1000), stated.whole("s10", 1, 10_000), stated.whole("s60", 1, 60_000))
    stated.done()
    protocol = Protocol(
        id=table.name("id"),
        version=table.whole("version", 1, 10_000),
        title=table.text("title"),
        source=table.text("source"),
        verified=table.flag("verified"),
        phases=phases,
        per_day=table.whole("per_day", 1, 100_000),
        accelerated=table.flag("accelerated"),
        windows=_windows(phases, limits),
        digest=blake2s(text.encode(), digest_size=16).hexdigest(),
    )
    proof.equal("pulses", table.whole("pulses", 1, 100_000), protocol.pulses)
    proof.equal("windows", windows, protocol.windows)
    _prove_totals(protocol, limits, proof)
    table.done()
    if proof.wrong:
        raise ConfigError(f"{file}: {'; '.join(proof.wrong)}; correct the file against its source")
    return protocol


def load_protocols(folders: Iterable[Path] = (LIBRARY,), limits: Limits | None = None) -> dict[str, Protocol]:
    """Every protocol of `folders` by id; ConfigError for a file that fails, or an id used twice."""
    limits = limits or load_limits()
    protocols: dict[str, Protocol] = {}
    for path in sorted(path for folder in folders for path in folder.glob("*.toml")):
        try:
            text = path.read_bytes().decode()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: cannot be read ({error}); repair or remove it") from error
        protocol = parse_protocol(text, str(path), limits)
        if protocol.id in protocols:
            raise ConfigError(f"{path}: id {protocol.id} is taken by another file; choose another id")
        protocols[protocol.id] = protocol
    return protocols

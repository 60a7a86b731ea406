"""Everything assumed about one device, by name and with its source: change an option, never the code.

A source is a public client or document that shows the fact; "assumption" marks what nobody outside the maker has
shown, chosen so that clients which work on real devices work here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from drivers.catalogue import FIRMWARES, MODELS, SUPPLY_VOLTS
from drivers.errors import ConfigError

NEW_FIRMWARE = 9
"""From here on: unlock codes, `x`, charge delay, wider fields."""
MAGPY = "magpy-tms 1.4"
MAGIC = "MAGIC"
VIRTUAL = "the simulated device once part of magpy-tms, modelled on a real one"
CHOICE = "assumption, engineering choice"


def _option(default: Any, source: str) -> Any:
    return field(default=default, metadata={"source": source})


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One Magstim Rapid², with every assumption about it named."""

    model: str = _option("magstim-rapid2", "what is simulated")
    firmware: int = _option(11, "what is simulated")
    supply_volts: int = _option(240, "what is simulated")
    unlock_code: str = field(
        default="7f3a-0c55d1e2-9b",
        repr=False,  # as a real one: never in a log
        metadata={"source": "invented; the form cccc-cccccccc-hh is " + MAGPY},
    )

    # Time
    arming_us: int = _option(1_000_000, "magpy-tms 1.4 waits 1.1 s after arming; the exact delay is an assumption")
    trigger_latency_us: int = _option(2_000, "magpy-tms's plots: 5.1 ms after the write, of which 3.1 ms are bytes")
    # A disarm cannot come within it: its own three bytes take longer. Unpaced, it is too late for the first pulse.
    keep_alive_standby_us: int = _option(10_000_000, "clients renew every 5 s (magpy-tms 1.4); the limit is assumed")
    keep_alive_armed_us: int = _option(1_000_000, "clients renew every 0.5 s (magpy-tms 1.4); the limit is assumed")
    auto_disarm_us: int = _option(60_000_000, MAGPY)
    slew_up_us_per_percent: int = _option(10_000, MAGPY)
    slew_down_us_per_percent: int = _option(100_000, MAGPY)
    single_recharge_us: int = _option(950_000, "1 Hz by serial (magpy-tms 1.4), ready a little sooner: assumption")
    enhanced_recharge_us: int = _option(1_900_000, "0.5 Hz above 100 % (magpy-tms 1.4), a little sooner: assumption")
    wait_after_train_us: int = _option(500_000, MAGPY)
    reply_latency_us: int = _option(0, CHOICE)

    # Behaviour
    disarm_cuts_train: bool = _option(True, CHOICE)
    train_bit_until: str = _option("last-pulse", "assumption; the other choice is duration")
    train_ends_by: str = _option("pulses", "assumption; the other choice is shorter: of pulses and duration")
    wait_shown_single_ms: int = _option(100, "a real unit at rest, magpy-tms issue 11")
    enforces_energy: bool = _option(False, "the host must keep the energy rule: magpy-tms 1.4, MAGIC")
    refuses_hot_coil_tenths: int = _option(400, MAGPY)
    has_coil_switch: bool = _option(True, "b@ exists to ignore it: " + MAGPY)

    # Words on the wire
    silent_without_remote: bool | None = _option(None, VIRTUAL + "; None: from firmware 9 on")
    letters_that_need_remote: str = _option("@BD[^_bNxno", VIRTUAL + "; E but disarm always does")
    silent_on_wrong_unlock: bool = _option(True, VIRTUAL)
    version_text: str = _option("", "form V9.0 is magpy-tms 1.4; empty: made from firmware")

    # Coil heat, first order: all of it an assumption, set so that a short session stays below 40 °C
    ambient_tenths: int = _option(220, CHOICE)
    heat_per_pulse_microkelvin: int = _option(20_000, CHOICE + ": at 100 %, quadratic in level")
    cooling_time_s: int = _option(1_200, CHOICE)

    def __post_init__(self) -> None:
        for name, known in (
            ("model", MODELS),
            ("firmware", FIRMWARES),
            ("supply_volts", SUPPLY_VOLTS),
            ("train_bit_until", ("last-pulse", "duration")),
            ("train_ends_by", ("pulses", "shorter")),
        ):
            if getattr(self, name) not in known:
                raise ConfigError(f"simulated {name} {getattr(self, name)!r} is not known: choose one of {known}")

    @property
    def mute_without_remote(self) -> bool:
        """Whether a command that needs remote control gets no answer (else it gets `S`)."""
        return self.firmware >= NEW_FIRMWARE if self.silent_without_remote is None else self.silent_without_remote

    @property
    def max_pulses(self) -> int:
        """Most pulses in a train (magpy-tms 1.4)."""
        return 6000 if self.firmware >= NEW_FIRMWARE else 1000

    @property
    def version(self) -> str:
        """The software version the device gives for itself."""
        return self.version_text or f"V{self.firmware}.0"


def sources() -> dict[str, str]:
    """Where each option's default comes from."""
    return {option.name: option.metadata["source"] for option in fields(Profile)}

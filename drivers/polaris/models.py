"""The models: what each can do. Each number's source is in NOTES.md; what no public source gives says "assumed"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from drivers.errors import ConfigError
from drivers.trackers import TrackerCapabilities

BAUDS: Final = {9600: "0", 19200: "2", 38400: "3", 57600: "4", 115200: "5", 230400: "A", 921600: "6"}
"""Baud and its letter in COMM, as far as Linux has a constant for it: neither 14400 nor 1228739."""
FIRST_BAUD: Final = 9600
"""After power-up and after a reset."""
TCP_PORT: Final = 8765


@dataclass(frozen=True, slots=True)
class Model:
    """One model."""

    capabilities: TrackerCapabilities
    bauds: tuple[int, ...]
    """What its serial line is asked for, best first."""


MODELS: Final = {
    "polaris-vicra": Model(TrackerCapabilities("polaris-vicra", 20.0, 50_000, 5_000, 0.1e-3), (921600, 115200)),
    "polaris-spectra": Model(TrackerCapabilities("polaris-spectra", 60.0, 17_000, 2_000, 0.1e-3), (921600, 115200)),
    "polaris-vega": Model(TrackerCapabilities("polaris-vega", 60.0, 14_200, 1_800, 0.045e-3), (921600, 115200)),
}


def model(name: str) -> Model:
    """The model of that name; ConfigError when there is none."""
    if name not in MODELS:
        raise ConfigError(f"{name!r} is no Polaris. [tracker] model is one of {', '.join(MODELS)}.")
    return MODELS[name]

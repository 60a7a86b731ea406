"""Every stimulator the house knows, by the name that a site file gives it."""

from __future__ import annotations

from drivers.errors import ConfigError
from drivers.magstim.dialect import MagstimRapid
from drivers.magstim.effects import max_pulses
from drivers.magstim.energy_table import HIGHEST_RATE, energy_rules
from drivers.stimulators import Dialect

MODELS = tuple(dict.fromkeys(model for model, _ in HIGHEST_RATE))
FIRMWARES = (5, 8, 9, 11)
SUPPLY_VOLTS = (240, 115)


def dialect(model: str, firmware: int, supply_volts: int = 240) -> Dialect:
    """The protocol of one unit. ConfigError names what is known when this unit is not."""
    _known("model", model, MODELS)
    _known("firmware", firmware, FIRMWARES)
    _known("supply_volts", supply_volts, SUPPLY_VOLTS)
    return MagstimRapid(model, firmware, energy_rules(model, supply_volts, max_pulses(firmware)))


def _known(key: str, value: str | int, known: tuple[str, ...] | tuple[int, ...]) -> None:
    if value not in known:
        choices = ", ".join(map(str, known))
        raise ConfigError(f"[stimulator] {key} = {value!r} is not known; choose one of {choices}.")

"""The numbers of the Rapid family behind `drivers.energy`, as public clients and data sheets give them (NOTES.md)."""

from __future__ import annotations

from drivers.energy import EnergyRules
from drivers.quantities import Hertz

RAPID2 = "magstim-rapid2"
SUPER_RAPID2 = "magstim-super-rapid2"
SUPER_RAPID2_PLUS1 = "magstim-super-rapid2-plus1"

PULSE_ENERGY = (
    (10, 25),
    (20, 101),
    (30, 227),
    (40, 403),
    (50, 630),
    (60, 907),
    (70, 1234),
    (80, 1612),
    (90, 2040),
    (100, 2520),
)
"""(%, 0.1 J), magpy-tms 1.4 and MAGIC."""

HIGHEST_RATE = {
    (RAPID2, 240): ((30, 50), (50, 30), (80, 18), (100, 15)),
    (SUPER_RAPID2, 240): ((30, 100), (50, 50), (80, 30), (100, 25)),
    (SUPER_RAPID2_PLUS1, 240): ((30, 100), (50, 97), (80, 57), (100, 41)),
    (RAPID2, 115): ((30, 36), (50, 23), (80, 14), (100, 11)),
    (SUPER_RAPID2, 115): ((30, 60), (50, 44), (80, 27), (100, 22)),
    (SUPER_RAPID2_PLUS1, 115): ((30, 60), (50, 58), (80, 34), (100, 25)),
}
"""(%, Hz) by model and supply voltage, magpy-tms 1.4; for the Super Rapid² at 80 % the lower figure of the vendor's
data sheet (SciCrunch SCR_026437): 30 Hz instead of 35."""

MAX_PULSES = 6000
MAX_PULSES_OLD = 1000
"""Below firmware 9."""


def energy_rules(model: str, supply_volts: int, max_pulses: int) -> EnergyRules:
    """The rules of one unit. KeyError when there are no numbers for this model on this supply."""
    return EnergyRules(
        pulse_energy=PULSE_ENERGY,
        highest_rate=tuple((percent, Hertz.of(hertz)) for percent, hertz in HIGHEST_RATE[model, supply_volts]),
        supply_watts=1050,  # magpy-tms 1.4, MAGIC
        train_joules=63_000,  # magpy-tms 1.4, MAGIC: 60 s of the supply
        shortest_wait_us=500_000,  # magpy-tms 1.4
        single_spacing_us=1_000_000,  # assumed: the serial port's single-pulse mode
        single_spacing_enhanced_us=2_000_000,  # magpy-tms 1.4: 0.5 Hz at 101..110 %
        max_pulses=max_pulses,
    )

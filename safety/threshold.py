"""A motor threshold, and the two conversions it stands for: % rMT → % MSO and back, both on the safe side."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from drivers.quantities import PercentMso, PercentRmt


class ThresholdMethod(Enum):
    """How a response was seen. Seen by eye lies 11.3 % higher on average (Westin 2014, PMC3954153)."""

    EMG = "emg"
    VISUAL = "visual"


@dataclass(frozen=True, slots=True)
class MotorThreshold:
    """One measured resting motor threshold on the scalp, never corrected for depth."""

    value: PercentMso
    method: ThresholdMethod
    pulses: int
    """Accepted pulses the estimate stands on."""
    sd_tenths: int | None
    """Standard deviation of the estimate in 0.1 % MSO; None where the method gives none."""
    coil: str
    taken_wall_us: int
    simulated: bool = False

    def __post_init__(self) -> None:
        if self.value.tenths == 0 or self.value.tenths > PercentMso.of(100).tenths:
            raise ValueError(f"a motor threshold lies above 0 and at most at 100 % MSO, not at {self.value}")

    def level(self, intensity: PercentRmt) -> PercentMso:
        """What to send for `intensity`: ⌊% rMT · MT⌋ in whole % MSO, as devices take integers."""
        return PercentMso(intensity.tenths * self.value.tenths // 10_000 * 10)

    def intensity(self, level: PercentMso) -> PercentRmt:
        """What `level` is to this subject, rounded up to 0.1 % so that no rounding hides an excess."""
        return PercentRmt(-(-level.tenths * 1000 // self.value.tenths))

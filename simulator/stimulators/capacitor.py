"""The capacitor whose charge is the strength of the next pulse."""

from __future__ import annotations

from simulator.stimulators.profile import Profile

TENTHS_PER_PERCENT = 10


class Capacitor:
    """Slews towards where it is set, faster up than down (magpy-tms 1.4: 10 and 100 ms per %)."""

    def __init__(self, profile: Profile, tenths: int, now_us: int) -> None:
        self._profile = profile
        self._from_tenths = self._to_tenths = tenths
        self._since_us = now_us

    def _per_tenth_us(self) -> int:
        rising = self._to_tenths > self._from_tenths
        per_percent = self._profile.slew_up_us_per_percent if rising else self._profile.slew_down_us_per_percent
        return per_percent // TENTHS_PER_PERCENT

    def set(self, tenths: int, now_us: int) -> None:
        """Starts towards `tenths` (0.1 %) from wherever it is."""
        self._from_tenths = self.at(now_us)
        self._to_tenths, self._since_us = tenths, now_us

    @property
    def settled_us(self) -> int:
        """When it stands where it was set."""
        return self._since_us + abs(self._to_tenths - self._from_tenths) * self._per_tenth_us()

    def at(self, now_us: int) -> int:
        """What it holds, in 0.1 %."""
        if now_us >= self.settled_us:
            return self._to_tenths
        moved = (now_us - self._since_us) // self._per_tenth_us()
        return self._from_tenths + (moved if self._to_tenths > self._from_tenths else -moved)

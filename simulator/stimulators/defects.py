"""What can be broken in a Rapid² itself, as against its line."""

from __future__ import annotations

from dataclasses import dataclass

FOR_EVER = -1


@dataclass(slots=True)
class Defects:
    """What is broken in this device. All zero: nothing."""

    disarms_ignored: int = 0
    """Orders to disarm still to be ignored; `FOR_EVER` for all."""
    extra_pulses: int = 0
    """Added to every train; negative: left out."""
    output_offset_tenths: int = 0
    """Real output less what is set, invisible from outside."""
    setting_offset_tenths: int = 0
    """Added to every level set from now on, visible when read back."""
    creep_tenths: int = 0
    """Added to the level each second, visible when read back."""
    creeps_at_us: int = 0
    """When the next time."""
    unlock_code: str = ""
    """Of another unit that stands in its place; empty: it is the one it was."""
    train_bit_stuck: bool = False
    error_code: str = ""
    """Source letter and two digits; empty: no error."""
    power_fails_after: int | None = None
    """Pulses until mains fail."""
    power_off_us: int = 0
    """How long they fail then."""

"""What a device makes of an order."""

from __future__ import annotations

from enum import Enum


class Answer(Enum):
    """What the device makes of an order."""

    DONE = "done"
    BAD_DATA = "bad data"
    """Outside the range of the field."""
    CONFLICT = "conflict"
    """Valid, and against the present state."""

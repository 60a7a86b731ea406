"""What a Polaris reports of one frame, whichever of TX, BX and BX2 carried it.

Units are the tracker's own here, as the names say: millimetres. `drivers.polaris.sights` makes them metres.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import Final

from drivers.poses import Quaternion, Vector


class PortStatus(IntFlag):
    """Of one tool. The lower eight bits from ndicapi.h; the upper ones from the vendor's guide, not verified."""

    OCCUPIED = 0x01
    SWITCH_1 = 0x02
    SWITCH_2 = 0x04
    SWITCH_3 = 0x08
    INITIALISED = 0x10
    ENABLED = 0x20
    OUT_OF_VOLUME = 0x40
    PARTLY_OUT_OF_VOLUME = 0x80
    INTERFERENCE = 0x200
    EXCEPTION = 0x1000
    FELL_BEHIND = 0x4000


class SystemStatus(IntFlag):
    """Of the tracker itself (ndicapi.h)."""

    SYNC_ERROR = 0x0001
    TOO_MUCH_INFRARED = 0x0002
    CRC_ERROR = 0x0004
    RECOVERABLE = 0x0008
    HARDWARE_FAILURE = 0x0010
    HARDWARE_CHANGE = 0x0020
    PORT_OCCUPIED = 0x0040
    PORT_UNOCCUPIED = 0x0080


NO_STATUS: Final = PortStatus(0)
NO_FAULT: Final = SystemStatus(0)


@dataclass(frozen=True, slots=True)
class Transform:
    """`camera_from_tool` as sent: the quaternion w, x, y, z is of length 1 up to its rounding."""

    quaternion: Quaternion
    translation_mm: Vector
    error_mm: float = 0.0


@dataclass(frozen=True, slots=True)
class ToolReport:
    """One tool handle in one reply."""

    handle: int
    transform: Transform | None
    """None: missing, or disabled."""
    status: PortStatus = NO_STATUS
    frame: int | None = None
    """Number of the frame it belongs to; None for a disabled tool, which has none."""
    code: int = 0
    """Why it is missing, by the numbers of BX2 (`drivers.polaris.bx2`); 0 in TX and BX, which do not say."""


@dataclass(frozen=True, slots=True)
class Report:
    """One reply."""

    tools: tuple[ToolReport, ...]
    system: SystemStatus = NO_FAULT
    alerts: tuple[tuple[int, int], ...] = ()
    """BX2 only: class (1 fault, 2 alert, 4 event) and code."""

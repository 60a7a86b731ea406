"""A tracker: frames of poses, each once and in order, with their times and what is wrong with them.

One interface for a camera on a cable, a player of what was recorded, and the simulator.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from drivers.errors import DeviceError
from drivers.poses import Pose


class TrackerHangs(DeviceError):
    """It answers, and shows nothing new any more."""


class Tool(Enum):
    """What carries a marker."""

    HEAD = "head"
    COIL = "coil"
    POINTER = "pointer"


class Missing(Enum):
    """Why a tool has no pose in a frame."""

    NOT_SEEN = "not-seen"
    """Hidden, or turned away: the tracker says no more than that it is missing."""
    OUT_OF_VOLUME = "out-of-volume"
    PARTLY_SEEN = "partly-seen"
    """Too few of its spheres are seen for a fit."""
    BAD_FIT = "bad-fit"
    """The spheres seen do not fit the tool's geometry."""
    INTERFERENCE = "interference"
    """Other infrared light."""
    FELL_BEHIND = "fell-behind"
    NOT_ENABLED = "not-enabled"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Sight:
    """One tool in one frame: a pose, or the reason why there is none."""

    pose: Pose | None
    """`camera_from_tool`, metres."""
    error_m: float = 0.0
    """The tracker's own residual of the fit; 0 when it gives none."""
    missing: Missing | None = None

    def __post_init__(self) -> None:
        if (self.pose is None) != (self.missing is not None):
            raise ValueError("a tool has either a pose or a reason why it has none")


@dataclass(frozen=True, slots=True)
class Frame:
    """What the tracker saw at one instant."""

    number: int
    """Counts the tracker's own frames: a gap is lost frames, the same number twice is the same frame."""
    source_us: int
    """When it was seen, by this machine's CLOCK_MONOTONIC, µs: fitted from frame numbers and arrivals, less latency."""
    received_us: int
    """When its last byte came, CLOCK_MONOTONIC, µs."""
    tools: Mapping[Tool, Sight] = field(default_factory=dict)
    fault: str = ""
    """What the tracker says is wrong with itself, for people; empty when nothing is."""


@dataclass(frozen=True, slots=True)
class TrackerCapabilities:
    """What a model can do; each number with its source in the vendor folder's NOTES.md."""

    model: str
    rate_hz: float
    latency_us: int
    """From the instant seen to the last byte's arrival, typical."""
    latency_sd_us: int
    noise_m: float
    """Standard deviation of a static tool's position along one axis."""


class Tracker(Protocol):
    """An open tracker. Raises WireError when it is gone, DeviceError when it refuses."""

    @property
    def capabilities(self) -> TrackerCapabilities:
        """What this model can do."""
        ...

    def frames(self) -> AsyncGenerator[Frame, None]:
        """Frames from now on, each once, in order; ends with WireError when the tracker is gone, TrackerHangs when it
        shows nothing new. Its next connection may count them anew; when they were seen goes on.
        """
        ...

    async def close(self) -> None:
        """Ends tracking and gives the port back."""
        ...

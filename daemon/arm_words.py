"""What the daemon and `coilward-arm` say to each other: one JSON object a packet, at most 4 KiB.

What goes out is built here; what comes back is read leniently, because a newer arm may say more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers.trackers import Frame, Sight

MAX_PACKET_BYTES: Final = 4096
LONGEST_FAULT: Final = 200
"""Characters of a tracker's own complaint that the arm takes."""

Where = Literal["target", "away", "park", "hand"]
Lease = Literal["begin", "continue", "none"]


class Error(BaseModel):
    """Where the coil is, seen from its target."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    lateral_mm: float
    depth_mm: float
    tilt_deg: float
    twist_deg: float

    @property
    def distance_mm(self) -> float:
        """How far off it is in all."""
        return float((self.lateral_mm**2 + self.depth_mm**2) ** 0.5)

    @property
    def angle_deg(self) -> float:
        """How far it is turned in all; tilt and twist are small where it matters."""
        return float((self.tilt_deg**2 + self.twist_deg**2) ** 0.5)


class ArmView(BaseModel):
    """The arm as it last told of itself."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    at_us: int
    """CLOCK_MONOTONIC."""
    state: str
    """`parked`, `approach`, `track`, `freeze`, `retract`, `away`, `hand`, `stopped` or `fault`."""
    why: str | None = None
    """Reason of the arm's, lower-kebab."""
    lease: Lease = "none"
    error: Error | None = None
    head_speed_mm_s: float | None = None
    frame_age_ms: float | None = None
    calibration: str = ""
    """The hash of the one it goes by; empty without one."""
    robot: dict[str, Any] = Field(default_factory=dict)
    """mode, safety, program."""
    trouble: str = ""
    """What went wrong on the way to the arm since it last obeyed, in words; empty when nothing did."""
    late_us: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ArmAnswer:
    """What the arm said to one order."""

    ok: bool
    why: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


def packet(body: Mapping[str, Any]) -> bytes:
    """One message as it goes out. ValueError when it is longer than the arm reads, or no JSON."""
    data = json.dumps(body, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()
    if len(data) > MAX_PACKET_BYTES:
        raise ValueError(f"a packet to the arm has at most {MAX_PACKET_BYTES} bytes, this one has {len(data)}")
    return data


def go(to: Where, asked_us: int | None = None) -> dict[str, Any]:
    """The order to bring the coil somewhere, as it was wanted at `asked_us`, CLOCK_MONOTONIC, or (None) just now."""
    return {"do": "go", "to": to} | ({} if asked_us is None else {"asked_us": asked_us})


def frame_words(frame: Frame) -> dict[str, Any]:
    """A tracker's frame, as the arm reads it."""
    return {
        "do": "frame",
        "n": frame.number,
        "source_us": frame.source_us,
        "received_us": frame.received_us,
        "tools": {tool.value: _sight(sight) for tool, sight in frame.tools.items()},
        "fault": "".join(each for each in frame.fault if each.isprintable())[:LONGEST_FAULT],
    }


def _sight(sight: Sight) -> Any:
    if sight.pose is None:
        return {"missing": sight.missing.value if sight.missing else "fault"}
    return [*sight.pose.quaternion, *sight.pose.translation]


def read_packet(data: bytes) -> ArmView | tuple[str, ArmAnswer] | None:
    """A state, or the answer to an order named by its word; None for what is neither."""
    try:
        body = json.loads(data)
    except ValueError:
        return None
    if not isinstance(body, dict):
        return None
    if body.get("say") == "state":
        try:
            return ArmView.model_validate(body)
        except ValidationError:
            return None
    if "re" in body:
        rest = {key: value for key, value in body.items() if key not in ("re", "ok", "why")}
        return str(body["re"]), ArmAnswer(body.get("ok") is True, str(body.get("why") or ""), rest)
    return None

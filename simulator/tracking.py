"""An optical tracker as physics: it sees tools at its rate, with noise, some time late, and with all that fails.

Frame n is seen at `start + n periods` and is ready 14 ms later (NDI Polaris Vega: 14.2 ± 1.8 ms, robot.md §2). Noise
and latency of a frame come from the seed and its number alone, so the same room gives the same frames on both clocks.
A wire takes the frames that are ready and puts them into its own protocol.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from drivers.poses import Pose
from drivers.trackers import Frame, Missing, Sight, Tool

READY_FRAMES = 256
"""Frames kept for a wire that does not take them: some seconds. Older ones are lost, as in the device."""
FAULTS = ("sync-error", "too-much-infrared", "recoverable", "hardware-failure")
"""What a tracker can say is wrong with itself (ndicapi.h)."""
Scene = Callable[[int], Mapping[Tool, Pose]]
"""Time in µs → where each tool really is in the camera's frame; a tool that is not there at all is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerProfile:
    """What is assumed of a tracker: change an option, never the code."""

    rate_hz: float = 60.0
    """Vega: 60 Hz standard; others 20 (Vicra) to 250 (Vega XT)."""
    noise_m: float = 0.00005
    """Standard deviation along one axis (trackers.md §6.2: Vega 0.045 mm RMSE)."""
    noise_rad: float = 0.05 * 0.017453292519943295
    """0.05°: the same noise on an array of 40 mm (trackers.md §6.2)."""
    latency_us: int = 14_000
    latency_sd_us: int = 2_000
    """Vega: 14.2 ± 1.8 ms (robot.md §2)."""
    error_m: float = 0.0002
    """What it says of its own fit."""
    dropout: float = 0.0
    """Share of the sights of each tool that are lost, at random."""
    nearest_m: float = 0.95
    furthest_m: float = 2.4
    """Depth of a Vega's measuring volume, along the camera's -z (vendor's data sheet)."""

    @property
    def period_us(self) -> float:
        """From one frame to the next."""
        return 1e6 / self.rate_hz


class Freeze(Enum):
    """What a tracker that hangs still does."""

    POSES = "poses"
    """Frame numbers run on, every pose is the last one seen."""
    NUMBERS = "numbers"
    """The last frame is sent again and again, its number too."""
    SILENT = "silent"
    """Nothing is sent any more."""


@dataclass(slots=True)
class TrackerFaults:
    """What is wrong with it, each until a time."""

    hidden_until_us: dict[Tool, int] = field(default_factory=dict)
    frozen: tuple[Freeze, int] | None = None
    swapped: tuple[Tool, Tool, int] | None = None
    jumps: dict[Tool, tuple[Pose, int]] = field(default_factory=dict)
    """A tool is seen elsewhere by this pose, in the camera's frame."""
    dropout: float = 0.0
    fault: tuple[str, int] | None = None
    """What the tracker says is wrong with itself."""
    extra_latency_us: int = 0


class SimulatedTracker:
    """Sees the scene at its rate; `ready` frames wait for a wire."""

    def __init__(self, profile: TrackerProfile, scene: Scene, seed: int, start_us: int) -> None:
        self.profile, self.faults = profile, TrackerFaults()
        self._scene, self._seed, self._start_us = scene, seed, start_us
        self._next = 1
        self._last: Frame | None = None
        self._last_ready_us = start_us
        self._coming: deque[Frame] = deque(maxlen=READY_FRAMES)
        self.newest: Frame | None = None
        """The newest frame that is ready: what a polled tracker answers with."""
        self.ready: deque[Frame] = deque(maxlen=READY_FRAMES)
        """Frames that became ready and that no wire has taken yet."""

    # ── time ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def step_to(self, now_us: int) -> None:
        """Sees every frame that is due by `now_us`, each at its own instant, and makes ready what is."""
        while (seen_us := self._seen_us(self._next)) <= now_us:
            self._make_ready(seen_us)
            self._see(self._next)
            self._next += 1
        self._make_ready(now_us)

    def _make_ready(self, now_us: int) -> None:
        while self._coming and self._coming[0].received_us <= now_us:
            self.newest = self._coming.popleft()
            self.ready.append(self.newest)

    @property
    def next_see_us(self) -> int:
        """When it looks next: the scene must stand as it is then."""
        return self._seen_us(self._next)

    @property
    def next_event_us(self) -> int:
        """When it looks next, or when the next frame becomes ready."""
        return min(self.next_see_us, self._coming[0].received_us) if self._coming else self.next_see_us

    def take(self) -> list[Frame]:
        """The frames that became ready since it was last asked."""
        frames = list(self.ready)
        self.ready.clear()
        return frames

    def _seen_us(self, number: int) -> int:
        return self._start_us + round(number * self.profile.period_us)

    # ── seeing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _see(self, number: int) -> None:
        seen_us = self._seen_us(number)
        draw = random.Random(f"{self._seed}/{number}")  # noqa: S311  noise, not a secret
        latency_us = draw.gauss(self.profile.latency_us, self.profile.latency_sd_us) + self.faults.extra_latency_us
        ready_us = max(self._last_ready_us, seen_us + max(0, round(latency_us)))
        self._last_ready_us = ready_us
        freeze = self._freeze(seen_us)
        if freeze is Freeze.SILENT:
            return
        if freeze and self._last:
            number = self._last.number if freeze is Freeze.NUMBERS else number
            frame = Frame(number, seen_us, ready_us, self._last.tools, self._last.fault)
        else:
            frame = Frame(number, seen_us, ready_us, self._tools(seen_us, draw), self._fault(seen_us))
            self._last = frame
        self._coming.append(frame)

    def _freeze(self, seen_us: int) -> Freeze | None:
        return self.faults.frozen[0] if self.faults.frozen and seen_us < self.faults.frozen[1] else None

    def _fault(self, seen_us: int) -> str:
        return self.faults.fault[0] if self.faults.fault and seen_us < self.faults.fault[1] else ""

    def _tools(self, seen_us: int, draw: random.Random) -> dict[Tool, Sight]:
        scene = self._scene(seen_us)
        sights = {}
        for tool in Tool:  # drawn for every tool, seen or not, so that hiding one leaves the others' noise as it was
            lost, shake = draw.random(), self._shake(draw)
            hidden = seen_us < self.faults.hidden_until_us.get(tool, 0)
            dropped = lost < max(self.profile.dropout, self.faults.dropout)
            sights[tool] = self._sight(scene.get(tool), shake, tool, seen_us, seen=not (hidden or dropped))
        if self.faults.swapped and seen_us < self.faults.swapped[2]:
            a, b, _ = self.faults.swapped
            sights[a], sights[b] = sights[b], sights[a]
        return sights

    def _sight(self, camera_from_tool: Pose | None, shake: Pose, tool: Tool, seen_us: int, *, seen: bool) -> Sight:
        if camera_from_tool is None or not seen:
            return Sight(None, missing=Missing.NOT_SEEN)
        jump, until_us = self.faults.jumps.get(tool, (None, 0))
        if jump and seen_us < until_us:
            x, y, z = camera_from_tool.translation
            u, v, w = jump.translation
            camera_from_tool = Pose((jump @ camera_from_tool).quaternion, (x + u, y + v, z + w))
        if not self.profile.nearest_m <= -camera_from_tool.translation[2] <= self.profile.furthest_m:
            return Sight(None, missing=Missing.OUT_OF_VOLUME)
        x, y, z = camera_from_tool.translation
        u, v, w = shake.translation
        turned = Pose(camera_from_tool.quaternion) @ Pose(shake.quaternion)
        return Sight(Pose(turned.quaternion, (x + u, y + v, z + w)), self.profile.error_m)

    def _shake(self, draw: random.Random) -> Pose:
        turn = [draw.gauss(0, self.profile.noise_rad) for _ in range(3)]
        return Pose.turned(turn, [draw.gauss(0, self.profile.noise_m) for _ in range(3)])

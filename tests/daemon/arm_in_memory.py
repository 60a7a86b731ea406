"""An arm in virtual time: it takes a second to the target, and the stand-in watchdog sees its lease."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from daemon.arm.reasons import ArmReason
from daemon.arm_side import ArmSide
from daemon.arm_words import ArmAnswer, ArmView
from daemon.calibration_file import Calibration
from daemon.placement_files import PlacementFiles
from daemon.target import Target
from tests.daemon.arm_stand_in import state
from tests.daemon.guard_in_memory import now_us
from tests.daemon.registered_head import MARKER_TARGET, file_target, registrations, targets

WAY_S = 1.0
DWELL_S = 1.0
"""The watchdog's own, after a hold."""


class ArmInMemory:
    """In the room of `stage`, which had no arm until now."""

    def __init__(self, stage: Any, target: Target | None = MARKER_TARGET, *, persons: bool = False) -> None:
        """`target`: what is on file of the subject of `stage`."""
        self.stage = stage
        folder = stage.site.daemon.state
        if target is not None:
            file_target(folder, target)
        self.files = PlacementFiles(
            registrations(folder), targets(folder, persons=persons), folder / "calibration.json",
            simulated=True, journal=stage.room._journal,
        )  # fmt: skip
        self.side = ArmSide(stage.room._journal, now_us, lambda: 0, files=self.files)
        stage.room._arm = self.side
        self.orders: list[dict[str, Any]] = []
        self.calibration = "5ea1" * 16
        self.refuse: dict[str, str] = {}
        """Why, by where it is to go."""
        self.calibrations_refused: ArmReason | None = None
        """Why it takes no calibration."""
        self.targets_refused = ""
        """Why it takes no target."""
        self.way_s = WAY_S
        self._sent_off_us = -1
        self.says: dict[str, Any] = {"state": "parked", "lease": "none", "why": None, "error": None}
        self._timers: list[asyncio.TimerHandle] = []

    async def connected(self) -> None:
        await self.side.linked(self)
        self.push()

    def push(self) -> None:
        """The state, 20 times a second."""
        self._tell()
        self._later(0.05, self.push)

    def _tell(self) -> None:
        self.stage.room.hear_arm(ArmView.model_validate(state(at_us=now_us(), frame_age_ms=15.0, **self.says)))

    def _later(self, delay_s: float, call: Any, *args: Any) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(delay_s, call, *args))

    # --- what the room asks -------------------------------------------------------------------------------------

    async def ask(self, order: Mapping[str, Any]) -> ArmAnswer:
        self.orders.append(dict(order))
        if order["do"] == "calibrate":
            return self._calibrate(order)
        if order["do"] != "go":
            return ArmAnswer(not self.targets_refused, self.targets_refused, {"calibration": self.calibration})
        to = str(order["to"])
        if to == "target" and order["asked_us"] <= self._sent_off_us:
            return ArmAnswer(ok=False, why="sent-off")
        if to in self.refuse:
            return ArmAnswer(ok=False, why=self.refuse[to])
        self._go(to)
        return ArmAnswer(ok=True)

    def _calibrate(self, order: Mapping[str, Any]) -> ArmAnswer:
        if self.calibrations_refused:
            reason = self.calibrations_refused
            return ArmAnswer(ok=False, why=reason.json, detail={"sentence": str(reason.sentence)})
        self.calibration = Calibration.model_validate(order["calibration"]).hash
        return ArmAnswer(ok=True, detail={"calibration": self.calibration})

    def tell(self, order: Mapping[str, Any]) -> None:
        self.orders.append(dict(order))
        self._go("stopped" if order["do"] == "stop" else str(order["to"]))

    def send_frame(self, frame: object) -> bool:  # noqa: ARG002  as the link's
        return True

    @property
    def went(self) -> list[str]:
        return [str(order.get("to", "stop")) for order in self.orders if order["do"] in ("go", "stop")]

    def _go(self, to: str) -> None:
        if to == "target":
            self.leaves("approach", None)
            self._later(self.way_s, self.arrives)
        else:
            self._sent_off_us = now_us()
            self.leaves({"park": "parked", "hand": "hand"}.get(to, to), None)

    # --- what happens -------------------------------------------------------------------------------------------

    def is_sent_off(self) -> None:
        """By somebody of this machine, past the room: `coilward coil away` without a broker."""
        self._go("away")

    def arrives(self) -> None:
        """On the target, where a train may begin."""
        self.says = {"state": "track", "lease": "begin", "why": None, "error": state()["error"]}
        self.stage.guard.near = False
        self._tell()
        self._later(DWELL_S, self._clear)

    def leaves(self, to: str, why: str | None, error: Mapping[str, float] | None = None) -> None:
        """Off the target: the watchdog cuts what runs, and holds."""
        self.says = {"state": to, "lease": "none", "why": why, "error": error}
        self._tell()
        guard = self.stage.guard
        if guard.running is not None:
            guard.tell("cut", reason="lease-lost")
            guard._drop()
            guard.disarm()
        if guard.hold is None:
            guard.holding("lease-missing")

    def flickers(self) -> None:
        """Good enough to go on, not to begin: no hold."""
        self.says = {**self.says, "lease": "continue", "why": "head-fast"}
        self.stage.guard.near = True
        self._tell()

    def _clear(self) -> None:
        if self.says["lease"] == "begin" and self.stage.guard.hold == "lease-missing":
            self.stage.guard.clear()

    def hangs_up(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self.stage.room.arm_lost("killed")
        self.stage.guard.holding("lease-missing")

    def end(self) -> None:
        for timer in self._timers:
            timer.cancel()


async def begun(stage: Any, arm: ArmInMemory) -> None:
    await arm.connected()
    await stage.begun()

"""A watchdog in memory, just real enough to carry a session out in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from daemon.guard_link import Allowed, Denied
from daemon.guard_words import (
    AskPermit,
    Block,
    CloseSession,
    Dose,
    Emergency,
    Intensity,
    OpenSession,
    Release,
    Request,
    Reset,
    Resolve,
    Stop,
    Unblock,
)
from drivers.errors import DeadlinePassed, DeviceRefused
from safety.plans import PlannedTrain

GRANT_S = 0.08
PERMIT_LIFE_S = 0.5
"""So long a request waits for a coil that is only near its target."""
REPLY_S = 0.02
PUSH_S = 0.25
NONCE = "0" * 32
HASH = "0" * 32
"""Of the plan, which a release repeats."""
KEY = "ab" * 8
WALL_US = 1_800_000_000_000_000
"""Unix time when the loop's clock began."""


def now_us() -> int:
    return int(asyncio.get_running_loop().time() * 1_000_000)


def worded(plan: Iterable[PlannedTrain]) -> list[dict[str, int]]:
    """As the watchdog words its plan."""
    runs: list[dict[str, int]] = []
    for each in plan:
        row = {"pulses": each.train.pulses, "rate_tenths": each.train.rate.tenths, "level_tenths": each.level.tenths,
               "gap_us": each.gap_us}  # fmt: skip
        if runs and {key: runs[-1][key] for key in row} == row:
            runs[-1]["trains"] += 1
        else:
            runs.append({"trains": 1, **row})
    return runs


@dataclass
class StandInGuard:
    """Grants what is asked unless told otherwise, and tells what happens in the watchdog's own words."""

    hear: Callable[[dict[str, Any]], None] = lambda _push: None
    plan: list[dict[str, int]] = field(default_factory=list)
    intensity_tenths: int = 1000
    asked: list[Request] = field(default_factory=list)
    denials: list[str | tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Reasons for the next permits, one each, with their figures or without."""
    deliver: Callable[[int], tuple[int, str]] = lambda pulses: (pulses, "delivered")
    """What becomes of a train of so many pulses: (settled, outcome)."""
    hold: str | None = None
    near: bool = False
    """The coil is near its target only: what was begun goes on, no permit is given and none begun with."""
    condition: str = "standby"
    temperature_tenths: int = 250
    stuck_armed: bool = False
    present: bool = True
    permit: int = 0
    open_permits: dict[int, dict[str, Any]] = field(default_factory=dict)
    running: asyncio.TimerHandle | None = None
    timers: set[asyncio.TimerHandle] = field(default_factory=set)
    beats: list[tuple[int, int, int]] = field(default_factory=list)
    trip: dict[str, Any] | None = None
    lockout: str | None = None
    """Why it is locked out."""
    trigger_times_us: list[int] = field(default_factory=list)
    counted: dict[int, int] = field(default_factory=dict)
    """The ledger: pulses by reservation, in full until they are settled."""
    unknown: list[int] = field(default_factory=list)
    last_session: dict[str, Any] | None = None
    """What the ledger has of the session opened last; None: as before the first."""
    emergency: dict[str, Any] | None = None
    """The one that stands."""
    blocked: bool = False
    silent: bool = False
    """It answers no emergency."""
    pusher: asyncio.TimerHandle | None = None

    def of(self, kind: type[Request]) -> list[Any]:
        return [request for request in self.asked if isinstance(request, kind)]

    def beat(self, session_turns: int, driver_turns: int, presence_us: int) -> None:
        self.beats.append((session_turns, driver_turns, presence_us))

    def tell(self, kind: str, **body: Any) -> None:
        self.hear({"say": "event", "n": 1, "kind": kind, "at_us": now_us(), "wall_us": 0, **body})

    def show(self) -> None:
        device = {"present": self.present, "condition": self.condition if self.present else None,
                  "may_be_armed": self.condition != "standby", "temperature_tenths": self.temperature_tenths,
                  "settings": {"level_tenths": 500, "rate_tenths": 100, "pulses": 20}}  # fmt: skip
        planned = sum(run["trains"] * run["pulses"] for run in self.plan)
        session = {"hash": HASH, "planned": planned, "counted": sum(self.counted.values())}
        phase = "lockout" if self.lockout else "safe"
        self.hear({"say": "status", "at_us": now_us(), "phase": phase, "nonce": NONCE, "hold": self.hold,
                   "trip": self.trip, "lockout": self.lockout, "unknown": self.unknown, "disarming": False,
                   "device": device, "session": session, "last_session": self.last_session,
                   "emergency": self.emergency, "blocked": self.blocked})  # fmt: skip

    def push(self) -> None:
        """The status, four times a second and at no other time, as the real one does."""
        self.show()
        self.pusher = asyncio.get_running_loop().call_later(PUSH_S, self.push)

    async def ask(self, request: Request, deadline_s: float = 1.0) -> Allowed | Denied:  # noqa: ARG002  as the link's
        self.asked.append(request)
        if isinstance(request, AskPermit):
            return await self._grant(request)
        if isinstance(request, OpenSession):
            self.emergency, self.blocked = None, False
            understood = {"plan": self.plan, "intensity_tenths": request.intensity_tenths or self.intensity_tenths}
            return Allowed({"session": KEY, "hash": HASH, "understood": understood})
        if isinstance(request, Dose):
            return Allowed({"day": sum(self.counted.values()) or 40, "twelve_hours": 40, "week": 40, "allowed": {}})
        if isinstance(request, Stop | Emergency):
            return self._stopped(request)
        if isinstance(request, Reset) and self.trip is None:
            return Denied("nothing-tripped", {})
        if isinstance(request, Resolve) and request.ref not in self.unknown:
            return Denied("nothing-to-resolve", {})
        if isinstance(request, Reset):
            self.trip = None
            self.tell("reset", by=request.by)
        if isinstance(request, Resolve):
            self.unknown.clear()
            self.tell("resolved", ref=request.ref, by=request.by)
        if isinstance(request, Unblock | Block):
            self._change_block(request)
        assert isinstance(request, (Unblock, Block, Release, Reset, Resolve, Intensity, CloseSession))
        return Allowed({})

    def _stopped(self, request: Stop | Emergency) -> Allowed:
        if isinstance(request, Stop):
            self.stop("stop-asked")
        elif self.silent:
            raise DeadlinePassed("The watchdog did not answer emergency within 1 s.")
        else:
            self.press(request.by)
        return Allowed({"at_us": now_us()})

    def _change_block(self, request: Unblock | Block) -> None:
        fields = {name: value for name, value in request.model_dump().items() if name != "nonce"}
        self.emergency, self.blocked = None, isinstance(request, Block)
        self.tell("blocked" if self.blocked else "unblocked", **fields)

    async def _grant(self, request: AskPermit) -> Allowed | Denied:
        await asyncio.sleep(GRANT_S)
        if self.denials:
            denial = self.denials.pop(0)
            return Denied(denial, {}) if isinstance(denial, str) else Denied(*denial)
        ends_us = now_us() + PERMIT_LIFE_S * 1_000_000
        while self.near:
            if now_us() > ends_us:
                self.tell("permit-refused", reason="lease-missing", detail={})
                return Denied("lease-missing", {})
            await asyncio.sleep(REPLY_S)
        running = [permit for permit in self.open_permits.values() if permit["due"]]
        base_us = running[-1]["due"][-1] if running and request.times_us else now_us()
        self.permit += 1
        pulses = self.counted[self.permit] = request.pulses * request.triggers
        permit = {"pulses": request.pulses, "rate": request.rate_tenths, "index": 0,
                  "due": [base_us + at for at in request.times_us]}  # fmt: skip
        self.open_permits[self.permit] = permit
        for due_us in permit["due"]:
            self._later((due_us - now_us()) / 1e6, self._timed, self.permit)
        self.tell("granted", permit=self.permit, ref=self.permit, pulses=pulses, train=request.train)
        return Allowed({"permit": self.permit, "reserved": pulses, "ref": self.permit, "expires_us": 0})

    def _later(self, delay_s: float, call: Callable[..., None], *args: Any) -> asyncio.TimerHandle:
        handle = asyncio.get_running_loop().call_later(delay_s, call, *args)
        self.timers.add(handle)
        return handle

    def _timed(self, number: int) -> None:
        if number not in self.open_permits:
            return
        if self.near and not self.open_permits[number]["index"]:
            self.tell("refused", reason="lease-missing", detail={}, frame="timed trigger")
            self._drop()
            return
        self.triggered(number)

    def triggered(self, number: int | None = None) -> None:
        """A trigger frame passes, the timer's or the speaker's."""
        if number is None:
            number = next(iter(self.open_permits), None)
        if number is None:
            raise DeviceRefused("S")
        permit = self.open_permits[number]
        self.trigger_times_us.append(now_us())
        self.tell(
            "trigger", permit=number, ref=number, index=permit["index"], planned_us=now_us(), late_us=0, late=False
        )
        period_s = 10 / permit["rate"] if permit["rate"] else 0.0
        index, permit["index"] = permit["index"], permit["index"] + 1
        self.running = self._later(
            (permit["pulses"] - 1) * period_s + REPLY_S, self._settle, number, index, permit["pulses"]
        )
        self.running_since_us, self.running_permit = now_us(), (number, index, permit)

    def _settle(self, number: int, index: int, pulses: int) -> None:
        self.running = None
        settled, outcome = self.deliver(pulses)
        self._settled(number, index, settled, outcome)

    def _settled(self, number: int, index: int, settled: int, outcome: str) -> None:
        permit = self.open_permits[number]
        permit["settled"] = permit.get("settled", 0) + settled
        if not permit["due"] or index + 1 == len(permit["due"]) or outcome != "delivered":
            self.open_permits.pop(number)
            if outcome != "unknown":
                self.counted[number] = permit["settled"]
        self.tell("settled", permit=number, ref=number, index=index, pulses=settled, low=settled, high=settled,
                  by="running", outcome=outcome, written_us=now_us())  # fmt: skip
        if outcome == "unknown":
            self.unknown.append(number)
            self.stop("unknown-open")

    def _drop(self, fate: str = "cut") -> None:
        if self.running is not None:
            self.running.cancel()
            self.running = None
            number, index, permit = self.running_permit
            if fate == "unknown":
                self._settled(number, index, permit["pulses"], fate)
                return
            out = (now_us() - self.running_since_us) * permit["rate"] // 10_000_000 + 1
            self._settled(number, index, min(out, permit["pulses"]), "cut")
        for number in tuple(self.open_permits):
            self.counted[number] = self.open_permits.pop(number).get("settled", 0)
            self.tell("withdrawn", permit=number, reason="stop-asked")

    def stop(self, reason: str) -> None:
        self.tell("stop", reason=reason)
        self._drop()
        self.disarm()

    def press(self, by: str, subject: str | None = "sim-0001") -> None:
        """An emergency: as the real one tells it, in one step."""
        self.stop("stop-asked")
        self.tell("stop-asked", by=by)
        if self.emergency is None:
            self.tell("session-closed", session=KEY, why="emergency", by=by)
            self.emergency = {"pressed_us": WALL_US + now_us(), "by": by, "subject": subject, "session": KEY}
            self.blocked = True
            self.tell("emergency", **self.emergency)

    def disarm(self) -> None:
        if not self.stuck_armed:
            self.condition = "standby"
            self.tell("disarmed", why="asked")

    def trip_with(self, reason: str, drop: str = "cut") -> None:
        self.trip = {"reason": reason, "at_us": now_us()}
        self.tell("trip", reason=reason)
        self._drop(drop)
        self.disarm()

    def holding(self, reason: str) -> None:
        self.hold = reason
        self.tell("hold", reason=reason)

    def clear(self) -> None:
        self.hold = None
        self.tell("clear")

    def end(self) -> None:
        if self.pusher is not None:
            self.pusher.cancel()
        for timer in self.timers:
            timer.cancel()

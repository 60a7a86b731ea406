"""Opening a session: what must be there before the watchdog is asked, and what its answer must hold to be begun."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from daemon.config import Site
from daemon.guard_words import CloseSession, OpenSession, Request, Threshold
from daemon.plan import Planned, check_deliverable, compile_plan
from daemon.room import Answer, Done, Measured, Order, Refused
from daemon.session import Session
from daemon.thresholds import Thresholds, as_motor_threshold
from drivers.errors import CoilwardError, OperatorError
from drivers.quantities import PercentRmt
from drivers.stimulators import Dialect
from safety.protocols import Protocol
from safety.threshold import MotorThreshold

Ask = Callable[[Callable[[], Request]], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Opened:
    """A session the watchdog opened and this stimulator can carry out."""

    session: Session
    """In CHECKS; its plan comes with the event OPENED."""
    plan: tuple[Planned, ...]
    threshold: MotorThreshold
    filed: Threshold
    answer: Mapping[str, Any]
    """session, hash, understood."""


@dataclass(frozen=True, slots=True)
class Continuing:
    """What a continued session goes on from."""

    session: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Opener:
    """Everything opening needs to know of the room."""

    site: Site
    dialect: Dialect
    protocols: Mapping[str, Protocol]
    thresholds: Thresholds

    async def open(self, order: Order, by: str, ask: Ask, continuing: Continuing) -> Opened | Refused:
        """Asks the watchdog, then holds its plan against the stimulator; a plan that cannot be is closed again."""
        filed = self._threshold(order)
        if isinstance(filed, Refused):
            return filed
        answer = await ask(lambda: self._request(order, by, filed, continuing))
        if isinstance(answer, Refused):
            return answer
        try:
            return self._understood(order, filed, answer)
        except OperatorError as wrong:
            await ask(lambda: CloseSession(by=by, why="not deliverable"))
            return Refused("not-deliverable", f"No session was opened. {wrong}", {"problem": str(wrong)})

    def _threshold(self, order: Order) -> Threshold | Refused:
        coil = self.site.stimulator.coil
        if not order.placement.strip():
            return Refused(
                "placement-missing",
                "No session was opened. This room has no tracker, so only you know where the coil is. "
                "Say where it is placed and by which mark (--placement).",
            )
        try:
            found = self.thresholds.latest(order.subject, coil)
        except CoilwardError as wrong:
            return Refused("thresholds-unread", f"No session was opened. {wrong}", {"problem": str(wrong)})
        except OSError as wrong:
            return Refused(
                "thresholds-unread",
                f"No session was opened. {self.thresholds.path} cannot be read: {wrong.strerror}. "
                "Give the file to the user of coilward-daemon.",
                {"path": str(self.thresholds.path), "problem": wrong.strerror},
            )
        if found is None:
            return Refused(
                "threshold-missing",
                f"No session was opened. There is no motor threshold of {order.subject} with {coil}. File one with "
                f"`coilward subject threshold {order.subject} …`.",
                {"subject": order.subject, "coil": coil},
            )
        return found

    def file(self, measured: Measured, by: str, now_wall_us: int) -> Answer:
        """Puts a threshold on file as taken now. Blocks until it is on the disk."""
        threshold = Threshold(
            value_tenths=measured.value_tenths, method=measured.method, pulses=measured.pulses, coil=measured.coil,
            taken_wall_us=now_wall_us, sd_tenths=measured.sd_tenths, simulated=self.site.site.use == "simulation",
        )  # fmt: skip
        try:
            self.thresholds.file(measured.subject, threshold, by)
        except OSError as wrong:
            return Refused(
                "threshold-not-filed",
                f"The threshold was not filed. {self.thresholds.path} cannot be written: {wrong.strerror}. "
                "Check its owner, the user of coilward-daemon, and the space on its disk.",
                {"path": str(self.thresholds.path), "problem": wrong.strerror},
            )
        return Done()

    def _request(self, order: Order, by: str, filed: Threshold, continuing: Continuing) -> OpenSession:
        return OpenSession(
            kind="treatment", door="daemon", by=by, coil=self.site.stimulator.coil, subject=order.subject,
            protocol=order.protocol, threshold=filed, intensity_tenths=order.intensity_tenths,
            continues=continuing.session, reason=continuing.reason, placement=order.placement,
        )  # fmt: skip

    def _understood(self, order: Order, filed: Threshold, answer: Done) -> Opened:
        understood, threshold = answer.detail["understood"], as_motor_threshold(filed)
        intensity = PercentRmt(int(understood["intensity_tenths"]))
        plan = compile_plan(understood["plan"], threshold, self.dialect)
        check_deliverable(plan, threshold, intensity, self.dialect)
        known = self.protocols.get(order.protocol)
        prescribed = max((phase.intensity for phase in known.phases), default=intensity) if known else intensity
        session = Session(prescribed, intensity, append_cut=self.site.daemon.made_up == "append")
        return Opened(session, plan, threshold, filed, answer.detail)

"""The arm in the treatment room: its connection while there is one, the coil it tells of, and what people ask of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, Protocol

from daemon import words
from daemon.arm_words import ArmAnswer, ArmView, Where, go
from daemon.coil import ENGAGED, Coil
from daemon.journal import Journal
from daemon.placement_files import PlacementFiles
from daemon.registration_file import Registration
from daemon.room import Answer, Done, Order, Refused
from daemon.target import DIGITS, Target
from drivers.errors import CoilwardError, ConfigError, DeviceRefused
from drivers.trackers import Frame

LONGEST_PLACEMENT: Final = 200
"""Characters the watchdog takes."""

PASSING: Final = frozenset({"head-lost", "tracker-silent", "tracker-late"})
"""Why an arm does not start towards a head that may be seen again the next moment."""
COME_S: Final = 2.0
AGAIN_S: Final = 0.1
"""How long, and how often, it is asked again (engineering choices: the verb has 5 s)."""


class Arm(Protocol):
    """The link, as the room uses it."""

    async def ask(self, order: Mapping[str, Any]) -> ArmAnswer:
        """The arm's answer; raises ArmLost or DeadlinePassed."""

    def tell(self, order: Mapping[str, Any]) -> None:
        """Sends an order whose answer nobody waits for; raises as `ask`."""

    def send_frame(self, frame: Frame) -> bool:
        """Passes a tracker's frame on; raises ArmLost."""


def monotonic_behind_us() -> int:
    """How far CLOCK_BOOTTIME is ahead of CLOCK_MONOTONIC: the time this machine has slept, µs."""
    return (time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.clock_gettime_ns(time.CLOCK_MONOTONIC)) // 1000


class ArmSide:
    """One for a room with an arm. `clock` gives BOOTTIME µs."""

    def __init__(
        self,
        journal: Journal,
        clock: Callable[[], int],
        ahead_us: Callable[[], int] = monotonic_behind_us,
        *,
        files: PlacementFiles,
        slow_tracker: str = "",
    ) -> None:
        self.files = files
        self.coil = Coil(journal, clock, ahead_us)
        self.link: Arm | None = None
        self.slow_tracker = slow_tracker
        """What a tracker with few frames costs, for whoever opens a session; empty for one with enough."""
        self.tracker_hangs = False
        """Whether the tracker answers and shows nothing new; to the arm it is then silent."""
        self._journal = journal
        self._calibration = "unknown"
        self._target: Target | None = None
        self._registration: Registration | None = None
        self._clock = clock
        self._ahead_us = ahead_us
        self._sent: Where | None = None
        """Where to by a person's last order, as far as the arm has not refused it and nothing came after it."""

    async def linked(self, link: Arm) -> None:
        """The arm answers: it is told where the coil belongs, once a session has said so. Raises as `Arm.ask`."""
        if later := await self._tell_calibration(link):
            self._journal.write("trouble", what=later)  # no session is opened before it is mended
        await self._tell_target(link)
        self.link = link
        name = self._target.name if self._target else None
        self._journal.write("arm", linked=True, target=name, calibration=self._calibration)

    async def _tell_target(self, link: Arm) -> None:
        target, found = self._target, self._registration
        if target is None:
            return
        scalp = found.scalp.shape if found and found.scalp else None
        answer = await link.ask(target.order(found.head_from_skull if found else None, scalp))
        if not answer.ok:
            raise DeviceRefused(
                f"The arm does not take the target {target.name}: {answer.why}. "
                f"Record it again: `coilward target record {target.subject}`."
            )
        self._calibration = str(answer.detail.get("calibration") or "none")

    async def _tell_calibration(self, link: Arm) -> str:
        """Has the arm go by the one on file; why it does not, empty when it does. Raises as `Arm.ask`."""
        try:
            found = self.files.calibrated()
        except ConfigError as wrong:
            return str(wrong)
        if found is None:
            return ""
        answer = await link.ask({"do": "calibrate", "calibration": found.model_dump(mode="json")})
        if not answer.ok:
            return f"The arm does not take the calibration on file. {answer.detail.get('sentence') or answer.why}"
        self._calibration = str(answer.detail["calibration"])
        return ""

    async def recalibrate(self) -> str:
        """Has the arm go by the calibration on file; why it does not yet, empty when it does."""
        if self.link is None:
            return str(words.ENGLISH.coil_reason("arm-lost"))
        try:
            return await self._tell_calibration(self.link)
        except CoilwardError as wrong:
            return str(wrong)

    async def aim(self, subject: str) -> Refused | None:
        """Has this subject's own target placed on their head, by the calibration on file; why it cannot be."""
        target = self.files.targets.of(subject)
        if isinstance(target, Refused):
            return target
        found = self.files.registrations.of(subject) if target.on_skull else self._not_since(target)
        if isinstance(found, Refused):
            return found
        self._target, self._registration = target, found
        refused = None if self.link is None else await self._tell_all(self.link)
        if refused is not None:
            self._target = self._registration = None
        return refused

    async def _tell_all(self, link: Arm) -> Refused | None:
        try:
            if later := await self._tell_calibration(link):
                return Refused("calibration-not-taken", f"No session was opened. {later}", {"problem": later})
            await self._tell_target(link)
        except CoilwardError as wrong:
            return Refused("target-refused", f"No session was opened. {wrong}", {"problem": str(wrong)})
        return None

    def _not_since(self, target: Target) -> Refused | None:
        """Why a target under the marker is not believed any more: the head was registered after it was recorded."""
        found = self.files.registrations.filed(target.subject)
        if found is None or found.made <= target.made:
            return None
        return Refused(
            "target-unregistered",
            "No session was opened. The head was registered after its target was recorded under the marker, which may "
            f"have been moved between. Record it again, on the skull: `coilward target record {target.subject}`.",
            {"subject": target.subject},
        )

    def unlinked(self, why: str) -> str | None:
        """The connection has ended; why a running session has to pause, if it has to."""
        if self.link is not None:
            self._journal.write("arm", linked=False, why=why)
        self.link = None
        if self._sent == "away":
            self._sent = None  # an arm that comes back knows nothing of it
        return self.coil.lose()

    def hear(self, view: ArmView) -> str | None:
        """Takes what the arm tells; why a running session has to pause, if it has to."""
        return self.coil.hear(view.model_copy(update={"why": self._named(view.why)}))

    async def go(self, to: Where, by: str, asked_us: int | None = None) -> Answer:
        """Has the coil brought somewhere; never raises for what an operator or the arm did. A wish for the target that
        is not new says when it was: the arm does not follow it once somebody has sent the coil off.
        """
        self._sent = None
        if self.link is None:
            return Refused("arm-lost", words.ENGLISH.coil_reason("arm-lost"))
        self._journal.write("coil-asked", to=to, by=by)
        self._sent = to
        try:
            answer = await self.link.ask(go(to, asked_us))
        except CoilwardError as wrong:
            self._sent = "target" if to == "target" else None  # it may come all the same, or not leave
            return Refused("arm-lost", str(wrong), {"problem": str(wrong)})
        if answer.ok:
            return Done({"to": to})
        self._sent = None
        why = str(self._named(answer.why))
        self._journal.write("coil-refused", to=to, why=why)
        told = answer.detail.get("sentence") if why == answer.why else None
        return Refused(why, str(told or words.ENGLISH.coil_reason(why)), {**answer.detail, "to": to})

    def _named(self, why: str | None) -> str | None:
        """A reason of the arm's, by what the tracker's driver knows besides."""
        return "tracker-hangs" if why == "tracker-silent" and self.tracker_hangs else why

    async def come(self, by: str) -> Answer:
        """Has the coil brought to its target; a head that is out of sight just now is waited for a moment."""
        ends_s, asked_us = asyncio.get_running_loop().time() + COME_S, self._clock() - self._ahead_us()
        while True:
            answer = await self.go("target", by, asked_us)
            passing = isinstance(answer, Refused) and answer.reason in PASSING
            if not passing or asyncio.get_running_loop().time() >= ends_s:
                return answer
            self._sent = "target"  # it will be, and whoever wants it elsewhere has to say so to the arm
            await asyncio.sleep(AGAIN_S)

    def stop(self) -> None:
        """STOP: the coil comes off the head and stays where it is. Never waits, never raises."""
        self._sent = None
        self._tell({"do": "stop"})

    def stopped(self) -> None:
        """The watchdog was told to stop, by whomever: as STOP, but for a coil that is being sent away. That one leaves
        the head all the same, and nobody reads of a STOP that nobody pressed.
        """
        if self._sent != "away":
            self.stop()

    def leave(self, to: Where) -> None:
        """Takes a coil that is at the head, or on its way there, elsewhere. Never waits, never raises."""
        on_its_way, view = self._sent == "target", self.coil.view
        self._sent = None
        if on_its_way or (view is not None and view.state in ENGAGED):
            self._tell(go(to))

    @property
    def words(self) -> str:
        """Where the coil is held, by which registration and calibration: what the arm itself goes by."""
        target, found = self._target, self._registration
        if target is None:
            return ""
        registered = f"; registration {found.hash[:DIGITS]}, {found.residual_mm:.1f} mm" if found else ""
        return f"{target.words}{registered}; calibration {self._calibration[:DIGITS]}"

    def placed(self, order: Order) -> Order:
        """An order with these words as its placement, the operator's own behind them: part of the hash."""
        told = "; ".join(part for part in (self.words, order.placement.strip()) if part)
        return replace(order, placement=told[:LONGEST_PLACEMENT])

    def otherwise(self, placement: str) -> Refused | None:
        """Why a session that was opened with this placement cannot go on; None: the arm holds the coil by it."""
        if changed := self._filed_anew():
            return changed
        if placement.startswith(self.words[:LONGEST_PLACEMENT]):
            return None
        return Refused(
            "calibration-changed",
            "Nothing was released. The arm holds the coil by another calibration than this session was opened with. "
            "End the session and start it again.",
        )

    def _filed_anew(self) -> Refused | None:
        """Whether target or registration of this session's subject are others by now."""
        target, found = self._target, self._registration
        if target is not None and self.files.targets.filed(target.subject) != target:
            return Refused(
                "target-changed",
                "Nothing was released. The target was recorded anew since this session was opened. "
                "End the session and start it again.",
            )
        if target is not None and found is not None and self.files.registrations.filed(target.subject) != found:
            return Refused(
                "registration-changed",
                "Nothing was released. The marker on the head was registered anew since this session was opened. "
                "End the session and start it again.",
            )
        return None

    def shown(self) -> dict[str, Any]:
        """The coil for people: the fields of `messages.ArmState`."""
        view = None if self.coil.silent else self.coil.view
        word = words.ENGLISH.coil_word(view.state if view else None)
        error = view.error if view else None
        return {
            "linked": view is not None,
            "target": self._target.name if self._target else None,
            "state": view.state if view else None,
            "why": view.why if view else None,
            "sentence": words.ENGLISH.coil_sentence(view.state, view.why, view.trouble) if view else word.sentence,
            "lease": view.lease if view else "none",
            "off_mm": round(error.distance_mm, 2) if error else None,
            "off_deg": round(error.angle_deg, 2) if error else None,
            **({part: round(size, 2) for part, size in error.model_dump().items()} if error else {}),
            "head_speed_mm_s": view.head_speed_mm_s if view else None,
            "frame_age_ms": view.frame_age_ms if view else None,
            "robot": view.robot if view else {},
            "late_us": view.late_us if view else {},
        }

    def _tell(self, order: Mapping[str, Any]) -> None:
        if self.link is None:
            return
        try:
            self.link.tell(order)
        except CoilwardError as wrong:  # its own dead-man takes the coil off the head
            self._journal.write("trouble", what=f"the arm was not told to {order['do']}: {wrong}")

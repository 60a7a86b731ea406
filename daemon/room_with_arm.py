"""What an arm adds to a treatment room: its news, which may pause a session, and the verbs that move it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from daemon.arm_side import ArmSide
from daemon.arm_words import ArmView, Where
from daemon.calibration_file import Calibration
from daemon.followers import CHANGED, Followers
from daemon.guard_view import GuardView, Rest
from daemon.registration_file import Registration
from daemon.room import Answer, Done, Recorded, Refused
from daemon.session_table import Event, State
from daemon.treat import Treatment
from daemon.turns import Turns

UNMOVED: Final = frozenset({State.POSITIONING, State.PAUSED, State.TRIPPED, State.UNKNOWN})
"""Nothing goes on from here without a person."""


class RoomWithArm(ABC):
    """The arm's part of `daemon.treatment_room.TreatmentRoom`; `arm` is None in a room without one."""

    def __init__(self, arm: ArmSide | None) -> None:
        self.turns = Turns()
        self.view = GuardView()
        self._followers = Followers()
        self._arm = arm

    @abstractmethod
    def _running(self) -> Treatment | None: ...

    @abstractmethod
    def _tell(self, event: Event, reason: str, detail: Mapping[str, Any] = MappingProxyType({})) -> None: ...

    def hear_arm(self, view: ArmView) -> None:
        """What the arm tells of the coil."""
        if self._arm is None:
            return
        before = self._arm.coil.view
        self._pause_for_the_coil(self._arm.hear(view), view.why)
        if before is None or (before.state, before.why, before.lease) != (view.state, view.why, view.lease):
            self.turns.ring()
            self._followers.tell(CHANGED)

    def arm_lost(self, why: str) -> None:
        """The connection to the arm has ended: it takes the coil off the head by itself."""
        if self._arm is not None:
            self._pause_for_the_coil(self._arm.unlinked(why), None)
            self._followers.tell(CHANGED)

    async def coil_away(self, by: str) -> Answer:
        """As `Room.coil_away`."""
        if self._arm is not None:
            self._tell(Event.PAUSE, "coil-away")
        return await self._send_coil("away", by)

    async def hand_guide(self, by: str) -> Answer:
        """As `Room.hand_guide`."""
        return self._under_way() or await self._send_coil("hand", by)

    async def park(self, by: str) -> Answer:
        """As `Room.park`."""
        return self._under_way() or await self._send_coil("park", by)

    async def file_registration(self, subject: str, found: Registration | None, by: str) -> Answer:
        """As `Room.file_registration`."""
        if self._arm is None or self._running() is not None:
            return self._nothing_filed()
        return await self._arm.files.file_registration(subject, found, by)

    async def file_target(self, recorded: Recorded, by: str) -> Answer:
        """As `Room.file_target`."""
        if self._arm is None or self._running() is not None:
            return self._nothing_filed()
        return await self._arm.files.file_target(recorded, by)

    async def file_calibration(self, found: Calibration | None, by: str) -> Answer:
        """As `Room.file_calibration`."""
        if self._arm is None or self._running() is not None:
            return self._nothing_filed()
        answer = await self._arm.files.file_calibration(found, by)
        if found is None or isinstance(answer, Refused):
            return answer
        return Done({**answer.detail, "later": await self._arm.recalibrate()})

    def _nothing_filed(self) -> Refused:
        if self._arm is None:
            return Refused("no-arm", "Nothing was filed. This room has no arm, so nothing goes by it.")
        return Refused(
            "session-open",
            "Nothing was filed. A session is open, and goes by what was filed before. End it, then file this.",
        )

    def _leave_the_head(self, treatment: Treatment) -> None:
        """After a session: complete, the arm parks; ended early, the coil is only taken away; after STOP it is."""
        if self._arm is not None and treatment.outcome not in ("stopped", "emergency"):
            self._arm.leave("park" if treatment.session.state is State.DONE else "away")

    def _pause_for_the_coil(self, reason: str | None, why: str | None) -> None:
        if reason is not None:
            self._tell(Event.PAUSE, reason, {"coil": why} if why else {})

    async def _send_coil(self, to: Where, by: str) -> Answer:
        if self._arm is None:
            return Refused("no-arm", "Nothing was moved. This room has no arm. Move the coil by hand.")
        return await self._arm.go(to, by)

    def _under_way(self) -> Refused | None:
        """Why the arm stays as it is: pulses may be on their way. None: nothing is armed, and nothing will be."""
        treatment = self._running()
        if treatment is not None and treatment.session.state not in UNMOVED:
            return Refused("coil-busy", "Nothing was moved. The session is under way. Pause it first.")
        if self.view.rest not in (Rest.STANDBY, Rest.ABSENT):
            return Refused("not-at-rest", "Nothing was moved. The stimulator is not in standby. Press STOP first.")
        return None

"""How a session is brought to rest and to its end: pause, STOP, emergency, end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from daemon.arm_side import ArmSide
from daemon.continuing import Interruptions
from daemon.emergencies import Emergencies
from daemon.guard_view import UNCONFIRMED, Rest, sentence
from daemon.guard_words import Emergency, Request, Stop
from daemon.guarding import Guard, ask, no_session, out_of_place, overtaken
from daemon.journal import Journal
from daemon.room import Answer, Done, Refused
from daemon.room_with_arm import UNMOVED, RoomWithArm
from daemon.session import Happened
from daemon.session_table import FINAL, Event, State
from daemon.treat import Treatment

STANDBY_S: Final = 2.0
"""How long `stop` waits for the watchdog to say that the stimulator stands in standby."""
PAUSE_S: Final = 4.0
"""How long `pause` waits for a running train to be settled."""
END_S: Final = 10.0
"""How long `end` waits for a running train to be settled and the report to be written."""
LOOK_S: Final = 0.02
AT_REST: Final = UNMOVED | {State.HELD}


class EndingRoom(RoomWithArm):
    """That part of `daemon.treatment_room.TreatmentRoom`. `clock` gives (BOOTTIME µs, unix µs)."""

    def __init__(
        self, arm: ArmSide | None, journal: Journal, clock: Callable[[], tuple[int, int]], continue_within_us: int
    ) -> None:
        super().__init__(arm)
        self._journal = journal
        self._clock = clock
        self._guard: Guard | None = None
        self._treatment: Treatment | None = None
        self._report: str | None = None
        self._interruptions = Interruptions(continue_within_us)
        self._emergencies = Emergencies(journal)

    async def pause(self, by: str) -> Answer:
        """As `Room.pause`."""
        treatment = self._treatment
        if treatment is None:
            return no_session()
        answer = self._happen(treatment, Happened(Event.PAUSE, reason="pause-asked"))
        if isinstance(answer, Refused):
            return answer
        treatment.by = by
        await self._until(lambda: treatment.session.state in AT_REST | FINAL, PAUSE_S)
        return Done() if treatment.session.state is State.PAUSED else overtaken("pause", treatment.session.state)

    async def stop(self, by: str) -> Answer:
        """As `Room.stop`."""
        answer = await self._disarm(lambda: Stop(by=by))
        if isinstance(answer, Refused):
            return answer
        ended = await self.end(by) if self._running() else Done()
        return Done({"standby": True, **(ended.detail if isinstance(ended, Done) else {})})

    async def emergency(self, by: str) -> Answer:
        """As `Room.emergency`."""
        answer = await self._disarm(lambda: Emergency(by=by))
        if isinstance(answer, Refused) and answer.reason == "watchdog-away":
            found = self._interruptions.find(None, self._wall_us())
            self._emergencies.owe(by, found.session if found else None, self._wall_us())
            self._tell(Event.EMERGENCY, "emergency", {"by": by})
        treatment = self._treatment
        if treatment is not None:
            await self._until(lambda: treatment.over, PAUSE_S)
        if isinstance(answer, Refused):
            return answer
        ended = {"outcome": treatment.outcome, "report": self._report} if treatment and treatment.over else {}
        return Done({"standby": True, **ended})

    async def tell_what_is_owed(self) -> None:
        """An emergency that was pressed while the watchdog was away is told it once it is back."""
        by, guard = self._emergencies.owed, self._guard
        if by is None or guard is None:
            return
        if isinstance(await self._ask(lambda: Emergency(by=by)), Done):
            self._emergencies.owed = None

    async def _disarm(self, request: Callable[[], Request]) -> Answer:
        """The coil comes off, and the watchdog disarms; Done once it has read the stimulator in standby since."""
        if self._arm is not None:
            self._arm.stop()
        answer = await self._ask(request)
        if isinstance(answer, Refused):
            return answer
        heard_us = int(answer.detail["at_us"])
        await self._until(lambda: self.view.rest_since(heard_us) is not Rest.NOT_YET, STANDBY_S)
        unconfirmed = UNCONFIRMED.get(self.view.rest_since(heard_us))
        return Done() if unconfirmed is None else Refused(unconfirmed, sentence(unconfirmed, {}))

    async def end(self, by: str) -> Answer:
        """As `Room.end`."""
        treatment = self._running()
        if treatment is None:
            return no_session()
        treatment.by = by
        if treatment.session.state not in AT_REST:
            treatment.happen(Happened(Event.PAUSE, reason="end-asked"))
            await self._until(lambda: treatment.session.state in AT_REST | FINAL, END_S)
        if treatment.session.state not in FINAL:
            answer = self._happen(treatment, Happened(Event.END))
            if isinstance(answer, Refused):
                return answer
        if not await self._until(lambda: treatment.over, END_S):
            return Refused("report-missing", "The session has ended. Its report is not written yet. Check the disk.")
        return Done({"outcome": treatment.outcome, "report": self._report})

    # --- parts ------------------------------------------------------------------------------------------------

    def _running(self) -> Treatment | None:
        return self._treatment if self._treatment and self._treatment.session.state not in FINAL else None

    def _wall_us(self) -> int:
        return self.view.wall_us(self._clock()[1])

    async def _ask(self, build: Callable[[], Request]) -> Answer:
        return await ask(self._guard, self._journal, build)

    async def _until(self, true: Callable[[], bool], within_s: float) -> bool:
        ends_s = asyncio.get_running_loop().time() + within_s
        while not true():
            if asyncio.get_running_loop().time() >= ends_s:
                return False
            await asyncio.sleep(LOOK_S)
        return True

    def _happen(self, treatment: Treatment, happened: Happened) -> Answer:
        refusal = treatment.happen(happened)
        return Done() if refusal is None else out_of_place(refusal)

    def _tell(self, event: Event, reason: str, detail: Mapping[str, Any] = MappingProxyType({})) -> None:
        if self._treatment is not None:
            self._treatment.happen(Happened(event, reason=reason, detail=detail))

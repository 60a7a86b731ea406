"""Carries one session out: sets, arms, asks, triggers, and waits for the watchdog's settlement, train by train.

`daemon.session` decides; here every state has one activity, and whatever happens in between ends the activity and
begins the next state's. The watchdog, the stimulator and the clock come from outside, so the same code runs on real
ports and in virtual time. Every wait is sliced (`daemon.turns`): progress is what the watchdog's beats carry.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from daemon import pace, under_way
from daemon.account import Account, SetTo
from daemon.coil_wait import CoilWait
from daemon.guard_link import Denied
from daemon.guard_view import passes, session_event
from daemon.guard_words import CloseSession, Stop
from daemon.means import Means
from daemon.plan import Planned, blocks
from daemon.session import Happened, Refusal, Session, outcome, step
from daemon.session_table import FINAL, Effect, Event, State
from daemon.tally import Tally
from daemon.train_permits import Setting, block, wanted, whole
from drivers.errors import CoilwardError
from drivers.quantities import SECOND_US
from safety.threshold import MotorThreshold

RECOUNTED: Final = frozenset({"settled", "not-delivered", "withdrawn", "left-out", "resolved", "trip", "found-armed"})
"""Events of the watchdog's with which a record goes to the ledger that changes what it counts."""


class _Moved(Exception):
    """The state whose activity this was is left."""


class Treatment:
    """One session on its way. `happen` and `hear` are called from anywhere in the loop, `run` once, by its task."""

    def __init__(
        self, session: Session, threshold: MotorThreshold, means: Means, by: str, last_pulse_us: int | None = None
    ) -> None:
        """`last_pulse_us`: BOOTTIME of the last pulse anybody got before, so that a gap is kept across segments."""
        self.session = session
        self.by = by
        self.tally = Tally(means.coil)
        self.due_us: int | None = None
        """BOOTTIME of the next first pulse."""
        self.account: Account | None = None
        """The train that is permitted, until its pulses are settled."""
        self.threshold = threshold
        self.over = False
        """Its report is written: nothing more will be heard of it."""
        self.counted_us = 0
        """BOOTTIME of the last event after which the ledger counts otherwise."""
        self._withheld: Mapping[str, Any] | None = None
        """The watchdog's last refusal of a frame of ours in the step under way."""
        self._means = means
        self._turns = means.turns
        self._todo: deque[Effect] = deque()
        self._version = self._seen = 0
        self._not_before_us = 0
        self.last_pulse_us = last_pulse_us
        self._set: Setting | None = None
        """What the stimulator is armed with; None when it stands in standby."""
        self._coil = CoilWait(means.coil, means.journal)
        self._expected_us: tuple[int, ...] = ()
        """When the pulses of the block under way are due."""
        self._attempt = 0
        self._fruitless = 0
        self._activities: dict[State, Callable[[], Coroutine[Any, Any, None]]] = {
            State.GAP: self._gap,
            State.ARMING: self._arming,
            State.ARMED: self._ask_permit,
            State.TRAIN: self._train,
            State.STOPPING: self._settle,
            State.TRIPPED: self._settle,
            State.HELD: self._held,
        }

    @property
    def trouble(self) -> str | None:
        """Why the journal is not on disk now."""
        return self._means.journal.trouble

    @property
    def coil_waits(self) -> str | None:
        """Why the coil is not where a train may begin."""
        return self._coil.why

    @property
    def outcome(self) -> str:
        """How it went, in the words of the report; pulses nobody saw settled outweigh an early end."""
        said = outcome(self.session)
        return "unknown_pulses" if said == "ended_early" and self.tally.unknown else said

    # --- what happens to it -----------------------------------------------------------------------------------

    def happen(self, happened: Happened) -> Refusal | None:
        """Takes one event at once. None: taken; a Refusal changed nothing."""
        before, result = self.session, step(self.session, happened)
        if isinstance(result, Refusal):
            return result
        self.session, effects = result
        self._todo.extend(effects)
        now_us = self._means.now_us()
        if self._coil.counts_down(happened.event, now_us):
            self._not_before_us = now_us + pace.LEAD_US
        self._coil.note(self.session, now_us)
        if self.session.state is not before.state or effects or happened.event is Event.INTENSITY:
            self._version += 1
            self._write("session", event=happened.event.name.lower(), state=self.session.state.value,
                        reason=happened.reason)  # fmt: skip
        self._turns.ring()
        return None

    def hear(self, event: Mapping[str, Any]) -> None:
        """Takes one event of the watchdog's; most move nothing."""
        if self.account is not None:
            self.account.hear(event, self._means.view.status)
        if event.get("kind") == "refused" and event.get("door") == "daemon":
            self._withheld = event
        self._coil.hear(event)
        if event.get("kind") in RECOUNTED:
            self.counted_us = int(event["at_us"])
        if event.get("kind") in ("disarmed", "stop", "trip"):
            self._set = None
        happened = session_event(event)
        if happened is not None:
            self.happen(happened)
        if self.session.state is State.PAUSED and self._means.view.unknown and event.get("kind") == "reset":
            self.happen(Happened(Event.UNKNOWN, reason="unknown-open"))  # the trip is lifted, the doubt is not
        self._turns.ring()

    # --- its task ---------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Returns when the session has ended and its effects are carried out."""
        while True:
            while self._todo:
                await self._carry_out(self._todo.popleft())
            if self.session.state in FINAL:
                return
            self._seen = self._version
            try:
                await self._activities.get(self.session.state, self._wait_for_a_person)()
            except _Moved:
                continue

    def _look(self) -> None:
        if self._version != self._seen:
            raise _Moved

    async def _carry_out(self, effect: Effect) -> None:
        """One effect; a failure is written down, because the watchdog does not depend on any of them."""
        try:
            if effect is Effect.STOP:
                await self._turns.finish(self._means.guard.ask(Stop(by=self.by)), pace.STEP_S)
            elif effect is Effect.DISARM:
                self._set = None
                await self._turns.finish(self._means.stimulator.disarm(), pace.STEP_S)
            elif effect is Effect.CLOSE:
                why = self.session.reason or self.session.state.value
                await self._turns.finish(self._means.guard.ask(CloseSession(by=self.by, why=why[:200])), pace.STEP_S)
            elif effect is Effect.REPORT:
                self._book()
        except CoilwardError as error:
            self._write("trouble", what=f"{effect.value}: {error}")

    async def _wait_for_a_person(self) -> None:
        self.due_us = None
        while True:
            self._look()
            await self._turns.slice(1.0)

    async def _gap(self) -> None:
        planned = self.session.plan[0]
        self.due_us = due_us = self._next_due_us(planned)
        if self._set is not None and (self._fruitless or self._set != self._wanted(planned)):
            await self._do(self._means.stimulator.disarm())
            self._set = None
        lead_us = pace.PREPARE_US if self._set is None else pace.SETTLE_IN_US
        await self._rest_until(due_us - lead_us)
        if trouble := self._means.journal.trouble:
            self.happen(Happened(Event.PAUSE, reason="journal-not-written", detail={"problem": trouble}))
        elif self._fruitless >= pace.FRUITLESS:
            self._fruitless = 0
            self.happen(Happened(Event.PAUSE, reason="trains-not-delivered"))
        elif holds := self._means.view.holds:
            self.happen(Happened(Event.HELD, reason=holds[0]))
        else:
            self.happen(self._coil.hold or Happened(Event.DUE))

    def _next_due_us(self, planned: Planned) -> int:
        earliest = self._means.now_us() + (pace.PREPARE_US if self._set is None else pace.SETTLE_IN_US)
        after_last = 0 if self.last_pulse_us is None else self.last_pulse_us + planned.gap_us
        return max(earliest, after_last, self._not_before_us)

    async def _arming(self) -> None:
        planned = self.session.plan[0]
        self._withheld = None
        self._coil.try_again()
        try:
            if self._set is None:
                setting = self._wanted(planned)
                await self._do(self._means.stimulator.prepare(*setting))
                await self._rest_until(self._due() - pace.ARM_US)
                await self._do(self._means.stimulator.arm())
                self._set = setting
        except CoilwardError as error:
            await self._give_way(str(error))
            return
        self.happen(Happened(Event.READY))

    async def _give_way(self, trouble: str) -> None:
        """The stimulator did not do it: under a hold that is expected, otherwise a person has to look.

        Where the watchdog withheld a frame it is the one who knows why; its word may come just after the refusal.
        """
        self._write("trouble", what=trouble)
        await self._turns.rest(self._loop_s(self._means.now_us() + pace.WORD_US), self._look)
        if self._withheld is not None:
            reason, detail = str(self._withheld["reason"]), self._withheld.get("detail") or {}
            self.happen(Happened(Event.HELD if passes(reason) else Event.PAUSE, reason=reason, detail=detail))
        elif holds := self._means.view.holds:
            self.happen(Happened(Event.HELD, reason=holds[0]))
        else:
            self.happen(Happened(Event.PAUSE, reason="not-made-ready", detail={"problem": trouble}))

    async def _ask_permit(self) -> None:
        planned = self.session.plan[0]
        lead_us = pace.ASK_BLOCK_US if planned.single else pace.ASK_US
        await self._rest_until(self._due() - lead_us)
        if not await self._coil_is_back(lead_us):
            return
        self._attempt += 1
        setting = self._wanted(planned)
        level = setting[0]
        intensity, coil = self.threshold.intensity(level), self.threshold.coil
        self.account = Account(planned, self.session.train, SetTo(level, intensity, coil), self._attempt)
        self._write("begun", **under_way.told(self.account), tracked=self.tally.coil is not None)
        if planned.single:
            times = tuple(pace.FIRST_OFFSET_US + offset for offset in blocks(planned.train)[0].offsets_us)
            answer = await self._do(self._means.guard.ask(block(setting, planned, times, self._attempt)))
            self._expect(self._means.now_us(), times)
        else:
            self._means.stimulator.expect((self._due(),))
            answer = await self._do(self._means.guard.ask(whole(setting, self._attempt)))
        if isinstance(answer, Denied):
            self.account = None
            self._denied(answer)
            return
        if self.account is not None:
            self.account.permitted(int(answer.detail["permit"]), int(answer.detail["reserved"]))
        self.happen(Happened(Event.GRANTED))

    def _expect(self, base_us: int, times_us: tuple[int, ...]) -> None:
        self._expected_us = tuple(base_us + at for at in times_us)
        self._means.stimulator.expect(self._expected_us)

    def _denied(self, answer: Denied) -> None:
        self._write("refused", reason=answer.reason, detail=dict(answer.detail))
        self._fruitless += not self._coil.blames(answer.reason)
        if passes(answer.reason) and self._fruitless < pace.FRUITLESS:
            held = Happened(Event.HELD, reason=answer.reason, detail=answer.detail)
            self.happen(self._coil.hold or held)
        else:
            self._fruitless = 0
            self.happen(Happened(Event.PAUSE, reason=answer.reason, detail=answer.detail))

    async def _train(self) -> None:
        planned = self.session.plan[0]
        try:
            if planned.single:
                await self._ask_further_blocks(planned)
            else:
                await self._rest_until(self._due())
                await self._do(self._means.stimulator.trigger())
        except CoilwardError as error:
            self._write("trouble", what=f"train {self.session.train}: {error}")
        await self._settle()

    async def _ask_further_blocks(self, planned: Planned) -> None:
        """Each block is asked before the last runs out, and with the coil on its target: what is refused, or not asked
        until then, leaves the rest of the train to be made up.
        """
        account, period_us, setting = self.account, planned.train.rate.period_us, self._wanted(planned)
        for part in blocks(planned.train)[1:]:
            while account is not None and not account.closed:
                begun = account.triggers
                soon = begun and part.first - 1 - begun[-1].first <= pace.NEXT_BLOCK_US // period_us
                if soon and self._coil.why is None:
                    break
                await self._turns.slice(1.0)
                self._look()
            if account is None or account.closed:
                return
            times = tuple(period_us + offset for offset in part.offsets_us)
            answer = await self._do(self._means.guard.ask(block(setting, planned, times, self._attempt)))
            self._expect(self._expected_us[-1], times)
            if isinstance(answer, Denied):
                self._write("refused", reason=answer.reason, detail=dict(answer.detail))
                return
            account.permitted(int(answer.detail["permit"]), int(answer.detail["reserved"]))

    async def _settle(self) -> None:
        """Until the watchdog has accounted for every pulse of the train under way."""
        account = self.account
        if account is None:
            if self.session.state is State.STOPPING:
                self.happen(Happened(Event.TRAIN_SETTLED))
            await self._wait_for_a_person()
            return
        self.due_us = None
        ends_s = self._loop_s(self._due_or_now() + account.planned.train.duration_us) + pace.SETTLE_S
        while not account.closed and asyncio.get_running_loop().time() < ends_s:
            self._look()
            await self._turns.slice(1.0)
        unknown_before = self.tally.unknown
        pulses = self._book()
        if self.tally.unknown > unknown_before:
            self.happen(Happened(Event.UNKNOWN, pulses=pulses, reason="unknown-open"))
        else:
            self.happen(Happened(Event.TRAIN_SETTLED, pulses=pulses))

    def _book(self) -> int:
        """Books the train under way; the pulses it counts with, unknown ones included."""
        account, self.account = self.account, None
        if account is None:
            return 0
        pulses = self.tally.book(account, self._means.journal)
        self.last_pulse_us = account.last_pulse_us or self.last_pulse_us
        self._fruitless = 0 if pulses else self._fruitless + (not self._coil.left)
        if pulses and account.planned.gap_us >= pace.PARK_GAP_US:
            self._set = None  # the watchdog disarms between trains that lie far apart
        return pulses

    async def _held(self) -> None:
        self.due_us = None
        await self._rest_s(pace.HOLD_S)
        while self._means.view.holds or self._coil.why:
            now_us = self._means.now_us()
            self._coil.note(self.session, now_us)
            if too_long := self._coil.too_long(now_us):
                self.happen(too_long)
                return
            await self._rest_s(pace.LOOK_S if self._means.coil else pace.HOLD_S)
        self.happen(Happened(Event.CLEARED))

    async def _coil_is_back(self, lead_us: int) -> bool:
        """Armed, a coil that is off its target for a moment is waited for; False: it is held."""
        ends_s = asyncio.get_running_loop().time() + pace.COIL_S
        while (hold := self._coil.hold) is not None:
            if asyncio.get_running_loop().time() >= ends_s:
                self.happen(hold)
                return False
            await self._rest_s(pace.LOOK_S)
            self.due_us = max(self._due(), self._means.now_us() + lead_us)
        return True

    # --- small parts ------------------------------------------------------------------------------------------

    def _wanted(self, planned: Planned) -> Setting:
        return wanted(planned, self.threshold, self.session.intensity)

    async def _do(self, work: Coroutine[Any, Any, Any], within_s: float = pace.STEP_S) -> Any:
        return await self._turns.finish(work, within_s, self._look)

    async def _rest_s(self, seconds: float) -> None:
        await self._turns.rest(asyncio.get_running_loop().time() + seconds, self._look)

    async def _rest_until(self, at_us: int) -> None:
        await self._turns.rest(self._loop_s(at_us), self._look)

    def _due(self) -> int:
        return self.due_us if self.due_us is not None else self._means.now_us()

    def _due_or_now(self) -> int:
        return max(self._due(), self._means.now_us())

    def _loop_s(self, at_us: int) -> float:
        """BOOTTIME as the loop's clock counts; both run alike while the machine does not sleep."""
        return asyncio.get_running_loop().time() + (at_us - self._means.now_us()) / SECOND_US

    def _write(self, kind: str, **fields: Any) -> None:
        self._means.journal.write(kind, **fields)

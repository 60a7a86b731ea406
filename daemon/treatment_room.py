"""The treatment room itself: operators' verbs on one side, the watchdog's link and the stimulator on the other.

One task (`run`) carries sessions out; verbs come from other tasks, ask the watchdog where it must agree, and tell the
session what happened. Nothing starts by itself: a new link, a new daemon, a cleared trip all end in a room that waits
for a person.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

from daemon.arm_side import ArmSide
from daemon.connected import Connected, Driver
from daemon.followers import CHANGED
from daemon.guard_link import Push
from daemon.guard_words import Block, Intensity, Release, Reset, Resolve, Unblock
from daemon.guarding import Guard, away, no_session, out_of_place
from daemon.journal import Journal
from daemon.json_lines import Row
from daemon.means import Means
from daemon.opening import Continuing, Opened, Opener
from daemon.plan import pulses_of
from daemon.readiness import WITHIN_S, ready
from daemon.recording_room import RecordingRoom
from daemon.report import document_of, make_report, write_report
from daemon.room import Answer, Done, Happening, Measured, Order, Refused, Snapshot
from daemon.session import Happened, Refusal, step
from daemon.session_table import TRANSITIONS, Event, situation
from daemon.showing import snapshot
from daemon.treat import Treatment
from drivers.errors import CoilwardError
from drivers.quantities import PercentRmt

LONGEST_ABSENCE_US: Final = 86_400_000_000
MOST_ROWS: Final = 40_000
"""Rows kept for the report: the pulses of any protocol, and what the watchdog says about each."""


class TreatmentRoom(RecordingRoom):
    """`daemon.room.Room`, for one stimulator behind one watchdog. `clock` gives (BOOTTIME µs, unix µs)."""

    def __init__(
        self, opener: Opener, journal: Journal, clock: Callable[[], tuple[int, int]], arm: ArmSide | None = None
    ) -> None:
        super().__init__(arm, journal, clock, opener.site.continue_within_us, opener.site.daemon.state)
        self._opener = opener
        self._daemon = opener.site.daemon
        self._connected = Connected()
        self._opened: Row = {}
        self._rows: deque[Row] = deque(maxlen=MOST_ROWS)
        self._seen_us: int | None = None
        self._opening = asyncio.Lock()
        journal.follow(self._note)

    # --- what comes and goes ----------------------------------------------------------------------------------

    def linked(self, guard: Guard) -> None:
        """The watchdog answers: from here on it can be asked."""
        self._guard = guard
        self._journal.write("linked")

    def unlinked(self, why: str) -> None:
        """The link is gone: the watchdog has disarmed, and the session it held has ended."""
        self._guard = None
        self.view.forget()
        self._journal.write("unlinked", why=why)
        self._tell(Event.DISCONNECTED, "watchdog-lost")

    def equipped(self, driver: Driver | None) -> None:
        """The stimulator's driver is connected and disarmed, or (None) lost."""
        self._connected.driver = driver
        self._journal.write("stimulator", connected=driver is not None)
        if driver is None:
            self._tell(Event.PAUSE, "stimulator-lost")

    def hear(self, push: Push) -> None:
        """One push of the watchdog's, in its order."""
        if push.get("say") == "status":
            self.view.show(push)
            self._interruptions.recorded(self.view.last_session)
            self._emergencies.told(self.view.emergency)
            self._followers.tell(CHANGED)
            return
        event = {key: value for key, value in push.items() if key != "say"}
        if self._arm is not None and event.get("kind") in ("trip", "lockout"):
            self._arm.leave("away")
        if self._arm is not None and event.get("kind") == "stop-asked":
            self._arm.stopped()
        self._journal.write("watchdog", event=event.get("kind"), told=event)
        if self._treatment is not None:
            self._treatment.hear(event)
        if event.get("kind") in ("blocked", "unblocked"):
            whom = {name: event.get(name) for name in ("subject", "by", "physician", "why")}
            self._journal.write(str(event["kind"]), **whom)
        if event.get("kind") == "emergency":
            self._emergencies.told(event)

    def beat(self) -> None:
        """Says to the watchdog that session and driver turn, and how long ago the operator was here.

        Raises GuardLost.
        """
        if self._guard is not None:
            self._guard.beat(self.turns.count, self._connected.turns, self._absence_us())

    def _beat_at_once(self) -> None:
        """From a release on lost beats trip; those of a driver that has only just connected are still on their way."""
        with contextlib.suppress(CoilwardError):  # a lost link is the reader's to tell
            self.beat()

    def _absence_us(self) -> int:
        if self._seen_us is None:
            return LONGEST_ABSENCE_US
        return min(max(0, self._clock()[0] - self._seen_us), LONGEST_ABSENCE_US)

    async def run(self) -> None:
        """The session task: for ever, one session after the other."""
        try:
            while True:
                treatment = self._treatment
                if treatment is not None and not treatment.over:
                    await treatment.run()
                    self._finish(treatment)
                    self._leave_the_head(treatment)
                await self.tell_what_is_owed()
                self.write_the_incident()
                await self.turns.slice(1.0)
        finally:
            await self.leave_off_writing()

    # --- verbs ------------------------------------------------------------------------------------------------

    async def start(self, order: Order, by: str) -> Answer:
        """As `Room.start`."""
        return await self._open(order, by, Continuing())

    async def continue_session(self, session: str | None, reason: str, placement: str, by: str) -> Answer:
        """As `Room.continue_session`."""
        found = self._interruptions.find(session, self._wall_us())
        if found is None:
            return Refused(
                "nothing-to-continue",
                "Nothing was continued. The session completed, is unknown here, or ended too long ago. "
                "Start a new one.",
            )
        if not reason.strip():
            return Refused("reason-missing", "Nothing was continued. No reason was given. Say why it was interrupted.")
        order = Order(found.subject, found.protocol, placement, found.intensity_tenths)
        return await self._open(order, by, Continuing(found.session, reason))

    async def release(self, hash_: str, nonce: str, by: str) -> Answer:
        """As `Room.release`."""
        treatment = self._treatment
        if treatment is None:
            return no_session()
        if Event.RELEASED not in TRANSITIONS[treatment.session.state]:
            return self._happen(treatment, Happened(Event.RELEASED))  # says why not
        if self._arm and (otherwise := self._arm.otherwise(str(self._opened["placement"]))):
            return otherwise
        if missing := await ready(self._connected, self.view, treatment.counted_us):
            return missing
        left = self.view.pulses_left
        self._beat_at_once()
        answer = await self._ask(lambda: Release(hash=hash_, nonce=nonce, by=by))
        if isinstance(answer, Refused):
            return answer
        treatment.by = by
        released = self._happen(treatment, Happened(Event.RELEASED, left=left))
        if self._arm is None or isinstance(released, Refused):
            return released
        coming = await self._arm.come(by)
        if isinstance(coming, Refused):
            treatment.happen(Happened(Event.PAUSE, reason="coil-refused", detail={"coil": coming.reason}))
            return coming
        return released

    async def resume(self, hash_: str, nonce: str, by: str) -> Answer:
        """As `Room.resume`."""
        return await self.release(hash_, nonce, by)

    async def lower(self, intensity_tenths: int, by: str) -> Answer:
        """As `Room.lower`."""
        treatment = self._running()
        if treatment is None:
            return no_session()
        happened = Happened(Event.INTENSITY, intensity=PercentRmt(max(0, intensity_tenths)))
        foreseen = step(treatment.session, happened)
        if isinstance(foreseen, Refusal):
            return out_of_place(foreseen)
        answer = await self._ask(lambda: Intensity(intensity_tenths=intensity_tenths, by=by))
        if isinstance(answer, Refused):
            return answer
        self._journal.write("intensity", intensity_tenths=intensity_tenths, by=by)
        return self._happen(treatment, happened)

    async def reset(self, nonce: str, by: str) -> Answer:
        """As `Room.reset`; the train that was cut is booked first, or its doubt would come after the pause."""
        treatment = self._running()
        if treatment is not None:
            await self._until(lambda: treatment.account is None, WITHIN_S)
        return await self._ask(lambda: Reset(nonce=nonce, by=by))

    async def resolve(self, ref: int, why: str, nonce: str, by: str) -> Answer:
        """As `Room.resolve`."""
        return await self._ask(lambda: Resolve(ref=ref, why=why, nonce=nonce, by=by))

    async def block(self, subject: str, why: str, nonce: str, by: str) -> Answer:
        """As `Room.block`."""
        return await self._ask(lambda: Block(subject=subject, why=why, nonce=nonce, by=by))

    async def unblock(self, subject: str, physician: str, why: str, nonce: str, by: str) -> Answer:
        """As `Room.unblock`."""
        return await self._ask(lambda: Unblock(subject=subject, physician=physician, why=why, nonce=nonce, by=by))

    async def file_threshold(self, measured: Measured, by: str) -> Answer:
        """As `Room.file_threshold`; in a thread, because a stalled disk must not stall the beats."""
        answer = await asyncio.to_thread(self._opener.file, measured, by, self._wall_us())
        if isinstance(answer, Done):
            self._journal.write("threshold", by=by, **asdict(measured))
        return answer

    def presence(self, user: str) -> None:  # noqa: ARG002  who it is was judged by the caller
        """As `Room.presence`."""
        self._seen_us = self._clock()[0]

    def status(self) -> Snapshot:
        """As `Room.status`."""
        found = None if self._running() else self._interruptions.find(None, self._wall_us())
        common: Mapping[str, Any] = {
            "linked": self._guard is not None,
            "stimulator": self._stimulator(),
            "continuable": found.session if found else None,
            "report": self._report,
            "arm": self._arm.shown() if self._arm else None,
            "emergency": self._emergencies.shown,
            "blocked": self.view.blocked,
        }
        return snapshot(self.view, self._treatment, self._opened, self._clock()[0], common)

    def _stimulator(self) -> str:
        """In one word, by the watchdog, who hears every answer of the device."""
        if self._driver is None or not self.view.present:
            return "away"
        return str(self.view.device.get("condition") or "connecting")

    def follow(self) -> AsyncIterator[Happening]:
        """As `Room.follow`."""
        return self._followers.follow()

    # --- parts ------------------------------------------------------------------------------------------------

    async def _open(self, order: Order, by: str, continuing: Continuing) -> Answer:
        async with self._opening:
            refused = self._not_now() or (await self._arm.aim(order.subject) if self._arm else None)
            order = self._arm.placed(order) if self._arm else order
            answer = refused or await self._opener.open(order, by, self._ask, continuing)
            if isinstance(answer, Refused):
                self._journal.write("turned-down", by=by, subject=order.subject, protocol=order.protocol,
                                    reason=answer.reason, sentence=answer.sentence)  # fmt: skip
                return answer
            return self._begin(order, by, answer)

    def _not_now(self) -> Refused | None:
        running = self._running()
        if running is not None:
            return Refused("session-open", f"A session is open already. {situation(running.session.state)}",
                           {"phase": running.session.state.value})  # fmt: skip
        if self._guard is None or self._driver is None:
            return away("stimulator" if self._guard else "watchdog")
        if trouble := self._journal.trouble:
            return Refused(
                "journal-not-written",
                f"No session was opened. The journal cannot be written: {trouble}. Free space on its disk.",
                {"problem": trouble},
            )
        return None

    def _begin(self, order: Order, by: str, opened: Opened) -> Answer:
        if self._guard is None or self._driver is None:
            return away("stimulator" if self._guard else "watchdog")
        coil, slow_tracker = (self._arm.coil, self._arm.slow_tracker) if self._arm else (None, "")
        now_us = lambda: self._clock()[0]  # noqa: E731  as a parameter's value
        means = Means(self._guard, self._connected, self.view, self._journal, self.turns, now_us, coil)
        last_pulse_us = self._treatment.last_pulse_us if self._treatment else None
        treatment = Treatment(opened.session, opened.threshold, means, by, last_pulse_us)
        self._rows.clear()
        self._report = None
        self._journal.session = opened.answer["session"]
        self._opened = self._journal.write(
            "opened", by=by, subject=order.subject, protocol=order.protocol, placement=order.placement,
            hash=opened.answer["hash"], understood=opened.answer["understood"],
            intensity_tenths=opened.session.intensity.tenths, threshold=opened.filed.model_dump(),
            planned=pulses_of(opened.plan), slow_tracker=slow_tracker, checks=list(self._checks),
        )  # fmt: skip
        treatment.happen(Happened(Event.OPENED, plan=opened.plan))
        self._treatment = treatment
        self.turns.ring()
        told = {name: opened.answer[name] for name in ("session", "hash", "understood")}
        return Done(told | {"slow_tracker": slow_tracker})

    def _finish(self, treatment: Treatment) -> None:
        """The session has ended: the last row, and the report made from its rows."""
        session = treatment.session
        self._journal.write("ended", outcome=treatment.outcome, reason=session.reason, left_out=session.left_out,
                            commanded=treatment.tally.commanded, settled=treatment.tally.settled)  # fmt: skip
        self._report, report = None, make_report(self._rows)
        try:
            path = write_report(report, self._records.reports, str(self._journal.session))
            self._report = str(path)
            self._records.add(document_of(report), path)
        except OSError as wrong:
            self._journal.write("trouble", what=f"the report cannot be written: {wrong.strerror}")
        self._journal.session = None
        treatment.over = True
        self._followers.tell(CHANGED)

    @property
    def _driver(self) -> Driver | None:
        return self._connected.driver

    def _note(self, row: Row) -> None:
        self._rows.append(row)
        self._interruptions.read((row,))
        self._emergencies.read((row,))
        self._keep(row)
        kind = str(row["kind"])
        self._followers.tell(CHANGED if kind == "session" else Happening(kind, row))

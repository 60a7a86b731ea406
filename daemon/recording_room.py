"""What people note in a room, and what they look up there: past sessions, reports, the journal, a subject's dose."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from daemon.arm_side import ArmSide
from daemon.continuing import CLOSED
from daemon.ending_room import EndingRoom
from daemon.guard_words import Dose
from daemon.guarding import look
from daemon.incident import Incident
from daemon.journal import Journal
from daemon.json_lines import Row
from daemon.records import Records
from daemon.report import add_note
from daemon.room import Answer, Done, Refused
from drivers.errors import OperatorError

AT_ONCE: Final = 2
"""Look-ups under way: each reads the disk, in a thread (engineering choice: they are for people, and can wait)."""
MOST_CHECKS: Final = 24
"""Before a session: three, and as often as somebody changes their mind (engineering choice)."""


class RecordingRoom(EndingRoom):
    """That part of `daemon.treatment_room.TreatmentRoom`."""

    def __init__(
        self,
        arm: ArmSide | None,
        journal: Journal,
        clock: Callable[[], tuple[int, int]],
        continue_within_us: int,
        state: Path,
    ) -> None:
        super().__init__(arm, journal, clock, continue_within_us)
        self._records = Records(state)
        self._incident = Incident(self._records.reports)
        self._incidents_told: set[Path] = set()
        self._last_session: str | None = None
        self._checks: deque[Row] = deque(maxlen=MOST_CHECKS)
        self._looking = asyncio.Semaphore(AT_ONCE)
        self._extending = asyncio.Lock()
        self._writing: asyncio.Task[Path | None] | None = None

    def remember(self, history: Iterable[Row]) -> None:
        """The journal's rows from before this daemon: what was interrupted can be continued."""
        rows = tuple(history)
        self._interruptions.read(rows)
        self._emergencies.read(rows)
        for row in rows:
            self._keep(row, new=False)
        self._incident.caught_up()

    async def note(self, kind: str, what: str, text: str, by: str) -> Answer:
        """As `Room.note`."""
        row = self._journal.write("note", note=kind, what=what, text=text, by=by, session=self._noted_for(kind, what))
        if self._running() is None and row["session"] is not None:
            async with self._extending:
                trouble = await asyncio.to_thread(self._extend, row)
            if trouble:
                self._journal.write("trouble", what=trouble)
        return Done({"wall_us": row["wall_us"]})

    def _noted_for(self, kind: str, what: str) -> str | None:
        """The session that is open; else what was checked is of the next one, and anything else of the last."""
        if self._running() is not None:
            return self._journal.session
        if kind == "check":
            return None
        interrupted = self._interruptions.find(None, self._wall_us()) if what == CLOSED else None
        return interrupted.session if interrupted else self._last_session

    def _extend(self, row: Row) -> str:
        """Puts a note into the report of its session; why it could not. Blocks."""
        try:
            path = self._records.report_of(str(row["session"]))
            if path is not None:
                add_note(path, row)
        except (OSError, OperatorError) as wrong:
            return f"the report does not have what was noted: {wrong}"
        return ""

    async def history(self, before_us: int | None, most: int, by: str) -> Answer:  # noqa: ARG002  anybody may look
        """As `Room.history`."""
        return await self._look(lambda: self._records.sessions(before_us, most))

    async def read_report(self, session: str, by: str) -> Answer:  # noqa: ARG002
        """As `Room.read_report`."""
        return await self._look(lambda: self._records.report(session))

    async def read_journal(
        self,
        session: str | None,
        before_us: int | None,
        most: int,
        kinds: Sequence[str] | None,
        by: str,  # noqa: ARG002
    ) -> Answer:
        """As `Room.read_journal`."""
        return await self._look(lambda: self._records.journal(session, before_us, most, kinds))

    async def dose(self, subject: str, by: str) -> Answer:  # noqa: ARG002
        """As `Room.dose`."""
        return await look(self._guard, lambda: Dose(subject=subject))

    async def _look(self, read: Callable[[], dict[str, Any] | None]) -> Answer:
        """In a thread, because a stalled disk must not stall the beats."""
        async with self._looking:
            try:
                found = await asyncio.to_thread(read)
            except (OSError, OperatorError) as wrong:
                problem = wrong.strerror or str(wrong) if isinstance(wrong, OSError) else str(wrong)
                told = f"Nothing was read. The record cannot be read: {problem}. Ask an engineer to look at the disk."
                return Refused("record-unread", told, {"problem": problem})
        if found is None:
            return Refused("no-report", "Nothing was read. This session has no report. Look at the list of sessions.")
        return Done(found)

    def write_the_incident(self) -> None:
        """Has the report of the last emergency written, where it lacks something, and tells of it once it is there.

        For the session task, turn by turn between sessions: it waits for no disk.
        """
        if self._writing is not None and self._writing.done():
            self._tell_of(self._writing)
            self._writing = None
        if self._incident.due and self._writing is None:
            self._incident.due = False
            self._writing = asyncio.create_task(asyncio.to_thread(self._incident.write), name="incident")

    async def leave_off_writing(self) -> None:
        """At the end: a report that is not there yet is written by the next daemon."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.wait((self._writing,))

    def _tell_of(self, written: asyncio.Task[Path | None]) -> None:
        wrong, path = written.exception(), None
        if isinstance(wrong, OSError):
            self._journal.write("trouble", what=f"the incident report cannot be written: {wrong}")
        else:
            path = written.result()
        if path is not None and path not in self._incidents_told:
            self._incidents_told.add(path)
            self._journal.write("incident", report=str(path))

    def _keep(self, row: Row, *, new: bool = True) -> None:
        """Takes in a row of the journal."""
        self._incident.read(row, new=new)
        if row["kind"] == "opened":
            self._last_session = row.get("session")
            self._checks.clear()
        elif row["kind"] == "note" and row.get("note") == "check" and row.get("session") is None:
            self._checks.append(row)

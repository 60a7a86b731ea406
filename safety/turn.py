"""One event under judgement: the state as it is becoming, and what is decided to be done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from safety.events import Action, Commit, Reply, Tell
from safety.instant import Instant
from safety.ledger_format import KEY0, Kind, Record, key
from safety.state import MOVES, Delivery, Phase, Room, Session, State, changed


class Turn:
    """One event under judgement: the state as it is becoming, and the actions decided so far."""

    __slots__ = ("_reply", "actions", "now", "room", "state")

    def __init__(self, room: Room, state: State, now: Instant, reply: Callable[[Reply], None] | None = None) -> None:
        self.room = room
        self.state = state
        self.now = now
        self.actions: list[Action] = []
        self._reply = reply

    def to(self, **changes: Any) -> None:
        """The state with these fields changed."""
        self.state = changed(self.state, changes)

    @property
    def session(self) -> Session:
        """The open session, for what only follows from one. AssertionError: a mistake of ours."""
        if self.state.session is None:
            raise AssertionError("there is no session")
        return self.state.session

    @property
    def delivery(self) -> Delivery:
        """The pulses under way, for what only follows from some. AssertionError: a mistake of ours."""
        if self.state.delivery is None:
            raise AssertionError("no pulses are under way")
        return self.state.delivery

    def do(self, action: Action) -> None:
        if self._reply is not None and isinstance(action, Reply):
            self._reply(action)
        else:
            self.actions.append(action)

    def tell(self, kind: str, **body: Any) -> None:
        """An event for everybody who listens; never carries a secret or a name."""
        self.do(Tell({"kind": kind, "at_us": self.now.us, "wall_us": self.now.wall_us, **body}))

    def move(self, phase: Phase) -> None:
        """To another phase, along the table."""
        if phase is self.state.phase:
            return
        if phase not in MOVES[self.state.phase]:
            what = f"{self.state.phase.value} to {phase.value} is not in the table"
            self.tell("our-mistake", what=what)
            self.to(phase=Phase.LOCKOUT, lockout=f"the watchdog made a mistake: {what}")
            return
        self.to(phase=phase)

    def commit(self, kind: Kind, **fields: Any) -> int:
        """Sends a record about the present session to the ledger; its token."""
        session = self.state.session
        record = Record(
            kind=kind,
            subject=fields.pop("subject", key(session.subject) if session else KEY0),
            session=fields.pop("session", session.key if session else KEY0),
            coil=key(session.coil) if session else KEY0,
            protocol=key(session.protocol.id) if session and session.protocol else KEY0,
            simulated=self.room.simulated,
            boot_us=self.now.us,
            wall_us=self.now.wall_us,
            **fields,
        )
        token = self.state.next_token
        self.to(next_token=token + 1, commits=(*self.state.commits, (token, record, self.now.us)))
        self.do(Commit(token, record))
        return token

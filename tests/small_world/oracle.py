"""Books of its own about the small world: what went into the gate, what came out, and what must hold between them.

It sees events, actions and the physical device, never the gate's state. Its numbers are typed here, not imported.
"""

from __future__ import annotations

from typing import NamedTuple

from drivers.magstim.framing import seal
from safety import control, events
from safety.events import Door
from safety.ledger_format import KEY0, Kind, Record
from safety.state import Phase

MS, S = 1_000, 1_000_000
BEAT_US, LATE_US = 250 * MS, 150 * MS
PRESENCE_NEW_US, PRESENCE_CUT_US = 1 * S, 3 * S
LEASE_US = 150 * MS
PERMIT_LIFE_US = 500 * MS
ANSWER_US = 300 * MS
FRESH_US = 1 * S
COIL_AGE_US, COIL_STOP, COIL_TRIP = 2 * S, 400, 410
NONCE_AGE_US = 2 * S
GAP_US = 5_900 * MS
REPEAT_US, CONFIRM_US, SLOW_REPEAT_US = 50 * MS, 250 * MS, 1_500 * MS
REQUEST_US = 1_100 * MS
TRAIN, TRAIN_US = 3, 200 * MS
PLANNED = {"treatment": 6, "threshold": 60, "script": 50, "phantom": 50}
"""Pulses a session may count at once: what is planned, or a block."""
ARM, TRIGGER, DISARM = seal(b"EB"), seal(b"EH"), seal(b"EA")
STANDBY_BIT, READY_BIT = 0x01, 0x04

FORBIDDEN = {
    Phase.BOOT: {Phase.ARMED, Phase.FIRING},
    Phase.SAFE: {Phase.FIRING},
    Phase.ARMED: {Phase.BOOT},
    Phase.FIRING: {Phase.BOOT},
    Phase.TRIPPED: {Phase.ARMED, Phase.FIRING},
    Phase.LOCKOUT: set(Phase) - {Phase.LOCKOUT},
}


class InvariantBroken(AssertionError):
    """Something that must never be."""


class Step(NamedTuple):
    """One step of the gate, seen from outside."""

    profile: str
    now_us: int
    event: events.Input
    actions: tuple[events.Action, ...]
    before: Phase
    after: Phase


class Grant(NamedTuple):
    ref: int
    until_us: int
    left: int = 1


class Books(NamedTuple):
    """Everything the oracle remembers. Times are absolute µs; None: never."""

    seen_us: int = 0
    session: bool = False
    released: bool = False
    tripped: bool = False
    locked: bool = False
    port: bool = False
    turns: tuple[int, int] = (-1, -1)
    turned_us: tuple[int, int] = (0, 0)
    presence_us: int = 0
    lease: str = "none"
    lease_us: int = -LEASE_US
    requests: tuple[tuple[int, control.Message, int], ...] = ()
    nonces: tuple[tuple[str, int], ...] = ()
    arms: int = 0
    """Arming frames that came in at the speaking door and were not answered for yet."""
    triggers: int = 0
    stale: int = 0
    """Trigger frames that were there before the permit: none of them may pass."""
    disarm_us: int = 0
    """When disarm was last written."""
    disarm_since_us: int | None = None
    """When the present attempt to disarm began."""
    ready_us: int | None = None
    read_back: tuple[tuple[bytes, int], ...] = ()
    """(settings, when) of the last two answers since a setting."""
    coil: tuple[int, int] | None = None
    asked_us: int | None = None
    """When the trigger was written whose answer is awaited."""
    under_way: bool = False
    """A trigger's pulses are not accounted for."""
    last_us: int | None = None
    """When the last trigger was written that the device did not refuse."""
    before_last_us: int | None = None
    tokens: int = 0
    records: tuple[tuple[int, Kind, int, int], ...] = ()
    """(token, kind, pulses, ref) on its way to the disk."""
    counted: tuple[tuple[int, int, int], ...] = ()
    """(reservation, pulses counted, pulses that triggers may still spend)."""
    this_session: tuple[int, ...] = ()
    planned: int = 0
    grants: tuple[tuple[int, Grant], ...] = ()
    permits: int = 0
    unknown: tuple[int, ...] = ()
    reasons: frozenset[str] = frozenset()
    """Every reason that was given so far."""
    blocked: bool = False
    """An emergency stands against the one subject there is."""
    subject: str = ""
    """Who had the session opened last."""
    over: tuple[str, ...] = ()
    """Sessions that an emergency ended: they are not gone on with."""
    lifted: bool = False
    """An UNBLOCK is on the disk."""
    doubt: bool = False
    """A trigger's fate is not known, and nobody resolved it."""

    def after(self, step: Step, fired: int, *, armed: bool, foreign: bool) -> Books:
        """The books after a step; `fired` and `armed` are the device's own truth. InvariantBroken when it is wrong."""
        books = self._taken_in(step)
        for action in step.actions:
            books = books._acted(step, action)
            if isinstance(action, events.Tell) and "reason" in action.body:
                books = books._replace(reasons=books.reasons | {action.body["reason"]})
        books = books._replace(seen_us=step.now_us)
        books._must_hold(step, self.seen_us)
        if not foreign:
            _require(fired <= sum(count for _, count, _ in books.counted), "I1: more fired than counted")
            books._must_be_disarming(step, armed=armed)
        return books

    # --- what went in -----------------------------------------------------------------------------------------

    def _taken_in(self, step: Step) -> Books:  # noqa: C901, PLR0912  one arm for each input
        now_us, event = step.now_us, step.event
        match event:
            case events.Requested(_, _, control.Beat() as beat):
                return self._beaten(now_us, beat)
            case events.Requested(_, _, control.Lease() as lease):
                return self._replace(lease=lease.value, lease_us=now_us)
            case events.Requested(_, request_id, message) if request_id is not None:
                books = self._replace(requests=(*self.requests, (request_id, message, now_us)))
                return books._stopped(step) if isinstance(message, control.Stop | control.Emergency) else books
            case events.ClientFrame(Door.DAEMON, frame) if frame == ARM:
                return self._replace(arms=self.arms + 1)
            case events.ClientFrame(Door.DAEMON, frame) if frame == TRIGGER:
                return self._replace(triggers=self.triggers + 1)
            case events.ClientFrame(_, frame) if frame == DISARM and self.port:
                under_way = self.disarm_since_us is not None or events.Write(DISARM) in step.actions
                _require(under_way, "disarm passes from every door, ahead of everything")
            case events.DeviceReply(reply):
                return self._heard(step, reply)
            case events.Committed(token, seq):
                return self._durable(token, seq)
            case events.CommitFailed():
                return self._replace(locked=True, released=False)
            case events.NewNonce(value):
                return self._replace(nonces=(*self.nonces[-9:], (value, now_us)))
            case events.PortFound():
                _require(events.Write(DISARM) in step.actions, "a port that is found is disarmed first")
                return self._replace(port=True)
            case events.PortLost():
                return self._replace(
                    port=False, disarm_since_us=None, ready_us=None, read_back=(), asked_us=None, coil=None,
                    doubt=self.doubt or self.under_way, arms=0, triggers=0, stale=0,
                )  # fmt: skip
            case events.Disconnected():
                return self._replace(session=False, released=False, requests=())
        return self

    def _beaten(self, now_us: int, beat: control.Beat) -> Books:
        turns = (beat.session_turns, beat.driver_turns)
        moved = tuple(
            now_us if new > old else at for new, old, at in zip(turns, self.turns, self.turned_us, strict=True)
        )
        seen_us = max(self.presence_us, now_us - beat.presence_us)
        return self._replace(turns=turns, turned_us=(moved[0], moved[1]), presence_us=seen_us)

    def _stopped(self, step: Step) -> Books:
        written = events.Write(DISARM) in step.actions
        _require(written or not self.port, "I10: STOP writes disarm in the same step from every state")
        return self._replace(released=False, arms=0, triggers=0, stale=0)

    def _heard(self, step: Step, reply: bytes) -> Books:
        now_us = step.now_us
        if any(isinstance(action, events.Tell) and action.body["kind"] == "late-reply" for action in step.actions):
            return self
        if reply == b"?":
            doubt = self.asked_us is not None
            return self._replace(asked_us=None, doubt=self.doubt or doubt)
        letter, refused, books = reply[:1], reply[1:2] in (b"S", b"?"), self
        if letter == b"E" and self.asked_us is not None:
            last_us = self.before_last_us if refused else self.last_us
            books = books._replace(asked_us=None, last_us=last_us, under_way=not refused)
        elif letter == b"E" and not refused and reply[1] & STANDBY_BIT and self.disarm_since_us is not None:
            told = (a.body["kind"] for a in step.actions if isinstance(a, events.Tell))
            if "disarmed" in told:
                books = books._replace(disarm_since_us=None, ready_us=None)
        if letter != b"E" and not refused:  # an answer to `E` shows the condition from before it
            books = books._replace(ready_us=now_us if reply[1] & READY_BIT else None)
        if letter == b"\\" and not refused:
            books = books._replace(read_back=(*self.read_back, (reply[3:-1], now_us))[-2:])
        if letter == b"F" and not refused:
            books = books._replace(coil=(int(reply[2:5]), now_us))
        return books

    def _durable(self, token: int, seq: int) -> Books:
        _, kind, pulses, _ = next(record for record in self.records if record[0] == token)
        books = self._replace(records=tuple(record for record in self.records if record[0] != token))
        if kind is Kind.UNBLOCK:
            return books._replace(lifted=True)
        if kind is not Kind.RESERVE:
            return books
        return books._replace(counted=(*books.counted, (seq, pulses, pulses)), this_session=(*books.this_session, seq))

    # --- what came out ----------------------------------------------------------------------------------------

    def _acted(self, step: Step, action: events.Action) -> Books:
        match action:
            case events.Write(frame) if frame == ARM:
                return self._arms(step)
            case events.Write(frame) if frame == TRIGGER:
                return self._triggers(step)
            case events.Write(frame) if frame == DISARM:
                since_us = self.disarm_since_us if self.disarm_since_us is not None else step.now_us
                return self._replace(disarm_us=step.now_us, disarm_since_us=since_us)
            case events.Write(frame) if frame[:1] == b"@":
                return self._replace(read_back=())
            case events.Commit(token, record):
                _require(token == self.tokens + 1, "I12: records are numbered without a gap")
                books = self._replace(tokens=token)
                if record.kind is Kind.EMERGENCY:
                    books = books._pressed(record)
                return books._recorded(token, record.kind, record.pulses, record.ref)
            case events.Answer(_, request_id, body):
                return self._answered(step, request_id, body)
            case events.Tell(body):
                return self._told(body)
        return self

    def _pressed(self, record: Record) -> Books:
        somebody = record.subject != KEY0
        _require(somebody or not (self.session and self.subject), "I13: an emergency blocks whoever has the session")
        return self._replace(blocked=self.blocked or somebody, over=(*self.over, record.session.hex()), lifted=False)

    def _recorded(self, token: int, kind: Kind, pulses: int, ref: int) -> Books:
        books = self._replace(records=(*self.records, (token, kind, pulses, ref)))
        if kind is Kind.SETTLE:
            _require(ref not in self.unknown, "I9: what is unknown is not settled by evidence nobody has")
            counted = tuple((seq, pulses, 0) if seq == ref else (seq, n, left) for seq, n, left in self.counted)
            return books._replace(counted=counted)
        return books._replace(unknown=(*self.unknown, ref)) if kind is Kind.UNKNOWN else books

    def _told(self, body: dict[str, object]) -> Books:
        kind = body["kind"]
        if kind == "refused" and body.get("door") == "daemon":
            return self._refused(str(body["frame"]))
        if kind == "settled":
            unknown = body["outcome"] == "unknown"
            return self._replace(under_way=False, asked_us=None, doubt=self.doubt or unknown)
        if kind in ("stop", "trip"):
            return self._replace(released=False, tripped=self.tripped or kind == "trip")
        if kind == "session-closed":
            return self._replace(session=False, released=False)
        return self

    def _refused(self, frame: str) -> Books:
        if frame == "EB":
            return self._replace(arms=max(self.arms - 1, 0))
        if frame != "EH":
            return self
        stale = self.stale > 0  # frames are judged in their order
        return self._replace(stale=self.stale - stale, triggers=max(self.triggers - (not stale), 0))

    def _answered(self, step: Step, request_id: int, body: dict[str, object]) -> Books:
        found = [request for request in self.requests if request[0] == request_id]
        _require(len(found) == 1, "every request is answered once")
        books = self._replace(requests=tuple(request for request in self.requests if request[0] != request_id))
        _, message, _ = found[0]
        if not body["ok"]:
            return books
        match message:
            case control.Unblock():
                self._quotes(step, message.nonce)
                _require(self.lifted, "I13: an unblocking is confirmed once it is durable")
                return books._replace(blocked=False)
            case control.OpenSession(kind, subject=subject):
                now_us = step.now_us
                _require(not (self.blocked and subject), "I13: who is blocked opens no session")
                _require(message.continues not in self.over, "I13: an emergency's session is over")
                return books._replace(
                    session=True, released=False, turns=(-1, -1), turned_us=(now_us, now_us), presence_us=now_us,
                    this_session=(), planned=PLANNED[kind], subject=subject,
                )  # fmt: skip
            case control.Release(_, nonce):
                _require(not self.tripped and not self.locked, "I6: nothing is released while tripped")
                self._quotes(step, nonce)
                return books._replace(released=True)
            case control.CloseSession():
                return books._replace(session=False, released=False)
            case control.Reset(_, nonce):
                self._quotes(step, nonce)
                return books._replace(tripped=False)
            case control.Resolve(_, ref, _, nonce):
                self._quotes(step, nonce)
                unknown = tuple(each for each in self.unknown if each != ref)
                return books._replace(unknown=unknown, doubt=bool(unknown))
            case control.AskPermit():
                return books._granted(step, body)
        return books

    def _quotes(self, step: Step, nonce: str) -> None:
        fresh = any(value == nonce and step.now_us - at <= NONCE_AGE_US for value, at in self.nonces)
        _require(fresh, "I8: a command quotes what its operator just saw")

    def _granted(self, step: Step, body: dict[str, object]) -> Books:
        number, ref = body["permit"], body["ref"]
        assert isinstance(number, int)
        assert isinstance(ref, int)
        _require(number > self.permits, "I8: numbers are never used twice")
        _require(any(seq == ref for seq, _, _ in self.counted), "I2: a grant waits for its reservation")
        _require(self._lease(step) == "begin", "I5: a permit is granted on its target")
        grant = Grant(ref, step.now_us + PERMIT_LIFE_US)
        return self._replace(
            permits=number, grants=(*self.grants, (number, grant))[-2:], triggers=0, stale=self.triggers
        )

    # --- what must be true when something goes out ------------------------------------------------------------

    def _goes_out(self, step: Step) -> None:
        now_us = step.now_us
        _require(not self.tripped, "I6: latched stays latched")
        _require(not self.locked, "I6: lockout is not left")
        _require(self.session and self.released, "I5: armed means released")
        _require(now_us - min(self.turned_us) <= BEAT_US, "I5: armed means beats")
        _require(now_us - self.presence_us <= PRESENCE_NEW_US, "I5: armed means presence")
        _require(self._lease(step) != "none", "I5: armed means a lease")
        _require(not self.doubt and not self.unknown, "I9: an unknown pulse blocks")
        _require(self.coil is not None and now_us - self.coil[1] <= COIL_AGE_US, "the coil's temperature is known")
        _require(self.coil is not None and self.coil[0] < COIL_STOP, "the coil is cool")

    def _lease(self, step: Step) -> str:
        if step.profile == "fixed":
            return "begin"
        return self.lease if step.now_us - self.lease_us <= LEASE_US else "none"

    def _arms(self, step: Step) -> Books:
        self._goes_out(step)
        _require(self.arms > 0, "only the speaker's own frame arms")
        _require(not self.under_way, "nothing arms while a train is not accounted for")
        return self._replace(arms=self.arms - 1, disarm_since_us=None, ready_us=None)

    def _triggers(self, step: Step) -> Books:
        self._goes_out(step)
        now_us = step.now_us
        _require(self.triggers > 0, "I7: only a frame sent in the knowledge of its permit triggers")
        _require(self._lease(step) == "begin", "I5: a permit's first trigger goes out on its target")
        _require(self.ready_us is not None and now_us - self.ready_us <= FRESH_US, "the device said READY")
        _require(self.disarm_since_us is None, "nothing triggers while disarming")
        two = len(self.read_back) == 2 and self.read_back[0][0] == self.read_back[1][0]
        _require(two and now_us - self.read_back[1][1] <= FRESH_US, "settings are read back twice and fresh")
        _require(self.read_back[1][0] == b"0450100000030003" + b"0001", "the device is set to what was granted")
        _require(bool(self.grants), "I2: no trigger without a permit")
        number, grant = self.grants[-1]
        _require(grant.left > 0, "I7: a permit is used once")
        _require(now_us <= grant.until_us, "a permit expires")
        left = next((left for seq, _, left in self.counted if seq == grant.ref), 0)
        _require(left >= TRAIN, "I2: no trigger without a durable reservation that has room")
        if self.last_us is not None:
            _require(now_us - self.last_us - TRAIN_US >= GAP_US, "I3: gaps are kept")
        counted = tuple((s, n, le - TRAIN if s == grant.ref else le) for s, n, le in self.counted)
        return self._replace(
            triggers=self.triggers - 1, asked_us=now_us, under_way=True, last_us=now_us, before_last_us=self.last_us,
            grants=(*self.grants[:-1], (number, grant._replace(left=0))), counted=counted,
        )  # fmt: skip

    # --- what must be true always -----------------------------------------------------------------------------

    def _must_hold(self, step: Step, seen_us: int) -> None:
        now_us = step.now_us
        _require(step.after not in FORBIDDEN[step.before], f"I6: {step.before.value} leads to {step.after.value}")
        _require(not self.tripped or step.after in (Phase.TRIPPED, Phase.LOCKOUT), "I6: latched stays latched")
        counted = sum(count for seq, count, _ in self.counted if seq in self.this_session)
        _require(counted <= self.planned, "I1: no more is counted than was planned")
        late = now_us - seen_us > LATE_US and self.session
        _require(not late or self.tripped or self.locked, "a loop that stood still trips")
        stale = self.session and now_us - min(self.turned_us) > BEAT_US
        _require(not (self.released and stale), "I5: released means beats")
        overdue = self.asked_us is not None and now_us - self.asked_us >= ANSWER_US
        _require(not overdue, "I9: a trigger whose answer did not come is unknown")
        _require(not self.doubt or bool(self.unknown), "I9: what is unknown is written down as unknown")
        waits = all(now_us - at <= REQUEST_US for _, _, at in self.requests)
        _require(waits, "every request is answered in time")

    def _must_be_disarming(self, step: Step, *, armed: bool) -> None:
        """I5, with the device's own word for *armed*: everything is fresh, or disarm is being written."""
        now_us = step.now_us
        if not armed or not self.port:
            return
        good = (
            self.session
            and self.released
            and not self.tripped
            and now_us - min(self.turned_us) <= BEAT_US
            and now_us - self.presence_us <= PRESENCE_CUT_US
            and (not self.under_way or self._lease(step) != "none")
            and self.coil is not None
            and now_us - self.coil[1] <= COIL_AGE_US
            and self.coil[0] < (COIL_TRIP if self.under_way else COIL_STOP)
        )
        if good:
            return
        _require(self.disarm_since_us is not None, "I5: armed means everything is fresh, or it is being disarmed")
        assert self.disarm_since_us is not None
        pause_us = REPEAT_US if now_us - self.disarm_since_us < CONFIRM_US else SLOW_REPEAT_US
        _require(now_us - self.disarm_us <= pause_us, "disarm is written again until standby is shown")


def _require(holds: bool, claim: str) -> None:
    if not holds:
        raise InvariantBroken(claim)

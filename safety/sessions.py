"""Sessions: who may open one and for what, the operator's release, and how it ends."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from drivers.quantities import PercentMso, PercentRmt
from safety import control, disarm, ledgering, outcomes, permits, plans, rules
from safety.asking import SessionKind, Use
from safety.authorisations import authorised
from safety.events import Door
from safety.facts import facts, totals, witness
from safety.frames import No
from safety.ledger_format import Kind
from safety.ledger_format import key as key_of
from safety.protocols import RAISE_STEP, Protocol
from safety.reasons import Reason
from safety.state import Beats, Phase, Session
from safety.threshold import MotorThreshold, ThresholdMethod
from safety.turn import Turn


@dataclass(frozen=True, slots=True)
class Yes:
    """Done; `body` goes into the answer."""

    body: Mapping[str, Any]


def open_session(turn: Turn, connection: int, message: control.OpenSession) -> Yes | No:
    """Judges the whole of what is about to happen, and answers with what was understood."""
    role = dict(turn.state.roles).get(connection)
    if role not in ("daemon", "guarded"):
        return No(Reason.NOT_SESSION_HOLDER)
    reason = _not_now(turn)
    if reason is not None:
        return No(reason)
    try:
        session = _understand(turn, connection, message)
    except _Not as refusal:
        return refusal.no
    turn.to(session=session, hold=None, beats=Beats(-1, turn.now.us, -1, turn.now.us, turn.now.us))
    refused = _judge_plan(turn, session)
    if refused is not None:
        turn.to(session=None)
        return refused
    understood = _understood(turn, session, message)
    digest = _hash(turn, session.protocol, understood)
    turn.to(session=replace(session, hash=digest), emergency=None)
    turn.commit(Kind.OPEN, pulses=session.planned, level_tenths=session.ceiling.tenths)
    turn.tell("session-opened", session=session.key.hex(), hash=digest, understood=understood)
    return Yes({"session": session.key.hex(), "hash": digest, "understood": understood})


def _not_now(turn: Turn) -> Reason | None:
    state = turn.state
    if state.session is not None:
        return Reason.SESSION_OPEN
    if state.phase is Phase.LOCKOUT:
        return Reason.LOCKED_OUT
    if state.phase is Phase.TRIPPED:
        return Reason.TRIPPED
    if not state.device.present:
        return Reason.PORT_ABSENT
    if turn.room.profile != "fixed" and "lease" not in dict(state.roles).values():
        return Reason.ARM_ABSENT
    if state.delivery is not None or state.disarming is not None or state.phase is not Phase.SAFE:
        return Reason.BOOT
    return Reason.UNKNOWN_OPEN if state.unknowns else None


class _Not(Exception):
    """A session that cannot be opened."""

    def __init__(self, reason: Reason, **detail: object) -> None:
        self.no = No(reason, detail)


def _understand(turn: Turn, connection: int, message: control.OpenSession) -> Session:
    kind = SessionKind(message.kind)
    if (kind is SessionKind.PHANTOM) == bool(message.subject):
        raise _Not(Reason.MALFORMED_MESSAGE, why="every kind but phantom has a subject")
    if turn.room.use is Use.BENCH and kind is not SessionKind.PHANTOM:
        raise _Not(Reason.USE_FORBIDS, use=turn.room.use.value)
    if message.coil != turn.room.coil:
        raise _Not(Reason.THRESHOLD_OTHER_COIL, coil=turn.room.coil)
    if message.subject and turn.state.blocked(message.subject):
        raise _Not(Reason.SUBJECT_BLOCKED)
    protocol, threshold = _protocol(turn, kind, message), _threshold(turn, message)
    lacks = turn.room.lacks(protocol, turn.now.wall_us)
    if lacks:
        raise _Not(Reason.STUDY_INCOMPLETE, lacks=lacks[0])
    intensity = _intensity(protocol, message)
    key = key_of(f"{message.subject} {turn.now.wall_us} {turn.now.us}")
    planned = protocol.pulses if protocol else _own_pulses(turn, kind)
    if message.continues is not None:
        key = bytes.fromhex(message.continues)
        planned = _continued(turn, key, protocol, message)
    return Session(
        key=key,
        connection=connection,
        kind=kind,
        door=Door(message.door),
        subject=message.subject,
        coil=message.coil,
        ceiling=_ceiling(turn, kind, threshold, intensity, message.ceiling_tenths),
        protocol=protocol,
        threshold=threshold,
        intensity=intensity,
        authorised=protocol is not None
        and authorised(turn.room.authorisations, message.subject, protocol, turn.now.wall_us),
        planned=planned,
    )


def _protocol(turn: Turn, kind: SessionKind, message: control.OpenSession) -> Protocol | None:
    if kind is not SessionKind.TREATMENT:
        return None
    protocol = turn.room.protocols.get(message.protocol)
    if protocol is None:
        raise _Not(Reason.UNKNOWN_PROTOCOL, protocol=message.protocol, known=", ".join(sorted(turn.room.protocols)))
    return protocol


def _threshold(turn: Turn, message: control.OpenSession) -> MotorThreshold | None:
    told = message.threshold
    if told is None:
        return None
    if told.simulated and not turn.room.simulated:
        raise _Not(Reason.THRESHOLD_SIMULATED)
    return MotorThreshold(
        PercentMso(told.value_tenths), ThresholdMethod(told.method), told.pulses, told.sd_tenths, told.coil,
        told.taken_wall_us, told.simulated,
    )  # fmt: skip


def _intensity(protocol: Protocol | None, message: control.OpenSession) -> PercentRmt | None:
    if protocol is None:
        return None
    prescribed = max(phase.intensity for phase in protocol.phases)
    asked = prescribed if message.intensity_tenths is None else PercentRmt(message.intensity_tenths)
    if asked > prescribed:
        raise _Not(Reason.INTENSITY_OVER_LIMIT, allowed=str(prescribed), asked=str(asked))
    return asked


def _ceiling(
    turn: Turn,
    kind: SessionKind,
    threshold: MotorThreshold | None,
    intensity: PercentRmt | None,
    declared_tenths: int | None,
) -> PercentMso:
    """The highest level of the session; what is declared may only lower what the kind allows."""
    limits = turn.room.limits
    if intensity is not None:  # a treatment's
        if threshold is None:
            raise _Not(Reason.THRESHOLD_MISSING)
        return threshold.level(intensity)
    highest = {
        SessionKind.THRESHOLD: limits.hunt_level,
        SessionKind.PHANTOM: limits.phantom_level,
        SessionKind.SCRIPT: threshold.level(limits.intensity) if threshold else PercentMso.of(100),
    }[kind]
    default = limits.no_session_level if kind is SessionKind.SCRIPT else highest
    declared = default if declared_tenths is None else PercentMso(declared_tenths)
    return min(declared, highest)


def _own_pulses(turn: Turn, kind: SessionKind) -> int:
    limits = turn.room.limits
    return {
        SessionKind.THRESHOLD: limits.hunt_pulses,
        SessionKind.PHANTOM: limits.phantom_pulses,
        SessionKind.SCRIPT: limits.session_pulses,
    }[kind]


def _continued(turn: Turn, key: bytes, protocol: Protocol | None, message: control.OpenSession) -> int:
    """Pulses of the treatment that goes on: one treatment, counted as one."""
    opened = turn.state.book.opened(key)
    if opened is None or protocol is None:
        raise _Not(Reason.CANNOT_CONTINUE, why="there is no such treatment")
    same = (key_of(message.subject), key_of(message.coil), key_of(protocol.id))
    if (opened.subject, opened.coil, opened.protocol) != same:
        raise _Not(Reason.CANNOT_CONTINUE, why="subject, coil or protocol differ")
    if turn.state.book.closed_for_good(key):
        raise _Not(Reason.CANNOT_CONTINUE, why="an emergency ended it")
    if turn.now.wall_us - turn.state.book.last_us(key) > turn.room.limits.timing.continue_within_us:
        raise _Not(Reason.CANNOT_CONTINUE, why="it ended too long ago")
    if not message.reason:
        raise _Not(Reason.CANNOT_CONTINUE, why="a reason is needed")
    if not turn.state.book.remaining(key):
        raise _Not(Reason.CANNOT_CONTINUE, why="nothing is left to deliver")
    return opened.pulses


def _plan(turn: Turn, session: Session) -> tuple[plans.PlannedTrain, ...] | None:
    """The trains that are left of a treatment. None: it is no treatment."""
    if session.protocol is None or session.threshold is None:
        return None
    left = session.planned - turn.state.book.session(session.key)
    return plans.plan_of(session.protocol, session.threshold, session.intensity, left)


def _judge_plan(turn: Turn, session: Session) -> No | None:
    """The whole remaining plan, before the patient sits down: every train, the day, the course, the device."""
    plan, known, limits = _plan(turn, session), facts(turn), turn.room.limits
    verdict = rules.judge_pulses(1, known, limits) if plan is None else plans.judge_plan(plan, known, limits)
    if isinstance(verdict, rules.Refused):
        return No(verdict.reason, verdict.detail)
    for each in plan or ():
        unable = turn.room.dialect.refuses_energy(each.level, each.train.rate, each.train.pulses)
        needs_us = turn.room.dialect.minimum_wait_us(each.level, each.train.rate, each.train.pulses)
        if unable or (each.gap_us and each.gap_us < needs_us):
            why = unable.removesuffix(".") if unable else f"it needs {needs_us / 1e6:g} s between trains"
            return No(Reason.ENERGY, {"why": why})
    return None


def _understood(turn: Turn, session: Session, message: control.OpenSession) -> dict[str, Any]:
    """What the operator is shown and releases: everything that decides what the subject gets."""
    plan = [
        {"trains": len(list(same)), "pulses": each.train.pulses, "rate_tenths": each.train.rate.tenths,
         "level_tenths": each.level.tenths, "gap_us": each.gap_us}
        for each, same in groupby(_plan(turn, session) or ())
    ]  # fmt: skip
    counted = totals(turn, session.subject, session.key)
    threshold = session.threshold
    return {
        "kind": session.kind.value,
        "door": session.door.value,
        "subject": session.subject,
        "coil": session.coil,
        "threshold_tenths": threshold.value.tenths if threshold else None,
        "threshold_method": threshold.method.value if threshold else None,
        "intensity_tenths": session.intensity.tenths if session.intensity else None,
        "ceiling_tenths": session.ceiling.tenths,
        "protocol": session.protocol.id if session.protocol else None,
        "protocol_version": session.protocol.version if session.protocol else None,
        "plan": plan,
        "planned": session.planned,
        "pulses_left": session.planned - counted.session,
        "tier": 2 if session.protocol and session.protocol.exceeds else 1,
        "today": counted.day,
        "course": counted.course,
        "course_notice": counted.course >= turn.room.limits.course_notice,
        "witness": witness(turn.room).name.lower(),
        "disarm_cuts_train": turn.room.disarm_cuts_train.value,
        "placement": message.placement,
        "simulated": turn.room.simulated,
    }


def _hash(turn: Turn, protocol: Protocol | None, understood: dict[str, Any]) -> str:
    """Names what was understood and the limits it was judged by; release quotes it."""
    parts = [understood, turn.room.limits.digest, protocol.digest if protocol else ""]
    return hashlib.blake2s(json.dumps(parts, sort_keys=True).encode(), digest_size=16).hexdigest()


def release(turn: Turn, connection: int, message: control.Release) -> Yes | No:
    """The operator's act that lets a segment begin, once per segment and again after every pause."""
    state, session = turn.state, turn.state.session
    if session is None:
        return No(Reason.NO_SESSION)
    if session.connection != connection:
        return No(Reason.NOT_SESSION_HOLDER)
    if message.hash != session.hash:
        return No(Reason.HASH_DIFFERS)
    if state.phase in (Phase.TRIPPED, Phase.LOCKOUT):
        return No(Reason.TRIPPED if state.phase is Phase.TRIPPED else Reason.LOCKED_OUT)
    if state.phase is Phase.BOOT:  # what will be found behind the port is not what the operator sees
        return No(Reason.BOOT if state.device.present else Reason.PORT_ABSENT)
    if state.unknowns:
        return No(Reason.UNKNOWN_OPEN)
    temperature = state.device.temperature_tenths
    if temperature is not None and temperature >= turn.room.limits.timing.coil_stop:  # it would stop again at once
        return No(Reason.COIL_HOT)
    if not nonce_is_fresh(turn, message.nonce):
        return No(Reason.NONCE_STALE)
    turn.to(session=replace(session, released=True, paused=None))
    turn.commit(Kind.RELEASE, note=key_of(message.by))
    turn.tell("released", by=message.by)
    return Yes({})


def nonce_is_fresh(turn: Turn, nonce: str) -> bool:
    """Whether a command quotes a nonce of the last 2 s, and one from after the last stop.

    So it was decided on what the operator just saw: a release that comes twice takes no stop back.
    """
    oldest_us = max(turn.now.us - turn.room.limits.timing.nonce_age_us, turn.state.stopped_us + 1)
    return any(value == nonce and at_us >= oldest_us for value, at_us in turn.state.nonces)


def stop(turn: Turn, message: control.Stop) -> Yes:
    """Disarm in this very step, from every state; a session pauses. Anybody may, always.

    The answer says when: only a status from later can show that the stimulator took it.
    """
    turn.to(stopped_us=turn.now.us)
    if turn.state.session is not None:
        outcomes.stop(turn, Reason.STOP_ASKED)
    if turn.state.disarming is not None:
        disarm.write_now(turn, turn.state.disarming)
    else:
        disarm.begin(turn, Reason.STOP_ASKED)
    permits.drop(turn, Reason.STOP_ASKED)
    turn.tell("stop-asked", by=message.by)
    return Yes({"at_us": turn.now.us})


def intensity(turn: Turn, connection: int, message: control.Intensity) -> Yes | No:
    """Lowers between trains at any time; raises to what is prescribed, a step at a time."""
    session = turn.state.session
    if session is None or session.connection != connection:
        return No(Reason.NOT_SESSION_HOLDER if session else Reason.NO_SESSION)
    if session.intensity is None or session.protocol is None or session.threshold is None:
        return No(Reason.MALFORMED_MESSAGE, {"why": "only a treatment has an intensity"})
    if turn.state.permits or turn.state.pending or turn.state.delivery:
        return No(Reason.TRAIN_RUNNING)
    wanted = PercentRmt(message.intensity_tenths)
    prescribed = max(phase.intensity for phase in session.protocol.phases)
    stepped_from = session.delivered_at or session.intensity
    if wanted > prescribed:
        return No(Reason.INTENSITY_OVER_LIMIT, {"allowed": str(prescribed), "asked": str(wanted)})
    highest = PercentRmt(stepped_from.tenths + RAISE_STEP.tenths)
    if wanted > highest:
        return No(Reason.RAISE_TOO_LARGE, {"allowed": str(highest), "asked": str(wanted)})
    turn.to(session=replace(session, intensity=wanted, ceiling=session.threshold.level(wanted)))
    turn.tell("intensity", intensity_tenths=wanted.tenths, by=message.by)
    return Yes({"ceiling_tenths": session.threshold.level(wanted).tenths})


def close(turn: Turn, connection: int, message: control.CloseSession) -> Yes | No:
    """The holder ends its session."""
    session = turn.state.session
    if session is None or session.connection != connection:
        return No(Reason.NOT_SESSION_HOLDER if session else Reason.NO_SESSION)
    end(turn, message.why or "closed", message.by)
    return Yes({})


def end(turn: Turn, why: str, by: str = "") -> None:
    """Disarmed, nothing granted any more, what was reserved and not spent given back, and closed in the ledger."""
    session = turn.session
    permits.drop(turn, Reason.SESSION_ENDED)
    if turn.state.phase in (Phase.ARMED, Phase.FIRING):
        disarm.begin(turn, Reason.SESSION_ENDED)
    if session.block is not None and turn.state.delivery is None:
        ledgering.close_block(turn, session.block)
    if session.block_token is not None:
        turn.to(unwanted=(*turn.state.unwanted, session.block_token))
    turn.commit(Kind.CLOSE, pulses=turn.state.book.session(session.key))
    turn.to(session=None, hold=None)
    turn.tell("session-closed", session=session.key.hex(), why=why, by=by)

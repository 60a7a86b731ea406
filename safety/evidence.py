"""What shows that pulses went out, and with which resolution.

`accepted`: the device took a trigger for one pulse. `running`: a bit shows while a train runs, so the count lies in
an interval: pulses possible between the last answer that showed the bit and the first that did not, widened by one.
What was set is never evidence; a count that contradicts it by more than the resolution is a trip.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from drivers.quantities import SECOND_US
from drivers.stimulators import Reading
from safety import disarm, ledgering, outcomes, permits
from safety.asking import Past, run_after
from safety.ledger_format import By, Kind
from safety.reasons import Reason
from safety.state import Delivery, Phase
from safety.turn import Turn

MINUTE_US = 60 * SECOND_US
"""The longest window a rule looks back over."""
START_GRACE_US = 20_000
"""A device may raise its train bit this much after it took the trigger (engineering choice: two status replies)."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Pulses that went out, at least and at most."""

    low: int
    high: int

    def __contains__(self, pulses: object) -> bool:
        return isinstance(pulses, int) and self.low <= pulses <= self.high


def pulses_by(delivery: Delivery, since_us: int, at_us: int) -> int:
    """Pulses of an endless train of this rate that began at `since_us`, until `at_us`."""
    return (at_us - since_us) * delivery.train.rate.tenths // (10 * SECOND_US) + 1


def least(delivery: Delivery) -> int:
    """Pulses certainly out: the train began at the latest when its trigger was accepted."""
    if delivery.running_asked_us is None:
        return 0
    return max(pulses_by(delivery, delivery.began_us, delivery.running_asked_us) - 1, 0)


def most(delivery: Delivery, ended_us: int) -> int:
    """Pulses possibly out: the train began at the earliest when its trigger was written."""
    return pulses_by(delivery, delivery.written_us, ended_us) + 1


def trigger_answered(turn: Turn, reading: Reading) -> None:
    """The device answered a trigger: it took it, or it refused and nothing went out."""
    delivery = turn.delivery
    if reading.refused is not None:
        _not_delivered(turn, delivery)
        return
    turn.to(delivery=replace(delivery, accepted_us=turn.now.us))
    turn.tell("accepted", permit=delivery.permit, index=delivery.index)
    if delivery.train.pulses == 1:
        _settle(turn, 1, Interval(1, 1), By.ACCEPTED)


def trigger_unanswered(turn: Turn) -> None:
    """No reply to a trigger: whether it went out is unknown. Counted, never sent again, and the session pauses."""
    _unknown(turn, turn.delivery)


def train_bit(turn: Turn, asked_us: int, *, running: bool) -> None:
    """An answer that speaks of the train bit; the question was written at `asked_us`."""
    delivery = turn.state.delivery
    if delivery is None:
        if running and asked_us > turn.state.train_ended_us and not turn.state.disarming:
            _not_triggered(turn)
    elif running:
        delivery = replace(delivery, running_asked_us=max(asked_us, delivery.running_asked_us or 0))
        turn.to(delivery=delivery)
        if least(delivery) > delivery.train.pulses:
            _goes_on(turn, delivery)
    elif delivery.cut:
        if turn.state.disarming is None and asked_us >= turn.state.standby_at_us:
            _settle_cut(turn, delivery)
    elif asked_us >= delivery.began_us + START_GRACE_US:
        interval = Interval(least(delivery), most(delivery, turn.now.us))
        if delivery.train.pulses in interval:
            _settle(turn, delivery.train.pulses, interval, By.RUNNING)
        else:
            _contradicted(turn, delivery, interval)


def overdue(turn: Turn) -> None:
    """A train whose end nobody saw: cut, it counts in full; not cut, nobody knows."""
    delivery = turn.state.delivery
    if delivery is None or delivery.accepted_us is None or delivery.train.pulses == 1:
        return
    timing = turn.room.limits.timing
    if delivery.cut:
        if turn.state.disarming is None and turn.now.us - turn.state.standby_at_us > timing.exchange_us:
            high = most(delivery, turn.now.us) if delivery.over else delivery.train.pulses
            _settle(turn, high, Interval(min(least(delivery), high), high), By.ASSUMED, cut=True)
    elif turn.now.us - delivery.accepted_us > delivery.train.duration_us + timing.read_back_age_us:
        if delivery.running_asked_us is not None:
            _goes_on(turn, delivery)
        else:
            _unknown(turn, delivery)


def _settle_cut(turn: Turn, delivery: Delivery) -> None:
    """A cut train settles at the upper end of its interval; one that went on by itself may exceed what was set."""
    possible = most(delivery, turn.now.us)
    high = possible if delivery.over else min(possible, delivery.train.pulses)
    _settle(turn, high, Interval(min(least(delivery), high), high), By.RUNNING, cut=True)


def _settle(turn: Turn, pulses: int, interval: Interval, by: By, *, cut: bool = False) -> None:
    delivery, permit = turn.delivery, turn.state.permits[0]
    block = permit.block
    low, high = block.low + interval.low, block.high + interval.high
    block = replace(block, settled=block.settled + pulses, low=low, high=high, by=by)
    turn.to(
        delivery=None,
        permits=(replace(permit, block=block), *turn.state.permits[1:]),
        train_ended_us=turn.now.us,
        **_remembered(turn, delivery),
    )
    if turn.state.phase is Phase.FIRING:
        turn.move(Phase.ARMED)
    turn.tell(
        "settled", permit=permit.number, ref=block.ref, index=delivery.index, pulses=pulses, low=interval.low,
        high=interval.high, by=by.name.lower(), outcome="cut" if cut else "delivered", written_us=delivery.written_us,
    )  # fmt: skip
    session = turn.state.session
    if session is not None:
        turn.to(session=replace(session, delivered_at=session.intensity))
    permits.close_used_up(turn)
    _park(turn)
    if turn.state.phase is Phase.SAFE:
        permits.settle_standing_block(turn)


def _remembered(turn: Turn, delivery: Delivery) -> dict[str, Any]:
    """The trains a rule may still ask about, once this one is over."""
    state, train = turn.state, Past(delivery.written_us, delivery.train)
    last = state.past[-1] if state.past else None
    kept = tuple(past for past in state.past if train.last_us - past.last_us <= MINUTE_US)
    return {"past": (*kept, train), "run": run_after(state.run, last, train, turn.room.limits.run_break_us)}


def _park(turn: Turn) -> None:
    """Between trains that lie far apart the device stands disarmed; its driver expects it."""
    session = turn.state.session
    if session is None or session.protocol is None:
        return
    idle = turn.state.phase is Phase.ARMED and not turn.state.permits and not turn.state.pending
    gap_us = max(phase.gap_us for phase in session.protocol.phases)
    if idle and gap_us >= turn.room.limits.timing.park_gap_us:
        disarm.begin(turn, None)


def _not_delivered(turn: Turn, delivery: Delivery) -> None:
    """The device refused: the pulses were never out, and its refusal is the proof. The pause gives them back."""
    permit = turn.state.permits[0]
    turn.to(delivery=None)
    if turn.state.phase is Phase.FIRING:
        turn.move(Phase.ARMED)
    turn.tell("not-delivered", permit=permit.number, ref=permit.block.ref, index=delivery.index)
    permits.close_used_up(turn)
    outcomes.stop(turn, Reason.TRIGGER_REFUSED)


def _unknown(turn: Turn, delivery: Delivery) -> None:
    """Nobody can account for these pulses: their reservation stays open, and counts in full until resolved."""
    permit, *later = turn.state.permits
    turn.commit(Kind.UNKNOWN, ref=permit.block.ref, pulses=permit.block.reserved)
    for unused in later:
        ledgering.close_block(turn, unused.block)
    turn.to(delivery=None, permits=(), train_ended_us=turn.now.us, **_remembered(turn, delivery))
    turn.tell(
        "settled", permit=permit.number, ref=permit.block.ref, index=delivery.index, pulses=delivery.train.pulses,
        low=0, high=delivery.train.pulses, by="assumed", outcome="unknown", written_us=delivery.written_us,
    )  # fmt: skip
    if turn.state.phase is Phase.FIRING:
        turn.move(Phase.ARMED)
    session = turn.state.session
    if session is not None and session.block is not None and session.block.ref == permit.block.ref:
        turn.to(session=replace(session, block=None))
    outcomes.stop(turn, Reason.UNKNOWN_OPEN)


def _goes_on(turn: Turn, delivery: Delivery) -> None:
    """A train outlasts what was set: disarmed, and counted for as long as it can still run."""
    turn.to(delivery=replace(delivery, over=True))
    _two_persons(turn, delivery, Interval(least(delivery), most(delivery, turn.now.us)))


def _contradicted(turn: Turn, delivery: Delivery, interval: Interval) -> None:
    """The train is over and was another than the one that was set: booked at the worst."""
    _settle(turn, max(interval.high, delivery.train.pulses), interval, By.RUNNING)
    _two_persons(turn, delivery, interval)


def _two_persons(turn: Turn, delivery: Delivery, interval: Interval) -> None:
    detail = f"set {delivery.train.pulses}, evidence {interval.low} to {interval.high}"
    outcomes.trip(turn, Reason.EVIDENCE_CONTRADICTS, detail)


def _not_triggered(turn: Turn) -> None:
    """A train runs that nobody here triggered: counted in full, never settled; no bound of this site's was kept."""
    settings = turn.state.device.settings
    pulses = settings.pulses if settings else turn.room.limits.hard("autonomy_pulses")
    turn.commit(Kind.FOUND_ARMED, pulses=pulses)
    turn.to(train_ended_us=turn.now.us)
    outcomes.trip(turn, Reason.TRAIN_NOT_TRIGGERED, f"{pulses} pulses booked")
    disarm.begin(turn, Reason.TRAIN_NOT_TRIGGERED)

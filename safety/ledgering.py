"""How a reservation ends in the ledger, and how the gate's book follows the ledger's answers."""

from __future__ import annotations

from drivers.stimulators import Condition
from safety import blocks, outcomes, permits
from safety.control import Resolve
from safety.events import Committed
from safety.ledger_format import Kind, Settled, key, settled_note
from safety.reasons import Reason
from safety.state import Block, Phase
from safety.turn import Turn


def close_block(turn: Turn, block: Block) -> None:
    """Settles a reservation at what was accounted for."""
    note = settled_note(Settled(block.low, block.high, block.by))
    turn.commit(Kind.SETTLE, ref=block.ref, pulses=block.settled, note=note)


def committed(turn: Turn, event: Committed) -> None:
    """The ledger holds a record: the book counts it, and whoever waited for it goes on."""
    for index, (token, record, _) in enumerate(turn.state.commits):
        if token == event.token:
            rest = turn.state.commits[:index] + turn.state.commits[index + 1 :]
            turn.to(commits=rest, book=turn.state.book.apply(event.seq, record))
            if record.kind is Kind.RESERVE:
                permits.reserved(turn, token, event.seq, record.pulses)
            blocks.durable(turn, token)
            return
    outcomes.lock_out(turn, f"the ledger confirmed record {event.seq}, which nobody sent")


def resolve(turn: Turn, message: Resolve) -> Reason | None:
    """A person takes an unknown pulse as delivered. None: done."""
    state = turn.state
    if state.phase is Phase.LOCKOUT:
        return Reason.LOCKED_OUT  # nothing is written down any more
    if message.ref not in state.book.unknowns:
        return Reason.NOTHING_TO_RESOLVE
    if state.device.present and state.device.condition is not Condition.STANDBY:
        return Reason.RESOLVE_CONDITIONS
    turn.commit(Kind.RESOLVE, ref=message.ref, note=key(message.by) + key(message.why))
    turn.tell("resolved", ref=message.ref, by=message.by)
    return None

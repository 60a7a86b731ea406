"""Reading a ledger back: is this the whole, unaltered history, and what does it say? Pure: bytes in, verdict out."""

from __future__ import annotations

from dataclasses import dataclass

from safety.book import Book
from safety.ledger_errors import BadRecord, LedgerBroken, TornRecord, WrongLedger
from safety.ledger_format import (
    FORMAT_NOTE,
    HEAD_BYTES,
    RECORD_BYTES,
    Entry,
    Head,
    Kind,
    digest,
    seal_head,
    unseal,
    unseal_head,
)

HEAD_SLOT_BYTES = 4096
"""Distance of the two head slots: never in one sector or page, so no torn write takes both."""
HEAD_LAG = 2
"""How many records a sound log may be ahead of its head: the one whose head was not written yet, and one more when
the newest slot was cut while being written."""


@dataclass(frozen=True, slots=True)
class Replay:
    """A sound ledger. `torn`: behind its last record lie bytes of one whose write was cut, never acknowledged."""

    entries: tuple[Entry, ...]
    head: Head
    """Number and hash of the last whole record."""
    torn: bool

    @property
    def simulated(self) -> bool:
        """Whether it counts simulated pulses."""
        return self.entries[0].record.simulated

    def book(self) -> Book:
        """What it adds up to."""
        return Book.of((entry.seq, entry.record) for entry in self.entries)


def heads_of(data: bytes) -> tuple[Head, ...]:
    """The heads a head file holds, newest last."""
    slots = (unseal_head(data[at : at + HEAD_BYTES]) for at in (0, HEAD_SLOT_BYTES))
    return tuple(sorted((head for head in slots if head is not None), key=lambda head: head.seq))


def head_file(head: Head) -> bytes:
    """A head file that holds one head."""
    file = bytearray(2 * HEAD_SLOT_BYTES)
    at = head_slot(head.seq)
    file[at : at + HEAD_BYTES] = seal_head(head)
    return bytes(file)


def head_slot(seq: int) -> int:
    """Offset of the slot that remembers record `seq`: the two alternate, so one always holds."""
    return seq % 2 * HEAD_SLOT_BYTES


def used_blocks(log: bytes) -> list[bytes]:
    """The log cut into records, without the zeros behind the last."""
    used = -(-len(log.rstrip(b"\0")) // RECORD_BYTES)
    return [log[n * RECORD_BYTES : (n + 1) * RECORD_BYTES] for n in range(used)]


def replay(log: bytes, head_data: bytes, *, simulated: bool) -> Replay:
    """Read a ledger; LedgerBroken says where it breaks and what that means, WrongLedger names the other kind."""
    blocks = used_blocks(log)
    entries, hashes, torn = _chain(blocks)
    if entries[0].record.simulated != simulated:
        raise WrongLedger(
            f"this ledger counts {_sort(not simulated)} pulses and the stimulator is {_sort(simulated)}: "
            "give the watchdog the state folder that belongs to its port"
        )
    last = Head(entries[-1].seq, hashes[-1])
    _check_heads(heads_of(head_data), entries[0].seq, hashes, torn=torn)
    return Replay(tuple(entries), last, torn)


def _chain(blocks: list[bytes]) -> tuple[list[Entry], list[bytes], bool]:
    if not blocks:
        raise LedgerBroken("the ledger file is there and holds nothing: its history is gone")
    entries: list[Entry] = []
    hashes: list[bytes] = []
    for place, block in enumerate(blocks):
        try:
            entry = unseal(block)
        except TornRecord as error:
            if 0 < place == len(blocks) - 1:
                return entries, hashes, True
            others = "others follow it" if len(blocks) > 1 else "it is the only one"
            raise LedgerBroken(f"record {place + 1} in the file is damaged ({error}), and {others}") from error
        except BadRecord as error:
            raise LedgerBroken(f"record {place + 1} in the file is not of this program's version: {error}") from error
        _check_place(place, entry, entries, hashes)
        entries.append(entry)
        hashes.append(digest(block))
    return entries, hashes, False


def _check_place(place: int, entry: Entry, entries: list[Entry], hashes: list[bytes]) -> None:
    if place == 0:
        if entry.record.kind is not Kind.GENESIS or entry.record.note != FORMAT_NOTE:
            raise LedgerBroken("the file does not begin with the first record of a ledger: its beginning was cut off")
        return
    if entry.seq != entries[-1].seq + 1 or entry.prev != hashes[-1]:
        raise LedgerBroken(
            f"record {place + 1} in the file says it is number {entry.seq} and does not continue number "
            f"{entries[-1].seq}: records were taken out, put in or altered"
        )
    if entry.record.simulated != entries[0].record.simulated:
        raise LedgerBroken(f"record {entry.seq} mixes simulated and real pulses")


def _check_heads(heads: tuple[Head, ...], first: int, hashes: list[bytes], *, torn: bool) -> None:
    if not heads:
        raise LedgerBroken("the head file holds no readable head: whether the log is whole cannot be known")
    newest, last = heads[-1].seq, first + len(hashes) - 1
    if newest > last:
        how = "the last one is damaged" if torn and newest == last + 1 else "the log was cut or is an old copy"
        raise LedgerBroken(f"record {newest} was written and the log ends with {last}: {how}")
    if last - newest > HEAD_LAG:
        raise LedgerBroken(f"the head knows record {newest} and the log goes on to {last}: the head is an old copy")
    for head in heads:
        if head.seq >= first and hashes[head.seq - first] != head.hash:
            raise LedgerBroken(f"record {head.seq} is not the one that was written: the log is another copy or altered")


def _sort(simulated: bool) -> str:
    return "simulated" if simulated else "real"

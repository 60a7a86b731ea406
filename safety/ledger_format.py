"""A ledger record, version 1: 128 bytes, sealed by a CRC and chained to the one before. docs/ledger.md draws it.

Bytes in, frozen dataclasses out: no file, no clock. Reading is strict: a block is exactly one record of this
version or it is refused; nothing is guessed.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum
from hashlib import blake2b, blake2s

from drivers.errors import OurError
from safety.ledger_errors import BadRecord, TornRecord

RECORD_BYTES = 128
"""Divides a disk sector: a record never lies in two sectors, so no power cut leaves half of one behind the next."""
VERSION = 1
KEY_BYTES = 8
NOTE_BYTES = 16
HASH_BYTES = 20
FORMAT_NOTE = b"coilward-ledger1"
"""Note of the first record of every file."""
KEY0 = bytes(KEY_BYTES)
"""No key: no subject (phantom), no session, no protocol, or not known."""
HEAD_BYTES = 64
HASH0 = bytes(HASH_BYTES)
"""What the first record of a room's first file is chained to."""

_MAGIC = b"CL"
_SIMULATED = 0x01
_LAYOUT = struct.Struct("<2sBBBBHQ8sQQIHH8s8s8s8sQ16s20s")
_HEAD = struct.Struct("<8sQ20s24x")
_HEAD_MAGIC = b"CLHEAD1\0"
_CRC = struct.Struct("<I")
_SETTLED = struct.Struct("<IIB7x")
_WHEN = struct.Struct("<Q8x")


class Kind(IntEnum):
    """What a record says happened. Numbers are for ever; new kinds are added at the end."""

    GENESIS = 1
    """First record of a file; `ref` is 0, or the last record number of the file before it."""
    BOOT = 2
    """The watchdog started: whatever was reserved before can deliver no more."""
    OPEN = 3
    """A session began or goes on; `pulses` is planned for the whole treatment."""
    RELEASE = 4
    RESERVE = 5
    """`pulses` may go out from here on. Counts in full until settled."""
    SETTLE = 6
    """RESERVE `ref` delivered at most `pulses`; the note says by which evidence (`Settled`)."""
    UNKNOWN = 7
    """Nobody knows whether RESERVE `ref` went out."""
    RESOLVE = 8
    """A person closed the unknown RESERVE `ref`: booked as delivered in full."""
    CLOSE = 9
    TRIP = 10
    RESET = 11
    FOUND_ARMED = 12
    """The device was armed when nobody should have: `pulses` is the worst case."""
    EMERGENCY = 13
    BLOCK = 14
    UNBLOCK = 15
    CARRIED = 16
    """Counts from elsewhere, another room or a file before this one; the note says when (`carried_note`)."""
    LOST = 17
    """Records that cannot be read: `pulses` is the worst case they may have stood for."""


class By(IntEnum):
    """The evidence a settlement stands on."""

    ACCEPTED = 1
    RUNNING = 2
    COUNTED = 3
    ASSUMED = 4


class Carry(IntEnum):
    """`code` of a CARRIED record: which totals it raises."""

    ALL = 0
    WINDOWS = 1
    COURSE = 2
    EVERYBODY = 3
    """The windows of every subject: pulses that nobody could assign."""


@dataclass(frozen=True, slots=True)
class Record:
    """What its writer says; number, boot and chain are added by `seal`."""

    kind: Kind
    pulses: int = 0
    level_tenths: int = 0
    """0.1 % MSO."""
    rate_tenths: int = 0
    """0.1 Hz."""
    subject: bytes = KEY0
    session: bytes = KEY0
    coil: bytes = KEY0
    protocol: bytes = KEY0
    ref: int = 0
    """Number of another record; 0 is none."""
    code: int = 0
    """A further distinction of the kind: Carry, a trip's reason."""
    simulated: bool = False
    boot_us: int = 0
    """CLOCK_BOOTTIME, µs."""
    wall_us: int = 0
    """Unix time, µs, never earlier than the record before."""
    note: bytes = b""
    """At most 16 bytes; zero-padded on disk and read back without its trailing zeros."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A record in its place."""

    seq: int
    boot: bytes
    prev: bytes
    record: Record


@dataclass(frozen=True, slots=True)
class Head:
    """The newest record as a second place remembers it."""

    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Settled:
    """What the note of a SETTLE holds: the interval the evidence allows, in pulses, and the evidence."""

    low: int
    high: int
    by: By


def key(text: str) -> bytes:
    """The 8 bytes that stand for a subject's pseudonym, a session, a coil or a protocol; never KEY0 in practice."""
    return blake2s(text.encode(), digest_size=KEY_BYTES).digest()


def digest(block: bytes) -> bytes:
    """The chain's hash of one sealed record (or of a whole file, when a new one continues it)."""
    return blake2b(block, digest_size=HASH_BYTES).digest()


def seal(seq: int, boot: bytes, prev: bytes, record: Record) -> bytes:
    """The 128 bytes of `record` as number `seq` behind the record whose digest is `prev`; OurError if it cannot fit."""
    try:
        _check(record)
    except BadRecord as error:
        raise OurError(f"this ledger record says nothing: {error}") from error
    for name, value, size in (
        ("boot", boot, KEY_BYTES),
        ("prev", prev, HASH_BYTES),
        ("subject", record.subject, KEY_BYTES),
        ("session", record.session, KEY_BYTES),
        ("coil", record.coil, KEY_BYTES),
        ("protocol", record.protocol, KEY_BYTES),
    ):
        if len(value) != size:
            raise OurError(f"{name} of a ledger record has {size} bytes, not {len(value)}")
    if len(record.note) > NOTE_BYTES:
        raise OurError(f"note of a ledger record has at most {NOTE_BYTES} bytes, not {len(record.note)}")
    try:
        body = _LAYOUT.pack(
            _MAGIC,
            VERSION,
            record.kind,
            _SIMULATED if record.simulated else 0,
            0,
            record.code,
            seq,
            boot,
            record.boot_us,
            record.wall_us,
            record.pulses,
            record.level_tenths,
            record.rate_tenths,
            record.subject,
            record.session,
            record.coil,
            record.protocol,
            record.ref,
            record.note,
            prev,
        )
    except struct.error as error:
        raise OurError(f"a number of this ledger record does not fit its field: {error}: {record}") from error
    return body + _CRC.pack(zlib.crc32(body))


def unseal(block: bytes) -> Entry:
    """The record in `block`; TornRecord when it is cut or damaged, else BadRecord, which names what is wrong."""
    if len(block) != RECORD_BYTES:
        raise TornRecord(f"a ledger record has {RECORD_BYTES} bytes, not {len(block)}")
    body = block[: -_CRC.size]
    if _CRC.pack(zlib.crc32(body)) != block[-_CRC.size :]:
        raise TornRecord("its CRC does not hold")
    (
        magic, version, kind, flags, reserved, code, seq, boot, boot_us, wall_us, pulses, level, rate,
        subject, session, coil, protocol, ref, note, prev,
    ) = _LAYOUT.unpack(body)  # fmt: skip
    if magic != _MAGIC or version != VERSION:
        raise BadRecord(f"it begins {magic!r} version {version}, and this program reads {_MAGIC!r} version {VERSION}")
    if flags & ~_SIMULATED or reserved:
        raise BadRecord(f"flags {flags:#04x} and reserved byte {reserved:#04x} are not of version {VERSION}")
    if kind not in _KINDS:
        raise BadRecord(f"kind {kind} is not of version {VERSION}")
    record = Record(
        _KINDS[kind], pulses, level, rate, subject, session, coil, protocol, ref, code,
        flags == _SIMULATED, boot_us, wall_us, note.rstrip(b"\0"),
    )  # fmt: skip
    _check(record)
    return Entry(seq, boot, prev, record)


def seal_head(head: Head) -> bytes:
    """The 64 bytes of a head slot."""
    body = _HEAD.pack(_HEAD_MAGIC, head.seq, head.hash)
    return body + _CRC.pack(zlib.crc32(body))


def unseal_head(slot: bytes) -> Head | None:
    """The head in a slot; None when it is empty or was cut while being written, which the other slot makes good."""
    body = slot[: -_CRC.size]
    if len(slot) != HEAD_BYTES or _CRC.pack(zlib.crc32(body)) != slot[-_CRC.size :]:
        return None
    magic, seq, hashed = _HEAD.unpack(body)
    return Head(seq, hashed) if magic == _HEAD_MAGIC else None


def settled_note(settled: Settled) -> bytes:
    """`settled` as the note of a SETTLE."""
    return _SETTLED.pack(settled.low, settled.high, settled.by)


def settled_of(record: Record) -> Settled:
    """What the note of a SETTLE says; BadRecord when it is none or its interval is empty."""
    low, high, by = _SETTLED.unpack(record.note.ljust(NOTE_BYTES, b"\0"))
    if by not in _BYS or low > high:
        raise BadRecord(f"settlement of {low} to {high} pulses by evidence {by} is none of version {VERSION}")
    return Settled(low, high, _BYS[by])


def carried_note(wall_us: int) -> bytes:
    """When a CARRIED record's pulses were delivered at the latest, unix µs, as its note; 0 is "when it is written"."""
    return _WHEN.pack(wall_us)


def carried_when(record: Record) -> int:
    """The time in the note of a CARRIED record, unix µs; its own time when the note is empty."""
    (when,) = _WHEN.unpack(record.note.ljust(NOTE_BYTES, b"\0"))
    return int(when) or record.wall_us


def _check(record: Record) -> None:
    if record.kind is Kind.SETTLE:
        settled_of(record)
    if record.kind is Kind.CARRIED and record.code not in _CARRIES:
        raise BadRecord(f"carried code {record.code} is not of version {VERSION}")


_CARRIES = {int(carry) for carry in Carry}
_KINDS = {int(kind): kind for kind in Kind}
_BYS = {int(by): by for by in By}

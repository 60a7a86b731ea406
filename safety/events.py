"""What the gate is told and what it answers with: plain values, no behaviour.

The loop in `safety.watchdog` turns bytes, sockets and clocks into the inputs below, and carries the actions out
in their order.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from drivers.stimulators import Effect, Reading
from safety.control import Message
from safety.ledger_format import Record


class Door(Enum):
    """Where a client's native bytes come in."""

    DAEMON = "daemon"
    PTY = "pty"


# --- inputs ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Started:
    """The watchdog began: whatever was reserved before can deliver no more."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passed."""


@dataclass(frozen=True, slots=True)
class ClientFrame:
    """A whole frame with a right checksum, and what it would do."""

    door: Door
    frame: bytes
    effect: Effect


@dataclass(frozen=True, slots=True)
class ClientNoise:
    """Bytes that are no frame: unknown ones in a row, or a whole frame with a wrong checksum."""

    door: Door
    data: bytes


@dataclass(frozen=True, slots=True)
class DoorOpened:
    door: Door


@dataclass(frozen=True, slots=True)
class DoorClosed:
    door: Door


@dataclass(frozen=True, slots=True)
class DeviceReply:
    """A whole reply with a right checksum, and what it says."""

    reply: bytes
    reading: Reading


@dataclass(frozen=True, slots=True)
class DeviceNoise:
    """Bytes of the device that are no reply."""

    data: bytes


@dataclass(frozen=True, slots=True)
class PortFound:
    """The stimulator's port is open; nothing is known of the device."""


@dataclass(frozen=True, slots=True)
class PortLost:
    why: str


@dataclass(frozen=True, slots=True)
class Requested:
    """A control message. `request_id` is None for beats and leases."""

    connection: int
    request_id: int | None
    message: Message
    uid: int = 0
    """Whose process it is, as the kernel says."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    connection: int


@dataclass(frozen=True, slots=True)
class Committed:
    """The ledger holds the record of this token durably, under this sequence number."""

    token: int
    seq: int


@dataclass(frozen=True, slots=True)
class CommitFailed:
    """The ledger can hold nothing any more."""

    why: str


@dataclass(frozen=True, slots=True)
class NewNonce:
    """16 random bytes, in hexadecimal: what a command must quote to prove it is fresh."""

    value: str


Input = (
    Started
    | Tick | ClientFrame | ClientNoise | DoorOpened | DoorClosed | DeviceReply | DeviceNoise | PortFound | PortLost
    | Requested | Disconnected | Committed | CommitFailed | NewNonce
)  # fmt: skip


# --- actions --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Write:
    """To the stimulator, at once."""

    frame: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """Native bytes to a client."""

    door: Door
    data: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """To one request, once. `hand_over_door` sends the daemon's end of its door along."""

    connection: int
    request_id: int
    body: dict[str, Any]
    hand_over_door: bool = False


@dataclass(frozen=True, slots=True)
class Tell:
    """An event, to every connection; numbered by the loop."""

    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Commit:
    """To the ledger; answered by Committed or CommitFailed with the same token."""

    token: int
    record: Record


@dataclass(frozen=True, slots=True)
class Push:
    """The status, to every connection."""

    body: dict[str, Any]


Action = Write | Reply | Answer | Tell | Commit | Push

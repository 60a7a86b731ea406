"""Splits the two byte streams of a Rapid into pieces, by length. Sans-io, bounded, and deaf to nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod

from drivers.magstim.framing import (
    LONE_REFUSAL,
    LONGEST_COMMAND,
    LONGEST_REPLY,
    NOT_UNDERSTOOD,
    REFUSAL_LENGTH,
    REFUSALS,
    VERSION_TEXT_LIMIT,
    command_lengths,
    holds,
    reply_lengths,
)
from drivers.stimulators import Piece, PieceKind


class _Splitter(ABC):
    """Holds at most one unfinished frame. The pieces put end to end, with `pending`, are exactly the bytes fed."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Piece]:
        """Pieces completed by `data`, in order."""
        self._buffer += data
        pieces = []
        while self._buffer and (piece := self._next()):
            del self._buffer[: len(piece.data)]
            pieces.append(piece)
        return pieces

    @property
    def pending(self) -> bytes:
        """The unfinished frame, empty when none."""
        return bytes(self._buffer)

    def drop(self) -> bytes:
        """Forgets the unfinished frame and returns it: what a deadline does to a frame that never ends."""
        dropped = self.pending
        self._buffer.clear()
        return dropped

    def _next(self) -> Piece | None:
        length = self._length()
        if length == 0:
            return Piece(PieceKind.NOISE, bytes(self._buffer[:1]))
        if length is None or len(self._buffer) < length:
            return None
        frame = bytes(self._buffer[:length])
        if self._whole(frame):
            return Piece(PieceKind.FRAME, frame)
        return Piece(PieceKind.BAD_CHECKSUM, self._given_up(frame))

    @abstractmethod
    def _length(self) -> int | None:
        """Length of the frame that the buffer begins with. 0: it begins none. None: more bytes will tell."""

    def _whole(self, frame: bytes) -> bool:
        return holds(frame)

    def _given_up(self, frame: bytes) -> bytes:
        return frame


class CommandReader(_Splitter):
    """Splits what a client sends, exactly as the device does.

    A frame is as long as its letter says, even when its checksum is wrong: the device takes those bytes too and
    answers `<letter>?`. A byte that begins no command is noise, which the device answers with a lone `?`.
    """

    def __init__(self, firmware: int) -> None:
        super().__init__()
        self._lengths = command_lengths(firmware)

    def _length(self) -> int:
        return self._lengths.get(self._buffer[0], 0)


class ReplyReader(_Splitter):
    """Splits what the device sends.

    After a wrong checksum it goes on at the next byte inside that could begin a reply, for a byte lost or added
    on the wire must not cost the replies behind it. A lone `?` has no checksum, so one that follows damage is taken
    for more of it until a frame holds again: a refusal read out of damage would call a pulse refused that went out.
    """

    def __init__(self, firmware: int) -> None:
        super().__init__()
        self._lengths = reply_lengths(firmware)
        self._damaged = False

    def drop(self) -> bytes:
        self._damaged = False
        return super().drop()

    def _next(self) -> Piece | None:
        piece = super()._next()
        if piece:
            self._damaged = piece.kind is not PieceKind.FRAME
        return piece

    def _length(self) -> int | None:
        first = self._buffer[0]
        if first == NOT_UNDERSTOOD:
            return 0 if self._damaged else len(LONE_REFUSAL)
        if first == ord("N"):
            return self._version_length()
        if first not in self._lengths:
            return 0
        if len(self._buffer) == 1:
            return None
        return REFUSAL_LENGTH if self._buffer[1] in REFUSALS else self._lengths[first]

    def _version_length(self) -> int | None:
        head = bytes(self._buffer[:REFUSAL_LENGTH])
        if len(head) < REFUSAL_LENGTH:
            return None
        if head[1] in REFUSALS and holds(head):
            return REFUSAL_LENGTH
        end = self._buffer.find(0, 1, VERSION_TEXT_LIMIT + 2)
        if end >= 0:
            return end + 2
        return VERSION_TEXT_LIMIT + 2 if len(self._buffer) >= VERSION_TEXT_LIMIT + 2 else None

    def _whole(self, frame: bytes) -> bool:
        return frame == LONE_REFUSAL or holds(frame)

    def _given_up(self, frame: bytes) -> bytes:
        for at in range(1, len(frame)):
            if frame[at] in self._lengths or frame[at] == ord("N"):
                return frame[:at]
        return frame


LONGEST_PENDING = max(LONGEST_COMMAND, LONGEST_REPLY)
"""No reader ever holds more than this many bytes."""

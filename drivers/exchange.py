"""One question, its own answer, or none: requests and replies over a line whose replies carry no number.

A reply repeats the letter of its request and nothing else, so two replies of one letter cannot be told apart. The
rules that keep an answer from ending at the wrong question:

1. One question at a time. What comes while nothing is asked, or with another letter than the one asked, is dropped
   and reported.
2. A question whose answer did not come in time leaves its letter **owed**: for `LATE_S` after it was sent the answer
   may still come. While a letter is owed no question with it is sent: `ask` waits until the debt has lapsed, and
   where its deadline does not leave that time it raises `NotAsked`. Other letters are free meanwhile.
3. A letter rests for `REPEAT_S` after its answer: a reply that the line doubled comes within that time, and is dropped.
4. A reply with a wrong checksum is none, and a lone `?` is none either: it names no question. Both are reported, and
   the question goes on to its deadline.
5. Half a reply that got no further byte for `HALF_S` is dropped, or it would swallow the next one. So is one that came
   while nobody listened, once no letter is owed whose reply it could still become.
6. `insist` is the exception for what must go out now (disarm): it sends whatever is owed, and then trusts no answer.

So the right answer arrives or none, as long as the line delays no reply beyond `LATE_S` and doubles none later than
`REPEAT_S`. Nothing is ever sent a second time by this class: whether that is harmless only the caller knows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from drivers.errors import DeadlinePassed
from drivers.stimulators import Piece, PieceKind, Reader
from drivers.streams import ByteStream

LATE_S: Final = 0.7
"""Longest a reply may take from its request (engineering choice: the watchdog gives an exchange 300 ms, and another
program's may stand in front of ours)."""
REPEAT_S: Final = 0.02
"""Longest a doubled reply comes after its original (engineering choice: two replies of the slowest kind in a row take
less; also FTDI's 16 ms of buffering)."""
HALF_S: Final = 0.05
"""Longest silence inside one reply (engineering choice: a byte takes 1 ms, an FTDI adapter holds some back for 16)."""
ROUNDING_S: Final = 1e-5
"""Less is no wait: a timer may ring a rounding error early, and virtual time would never pass it."""


class NotAsked(DeadlinePassed):
    """The line was not free before the deadline: nothing was sent."""


class Exchange:
    """Questions over one stream. Any number of tasks may ask; they take turns, each within its own deadline."""

    def __init__(
        self,
        stream: ByteStream,
        reader: Reader,
        answers: Callable[[bytes, bytes], bool],
        on_stray: Callable[[Piece], None],
    ) -> None:
        """`answers(reply, frame)` says whether a whole reply can answer a frame; `on_stray` hears of all that was not
        an answer. An exchange belongs to one connection: after a reconnection make another.
        """
        self._stream = stream
        self._reader = reader
        self._answers = answers
        self._on_stray = on_stray
        self._line = asyncio.Lock()
        self._free_at: dict[int, float] = {}
        self._heard_at = 0.0
        self._writing = False
        self._loop = asyncio.get_running_loop()

    def free_in_s(self, frame: bytes) -> float:
        """How long until `frame` could be asked, as far as what is owed goes; 0 when at once."""
        wait_s = self._free_at.get(frame[0], 0.0) - self._loop.time()
        return wait_s if wait_s > ROUNDING_S else 0.0

    async def ask(self, frame: bytes, deadline_s: float, *, begin_s: float | None = None) -> bytes:
        """Sends `frame` once, within `begin_s` where that is given, and returns its answer.

        Raises NotAsked when nothing was sent, DeadlinePassed when it was and no answer came, PortLost.
        """
        ends_at = self._loop.time() + deadline_s
        begins_by = ends_at if begin_s is None else min(ends_at, self._loop.time() + begin_s)
        while True:
            wait_s = self.free_in_s(frame)
            if wait_s and self._loop.time() + wait_s > begins_by - ROUNDING_S:
                raise NotAsked(f"an earlier {chr(frame[0])!r} may still be answered. Ask again in {wait_s:.2f} s.")
            if wait_s:
                await asyncio.sleep(wait_s)
            async with self._turn(begins_by) as granted:
                if not granted:
                    raise NotAsked("the line was busy all the time there was. Ask again.")
                if not self.free_in_s(frame):
                    return await self._send_and_hear(frame, ends_at)

    async def insist(self, frame: bytes, deadline_s: float) -> bytes | None:
        """Sends `frame` whatever is owed or under way; its answer, or None where none can be trusted.

        Lets a question under way end first, for at most `deadline_s`. The question is told apart from `frame` by its
        letter; where both have the same, neither gets an answer. Raises PortLost, DeadlinePassed when the port is full.
        """
        async with self._turn(self._loop.time() + deadline_s) as granted:
            if granted and not self.free_in_s(frame):
                try:
                    return await self._send_and_hear(frame, self._loop.time() + deadline_s)
                except DeadlinePassed:
                    return None
            if self._writing:
                raise DeadlinePassed("the port takes nothing: an earlier frame still waits to go out.")
            await self._send(frame, deadline_s)
            return None

    @asynccontextmanager
    async def _turn(self, ends_at: float) -> AsyncIterator[bool]:
        """Holds the line, if it comes free in time."""
        try:
            async with asyncio.timeout_at(ends_at):
                await self._line.acquire()
        except TimeoutError:
            yield False
            return
        try:
            yield True
        finally:
            self._line.release()

    async def _send_and_hear(self, frame: bytes, ends_at: float) -> bytes:
        for piece in self._pieces(self._stream.discard_input()):
            self._on_stray(piece)
        if all(free_at <= self._loop.time() + ROUNDING_S for free_at in self._free_at.values()):
            self._drop_half()
        await self._send(frame, ends_at - self._loop.time())
        owed_until = self._free_at[frame[0]]
        while True:
            answer = None
            for piece in self._pieces(await self._heard(frame, ends_at)):
                insisted = self._free_at[frame[0]] != owed_until  # then this may be the answer to that
                if answer is None and not insisted and self._is_answer(piece, frame):
                    answer = piece.data
                else:
                    self._on_stray(piece)
            if answer is not None:
                self._free_at[frame[0]] = self._loop.time() + REPEAT_S
                return answer

    async def _send(self, frame: bytes, deadline_s: float) -> None:
        self._free_at[frame[0]] = self._loop.time() + LATE_S + REPEAT_S  # until its answer ends the debt
        self._writing = True
        try:
            await self._stream.write(frame, deadline_s)
        finally:
            self._writing = False

    async def _heard(self, frame: bytes, ends_at: float) -> bytes:
        try:
            return await self._stream.read(ends_at - self._loop.time())
        except DeadlinePassed as error:
            raise DeadlinePassed(f"no answer to {chr(frame[0])!r} in time: {error}") from error

    def _is_answer(self, piece: Piece, frame: bytes) -> bool:
        return piece.kind is PieceKind.FRAME and piece.data[0] == frame[0] and self._answers(piece.data, frame)

    def _pieces(self, data: bytes) -> list[Piece]:
        if not data:
            return []
        now = self._loop.time()
        if now - self._heard_at > HALF_S:
            self._drop_half()
        self._heard_at = now
        return self._reader.feed(data)

    def _drop_half(self) -> None:
        if half := self._reader.drop():
            self._on_stray(Piece(PieceKind.BAD_CHECKSUM, half))

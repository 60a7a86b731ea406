"""The daemon's end of `coilward-arm`'s socket: frames and orders out, states and answers in.

Packets over a unix SEQPACKET socket. Sending never waits: a frame that does not fit is dropped, because the next one
is worth more than an old one, and an order that does not fit is said to have failed. When the connection ends, by
whichever side, everything that waits gets `ArmLost`, and the arm retracts and parks by itself.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final

from daemon.arm_words import MAX_PACKET_BYTES, ArmAnswer, ArmView, frame_words, packet, read_packet
from drivers.errors import DeadlinePassed, PortLost, PortNotFound
from drivers.trackers import Frame

ANSWER_S: Final = 1.0
"""Deadline of an answer (engineering choice: the arm's loop turns every 2 to 8 ms)."""
MAX_STATES: Final = 256
"""States that may wait unread: 20 a second and one for each change, so a reader this far behind is gone."""
MAX_WAITING: Final = 16
"""Orders that may wait for their answers."""


class ArmLost(PortLost):
    """The connection to the arm has ended: it retracts and parks by itself, and nothing can be asked of it."""


class ArmLink:
    """One connection. Built by `connect`; closed with `close`."""

    def __init__(self, link: socket.socket) -> None:
        """`link` is connected and does not block."""
        self._socket = link
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[str, asyncio.Future[ArmAnswer]]] = deque()
        self._states: asyncio.Queue[ArmView | None] = asyncio.Queue(MAX_STATES)
        self._lost: ArmLost | None = None
        self.dropped = 0
        """Frames the arm did not take in time."""
        self._loop.add_reader(link.fileno(), self._readable)

    @classmethod
    async def connect(cls, path: Path, role: str) -> ArmLink:
        """A link that has said hello. Raises PortNotFound when nobody listens, ArmLost, DeadlinePassed."""
        end = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            end.setblocking(False)
            async with asyncio.timeout(ANSWER_S):
                await asyncio.get_running_loop().sock_connect(end, str(path))
        except (OSError, TimeoutError) as wrong:
            end.close()
            raise PortNotFound(f"{path}: no arm answers ({wrong}). Start coilward-arm first.") from None
        link = cls(end)
        try:
            answer = await link.ask({"do": "hello", "role": role})
        except BaseException:
            link.close()
            raise
        if not answer.ok:
            link.close()
            raise ArmLost(f"{path}: the arm turned this connection down: {answer.why}. See its log.")
        return link

    @property
    def lost(self) -> ArmLost | None:
        """Why the connection ended; None while it is up."""
        return self._lost

    def send_frame(self, frame: Frame) -> bool:
        """Passes a frame on; False when the arm did not take it. Raises ArmLost."""
        taken = self._send(packet(frame_words(frame)))
        self.dropped += not taken
        return taken

    async def ask(self, order: Mapping[str, Any]) -> ArmAnswer:
        """The arm's answer to an order, which has gone out when this first waits. Raises ArmLost, DeadlinePassed."""
        answer = self._order(order)
        try:
            async with asyncio.timeout(ANSWER_S):
                return await answer
        except TimeoutError:
            raise DeadlinePassed(f"The arm did not answer {order['do']} within {ANSWER_S:g} s.") from None

    def tell(self, order: Mapping[str, Any]) -> None:
        """Sends an order whose answer nobody waits for: the state shows what it did. Raises as `ask`."""
        self._order(order).add_done_callback(_read_and_dropped)

    def _order(self, order: Mapping[str, Any]) -> asyncio.Future[ArmAnswer]:
        if len(self._waiting) >= MAX_WAITING or not self._send(packet(order)):
            raise DeadlinePassed("The arm does not read its socket. See the log of coilward-arm.")
        answer: asyncio.Future[ArmAnswer] = self._loop.create_future()
        self._waiting.append((str(order["do"]), answer))
        return answer

    async def states(self) -> AsyncIterator[ArmView]:
        """States as they come; ends when the connection does. One reader."""
        while (view := await self._states.get()) is not None:
            yield view

    def close(self, why: str = "The connection to the arm was closed here.") -> None:
        """Ends the connection, which makes the arm retract. A second call does nothing."""
        if self._lost is not None:
            return
        self._lost = ArmLost(why)
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()
        for _, answer in self._waiting:
            if not answer.done():
                answer.set_exception(ArmLost(why))
        if self._states.full():  # the reader learns of the end all the same
            self._states.get_nowait()
        self._states.put_nowait(None)

    def _send(self, data: bytes) -> bool:
        if self._lost is not None:
            raise ArmLost(str(self._lost))
        try:
            return self._socket.send(data) == len(data)
        except BlockingIOError:
            return False
        except OSError as wrong:
            self.close(f"The arm is gone: {wrong}. It retracts by itself; wait until it is back.")
            raise ArmLost(str(self._lost)) from None

    def _readable(self) -> None:
        try:
            data = self._socket.recv(MAX_PACKET_BYTES)
        except BlockingIOError:
            return
        except OSError as wrong:
            self.close(f"The arm is gone: {wrong}. It retracts by itself; wait until it is back.")
            return
        if not data:
            self.close("The arm ended the connection. It retracts by itself; wait until it is back.")
            return
        self._hear(data)

    def _hear(self, data: bytes) -> None:
        said = read_packet(data)
        if said is None:
            self.close("The arm sends what is no message. Its version and the daemon's must be the same.")
        elif isinstance(said, ArmView):
            if self._states.full():
                self.close("The daemon does not read what the arm says. This is a bug: report it.")
            else:
                self._states.put_nowait(said)
        else:
            self._answered(*said)

    def _answered(self, word: str, answer: ArmAnswer) -> None:
        """Answers to one word come in the order they were asked for; one that came too late is still taken out."""
        for place, (asked, future) in enumerate(self._waiting):
            if asked == word:
                del self._waiting[place]
                if not future.done():
                    future.set_result(answer)
                return


def _read_and_dropped(answer: asyncio.Future[ArmAnswer]) -> None:
    if not answer.cancelled():
        answer.exception()

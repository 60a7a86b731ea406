"""One page's connection to the broker: bytes both ways, and STOP past it.

Nothing here waits for the broker while the page may say STOP: what the broker does not take at once it has lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter, deque
from collections.abc import Mapping
from typing import Any, Final

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from daemon.config import BrokerSection
from daemon.panel.connect_peek import ConnectPeek, NoSignIn
from daemon.panel.direct import TO_WATCHDOG, Direct
from daemon.panel.door import Door
from daemon.panel.told import Told

DIAL_S: Final = 3.0
SIGN_IN_S: Final = 5.0
"""For CONNECT and the broker's yes; at most 25 ms of it are the broker's (engineering choice)."""
SEND_S: Final = 10.0
"""For a page to take what was sent; one that does not read is let go (engineering choice)."""
JUDGE_S: Final = 1.0
"""How long a broker that says nothing keeps the next one from being judged (engineering choice)."""
READ_BYTES: Final = 32_768
MOST_UNTAKEN_BYTES: Final = 262_144
"""Of a page, on their way to the broker: minutes of presence and commands (engineering choice)."""
MOST_PRESSES: Final = 4
"""Of one word and page under way; those before it say what a further one would."""
MOST_WORDS: Final = 16
"""Untold to a page; the newest are kept."""


class Pump:
    """Serves the pages' MQTT connections of one room."""

    def __init__(self, broker: BrokerSection, direct: Direct, door: Door, told: Told) -> None:
        self._broker = broker
        self._direct = direct
        self._door = door
        self._told = told
        self._judging = asyncio.Lock()
        """One sign-in at a time: a broker that hashes a hundred passwords in a row hears nobody for seconds."""

    async def serve(self, page: ServerConnection) -> None:
        """Until the page leaves, or has not signed in when the broker goes."""
        try:
            async with asyncio.timeout(DIAL_S):
                reader, writer = await asyncio.open_connection(self._broker.host, self._broker.port, limit=READ_BYTES)
        except OSError as why:  # a timeout is one
            self._told.lost("broker", f"no broker at {self._broker.host}:{self._broker.port}: {why or 'no answer'}")
            with contextlib.suppress(ConnectionClosed):
                await page.send(_text({"broker": "lost"}))
                await page.close(CloseCode.TRY_AGAIN_LATER)
            return
        line = _Line(page, reader, writer, direct=self._direct, door=self._door, told=self._told)
        await line.serve(self._judging)


class _Line:
    """One of them."""

    def __init__(
        self,
        page: ServerConnection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        direct: Direct,
        door: Door,
        told: Told,
    ) -> None:
        self._page = page
        self._reader = reader
        self._writer = writer
        self._direct = direct
        self._door = door
        self._told = told
        self._peek = ConnectPeek()
        self._held = b""
        """Of its CONNECT, until that is whole."""
        self._judged = asyncio.Event()
        self._presses: Counter[str] = Counter()
        self._words: deque[Mapping[str, Any]] = deque(maxlen=MOST_WORDS)
        self._worded = asyncio.Event()

    async def serve(self, judging: asyncio.Lock) -> None:
        beside = [asyncio.create_task(work) for work in (self._down(), self._tell_words(), self._in_time())]
        try:
            with contextlib.suppress(ConnectionClosed):
                await self._up(judging)
        finally:
            self._writer.transport.abort()
            for task in beside:
                task.cancel()
            ended = await asyncio.gather(*beside, return_exceptions=True)
        for end in ended:
            if isinstance(end, Exception):
                raise end

    # --- from the page --------------------------------------------------------------------------------------------

    async def _up(self, judging: asyncio.Lock) -> None:
        async for message in self._page:
            if isinstance(message, str):
                self._hear(message)
            elif self._writer.transport.is_closing():
                continue
            elif self._peek.named:
                self._pass_on(message)
            else:
                await self._introduce(message, judging)

    def _hear(self, word: str) -> None:
        if word not in TO_WATCHDOG:
            self._tell({"refused": "unknown-word"})
        elif self._peek.user is None:
            self._tell({"direct": word, "refused": "not-signed-in"})
        elif self._presses[word] < MOST_PRESSES:
            self._presses[word] += 1
            press = self._direct.press(word, self._peek.user, self._tell)
            press.add_done_callback(lambda _: self._presses.subtract((word,)))

    async def _introduce(self, data: bytes, judging: asyncio.Lock) -> None:
        """Keeps the CONNECT until it is whole and nobody else's is being judged."""
        try:
            self._peek.sent(data)
        except NoSignIn:
            self._writer.transport.abort()
            return
        self._held += data
        if not self._peek.named:
            return
        turn, gone = asyncio.create_task(judging.acquire()), asyncio.create_task(self._page.wait_closed())
        try:
            await asyncio.wait((turn, gone), return_when=asyncio.FIRST_COMPLETED)
            if not gone.done():
                self._pass_on(self._held)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(JUDGE_S):
                        await self._judged.wait()
        finally:
            gone.cancel()
            if turn.done():
                judging.release()
            turn.cancel()
            await asyncio.wait((turn, gone))

    def _pass_on(self, data: bytes) -> None:
        self._writer.write(data)
        if self._writer.transport.get_write_buffer_size() > MOST_UNTAKEN_BYTES:
            self._told.lost("broker", "the broker takes nothing: a page's connection to it was cut")
            self._writer.transport.abort()

    # --- to the page ----------------------------------------------------------------------------------------------

    async def _down(self) -> None:
        """What the broker says, until it hangs up; a page that it knew stays for STOP."""
        with contextlib.suppress(ConnectionClosed):
            while data := await self._read():
                accepted = self._heard(data)
                if not await self._send(data) or not accepted:
                    break
            self._judged.set()
            if self._peek.user is None:
                await self._page.close(CloseCode.POLICY_VIOLATION)
                return
            self._writer.transport.abort()
            self._door.cut_off(self._page.remote_address)
            self._told.lost("broker", "the broker has hung up on a page")
            self._tell({"broker": "lost"})

    async def _read(self) -> bytes:
        try:
            return await self._reader.read(READ_BYTES)
        except OSError:
            return b""

    def _heard(self, data: bytes) -> bool:
        """Whether the broker has accepted this person, or has not said yet."""
        if self._peek.user is not None:
            return True
        try:
            self._peek.answered(data)
        except NoSignIn:
            return False
        if self._peek.user is not None:
            self._judged.set()
            self._door.signed_in(self._page.remote_address)
            self._told.back("broker")
        return True

    def _tell(self, words: Mapping[str, Any]) -> None:
        self._words.append(words)
        self._worded.set()

    async def _tell_words(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self._worded.wait()
                while self._words:
                    await self._send(_text(self._words.popleft()))
                self._worded.clear()

    async def _send(self, data: bytes | str) -> bool:
        """Whether the page took it; one that does not is let go."""
        try:
            async with asyncio.timeout(SEND_S):
                await self._page.send(data)
        except TimeoutError:
            self._page.transport.abort()
            return False
        return True

    async def _in_time(self) -> None:
        await asyncio.sleep(SIGN_IN_S)
        if self._peek.user is None:
            await self._page.close(CloseCode.POLICY_VIOLATION)


def _text(body: Mapping[str, Any]) -> str:
    return json.dumps(body, separators=(",", ":"))

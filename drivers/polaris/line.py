"""One command at a time over a stream, each with its own reply or an error."""

from __future__ import annotations

import asyncio
from typing import Final

from drivers.errors import BadFrame, DeadlinePassed, DeviceError, DeviceRefused
from drivers.polaris.framing import RESET, Binary, Command, Damaged, Refused, Reply, ReplyReader, Text
from drivers.polaris.refusals import meaning
from drivers.quantities import SECOND_US
from drivers.streams import ByteStream

_BINARY: Final = {"BX", "BX2"}


class PolarisRefused(DeviceRefused):
    """The tracker answered ERROR and a number."""

    def __init__(self, command: Command, code: int) -> None:
        super().__init__(f"The tracker refuses {command.name} (ERROR{code:02X}): {meaning(code)}")
        self.code: Final = code


class TrackerRestarted(DeviceError):
    """The tracker says that it was reset."""


class PolarisLine:
    """A Polaris at the other end of a stream. Every call ends by its deadline."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._reader = ReplyReader()
        self._loop = asyncio.get_running_loop()
        self.received_us = 0
        """When the newest reply's last byte came, µs on the loop's clock."""

    async def ask(self, command: Command, deadline_s: float) -> Text | Binary:
        """Sends a command and returns its reply. What came before, and belongs to an earlier one, is dropped.

        Raises PolarisRefused, TrackerRestarted, BadFrame for a reply that was damaged, DeadlinePassed, PortLost.
        """
        ends_at = self._loop.time() + deadline_s
        self.clear()
        await self._stream.write(command.encode(), deadline_s)
        expected = Binary if command.name in _BINARY else Text
        while True:
            for reply in await self._heard(command, ends_at):
                if isinstance(reply, Refused):
                    raise PolarisRefused(command, reply.code)
                if reply == RESET:
                    raise TrackerRestarted("The tracker restarted: was it unplugged? Connect again.")
                if isinstance(reply, Damaged):
                    raise BadFrame(f"A reply to {command.name} was damaged on its way. Check the tracker's cable.")
                if isinstance(reply, expected):
                    return reply

    async def wait_for_reset(self, deadline_s: float) -> None:
        """Waits for what a tracker says after a BREAK; noise before it is dropped. Raises DeadlinePassed, PortLost."""
        ends_at = self._loop.time() + deadline_s
        while RESET not in await self._heard(Command("BREAK"), ends_at):
            pass

    def clear(self) -> None:
        """Drops what has come and half a reply. Raises PortLost."""
        self._stream.discard_input()
        self._reader.drop()

    async def _heard(self, command: Command, ends_at: float) -> list[Reply]:
        try:
            data = await self._stream.read(ends_at - self._loop.time())
        except DeadlinePassed as error:
            raise DeadlinePassed(f"The tracker did not answer {command.name} in time. Is it on?") from error
        self.received_us = round(self._loop.time() * SECOND_US)
        return self._reader.feed(data)

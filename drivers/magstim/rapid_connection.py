"""A connection to a Magstim Rapid²: found, disarmed, under remote control, kept alive, and its loss told once.

The device's condition is asked, never remembered: the watchdog, through which everything here passes, disarms by
itself after a train; so does the device when its coil is hot or it hears nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from drivers.errors import CoilwardError, DeadlinePassed, DeviceError, DeviceRefused, OurError, PortLost
from drivers.exchange import LATE_S, REPEAT_S
from drivers.keep_alive import KeepAlive
from drivers.magstim import rapid_connecting as connecting
from drivers.magstim.commands import DISARM, Command, DisableRemote, GetSettings
from drivers.magstim.rapid_line import RapidLine
from drivers.quantities import SECOND_US
from drivers.stimulators import Condition, Dialect, Piece, Reading
from drivers.streams import ByteStream

ANSWER_S: Final = 0.15
"""Time for one answer (engineering choice: five times the slowest reply at 9600 baud, behind one of the watchdog's)."""
RENEW_AFTER: Final = 0.2
"""Share of the lapse time after which the device is asked. With two answers missed a loss is noticed after half the
lapse while armed (0.5 of 1 s), which is when magpy-tms 1.4 renews for the first time."""
DISARM_AGAIN_S: Final = 0.05
"""How often an unconfirmed disarm is said again (engineering choice, the watchdog's own)."""


class RapidConnection:
    """One connection: after a loss make another on a new stream. It comes up disarmed, always."""

    def __init__(
        self,
        stream: ByteStream,
        dialect: Dialect,
        *,
        unlock_code: str | None = None,
        on_lost: Callable[[CoilwardError], None] = lambda _: None,
        on_stray: Callable[[Piece], None] = lambda _: None,
        answer_s: float = ANSWER_S,
    ) -> None:
        """For the running loop; any of its tasks may call. `on_lost` hears once of a lost connection, `on_stray` of
        bytes that were no answer. `answer_s` may be longer on a shared machine.
        """
        self.dialect: Final = dialect
        self.version = ""
        self.lost: CoilwardError | None = None
        """Why this connection is over, once it is."""
        self._stream = stream
        self._unlock_code = unlock_code
        self._on_lost = on_lost
        self._on_stray = on_stray
        self._answer_s = answer_s
        self._loop = asyncio.get_running_loop()
        self._strays = 0
        self._line = RapidLine(stream, dialect, self._stray)
        self._connected = False
        self._keep_alive = KeepAlive(self._stay_in_touch, self._due_at_s, answer_s, self._lose)
        self._task: asyncio.Task[None] | None = None

    @property
    def turns(self) -> int:
        """Progress of the driver's own task, for the watchdog's beat."""
        return self._keep_alive.turns

    @property
    def seen(self) -> Reading:
        """The device's newest word on each thing, without asking; `seen_us` is its age's other end."""
        return self._line.seen

    @property
    def seen_us(self) -> int:
        """When the device showed something last, µs on the loop's clock."""
        return self._line.seen_us

    def plan_pulses(self, times_us: Iterable[int]) -> None:
        """When pulses are due, whoever triggers them: keep-alives stay clear of these (drivers.keep_alive)."""
        self._keep_alive.plan(times_us)

    async def connect(self) -> Reading:
        """Finds the device, disarms it, takes remote control and reads it; what it shows then.

        Raises DeviceSilent or DeviceRefused naming cable, port, unlock code or remote state, ConfigError when the site
        file names another unit, PortLost. After an error the stream is closed.
        """
        if self._task is not None:
            raise OurError("a RapidDriver connects once")
        self._task = asyncio.create_task(self._keep_alive.run())
        try:
            await connecting.find(self._patiently, lambda: self._strays)
            await self.disarm()
            await connecting.take_remote(self._patiently, self._line.firmware, self._unlock_code)
            self.version = await connecting.version(self._patiently, self._line.firmware)
            await self._patiently(GetSettings())
        except BaseException:
            await self.close()
            raise
        self._connected = True
        return self.seen

    async def disconnect(self) -> None:
        """Disarms, gives remote control back, and closes. What fails on the way raises, after the stream is closed."""
        try:
            if self.lost is None:
                await self.disarm()
                self._connected = False  # remote control is given back: nothing to keep alive
                await self._patiently(DisableRemote())
        finally:
            await self.close()

    async def close(self) -> None:
        """Ends the driver's task and closes the stream, saying nothing to the device. A second call does nothing."""
        self._connected = False
        if self._task is not None:
            await _ended(self._task)
        await self._stream.close()

    async def disarm(self, within_s: float = 1.0) -> None:
        """Says it every 50 ms until the device shows standby. Raises DeviceError, PortLost when it does not."""
        ends_at = self._loop.time() + within_s
        self._line.forget_condition()
        looking: asyncio.Task[Reading] | None = None
        try:
            while (said_at := self._loop.time()) < ends_at:
                if await self._say_disarm() is Condition.STANDBY:
                    return
                looking = looking or asyncio.create_task(self._look_for_standby())
                again_at = said_at + DISARM_AGAIN_S
                if (await asyncio.wait((looking,), timeout=max(0.0, again_at - self._loop.time())))[0]:
                    if looking.result().condition is Condition.STANDBY:
                        return
                    looking = None
                    await asyncio.sleep(again_at - self._loop.time())
        finally:
            if looking is not None:
                await _ended(looking)
        raise DeviceError(f"Not in standby after {within_s:.1f} s of disarming. Press STOP on the stimulator.")

    async def _say_disarm(self) -> Condition | None:
        """What the device showed before it obeyed, where that is known."""
        try:
            with self._noting_loss():
                return (await self._line.insist(DISARM, DISARM_AGAIN_S)).condition
        except DeadlinePassed:  # the port is full: said again until the caller's time is up
            return None

    async def _look_for_standby(self) -> Reading:
        """Asks first what is told without remote control too, which the device may have dropped."""
        try:
            with self._noting_loss():
                return await self._line.look(2 * self._answer_s, tuple(reversed(self._line.questions)))
        except (DeadlinePassed, DeviceRefused):
            return Reading()

    async def look(self) -> Reading:
        """What the device shows now. Raises DeviceRefused, DeadlinePassed, PortLost."""
        with self._noting_loss():
            try:
                return await self._line.look(self._answer_s)
            except DeadlinePassed:  # one answer may be lost on any line: another question asks the same
                return await self._line.look(self._answer_s)

    async def _stay_in_touch(self, deadline_s: float) -> None:
        if (await self._line.look(deadline_s)).remote is False:
            raise DeviceError(
                "The stimulator took back remote control: it heard nothing for too long, or somebody used its panel."
                " Reconnect."
            )

    async def _patiently(self, command: Command) -> bytes:
        """Asks what does no harm when it is asked twice, and asks it again when its answer was lost."""
        try:
            return await self._ask(command, self._answer_s)
        except DeadlinePassed:
            return await self._ask(command, LATE_S + 2 * REPEAT_S + self._answer_s)

    async def _ask(self, command: Command, deadline_s: float, *, begin_s: float | None = None) -> bytes:
        if self.lost is not None:
            raise PortLost(str(self.lost))
        with self._noting_loss():
            return await self._line.ask(command, deadline_s, begin_s=begin_s)

    @contextlib.contextmanager
    def _noting_loss(self) -> Iterator[None]:
        try:
            yield
        except PortLost as error:
            self._lose(error)
            raise

    def _lose(self, error: CoilwardError) -> None:
        self.lost = self.lost or error
        if self._connected:
            self._connected = False
            self._on_lost(error)

    def _stray(self, piece: Piece) -> None:
        self._strays += 1
        self._on_stray(piece)

    def _due_at_s(self) -> float:
        if not self._connected:
            return math.inf
        capabilities = self.dialect.capabilities
        standby = self.seen.condition is Condition.STANDBY
        lapse_us = capabilities.keep_alive_standby_us if standby else capabilities.keep_alive_armed_us
        return math.inf if lapse_us is None else self._line.renewed_at_s + RENEW_AFTER * lapse_us / SECOND_US


async def _ended(task: asyncio.Task[Any]) -> None:
    """Ends `task`; an error of its own that nobody saw yet is raised."""
    task.cancel()
    await asyncio.wait((task,))
    if not task.cancelled():
        task.result()

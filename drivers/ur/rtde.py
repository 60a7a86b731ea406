"""One RTDE connection, from dialling to its end: set up without waiting, then the newest packet of outputs.

It ends for good at the first error; what comes back is another connection with recipes of its own.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from drivers.errors import BadFrame, CoilwardError, DeadlinePassed, DeviceRefused
from drivers.ur.fields import Value
from drivers.ur.framing import PacketReader
from drivers.ur.negotiation import E_SERIES_HZ, Negotiation
from drivers.ur.packets import Data, Text, parse_reply
from drivers.ur.tcp import Tcp

SETUP_US: Final = 3_000_000
"""From dialling to the stream's beginning (engineering choice: a controller on the room's network takes some 10 ms)."""
TEXTS_KEPT: Final = 16


class RtdeConnection:
    """Call `turn` whenever the descriptor is readable, and at least every few milliseconds until `streaming`."""

    def __init__(self, host: str, port: int, now_us: int, *, slack: float = 1.0, most_hz: float = E_SERIES_HZ) -> None:
        self._tcp = Tcp(host, port, "the robot's controller")
        self._reader = PacketReader()
        self._negotiation = Negotiation(most_hz)
        self._give_up_us = now_us + round(SETUP_US * slack)
        self._begun = False
        self.texts: deque[Text] = deque(maxlen=TEXTS_KEPT)
        """What the controller last said for people to read."""

    @property
    def streaming(self) -> bool:
        """Whether the set-up is through and set-points may go out."""
        return self._negotiation.done

    @property
    def rate_hz(self) -> float:
        """States per second that the controller was asked for."""
        return self._negotiation.rate_hz

    @property
    def input_recipe(self) -> int:
        """The id under which set-points go out."""
        return self._negotiation.inputs.recipe_id

    def fileno(self) -> int:
        """The descriptor. PortLost when closed."""
        return self._tcp.fileno()

    def turn(self, now_us: int) -> dict[str, Value] | None:
        """The newest outputs that have come whole, or None. Never waits.

        Raises PortNotFound, PortLost, DeadlinePassed during the set-up, DeviceRefused (InputsTaken), BadFrame.
        """
        try:
            return self._turn(now_us)
        except CoilwardError:
            self.close()
            raise

    def send(self, packet: bytes) -> bool:
        """Hands a set-point over; False when the one before is still on its way, and this one was left out.

        A newer set-point makes up for one left out, and half a packet must be followed by its other half.
        """
        self._tcp.send()
        if self._tcp.unsent:
            return False
        self._tcp.send(packet)
        return True

    def close(self) -> None:
        """Hangs up. A second call does nothing."""
        self._tcp.close()

    def _turn(self, now_us: int) -> dict[str, Value] | None:
        if not self.streaming:
            self._expect_progress(now_us)
            if not self._tcp.connected():
                return None
        if not self._begun:
            self._begun = True
            self._tcp.send(self._negotiation.begin())
        newest = None
        for kind, payload in self._reader.feed(self._tcp.read()):
            match parse_reply(kind, payload):
                case Text() as text:
                    self.texts.append(text)
                case Data() as data if self.streaming:
                    newest = data
                case reply:
                    self._tcp.send(self._negotiation.hear(reply))
        return None if newest is None else self._values(newest)

    def _values(self, data: Data) -> dict[str, Value]:
        outputs = self._negotiation.outputs
        if data.recipe_id != outputs.recipe_id:
            raise BadFrame(
                f"RTDE data of recipe {data.recipe_id}, and only {outputs.recipe_id} was asked for. Reconnect."
            )
        return outputs.unpack(data.values)

    def _expect_progress(self, now_us: int) -> None:
        if now_us < self._give_up_us:
            return
        if self.texts:
            raise DeviceRefused(f"The robot's controller does not set its stream up: {self.texts[-1].message}.")
        raise DeadlinePassed(
            f"The robot's controller does not answer within {SETUP_US / 1e6:g} s. Check the address, the network cable"
            " and that it has booted."
        )

"""What ur_rtde's uploaded script does, as a state machine: the contract of another project's text (`robot.md` 3.4).

A command is a level in an integer input. The streaming ones are carried out in every tick while they stand; any other
once, when it appears, and then says done until the client has taken it back to zero. Numbers and registers are those
that ur_rtde 1.6.5 sends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import IntEnum
from typing import TYPE_CHECKING

from simulator.arm.kinematics import Unreachable
from simulator.wires.ur.programs import Ended
from simulator.wires.ur.script_words import Words, to_pose

if TYPE_CHECKING:
    from simulator.wires.ur.controller import Controller

READY, DONE = 1, 2
"""What the first integer output says."""
OFFSET = re.compile(r"reg_offset_int\s*=\s*(?:#[^\n]*\n)?\s*(\d+)")
"""Its text says which range of registers the client chose; ur_rtde 1.6.5 writes the number behind the comment."""


class Command(IntEnum):
    """What is simulated. Any other command ends the program: better than to say done of what was not."""

    NONE = 0
    ZERO_FT_SENSOR = 8
    SPEEDJ = 9
    SPEEDL = 10
    SERVOJ = 11
    SPEED_STOP = 15
    SERVO_STOP = 16
    SET_PAYLOAD = 17
    FORCE_MODE_DAMPING = 20
    FORCE_MODE_GAIN = 21
    SERVOL = 24
    STOPL = 33
    STOPJ = 34
    SET_WATCHDOG = 35
    KICK_WATCHDOG = 99
    STOP_SCRIPT = 255


STREAMING = {Command.SPEEDJ, Command.SPEEDL, Command.SERVOJ, Command.SERVOL}
WITHOUT_EFFECT = {Command.FORCE_MODE_DAMPING, Command.FORCE_MODE_GAIN, Command.KICK_WATCHDOG}
ACCELERATION, LOOKAHEAD, GAIN = 6, 9, 10
"""Which doubles follow the six of a pose, of joints or of speeds."""


class UrRtdeProgram:
    """The program, from its upload to `stopScript`."""

    name = "rtde_control"

    def __init__(self, text: str, controller: Controller) -> None:
        self._controller = controller
        self._arm = controller.arm
        self._words = Words(controller)
        found = OFFSET.search(text)
        self._offset = int(found[1]) if found else 0
        self._watch_us = 0
        self._written_us = controller.now_us
        self._writes = 0
        self._turning = False
        self._run = self._loop()

    @staticmethod
    def is_in(text: str) -> bool:
        """Whether the text is ur_rtde's script."""
        return text.lstrip().startswith("def rtde_control()")

    def step(self) -> None:
        """One tick. Ended when the client stops it, is silent too long, or asks what cannot be."""
        self._watch()
        try:
            next(self._run)
        except StopIteration:
            raise Ended("stopScript") from None
        except Unreachable as error:
            raise Ended(str(error)) from error

    def _loop(self) -> Iterator[None]:
        done = None
        while True:
            order = self._controller.registers.inputs.ints[self._offset]
            if order in STREAMING:
                self._stream(Command(order))
                self._say(READY)
            elif order == Command.NONE:
                done = None
                self._say(READY)
            elif done is None:
                yield from self._once(order)
                if order == Command.STOP_SCRIPT:
                    return
                done = order
                self._say(DONE)
            yield

    def _stream(self, command: Command) -> None:
        six = tuple(self._double(n) for n in range(6))
        a, b, c, d, e, f = six
        match command:
            case Command.SERVOL:
                goal = self._arm.body.joints_for(to_pose(list(six)))
                self._arm.servo(goal, self._double(LOOKAHEAD), self._double(GAIN))
            case Command.SERVOJ:
                self._arm.servo((a, b, c, d, e, f), self._double(LOOKAHEAD), self._double(GAIN))
            case Command.SPEEDL:
                self._turning = False
                self._arm.line((a, b, c, d, e, f), self._double(ACCELERATION))
            case _:
                self._turning = True
                self._arm.turn((a, b, c, d, e, f), self._double(ACCELERATION))

    def _once(self, order: int) -> Iterator[None]:
        match order:
            case Command.STOPL | Command.SERVO_STOP:
                yield from self._words.stopl(self._double(0))
            case Command.STOPJ:
                yield from self._words.stopj(self._double(0))
            case Command.SPEED_STOP:
                yield from (self._words.stopj if self._turning else self._words.stopl)(self._double(0))
            case Command.ZERO_FT_SENSOR:
                self._arm.zero_force()
            case Command.SET_PAYLOAD:
                self._controller.payload_kg = self._double(0)
            case Command.SET_WATCHDOG:
                self._set_watchdog(self._double(0))
            case Command.STOP_SCRIPT:
                return
            case _ if order not in WITHOUT_EFFECT:
                raise Ended(f"command {order} of ur_rtde is not simulated")

    def _set_watchdog(self, least_hz: float) -> None:
        self._watch_us = round(1e6 / least_hz) if least_hz > 0 else 0
        self._written_us = self._controller.now_us

    def _watch(self) -> None:
        """The controller's own watchdog: the input must be written, with whatever value, at its least frequency."""
        writes = self._controller.registers.inputs.int_writes[self._offset]
        if writes != self._writes:
            self._writes, self._written_us = writes, self._controller.now_us
        elif self._watch_us and self._controller.now_us - self._written_us > self._watch_us:
            raise Ended(f"watchdog: nothing written for {self._watch_us / 1e3:.0f} ms")

    def _double(self, n: int) -> float:
        return self._controller.registers.inputs.doubles[self._offset + n]

    def _say(self, value: int) -> None:
        self._controller.registers.outputs.ints[self._offset] = value

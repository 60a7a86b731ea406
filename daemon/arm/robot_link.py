"""The arm's connection: dialled, its program started, read and written, dialled again. Nothing here waits.

The program is started once by itself, when the first connection of this process is there: somebody has just started us.
One that ended later, by a stop or by a person at the pendant, is started again to take the coil off the head, and else
only for a person (`restart`).
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Final

from daemon.arm.outputs import Command, Output
from drivers.errors import CoilwardError, DeviceError
from drivers.robots import Program, Robot, RobotMode, RobotState, SafetyMode

RETRY_US: Final = 1_000_000
"""Between two attempts to dial (engineering choice)."""
LONGEST_TROUBLE: Final = 400
"""Characters: a packet stays short (engineering choice)."""


Dial = Callable[[int, bool], Robot]
"""Begins a connection at this time and does not wait for it; and whether the program is to be started on it."""


class RobotLink:
    """An arm that may be there or not."""

    def __init__(self, dial: Dial, say: Callable[[str], None]) -> None:
        self._dial = dial
        self._say = say
        self._robot: Robot | None = None
        self._to_start = True
        self._next_try_us = 0
        self._state: RobotState | None = None
        self._last_words = ""
        self.trouble = ""
        """What went wrong on the line, or with starting the program, since the arm last obeyed; for people."""

    def read(self, now_us: int) -> RobotState | None:
        """The newest state, however old: its age is for the hold to judge. None while there is no connection."""
        if self._robot is None and now_us < self._next_try_us:
            return None
        try:
            self._robot = self._robot or self._dial(now_us, self._to_start)
            fresh = self._robot.read(now_us)
        except (CoilwardError, OSError) as wrong:
            self._failed(now_us, wrong)
            return None
        if fresh is not None:
            self._news(self._robot, fresh)
        return self._state

    def send(self, output: Output, now_us: int) -> None:
        """One set-point, whatever the hold wants."""
        if self._robot is None:
            return
        try:
            if output.command is Command.FOLLOW and output.goal is not None:
                self._robot.stream(output.goal)
            elif output.command is Command.RETRACT:
                self._robot.retract()
            elif output.command is Command.GUIDE:
                self._robot.guide(on=True)
            else:
                if output.command is Command.START and self.restart(now_us):
                    self._tell("the program in the arm's controller had ended: it is started to take the coil off")
                self._robot.rest()
        except (CoilwardError, OSError) as lost:
            self._failed(now_us, lost)

    def restart(self, now_us: int) -> bool:
        """Somebody wants the arm to move: starts its program where that is all that is missing. False: it is not."""
        state = self._state
        if self._robot is None or state is None or state.program is not Program.ABSENT or not _able(state):
            return False
        self._robot.start(now_us)
        return True

    def close(self) -> None:
        """Ends the program where it stands still, and hangs up."""
        if self._robot is not None:
            self._robot.close()
        self._robot = self._state = None

    def _news(self, robot: Robot, state: RobotState) -> None:
        if self._state is None:
            self._tell(f"the arm answers: {robot.capabilities.model}")
        if state.program is not Program.ABSENT:
            self._to_start, self.trouble = False, ""
        self._state = state

    def _failed(self, now_us: int, why: CoilwardError | OSError) -> None:
        """What refuses to start is left alone from then on."""
        if isinstance(why, DeviceError):
            self._to_start = False
        self.close()
        self._next_try_us = now_us + RETRY_US
        self.trouble = str(why)[:LONGEST_TROUBLE]
        self._tell(f"no arm: {why}")
        gc.collect()  # the loop runs without a collector; while there is nothing to move, nobody is late for it

    def _tell(self, words: str) -> None:
        """Once each: an arm that stays away is no news."""
        if words != self._last_words:
            self._last_words = words
            self._say(words)


def _able(state: RobotState) -> bool:
    return state.mode is RobotMode.RUNNING and state.safety in (SafetyMode.NORMAL, SafetyMode.REDUCED)

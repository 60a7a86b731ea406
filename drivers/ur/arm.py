"""A Universal Robots arm as a `drivers.robots.Robot`: set-points out, states in, nothing that waits in the loop.

    arm = UrArm.dial(site, now_us)         # begins to connect, and to start our program once the arm has power
    while True:                            # the loop, woken by arm.fileno() or its own clock
        state = arm.read(now_us)           # None: nothing new; carries connecting and starting on
        arm.stream(robot_from_tcp)         # or rest(), retract(), guide(on=True): one of them in every period

`read` gives each state once, and only one whose controller clock has moved on: its `received_us` is when something new
was last heard, however many packets a frozen controller repeats. One arm is one connection: after an error it is closed
and every call raises, and the next `dial` sends its recipes again. A program that ended stays ended until `start` is
asked for, and nothing here ever unlocks a stop (`drivers.ur.dashboard`).
"""

from __future__ import annotations

import contextlib
import secrets
import select
import time
from dataclasses import replace
from typing import Final, Self

from drivers.errors import CoilwardError, DeadlinePassed, PortLost
from drivers.poses import IDENTITY, Pose
from drivers.robots import Program, RobotMode, RobotState, SafetyMode
from drivers.ur.fields import Value
from drivers.ur.program import coil_hold
from drivers.ur.registers import SEQUENCES, Command, set_point
from drivers.ur.rtde import RtdeConnection
from drivers.ur.site import UrSite, capabilities
from drivers.ur.starting import Seen, Starting
from drivers.ur.states import plays, program_of, state_of

SILENCE_US: Final = 250_000
"""No new state for this long ends the connection, and with it the set-points, so that the program withdraws by itself
(engineering choice: 125 periods of an e-Series; ur_rtde goes on for 2.5 s)."""
ECHO_S: Final = 0.3
"""Controller's time after which a program that still shows an old set-point is not ours (engineering choice: longer
than any stop in it, 0.25 m/s at 4 rad/s²; a foreign program never echoes)."""
UNTAKEN_AT_MOST: Final = 50
"""Set-points in a row that the controller leaves in the socket: it no longer reads (engineering choice: 100 ms)."""
WAKE_S: Final = 0.004
"""Longest sleep of `close`, the only call that waits (engineering choice: two periods)."""
ENDING_S: Final = 0.2
"""How long `close` waits to see the program ended (engineering choice: a hundred periods)."""
STANDING: Final = frozenset({Program.IDLE, Program.RETRACTED, Program.REFUSED})


class UrArm:
    """One arm on one connection. Not for several threads."""

    def __init__(self, site: UrSite, now_us: int, *, start: bool, first_sequence: int) -> None:
        self.capabilities = capabilities(site)
        self.site = site
        self.program = coil_hold(site)
        self.last: RobotState | None = None
        """The newest state read."""
        self._connection = RtdeConnection(site.host, site.ports.rtde, now_us, slack=site.slack)
        self._start_asked = start
        self._starting: Starting | None = None
        self._sequence = first_sequence
        self._goal = IDENTITY
        self._sent = False
        self._untaken = 0
        self._values: dict[str, Value] | None = None
        self._fresh_us = now_us
        self._repeats = 0
        self._echo_s = 0.0

    @classmethod
    def dial(cls, site: UrSite, now_us: int, *, start: bool = True, first_sequence: int | None = None) -> Self:
        """An arm that is being connected. Never waits: `read` raises what becomes of it, PortNotFound may come here.

        Set-points are numbered from a number drawn here, so that no register left over can equal one of them.
        """
        drawn = secrets.randbelow(SEQUENCES) if first_sequence is None else first_sequence
        return cls(site, now_us, start=start, first_sequence=drawn)

    @property
    def starting(self) -> bool:
        """Whether our program was asked for and does not run yet."""
        return self._start_asked or self._starting is not None

    def fileno(self) -> int:
        """Readable when a state has come. PortLost after the end."""
        return self._connection.fileno()

    def read(self, now_us: int) -> RobotState | None:
        """The newest state that has come whole, once; None when nothing new has. Never waits.

        Raises DeadlinePassed when nothing new came for 250 ms, be it that nothing comes or that the controller repeats
        itself; PortNotFound, PortLost, BadFrame; DeviceRefused when the controller does not do what was asked, above
        all InputsTaken. After any of them the connection is closed: dial again.
        """
        try:
            values = self._connection.turn(now_us)
            fresh = self._take(values, now_us) if values is not None and self._is_new(values) else None
            if fresh is None:
                self._repeats += values is not None
                self._expect_news(now_us)
            self._go_on_starting(now_us)
        except CoilwardError:
            self._hang_up()
            raise
        return fresh

    def start(self, now_us: int) -> None:  # noqa: ARG002  another arm may need to know when it was asked
        """Asks for our program to be started, once the arm has power; `read` carries it on and raises DeviceRefused.

        Another program that runs is left alone, and so is ours when it runs already.
        """
        self._start_asked = True

    def stream(self, robot_from_tcp: Pose) -> int:
        """As `Robot.stream`. Raises PortLost."""
        self._goal = robot_from_tcp
        return self._send(Command.FOLLOW)

    def rest(self) -> int:
        """As `Robot.rest`. Raises PortLost."""
        return self._send(Command.REST)

    def retract(self) -> int:
        """As `Robot.retract`; once begun the program finishes it. Raises PortLost."""
        return self._send(Command.RETRACT)

    def guide(self, *, on: bool) -> int:
        """As `Robot.guide`; to be repeated like any set-point. Raises PortLost."""
        return self._send(Command.GUIDE if on else Command.REST)

    def close(self) -> None:
        """Ends the program when it stands still, waiting at most 200 ms to see it, and hangs up. Raises nothing.

        While it moves nothing is sent: it withdraws the coil by itself 20 ms later, which a program that was ended
        could not. A second call does nothing.
        """
        self._forget_start()
        if self.last is not None and self.last.program in STANDING:
            # Gone already: then the program acts on the silence.
            with contextlib.suppress(CoilwardError):
                self._send(Command.STOP)
                self._see_it_end(time.monotonic() + ENDING_S)
        self._hang_up()

    def _is_new(self, values: dict[str, Value]) -> bool:
        return self._values is None or values["timestamp"] != self._values["timestamp"]

    def _take(self, values: dict[str, Value], now_us: int) -> RobotState:
        state = state_of(values, program_of(values, self.program.version), now_us)
        moved_on = self.last is None or state.echoed != self.last.echoed
        if moved_on or not self._sent or state.echoed == self._sequence:
            self._echo_s = state.controller_s
        elif state.controller_s - self._echo_s > ECHO_S * self.site.slack:
            state = replace(state, program=Program.ABSENT)
        self._values, self.last = values, state
        self._fresh_us, self._repeats = now_us, 0
        return state

    def _expect_news(self, now_us: int) -> None:
        if not self._connection.streaming:
            self._fresh_us = now_us
        elif now_us - self._fresh_us > SILENCE_US * self.site.slack:
            what = "its clock stands still" if self._repeats else "nothing comes"
            raise DeadlinePassed(
                f"The robot's controller has told nothing new for {(now_us - self._fresh_us) // 1000} ms: {what}. The"
                " connection was closed, so its program withdraws the coil by itself. Look at the pendant; reconnect."
            )

    def _go_on_starting(self, now_us: int) -> None:
        if not self.starting or self.last is None or self._values is None:
            return
        if self._starting is None:
            able = self.last.mode is RobotMode.RUNNING and self.last.safety in {SafetyMode.NORMAL, SafetyMode.REDUCED}
            if not able:
                return
            self._starting = Starting(self.site, self.program, now_us)
        seen = Seen(plays(self._values), self.last.program, self.last.echoed, self._sequence)
        if self._starting.turn(now_us, seen):
            self._starting, self._start_asked = None, False

    def _send(self, command: Command) -> int:
        """Numbers and sends one set-point; while our program is being started, the one that its start needs."""
        if not self._connection.streaming:
            self._connection.fileno()  # raises after the end; before the beginning there is nobody to tell
            return self._sequence
        asked = self._starting.command if self._starting is not None else command
        sequence = (self._sequence + 1) % SEQUENCES
        packet = set_point(self._connection.input_recipe, sequence, asked, self._goal, self.site.speed_m_s)
        try:
            taken = self._connection.send(packet)
        except PortLost:
            self._hang_up()
            raise
        self._sequence, self._sent = sequence, True
        self._untaken = 0 if taken else self._untaken + 1
        if self._untaken > UNTAKEN_AT_MOST:
            self._hang_up()
            raise PortLost("The robot's controller takes no set-points. Look at its pendant; reconnect.")
        return sequence

    def _forget_start(self) -> None:
        if self._starting is not None:
            self._starting.close()
        self._starting, self._start_asked = None, False

    def _hang_up(self) -> None:
        self._connection.close()
        self._forget_start()

    def _see_it_end(self, give_up_s: float) -> None:
        while self._values is not None and plays(self._values) and time.monotonic() <= give_up_s:
            select.select([self.fileno()], [], [], WAKE_S)
            self.read(time.monotonic_ns() // 1000)

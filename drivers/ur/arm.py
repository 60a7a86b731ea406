"""A Universal Robots arm as a `drivers.robots.Robot`: set-points out, states in, nothing that waits in the loop.

    arm = UrArm.open(site)                 # dials, and starts our program; waits, with a deadline
    while True:                            # the loop, woken by arm.fileno() or its own clock
        state = arm.read(now_us)           # None: nothing new
        arm.stream(robot_from_tcp)         # or rest(), retract(), guide(on=True): one of them in every period

`read` gives each state once, and only one whose controller clock has moved on: its `received_us` is when something new
was last heard, however many packets a frozen controller repeats. After an error the connection is closed and every call
raises; `reconnect` dials again with recipes of its own, turn by turn. Nothing restarts a program that has ended: that
is `restart`, a person's decision, and nothing here ever unlocks a stop (`drivers.ur.dashboard`).
"""

from __future__ import annotations

import secrets
import select
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from drivers.errors import CoilwardError, DeadlinePassed, PortLost
from drivers.poses import IDENTITY, Pose
from drivers.robots import Program, RobotState
from drivers.ur.fields import Value
from drivers.ur.program import coil_hold
from drivers.ur.registers import SEQUENCES, Command, set_point
from drivers.ur.rtde import RtdeConnection
from drivers.ur.site import UrSite, capabilities
from drivers.ur.starting import Seen, Starting, Step
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
"""How often the calls that wait take a turn; the program wants a set-point every 200 ms at rest."""


class UrArm:
    """One arm. Not for several threads."""

    def __init__(self, site: UrSite, first_sequence: int | None = None) -> None:
        """Nothing is dialled yet. The first sequence number is drawn, so that no register left over can equal it."""
        self.capabilities = capabilities(site)
        self.site = site
        self.program = coil_hold(site)
        self._sequence = secrets.randbelow(SEQUENCES) if first_sequence is None else first_sequence
        self._goal = IDENTITY
        self._connection: RtdeConnection | None = None
        self._starting: Starting | None = None
        self._why_closed = "the robot has not been dialled"
        self._untaken = 0
        self._values: dict[str, Value] | None = None
        self._fresh_us = 0
        self._repeats = 0
        self._echo_s = 0.0
        self._echoed: int | None = None
        self._sent = False
        self.last: RobotState | None = None
        """The newest state read on this connection."""

    @classmethod
    def open(cls, site: UrSite, *, start: bool = True, first_sequence: int | None = None) -> UrArm:
        """An arm that tells its state and, with `start`, runs our program. Waits: at most 3 s, and 8 s to start.

        Raises what `reconnect` and `restart` raise, and DeadlinePassed.
        """
        arm = cls(site, first_sequence)
        try:
            arm._wait_for(arm.reconnect)
            if start:
                arm._wait_for(arm.restart)
        except BaseException:
            arm._hang_up("it could not be opened")
            raise
        return arm

    def fileno(self) -> int:
        """Readable when a state has come. PortLost while there is no connection."""
        return self._dialled().fileno()

    def read(self, now_us: int) -> RobotState | None:
        """The newest state that has come whole, once; None when nothing new has. Never waits.

        Raises DeadlinePassed when nothing new came for 250 ms, be it that nothing comes or that the controller repeats
        itself; PortLost, BadFrame, DeviceRefused. After any of them the arm must be reconnected.
        """
        connection = self._dialled()
        try:
            values = connection.turn(now_us)
            if values is not None and (self._values is None or values["timestamp"] != self._values["timestamp"]):
                return self._take(values, now_us)
            self._repeats += values is not None
            if connection.streaming and now_us - self._fresh_us > SILENCE_US * self.site.slack:
                raise self._silent(now_us)
        except CoilwardError as error:
            self._hang_up(str(error))
            raise
        return None

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

    def reconnect(self, now_us: int) -> bool:
        """Dials, or goes on dialling; True once states come. Call it in every turn until then; never waits.

        Raises PortNotFound, PortLost, DeadlinePassed (after 3 s), DeviceRefused, InputsTaken; the next call dials anew.
        """
        if self._connection is None:
            site = self.site
            self._connection = RtdeConnection(site.host, site.ports.rtde, now_us, slack=site.slack)
            self._values, self.last, self._echoed, self._sent = None, None, None, False
            self._untaken = self._repeats = 0
        if not self._connection.streaming:
            self._fresh_us = now_us
        self.read(now_us)
        return self.last is not None

    def restart(self, now_us: int) -> bool:
        """Starts our program, or goes on starting it; True once it obeys. To be called in every turn; never waits.

        It reads, and sends set-points of its own. Raises DeviceRefused when the controller does not run it or runs
        another, which is left alone; and what `read` raises.
        """
        self.read(now_us)
        if self._values is None or self.last is None:
            return False
        self._starting = self._starting or Starting(self.site, self.program, now_us)
        seen = Seen(plays(self._values), self.last.program, self.last.echoed, self._sequence)
        try:
            self._send(self._starting.turn(now_us, seen))
        except CoilwardError:
            self._starting = None
            raise
        if self._starting.step is not Step.RUNNING:
            return False
        self._starting = None
        return True

    def close(self) -> None:
        """Ends the program when it stands still, and hangs up. A second call does nothing.

        While it follows, nothing is sent: it withdraws the coil by itself 20 ms later, which a program that was ended
        could not.
        """
        connection, last = self._connection, self.last
        if connection is not None and last is not None and last.program in {Program.IDLE, Program.RETRACTED}:
            try:
                self._send(Command.STOP)
                connection.linger()
            except PortLost:
                pass  # gone already: then the program acts on the silence
        self._hang_up("it was closed here")

    def _take(self, values: dict[str, Value], now_us: int) -> RobotState:
        state = state_of(values, program_of(values, self.program.version), now_us)
        if not self._sent or state.echoed == self._sequence or state.echoed != self._echoed:
            self._echo_s = state.controller_s
        self._echoed = state.echoed
        if state.controller_s - self._echo_s > ECHO_S * self.site.slack:
            state = replace(state, program=Program.ABSENT)
        self._values, self.last = values, state
        self._fresh_us, self._repeats = now_us, 0
        return state

    def _send(self, command: Command) -> int:
        connection = self._dialled()
        if not connection.streaming:
            raise PortLost("The robot is still being dialled. Send set-points once reconnect says that states come.")
        sequence = (self._sequence + 1) % SEQUENCES
        packet = set_point(connection.input_recipe, sequence, command, self._goal, self.site.speed_m_s)
        try:
            taken = connection.send(packet)
        except PortLost as error:
            self._hang_up(str(error))
            raise
        self._sequence, self._sent = sequence, True
        self._untaken = 0 if taken else self._untaken + 1
        if self._untaken > UNTAKEN_AT_MOST:
            self._hang_up("it takes no set-points")
            raise PortLost("The robot's controller no longer takes set-points. Look at its pendant; reconnect.")
        return sequence

    def _silent(self, now_us: int) -> DeadlinePassed:
        ms = (now_us - self._fresh_us) // 1000
        what = "its clock stands still" if self._repeats else "nothing comes"
        return DeadlinePassed(
            f"The robot's controller has told nothing new for {ms} ms: {what}. The connection was closed, so its"
            " program withdraws the coil by itself. Look at the pendant; reconnect."
        )

    def _dialled(self) -> RtdeConnection:
        if self._connection is None:
            raise PortLost(f"There is no connection to the robot: {self._why_closed}. Reconnect.")
        return self._connection

    def _hang_up(self, why: str) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection, self._why_closed = None, why.rstrip(".")
        if self._starting is not None:
            self._starting.close()
            self._starting = None

    def _wait_for(self, step: Callable[[int], bool]) -> None:
        """Turns `step`, whose own deadlines end it, until it is done."""
        while not step(time.monotonic_ns() // 1000):
            select.select([self.fileno()], [], [], WAKE_S)

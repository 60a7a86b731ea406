"""A simulated UR controller: one tick moves the arm, then runs the program, then has something new to tell.

It knows no socket. `advance` runs every tick that is due, so it is the same in real and in virtual time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from drivers.errors import DeviceRefused
from drivers.poses import Pose
from simulator.arm.arm import Arm, Stopped
from simulator.clock import Clock
from simulator.wires.ur.modes import POWER_ON, PROGRAM_RUNNING, SAFETY_BITS, RobotMode, RuntimeState, SafetyMode
from simulator.wires.ur.programs import Ended, Program
from simulator.wires.ur.registers import Registers
from simulator.wires.ur.script_program import ScriptProgram
from simulator.wires.ur.ur_rtde_program import UrRtdeProgram

KEPT_NOTES = 200
"""Lines of the log kept for reading back. An engineering choice."""


POLYSCOPE = (5, 12, 0, 1114)
"""What ur_rtde 1.6.5 was seen to work with (`robot.md` 3.3). A CB3 is 3.x, with an arm of 8,000 µs a tick."""


class Listener(Protocol):
    """Who takes part in every tick, whoever runs it."""

    def before(self) -> None:
        """What clients have said is written to the inputs."""
        ...

    def after(self) -> None:
        """What is new can be told."""
        ...


@dataclass(frozen=True, slots=True)
class Note:
    """One line of the controller's log."""

    at_us: int
    text: str


class Controller:
    """One controller and its arm, powered and ready, in remote control, no program loaded."""

    serial = "20225500001"
    """Invented."""

    def __init__(self, arm: Arm, clock: Clock, *, version: tuple[int, int, int, int] = POLYSCOPE) -> None:
        self.arm = arm
        self.version = version
        self.clock = clock
        self.now_us = clock.now_us()
        self.started_us = self.now_us
        self.registers = Registers()
        self.mode = RobotMode.RUNNING
        self.emergency = False
        self.fault = False
        self.reduced = False
        self.remote = True
        self.slider = 1.0
        """The speed slider, 0 to 1."""
        self.slowed = 1.0
        """A fault's share of the speed on top of it."""
        self.stream_frozen = False
        """RTDE says nothing, its connections stay open."""
        self.drops = 0
        """How often RTDE's connections were cut off; ports compare it with what they have done."""
        self.program: Program | None = None
        self.payload_kg = 0.0
        self.notes: deque[Note] = deque(maxlen=KEPT_NOTES)
        self.witnesses: list[Callable[[Note], None]] = []
        """Called with each line of the log."""
        self.listeners: list[Listener] = []
        self._stopped_us: int | None = None

    # ── time ────────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def next_us(self) -> int:
        """When the next tick is due."""
        return self.now_us + self.arm.profile.step_us

    def advance(self, now_us: int) -> int:
        """Runs every tick due by `now_us`; how many."""
        ticks = 0
        while self.next_us <= now_us:
            self.tick()
            ticks += 1
        return ticks

    def tick(self) -> None:
        """One tick: the arm moves as it was told in the last, then the program says how to go on."""
        for listener in self.listeners:
            listener.before()
        self.now_us = self.next_us
        self.arm.scaling = self.slider * self.slowed
        self.arm.step()
        self._notice_stop()
        if self.program:
            try:
                self.program.step()
            except Ended as ended:
                self.stop_program(str(ended))
        for listener in self.listeners:
            listener.after()

    @property
    def ticks_due(self) -> int:
        """Ticks that its clock says are due; more than one when the machine has stalled."""
        return (self.clock.now_us() - self.now_us) // self.arm.profile.step_us

    @property
    def uptime_s(self) -> float:
        """Field `timestamp`: seconds since the controller started; it stands still when nothing is new."""
        return (self.now_us - self.started_us) / 1e6

    # ── what it says of itself ──────────────────────────────────────────────────────────────────────────────────────

    @property
    def safety(self) -> SafetyMode:
        """Field `safety_mode`."""
        if self.emergency:
            return SafetyMode.ROBOT_EMERGENCY_STOP
        if self.fault:
            return SafetyMode.FAULT
        if self.arm.stopped:
            return SafetyMode.PROTECTIVE_STOP
        return SafetyMode.REDUCED if self.reduced else SafetyMode.NORMAL

    @property
    def safety_bits(self) -> int:
        """Field `safety_status_bits`."""
        return SAFETY_BITS[self.safety]

    @property
    def status_bits(self) -> int:
        """Field `robot_status_bits`."""
        return POWER_ON * (self.mode >= RobotMode.IDLE) | PROGRAM_RUNNING * (self.program is not None)

    @property
    def runtime_state(self) -> RuntimeState:
        """Field `runtime_state`."""
        return RuntimeState.PLAYING if self.program else RuntimeState.STOPPED

    @property
    def may_move(self) -> bool:
        """Powered, brakes off, no stop of any kind."""
        return self.mode is RobotMode.RUNNING and self.safety in {SafetyMode.NORMAL, SafetyMode.REDUCED}

    def note(self, text: str) -> None:
        """Writes a line of the log."""
        line = Note(self.now_us, text)
        self.notes.append(line)
        for witness in self.witnesses:
            witness(line)

    # ── programs ────────────────────────────────────────────────────────────────────────────────────────────────────

    def upload(self, text: str) -> None:
        """A script has come on a script port: it replaces the running program. Refusals go to the log, as there."""
        try:
            self._check_may_run()
            program: Program = UrRtdeProgram(text, self) if UrRtdeProgram.is_in(text) else ScriptProgram(text, self)
        except DeviceRefused as refused:
            self.note(f"script refused: {refused}")
            return
        self.stop_program("replaced by another")
        self.program = program
        self.note(f"program {program.name} starts")

    def _check_may_run(self) -> None:
        if not self.remote:
            raise DeviceRefused("the controller is in local control: switch it to remote control on its panel")
        if not self.may_move:
            raise DeviceRefused(f"the arm may not move: {self.mode.name}, {self.safety.name}")

    def stop_program(self, why: str) -> None:
        """Ends the running program, when there is one; the arm brakes."""
        if self.program:
            name, self.program = self.program.name, None
            self.arm.halt()
            self.note(f"program {name} ends: {why}")

    def _notice_stop(self) -> None:
        if self.arm.stopped and self._stopped_us is None:
            self._stopped_us = self.now_us
            self.note(f"protective stop: {self.arm.stopped.value}")
            self.stop_program("protective stop")

    # ── what a person does at the controller, and what fails ────────────────────────────────────────────────────────

    def unlock(self) -> None:
        """Ends a protective stop, at the soonest 5 s after it began. DeviceRefused before, or when there is none."""
        if self.arm.stopped is None or self._stopped_us is None:
            raise DeviceRefused("there is no protective stop to unlock")
        if self.now_us - self._stopped_us < self.arm.profile.unlock_after_us:
            raise DeviceRefused("Cannot unlock protective stop until 5s after occurrence")
        self._stopped_us = None
        self.arm.release()
        self.note("protective stop unlocked")

    def power(self, mode: RobotMode) -> None:
        """Off, idle (brakes on) or running."""
        if mode is not RobotMode.RUNNING:
            self.stop_program(f"robot mode {mode.name}")
        self.mode = mode
        self.arm.braked = mode is not RobotMode.RUNNING or self.emergency

    def protective_stop(self) -> None:
        """Fault: a protective stop out of nothing."""
        self.arm.stop_for(Stopped.ORDERED)

    def emergency_stop(self, *, pressed: bool = True) -> None:
        """Fault: somebody presses the red button, or turns it free; the arm then stays without power."""
        self.emergency = pressed
        self.power(RobotMode.POWER_OFF)

    def kill_program(self) -> None:
        """Fault: the program ends in the middle of what it does."""
        self.stop_program("killed")

    def freeze_stream(self, *, frozen: bool = True) -> None:
        """Fault: RTDE says nothing any more, its connections stay open, the program runs on."""
        self.stream_frozen = frozen

    def drop_rtde(self) -> None:
        """Fault: every RTDE connection is cut off, with its owned inputs; a client may connect again at once."""
        self.drops += 1

    def slow(self, share: float) -> None:
        """Fault: moves at this share of the speed asked for; 1 ends it."""
        self.slowed = max(0.0, min(1.0, share))

    def restore(self) -> None:
        """Every fault ends; a protective stop is unlocked and power comes back, a program is not started again."""
        self.freeze_stream(frozen=False)
        self.slow(1.0)
        self.emergency = self.fault = self.reduced = False
        self.remote = True
        self._stopped_us = None
        self.arm.release()
        self.power(RobotMode.RUNNING)

    def set_tool(self, flange_from_tcp: Pose) -> None:
        """The tool centre point, as an installation or `set_tcp` sets it."""
        self.arm.set_tool(flange_from_tcp)

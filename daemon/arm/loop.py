"""The loop: a turn is a function of the time and of what is ready. Goal first, lease second, words last.

Nothing here waits; the metronome does, between turns. What an order, a frame or a state means is the hold's to judge.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Final, Protocol

from daemon.arm.goals import Ellipsoid
from daemon.arm.lateness import Lateness
from daemon.arm.messages import Calibrate, Go, Message, Role, Seen, Status, Stop, Target
from daemon.arm.outputs import Command, Output
from daemon.arm.realtime import monotonic_ns
from daemon.arm.reasons import ArmReason, Refusal
from daemon.arm.robot_link import RobotLink
from daemon.arm.setup import Setup
from daemon.arm.socket import Client, Clients
from daemon.arm.table import ENGAGED, HoldState, Verb
from daemon.arm.telling import Moment, figures, moment_of, state_body
from daemon.arm.watchdog_lease import WatchdogLease
from daemon.calibration_file import Calibration
from drivers.errors import ConfigError
from drivers.poses import Pose
from drivers.robots import RobotState
from drivers.trackers import Frame

SILENT_US: Final = 1_000_000
"""A daemon that says nothing for this long is gone (engineering choice); with no frame to pass on it asks `status`."""
SAY_EVERY_US: Final = 50_000
FUTURE_US: Final = 10_000
"""A frame may seem this much newer than the turn it is read in; more is another clock (engineering choice)."""
LAST_WAY_US: Final = 5_000_000
"""From SIGTERM until the arm has retracted 60 mm, at worst at 50 mm/s, and a reserve. After it the controller is on
its own."""
AT_REST_US: Final = 200_000
"""Standing still for so long at the end is the end of a retract, not the turn before it (engineering choice)."""
_MOTION: Final = (Command.FOLLOW, Command.RETRACT, Command.START)
"""What moves the arm, or is about to."""
_CLI_MAY: Final = (Verb.AWAY,)
"""Away is allowed to everybody; what brings the coil to a head passes through the daemon, which knows who may."""


class Machine(Protocol):
    """What decides: `daemon.arm.hold.Hold`."""

    @property
    def calibration(self) -> str:
        """The hash of the calibration it goes by."""
        ...

    def calibrate(self, setup: Setup) -> Refusal | None:
        """Another calibration, at rest."""
        ...

    def aim(self, head_from_target: Pose, scalp: Ellipsoid) -> None:
        """Where the coil belongs on the head. Raises ValueError for what no head has."""
        ...

    def order(self, verb: Verb, now_us: int) -> Refusal | None:
        """What a person wants."""
        ...

    def saw(self, frame: Frame) -> None:
        """A frame of the tracker, once, in order."""
        ...

    def step(self, now_us: int, robot: RobotState | None) -> Output:
        """What the arm is to do now."""
        ...


class Loop:
    """One arm, one head, and everybody who talks about them."""

    def __init__(
        self,
        hold: Machine,
        robot: RobotLink,
        clients: Clients,
        lease: WatchdogLease,
        *,
        watch: select.epoll,
        say: Callable[[str], None],
        calibrated: Callable[[Calibration], Setup],
        clock_ns: Callable[[], int] = monotonic_ns,
    ) -> None:
        """`calibrated` gives what the hold is told by a calibration, or raises ConfigError. `clock_ns` only tells how
        long it took to the goal: what is done in a turn depends on the turn's time.
        """
        self.lateness = Lateness()
        """Of the wakings; whoever wakes the loop fills it in."""
        self._to_goal = Lateness()
        self._from_frame = Lateness()
        self._clock_ns = clock_ns
        self._unanswered_us: int | None = None
        self._hold = hold
        self._robot = robot
        self._clients = clients
        self._lease = lease
        self._watch = watch
        self._say = say
        self._calibrated = calibrated
        self._output: Output | None = None
        self._frame: Frame | None = None
        self._said: Moment | None = None
        self._said_us = 0
        self._had_daemon = False
        self._ending_us: int | None = None
        self._moved_us = 0
        self._sent_off_us = -1
        """When somebody last wanted the coil elsewhere than on its target."""

    def hear(self, now_us: int) -> bool:
        """Takes what is said between two turns, so that the next goal need not wait for it; whether anything was."""
        return self._hear({descriptor for descriptor, _ in self._watch.poll(0)}, now_us)

    def turn(self, now_us: int) -> None:
        """Everything that is to be done at this time."""
        ready = {descriptor for descriptor, _ in self._watch.poll(0)}
        self._hear(ready, now_us)
        state = self._robot.read(now_us)
        self._bring_home(now_us)
        output = self._hold.step(now_us, state)
        if not self._unheard(output):
            self._robot.send(output, now_us)
            self._note_goal(now_us)
        self._lease.turn(ready, now_us, output.lease.value)
        if output.command in _MOTION:
            self._moved_us = now_us
        self._output = output
        self._publish(output, state, now_us)

    def end(self, now_us: int) -> None:
        """Takes the coil off the head; after that `ended` is true. A second call does nothing."""
        if self._ending_us is None:
            self._ending_us = self._moved_us = now_us
            refused = self._hold.order(Verb.STOP, now_us)
            self._say("ending: the coil is taken off the head first" if refused is None else str(refused))

    def ended(self, now_us: int) -> bool:
        """Whether the arm stands still, or cannot be waited for any longer."""
        if self._ending_us is None:
            return False
        return now_us - self._moved_us > AT_REST_US or now_us - self._ending_us > LAST_WAY_US

    def _hear(self, ready: set[int], now_us: int) -> bool:
        heard = self._clients.receive(ready, now_us)
        for client, message in heard:
            self._obey(client, message, now_us)
        return bool(heard)

    def _obey(self, client: Client, message: Message, now_us: int) -> None:
        match message:
            case Stop():
                self._order(client, "stop", Verb.STOP, now_us)
            case Go():
                self._go(client, message, now_us)
            case Status():
                self._clients.answer(
                    client, "status", **figures(late=self.lateness, goal=self._to_goal, frame=self._from_frame)
                )
            case Target() | Calibrate():
                self._place(client, message)
            case Seen():
                if self._may(client, "frame", "daemon"):
                    self._see(client, message.frame, now_us)

    def _go(self, client: Client, wish: Go, now_us: int) -> None:
        """An older wish for the target, asked again meanwhile, does not outlive somebody's sending the coil off."""
        verb = Verb(wish.to)
        if not self._may(client, "go", None if verb in _CLI_MAY else "daemon"):
            return
        if verb is Verb.TO_TARGET and wish.asked_us is not None and wish.asked_us <= self._sent_off_us:
            refused = Refusal(ArmReason.SENT_OFF)
            self._clients.answer(client, "go", refused.reason.json, sentence=str(refused))
        else:
            self._order(client, "go", verb, now_us)

    def _may(self, client: Client, do: str, role: Role | None) -> bool:
        if role in (None, client.role):
            return True
        self._clients.answer(client, do, f"only the {role} may say this: ask there")
        return False

    def _place(self, client: Client, message: Target | Calibrate) -> None:
        match message:
            case Target() if self._may(client, "target", "daemon"):
                self._aim(client, message)
            case Calibrate() if self._may(client, "calibrate", "daemon"):
                self._calibrate(client, message.calibration)

    def _aim(self, client: Client, target: Target) -> None:
        try:
            self._hold.aim(target.head_from_target, target.scalp)
        except ValueError as wrong:
            self._clients.answer(client, "target", f"{wrong}: choose it again")
        else:
            self._clients.answer(client, "target", calibration=self._hold.calibration)

    def _calibrate(self, client: Client, found: Calibration) -> None:
        """It comes whole in the message: a file is read by whoever may wait for a disk."""
        before = self._hold.calibration
        try:
            refused = self._hold.calibrate(self._calibrated(found))
        except ConfigError as wrong:
            self._clients.answer(client, "calibrate", str(wrong))
            return
        if refused is not None:
            self._clients.answer(client, "calibrate", refused.reason.json, sentence=str(refused))
            return
        if self._hold.calibration != before:
            self._say(f"calibrated anew: {self._hold.calibration}")
        self._clients.answer(client, "calibrate", calibration=self._hold.calibration)

    def _order(self, client: Client, do: str, verb: Verb, now_us: int) -> None:
        if self._ending_us is not None and verb is not Verb.STOP:
            self._clients.answer(client, do, "coilward-arm is ending: start it again")
            return
        if verb is not Verb.TO_TARGET:
            self._sent_off_us = now_us
        refused = self._hold.order(verb, now_us) if self._ending_us is None else None
        if refused is None:
            self._clients.answer(client, do)
            return
        sentence = str(refused)
        if client.role == "daemon" and refused.reason is ArmReason.ROBOT_STOPPED and self._robot.restart(now_us):
            sentence = "The program in the arm's controller had ended and is being started. Try again in a few seconds."
        self._clients.answer(client, do, refused.reason.json, sentence=f"{sentence} {self._robot.trouble}".rstrip())

    def _see(self, client: Client, frame: Frame, now_us: int) -> None:
        """No answer to what is said a hundred times a second, unless it is wrong."""
        if frame.received_us > now_us + FUTURE_US:
            self._clients.answer(client, "frame", "received_us lies in the future: it must be CLOCK_MONOTONIC of here")
            return
        self._frame = frame
        self._unanswered_us = frame.received_us
        self._hold.saw(frame)

    def _note_goal(self, now_us: int) -> None:
        sent_us = self._clock_ns() // 1000
        self._to_goal.woke(now_us, sent_us - now_us)
        if self._unanswered_us is not None:
            self._from_frame.woke(now_us, sent_us - self._unanswered_us)
            self._unanswered_us = None

    def _bring_home(self, now_us: int) -> None:
        """Nobody is there to take the coil off a head, so it goes by itself: along the normal, then to its place."""
        daemon = self._clients.daemon
        there = daemon is not None and now_us - daemon.heard_us <= SILENT_US
        if there != self._had_daemon:
            self._had_daemon = there
            self._say("the daemon is there" if there else "the daemon is gone or silent: the coil goes home")
        if there or self._output is None or self._ending_us is not None:
            return
        state = self._output.state
        off = state in (HoldState.AWAY, HoldState.RETRACT) and self._output.command not in _MOTION
        if state in ENGAGED or off:
            refused = self._hold.order(Verb.PARK, now_us)
            if refused is not None:
                self._hold.order(Verb.STOP, now_us)

    @staticmethod
    def _unheard(output: Output) -> bool:
        """Whether the arm was lost at the head. It is told nothing then, not even to rest: silence makes the program in
        its controller take the coil off, and a set-point that still arrives would keep it there.
        """
        return output.state is HoldState.FAULT and output.why is ArmReason.ROBOT_UNREACHABLE

    def _publish(self, output: Output, state: RobotState | None, now_us: int) -> None:
        moment, before = moment_of(output, state), self._said
        if moment == before and now_us - self._said_us < SAY_EVERY_US:
            return
        if before is None or (moment.state, moment.why) != (before.state, before.why):
            self._say(moment.state + (f": {output.why.sentence}" if output.why is not None else ""))
        self._said, self._said_us = moment, now_us
        self._clients.publish(
            state_body(
                now_us,
                output,
                state,
                frame=self._frame,
                lateness=self.lateness,
                calibration=self._hold.calibration,
                trouble=self._robot.trouble,
            )
        )

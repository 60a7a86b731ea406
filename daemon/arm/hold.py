"""The coil hold: what the arm is told in every turn, and whether the coil is on its target. Pure: time is a parameter.

The goal is absolute: where the head is predicted to be when the arm will have moved, times the target's place on the
head. Nothing is added up over time, so a frozen tracker leaves nothing to run away with.
"""

from __future__ import annotations

import math

from daemon.arm import limits, table, watch
from daemon.arm.approach import Target
from daemon.arm.goals import Ellipsoid, Error
from daemon.arm.health import AWAKE, UNREACHABLE_US, Health
from daemon.arm.lease import BEGIN_HEAD_M_S, FRESH_US, ROBOT_FRESH_US, Lease, LeaseKeeper, Situation
from daemon.arm.leaving import Leaving
from daemon.arm.outputs import Command, Output
from daemon.arm.prediction import Estimate
from daemon.arm.reasons import ArmReason, Refusal
from daemon.arm.setup import ABSENCE_US, FREEZE_US, Setup
from daemon.arm.sight import Sight
from daemon.arm.steering import Steering
from daemon.arm.table import AT_REST, ENGAGED, FOLLOWING, LEAVING, Event, HoldState, Leave, Verb
from drivers.poses import Pose
from drivers.robots import RobotState
from drivers.trackers import Frame

__all__ = [
    "ArmReason",
    "Command",
    "Ellipsoid",
    "Error",
    "Hold",
    "HoldState",
    "Lease",
    "Output",
    "Refusal",
    "Setup",
    "Verb",
]

MISPLACED = frozenset({ArmReason.CAMERA_MOVED, ArmReason.COIL_MARKER_DISAGREES})
"""What another calibration mends."""
WAKE_US = 1_000_000
"""How long the arm's program may take to be ready for set-points (engineering choice)."""


class Hold:
    """The machine. `saw` every frame, `order` what a person orders, `step` in every turn of the loop."""

    def __init__(self, setup: Setup) -> None:
        self.state = HoldState.PARKED
        self.why: ArmReason | None = None
        self._setup = setup
        self._sight = Sight(setup)
        self._health = Health(setup.limits, setup.heard_us(UNREACHABLE_US))
        self._steering = Steering(setup)
        self._lease = LeaseKeeper(setup.fresh_us(FRESH_US), setup.heard_us(ROBOT_FRESH_US))
        self._since_us = 0
        self._stepped_us: int | None = None
        self._leaving = Leaving(self._health)
        self._waking = self._parking = False
        self._sent: Pose | None = None

    @property
    def lag_us(self) -> int:
        """How long the arm takes to follow, as measured so far, µs."""
        return self._steering.lag.us

    @property
    def calibration(self) -> str:
        """The hash of the one it goes by; empty without one."""
        return self._setup.calibration

    def calibrate(self, setup: Setup) -> Refusal | None:
        """Goes by another calibration of the same room; the refusal says why it does not.

        All that was seen and learned by the one before is forgotten, so nothing may be steered by it just now. A hand
        that leads the arm goes on: that is how one calibrates.
        """
        if setup.calibration == self.calibration:
            return None
        if self.state in ENGAGED or self._leaving.under_way or self._parking:
            return Refusal(ArmReason.NOT_NOW, f"Its state is {self.state.value}, and it moves.")
        target = self._steering.target
        self._setup, self._sight, self._steering = setup, Sight(setup), Steering(setup)
        self._steering.target = target
        if self.why in MISPLACED:
            self.why = None
        return None

    def aim(self, head_from_target: Pose, scalp: Ellipsoid) -> None:
        """Chooses the target. A coil on its way, or on another target, goes there clear of the head.

        Raises ValueError when the target's normal does not lead out of the head.
        """
        self._steering.target = Target.of(head_from_target, scalp, self._setup.limits, self._setup.away_m)
        self._steering.begin()
        if self.state is HoldState.TRACK:
            self.state = HoldState.APPROACH

    def order(self, verb: Verb, now_us: int) -> Refusal | None:
        """What a person orders; the refusal says why nothing was done. Stop and away are always taken: theirs says why
        the arm does not move all the same.
        """
        move = table.after(self.state, verb)
        if move is None:
            return Refusal(ArmReason.NOT_NOW, f"Its state is {self.state.value}.")
        refusal = self._unfit(verb, now_us)
        if (refusal is None or verb in LEAVING) and (move[0] is not self.state or verb is Verb.PARK):
            self._enter(*move, now_us)
            self.why = None
        return refusal

    def saw(self, frame: Frame) -> None:
        """One frame of the tracker; each once, in order. A frame seen before changes nothing."""
        self._sight.saw(frame, followed=self.state in ENGAGED)

    def step(self, now_us: int, robot: RobotState | None) -> Output:
        """One turn. `robot` is the newest state of the arm; None, or one seen before, when nothing new has come."""
        dt_s = 0.0 if self._stepped_us is None else max(0.0, (now_us - self._stepped_us) / 1e6)
        self._stepped_us = now_us
        if robot is not None and self._health.take(robot):
            self._sight.arm(robot)
            self._steering.lag.seen(robot.received_us, robot.robot_from_tcp)
        arm, head = self._health.state, self._sight.at(now_us)
        error, angle = self._steering.error(head, None if arm is None else arm.robot_from_tcp)
        broken = None if self._leaving.starting else self._health.trouble(now_us)
        self._events(now_us, head, error, broken)
        command, goal = self._act(now_us, dt_s, None if broken else arm)
        if self.state is HoldState.APPROACH and self._steering.arrived(error, angle):
            self._happens(Event.ARRIVED, None, now_us)
        seen, seen_angle = self._steering.error(head, None if arm is None else arm.robot_from_tcp @ self._sight.off)
        if error is not None and seen is not None:  # what is judged, and shown, is the worse
            error, angle = max(error, seen, key=lambda each: each.distance_m), max(angle, seen_angle)
        lease = self._judge(now_us, head, error, angle)
        if (self._sight.age_us(now_us) or 0) > self._setup.fresh_us(FRESH_US):
            error = None
        speed = 0.0 if head is None else head.speed_m_s
        return Output(command, goal, self.state, self._said(now_us, broken, lease, speed), lease, error, speed)

    # --- what happens by itself -------------------------------------------------------------------------------------

    def _events(self, now_us: int, head: Estimate | None, error: Error | None, broken: ArmReason | None) -> None:
        if broken is not None and self._breaks(now_us, broken):
            return
        if self.state not in ENGAGED:
            return
        unsafe, blind = self._unsafe(now_us, head, error), self._sight.trouble(now_us)
        if unsafe is not None:
            self._happens(Event.UNSAFE, unsafe, now_us)
        elif self.state is HoldState.FREEZE:
            self._frozen(now_us, head, blind)
        elif blind is not None:
            self._happens(Event.LOST, blind, now_us)
        elif self.state is HoldState.TRACK and error is not None and error.lateral_m > self._setup.limits.lateral_m:
            self._happens(Event.FAR, None, now_us)

    def _breaks(self, now_us: int, broken: ArmReason) -> bool:
        at_the_head = self.state in ENGAGED or self._leaving.may_start
        if at_the_head and self._health.asleep(now_us):
            return self._happens(Event.ENDED, ArmReason.PROGRAM_ENDED, now_us)
        if self._leaving.failed:
            broken = ArmReason.NOT_TAKEN_OFF
        rests = self.state in AT_REST and not (self._parking or self._leaving.under_way)
        return not rests and self._happens(Event.BROKEN, broken, now_us)

    def _frozen(self, now_us: int, head: Estimate | None, blind: ArmReason | None) -> None:
        arm, for_us = self._health.state, now_us - self._since_us
        self.why = blind or self.why  # what began as a late frame may be a tracker that has gone
        if blind is None and self._sight.settled and for_us <= ABSENCE_US:
            self._happens(Event.BACK, None, now_us)
        elif for_us > FREEZE_US and (arm is None or self._steering.is_near(head, arm.robot_from_tcp)):
            self._happens(Event.LATE, self.why, now_us)
        elif for_us > ABSENCE_US:
            self._happens(Event.GIVEN_UP, self.why, now_us)

    def _unsafe(self, now_us: int, head: Estimate | None, error: Error | None) -> ArmReason | None:
        arm = self._health.state
        if self._sight.moved is not None or arm is None:
            return self._sight.moved
        if self._waking:
            return ArmReason.ROBOT_TIMED_OUT if now_us - self._since_us > WAKE_US else None
        if self.state is HoldState.FREEZE and self._health.touched(now_us):
            return ArmReason.FORCE
        wrong = watch.of_the_arm(now_us, self._setup, self._health, arm, self._steering.reference.pose)
        target = self._steering.target
        if wrong is not None or head is None or error is None or target is None or self.state not in FOLLOWING:
            return wrong
        return watch.of_the_head(self._setup, self._health, target, head=head, error=error, sent=self._sent)

    def _happens(self, event: Event, why: ArmReason | None, now_us: int) -> bool:
        move = table.after(self.state, event)
        if move is None:
            return False
        self._enter(*move, now_us)
        self.why = why
        return True

    def _enter(self, state: HoldState, leave: Leave, now_us: int) -> None:
        steered = self.state in ENGAGED and leave is Leave.STAY and not self._waking
        if state is HoldState.APPROACH:
            self._steering.begin()
            if not steered:
                head = self._sight.at(now_us)
                self._sent = None if head is None else head.pose
        asleep = self._waking and state is HoldState.FREEZE
        self._waking = asleep or (state in (HoldState.APPROACH, HoldState.PARKED) and not steered)
        self._parking = state is HoldState.PARKED
        self.state, self._since_us = state, now_us
        if leave is Leave.RETRACT:
            self._leaving.begin(now_us)
        else:
            self._leaving.end()

    # --- what a person orders ---------------------------------------------------------------------------------------

    def _unfit(self, verb: Verb, now_us: int) -> Refusal | None:
        """Why this verb cannot be carried out although the state allows it."""
        robot, target, arm = self._health.trouble(now_us), self._steering.target, self._health.state
        if verb in LEAVING:
            return None if robot is None or self._health.asleep(now_us) else Refusal(robot)
        if robot is not None or arm is None:
            return Refusal(robot or ArmReason.ROBOT_UNREACHABLE)
        if verb is not Verb.TO_TARGET:
            return None
        if target is None:
            return Refusal(ArmReason.NO_TARGET)
        if self._setup.robot_from_camera is None:
            return Refusal(ArmReason.NOT_CALIBRATED)
        if target.lean_rad > self._setup.limits.tilt_rad:
            leans = math.degrees(target.lean_rad)
            return Refusal(ArmReason.TILT, f"The target leans {leans:.0f}° off the scalp's normal.")
        reason = self._sight.moved or self._sight.trouble(now_us)
        reason = reason or limits.of_the_arm(self._setup.limits, self._setup.robot, arm)
        reason = reason or limits.of_the_model(self._setup.robot, arm) or self._over(arm.robot_from_tcp, arm)
        goal = self._steering.on_target(self._sight.at(now_us))
        if reason is None and goal is not None:
            reason = limits.of_the_goal(self._setup.limits, self._setup.robot, goal.translation)
        return None if reason is None else Refusal(reason)

    # --- what follows -----------------------------------------------------------------------------------------------

    def _act(self, now_us: int, dt_s: float, arm: RobotState | None) -> tuple[Command, Pose | None]:
        if self.state is HoldState.HAND:
            return Command.GUIDE, None
        if self._leaving.under_way:
            return self._leaving.command(now_us), None
        if arm is None or not (self.state in ENGAGED or self._parking):
            return Command.REST, None
        if self._waking:
            if arm.program not in AWAKE:
                return Command.REST, None
            self._waking = False
            self._steering.take_over(arm.robot_from_tcp)
        goal = self._steered(now_us, dt_s, arm)
        if goal is None:
            return Command.REST, None
        over = self._over(goal, arm)
        if over is not None and (self.state in ENGAGED or self._over(arm.robot_from_tcp, arm) is None):
            return self._untold(over, now_us), None
        self._steering.lag.told(now_us, goal, self._steering.reference.velocity)
        return Command.FOLLOW, goal

    def _over(self, goal: Pose, arm: RobotState) -> ArmReason | None:
        return limits.of_the_command(self._setup.limits, self._setup.robot, goal, arm.joints)

    def _untold(self, over: ArmReason, now_us: int) -> Command:
        """The goal lies beyond a limit: the arm is not told to go there, and comes off the head it stands at. Only one
        that stands beyond it already may go home.
        """
        if self._happens(Event.UNSAFE, over, now_us):
            return self._leaving.command(now_us)
        self.why, self._parking = over, False
        return Command.REST

    def _steered(self, now_us: int, dt_s: float, arm: RobotState) -> Pose | None:
        if self.state is HoldState.FREEZE:
            return self._steering.stand(dt_s)
        if self.state is not HoldState.PARKED:
            return self._steering.follow(now_us, dt_s, self._sight, tracks=self.state is HoldState.TRACK)
        goal = self._steering.park(now_us, dt_s, self._sight)
        self.why = watch.of_the_arm(now_us, self._setup, self._health, arm, goal)
        self._parking = self.why is None and not self._steering.is_parked()
        return goal

    def _judge(self, now_us: int, head: Estimate | None, error: Error | None, angle: float) -> Lease:
        arm, target, age_us = self._health.state, self._steering.target, self._sight.age_us(now_us)
        seen = None if age_us is None else self._sight.at(now_us - age_us)
        held = self.state is HoldState.TRACK or (self.state is HoldState.FREEZE and not self._sight.doubtful)
        if not held or head is None or error is None or arm is None or target is None:
            return self._lease.none()
        if seen is None or age_us is None:
            return self._lease.none()
        if self._sight.doubtful or self._health.slow or self._health.trouble(now_us) is not None:
            return self._lease.none()
        site, turn_noise = target.head_from_target.translation, self._sight.turn_noise_rad
        return self._lease.judge(
            Situation(
                at_us=now_us,
                distance_m=error.distance_m,
                angle_rad=angle,
                head_m_s=head.speed_m_s,
                site_m_s=math.hypot(*head.velocity_of(site)),
                turning_rad_s=math.hypot(*head.turning),
                noise_m=math.hypot(self._setup.tracker.noise_m, turn_noise * math.hypot(*site), self._setup.unsure_m),
                noise_rad=math.hypot(turn_noise, self._setup.unsure_rad),
                head_age_us=age_us,
                robot_age_us=now_us - arm.received_us,
                coil_age_us=self._sight.coil_age_us(now_us),
                head=seen.pose.translation,
            )
        )

    def _said(self, now_us: int, broken: ArmReason | None, lease: Lease, speed_m_s: float) -> ArmReason | None:
        """Why it stands, retracts, or holds back the lease."""
        if self.why is not None or broken is not None:
            return self.why or broken
        if self.state is not HoldState.TRACK:
            return None
        if self._health.slow:
            return ArmReason.ROBOT_SLOW
        if lease is Lease.BEGIN:
            return self._sight.trouble(now_us)
        coil = self._sight.coil_trouble(now_us)
        if speed_m_s > BEGIN_HEAD_M_S and coil is not ArmReason.COIL_MARKER_UNSEEN:
            return ArmReason.HEAD_FAST
        return self._sight.trouble(now_us) or coil

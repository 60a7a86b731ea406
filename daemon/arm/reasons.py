"""Every reason the coil hold may stand still, retract or refuse for: its name in JSON, and what an operator reads."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Self

from safety.reasons import Sentence

_ANEW = "end the session, run `coilward calibrate run`, then start or continue it."
"""A session goes by one calibration from its opening to its end."""


class ArmReason(Enum):
    """Name in JSON; what happened, why, what to do next."""

    _value_: str
    sentence: Sentence

    def __new__(cls, name: str, what: str, why: str, next_: str) -> Self:
        member = object.__new__(cls)
        member._value_ = name
        member.sentence = Sentence(what, why, next_)
        return member

    @property
    def json(self) -> str:
        """Its name in messages."""
        return self._value_

    # fmt: off
    # The tracker and what it sees
    HEAD_LOST = ("head-lost", "The coil waits.", "The camera does not see the head marker.",
        "Clear the view from the camera to the head.")
    TRACKER_SILENT = ("tracker-silent", "The coil waits.", "The tracker sends nothing.",
        "Check the tracker's power and cable.")
    TRACKER_LATE = ("tracker-late", "The coil waits.", "The tracker's frames come late.",
        "Close what else keeps this machine busy, and check the tracker's cable.")
    TRACKER_FROZEN = ("tracker-frozen", "The coil waits.", "The tracker repeats a pose to the last digit.",
        "Switch the tracker off and on.")
    JUMP = ("jump", "The coil waits.", "The head marker moved further between two frames than a head can.",
        "See whether the marker sits where it was: one that has moved is registered anew. Then send the coil again.")
    MARKER_SWAP = ("marker-swap", "The coil waits.", "The tracker took the coil's marker for the head's.",
        "Check the markers and their tool files, then send the coil to the target again.")
    CAMERA_MOVED = ("camera-moved", "The coil is taken away.", "The head and the coil marker shifted together.",
        f"Fix the camera, {_ANEW}")
    COIL_MARKER_DISAGREES = ("coil-marker-disagrees", "The coil is taken away.",
        "The camera sees the coil where the robot says it is not: the robot's base or the coil's marker has shifted.",
        f"Check the base and the coil's marker, {_ANEW}")
    COIL_MARKER_UNSEEN = ("coil-marker-unseen", "No train can begin or go on.",
        "The camera does not see the coil's marker, so nobody but the robot says where the coil is.",
        "Clear the view from the camera to the coil's marker.")
    COIL_SEEN_OFF = ("coil-seen-off", "No train can begin.",
        "Camera and robot disagree about where the coil is: something has shifted, or the calibration is too coarse.",
        f"Fix camera, base and marker, {_ANEW}")
    HEAD_FAST = ("head-fast", "No train can begin or go on.", "The head moves too fast.", "Wait until it is still.")
    # The goal and the way there
    NO_TARGET = ("no-target", "The coil stays where it is.", "No session has given it a target.",
        "Start a session: it holds the coil where `coilward target record` found it for its subject.")
    NOT_CALIBRATED = ("not-calibrated", "The coil stays where it is.",
        "Nobody has measured where the camera stands in the robot's frame.", "Run `coilward calibrate run` first.")
    OUT_OF_REACH = ("out-of-reach", "The coil does not go there.", "The goal lies outside the workspace.",
        "Move the robot's base or the chair.")
    JOINT_RANGE = ("joint-range", "The coil is taken away.", "A joint of the arm is near the end of its range.",
        "Park the arm and place its base or the chair differently.")
    NEAR_SINGULARITY = ("near-singularity", "The coil is taken away.",
        "The arm is nearly stretched or folded, where small steps become large joint motions.",
        "Park the arm and place its base or the chair differently.")
    OTHER_MODEL = ("other-model", "The coil stays where it is.",
        "The arm's joints put its tool elsewhere than the arm says: its model or its tool is not the site file's.",
        "Check [robot] model and tool in the site file, and the tool set in the arm's controller.")
    TILT = ("tilt", "The coil does not go there.", "It would be tilted too far against the head.",
        "Check the target and the head's posture.")
    NOT_NOW = ("not-now", "The order was not carried out.", "It is not possible in the arm's present state.",
        "Park the arm or send the coil away first.")
    SENT_OFF = ("sent-off", "The coil stays where it is.", "Somebody sent it off the head after this was asked.",
        "See why, then send the coil to the target again.")
    # The arm
    ROBOT_STOPPED = ("robot-stopped", "The arm stands.", "Its own safety system, or a person, has stopped it.",
        "Look why it stopped, then release the stop: at its pendant, or a protective one by `coilward arm unlock`.")
    ROBOT_OFF = ("robot-off", "The arm stands.", "Its power is off, or its brakes are closed.",
        "Stand beside it and run `coilward arm on`, then send the coil again.")
    PROGRAM_ENDED = ("program-ended", "The coil is taken away.",
        "The program in the arm's controller ended while the coil was at the head: it was started again for this.",
        "Look at the pendant why it ended, then send the coil to the target again.")
    NOT_TAKEN_OFF = ("not-taken-off", "The coil stands, maybe at the head.",
        "The program in the arm's controller ended and does not run again, so nothing takes the coil off.",
        "Move the head away from the coil, look at the pendant, then send the coil away.")
    ROBOT_UNREACHABLE = ("robot-unreachable", "The arm is not in our hands.", "Its controller does not answer.",
        "Check its power and cable; the arm retracts by itself.")
    ROBOT_SLOW = ("robot-slow", "No train can begin or go on.", "The arm does not follow its set-points in time.",
        "Set the speed slider of the arm's controller to 100 %.")
    ROBOT_TIMED_OUT = ("robot-timed-out", "The arm has retracted by itself.", "It heard nothing from us in time.",
        "Check the load of this machine and the network, then send the coil to the target again.")
    REFUSED_GOAL = ("refused-goal", "The arm stands.", "Its controller refused a set-point as too far or outside.",
        "Check the workspace in the site file against the one in the controller.")
    TOO_FAST = ("too-fast", "The coil is taken away.", "The arm was measured faster than it may be.",
        "Check the arm before it is used again.")
    CLOSING_FAST = ("closing-fast", "The coil is taken away.", "The head and the coil came together too fast.",
        "Check the subject, then send the coil to the target again.")
    FORCE = ("force", "The coil is taken away.", "It met a force it must not meet.",
        "Check the subject, then send the coil to the target again.")
    # fmt: on


@dataclass(frozen=True, slots=True)
class Refusal:
    """An order that is not carried out."""

    reason: ArmReason
    detail: str = ""
    """The figures behind it, for people; may be empty."""

    def __str__(self) -> str:
        return f"{self.reason.sentence} {self.detail}".rstrip()

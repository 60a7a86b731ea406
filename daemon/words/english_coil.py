"""English, of the arm and the coil it holds."""

from __future__ import annotations

from daemon.arm.reasons import ArmReason
from daemon.messages import Sentence
from daemon.words.catalogue import PhaseWord

STATES = {
    "parked": PhaseWord("PARKED", "grey", "square", "The coil rests away from the subject, or is on its way there."),
    "approach": PhaseWord("APPROACHING", "blue", "triangle", "The coil is on its way to the target."),
    "track": PhaseWord("FOLLOWING", "green", "circle", "The coil follows the head."),
    "freeze": PhaseWord("STANDING STILL", "yellow", "dashed", "The arm does not know enough to move."),
    "retract": PhaseWord(
        "TAKEN OFF", "yellow", "octagon", "The arm took the coil off the head; a person sends it back."
    ),
    "away": PhaseWord("AWAY", "grey", "square", "The coil was taken off the head."),
    "hand": PhaseWord("BY HAND", "yellow", "triangle", "The arm gives way to a person's hand."),
    "stopped": PhaseWord("STOPPED", "red", "octagon", "STOP was pressed; the coil comes off the head and stays off."),
    "fault": PhaseWord("ARM FAULT", "red", "triangle", "The arm does not obey: look at it and at its controller."),
}

_BACK = "Look at the subject, then press Release: the coil comes back."
_OURS = {
    "arm-lost": Sentence(
        what="Nobody moves the arm.",
        why="coilward-arm does not answer; the arm takes the coil off the head by itself.",
        next="Start coilward-arm, or wait until it is back.",
    ),
    "arm-silent": Sentence(
        what="Nobody knows where the coil is.",
        why="coilward-arm has said nothing for half a second.",
        next="Wait; if it stays silent, see its log.",
    ),
    "tracker-hangs": Sentence(
        what="The coil waits.",
        why="The tracker answers, but shows the same frame again and again.",
        next="Switch the tracker off and on.",
    ),
    "coil-approaching": Sentence(
        what="No train begins yet.", why="The coil is on its way to the target.", next="Wait until it is there."
    ),
    "coil-settling": Sentence(
        what="No train begins yet.", why="The coil has not rested on its target long enough.", next="Wait a moment."
    ),
    "coil-absent": Sentence(what="The session is paused.", why="The coil stayed off its target too long.", next=_BACK),
    "coil-retracted": Sentence(what="The session is paused.", why="The arm took the coil off the head.", next=_BACK),
    "coil-away": Sentence(what="The session is paused.", why="A person had the coil taken off the head.", next=_BACK),
    "coil-parked": Sentence(what="The session is paused.", why="The arm went to its parking place.", next=_BACK),
    "coil-guided": Sentence(
        what="The session is paused.",
        why="The arm gives way to a person's hand.",
        next="Let go of it, then press Release: the coil goes to its target by itself.",
    ),
    "coil-stopped": Sentence(what="The session is paused.", why="STOP took the coil off the head.", next=_BACK),
    "coil-fault": Sentence(
        what="The session is paused.",
        why="The arm does not obey.",
        next="Look at the arm and at its controller; once it runs again, press Release.",
    ),
    "coil-refused": Sentence(
        what="The session is paused.",
        why="The arm does not go to the target.",
        next="Mend what it names, then release.",
    ),
}
_THE_ARMS = {
    reason.json: Sentence(what=reason.sentence.what, why=reason.sentence.why, next=reason.sentence.next)
    for reason in ArmReason
}
REASONS = {**_THE_ARMS, **_OURS}

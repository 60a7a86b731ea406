"""English."""

from __future__ import annotations

from daemon.messages import Sentence
from daemon.words.catalogue import Catalogue, PhaseWord
from daemon.words.english_coil import REASONS, STATES

ENGLISH = Catalogue(
    phases={
        "idle": PhaseWord("DISARMED", "grey", "square", "The stimulator is disarmed; no session is open."),
        "checks": PhaseWord("CHECKING", "blue", "circle", "The watchdog is judging whether this may be opened."),
        "positioning": PhaseWord(
            "PREPARING", "blue", "square", "Disarmed. Place the coil, check the subject, then press Release."
        ),
        "gap": PhaseWord("INTERVAL", "blue", "circle", "Between trains; the next one starts by itself."),
        "arming": PhaseWord("ARMING", "yellow", "triangle", "The stimulator is being set and armed."),
        "armed": PhaseWord("ARMED", "yellow", "triangle", "The stimulator is ready; pulses are about to begin."),
        "train": PhaseWord("STIMULATING", "red", "circle", "Pulses are going out."),
        "stopping": PhaseWord("STOPPING", "yellow", "octagon", "Disarmed; the last pulses are being counted."),
        "held": PhaseWord("HELD", "yellow", "dashed", "A condition stands in the way; it goes on when that clears."),
        "paused": PhaseWord("PAUSED", "yellow", "square", "Disarmed; press Release to go on, or end the session."),
        "tripped": PhaseWord(
            "SAFETY STOP", "red", "octagon", "The watchdog has stopped it and keeps it so: mend the cause, then reset."
        ),
        "unknown-pulses": PhaseWord(
            "UNKNOWN PULSES", "red", "dashed", "Nobody can say whether pulses went out; resolve them with a reason."
        ),
        "done": PhaseWord("DONE", "green", "square", "The session is complete."),
        "ended-early": PhaseWord("ENDED EARLY", "grey", "square", "The session ended before its plan was complete."),
        "refused": PhaseWord("REFUSED", "grey", "square", "The session was not opened."),
    },
    unknown=PhaseWord("UNKNOWN", "grey", "dashed", "Nothing live is heard from the room: believe the stimulator only."),
    standing={
        "boot": PhaseWord("STARTING", "blue", "dashed", "The stimulator is being brought to standby. Wait a moment."),
        "lockout": PhaseWord(
            "LOCKED", "red", "square", "Nothing can be stimulated: the pulse record is in doubt. Call the engineer."
        ),
        "no-watchdog": PhaseWord(
            "NO WATCHDOG",
            "grey",
            "triangle",
            "The watchdog does not answer: nothing can be stimulated until it is back.",
        ),
        "no-stimulator": PhaseWord(
            "NO STIMULATOR", "grey", "octagon", "The stimulator does not answer. Check its power and its cable."
        ),
        "emergency": PhaseWord(
            "EMERGENCY", "red", "triangle", "Look after the subject. The stimulator is being disarmed; call for help."
        ),
        "no-arm": PhaseWord(
            "NO ARM", "grey", "dashed", "The arm does not answer; it takes the coil off the head by itself."
        ),
    },
    reasons={
        "retained": Sentence(
            what="The command was refused.",
            why="It was published to stay with the broker (retained), so nobody knows when it was meant.",
            next="Send it again without the retain flag.",
        ),
        "stale": Sentence(
            what="The command was refused.",
            why="It does not quote a nonce the watchdog gave within the last 2 s.",
            next="Check the connection, then ask again.",
        ),
        "conflict": Sentence(
            what="The command was refused.",
            why="The room has changed since you looked.",
            next="Look at the state as it is now, then decide again.",
        ),
        "repeated": Sentence(
            what="The command was not carried out a second time.",
            why="A command with the same id has arrived before.",
            next="Look at the state; ask again with a new id if it is still wanted.",
        ),
        "role": Sentence(
            what="{verb} was refused.",
            why="{user} is signed in as {role}, and it takes {needed}.",
            next="Ask somebody with that role, or have the site file changed.",
        ),
        "unknown-user": Sentence(
            what="{verb} was refused.",
            why="{user} is not among this room's operators.",
            next="Have the user added to [[operators]] in the site file.",
        ),
        "no-control": Sentence(
            what="{verb} was refused.",
            why="Control is held by {holder}.",
            next="Take control first; if somebody holds it, ask them to hand it over.",
        ),
        "held-by": Sentence(
            what="Control was not taken.",
            why="{holder} holds it and is present.",
            next="Ask {holder} to hand it over.",
        ),
        "malformed": Sentence(
            what="The command was refused.",
            why="It is not written as the room expects: {problem}.",
            next="Compare it with docs/asyncapi.json.",
        ),
        "unknown-verb": Sentence(
            what="The command was refused.",
            why="There is no verb {verb}.",
            next="Compare it with docs/asyncapi.json.",
        ),
        "busy": Sentence(
            what="The command was not carried out.",
            why="The room is still working on others.",
            next="Wait a moment, then ask again. STOP always passes.",
        ),
        "no-answer": Sentence(
            what="{verb} has not been confirmed.",
            why="The room did not finish it within {seconds} s.",
            next="Look at the state before you do anything else.",
        ),
        "fault": Sentence(
            what="{verb} failed.",
            why="The daemon met a fault of its own and ends; the watchdog disarms.",
            next="Look at the stimulator, then at the daemon's log.",
        ),
        "not-lower": Sentence(
            what="The intensity was not changed.",
            why="{asked} is above the present {present}, and this verb only lowers.",
            next="Ask to raise it, if that is what you want.",
        ),
    },
    outcomes={
        "completed": "completed",
        "ended_early": "ended early",
        "emergency": "ended by an emergency, never to be continued",
        "never_ended": "never ended: its control program was gone first; only the pulse record knows of later pulses",
        "stopped": "stopped by the operator",
        "tripped": "stopped by the watchdog",
        "refused": "refused",
        "unknown_pulses": "unknown pulses: nobody can say whether they went out",
    },
    cutting={
        "assumed": "assumed to cut a running train; no lab has shown it",
        "proven": "cuts a running train, shown by this lab",
        "no": "does not cut a running train",
    },
    coil=STATES,
    coil_reasons=REASONS,
)

"""Every reason the watchdog may refuse, hold, cut, stop, trip or lock out for.

One row each: its name on the wire, what follows from it, who may lift it, and what an operator reads: what happened,
why, what to do next. Braces are filled from the detail of a refusal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from hashlib import blake2s
from typing import Self


class Outcome(Enum):
    """What follows from a reason."""

    REFUSED = "refused"
    """This request is not carried out; nothing else changes."""
    HOLD = "hold"
    """No permits until it clears by itself."""
    CUT = "cut"
    """A running train is disarmed, then hold."""
    STOP = "stop"
    """The session pauses; the operator releases again."""
    TRIP = "trip"
    """Latched and disarmed; the operator resets."""
    TRIP_TWO = "trip, two persons"
    """Latched and disarmed; two different operators reset within 30 s."""
    LOCKOUT = "lockout"
    """Nothing arms until an engineer unlocks the ledger."""


class Who(Enum):
    """Whose act it takes before pulses can go on."""

    NOBODY = "nobody"
    OPERATOR = "operator"
    TWO = "two"
    PHYSICIAN = "physician"
    ENGINEER = "engineer"


_FOLLOWS = {
    Outcome.REFUSED: Who.NOBODY,
    Outcome.HOLD: Who.NOBODY,
    Outcome.CUT: Who.NOBODY,
    Outcome.STOP: Who.OPERATOR,
    Outcome.TRIP: Who.OPERATOR,
    Outcome.TRIP_TWO: Who.TWO,
    Outcome.LOCKOUT: Who.ENGINEER,
}


@dataclass(frozen=True, slots=True)
class Sentence:
    """What an operator reads."""

    what: str
    why: str
    next: str

    def filled(self, detail: Mapping[str, object]) -> Sentence:
        """With the numbers of one case; a number that is not known reads as an ellipsis."""
        known = defaultdict(lambda: "…", {key: str(value) for key, value in detail.items()})
        return Sentence(*(part.format_map(known) for part in (self.what, self.why, self.next)))

    def __str__(self) -> str:
        return f"{self.what} {self.why} {self.next}"


class Reason(Enum):
    """Name on the wire, outcome, what, why, next."""

    _value_: str
    outcome: Outcome
    sentence: Sentence

    def __new__(cls, name: str, outcome: Outcome, what: str, why: str, next_: str) -> Self:
        member = object.__new__(cls)
        member._value_ = name
        member.outcome = outcome
        member.sentence = Sentence(what, why, next_)
        return member

    @classmethod
    def named(cls, name: str) -> Reason:
        """The reason of a name on the wire; KeyError when there is none."""
        return cls[name.replace("-", "_").upper()]

    @property
    def json(self) -> str:
        """Its name on the wire."""
        return self._value_

    @property
    def code(self) -> int:
        """Its number in the ledger, 1 to 65535: drawn from the name, so that no new row renumbers old records."""
        return int.from_bytes(blake2s(self._value_.encode(), digest_size=2).digest(), "little")

    @property
    def who(self) -> Who:
        """Who may lift it."""
        return _LIFTED_BY.get(self, _FOLLOWS[self.outcome])

    # A row is two or three lines, so that the table can be read as one.
    # fmt: off
    # Frames and doors
    NOT_SPEAKING = ("not-speaking", Outcome.REFUSED, "The command was not passed on.",
        "Another program is using the stimulator.", "End that session first, then try again.")
    UNKNOWN_FRAME = ("unknown-frame", Outcome.REFUSED, "The command was not passed on.",
        "It is not a command of this stimulator.", "Check the model and firmware in the site file.")
    MALFORMED_FRAME = ("malformed-frame", Outcome.REFUSED, "The command was not passed on.",
        "It arrived damaged or with a wrong checksum.", "Check the program that sent it.")
    FORBIDDEN_FRAME = ("forbidden-frame", Outcome.REFUSED, "The command was not passed on.",
        "It would bypass a protection of the stimulator.", "Remove this command from the program; it is never allowed.")
    QUEUE_FULL = ("queue-full", Outcome.REFUSED, "The command was not passed on.",
        "Too many commands are waiting for the stimulator.", "Let the program wait for each answer.")
    NO_SESSION = ("no-session", Outcome.REFUSED, "The command was not passed on.",
        "No session is open.", "Open a session first.")
    SETTING_OUT_OF_RANGE = ("setting-out-of-range", Outcome.REFUSED, "The {field} was not changed.",
        "{asked} is outside what is allowed now: {allowed}.", "Choose a value inside, or open the right session.")
    SETTING_WHILE_TRAIN = ("setting-while-train", Outcome.REFUSED, "The setting was not changed.",
        "A train is running.", "Change it when the train has ended.")
    OVER_LIMIT_FRAME = ("over-limit-frame", Outcome.TRIP_TWO, "Stimulation is locked.",
        "Our own program asked for more than the limits allow.", "Two operators reset; report this fault.")
    MALFORMED_MESSAGE = ("malformed-message", Outcome.REFUSED, "The request was not understood.",
        "It does not have the form that is agreed: {why}.", "Use programs of the same version.")

    # Standing conditions
    BOOT = ("boot", Outcome.HOLD, "The stimulator is not ready yet.",
        "It is being brought to standby after a start.", "Wait a moment.")
    TRIPPED = ("tripped", Outcome.REFUSED, "Nothing can be stimulated now.",
        "A safety stop is active.", "Read its cause on the panel, mend it, then reset.")
    LOCKED_OUT = ("locked-out", Outcome.LOCKOUT, "The system is locked.",
        "The pulse record could not be written, or does not hold together.",
        "Call an engineer: `coilward-watchdog ledger verify` says why, `coilward-watchdog ledger unlock` ends it.")
    NOT_RELEASED = ("not-released", Outcome.REFUSED, "Nothing is stimulated.",
        "The operator has not released this part of the session.", "Check the subject and press Release.")
    BEATS_LOST = ("beats-lost", Outcome.TRIP, "Stimulation was stopped.",
        "The control program stopped answering.", "Check that it runs, then reset.")
    PRESENCE_OLD = ("presence-old", Outcome.HOLD, "No new train begins.",
        "The operator has not been seen for a moment.", "Come back to the panel.")
    PRESENCE_LOST = ("presence-lost", Outcome.STOP, "The session is paused.",
        "The operator was away too long.", "Come back, check the subject and press Release.")
    ARM_ABSENT = ("arm-absent", Outcome.REFUSED, "The session was not opened.",
        "Nothing reports where the coil is.", "Start coilward-arm, then try again.")
    NOT_THE_ARM = ("not-the-arm", Outcome.REFUSED, "The connection was refused.",
        "Only one program, the arm's own, may report that the coil is on its target.",
        "Check the user of coilward-arm in the site file, and that it runs once.")
    NOT_THE_DAEMON = ("not-the-daemon", Outcome.REFUSED, "The connection was refused.",
        "Only the daemon's own user may say which person asks.",
        "Name the user of coilward-daemon in the site file, as daemon_user under [watchdog].")
    LEASE_MISSING = ("lease-missing", Outcome.HOLD, "No new train begins.",
        "The coil is not on its target.", "Wait, or bring the coil to the target.")
    LEASE_LOST = ("lease-lost", Outcome.CUT, "The train was cut.",
        "The coil left its target.", "Bring the coil back; it goes on by itself after a short absence.")
    READ_BACK_STALE = ("read-back-stale", Outcome.HOLD, "No new train begins.",
        "The stimulator's settings have not been read back lately.", "Wait a moment; if it stays, check the cable.")
    READ_BACK_DIFFERS = ("read-back-differs", Outcome.REFUSED, "The pulse was not given.",
        "The stimulator shows {shown}, {expected} was expected.", "Set the stimulator again.")
    NOT_READY = ("not-ready", Outcome.HOLD, "No new train begins.",
        "The stimulator is still charging.", "Wait until it is ready.")
    NOT_ARMED = ("not-armed", Outcome.REFUSED, "The pulse was not given.",
        "The stimulator is not armed.", "Arm it first.")
    COIL_HOT = ("coil-hot", Outcome.STOP, "The session is paused.",
        "The coil is warm.", "Let it cool or change the coil, then press Release.")
    COIL_TOO_HOT = ("coil-too-hot", Outcome.TRIP, "Stimulation was stopped.",
        "The coil is too hot for skin.", "Take the coil off the head, let it cool, then reset.")
    TEMPERATURE_UNREAD = ("temperature-unread", Outcome.TRIP, "Stimulation was stopped.",
        "The coil's temperature could not be read.", "Check the coil's plug, then reset.")
    COIL_MISSING = ("coil-missing", Outcome.STOP, "The session is paused.",
        "The stimulator sees no coil.", "Plug the coil in, then press Release.")
    DEVICE_FAULT = ("device-fault", Outcome.STOP, "The session is paused.",
        "The stimulator reports a fault.", "Read its display and follow its manual, then press Release.")
    LEDGER_LATE = ("ledger-late", Outcome.REFUSED, "The train was not begun.",
        "The disk was too slow to record it first.", "Try again; if it repeats, check the disk.")
    LEDGER_FAILED = ("ledger-failed", Outcome.LOCKOUT, "The system is locked.",
        "The pulse record could not be written.",
        "Call an engineer to check the disk, stop the watchdog and run `coilward-watchdog ledger unlock`.")
    UNKNOWN_OPEN = ("unknown-open", Outcome.STOP, "The session is paused.",
        "Nobody knows whether the last pulse went out; it is counted.",
        "Say what happened under Resolve, with a reason.")
    PORT_ABSENT = ("port-absent", Outcome.HOLD, "No stimulator.",
        "Its port is missing or it does not answer.", "Check power, cable and the port in the site file.")
    PORT_LOST = ("port-lost", Outcome.TRIP, "Press STOP on the stimulator.",
        "The connection was lost while it was armed.", "Check the cable, then reset.")
    DISARM_UNCONFIRMED = ("disarm-unconfirmed", Outcome.TRIP, "Press STOP on the stimulator.",
        "It has not confirmed that it is disarmed.", "When it shows standby, reset.")
    LATE_TICK = ("late-tick", Outcome.TRIP, "Stimulation was stopped.",
        "This computer stalled for a moment.", "End other programs on it, then reset.")
    LEVEL_CHANGED = ("level-changed", Outcome.TRIP, "Stimulation was stopped.",
        "The output was changed at the stimulator while it was armed.",
        "Leave its knobs alone during a session, then reset.")
    EVIDENCE_CONTRADICTS = ("evidence-contradicts", Outcome.TRIP_TWO, "Stimulation is locked.",
        "The stimulator delivered another number of pulses than was set.",
        "Two operators reset; have the stimulator checked.")
    TRAIN_NOT_TRIGGERED = ("train-not-triggered", Outcome.TRIP_TWO, "Stimulation is locked.",
        "The stimulator ran a train that nobody here triggered.",
        "Find the foot switch or program that did; two operators reset.")
    TRIGGER_REFUSED = ("trigger-refused", Outcome.STOP, "The session is paused.",
        "The stimulator refused to give the pulse.", "Read its display, then press Release.")
    DEVICE_DISARMED_ITSELF = ("device-disarmed-itself", Outcome.STOP, "The session is paused.",
        "The stimulator went to standby by itself.", "Read its display, check the coil, then press Release.")
    ARMED_IDLE = ("armed-idle", Outcome.HOLD, "The stimulator was disarmed.",
        "It was armed for a while and nothing followed.", "It is armed again before the next train.")
    ARMED_ELSEWHERE = ("armed-elsewhere", Outcome.STOP, "The session is paused.",
        "The stimulator was armed by somebody else.", "Leave its buttons alone during a session, then press Release.")
    REMOTE_LOST = ("remote-lost", Outcome.REFUSED, "Nothing is stimulated.",
        "The stimulator gave up remote control.", "Wait until the program has taken it again, or reconnect.")
    TOO_MANY_CUTS = ("too-many-cuts", Outcome.STOP, "The session is paused.",
        "Too many trains had to be cut.", "Check the coil, the subject's seat and the tracker, then press Release.")
    STOP_ASKED = ("stop-asked", Outcome.STOP, "Stimulation was stopped.",
        "Somebody asked for it.", "Press Release to go on, or end the session.")

    # Permits
    NO_PERMIT = ("no-permit", Outcome.REFUSED, "The pulse was not given.",
        "It had not been allowed beforehand.", "Ask for the train first, then trigger it.")
    PERMIT_EXPIRED = ("permit-expired", Outcome.REFUSED, "The pulse was not given.",
        "It came too long after it was allowed.", "Ask for the train again.")
    PERMIT_DIFFERS = ("permit-differs", Outcome.REFUSED, "The pulse was not given.",
        "The stimulator is set to {shown}, allowed was {expected}.",
        "Set what was allowed, or ask for the train again.")
    PERMIT_TOO_SOON = ("permit-too-soon", Outcome.REFUSED, "The pulse was not given.",
        "It came sooner after the last one than was allowed.", "Keep to the times that were asked for.")
    PERMIT_BUSY = ("permit-busy", Outcome.REFUSED, "The train was not allowed.",
        "Another one is still open.", "Wait for its end, or withdraw it.")
    TRAIN_RUNNING = ("train-running", Outcome.REFUSED, "The command was not passed on.",
        "A train is running.", "Wait for its end.")

    # Sessions and commands
    SESSION_OPEN = ("session-open", Outcome.REFUSED, "The session was not opened.",
        "Another one is open.", "Close that one first.")
    NOT_SESSION_HOLDER = ("not-session-holder", Outcome.REFUSED, "The request was not carried out.",
        "Another program holds this session.", "Use the program that opened it; stopping is always possible.")
    SESSION_ENDED = ("session-ended", Outcome.STOP, "The session has ended.",
        "The program that held it is gone.", "Start it again and continue the session.")
    HASH_DIFFERS = ("hash-differs", Outcome.REFUSED, "Nothing was released.",
        "The session changed since it was shown to you.", "Read it again, then press Release.")
    NONCE_STALE = ("nonce-stale", Outcome.REFUSED, "The request was not carried out.",
        "What you saw was too old when you decided.", "Look at the panel and press again.")
    RESET_NEEDS_SECOND_PERSON = ("reset-needs-second-person", Outcome.REFUSED, "The safety stop is still active.",
        "Its reset takes two different operators.", "Ask a second operator to reset now as well.")
    RESET_CONDITIONS = ("reset-conditions", Outcome.REFUSED, "The safety stop is still active.",
        "Its cause is still there.", "Mend it, then reset.")
    NOTHING_TRIPPED = ("nothing-tripped", Outcome.REFUSED, "Nothing was reset.",
        "No safety stop is active.", "Go on.")
    NOTHING_TO_RESOLVE = ("nothing-to-resolve", Outcome.REFUSED, "Nothing was resolved.",
        "No pulse with this number is in doubt.", "Read the list of open pulses again.")
    RESOLVE_CONDITIONS = ("resolve-conditions", Outcome.REFUSED, "Nothing was resolved.",
        "The stimulator has not been read in standby.",
        "Switch it on and wait for its standby, or unplug its port; then resolve.")
    SUBJECT_BLOCKED = ("subject-blocked", Outcome.REFUSED, "The session was not opened.",
        "This subject is blocked after an emergency or by a person.",
        "Do not stimulate this subject; ask the responsible physician, who may unblock.")
    NOT_BLOCKED = ("not-blocked", Outcome.REFUSED, "Nothing was unblocked.",
        "No block stands against {subject}.", "Check the pseudonym.")
    BLOCK_WHILE_OPEN = ("block-while-open", Outcome.REFUSED, "The block was not changed.",
        "A session is open.", "End it first; in an emergency press Emergency.")
    BLOCK_LATE = ("block-late", Outcome.REFUSED, "The change of the block is not confirmed.",
        "The disk was too slow to record it.", "Look whether the subject is blocked, then ask again.")
    CANNOT_CONTINUE = ("cannot-continue", Outcome.REFUSED, "The session was not continued.",
        "It cannot go on where it ended: {why}.",
        "Use the same subject, protocol and coil, or begin a new session.")
    UNKNOWN_PROTOCOL = ("unknown-protocol", Outcome.REFUSED, "The session was not opened.",
        "There is no protocol {protocol} here.", "Choose one of these: {known}.")
    PROTOCOL_NOT_AUTHORISED = ("protocol-not-authorised", Outcome.REFUSED, "The train was not allowed.",
        "At {cell} it lasts {asked}, the tables end at {allowed}; this subject has no authorisation.",
        "File an authorisation for this subject, or choose another protocol.")
    USE_FORBIDS = ("use-forbids", Outcome.REFUSED, "The session was not opened.",
        "In use {use} nobody is stimulated.", "Open a phantom session, or change the use in the site file.")
    STUDY_INCOMPLETE = ("study-incomplete", Outcome.REFUSED, "Nothing is stimulated.",
        "The study lacks what it needs: {lacks}.",
        "Have numbers reviewed and signed, or an ended study renewed in the site file.")

    # Limits
    THRESHOLD_MISSING = ("threshold-missing", Outcome.REFUSED, "The session was not opened.",
        "This subject has no motor threshold.", "Determine it first.")
    THRESHOLD_OLD = ("threshold-old", Outcome.REFUSED, "The train was not allowed.",
        "The motor threshold is {asked} old, {allowed} at most is allowed.", "Determine it again.")
    THRESHOLD_POOR = ("threshold-poor", Outcome.REFUSED, "The train was not allowed.",
        "The motor threshold is uncertain: {asked}; needed: {allowed}.", "Go on determining it, or do it again.")
    THRESHOLD_OTHER_COIL = ("threshold-other-coil", Outcome.REFUSED, "The train was not allowed.",
        "The motor threshold belongs to another coil than the one in use.",
        "Connect that coil, or determine the threshold again.")
    THRESHOLD_VISUAL = ("threshold-visual", Outcome.REFUSED, "The train was not allowed.",
        "{asked} of a threshold seen by eye is too strong; {allowed} at most.",
        "Lower the intensity, or determine the threshold with EMG.")
    THRESHOLD_SIMULATED = ("threshold-simulated", Outcome.REFUSED, "The session was not opened.",
        "The motor threshold comes from a simulation.", "Determine it on the subject.")
    HUNT_SINGLE_PULSES = ("hunt-single-pulses", Outcome.REFUSED, "The train was not allowed.",
        "A threshold is determined with single pulses.", "Set the stimulator to single pulses.")
    HUNT_TOO_STRONG = ("hunt-too-strong", Outcome.REFUSED, "The pulse was not allowed.",
        "{asked} is far above the estimate; {allowed} at most.", "Go up in smaller steps.")
    NOT_IN_PROTOCOL = ("not-in-protocol", Outcome.REFUSED, "The train was not allowed.",
        "{asked} is not what the protocol prescribes: {allowed}.", "Set what the protocol prescribes.")
    LEVEL_OVER_CEILING = ("level-over-ceiling", Outcome.REFUSED, "The pulse was not allowed.",
        "{asked} is above this session's highest output, {allowed}.", "Lower the output.")
    INTENSITY_OVER_LIMIT = ("intensity-over-limit", Outcome.REFUSED, "The pulse was not allowed.",
        "{asked} is above the limit of {allowed}.", "Lower the output.")
    RAISE_TOO_LARGE = ("raise-too-large", Outcome.REFUSED, "The intensity was not raised.",
        "{asked} is more than one step up; {allowed} at most now.", "Raise to that, give a train and ask the subject.")
    RATE_OVER_LIMIT = ("rate-over-limit", Outcome.REFUSED, "The train was not allowed.",
        "{asked} is faster than the limit of {allowed}.", "Choose a lower rate.")
    TRAIN_TOO_LONG = ("train-too-long", Outcome.REFUSED, "The train was not allowed.",
        "At {cell} it may last {allowed}; it would last {asked}.", "Use fewer pulses, a lower rate or a lower output.")
    GAP_TOO_SHORT = ("gap-too-short", Outcome.REFUSED, "The train was not allowed.",
        "It comes {asked} after the last one; at least {allowed} must pass.", "Wait longer between trains.")
    PULSES_TOO_CLOSE = ("pulses-too-close", Outcome.REFUSED, "The pulse was not allowed.",
        "It comes {asked} after the last one; at least {allowed} must pass.",
        "Wait longer, or use the stimulator's own trains.")
    WINDOW_FULL = ("window-full", Outcome.REFUSED, "The train was not allowed.",
        "{asked} pulses would fall into {window}; {allowed} at most.", "Wait longer between trains.")
    SESSION_FULL = ("session-full", Outcome.REFUSED, "The pulses were not allowed.",
        "The session would reach {asked} pulses; {allowed} at most.", "End the session.")
    DAY_FULL = ("day-full", Outcome.REFUSED, "The pulses were not allowed.",
        "This subject would reach {asked} pulses today; {allowed} at most.", "Go on another day.")
    TWELVE_HOURS_FULL = ("twelve-hours-full", Outcome.REFUSED, "The pulses were not allowed.",
        "This subject would reach {asked} pulses in 12 hours; {allowed} at most.", "Wait some hours.")
    WEEK_FULL = ("week-full", Outcome.REFUSED, "The pulses were not allowed.",
        "This subject would reach {asked} pulses in 7 days; {allowed} at most.", "Go on another day.")
    COURSE_FULL = ("course-full", Outcome.REFUSED, "The pulses were not allowed.",
        "This course would reach {asked} pulses; {allowed} at most.", "Ask the responsible physician.")
    WITNESS_TOO_WEAK = ("witness-too-weak", Outcome.REFUSED, "The train was not allowed.",
        "At {asked} this set-up cannot tell how many pulses went out; {allowed} at most.",
        "Use a lower rate, or connect a pulse counter.")
    AUTONOMY = ("autonomy", Outcome.REFUSED, "The train was not allowed.",
        "{asked} at one trigger is more than can be stopped in time; {allowed} at most.",
        "Divide it into shorter trains.")
    BLOCK_TOO_LARGE = ("block-too-large", Outcome.REFUSED, "The pulses were not allowed.",
        "{asked} triggers were asked for at once; {allowed} at most.", "Ask for fewer at a time.")
    NOTHING_LEFT = ("nothing-left", Outcome.REFUSED, "The session was not opened.",
        "Every pulse of this treatment has been given.", "Go on another day.")

    # The stimulator's own
    ENERGY = ("energy", Outcome.REFUSED, "The train was not allowed.",
        "This stimulator cannot deliver it: {why}.", "Lower the rate, the output or the pulses.")
    # fmt: on


_LIFTED_BY = {
    Reason.TRIPPED: Who.OPERATOR,
    Reason.NOT_RELEASED: Who.OPERATOR,
    Reason.SUBJECT_BLOCKED: Who.PHYSICIAN,
    Reason.RESET_CONDITIONS: Who.OPERATOR,
    Reason.RESOLVE_CONDITIONS: Who.OPERATOR,
    Reason.RESET_NEEDS_SECOND_PERSON: Who.TWO,
}
"""Refusals that a person lifts, though a refusal as such changes nothing."""

"""Random kills from a seed: what to do is drawn first, then done, so that a failing seed does the same again.

Several rooms run side by side, each with its own devices and its own row of choices. After every kill the device must
be in standby, the watchdog must have said what it should, and the world must have had no more pulses than the ledger
counts. (A device that fires more than it was set to is no part of this: no count on the wire can bound it.)
"""

from __future__ import annotations

import os
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from drivers.magstim.framing import seal
from safety.ledger_format import Kind
from tests.system.clients import RunningClient, client
from tests.system.processes import ControlLine, boot_us, until
from tests.system.room import RealRoom, real_room, stop

KILLED_US = 10 * 15_000
HUNG_US = 10 * 300_000
"""Ten times what is promised for a quiet machine with real-time priority."""
KILLED_WITHOUT_RIGHTS_US = 40 * 15_000
"""Where there is none, whoever has it goes first: the disarm took 148 ms beside two arms (engineering choice)."""
QUIET_S = 10.0
"""For the room to be safe again after anything (engineering choice)."""
GAP_US = 6_100_000
"""From the end of one train, or one start of the watchdog, to the next train: protocol demo keeps 6 s."""
TRAIN_US = 1_900_000
"""From its first pulse to its last; one that was cut counts as whole."""
MOST_STALLS = 5
"""Of one room; a watchdog that trips for nothing has more (engineering choice)."""
LATE_S = 1.0
"""A watchdog that hung this long, at slack 4, must say so."""

WORDS = {"treatment": ("released", "set", "armed", "ready", "granted", "triggered"),
         "script": ("released", "set", "armed", "ready", "triggered")}  # fmt: skip
LAST_MS = {"armed": 900, "triggered": 1_900}
"""Something worth interrupting goes on for so long after these words."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One kill: everything about it that is up to us."""

    kind: str
    """Of the session: treatment by the daemon's door, script by the other."""
    victim: str
    """client, hung-client, session-task, driver-task, third-task, watchdog, hung-watchdog, both, writer."""
    word: str
    """The kill follows this word of the client."""
    ms: int
    """By so much."""
    device: str = "good"
    """good, swallows-disarm (the next one), ignores-disarm (all)."""
    half: bytes = field(default=b"", repr=False)
    """What the killed watchdog had written of a frame."""


def choices(seed: str, firmware: int, kills: int) -> list[Choice]:
    """The same for the same seed."""
    # Seeded by text: the same on every machine and in every run.
    chance = random.Random(f"{seed} {firmware}")
    return [_choice(chance, firmware) for _ in range(kills)]


def _choice(chance: random.Random, firmware: int) -> Choice:
    kind = chance.choice(["treatment", "script"])
    victim = chance.choices(
        ["client", "hung-client", "session-task", "driver-task", "third-task", "watchdog", "hung-watchdog", "both",
         "writer"],
        [6, 3, 2, 2, 1, 5, 2, 4, 2],
    )[0]  # fmt: skip
    if victim == "third-task":
        return Choice(kind, victim, "released", 0)
    words = WORDS[kind]
    word = chance.choices(words, [1] * (len(words) - 1) + [len(words)])[0]
    ms = chance.randint(0, LAST_MS.get(word, 100))
    if victim in ("client", "hung-client", "driver-task", "session-task"):
        return Choice(
            kind, victim, word, ms, chance.choices(["good", "swallows-disarm", "ignores-disarm"], [4, 1, 1])[0]
        )
    half = b""
    if victim in ("watchdog", "both"):
        wide = firmware >= 9
        frame = chance.choice([seal(b"Q7f3a-0c55d1e2-9b" if wide else b"Q@"), seal(b"D00020" if wide else b"D0020")])
        half = frame[: chance.randrange(len(frame))]
    return Choice(kind, victim, word, ms, half=half)


@dataclass
class Figures:
    """What a storm measured."""

    kills: int = 0
    in_train: int = 0
    """Kills that cut a train short or left one running."""
    pulses: int = 0
    stalls: int = 0
    """Sessions that came to nothing before their kill, because this machine stood still for a second."""
    killed_us: list[int] = field(default_factory=list)
    hung_us: list[int] = field(default_factory=list)

    def add(self, other: Figures) -> None:
        self.kills += other.kills
        self.in_train += other.in_train
        self.pulses += other.pulses
        self.stalls += other.stalls
        self.killed_us += other.killed_us
        self.hung_us += other.hung_us

    def __str__(self) -> str:
        killed, hung = (f"{max(us, default=0) / 1000:.1f} ms" for us in (self.killed_us, self.hung_us))
        return (
            f"{self.kills} kills ({self.in_train} in a train, {self.pulses} pulses, {self.stalls} stalls); "
            f"killed client → standby at most {killed}, hung → {hung}"
        )


def storm(seed: str, kills: int, rooms: int, user: int | None = None) -> Figures:
    """That many kills in all, in rooms of firmware 8 and 11 by turns. Fails with seed, room and choice."""
    share = [kills // rooms + (number < kills % rooms) for number in range(rooms)]
    total = Figures()
    with ThreadPoolExecutor(rooms) as pool:
        done = [pool.submit(one_room, f"{seed}/{number}", 11 if number % 2 else 8, count, user)
                for number, count in enumerate(share)]  # fmt: skip
    if failed := [problem for each in done if (problem := each.exception()) is not None]:
        raise BaseExceptionGroup(f"{len(failed)} of {rooms} rooms", failed)
    for each in done:
        total.add(each.result())
    return total


def one_room(seed: str, firmware: int, kills: int, user: int | None) -> Figures:
    """One room's row of kills."""
    figures = Figures()
    with real_room(firmware, user=user) as room:
        room.start_watchdog()
        for number, choice in enumerate(choices(seed, firmware, kills)):
            try:
                while not Attempt(room, choice, f"S-{number}-{figures.stalls}").run(figures):
                    figures.stalls += 1
                    assert figures.stalls <= MOST_STALLS, "the watchdog trips too often with nobody killed"
            except BaseException as problem:
                problem.add_note(f"storm {seed}, firmware {firmware}, kill {number}: {choice}")
                problem.add_note(f"it said: {last_words(room)}")
                raise
    return figures


def last_words(room: RealRoom) -> str:
    """What the watchdog printed, and its last events, one a line."""
    if room.line is not None and not room.line.closed:
        room.line.listen()
    events = room.line.events[-30:] if room.line is not None else []
    return "\n".join([room.said(), *(str({k: v for k, v in each.items() if k not in HUM}) for each in events)])


HUM = ("say", "n", "wall_us", "understood", "hash", "session")
"""What explains nothing in an event."""


class Attempt:
    """One session and its kill, with a subject of its own so that its pulses are told from the others'."""

    def __init__(self, room: RealRoom, choice: Choice, subject: str) -> None:
        self.room, self.choice, self.subject = room, choice, subject
        self.started_us = boot_us()
        self.killed_us = 0

    def run(self, figures: Figures) -> bool:
        """The kill and all that holds after it; False where this machine stalled before it. The counts hold always."""
        starts_us = [each["at_us"] for each in self._line.seen("port-found")]
        ends_us = [each["at_us"] + TRAIN_US for each in self._line.seen("trigger")]
        earliest_us = max(starts_us + ends_us) + GAP_US
        linger_s = 0.0 if self.choice.victim == "third-task" else QUIET_S
        with client(self.room, self.choice.kind, self.subject, not_before_us=earliest_us, linger_s=linger_s) as running:
            comes_so_far = self._comes_so_far(running)
            before = self._kill(running, figures) if comes_so_far else 0
        self._is_over()
        pulses = self._never_more_than_counted()
        figures.pulses += pulses
        if comes_so_far:
            figures.kills += 1
            figures.in_train += 0 < before < 20
        self._clean_up()
        return comes_so_far

    def _comes_so_far(self, running: RunningClient) -> bool:
        """Whether the client says the word. Where the machine stalls a reply is missed, which may well be a trip."""
        try:
            running.wait(self.choice.word)
        except AssertionError:
            self._line.listen()
            if not self._line.seen("no-reply", self.started_us) + self._line.seen("trip", self.started_us):
                raise
            return False
        return True

    def _kill(self, running: RunningClient, figures: Figures) -> int:
        """How many pulses there were just before it."""
        time.sleep(self.choice.ms / 1000)
        if self.choice.device == "swallows-disarm":
            self.room.simulator.control("swallow-disarm", count=1)
        elif self.choice.device == "ignores-disarm":
            self.room.simulator.control("ignore-disarm", count=0)
        before = self.room.pulses(self.started_us)
        getattr(self, "_" + self.choice.victim.replace("-", "_"))(running, figures)
        return before

    # --- the kills, and what each must lead to ------------------------------------------------------------------

    def _client(self, running: RunningClient, figures: Figures) -> None:
        self.killed_us = running.kill()
        self._line.event("session-closed", self.killed_us)
        self._disarmed_within(self._killed_limit_us, figures.killed_us)

    def _hung_client(self, running: RunningClient, figures: Figures) -> None:
        self.killed_us = stop(running.process.pid)
        self._beats_lost(figures)

    def _session_task(self, running: RunningClient, figures: Figures) -> None:
        self.killed_us = running.block("session")
        self._beats_lost(figures)

    def _driver_task(self, running: RunningClient, figures: Figures) -> None:
        self.killed_us = running.block("driver")
        self._beats_lost(figures)

    def _beats_lost(self, figures: Figures) -> None:
        trip = self._line.event("trip", self.killed_us)
        deaf = ("disarm-unconfirmed",) if self.choice.device == "ignores-disarm" else ()
        assert trip["reason"] in ("beats-lost", *deaf), trip  # between trains it is disarmed anyway: that comes first
        self._disarmed_within(HUNG_US, figures.hung_us)

    def _third_task(self, running: RunningClient, _figures: Figures) -> None:
        running.block("third")
        running.wait("closed")
        self._line.listen()
        assert not self._line.seen("trip", self.started_us) + self._line.seen("stop", self.started_us)
        assert self.room.pulses(self.started_us) == 20
        until(lambda: self.room.counted(self.subject) == 20, QUIET_S, "what was not spent is given back")

    def _watchdog(self, running: RunningClient, _figures: Figures) -> None:
        self.room.kill_watchdog()
        self._half_frame()
        self.room.start_watchdog()
        assert running.process.wait(QUIET_S) == 3, running.said()

    def _both(self, running: RunningClient, _figures: Figures) -> None:
        self.room.kill_watchdog()
        running.kill()
        self._half_frame()
        self.room.start_watchdog()

    def _half_frame(self) -> None:
        with self.room.simulator.link.open("wb", buffering=0) as port:
            port.write(self.choice.half)

    def _hung_watchdog(self, _running: RunningClient, _figures: Figures) -> None:
        watchdog = self.room.watchdog
        assert watchdog is not None
        since_us = stop(watchdog.pid)
        time.sleep(LATE_S)
        os.kill(watchdog.pid, signal.SIGCONT)
        trip = self._line.event("trip", since_us)
        assert trip["reason"] == "late-tick", trip

    def _writer(self, _running: RunningClient, figures: Figures) -> None:
        self.killed_us = boot_us()
        os.kill(self.room.writer, signal.SIGKILL)
        self._line.event("lockout", self.killed_us)
        self._disarmed_within(self._killed_limit_us, figures.killed_us)

    # --- what holds after each ----------------------------------------------------------------------------------

    @property
    def _line(self) -> ControlLine:
        assert self.room.line is not None
        return self.room.line

    @property
    def _killed_limit_us(self) -> int:
        return KILLED_US if self.room.watchdog_user == 0 else KILLED_WITHOUT_RIGHTS_US

    def _disarmed_within(self, limit_us: int, measured_us: list[int]) -> None:
        """By order of the line, unless the device was in standby anyway or does not obey."""
        if not self.room.armed_at(self.killed_us):
            return
        if self.choice.device == "ignores-disarm":
            trips = ("beats-lost", "disarm-unconfirmed")  # the first reason is kept
            assert self._line.event("trip", self.killed_us)["reason"] in trips
            return
        until(lambda: self._ended_by() is not None, QUIET_S, "the device disarmed")
        ended = self._ended_by()
        assert ended is not None
        assert (ended["kind"], ended["note"]) == ("disarmed", "ordered"), ended
        took_us = ended["at_us"] - self.killed_us
        if self.choice.device == "good":
            measured_us.append(took_us)
        assert took_us <= limit_us + (0 if self.choice.device == "good" else 100_000), took_us

    def _ended_by(self) -> dict[str, Any] | None:
        """What physically took the device out of its armed state since the kill."""
        ends = self.room.happenings("disarmed", "lapse")
        return next((event for event in ends if event["at_us"] > self.killed_us), None)

    def _is_over(self) -> None:
        """The client gone, the device in standby and quiet, and the watchdog saying so."""
        self.room.wait_standby(QUIET_S)
        until(self._calm, QUIET_S, "no session, nothing left to disarm")

    def _calm(self) -> bool:
        status = self._line.ask("status")["status"]
        return status["session"] is None and not status["disarming"] and not status["device"]["train_running"]

    def _never_more_than_counted(self) -> int:
        """First the world, then the ledger: what comes in between is reserved before it fires."""
        pulses, everything = self.room.pulses(self.started_us), self.room.pulses()
        counted, book = self.room.counted(self.subject), self.room.book()
        sessions = {record.session for record in self.room.records(Kind.OPEN)}
        assert pulses <= counted, "more pulses than the ledger counts against this subject"
        assert everything <= sum(book.session(session) for session in sessions), "more than over all sessions"
        trains = [e for e in self.room.happenings("pulse") if e["at_us"] >= self.started_us]
        assert all(b["at_us"] - a["at_us"] >= 90_000 for a, b in pairwise(trains)), "pulses closer than their rate"
        return pulses

    def _clean_up(self) -> None:
        """An operator's part: a good device, a reset, an answer about pulses nobody saw. Lockout: a new start."""
        if self.choice.device != "good":
            self.room.simulator.control("reset")
        if self._line.phase() == "lockout":
            assert self.choice.victim == "writer"
            self.room.end_watchdog()
            self.room.start_watchdog()
        if self._line.phase() == "tripped":
            until(lambda: self._accepted("reset"), QUIET_S, f"a reset; {self._line.seen('request-refused')}")
        for ref in self._line.ask("status")["status"]["unknown"]:
            assert self._accepted("resolve", ref=ref, why="storm")
        until(lambda: self._line.phase() == "safe", QUIET_S, "safe again")

    def _accepted(self, do: str, **fields: object) -> bool:
        return bool(self._line.ask(do, by="operator", nonce=self._line.fresh_nonce(), **fields)["ok"])

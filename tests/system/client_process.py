"""A small client of the watchdog, as a process to be killed: it speaks raw bytes at the control socket and the door.

Three tasks take turns in one loop, as the daemon's do: the session's, the driver's, and one that nobody depends on.
Each counts its turns; beats carry the counts of the first two. `block NAME` on standard input stops one task while
the rest goes on. What it has done so far it prints, one word a line.

    python client_process.py '{"control": "…", "kind": "treatment", "firmware": 11, …}'
"""

from __future__ import annotations

import json
import os
import select
import socket
import sys
import time
import tty
from collections.abc import Generator
from typing import Any

from drivers.catalogue import dialect
from drivers.magstim.framing import seal

TURN_S = 0.01
BEAT_S = 0.05
ALIVE_S = 0.3
"""Pause between two signs of life to an armed device, which lapses after 1 s."""
REPLY_S = 1.5
"""Longer than the watchdog takes a late reply for another's."""
CHARGE_US = 1_200_000
READY_BIT = 4
PULSES, RATE, LEVEL = 20, 10, 45
"""The trains of protocol demo at a threshold of 45 % MSO."""
GAP_S = 6.0
"""Of protocol demo, from one train to the next."""

Task = Generator[None, None, Any]


class Gone(Exception):
    """The watchdog hung up."""


def boot_us() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def did(what: str) -> None:
    sys.stdout.write(what + "\n")
    sys.stdout.flush()


def pause(seconds: float) -> Task:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield


class Client:
    def __init__(self, wanted: dict[str, Any]) -> None:
        self.wanted = wanted
        self.treats = wanted["kind"] == "treatment"
        self.control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.control.connect(wanted["control"])
        self.door = -1
        self.dialect = dialect("magstim-rapid2", wanted["firmware"])
        self.reader = self.dialect.reply_reader()
        self.replies: list[bytes] = []
        self.unread = b""
        self.answers: dict[int, dict[str, Any]] = {}
        self.nonce = ""
        self.settled = 0
        self.asked = 0
        self.released = self.charged = self.go = self.again = self.armed = False

    # --- the loop ---------------------------------------------------------------------------------------------

    def run(self) -> None:
        tasks = {"session": self.session(), "driver": self.driver(), "third": self.third()}
        turns = dict.fromkeys(tasks, 0)
        blocked: set[str] = set()
        beat_s = 0.0
        while "session" in tasks:
            blocked |= self.listen()
            for name, task in list(tasks.items()):
                if name not in blocked:
                    turns[name] += 1
                    if next(task, self) is self:
                        del tasks[name]
            if time.monotonic() - beat_s >= BEAT_S:
                beat_s = time.monotonic()
                self.say("beat", session_turns=turns["session"], driver_turns=turns["driver"], presence_us=0)

    def listen(self) -> set[str]:
        """Takes in what came; the names of tasks that are to block from now on."""
        sources = [self.control, sys.stdin, *([self.door] if self.door >= 0 else [])]
        ready = select.select(sources, [], [], TURN_S)[0]
        if self.control in ready:
            data, descriptors, _, _ = socket.recv_fds(self.control, 1 << 16, 1)
            self.door = descriptors[0] if descriptors else self.door
            if not data:
                raise Gone
            *lines, self.unread = (self.unread + data).split(b"\n")
            for line in lines:
                self.hear(json.loads(line))
        if self.door in ready:
            self.replies += [piece.data for piece in self.reader.feed(os.read(self.door, 4096))]
        if sys.stdin in ready:
            word, _, name = sys.stdin.readline().strip().partition(" ")
            if word != "block":
                raise Gone
            did("blocked")
            return {name}
        return set()

    def hear(self, body: dict[str, Any]) -> None:
        if "re" in body:
            self.answers[body["re"]] = body
        elif body["say"] == "status":
            self.nonce = body["nonce"] if body["session"] else ""
        else:
            self.settled += body["kind"] == "settled"

    def say(self, do: str, **fields: object) -> None:
        self.control.sendall(json.dumps({"do": do, **fields}).encode() + b"\n")

    def ask(self, do: str, **fields: object) -> Task:
        self.asked += 1
        mine = self.asked
        self.say(do, id=mine, **fields)
        while mine not in self.answers:
            yield
        return self.answers.pop(mine)

    def must(self, do: str, **fields: object) -> Task:
        answer = yield from self.ask(do, **fields)
        assert answer["ok"], (do, answer)
        return answer

    # --- the three tasks --------------------------------------------------------------------------------------

    def session(self) -> Task:
        yield from self.must("hello", role="daemon" if self.treats else "guarded")
        opened = yield from self.must("open-session", **self.plan())
        did("opened")
        if self.treats:
            yield from self.must("attach")
        else:
            self.door = os.open(self.wanted["pty"], os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            tty.setraw(self.door)
        while not self.nonce:
            yield
        yield from self.must("release", hash=opened["hash"], nonce=self.nonce, by="client")
        did("released")
        self.released = True
        while not self.charged:
            yield
        if self.treats:
            yield from self.permit()
            did("granted")
        self.go = True
        while not self.settled:
            yield
        did("settled")
        if self.wanted["one_more"]:
            yield from self.one_more()
        yield from pause(self.wanted["linger_s"])
        yield from self.must("close-session", by="client", why="done")
        did("closed")

    def plan(self) -> dict[str, Any]:
        base = {"kind": self.wanted["kind"], "by": "client", "coil": "coil-1", "subject": self.wanted["subject"]}
        if not self.treats:
            return base | {"door": "pty", "ceiling_tenths": LEVEL * 10}
        threshold = {
            "value_tenths": LEVEL * 10, "method": "emg", "pulses": 20, "coil": "coil-1", "sd_tenths": 15,
            "taken_wall_us": time.time_ns() // 1000 - 3_600_000_000, "simulated": True,
        }  # fmt: skip
        return base | {"door": "daemon", "protocol": "demo", "threshold": threshold} | self.wanted["continuing"]

    def one_more(self) -> Task:
        """Armed anew and after the gap, so that nothing but the count is in the way of one pulse."""
        yield from pause(GAP_S)
        self.again = True
        while not self.armed:
            yield
        answer = yield from self.ask("permit", level_tenths=LEVEL * 10, rate_tenths=0, pulses=1)
        assert not answer["ok"], answer
        did("refused")

    def permit(self) -> Task:
        """Asked again while something it needs is on its way: a reading, the rest of a gap."""
        for _ in range(40):
            asked = {"level_tenths": LEVEL * 10, "rate_tenths": RATE * 10, "pulses": PULSES}
            answer = yield from self.ask("permit", **asked)
            if answer["ok"]:
                return
            last = answer
            yield from pause(0.1)
        raise AssertionError(last)

    def driver(self) -> Task:
        while not self.released or self.door < 0:
            yield
        yield from self.set_up()
        while boot_us() < self.wanted["not_before_us"] - CHARGE_US:
            yield from pause(ALIVE_S)
            yield from self.status()
        yield from self.arm()
        did("armed")
        yield from self.charge()
        while not (yield from self.trigger()):
            yield from pause(0.1)
            yield from self.status()
        did("triggered")
        while True:
            yield from pause(ALIVE_S)
            yield from self.status()
            if self.again and not self.armed:
                yield from self.arm()
                self.armed = True

    def arm(self) -> Task:
        for _ in range(40):  # a temperature may have to be read first
            reply = yield from self.exchange("EB")
            if reply[1:2] != b"S":
                return
            yield from pause(0.1)

    def set_up(self) -> Task:
        """Takes remote control and sets the train, in the order the device wants it."""
        yield from self.exchange(self.wanted["unlock"])
        wide = self.wanted["firmware"] >= 9
        tenths = PULSES * 10 // RATE
        for text in (
            "[0010" if wide else "[010", f"@{LEVEL:03}", f"B{RATE * 10:04}", f"D{PULSES:0{5 if wide else 4}}",
            f"[{tenths:0{4 if wide else 3}}",
        ):  # fmt: skip
            for _ in range(20):  # after a train it waits a while before anything can be set
                reply = yield from self.exchange(text)
                if reply[1:2] != b"S":
                    break
                yield from pause(0.1)
            assert reply[1:2] not in (b"S", b"?"), (text, reply)
        did("set")

    def charge(self) -> Task:
        """Keeps the device awake until it is charged and the session says go."""
        while not self.go:
            if (yield from self.status()) and not self.charged:
                self.charged = True
                did("ready")
            until = time.monotonic() + (ALIVE_S if self.charged else 0.1)
            while time.monotonic() < until and not self.go:
                yield

    def third(self) -> Task:
        while True:
            yield

    def status(self) -> Task:
        reply = yield from self.exchange("x@" if self.wanted["firmware"] >= 9 else "Q@")
        return bool(reply[1] & READY_BIT)

    def trigger(self) -> Task:
        reply = yield from self.exchange("EH")
        return reply[1:2] != b"S"

    def exchange(self, text: str) -> Task:
        """A reply may be lost; a trigger whose reply is lost is not sent again."""
        frame = seal(text.encode())
        for _ in range(1 if text == "EH" else 4):
            self.replies.clear()
            assert os.write(self.door, frame) == len(frame)
            give_up = time.monotonic() + REPLY_S
            while time.monotonic() < give_up:
                if self.replies:
                    return self.replies.pop(0)
                yield
        raise AssertionError(f"no reply to {text[:2]}")


if __name__ == "__main__":
    try:
        Client(json.loads(sys.argv[1])).run()
    except (Gone, OSError):
        sys.exit(3)

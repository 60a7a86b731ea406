"""The lease on its way to the watchdog, against a real socket: when it is said, and that it fails closed."""

from __future__ import annotations

import random
import select
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.arm.watchdog_lease import ANSWER_US, EVERY_US, FIRST_RETRY_US, LONGEST_RETRY_US, WatchdogLease
from safety import control


class Watchdog:
    """The other end, and a clock."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "control"
        self.now_us = random.randrange(10**9, 10**12)
        self.said: list[str] = []
        self.watch = select.epoll()
        self.lease = WatchdogLease(self.path, self.watch, self.said.append)
        self.server: socket.socket | None = None
        self.link: socket.socket | None = None
        self.heard: list[tuple[int | None, control.Message]] = []

    def listens(self) -> None:
        self.server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.server.bind(str(self.path))
        self.server.listen(1)
        self.server.setblocking(False)

    def turn(self, value: str = "none", after_us: int = 2_000) -> None:
        self.now_us += after_us
        self.lease.turn({descriptor for descriptor, _ in self.watch.poll(0)}, self.now_us, value)
        self.listen()

    def turns(self, count: int, value: str = "none", after_us: int = 2_000) -> None:
        for _ in range(count):
            self.turn(value, after_us)

    def listen(self) -> None:
        try:
            if self.link is None and self.server is not None:
                self.link, _ = self.server.accept()
                self.link.setblocking(False)
            if self.link is not None:
                self.heard += [control.parse(line) for line in self.link.recv(65_536).splitlines()]
        except BlockingIOError:
            pass

    def says(self, line: bytes) -> None:
        assert self.link is not None
        self.link.send(line)

    def hang_up(self) -> None:
        assert self.link is not None
        self.link.close()
        self.link = None

    def welcomes(self) -> None:
        """Lets it in."""
        if self.server is None:
            self.listens()
        while self.link is None:
            self.turn(after_us=50_000)
        self.says(b'{"say":"status","phase":"SAFE"}\n{"re":1,"ok":true}\n')
        self.turn()
        assert self.lease.connected
        self.heard.clear()

    @property
    def values(self) -> list[str]:
        return [message.value for _, message in self.heard if isinstance(message, control.Lease)]

    def close(self) -> None:
        self.lease.close()
        self.watch.close()
        for end in (self.server, self.link):
            if end is not None:
                end.close()


@pytest.fixture
def watchdog(tmp_path: Path) -> Iterator[Watchdog]:
    made = Watchdog(tmp_path)
    yield made
    made.close()


def test_it_says_who_it_is_and_no_lease_before_it_is_let_in(watchdog: Watchdog) -> None:
    watchdog.listens()
    watchdog.turns(20, "begin")

    assert watchdog.heard == [(1, control.Hello("lease"))]
    assert not watchdog.lease.connected


def test_a_change_is_said_in_its_turn_and_the_same_every_50_ms(watchdog: Watchdog) -> None:
    watchdog.welcomes()
    watchdog.turn("begin")
    assert watchdog.values == ["begin"]

    watchdog.turn("continue")
    watchdog.turn("none")
    assert watchdog.values == ["begin", "continue", "none"]

    watchdog.turns(500, "none")
    assert 19 <= len(watchdog.values) - 3 <= 20


def test_a_watchdog_that_is_not_there_is_looked_for_with_longer_and_longer_pauses(
    watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = 0
    connect = watchdog.lease._connect

    def counted(now_us: int) -> None:
        nonlocal tries
        tries += 1
        connect(now_us)

    monkeypatch.setattr(watchdog.lease, "_connect", counted)
    watchdog.turns(10_000 // 2, "begin")
    seconds = 10

    assert seconds <= tries <= seconds + LONGEST_RETRY_US // FIRST_RETRY_US
    assert len(watchdog.said) == 1


def test_it_is_found_again_and_told_the_lease_at_once(watchdog: Watchdog) -> None:
    watchdog.welcomes()
    watchdog.turn("begin")
    watchdog.hang_up()
    watchdog.turn("begin")
    assert not watchdog.lease.connected

    watchdog.welcomes()
    watchdog.turn("begin")
    assert watchdog.values[-1] == "begin"
    assert [words.partition(":")[0] for words in watchdog.said[-3:]] == [
        "the watchdog takes the lease", "no lease, so no pulses", "the watchdog takes the lease",
    ]  # fmt: skip


def test_a_watchdog_that_refuses_is_quoted_and_asked_again_later(watchdog: Watchdog) -> None:
    watchdog.listens()
    while watchdog.link is None:
        watchdog.turn()
    watchdog.says(b'{"re":1,"ok":false,"reason":"not-the-arm","detail":{}}\n')
    watchdog.turn("begin")

    assert not watchdog.lease.connected
    assert "not-the-arm" in watchdog.said[-1]
    watchdog.hang_up()
    watchdog.welcomes()


def test_a_watchdog_that_never_answers_is_given_up(watchdog: Watchdog) -> None:
    watchdog.listens()
    while watchdog.link is None:
        watchdog.turn("begin")
    watchdog.turn("begin", ANSWER_US)
    watchdog.turn("begin", 2_000)

    assert "does not answer" in watchdog.said[-1]
    assert watchdog.values == []


def test_a_watchdog_that_does_not_read_loses_the_connection_and_with_it_the_lease(watchdog: Watchdog) -> None:
    watchdog.welcomes()
    for _ in range(200_000):
        watchdog.now_us += EVERY_US
        watchdog.lease.turn((), watchdog.now_us, "begin")
        if not watchdog.lease.connected:
            break

    assert "does not read" in watchdog.said[-1]


@pytest.mark.parametrize("line", [b"x" * 70_000, b"\n" * 10 + b"y" * 69_990])
def test_what_is_no_line_ends_the_connection(watchdog: Watchdog, line: bytes) -> None:
    watchdog.welcomes()
    for start in range(0, len(line), 10_000):
        watchdog.says(line[start : start + 10_000])
        watchdog.turn()

    assert "no lines" in watchdog.said[-1]


def test_status_and_events_of_the_watchdog_change_nothing(watchdog: Watchdog) -> None:
    watchdog.welcomes()
    watchdog.says(b'{"say":"status"}\nno json\n{"re":7,"ok":false}\n')
    watchdog.turns(3, "begin")

    assert watchdog.lease.connected

"""What the kernel and systemd grant the loop: asked for once, and each refusal a sentence and no obstacle."""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from safety import realtime


class Kernel:
    """Takes the requests of `realtime.prepare` instead of the real one."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.locks = 0
        self.refuses: Exception | None = None

    def mlockall(self, flags: int) -> int:
        self.asked.append(("mlockall", flags))
        return self.locks

    def setrlimit(self, which: int, limits: tuple[int, int]) -> None:
        self.asked.append((which, limits))

    def sched_setscheduler(self, pid: int, policy: int, param: os.sched_param) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.asked.append((pid, policy, param.sched_priority))


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    made = Kernel()
    monkeypatch.setattr(ctypes, "CDLL", lambda _name, **_options: made)
    monkeypatch.setattr(resource, "setrlimit", made.setrlimit)
    monkeypatch.setattr(os, "sched_setscheduler", made.sched_setscheduler)
    yield made
    gc.unfreeze()
    gc.enable()


def test_with_every_right_memory_is_locked_and_the_loop_is_real_time_and_cannot_spin(kernel: Kernel) -> None:
    assert list(realtime.prepare()) == []
    assert kernel.asked == [
        ("mlockall", 3),
        (resource.RLIMIT_RTTIME, (500_000, 1_000_000)),
        (0, os.SCHED_FIFO, 10),
    ]
    assert not gc.isenabled()
    assert gc.get_freeze_count() > 0


@pytest.mark.parametrize("refusal", [PermissionError(), ValueError()])
def test_each_right_that_is_missing_is_said_in_a_sentence(kernel: Kernel, refusal: Exception) -> None:
    kernel.locks, kernel.refuses = -1, refusal
    memory, priority = realtime.prepare()
    assert "LimitMEMLOCK" in memory
    assert "LimitRTPRIO" in priority


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as listening:
        listening.bind(str(tmp_path / "n"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "n"))
        monkeypatch.setenv("WATCHDOG_USEC", "400000")
        yield listening


def heard(systemd: socket.socket) -> list[bytes]:
    words = []
    with suppress(BlockingIOError):
        while True:
            words.append(systemd.recv(100))
    return words


def test_the_working_loop_pings_four_times_per_deadline(systemd: socket.socket) -> None:
    notifier = realtime.Notifier()
    notifier.say("READY=1")
    for now_us in range(1_000_000, 1_400_000, 10_000):
        notifier.turned(now_us)
    assert heard(systemd) == [b"READY=1"] + [b"WATCHDOG=1"] * 4


def test_an_abstract_address_is_spoken_to_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as listening:
        listening.bind("")  # the kernel chooses an abstract name
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + listening.getsockname()[1:].decode())
        realtime.Notifier().say("READY=1")
        assert heard(listening) == [b"READY=1"]


def test_a_listener_that_is_gone_or_full_does_not_stop_the_loop(systemd: socket.socket, tmp_path: Path) -> None:
    notifier = realtime.Notifier()
    for _ in range(2_000):
        notifier.say("x" * 1_000)
    assert 0 < len(heard(systemd)) < 2_000
    (tmp_path / "n").unlink()
    notifier.say("READY=1")
    assert heard(systemd) == []


def test_without_systemd_nothing_is_said_to_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.setattr(socket, "socket", lambda *_: pytest.fail("spoke to somebody"))
    realtime.Notifier().say("READY=1")


NOT_ALLOWED = 77
SPINNER = f"""
import sys, time
from safety import realtime
if any("LimitRTPRIO" in refused for refused in realtime.prepare()):
    sys.exit({NOT_ALLOWED})
rest_s, give_up = float(sys.argv[1]), time.monotonic() + 5
while time.process_time() < 1 and time.monotonic() < give_up:
    turned = time.monotonic() + 0.05
    while time.monotonic() < turned:
        pass
    if rest_s:
        time.sleep(rest_s)
"""


def spun(rest_s: float) -> int:
    """Exit status of a loop that works for a second, in turns of 50 ms with a rest between them."""
    return subprocess.run([sys.executable, "-c", SPINNER, str(rest_s)], timeout=30, check=False).returncode


@pytest.mark.system
def test_the_kernel_ends_a_loop_that_never_waits_and_none_that_works_as_long_with_pauses() -> None:
    without_pauses, with_pauses = spun(0), spun(0.001)
    if without_pauses == NOT_ALLOWED:
        pytest.skip("needs the right to a real-time priority (LimitRTPRIO)")
    assert without_pauses == -signal.SIGXCPU
    assert with_pauses == 0

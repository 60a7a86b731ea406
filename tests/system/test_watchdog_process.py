"""The watchdog as a process: how it starts, who may talk to it, what it survives, how it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import socket
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator

import pytest

from drivers.magstim.framing import seal
from safety.connections import MAX_CONNECTIONS
from tests.system.clients import client
from tests.system.processes import ANSWER_S, NOBODY, ControlLine, boot_us, cpu_s, end, until
from tests.system.room import RealRoom, real_room

pytestmark = [pytest.mark.system, pytest.mark.timeout(90)]


@pytest.fixture
def idle() -> Iterator[RealRoom]:
    """A room whose watchdog does not run yet."""
    with real_room() as room:
        yield room


@pytest.fixture
def room(idle: RealRoom) -> RealRoom:
    idle.start_watchdog()
    return idle


def line_of(room: RealRoom) -> ControlLine:
    assert room.line is not None
    return room.line


# --- starting and ending --------------------------------------------------------------------------------------


def test_a_second_watchdog_of_one_runtime_is_refused(room: RealRoom) -> None:
    first = room.watchdog
    second = room.launch_watchdog()
    assert second.wait(20) == 1
    assert "another watchdog runs in" in room.said()
    room.watchdog = first
    assert line_of(room).phase() == "safe", "the first goes on"


def test_the_end_on_request_disarms_and_leaves_neither_link_nor_socket(room: RealRoom) -> None:
    with client(room, "treatment", "S-1") as running:
        running.wait("armed")
        at_us = boot_us()
        assert room.end_watchdog() == 0
        assert running.process.wait(ANSWER_S) == 3
    assert [event["note"] for event in room.happenings("disarmed") if event["at_us"] > at_us] == ["ordered"]
    assert not room.pty.is_symlink()
    assert not room.control.exists()


def test_the_end_on_request_waits_for_a_device_that_missed_the_first_disarms(room: RealRoom) -> None:
    with client(room, "treatment", "S-1") as running:
        running.wait("armed")
        room.simulator.control("swallow-disarm", count=4)
        at_us = boot_us()
        assert room.end_watchdog() == 0
    assert [event["note"] for event in room.happenings("disarmed") if event["at_us"] > at_us] == ["ordered"]


def test_a_port_that_comes_later_is_found_and_disarmed_before_anything_else(idle: RealRoom) -> None:
    idle.simulator.control("vanish")
    line = idle.start_watchdog(phase="boot")
    assert line.ask("status")["status"]["device"]["present"] is False
    idle.simulator.control("panel-arm")
    idle.simulator.control("come-back")
    line.event("found-armed")
    until(lambda: line.phase() == "safe", ANSWER_S, "safe")
    assert idle.condition() == "standby"


def test_a_port_lost_while_armed_is_a_trip_and_disarmed_when_it_is_back(room: RealRoom) -> None:
    with client(room, "treatment", "S-1") as running:
        running.wait("armed")
        room.simulator.control("vanish")
        assert line_of(room).event("trip")["reason"] == "port-lost"
        room.simulator.control("come-back")
        line_of(room).event("port-found", line_of(room).event("port-lost")["at_us"])
        room.wait_standby(ANSWER_S)


def test_a_runtime_too_deep_for_a_socket_is_named(idle: RealRoom) -> None:
    deep = idle.folder / ("d" * 60) / ("e" * 60)
    command = [sys.executable, "-m", "safety", "--runtime", str(deep), "--site", str(idle.site)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 1
    assert "too deep" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_what_the_kernel_refuses_is_said_and_what_it_grants_is_used() -> None:
    with real_room(user=NOBODY if os.geteuid() == 0 else None) as poor:
        poor.start_watchdog()
        assert poor.watchdog is not None
        status = f"/proc/{poor.watchdog.pid}/status"
        with open(status) as file:  # noqa: PTH123  a file that is no file
            assert f"Uid:\t{poor.watchdog_user}\t" in file.read()
        if os.sched_getscheduler(poor.watchdog.pid) != os.SCHED_FIFO:
            assert "no real-time priority (needs LimitRTPRIO)" in poor.said()
        if resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] != resource.RLIM_INFINITY:
            assert "memory is not locked (needs LimitMEMLOCK=infinity)" in poor.said()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gets real-time priority without asking")
def test_a_watchdog_that_may_runs_at_real_time_priority_and_cannot_spin(room: RealRoom) -> None:
    assert room.watchdog is not None
    assert os.sched_getscheduler(room.watchdog.pid) == os.SCHED_FIFO
    assert resource.prlimit(room.watchdog.pid, resource.RLIMIT_RTTIME) == (500_000, 1_000_000)
    assert os.sched_getscheduler(room.writer) == os.SCHED_OTHER, "the disk's part must not outrank anybody"


# --- who talks to it ------------------------------------------------------------------------------------------

GARBAGE = (b"\0\xff" * 100, b"{}", b"null", b"[" * 4_000, b'{"do": "stop"}', b'{"do": 1, "id": 2}', b"9" * 4_000)


def test_garbage_is_answered_and_nobody_else_notices(room: RealRoom) -> None:
    stranger = ControlLine(room.control, role="")
    for each in GARBAGE:
        stranger.send(each + b"\n")
    answer = stranger.ask("hello", role="cli")
    assert answer["ok"], "it is still listened to"
    assert line_of(room).phase() == "safe"
    stranger.close()


def test_an_endless_line_is_hung_up_on(room: RealRoom) -> None:
    stranger = ControlLine(room.control)
    with contextlib.suppress(OSError):
        for _ in range(100):
            stranger.send(b"x" * 1_000)
    stranger.wait_for_end()
    assert line_of(room).phase() == "safe"
    stranger.close()


def test_the_seventeenth_connection_is_turned_away_and_a_free_place_is_given_again(room: RealRoom) -> None:
    others = [ControlLine(room.control) for _ in range(MAX_CONNECTIONS - 1)]
    late = ControlLine(room.control, role="")
    late.wait_for_end()
    late.close()
    others.pop().close()
    until(lambda: finds_a_place(room), ANSWER_S, "a place")
    for other in others:
        other.close()


def finds_a_place(room: RealRoom) -> bool:
    with socket.socket(socket.AF_UNIX) as tried:
        tried.settimeout(ANSWER_S)
        tried.connect(str(room.control))
        tried.sendall(b'{"do": "hello", "id": 1, "role": "cli"}\n')
        try:
            return bool(tried.recv(4096))
        except ConnectionError:
            return False


def test_a_client_that_never_reads_is_let_go_and_delays_nobody(room: RealRoom) -> None:
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.connect(str(room.control))
        deaf.settimeout(1.0)
        deaf.sendall(b'{"do": "hello", "id": 1, "role": "cli"}\n')
        let_go, slowest_s = False, 0.0
        for number in range(3_000):
            try:
                deaf.sendall(b'{"do": "status", "id": 2}\n')
            except OSError:
                let_go = True
                break
            if not number % 100:
                began_s = time.monotonic()
                line_of(room).phase()
                slowest_s = max(slowest_s, time.monotonic() - began_s)
        assert let_go
        assert slowest_s < 1.0


def test_a_flood_on_the_control_socket_delays_no_disarm_and_kills_nothing(room: RealRoom) -> None:
    with client(room, "treatment", "S-1", linger_s=20) as running, flood(room, "control"):
        running.wait("triggered")
        at_us = running.kill()
        until(lambda: any(e["at_us"] > at_us for e in room.happenings("disarmed", "lapse")), ANSWER_S, "disarmed")
    first = next(event for event in room.happenings("disarmed", "lapse") if event["at_us"] > at_us)
    assert first["note"] == "ordered"
    assert first["at_us"] - at_us < 150_000
    assert room.watchdog is not None
    assert room.watchdog.poll() is None


def test_a_flood_at_the_silent_door_takes_nothing_from_the_session_of_the_other(room: RealRoom) -> None:
    with client(room, "treatment", "S-1") as running, flood(room, "pty"):
        running.wait("closed")
        assert running.process.wait(ANSWER_S) == 0, running.said()
    assert room.watchdog is not None
    assert room.watchdog.poll() is None
    assert room.pulses() == 20
    assert not line_of(room).closed


@contextlib.contextmanager
def flood(room: RealRoom, where: str) -> Iterator[None]:
    """Garbage as fast as it is taken, from a thread."""
    over = threading.Event()

    def pour() -> None:
        if where == "control":
            with socket.socket(socket.AF_UNIX) as stranger, contextlib.suppress(OSError):
                stranger.settimeout(0.1)
                stranger.connect(str(room.control))
                while not over.is_set():
                    with contextlib.suppress(TimeoutError):
                        stranger.sendall(b"x\n" * 512)
                    stranger.recv(1 << 16)
        else:
            port = os.open(room.pty, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            while not over.is_set():
                with contextlib.suppress(BlockingIOError):
                    os.write(port, (b"y\n" * 8 + seal(b"EB")) * 20)
                with contextlib.suppress(BlockingIOError):
                    os.read(port, 1 << 16)
            os.close(port)

    thread = threading.Thread(target=pour)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_hung_up_terminal_costs_no_cpu(room: RealRoom) -> None:
    assert room.watchdog is not None
    for _ in range(3):
        port = os.open(room.pty, os.O_RDWR | os.O_NOCTTY)
        os.write(port, b"x@")  # half a frame, dropped with its sender
        time.sleep(0.05)
        os.close(port)
    before_s = cpu_s(room.watchdog.pid)
    time.sleep(2.0)
    assert cpu_s(room.watchdog.pid) - before_s < 0.5, "a loop that spins would have used 2 s"
    with client(room, "script", "S-1") as running:
        running.wait("set")  # and the next client finds a clean door


NEXT_CLIENT = """
import os, select, sys
port = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
os.write(port, b"!")
print(os.read(port, 9) if select.select([port], [], [], 10)[0] else "no answer")
"""


def test_what_a_program_did_to_its_terminal_ends_with_it_also_where_the_watchdog_is_not_root() -> None:
    """The exclusive mark shuts out everybody but root, stopped output everybody."""
    with real_room(user=NOBODY if os.geteuid() == 0 else None) as poor:
        line = poor.start_watchdog()
        for spoil in (lambda fd: fcntl.ioctl(fd, termios.TIOCEXCL), lambda fd: termios.tcflow(fd, termios.TCOOFF)):
            at_us = boot_us()
            port = os.open(poor.pty, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            os.write(port, b"!")
            line.event("refused", at_us)
            spoil(port)
            os.close(port)
            time.sleep(0.2)
            assert poor.watchdog is not None
            assert poor.watchdog.poll() is None, poor.said()
            ran = subprocess.run(
                [*poor.prefix, sys.executable, "-c", NEXT_CLIENT, str(poor.pty)],
                capture_output=True, text=True, timeout=60, check=False,
            )  # fmt: skip
            assert ran.stdout == "b'?'\n", ran.stderr


# --- the ledger -----------------------------------------------------------------------------------------------


def test_a_broken_ledger_locks_out_yet_disarm_passes_and_an_engineer_brings_it_back(room: RealRoom) -> None:
    with client(room, "treatment", "S-1") as running:
        running.wait("closed")
    room.end_watchdog()
    ledger = room.folder / "state" / "ledger"
    data = bytearray(ledger.read_bytes())
    data[128 + 40] ^= 1
    ledger.write_bytes(data)
    room.simulator.control("panel-arm")

    locked = room.start_watchdog(phase="lockout")
    assert "LOCKED" in room.said()
    status = locked.ask("status")["status"]
    assert (status["phase"], "record 2" in status["lockout"]) == ("lockout", True), status
    refused = locked.ask("open-session", kind="phantom", door="pty", by="x", coil="coil-1")
    assert refused["reason"] == "locked-out"
    room.wait_standby(ANSWER_S)  # its own disarm at the start
    room.simulator.control("panel-arm")
    port = os.open(room.pty, os.O_RDWR | os.O_NOCTTY)
    try:
        time.sleep(0.1)
        os.write(port, seal(b"EA"))
        room.wait_standby(ANSWER_S)
        os.write(port, seal(b"EB"))
        time.sleep(0.3)
        assert room.condition() == "standby"
    finally:
        os.close(port)
    room.end_watchdog()

    unlock = [sys.executable, "-m", "safety", "ledger", "unlock", "--state", str(ledger.parent)]
    unlock += ["--by", "engineer", "--reason", "a bit was flipped by this test"]
    ran = subprocess.run(unlock, capture_output=True, text=True, timeout=60, check=True)
    assert "against" in ran.stdout
    assert room.start_watchdog().phase() == "safe"
    assert room.counted("S-1") >= 20


def test_a_ledger_whose_last_writer_is_still_ending_is_waited_for(idle: RealRoom) -> None:
    state = idle.folder / "state"
    state.mkdir()
    held = os.open(state, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(held, fcntl.LOCK_EX)
    threading.Timer(3.0, os.close, [held]).start()
    assert idle.start_watchdog().phase() == "safe"


def test_a_ledger_that_another_keeps_ends_the_start_and_says_why(idle: RealRoom) -> None:
    state = idle.folder / "state"
    state.mkdir()
    held = os.open(state, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(held, fcntl.LOCK_EX)
    try:
        assert idle.launch_watchdog().wait(30) == 1
        assert "another process writes the ledger" in idle.said()
    finally:
        os.close(held)


def test_a_writer_that_is_gone_ends_with_an_exit_of_its_own(room: RealRoom) -> None:
    writer = room.writer
    room.kill_watchdog()
    until(lambda: not os.path.exists(f"/proc/{writer}"), ANSWER_S, "the writer ends with its watchdog")  # noqa: PTH110
    assert room.watchdog is not None
    end(room.watchdog)

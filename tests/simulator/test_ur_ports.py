"""The controller's real ports: sockets on a loopback address, in a loop that never waits for anybody."""

from __future__ import annotations

import contextlib
import itertools
import os
import select
import socket
import struct
import time
from collections.abc import Callable, Iterator

import pytest

from drivers.errors import PortBusy
from drivers.ur.framing import Kind, seal
from simulator.arm.arm import Arm
from simulator.clock import RealClock
from simulator.wires.ur.controller import Controller
from simulator.wires.ur.ports import DASHBOARD, REAL_TIME, RTDE, SECONDARY, UrPorts

GIVE_UP_S = 10.0
"""Far more than loopback needs on a busy machine."""


def own_host() -> str:
    """A loopback address of this test process alone: a controller's ports are always the same five."""
    pid = os.getpid()
    return f"127.66.{pid // 250 % 250}.{1 + pid % 250}"


class Serving:
    """A controller with its ports, served in turns of the test's own loop."""

    def __init__(self) -> None:
        self.clock = RealClock()
        self.controller = Controller(Arm(), self.clock)
        self.ports = UrPorts(self.controller, own_host())
        self.open: list[socket.socket] = []

    def connect(self, port: int, *, small: bool = False) -> socket.socket:
        sock = socket.socket()
        if small:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect((self.ports.host, port))
        sock.setblocking(False)
        self.open.append(sock)
        return sock

    def turn(self) -> None:
        wait_s = max(0.0, (self.ports.next_us - self.clock.now_us()) / 1e6)
        if select.select(self.ports.filenos(), [], [], wait_s)[0]:
            self.ports.wake()
        self.ports.advance(self.clock.now_us())

    def until(self, done: Callable[[], bool]) -> None:
        give_up = time.monotonic() + GIVE_UP_S
        while not done():
            assert time.monotonic() < give_up, self.controller.notes
            self.turn()

    def hear(self, sock: socket.socket, enough: Callable[[bytes], bool]) -> bytes:
        """What comes until it is enough."""
        heard = b""

        def done() -> bool:
            nonlocal heard
            with contextlib.suppress(BlockingIOError):
                heard += sock.recv(65_536)
            return enough(heard)

        self.until(done)
        return heard

    def hung_up(self, sock: socket.socket) -> bool:
        """The controller has closed this connection."""
        try:
            while data := sock.recv(65_536):
                assert data
        except BlockingIOError:
            return False
        except ConnectionError:
            return True
        return True

    def close(self) -> None:
        for sock in self.open:
            sock.close()
        self.ports.close()


@pytest.fixture
def serving() -> Iterator[Serving]:
    made = Serving()
    yield made
    made.close()


def stream(serving: Serving, sock: socket.socket, names: bytes) -> None:
    sock.sendall(seal(Kind.SETUP_OUTPUTS, struct.pack(">d", 500.0) + names) + seal(Kind.START, b""))
    serving.hear(sock, lambda heard: b"\x00\x04S\x01" in heard)


def test_the_dashboard_speaks_first_and_answers_lines(serving: Serving) -> None:
    sock = serving.connect(DASHBOARD)
    greeting = serving.hear(sock, lambda heard: heard.endswith(b"\n"))
    sock.sendall(b"robot")
    sock.sendall(b"mode\nrunning\n")

    assert greeting == b"Connected: Universal Robots Dashboard Server\n"
    assert serving.hear(sock, lambda heard: heard.count(b"\n") == 2) == b"Robotmode: RUNNING\nProgram running: false\n"


def test_quit_is_answered_and_hung_up(serving: Serving) -> None:
    sock = serving.connect(DASHBOARD)
    sock.sendall(b"quit\n")

    serving.hear(sock, lambda heard: b"Disconnected\n" in heard)
    serving.until(lambda: serving.hung_up(sock))


@pytest.mark.parametrize("port", [SECONDARY, REAL_TIME])
def test_a_script_sent_in_pieces_runs_once_its_own_end_has_come(serving: Serving, port: int) -> None:
    sock = serving.connect(port)
    sock.sendall(b"def wait():\nwhile True:\nif True:\nsync()\nend\nend\n")
    for _ in range(5):
        serving.turn()
    early = serving.controller.program
    sock.sendall(b"end\n")
    serving.until(lambda: serving.controller.program is not None)

    assert early is None


def test_a_line_by_itself_is_a_program(serving: Serving) -> None:
    serving.connect(SECONDARY).sendall(b'\ntextmsg("hello")\n')

    serving.until(lambda: "textmsg: hello" in [note.text for note in serving.controller.notes])


def test_rtde_streams_the_controllers_rate_over_a_socket(serving: Serving) -> None:
    sock = serving.connect(RTDE)
    stream(serving, sock, b"timestamp")
    heard = serving.hear(sock, lambda heard: len(heard) >= 12 * 100)

    times = [struct.unpack_from(">d", heard, 12 * n + 4)[0] for n in range(100)]
    steps = {round((b - a) * 1e6) for a, b in itertools.pairwise(times)}
    assert steps == {2_000}


def test_a_client_that_does_not_read_is_let_go_while_another_is_served(serving: Serving) -> None:
    deaf, reader = serving.connect(RTDE, small=True), serving.connect(RTDE)
    names = ",".join(f"output_double_register_{n}" for n in range(48))
    stream(serving, deaf, names.encode())
    stream(serving, reader, b"timestamp")

    def let_go() -> bool:
        with contextlib.suppress(BlockingIOError):
            assert reader.recv(65_536)
        return "does not read" in (serving.controller.notes[-1].text if serving.controller.notes else "")

    serving.until(let_go)
    serving.hear(reader, lambda heard: len(heard) > 24)


def test_bytes_that_are_no_rtde_end_that_connection_only(serving: Serving) -> None:
    wrong, right = serving.connect(RTDE), serving.connect(RTDE)
    stream(serving, right, b"timestamp")
    wrong.sendall(b"GET / HTTP/1.0\r\n\r\n")

    serving.until(lambda: serving.hung_up(wrong))
    serving.hear(right, lambda heard: len(heard) > 24)


def test_dropping_rtde_hangs_up_and_lets_a_client_come_back(serving: Serving) -> None:
    sock = serving.connect(RTDE)
    stream(serving, sock, b"timestamp")
    serving.controller.drop_rtde()

    serving.until(lambda: serving.hung_up(sock))
    stream(serving, serving.connect(RTDE), b"timestamp")


def test_a_client_that_hangs_up_without_a_word_is_forgotten(serving: Serving) -> None:
    sock = serving.connect(RTDE)
    stream(serving, sock, b"timestamp")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
    for _ in range(20):
        serving.turn()

    stream(serving, serving.connect(RTDE), b"timestamp")


def test_a_second_controller_on_the_same_address_is_refused_and_on_another_is_not(serving: Serving) -> None:
    with pytest.raises(PortBusy, match="another loopback address"):
        UrPorts(serving.controller, serving.ports.host)

    UrPorts(serving.controller, "127.67.0.1").close()

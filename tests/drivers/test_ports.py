"""Ports: opened alone, never waited for, and every refusal says what to do."""

from __future__ import annotations

import errno
import os
import pty
import select
import socket
import subprocess
import sys
import termios
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from drivers import ports
from drivers.errors import ConfigError, PortBusy, PortLost, PortNotFound, WireError
from drivers.port_urls import PortUrl
from drivers.ports import Port, make_raw, open_port, port_from_socket


@dataclass
class Terminal:
    """A raw pseudo-terminal: `path` for the program, `device` for the simulated device."""

    path: str
    device: int
    _open: bool = field(default=True, repr=False)

    @property
    def url(self) -> str:
        return f"pty:{self.path}"

    def unplug(self) -> None:
        """The device goes away."""
        if self._open:
            self._open = False
            os.close(self.device)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    device, program = pty.openpty()
    make_raw(program)
    os.set_blocking(device, False)
    found = Terminal(os.ttyname(program), device)
    os.close(program)
    yield found
    found.unplug()


def until_readable(port: Port) -> bytes:
    """What comes next: the kernel hands bytes over at its own pace, even within one machine."""
    assert select.select([port], [], [], 5)[0], "nothing came"
    return port.read()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("serial:/dev/ttyUSB0", PortUrl("serial:/dev/ttyUSB0", "serial", path="/dev/ttyUSB0", baud=9600)),
        ("serial:/dev/ttyUSB0?baud=38400", PortUrl("serial:/dev/ttyUSB0?baud=38400", "serial", "/dev/ttyUSB0", 38400)),
        ("pty:/run/sim", PortUrl("pty:/run/sim", "pty", path="/run/sim")),
        ("tcp:localhost:4001", PortUrl("tcp:localhost:4001", "tcp", host="127.0.0.1", tcp_port=4001)),
        ("tcp:[::1]:65535", PortUrl("tcp:[::1]:65535", "tcp", host="::1", tcp_port=65535)),
    ],
)
def test_the_three_forms_of_a_port_url_are_read(text: str, expected: PortUrl) -> None:
    assert PortUrl.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("/dev/ttyUSB0", "names no port"),
        ("serial:ttyUSB0", "names no port"),
        ("usb:/dev/x", "names no port"),
        ("", "names no port"),
        ("pty:/run/sim?baud=9600", "no options"),
        ("serial:/dev/ttyS0?parity=E", "the one option is baud"),
        ("serial:/dev/ttyS0?baud=9600&baud=300", "the one option is baud"),
        ("serial:/dev/ttyS0?baud=49", "outside 50 to 4000000"),
        ("serial:/dev/ttyS0?baud=4000001", "outside 50 to 4000000"),
        ("serial:/dev/ttyS0?baud=fast", "outside 50 to 4000000"),
        ("serial:/dev/ttyS0?baud=²", "outside 50 to 4000000"),
        ("serial:/dev/ttyS0?baud=" + "9" * 5000, "outside 50 to 4000000"),
        ("tcp:localhost:0", "no TCP port"),
        ("tcp:localhost:65536", "no TCP port"),
        ("tcp:localhost", "no TCP port"),
        ("tcp:somewhere.example:80", "no address"),
    ],
)
def test_a_url_that_names_no_port_is_refused_with_the_form_it_should_have(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        PortUrl.parse(text)


def test_bytes_pass_untouched_both_ways(terminal: Terminal) -> None:
    port = open_port(terminal.url)
    every_byte = bytes(range(256))
    try:
        assert port.write(every_byte) == 256
        assert select.select([terminal.device], [], [], 5)[0]
        assert os.read(terminal.device, 4096) == every_byte
        os.write(terminal.device, every_byte)
        assert until_readable(port) == every_byte
    finally:
        port.close()


def test_a_port_with_nothing_to_read_says_so_and_does_not_wait(terminal: Terminal) -> None:
    port = open_port(terminal.url)
    assert port.read() == b""
    port.close()


def test_a_full_port_takes_nothing_and_does_not_wait(terminal: Terminal) -> None:
    port = open_port(terminal.url)
    assert any(port.write(b"x" * 4096) == 0 for _ in range(1000))
    port.close()


def test_discarding_takes_away_what_came_unread(terminal: Terminal) -> None:
    port = open_port(terminal.url)
    os.write(terminal.device, b"stale")
    assert select.select([port], [], [], 5)[0]
    assert port.discard_input() == b"stale"
    assert port.read() == b""
    port.close()


def test_a_device_that_goes_away_is_a_lost_port(terminal: Terminal) -> None:
    port = open_port(terminal.url)
    terminal.unplug()
    with pytest.raises(PortLost, match="Check cable"):
        port.read()
    with pytest.raises(PortLost, match="Check cable"):
        port.write(b"x")
    port.close()


def test_an_adapter_that_the_kernel_no_longer_has_is_a_lost_port(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pseudo-terminal can only hang up: what the driver of an unplugged adapter answers is said in its place."""

    def gone(*_: object) -> int:
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))

    port = open_port(terminal.url)
    monkeypatch.setattr(os, "read", gone)
    monkeypatch.setattr(os, "write", gone)
    with pytest.raises(PortLost, match=r"No such device.*Check cable"):
        port.read()
    with pytest.raises(PortLost, match=r"No such device.*Check cable"):
        port.write(b"EA")
    port.close()


def test_a_closed_port_is_lost_and_closing_twice_does_no_harm(terminal: Terminal) -> None:
    port = open_port(terminal.url)
    port.close()
    port.close()
    with pytest.raises(PortLost, match="closed"):
        port.fileno()


def test_a_port_that_is_open_here_is_busy_for_the_next_and_free_after_closing(terminal: Terminal) -> None:
    port = open_port(terminal.url)
    with pytest.raises(PortBusy, match=rf"process {os.getpid()}\)\. End that program"):
        open_port(terminal.url)
    port.close()
    open_port(terminal.url).close()


def test_a_pseudo_terminal_is_known_by_its_device_number_not_by_its_name(terminal: Terminal, tmp_path: Path) -> None:
    link = tmp_path / "stimulator"
    link.symlink_to(terminal.path)
    port = open_port(f"serial:{link}")
    assert port.is_pty
    port.close()


def test_a_pseudo_terminal_never_gets_the_exclusive_mark_that_would_outlive_its_holder(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked: list[int] = []
    monkeypatch.setattr(ports.fcntl, "ioctl", lambda _fd, request, *_: marked.append(request))
    open_port(terminal.url).close()
    assert marked == []


def test_a_real_terminal_opens_with_its_lines_low_and_marked_exclusive_until_closed(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked: list[int] = []
    monkeypatch.setattr(ports.fcntl, "ioctl", lambda _fd, request, *_: marked.append(request))
    monkeypatch.setattr(ports, "_is_pseudo_terminal", lambda _: False)
    port = open_port(f"serial:{terminal.path}")
    attributes = termios.tcgetattr(port.fileno())
    assert not port.is_pty
    assert not attributes[2] & termios.HUPCL
    assert attributes[4:6] == [termios.B9600, termios.B9600]
    assert port.read() == b"", "nothing yet must not look like a hang-up"
    assert marked == [termios.TIOCMBIC, termios.TIOCMBIC, termios.TIOCEXCL]
    port.close()
    assert marked[-1] == termios.TIOCNXCL


def test_a_real_terminal_is_busy_for_a_second_opener_too(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports.fcntl, "ioctl", lambda *_: 0)
    monkeypatch.setattr(ports, "_is_pseudo_terminal", lambda _: False)
    port = open_port(f"serial:{terminal.path}")
    with pytest.raises(PortBusy, match="End that program"):
        open_port(f"serial:{terminal.path}")
    port.close()


def test_a_blocked_serial_line_is_let_go_with_what_it_has_not_sent(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a pseudo-terminal has not sent is what its other end's full buffer has no place for."""
    monkeypatch.setattr(ports, "_is_pseudo_terminal", lambda _: False)
    port = open_port(f"serial:{terminal.path}")
    taken = 0
    while more := port.write(b"x" * 1024):
        taken += more
    port.close()

    came = 0
    while select.select([terminal.device], [], [], 5)[0]:
        try:
            came += len(os.read(terminal.device, 4096))
        except OSError:  # all of it was read
            break
    assert came < taken


def test_a_serial_line_that_is_let_go_has_sent_what_it_could(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "_is_pseudo_terminal", lambda _: False)
    port = open_port(f"serial:{terminal.path}")
    port.write(b"EA")
    assert select.select([terminal.device], [], [], 5)[0]
    port.close()
    assert os.read(terminal.device, 9) == b"EA"


def test_an_adapter_that_was_unplugged_is_let_go_all_the_same(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "_is_pseudo_terminal", lambda _: False)
    port = open_port(f"serial:{terminal.path}")
    fd = port.fileno()
    terminal.unplug()
    port.close()
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(fd)


def test_a_lock_held_by_another_program_names_that_program(terminal: Terminal) -> None:
    code = (
        "import fcntl, os, sys; fd = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY);"
        " fcntl.flock(fd, fcntl.LOCK_EX); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, terminal.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(PortBusy, match=rf"process {holder.pid}\)"):
            open_port(terminal.url)
        holder.communicate()


def test_a_name_without_a_port_is_not_found() -> None:
    with pytest.raises(PortNotFound, match="Plug the cable in"):
        open_port("serial:/dev/serial/by-id/usb-nobody-if00-port0")


def test_a_pseudo_terminal_without_its_device_is_not_found(terminal: Terminal) -> None:
    keeps_the_name = os.open(terminal.path, os.O_RDWR | os.O_NOCTTY)
    terminal.unplug()
    with pytest.raises(PortNotFound):
        open_port(terminal.url)
    os.close(keeps_the_name)


def test_a_file_is_no_serial_port(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PortNotFound, match="no serial port"):
        open_port(f"serial:{tmp_path}/file")


def test_a_real_port_is_not_taken_for_a_simulated_one() -> None:
    with pytest.raises(PortNotFound, match="written serial:/dev/null"):
        open_port("pty:/dev/null")


def test_a_port_the_user_may_not_open_names_the_group_that_may(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(ports.os, "open", refuse)
    with pytest.raises(WireError, match="group dialout"):
        open_port(terminal.url)


def test_a_device_server_carries_bytes_both_ways_and_its_hang_up_is_a_lost_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = open_port(f"tcp:127.0.0.1:{server.getsockname()[1]}")
        far, _ = server.accept()
        assert port.write(b"ask") == 3
        assert far.recv(16) == b"ask"
        far.sendall(b"told")
        assert until_readable(port) == b"told"
        far.close()
        with pytest.raises(PortLost, match="hung up"):
            until_readable(port)
        port.close()


def test_a_device_server_that_is_not_there_is_not_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    with pytest.raises(PortNotFound, match="device server"):
        open_port(f"tcp:127.0.0.1:{free}")


def test_one_end_of_a_socket_pair_is_a_port() -> None:
    near, far = socket.socketpair()
    port = port_from_socket(near, "the door")
    far.sendall(b"told")
    assert until_readable(port) == b"told"
    port.close()
    assert far.recv(1) == b""
    far.close()

"""The simulator as a real process on a PTY."""

from __future__ import annotations

import errno
import json
import os
import select
import signal
import socket
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from drivers.errors import DeviceSilent, OperatorError, PortNotFound
from drivers.magstim.framing import seal
from simulator.control import Control
from simulator.pty_port import remove_stale
from simulator.testing import RunningSimulator, running_simulator

pytestmark = pytest.mark.system

REMOTE = bytes.fromhex("51 89 25")
PATIENCE_S = 10.0


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[RunningSimulator]:
    with running_simulator(tmp_path, firmware=8) as running:
        yield running


@contextmanager
def opened(link: Path) -> Iterator[int]:
    try:
        fd = os.open(link, os.O_RDWR | os.O_NOCTTY)
    except OSError as going:  # the terminal of the client before, which goes in this very instant
        if going.errno != errno.EIO:
            raise
        fd = os.open(link, os.O_RDWR | os.O_NOCTTY)
    try:
        yield fd
    finally:
        os.close(fd)


def ask(fd: int, frame: bytes, length: int) -> bytes:
    os.write(fd, frame)
    return take(fd, length)


def take(fd: int, length: int) -> bytes:
    """`length` bytes, or what came of them in good time."""
    said, ends = b"", time.monotonic() + PATIENCE_S
    while len(said) < length and select.select([fd], [], [], max(0.0, ends - time.monotonic()))[0]:
        said += os.read(fd, length - len(said))
    return said


def until(true_in_the_end: object) -> None:
    """Waits for a condition of another process."""
    ends = time.monotonic() + PATIENCE_S
    while not true_in_the_end():  # type: ignore[operator]
        assert time.monotonic() < ends
        time.sleep(0.005)


def fire(fd: int) -> None:
    assert ask(fd, seal(b"Q@"), 3) == REMOTE
    assert ask(fd, seal(b"EB"), 3) == seal(b"E\x89")
    ends = time.monotonic() + PATIENCE_S
    while ask(fd, seal(b"Q@"), 3)[1] != 0x8C:
        assert time.monotonic() < ends
        time.sleep(0.05)
    assert ask(fd, seal(b"EH"), 3) == seal(b"E\x8c")


def cpu_ticks(pid: int) -> int:
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return int(user) + int(system)


def test_a_client_fires_and_the_pulse_is_in_the_file(simulator: RunningSimulator) -> None:
    with opened(simulator.link) as fd:
        fire(fd)
        until(simulator.pulses)
    (pulse,) = [line for line in map(json.loads, simulator.log.read_text().splitlines()) if line["kind"] == "pulse"]
    assert (pulse["level_tenths"], pulse["train"], pulse["index"]) == (300, 1, 1)
    assert abs(pulse["at_us"] - time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000) < PATIENCE_S * 1e6
    assert simulator.control("pulses") == {"pulses": 1}


def test_a_killed_simulator_leaves_every_pulse_on_record(simulator: RunningSimulator) -> None:
    with opened(simulator.link) as fd:
        fire(fd)
        until(lambda: simulator.control("pulses")["pulses"])
        simulator.process.kill()
        simulator.process.wait(PATIENCE_S)
    assert simulator.pulses() == 1


def test_the_port_is_raw_before_and_after_a_client_that_made_it_cooked(simulator: RunningSimulator) -> None:
    for _ in range(3):
        with opened(simulator.link) as fd:
            mode = termios.tcgetattr(fd)
            assert not mode[3] & (termios.ECHO | termios.ICANON)
            mode[3] |= termios.ECHO | termios.ICANON
            termios.tcsetattr(fd, termios.TCSANOW, mode)
        time.sleep(0.1)
    with opened(simulator.link) as fd:
        assert ask(fd, seal(b"Q@"), 3) == REMOTE


@pytest.mark.parametrize("speaks", [True, False])
def test_output_that_a_client_stopped_flows_for_the_next(simulator: RunningSimulator, *, speaks: bool) -> None:
    with opened(simulator.link) as fd:
        if speaks:
            assert ask(fd, seal(b"Q@"), 3) == REMOTE
        termios.tcflow(fd, termios.TCOOFF)
        gone = simulator.link.readlink()
    until(lambda: simulator.link.readlink() != gone)
    with opened(simulator.link) as fd:
        assert ask(fd, seal(b"Q@"), 3) == REMOTE


def test_clients_come_and_go_and_the_next_one_is_heard(simulator: RunningSimulator) -> None:
    for _ in range(20):
        with opened(simulator.link) as fd:
            assert ask(fd, seal(b"Q@"), 3) == REMOTE


def test_what_a_client_wrote_before_it_left_still_arrives(simulator: RunningSimulator) -> None:
    simulator.control("panel-arm")
    with opened(simulator.link) as fd:
        os.write(fd, seal(b"EA"))
    until(lambda: simulator.control("status")["condition"] == "standby")


def test_what_the_device_says_while_nobody_listens_is_lost(simulator: RunningSimulator) -> None:
    simulator.control("slow-replies", ms=100)
    with opened(simulator.link) as fd:
        os.write(fd, seal(b"F@"))
    time.sleep(0.3)
    simulator.control("slow-replies", ms=0)
    with opened(simulator.link) as fd:
        assert ask(fd, seal(b"Q@"), 3) == REMOTE


def test_what_a_client_left_unread_is_lost_with_it(simulator: RunningSimulator) -> None:
    with opened(simulator.link) as fd:
        os.write(fd, seal(b"F@"))
        assert select.select([fd], [], [], PATIENCE_S)[0]
    for _ in range(2):  # its loop has turned since: it has seen the hang-up before the next client comes
        simulator.control("status")
    with opened(simulator.link) as fd:
        assert ask(fd, seal(b"Q@"), 3) == REMOTE


def test_a_reply_that_comes_late_meets_whoever_listens_then(simulator: RunningSimulator) -> None:
    simulator.control("delay-reply", of="F", ms=300)
    with opened(simulator.link) as fd:
        os.write(fd, seal(b"F@"))
    with opened(simulator.link) as fd:
        assert take(fd, 9) == seal(b"F\x09" + b"220220")


def test_half_a_frame_of_a_client_that_has_gone_eats_the_next_ones_bytes(simulator: RunningSimulator) -> None:
    with opened(simulator.link) as fd:
        os.write(fd, b"@0")
    time.sleep(0.1)
    with opened(simulator.link) as fd:
        assert ask(fd, seal(b"Q@"), 3) == seal(b"@?")
        assert ask(fd, seal(b"Q@"), 3) == REMOTE


def test_it_rests_while_nobody_is_there(simulator: RunningSimulator) -> None:
    with opened(simulator.link) as fd:
        assert ask(fd, seal(b"Q@"), 3) == REMOTE
    before = cpu_ticks(simulator.process.pid)
    time.sleep(1.0)
    assert cpu_ticks(simulator.process.pid) - before < 10  # hundredths of a second


def test_a_paced_line_takes_its_time(tmp_path: Path) -> None:
    with running_simulator(tmp_path, firmware=8, pacing=True) as simulator, opened(simulator.link) as fd:
        ask(fd, seal(b"Q@"), 3)
        started = time.monotonic()
        assert len(ask(fd, seal(b"\\@"), 22)) == 22
        assert time.monotonic() - started >= 25 * 0.00104


def test_a_pulled_cable_hangs_up_and_comes_back_under_the_same_name(simulator: RunningSimulator) -> None:
    with opened(simulator.link) as fd:
        simulator.control("vanish")
        until(lambda: not simulator.link.is_symlink())
        with pytest.raises(OSError, match="Input/output"):
            os.write(fd, b"x")
    simulator.control("come-back")
    until(simulator.link.is_symlink)
    with opened(simulator.link) as fd:
        assert ask(fd, seal(b"Q@"), 3) == REMOTE


def test_a_stalled_device_blocks_its_client(simulator: RunningSimulator) -> None:
    simulator.control("stall")
    with opened(simulator.link) as fd:
        os.set_blocking(fd, False)
        written = 0
        with pytest.raises(BlockingIOError):  # noqa: PT012  how much fits is the kernel's business
            while written < 2**20:
                written += os.write(fd, b"\xff" * 1024)
    simulator.control("reset")


def test_it_ends_cleanly_and_takes_its_names_away(tmp_path: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        with running_simulator(tmp_path, firmware=8) as simulator:
            simulator.process.send_signal(number)
            assert simulator.process.wait(PATIENCE_S) == 0
            assert [path.name for path in (tmp_path / "sim").iterdir()] == ["lock"]


def test_it_ends_when_its_parent_closes_the_pipe(tmp_path: Path) -> None:
    with running_simulator(tmp_path, firmware=8) as simulator:
        assert simulator.process.stdin is not None
        simulator.process.stdin.close()
        assert simulator.process.wait(PATIENCE_S) == 0


def test_it_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    program = (
        "import subprocess, sys, time\n"
        "with subprocess.Popen([sys.executable, '-m', 'simulator', '--runtime', sys.argv[1], '--die-with-parent']):\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline().startswith("ready")
        parent.kill()
    until(lambda: not (tmp_path / "sim" / "control").exists())


def test_a_second_one_in_the_same_runtime_is_refused(simulator: RunningSimulator, tmp_path: Path) -> None:
    with pytest.raises(DeviceSilent, match="status 1"), running_simulator(tmp_path, firmware=8):
        pytest.fail("two simulators in one runtime")
    with opened(simulator.link) as fd:
        assert ask(fd, seal(b"Q@"), 3) == REMOTE


def test_what_a_killed_one_left_behind_is_no_hindrance(tmp_path: Path) -> None:
    with running_simulator(tmp_path, firmware=8) as simulator:
        simulator.process.kill()
        simulator.process.wait(PATIENCE_S)
        assert simulator.link.is_symlink()
    with running_simulator(tmp_path, firmware=8) as simulator, opened(simulator.link) as fd:
        assert ask(fd, seal(b"Q@"), 3) == REMOTE


@pytest.mark.parametrize("target", ["/dev/ttyUSB0", "/dev/null"])
def test_a_link_to_something_else_is_never_touched(tmp_path: Path, target: str) -> None:
    link = tmp_path / "stimulator"
    link.symlink_to(target)
    with pytest.raises(OperatorError, match="by hand"):
        remove_stale(link)
    assert link.is_symlink()


def test_it_tells_systemd_when_it_is_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(os.fspath(tmp_path / "notify"))
        notified.settimeout(PATIENCE_S)
        monkeypatch.setenv("NOTIFY_SOCKET", os.fspath(tmp_path / "notify"))
        with running_simulator(tmp_path / "run", firmware=8):
            assert notified.recv(64) == b"READY=1"


def test_the_command_line_turns_switches_and_says_what_is_wrong(simulator: RunningSimulator, tmp_path: Path) -> None:
    def ctl(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "simulator", "ctl", *words, "--runtime", os.fspath(tmp_path)]
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)

    assert json.loads(ctl("status").stdout)["firmware"] == 8
    assert ctl("lose-reply", "--of", "F").returncode == 0
    assert simulator.control("status")["line_faults"] == ["lose_reply of F"]
    refused = ctl("panel-trigger")
    assert (refused.returncode, "cannot fire now" in refused.stderr) == (1, True)
    assert ctl("coil-temperature", "41.5").returncode == 0
    assert simulator.control("status")["coil_tenths"] in range(410, 416)


def test_the_help_gives_every_switch_a_line() -> None:
    helped = subprocess.run(
        [sys.executable, "-m", "simulator", "ctl", "--help"], capture_output=True, text=True, timeout=20, check=True
    )
    assert "swallow-disarm" in helped.stdout
    assert "0.1 %" in helped.stdout


def test_a_back_door_nobody_answers_is_named(tmp_path: Path) -> None:
    with pytest.raises(PortNotFound, match="start coilward-simulator"):
        Control(tmp_path)("status")


def test_a_babbling_client_of_the_back_door_is_dropped_and_others_are_served(simulator: RunningSimulator) -> None:
    control = simulator.link.with_name("control")
    with socket.socket(socket.AF_UNIX) as babbler:
        babbler.settimeout(PATIENCE_S)
        babbler.connect(os.fspath(control))
        sent = 0
        with pytest.raises((BrokenPipeError, ConnectionResetError)):  # noqa: PT012  it may take a few
            while sent < 2**20:
                sent += babbler.send(b"x" * 1024)
    assert simulator.control("pulses") == {"pulses": 0}

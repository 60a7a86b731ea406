"""What the simulated Polaris answers, and what its cable does to it."""

from __future__ import annotations

import re
import select
import socket
from pathlib import Path

import pytest

from drivers.polaris import bx, bx2, tool_files, tx
from drivers.polaris.framing import Binary, Command, Refused, Reply, ReplyReader, Text
from drivers.polaris.refusals import Error
from drivers.ports import open_port
from drivers.poses import Pose
from drivers.trackers import Sight, Tool
from simulator.faults import LineFault, Spoil
from simulator.wires.polaris import PolarisWire, Sights
from simulator.wires.polaris_serving import PolarisPort, PolarisPty, PolarisTcp
from simulator.wires.polaris_tools import write_tool_files

HERE = Sight(Pose((1, 0, 0, 0), (0.1, -0.2, -1.5)), 0.0001)


class Clocked:
    """A camera of 60 Hz, and the clock that the wire asks."""

    def __init__(self) -> None:
        self.now_us = 5_000_000_000

    def sights(self, at_us: int) -> Sights:
        return Sights(at_us // 16_667, {Tool.HEAD: HERE, Tool.COIL: HERE})


class Talk:
    """Commands in, replies out, time when told."""

    def __init__(self, model: str = "polaris-vega", *, serial: bool = True) -> None:
        self.camera = Clocked()
        self.wire = PolarisWire(self.camera, lambda: self.camera.now_us, model, serial=serial)

    def say(self, name: str, parameters: str = "") -> Reply:
        (reply,) = ReplyReader().feed(self.wire.answer(Command(name, parameters).encode()[:-1]))
        return reply

    def text(self, name: str, parameters: str = "") -> str:
        reply = self.say(name, parameters)
        assert isinstance(reply, Text), reply
        return reply.text

    def body(self, name: str, parameters: str = "") -> bytes:
        reply = self.say(name, parameters)
        assert isinstance(reply, Binary), reply
        return reply.body

    def load(self, data: bytes) -> int:
        handle = int(self.text("PHRQ", "*********1****"), 16)
        for command in tool_files.writing(handle, data):
            assert self.say(command.name, command.parameters) == Text("OKAY")
        return handle

    def follow(self, *names: str) -> list[int]:
        self.say("INIT")
        handles = [self.load(tool_files.made_up(name)) for name in names]
        for handle in handles:
            assert self.text("PINIT", f"{handle:02X}") == "OKAY"
            assert self.text("PENA", f"{handle:02X}D") == "OKAY"
        return handles


def test_before_init_only_the_way_there_is_open() -> None:
    talk = Talk()

    assert talk.say("PHSR", "00") == Refused(Error.NOT_INITIALISED)
    assert talk.say("TSTART") == Refused(Error.NOT_INITIALISED)
    assert talk.text("INIT") == "OKAY"
    assert talk.text("PHSR", "00") == "00"


def test_while_tracking_settings_are_refused_and_reports_are_given() -> None:
    talk = Talk()
    talk.follow("head")

    assert talk.say("BX", "0001") == Refused(Error.INVALID_COMMAND)
    talk.say("TSTART")
    assert [talk.say(name) for name in ("INIT", "PHRQ", "COMM")] == [Refused(Error.WHILE_TRACKING)] * 3
    assert isinstance(talk.say("BX", "0001"), Binary)
    assert talk.text("TSTOP") == "OKAY"
    assert talk.text("INIT") == "OKAY"


@pytest.mark.parametrize(
    ("line", "error"),
    [(b"INIT:E3A6", Error.WRONG_CHECKSUM), (b"NONSENSE:0000", Error.INVALID_COMMAND), (b"FOO ", Error.INVALID_COMMAND)],
)
def test_what_is_no_command_is_refused_by_its_number(line: bytes, error: Error) -> None:
    assert ReplyReader().feed(Talk().wire.answer(line)) == [Refused(error)]


def test_a_command_without_checksum_is_taken() -> None:
    talk = Talk()

    assert talk.wire.answer(b"INIT ") == b"OKAYA896\r"
    assert talk.wire.answer(b"") == b""


@pytest.mark.parametrize(
    ("name", "parameters"), [("PINIT", "zz"), ("PENA", "0AX"), ("PHSR", "09"), ("TSTART", "11"), ("PVWR", "0A0000FF")]
)
def test_wrong_parameters_are_refused(name: str, parameters: str) -> None:
    talk = Talk()
    talk.say("INIT")
    talk.say("PHRQ")

    assert talk.say(name, parameters) == Refused(Error.PARAMETERS)


def test_the_three_reports_tell_the_same() -> None:
    talk = Talk()
    handles = talk.follow("head", "pointer", "coil")
    talk.say("TSTART")

    text, short, general = talk.text("TX", "0001"), talk.body("BX", "0001"), talk.body("BX2", "--6d=tools")
    for report in (tx.parse(text), bx.parse(short), bx2.parse(general)):
        assert [tool.handle for tool in report.tools] == handles
        assert [tool.transform is not None for tool in report.tools] == [True, False, True]
        head = report.tools[0].transform
        assert head is not None
        assert head.translation_mm == pytest.approx((100, -200, -1500), abs=0.01)
        assert {tool.frame for tool in report.tools} == {5_000_000_000 // 16_667}


def test_bx2_tells_a_frame_once_and_bx_as_often_as_it_is_asked() -> None:
    talk = Talk()
    talk.follow("head")
    talk.say("TSTART", "80")

    told = [bx2.parse(talk.body("BX2")).tools for _ in range(2)]
    again = [bx.parse(talk.body("BX")).tools[0].frame for _ in range(2)]

    assert [len(tools) for tools in told] == [1, 0]
    assert again == [0, 0]


def test_a_unit_older_than_bx2_does_not_know_it() -> None:
    talk = Talk("polaris-vicra")
    talk.follow("head")
    talk.say("TSTART")

    assert talk.say("BX2") == Refused(Error.INVALID_COMMAND)
    assert isinstance(talk.say("BX"), Binary)


def test_tools_of_others_stand_for_the_bodies_in_the_order_they_are_loaded() -> None:
    talk = Talk()
    talk.say("INIT")
    handles = [talk.load(tool_files.MAGIC + bytes((n,)) * 100) for n in (1, 2)]
    for handle in handles:
        talk.say("PINIT", f"{handle:02X}")

    assert [port.tool for _, port in talk.wire.ports.tools()] == [Tool.HEAD, Tool.COIL]


def test_a_tool_goes_from_loaded_over_initialised_to_enabled_and_never_skips() -> None:
    talk = Talk()
    talk.say("INIT")
    handle = f"{talk.load(tool_files.made_up('head')):02X}"

    assert talk.text("PHSR", "02") == f"01{handle}001"
    assert talk.say("PENA", f"{handle}D") == Refused(Error.PORT_NOT_INITIALISED)
    assert talk.text("PINIT", handle) == "OKAY"
    assert talk.text("PHSR", "03") == f"01{handle}011"
    assert talk.text("PENA", f"{handle}D") == "OKAY"
    assert talk.text("PHSR", "04") == f"01{handle}031"
    assert talk.text("PDIS", handle) == "OKAY"
    assert talk.text("PHSR", "04") == "00"
    assert talk.text("PHF", handle) == "OKAY"
    assert talk.say("PHF", handle) == Refused(Error.UNOCCUPIED)


def test_handles_left_over_wait_to_be_freed_and_run_out() -> None:
    talk = Talk()
    talk.follow("head")
    talk.say("INIT")

    assert talk.text("PHSR", "01") == "010A001"
    assert talk.say("PINIT", "0A") == Refused(Error.CANNOT_INITIALISE_PORT)
    while isinstance(reply := talk.say("PHRQ"), Text):
        pass
    assert reply == Refused(Error.NO_HANDLES_LEFT)


def test_version_has_the_line_that_clients_look_for() -> None:
    assert re.search(r"^Freeze Tag: Polaris Vega 011$", Talk().text("VER", "0"), re.MULTILINE)
    assert "G.003" in Talk().text("APIREV")
    assert Talk().text("GETINFO", "Features.Firmware.Version").count(";") == 6


# ── the cable ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_reply_takes_its_time_on_the_line_and_a_faster_line_less() -> None:
    talk = Talk()
    port = PolarisPort(talk.wire)
    port.receive(b"INIT:E3A5\r", talk.camera.now_us, 9600)

    assert port.next_us is not None
    assert port.next_us - talk.camera.now_us == pytest.approx(300 + (9 + 9) * 10 * 1e6 / 9600, abs=10)
    assert port.due(port.next_us - 1) == b""
    assert port.due(port.next_us) == b"OKAYA896\r"


def test_after_comm_the_unit_understands_the_new_speed_alone() -> None:
    talk = Talk()
    port = PolarisPort(talk.wire)
    now_us = talk.camera.now_us
    port.receive(b"COMM:500000048\r", now_us, 9600)
    assert port.due(now_us + 100_000) == b"OKAYA896\r"

    port.receive(b"INIT:E3A5\r", now_us + 200_000, 9600)
    garbled = port.due(now_us + 300_000)
    port.wire.forget()
    port.receive(b"INIT:E3A5\r", now_us + 400_000, 115_200)

    assert b"OKAY" not in garbled
    assert port.due(now_us + 500_000) == b"OKAYA896\r"


def test_a_unit_that_was_reset_counts_its_frames_anew() -> None:
    talk = Talk()
    talk.wire.reset()
    talk.follow("head")
    talk.say("TSTART")
    talk.camera.now_us += 500_000

    assert bx.parse(talk.body("BX")).tools[0].frame in (29, 30)


def test_a_break_resets_everything_and_is_answered_at_9600() -> None:
    talk = Talk()
    talk.follow("head")
    talk.say("COMM", "60000")
    talk.say("TSTART")
    port = PolarisPort(talk.wire)
    port.hear_break(talk.camera.now_us)

    assert port.due(talk.camera.now_us + 10_000) == b"RESETBE6F\r"
    assert (talk.wire.baud, talk.wire.tracking, talk.wire.initialised) == (9600, False, False)
    assert talk.text("INIT") == "OKAY"
    assert talk.text("PHSR", "00") == "00"


def test_on_ethernet_there_is_no_speed() -> None:
    assert Talk(serial=False).say("COMM", "60000") == Refused(Error.COMM)


def test_a_fault_of_the_line_hits_the_commands_it_is_for() -> None:
    talk = Talk()
    port = PolarisPort(talk.wire, paced=False)
    port.faults.add(LineFault(Spoil.LOSE_REPLY, b"VER"))
    port.receive(b"VER:065EE\rINIT:E3A5\r", 0)

    assert port.due(10**9) == b"OKAYA896\r"


def test_a_pseudo_terminal_is_served_and_leaves_nothing(tmp_path: Path) -> None:
    talk = Talk()
    service = PolarisPty(talk.wire, tmp_path / "tracker")
    with select.epoll() as epoll:
        service.watch(epoll)
        client = open_port(f"pty:{tmp_path / 'tracker'}")  # at 9600 baud
        client.write(b"INIT:E3A5\r")
        for fd, _ in epoll.poll(2):
            service.wake(fd)
        service.turn(0)
        assert service.next_us is not None
        service.turn(service.next_us)
        assert client.read() == b"OKAYA896\r"
        client.close()
        service.close()

    assert not (tmp_path / "tracker").is_symlink()


def test_one_client_at_a_time_over_tcp_and_the_unit_stays_as_it_was() -> None:
    talk = Talk(serial=False)
    service = PolarisTcp(talk.wire, tcp_port=0)
    with select.epoll() as epoll:
        service.watch(epoll)

        def turn() -> None:
            for fd, _ in epoll.poll(2):
                service.wake(fd)
            service.turn(10**9)
            service.turn(2 * 10**9)

        with (
            socket.create_connection(service.address, 2) as first,
            socket.create_connection(service.address, 2) as other,
        ):
            turn()
            turn()
            first.sendall(b"INIT:E3A5\r")
            turn()
            assert first.recv(100) == b"OKAYA896\r"
            assert other.recv(100) == b""
        turn()
        with socket.create_connection(service.address, 2) as third:
            turn()
            third.sendall(b"PHSR:0020FF\r")
            turn()
            assert third.recv(100).startswith(b"00")
        service.close()


def test_tool_files_are_written_for_every_body(tmp_path: Path) -> None:
    paths = write_tool_files(tmp_path / "tools")

    assert {tool: tool_files.made_up_name(tool_files.read(path)) for tool, path in paths.items()} == {
        tool: tool.value for tool in Tool
    }

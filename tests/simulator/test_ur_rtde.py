"""The RTDE server without sockets: recipes, owners, rates, misbehaving clients. Bytes as ur_rtde 1.6.5 sends them."""

from __future__ import annotations

import struct

import pytest

from drivers.errors import BadFrame
from drivers.ur.framing import Kind, seal
from simulator.arm.arm import Arm
from simulator.clock import VirtualClock
from simulator.wires.ur.controller import Controller
from simulator.wires.ur.modes import RobotMode
from simulator.wires.ur.rtde import OUTBOX_BYTES, RtdeServer, RtdeSession

TICK_US = 2_000
ASK_VERSION = bytes.fromhex("0005 56 0002")
ASK_CONTROLLER = bytes.fromhex("0003 76")
START = bytes.fromhex("0003 53")
PAUSE = bytes.fromhex("0003 50")


class Server:
    """A controller, its RTDE server, and time."""

    def __init__(self) -> None:
        self.clock = VirtualClock(777_000_000)
        self.controller = Controller(Arm(), self.clock)
        self.rtde = RtdeServer(self.controller)

    def connect(self) -> RtdeSession:
        return self.rtde.open()

    def tick(self, count: int = 1) -> None:
        for _ in range(count):
            self.clock.advance_to(self.clock.now_us() + TICK_US)
            self.controller.advance(self.clock.now_us())


@pytest.fixture
def server() -> Server:
    return Server()


def said(session: RtdeSession) -> list[tuple[int, bytes]]:
    """Types and payloads of what waits for the client; taken out."""
    packets = []
    while session.outbox:
        size, kind = struct.unpack_from(">HB", session.outbox)
        packets.append((kind, bytes(session.outbox[3:size])))
        del session.outbox[:size]
    return packets


def ask(session: RtdeSession, kind: Kind, payload: bytes) -> bytes:
    session.feed(seal(kind, payload))
    ((answered, reply),) = said(session)
    assert answered == kind
    return reply


def outputs(session: RtdeSession, names: str, rate_hz: float = 500.0) -> bytes:
    return ask(session, Kind.SETUP_OUTPUTS, struct.pack(">d", rate_hz) + names.encode())


def stream(session: RtdeSession, names: str, rate_hz: float = 500.0) -> None:
    assert outputs(session, names, rate_hz)[0] == 1
    assert ask(session, Kind.START, b"") == b"\x01"


# ── agreeing ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_second_protocol_is_accepted_and_no_other(server: Server) -> None:
    session = server.connect()
    session.feed(ASK_VERSION)
    second = bytes(session.outbox)
    session.outbox.clear()
    session.feed(bytes.fromhex("0005 56 0001"))

    assert second == bytes.fromhex("0004 56 01")
    assert bytes(session.outbox) == bytes.fromhex("0004 56 00")


def test_the_controllers_version_is_four_numbers(server: Server) -> None:
    session = server.connect()
    session.feed(ASK_CONTROLLER)

    assert bytes(session.outbox) == bytes.fromhex("0013 76 00000005 0000000c 00000000 0000045a")


def test_a_packet_cut_anywhere_is_answered_once_it_is_whole(server: Server) -> None:
    session = server.connect()
    for byte in ASK_VERSION + ASK_CONTROLLER:
        session.feed(bytes([byte]))

    assert [kind for kind, _ in said(session)] == [Kind.PROTOCOL_VERSION, Kind.CONTROLLER_VERSION]


@pytest.mark.parametrize(
    "data", [b"\x00\x02\x56", b"\x00\x03\xff", b"\x00\x05O\x00\x00"], ids=["size", "type", "short"]
)
def test_what_is_no_rtde_is_hung_up_on(server: Server, data: bytes) -> None:
    with pytest.raises(BadFrame):
        server.connect().feed(data)


def test_every_output_is_answered_with_its_type_and_a_comma_too_many_is_no_name(server: Server) -> None:
    reply = outputs(server.connect(), "timestamp,actual_q,robot_mode,runtime_state,output_int_register_24,")

    assert reply == b"\x01DOUBLE,VECTOR6D,INT32,UINT32,INT32"


def test_an_unknown_output_is_not_found_and_then_nothing_streams(server: Server) -> None:
    session = server.connect()

    assert outputs(session, "timestamp,colour") == b"\x00DOUBLE,NOT_FOUND"
    assert ask(session, Kind.START, b"") == b"\x00"


def test_input_recipes_are_numbered_in_order(server: Server) -> None:
    session = server.connect()

    assert ask(session, Kind.SETUP_INPUTS, b"input_int_register_24,input_double_register_24,") == b"\x01INT32,DOUBLE"
    assert ask(session, Kind.SETUP_INPUTS, b"input_int_register_25") == b"\x02INT32"
    assert ask(session, Kind.SETUP_INPUTS, b"nonsense") == b"\x00NOT_FOUND"


def test_one_client_may_name_its_own_input_in_several_recipes(server: Server) -> None:
    session = server.connect()
    ask(session, Kind.SETUP_INPUTS, b"input_int_register_0")

    assert ask(session, Kind.SETUP_INPUTS, b"input_int_register_0,input_double_register_0") == b"\x02INT32,DOUBLE"


def test_an_input_of_another_client_is_in_use_until_that_one_has_gone(server: Server) -> None:
    first, second = server.connect(), server.connect()
    ask(first, Kind.SETUP_INPUTS, b"input_int_register_24")
    refused = ask(second, Kind.SETUP_INPUTS, b"input_int_register_24,input_int_register_25")
    other = ask(second, Kind.SETUP_INPUTS, b"input_int_register_25")
    first.close()

    assert refused == b"\x00IN_USE,INT32"
    assert other == b"\x01INT32"
    assert ask(second, Kind.SETUP_INPUTS, b"input_int_register_24") == b"\x02INT32"


# ── streaming ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_told_is_what_the_arm_is(server: Server) -> None:
    session = server.connect()
    stream(session, "timestamp,robot_mode,actual_q")
    server.tick()

    ((kind, payload),) = said(session)
    number, seconds, mode, *joints = struct.unpack(">Bdi6d", payload)
    assert (kind, number, seconds, mode) == (Kind.DATA, 1, 0.002, RobotMode.RUNNING)
    assert tuple(joints) == server.controller.arm.body.joints


@pytest.mark.parametrize(("rate_hz", "packets"), [(500, 500), (125, 125), (60, 60), (1, 1), (2000, 500)])
@pytest.mark.parametrize("before", [0, 500])
def test_a_client_gets_the_rate_it_asked_for_from_its_start_on_and_never_more_than_the_controllers(
    server: Server, rate_hz: float, packets: int, before: int
) -> None:
    session = server.connect()
    outputs(session, "timestamp", rate_hz)
    server.tick(before)
    ask(session, Kind.START, b"")
    server.tick(500)

    assert len(said(session)) == pytest.approx(packets, abs=1)


def test_nothing_streams_before_start_nor_after_pause(server: Server) -> None:
    session = server.connect()
    outputs(session, "timestamp")
    server.tick(3)
    before = said(session)
    ask(session, Kind.START, b"")
    server.tick(3)
    between = said(session)
    ask(session, Kind.PAUSE, b"")
    server.tick(3)

    assert (before, len(between), said(session)) == ([], 3, [])


def test_several_clients_each_get_their_own(server: Server) -> None:
    fast, slow = server.connect(), server.connect()
    stream(fast, "timestamp")
    stream(slow, "timestamp,actual_q", 125)
    server.tick(8)

    assert (len(said(fast)), len(said(slow))) == (8, 2)


def test_a_client_that_does_not_read_is_left_out_then_let_go_and_harms_nobody_else(server: Server) -> None:
    deaf, reader = server.connect(), server.connect()
    stream(deaf, "actual_q,actual_qd,actual_TCP_pose,actual_TCP_speed,actual_TCP_force")
    stream(reader, "timestamp")
    heard = 0
    for _ in range(700):
        server.tick()
        heard += len(said(reader))

    assert len(deaf.outbox) < OUTBOX_BYTES + 400
    assert deaf.closed
    assert deaf not in server.rtde.sessions
    assert heard == 700


def test_a_client_that_reads_again_in_time_misses_packets_and_stays(server: Server) -> None:
    session = server.connect()
    stream(session, "timestamp,actual_q,actual_qd,actual_TCP_pose,actual_TCP_speed,actual_TCP_force")
    server.tick(300)
    first = said(session)
    server.tick(2)

    assert session.left_out > 0
    assert len(first) < 300
    assert len(said(session)) == 2
    assert not session.closed


# ── inputs ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_input_holds_from_the_next_tick_on_and_after_its_client_has_gone(server: Server) -> None:
    session = server.connect()
    ask(session, Kind.SETUP_INPUTS, b"input_int_register_24,input_double_register_47")
    session.feed(seal(Kind.DATA, struct.pack(">Bid", 1, -7, 0.5)))
    inputs = server.controller.registers.inputs
    before = inputs.ints[24]
    server.tick()
    session.close()
    server.tick()

    assert (before, inputs.ints[24], inputs.doubles[47]) == (0, -7, 0.5)


def test_two_orders_within_one_tick_lose_the_first(server: Server) -> None:
    session = server.connect()
    ask(session, Kind.SETUP_INPUTS, b"input_int_register_0")
    for order in (6, 7):
        session.feed(seal(Kind.DATA, struct.pack(">Bi", 1, order)))
    server.tick()

    assert server.controller.registers.inputs.ints[0] == 7


def test_orders_that_waited_while_the_machine_stalled_are_spread_over_its_ticks(server: Server) -> None:
    session, seen = server.connect(), []
    ask(session, Kind.SETUP_INPUTS, b"input_int_register_0")

    class Watching:
        def before(self) -> None:
            """Nothing to write."""

        def after(self) -> None:
            seen.append(server.controller.registers.inputs.ints[0])

    server.controller.listeners.append(Watching())
    for order in range(1, 6):
        session.feed(seal(Kind.DATA, struct.pack(">Bi", 1, order)))
    server.clock.advance_to(server.clock.now_us() + 5 * TICK_US)
    server.controller.advance(server.clock.now_us())

    assert seen == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("payload", [b"", b"\x02\0\0\0\0", b"\x01\0"], ids=["empty", "unknown", "short"])
def test_input_of_no_recipe_ends_the_session(server: Server, payload: bytes) -> None:
    session = server.connect()
    ask(session, Kind.SETUP_INPUTS, b"input_int_register_0")
    session.feed(seal(Kind.DATA, payload))
    server.tick()

    assert session.closed
    assert "input data of no recipe" in server.controller.notes[-1].text


@pytest.mark.parametrize(("asked", "kept"), [(0.4, 0.4), (1.5, 1.0), (-1.0, 0.0)])
def test_the_speed_slider_slows_the_arm_and_stays_on_its_scale(server: Server, asked: float, kept: float) -> None:
    session = server.connect()
    ask(session, Kind.SETUP_INPUTS, b"speed_slider_mask,speed_slider_fraction")
    session.feed(seal(Kind.DATA, struct.pack(">BId", 1, 1, asked)))
    server.tick(2)

    assert server.controller.arm.scaling == kept


# ── faults ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_frozen_stream_is_silent_while_inputs_are_still_taken(server: Server) -> None:
    session = server.connect()
    ask(session, Kind.SETUP_INPUTS, b"input_int_register_24")
    stream(session, "timestamp")
    server.controller.freeze_stream()
    session.feed(seal(Kind.DATA, struct.pack(">Bi", 1, 3)))
    server.tick(5)
    frozen = said(session)
    server.controller.freeze_stream(frozen=False)
    server.tick(2)

    assert frozen == []
    assert server.controller.registers.inputs.ints[24] == 3
    assert len(said(session)) == 2


def test_a_drop_ends_every_session_and_frees_their_inputs(server: Server) -> None:
    session = server.connect()
    ask(session, Kind.SETUP_INPUTS, b"input_int_register_24")
    server.controller.drop_rtde()
    server.tick()

    assert session.closed
    assert ask(server.connect(), Kind.SETUP_INPUTS, b"input_int_register_24") == b"\x01INT32"

"""The arm's socket: packets that are no message, clients that do not read, and places that are held for nothing."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from daemon.arm.messages import MAX_PACKET_BYTES
from daemon.arm.socket import MAX_CLIENTS, PACKETS_A_TURN
from daemon.arm.table import Verb
from drivers.errors import ConfigError
from safety.connections import NAMELESS_US, listen
from tests.daemon.arm.loop_stand_ins import LoopRoom

HEAD = [1.0, 0, 0, 0, 0.1, 0.2, 1.3]
FRAME = {"do": "frame", "n": 1, "source_us": 1, "received_us": 2, "tools": {"head": HEAD}, "fault": ""}
TARGET = {
    "do": "target",
    "id": "left-m1",
    "head_from_target": [1, 0, 0, 0, 0, 0, 0.1],
    "scalp": {"centre": [0, 0, 0], "radii": [0.08, 0.1, 0.09]},
}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, "do names no message"),
        ({"do": "fly"}, "do names no message"),
        ({"do": ["stop"]}, "do names no message"),
        ({"do": "stop", "now": True}, "now is not a field"),
        ({"do": "go"}, "to is missing"),
        ({"do": "go", "to": "moon"}, "to must be one of target, away, park, hand"),
        ({"do": "hello", "role": "lease"}, "role must be one of daemon, cli"),
        (FRAME | {"n": -1}, "n must be a whole number"),
        (FRAME | {"n": True}, "n must be a whole number"),
        (FRAME | {"source_us": 3}, "source_us lies after received_us"),
        (FRAME | {"tools": [HEAD]}, "tools must be an object"),
        (FRAME | {"tools": {"nose": HEAD}}, "tools must be one of head, coil, pointer"),
        (FRAME | {"tools": {"head": HEAD[:6]}}, "head must be a list of 7 numbers"),
        (FRAME | {"tools": {"head": [*HEAD[:6], "1"]}}, "head must be a list of 7 numbers"),
        (FRAME | {"tools": {"head": [*HEAD[:6], 1300.0]}}, "head lies farther than 100 m"),
        (FRAME | {"tools": {"head": [2, 0, 0, 0, 0, 0, 1]}}, "head is a quaternion of length 2"),
        (FRAME | {"tools": {"head": {"missing": "gone"}}}, "head must be one of not-seen"),
        (FRAME | {"tools": {"head": {"lost": 1}}}, "head must be seven numbers or say what is missing"),
        (FRAME | {"fault": "x" * 201}, "fault must be printable text"),
        (TARGET | {"scalp": {"centre": [0, 0, 0]}}, "scalp must hold centre and radii"),
        (TARGET | {"scalp": {"centre": [0, 0, 0], "radii": [80, 100, 90]}}, "no head has the radii"),
    ],
)
def test_a_packet_that_is_no_message_is_answered_with_what_is_wrong(
    room: LoopRoom, body: dict[str, object], why: str
) -> None:
    client = room.client("daemon")

    answer = client.ask(**body)

    assert not answer["ok"]
    assert why in answer["why"]
    assert room.hold.told == []


@pytest.mark.parametrize("data", [b"{", b"[]", b"\xff\xfe", b"[" * 4000, b'{"do":"frame","n":1e999}'])
def test_bytes_that_are_no_json_object_are_answered_too(room: LoopRoom, data: bytes) -> None:
    client = room.client("cli")
    client.send_bytes(data)
    room.turn()

    assert [answer["ok"] for answer in client.answers] == [True, False]


def test_infinities_are_no_numbers(room: LoopRoom) -> None:
    client = room.client("daemon")
    client.send_bytes(b'{"do":"target","id":"a","head_from_target":[1,0,0,0,0,0,Infinity],"scalp":{}}')
    room.turn()

    assert not client.answers[-1]["ok"]


@pytest.mark.parametrize(("size", "kept"), [(MAX_PACKET_BYTES, True), (MAX_PACKET_BYTES + 1, False)])
def test_who_sends_more_than_a_packet_holds_is_let_go(room: LoopRoom, size: int, kept: bool) -> None:
    client = room.client("cli")
    client.send_bytes(b" " * (size - 13) + b'{"do":"stop"}')
    room.turn()
    client.listen()

    assert client.hung_up_on is not kept


def test_who_does_not_read_is_let_go_and_the_others_are_served(room: LoopRoom) -> None:
    deaf, hears = room.client("cli"), room.client("cli")
    for _ in range(2_000):
        room.turn(50_000)
        hears.listen()
    told = len(hears.states)
    deaf.listen()

    assert deaf.hung_up_on
    assert not hears.hung_up_on
    assert told >= 2_000


def test_a_flood_of_one_is_heard_a_few_packets_a_turn_and_delays_nobody(room: LoopRoom) -> None:
    flood, person = room.client("daemon"), room.client("cli")
    for number in range(100):
        flood.send(**(FRAME | {"n": number}))
    person.send(do="stop")
    room.turn()

    assert len(room.hold.told) == PACKETS_A_TURN + 1
    assert len(room.hold.verbs) == 1


def test_a_place_is_not_held_without_a_name(room: LoopRoom) -> None:
    nameless, named = room.client(), room.client("cli")
    room.turn(NAMELESS_US)
    room.turn(2_000)
    room.turn(2_000)
    nameless.listen()
    named.listen()

    assert nameless.hung_up_on
    assert not named.hung_up_on


def test_there_are_only_so_many_places(room: LoopRoom) -> None:
    callers = [room.client("cli") for _ in range(MAX_CLIENTS)]
    one_more = room.client()
    room.turn()
    one_more.listen()

    assert one_more.hung_up_on
    assert not any(caller.hung_up_on for caller in callers)


def test_there_is_one_daemon_at_a_time(room: LoopRoom) -> None:
    first, second = room.client("daemon"), room.client()
    assert "another daemon" in second.ask(do="hello", role="daemon")["why"]

    first.close()
    room.turn()

    assert second.ask(do="hello", role="daemon")["ok"]


def test_only_the_daemons_own_user_is_the_daemon_and_anybody_of_the_group_may_take_the_coil_off(tmp_path: Path) -> None:
    room = LoopRoom(tmp_path, 10**9, daemon_uid=os.geteuid() + 1)
    operator = room.client()
    refused = operator.ask(do="hello", role="daemon")
    steers = operator.ask(do="go", to="target")
    named = operator.ask(do="hello", role="cli")
    leaves = operator.ask(do="go", to="away")
    room.close()

    assert (refused["ok"], steers["ok"]) == (False, False)
    assert "as daemon_user under [watchdog]" in refused["why"]
    assert (named["ok"], leaves["ok"]) == (True, True)
    assert room.hold.verbs == [Verb.AWAY]


def test_a_name_is_said_once(room: LoopRoom) -> None:
    assert "has said hello" in room.client("cli").ask(do="hello", role="daemon")["why"]


def test_only_this_user_and_its_group_may_speak(room: LoopRoom) -> None:
    assert stat.S_IMODE(room.path.stat().st_mode) == 0o660


def test_a_folder_too_deep_for_a_socket_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="shorter --runtime"):
        listen(tmp_path / ("x" * 120) / "control")


def test_after_the_end_nobody_finds_the_socket(tmp_path: Path) -> None:
    room = LoopRoom(tmp_path, 1)
    client = room.client("cli")
    room.close()
    assert not room.path.exists()
    client.close()

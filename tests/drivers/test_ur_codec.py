"""The RTDE codec against literal packets: both directions, however the bytes are cut, and nothing else let through."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import BadFrame, OurError
from drivers.poses import Pose
from drivers.ur import codec
from drivers.ur.codec import FieldType, Kind, PacketReader, Recipe, parse_reply, parse_request
from drivers.ur.registers import INPUTS, SEQUENCES, Command, set_point

ROWS: dict[str, list[dict[str, Any]]] = tomllib.loads(
    (Path(__file__).parents[1] / "vectors" / "ur_rtde.toml").read_text()
)
PACKETS = [pytest.param(row, kind, id=f"{kind}-{row['packet']}") for kind in ("request", "reply") for row in ROWS[kind]]


def packet_of(row: dict[str, Any]) -> Any:
    """The dataclass that a row describes."""
    fields = {name: tuple(value) if isinstance(value, list) else value for name, value in row.get("fields", {}).items()}
    if row["packet"] == "Data":
        fields["values"] = bytes.fromhex(fields["values"])
    if row["packet"] == "Text":
        fields["level"] = codec.Level(fields["level"])
    return getattr(codec, row["packet"])(**fields)


def parsed(data: bytes, direction: str) -> list[Any]:
    parse = parse_request if direction == "request" else parse_reply
    return [parse(kind, payload) for kind, payload in PacketReader().feed(data)]


@pytest.mark.parametrize(("row", "direction"), PACKETS)
def test_a_literal_packet_is_read_as_what_it_is(row: dict[str, Any], direction: str) -> None:
    assert parsed(bytes.fromhex(row["bytes"]), direction) == [packet_of(row)]


@pytest.mark.parametrize(("row", "direction"), PACKETS)
def test_a_packet_is_written_as_its_literal_bytes(row: dict[str, Any], direction: str) -> None:
    assert packet_of(row).to_bytes() == bytes.fromhex(row["bytes"])


@pytest.mark.parametrize("row", ROWS["values"], ids=lambda row: "-".join(kind for _, kind in row["recipe"]))
def test_values_are_packed_and_read_in_the_recipes_order(row: dict[str, Any]) -> None:
    recipe = Recipe(1, [(name, FieldType.named(kind)) for name, kind in row["recipe"]])
    data = bytes.fromhex(row["bytes"])

    values = recipe.unpack(data)

    assert recipe.pack(values) == data
    for name, value in row["values"].items():
        assert values[name] == pytest.approx(value if not isinstance(value, list) else tuple(value), abs=1e-4)


def test_a_set_point_is_one_packet_that_sets_every_input() -> None:
    (row,) = ROWS["set_point"]
    pose = Pose.turned(row["rotation_vector"], row["translation_m"])

    packet = set_point(row["recipe_id"], row["sequence"], Command(row["command"]), pose, row["speed_m_s"])

    assert packet == bytes.fromhex(row["bytes"])
    assert len(packet) == 4 + Recipe(1, INPUTS).size
    assert row["sequence"] == SEQUENCES - 1


@given(st.lists(st.integers(1, 40), max_size=30))
def test_replies_cut_anywhere_are_the_same_replies(cuts: list[int]) -> None:
    stream = b"".join(bytes.fromhex(row["bytes"]) for row in ROWS["reply"])
    reader, found, at = PacketReader(), [], 0
    for cut in [*cuts, len(stream)]:
        found += list(reader.feed(stream[at : at + cut]))
        at += cut

    assert [parse_reply(kind, payload) for kind, payload in found] == [packet_of(row) for row in ROWS["reply"]]


@pytest.mark.parametrize("request_bytes", ["4F 40 5F 40 00 00 00 00 00 61 2C 62 2C", "49 61 2C 62 2C"])
def test_a_comma_after_the_last_name_is_borne(request_bytes: str) -> None:
    payload = bytes.fromhex(request_bytes)
    data = (len(payload) + 2).to_bytes(2, "big") + payload

    (request,) = parsed(data, "request")

    assert request.names == ("a", "b")


def test_an_empty_name_in_the_middle_is_kept_so_that_it_is_not_found() -> None:
    (request,) = parsed(bytes.fromhex("00 07 49 61 2C 2C 62"), "request")

    assert request.names == ("a", "", "b")


@pytest.mark.parametrize("data", ["00 02 56", "00 00 00", "00 04 5A 01"])
def test_a_size_or_type_that_cannot_be_ends_the_connection(data: str) -> None:
    with pytest.raises(BadFrame):
        list(PacketReader().feed(bytes.fromhex(data)))


@pytest.mark.parametrize(
    ("data", "direction"),
    [
        ("00 05 56 01 00", "reply"),
        ("00 03 53", "reply"),
        ("00 04 53 01", "request"),
        ("00 12 76 00 00 00 05 00 00 00 08 00 00 00 00 00 00 00", "reply"),
        ("00 03 4F", "reply"),
        ("00 03 55", "reply"),
        ("00 06 4F 40 7F 40", "request"),
        ("00 0B 4F 7F F0 00 00 00 00 00 00", "request"),
        ("00 05 49 01 FF", "reply"),
        ("00 05 4D 05 61", "reply"),
        ("00 03 4D", "reply"),
    ],
)
def test_a_payload_that_is_not_its_types_is_refused(data: str, direction: str) -> None:
    with pytest.raises(BadFrame):
        parsed(bytes.fromhex(data), direction)


def test_a_text_in_another_alphabet_or_of_a_new_level_is_read_all_the_same() -> None:
    (text,) = parsed(bytes.fromhex("00 08 4D 01 FF 01 61 09"), "reply")

    assert (text.message, text.source, text.level) == ("\ufffd", "a", codec.Level.WARNING)


@given(st.binary(max_size=200))
def test_any_bytes_give_packets_or_bad_frame_and_nothing_else(data: bytes) -> None:
    for parse in (parse_request, parse_reply):
        try:
            for kind, payload in PacketReader().feed(data):
                packet = parse(kind, payload)
                assert dataclasses.is_dataclass(packet)
        except BadFrame:
            continue


def test_values_of_the_wrong_length_are_refused() -> None:
    recipe = Recipe(1, [("a", FieldType.DOUBLE)])

    assert recipe.unpack(bytes(8)) == {"a": 0.0}
    with pytest.raises(BadFrame, match="9 bytes"):
        recipe.unpack(bytes(9))


@pytest.mark.parametrize("values", [{}, {"a": (1, 2)}, {"a": 2**31}, {"a": 0.5}])
def test_a_value_that_does_not_fit_its_field_is_our_error(values: dict[str, Any]) -> None:
    recipe = Recipe(1, [("a", FieldType.INT32)])

    assert recipe.pack({"a": -1}) == bytes.fromhex("FF FF FF FF")
    with pytest.raises(OurError):
        recipe.pack(values)


def test_a_type_of_a_newer_protocol_is_refused_by_name() -> None:
    with pytest.raises(BadFrame, match="VECTOR9D"):
        FieldType.named("VECTOR9D")


def test_a_packet_longer_than_its_size_field_is_our_error() -> None:
    assert len(codec.seal(Kind.DATA, bytes(0xFFFC))) == 0xFFFF
    with pytest.raises(OurError):
        codec.seal(Kind.DATA, bytes(0xFFFD))

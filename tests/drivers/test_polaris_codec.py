"""The Combined API against literal bytes: a codec shared by both ends would otherwise share its bug."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import BadFrame, ConfigError, OurError
from drivers.polaris import bx, bx2, tool_files, tx
from drivers.polaris.framing import Binary, Command, Damaged, LineReader, Refused, ReplyReader, Text, crc16, seal
from drivers.polaris.refusals import Error, meaning
from drivers.polaris.reports import PortStatus, Report, SystemStatus, ToolReport, Transform
from drivers.polaris.sights import fault, sights, tool_report
from drivers.poses import Pose
from drivers.trackers import Missing, Sight, Tool

VECTORS = tomllib.loads((Path(__file__).parents[1] / "vectors" / "polaris.toml").read_text())
REPORTS = {row["kind"]: row for row in VECTORS["report"]}


def whole(row: dict[str, Any]) -> bytes:
    """The reply as it comes off the wire."""
    return f"{row['text']}{row['crc']}\r".encode() if "text" in row else bytes.fromhex(row["bytes"])


def expected(row: dict[str, Any]) -> Report:
    seen = Transform((0.5, -0.5, 0.5, -0.5), tuple(row["translation_mm"]), row["error_mm"])
    codes = row.get("codes", [0, 0])
    tools = [
        ToolReport(10, seen, PortStatus(row["statuses"][0]), row["frames"][0], codes[0]),
        ToolReport(11, None, PortStatus(row["statuses"][1]), row["frames"][1], codes[1]),
        ToolReport(12, None),
    ]
    alerts = tuple(tuple(pair) for pair in row.get("alerts", []))
    return Report(tuple(tools[: len(row["handles"])]), SystemStatus(row["system"]), alerts)


def parsed(reply: Any, kind: str) -> Report:
    if kind == "tx":
        return tx.parse(reply.text)
    return (bx2 if kind == "bx2" else bx).parse(reply.body)


def encoded(report: Report, kind: str) -> bytes:
    if kind == "tx":
        return Text(tx.encode(report)).encode()
    return Binary((bx2 if kind == "bx2" else bx).encode(report)).encode()


# ── lines ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_checksum_is_the_published_one() -> None:
    assert crc16(b"123456789") == 0xBB3D


@pytest.mark.parametrize("row", VECTORS["command"], ids=lambda row: row["line"])
def test_every_literal_command_is_written_and_read(row: dict[str, Any]) -> None:
    command = Command(row["name"], row["parameters"])

    assert command.encode() == row["line"].encode() + b"\r"
    assert Command.parse(row["line"].encode()) == command


@pytest.mark.parametrize(
    ("line", "command"),
    [(b"INIT ", Command("INIT")), (b"BX 0801", Command("BX", "0801")), (b"APIREV", Command("APIREV"))],
)
def test_a_space_instead_of_the_colon_means_no_checksum(line: bytes, command: Command) -> None:
    assert Command.parse(line) == command


@pytest.mark.parametrize("line", [b"INIT:E3A6", b"INIT:", b"PENA:0AEAD1E", b"\xc4\xa5", b"", b"!"])
def test_a_line_with_a_wrong_checksum_or_no_name_is_no_command(line: bytes) -> None:
    with pytest.raises(BadFrame):
        Command.parse(line)


def test_what_is_no_line_of_ascii_is_never_sent() -> None:
    with pytest.raises(OurError):
        Command("PVWR", "a\rb").encode()


@pytest.mark.parametrize("row", VECTORS["text"], ids=lambda row: row["text"])
def test_every_literal_text_reply_is_read_and_written(row: dict[str, Any]) -> None:
    line = row["line"].encode() + b"\r"

    assert ReplyReader().feed(line) == [Text(row["text"])]
    assert Text(row["text"]).encode() == line


@pytest.mark.parametrize("row", VECTORS["refused"], ids=lambda row: row["line"])
def test_every_literal_refusal_is_read_and_written(row: dict[str, Any]) -> None:
    line = row["line"].encode() + b"\r"

    assert ReplyReader().feed(line) == [Refused(row["code"])]
    assert Refused(row["code"]).encode() == line


@pytest.mark.parametrize("code", [*Error, 0x77])
def test_every_refusal_has_a_sentence_that_says_what_to_do(code: int) -> None:
    said = meaning(code)

    assert said[0].islower()
    assert said[-1] in ".?"


# ── reports ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", REPORTS)
def test_every_literal_report_is_read(kind: str) -> None:
    (reply,) = ReplyReader().feed(whole(REPORTS[kind]))

    assert parsed(reply, kind) == expected(REPORTS[kind])


@pytest.mark.parametrize("kind", REPORTS)
def test_every_literal_report_is_written(kind: str) -> None:
    assert encoded(expected(REPORTS[kind]), kind) == whole(REPORTS[kind])


def test_a_long_binary_reply_has_a_longer_head() -> None:
    row = REPORTS["bx2"]
    long = bytes.fromhex(row["long_head"]) + whole(row)[6:]

    assert ReplyReader().feed(long) == ReplyReader().feed(whole(row))


def test_an_unoccupied_handle_is_left_out_whether_or_not_more_follows_it() -> None:
    short, long = "010AUNOCCUPIED\n0040", "010AUNOCCUPIED0000000000000000\n0040"

    assert tx.parse(short) == tx.parse(long) == Report((), SystemStatus.PORT_OCCUPIED)


@pytest.mark.parametrize("kind", REPORTS)
@given(data=st.data())
def test_a_report_cut_anywhere_comes_whole_or_is_refused(kind: str, data: st.DataObject) -> None:
    reply = whole(REPORTS[kind])
    cut = data.draw(st.integers(0, len(reply)))
    reader = ReplyReader()

    assert reader.feed(reply[:cut]) + reader.feed(reply[cut:]) == ReplyReader().feed(reply)


@pytest.mark.parametrize("kind", REPORTS)
@given(data=st.data())
def test_a_changed_byte_is_never_taken_for_another_report(kind: str, data: st.DataObject) -> None:
    reply = bytearray(whole(REPORTS[kind]))
    at = data.draw(st.integers(0, len(reply) - 1))
    reply[at] ^= data.draw(st.integers(1, 255))
    reader = ReplyReader()

    for piece in reader.feed(bytes(reply)):
        assert isinstance(piece, Damaged)


@given(noise=st.binary(max_size=200))
def test_after_noise_that_is_dropped_the_next_reply_is_read(noise: bytes) -> None:
    reader = ReplyReader()
    reader.feed(noise)
    reader.drop()

    assert reader.feed(b"OKAYA896\r") == [Text("OKAY")]


@given(body=st.binary(max_size=120))
def test_bodies_that_are_no_report_are_bad_frames_and_nothing_else(body: bytes) -> None:
    for codec in (bx, bx2):
        try:
            codec.parse(body)
        except BadFrame:
            continue


@given(text=st.text("0123456789ABCDEF+-\nMISNGDLEUOCP", max_size=120))
def test_texts_that_are_no_report_are_bad_frames_and_nothing_else(text: str) -> None:
    try:
        tx.parse(text)
    except BadFrame:
        return


def test_readers_do_not_grow_without_bound() -> None:
    replies, lines = ReplyReader(), LineReader()
    for _ in range(100):
        replies.feed(b"A" * 1000)
        lines.feed(b"A" * 1000)

    assert len(replies.drop()) <= 10_000
    assert len(lines.drop()) <= 2_000


def test_two_commands_in_one_piece_and_half_a_third_are_two_lines() -> None:
    reader = LineReader()

    assert reader.feed(b"INIT:E3A5\rTST") == [b"INIT:E3A5"]
    assert reader.feed(b"OP:2C14\r\r") == [b"TSTOP:2C14", b""]


def test_a_transform_too_far_away_for_text_is_an_error_of_ours() -> None:
    far = ToolReport(1, Transform((1, 0, 0, 0), (0, 0, -10_000)), PortStatus(0), 1)

    with pytest.raises(OurError):
        tx.encode(Report((far,)))


# ── what they mean ──────────────────────────────────────────────────────────────────────────────────────────────────

HANDLES = {10: Tool.HEAD, 11: Tool.COIL}
POSE = Pose.turned((0.3, -0.2, 0.1), (0.01234, -0.2, -1.5))


@pytest.mark.parametrize("codec", [tx, bx, bx2])
@pytest.mark.parametrize(
    "missing", [Missing.OUT_OF_VOLUME, Missing.NOT_SEEN, Missing.INTERFERENCE, Missing.FELL_BEHIND, Missing.FAULT, None]
)
def test_a_sight_survives_the_wire(codec: Any, missing: Missing | None) -> None:
    sight = Sight(None, missing=missing) if missing else Sight(POSE, 0.0001)
    report = codec.parse(codec.encode(Report((tool_report(10, sight, PortStatus.OCCUPIED, 77),))))

    back = sights(report, {10: Tool.HEAD})[Tool.HEAD]

    assert back.missing is missing
    if back.pose is not None:
        difference = back.pose.inverse() @ POSE
        assert difference.distance < 1e-5
        assert difference.angle < 2e-4
        assert back.error_m == pytest.approx(0.0001)


@pytest.mark.parametrize("missing", [Missing.PARTLY_SEEN, Missing.BAD_FIT])
def test_bx2_alone_tells_too_few_spheres_from_a_bad_fit(missing: Missing) -> None:
    report = Report((tool_report(10, Sight(None, missing=missing), PortStatus(0), 77),))

    assert sights(bx2.parse(bx2.encode(report)), HANDLES)[Tool.HEAD].missing is missing
    assert sights(bx.parse(bx.encode(report)), HANDLES)[Tool.HEAD].missing is Missing.NOT_SEEN


def test_a_pose_from_outside_the_volume_is_not_believed_and_one_from_its_edge_is() -> None:
    made = Transform((1, 0, 0, 0), (0, 0, -1500))
    outside = Report(
        (ToolReport(10, made, PortStatus.OUT_OF_VOLUME, 5), ToolReport(11, made, PortStatus(0), 5, code=9))
    )
    edge = Report((ToolReport(10, made, PortStatus.PARTLY_OUT_OF_VOLUME, 5), ToolReport(11, made, PortStatus(0), 5, 3)))

    assert [sight.missing for sight in sights(outside, HANDLES).values()] == [Missing.OUT_OF_VOLUME] * 2
    assert [sight.missing for sight in sights(edge, HANDLES).values()] == [None, None]


def test_a_tool_of_an_older_frame_is_not_seen_in_this_one() -> None:
    made = Transform((1, 0, 0, 0), (0, 0, -1500))
    report = Report((ToolReport(10, made, PortStatus(0), 5), ToolReport(11, made, PortStatus(0), 6)))

    assert sights(report, HANDLES)[Tool.HEAD].missing is Missing.NOT_SEEN
    assert sights(report, HANDLES)[Tool.COIL].pose is not None


def test_a_tool_that_the_report_leaves_out_is_not_enabled() -> None:
    assert sights(Report(()), HANDLES)[Tool.HEAD].missing is Missing.NOT_ENABLED


def test_with_too_much_infrared_a_missing_tool_is_hidden_by_it() -> None:
    report = Report((ToolReport(10, None, PortStatus(0), 5),), SystemStatus.TOO_MUCH_INFRARED)

    assert sights(report, HANDLES)[Tool.HEAD].missing is Missing.INTERFERENCE
    assert "infrared" in fault(report)


def test_a_transform_that_is_no_pose_is_a_bad_frame() -> None:
    report = Report((ToolReport(10, Transform((0, 0, 0, 0), (0, 0, 0)), PortStatus(0), 5),))

    with pytest.raises(BadFrame):
        sights(report, HANDLES)


def test_nothing_wrong_is_said_with_nothing() -> None:
    assert fault(Report(())) == ""
    assert "hardware failure" in fault(Report((), SystemStatus.HARDWARE_FAILURE))
    assert "fault 3" in fault(Report((), alerts=((1, 3), (4, 6))))


# ── tool files ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_tool_file_is_written_in_sixteen_pieces_of_64_bytes() -> None:
    data = tool_files.MAGIC + bytes(range(200))

    commands = tool_files.writing(0x0A, data)

    assert [command.parameters[:6] for command in commands] == [f"0A{at:04X}" for at in range(0, 1024, 64)]
    assert bytes.fromhex("".join(command.parameters[6:] for command in commands)) == data.ljust(1024, b"\0")
    assert all(len(command.encode()) == len("PVWR:") + 6 + 128 + 5 for command in commands)


@pytest.mark.parametrize("data", [b"", b"PK\3\4", tool_files.MAGIC + bytes(1021)])
def test_what_is_no_tool_file_is_refused_by_name(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "head.rom").write_bytes(data)

    with pytest.raises(ConfigError, match=r"head\.rom"):
        tool_files.read(tmp_path / "head.rom")
    with pytest.raises(ConfigError, match=r"other\.rom"):
        tool_files.read(tmp_path / "other.rom")


def test_a_tool_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "head.rom").write_bytes(tool_files.made_up("head"))

    assert tool_files.read(tmp_path / "head.rom") == tool_files.made_up("head")
    assert tool_files.made_up_name(tool_files.made_up("head")) == "head"
    assert tool_files.made_up_name(tool_files.MAGIC + b"a real one") is None


def test_a_sealed_line_ends_with_a_carriage_return() -> None:
    assert seal(b"OKAY") == b"OKAYA896\r"

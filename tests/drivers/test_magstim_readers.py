"""Two byte streams cut into pieces: the same pieces however the bytes arrive, and never an exception."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.magstim import codec
from drivers.magstim.effects import effect, max_pulses
from drivers.magstim.readers import LONGEST_PENDING
from drivers.stimulators import EffectKind, Piece, PieceKind, Reader

Case = tuple[bytes, dict[str, Any], int]

FIRMWARES = (5, 8, 9, 11)
LONGEST_COMMAND = 18
WIRE_BYTES = st.sampled_from(list(b"QR@EFNIJb\\^_BD[xno?S0123456789V.\0AHy\x89\x8c\x38\xff"))
"""Bytes that frames are made of: more likely to be half a frame than any bytes are."""

STREAMS = st.one_of(st.binary(max_size=80), st.lists(WIRE_BYTES, max_size=80).map(bytes))
READERS = [(reader, firmware) for reader in (codec.CommandReader, codec.ReplyReader) for firmware in FIRMWARES]
both_readers = pytest.mark.parametrize(("reader", "firmware"), READERS)


def one_by_one(reader: Reader, data: bytes) -> list[Piece]:
    return [piece for byte in data for piece in reader.feed(bytes((byte,)))]


def frames(pieces: list[Piece]) -> list[bytes]:
    return [piece.data for piece in pieces if piece.kind is PieceKind.FRAME]


def check_every_way(make: type[codec.CommandReader | codec.ReplyReader], firmware: int, frame: bytes) -> None:
    """Whole, byte by byte, twice in one go, with half of the next behind it, after a byte that begins nothing."""
    whole = [Piece(PieceKind.FRAME, frame)]
    noise = [Piece(PieceKind.NOISE, b"\xff")]

    assert make(firmware).feed(frame) == whole
    assert one_by_one(make(firmware), frame) == whole
    assert make(firmware).feed(frame + frame) == whole * 2
    assert make(firmware).feed(b"\xff" + frame)[:1] == noise
    if len(frame) > 1:  # a lone `?` is not believed after noise
        assert make(firmware).feed(b"\xff" + frame) == noise + whole

    reader = make(firmware)
    tail = frame[: len(frame) // 2]
    assert reader.feed(frame + tail) == whole
    assert reader.pending == tail
    assert reader.feed(frame[len(tail) :]) == whole
    assert reader.pending == b""


def test_every_literal_command_is_found_however_it_arrives(command_case: Case) -> None:
    frame, _, firmware = command_case

    check_every_way(codec.CommandReader, firmware, frame)


def test_every_literal_reply_is_found_however_it_arrives(reply_case: Case) -> None:
    frame, _, firmware = reply_case

    check_every_way(codec.ReplyReader, firmware, frame)


@both_readers
@given(stream=STREAMS, cuts=st.lists(st.integers(0, 80)))
def test_the_pieces_do_not_depend_on_how_the_bytes_were_cut(
    reader: type[Reader], firmware: int, stream: bytes, cuts: list[int]
) -> None:
    whole, chunked = reader(firmware), reader(firmware)  # type: ignore[call-arg]
    ends = [*sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    pieces = [piece for start, end in zip([0, *ends], ends, strict=False) for piece in chunked.feed(stream[start:end])]

    assert pieces == whole.feed(stream)
    assert chunked.pending == whole.pending


@both_readers
@given(stream=STREAMS)
def test_no_byte_is_lost_or_made_up_and_the_buffer_stays_bounded(
    reader: type[Reader], firmware: int, stream: bytes
) -> None:
    splitter = reader(firmware)  # type: ignore[call-arg]
    seen = b""
    for byte in stream:
        seen += b"".join(piece.data for piece in splitter.feed(bytes((byte,))))
        assert len(splitter.pending) < LONGEST_PENDING

    assert seen + splitter.pending == stream


@both_readers
@given(stream=STREAMS)
def test_every_frame_has_its_checksum(reader: type[Reader], firmware: int, stream: bytes) -> None:
    for frame in frames(reader(firmware).feed(stream)):  # type: ignore[call-arg]
        assert codec.holds(frame) or frame == b"?"


@both_readers
def test_a_dropped_frame_is_forgotten(reader: type[Reader], firmware: int) -> None:
    splitter = reader(firmware)  # type: ignore[call-arg]
    splitter.feed(b"E")

    assert splitter.drop() == b"E"
    assert splitter.pending == b""
    assert frames(splitter.feed(codec.seal(b"EA"))) == [codec.seal(b"EA")]


def test_a_damaged_command_takes_its_whole_length_as_it_does_in_the_device() -> None:
    pieces = codec.CommandReader(8).feed(b"B0100\x00EAy")

    assert pieces == [Piece(PieceKind.BAD_CHECKSUM, b"B0100\x00"), Piece(PieceKind.FRAME, b"EAy")]


def test_the_stray_nul_that_magpy_pokes_with_is_one_byte_of_noise() -> None:
    assert codec.CommandReader(8).feed(b"Q@n\0EAy") == [
        Piece(PieceKind.FRAME, b"Q@n"),
        Piece(PieceKind.NOISE, b"\0"),
        Piece(PieceKind.FRAME, b"EAy"),
    ]


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_a_command_of_another_firmware_is_noise(firmware: int) -> None:
    pieces = codec.CommandReader(firmware).feed(b"x@G")

    assert (pieces[0].kind is PieceKind.FRAME) == (firmware >= 9)


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_a_byte_lost_in_a_reply_does_not_cost_the_reply_behind_it(firmware: int) -> None:
    settings = codec.SettingsReply("\\", codec.Instrument(0x89), codec.Rapid(0x38), 30, 0, 1, 0, 1).encode(firmware)
    trigger = b"E\x8c\x2e"

    for lost in range(len(settings)):
        damaged = settings[:lost] + settings[lost + 1 :]
        assert frames(codec.ReplyReader(firmware).feed(damaged + trigger)) == [trigger]


def test_a_byte_too_many_does_not_cost_the_reply_behind_it() -> None:
    trigger = b"E\x8c\x2e"

    assert codec.ReplyReader(8).feed(b"E" + trigger) == [
        Piece(PieceKind.BAD_CHECKSUM, b"E"),
        Piece(PieceKind.FRAME, trigger),
    ]


def test_a_lone_refusal_is_one_byte_and_a_refusal_with_letter_is_three() -> None:
    reader = codec.ReplyReader(11)

    assert frames(reader.feed(b"?x?H\\SPN?rNS^?")) == [b"?", b"x?H", b"\\SP", b"N?r", b"NS^", b"?"]


def test_a_refusal_is_not_read_out_of_damage() -> None:
    reader = codec.ReplyReader(8)

    assert frames(reader.feed(b"E\x8c?")) == []
    assert frames(reader.feed(b"\xff?")) == []
    assert frames(reader.feed(b"E\x8c\x2e?")) == [b"E\x8c\x2e", b"?"]
    reader.feed(b"\xff")
    reader.drop()
    assert frames(reader.feed(b"?")) == [b"?"]


def test_a_version_that_never_ends_is_given_up() -> None:
    reader = codec.ReplyReader(8)

    pieces = reader.feed(b"N" + b"9" * 40 + b"E\x8c\x2e")

    assert pieces[0] == Piece(PieceKind.BAD_CHECKSUM, b"N" + b"9" * 17)
    assert frames(pieces) == [b"E\x8c\x2e"]


@pytest.mark.parametrize("length", [16, 17])
def test_a_version_is_believed_up_to_its_longest_however_it_arrives(length: int) -> None:
    stream = codec.seal(b"N" + b"9" * length + b"\0") + b"EAy"
    whole = codec.ReplyReader(8).feed(stream)

    assert (whole[0].kind is PieceKind.FRAME) == (length == 16)
    assert one_by_one(codec.ReplyReader(8), stream) == whole


def accepted_settings(firmware: int) -> list[codec.Command]:
    """Every setting whose value this firmware takes."""
    settings: list[codec.Command] = [codec.SetPower(percent) for percent in range(111)]
    settings += [codec.SetFrequency(tenths) for tenths in range(1001)]
    settings += [codec.SetPulses(pulses) for pulses in range(1, max_pulses(firmware) + 1)]
    settings += [codec.SetDuration(tenths) for tenths in range(6001 if firmware >= 9 else 101)]
    if firmware >= 9:
        settings += [codec.SetChargeDelay(ms) for ms in range(2001 if firmware == 9 else 10_001)]
    return settings


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_zeros_complete_any_half_frame_and_do_nothing(firmware: int) -> None:
    commands = [*accepted_settings(firmware), codec.ARM, codec.DISARM, codec.TRIGGER, codec.IgnoreCoilSwitch()]
    commands += [codec.GetSettings(), codec.EnhancedPowerOn(), codec.EnableRemote("1234-12345678-ab")]
    frames_sent = {command.encode(firmware) for command in commands}
    halves = {frame[:cut] for frame in frames_sent for cut in range(1, len(frame))}

    for half in halves:
        reader = codec.CommandReader(firmware)
        assert reader.feed(half) == []
        completed = frames(reader.feed(bytes(LONGEST_COMMAND)))
        assert {effect(frame, firmware).kind for frame in completed} <= {EffectKind.FORBIDDEN}
        assert reader.pending == b""


def test_zeros_may_happen_to_be_a_checksum_of_what_no_unit_takes() -> None:
    for firmware, half in ((8, b"[992"), (11, b"[398")):  # 99.2 s before firmware 9; a NUL among the digits
        completed = frames(codec.CommandReader(firmware).feed(half + bytes(LONGEST_COMMAND)))
        assert [effect(frame, firmware).kind for frame in completed] == [EffectKind.FORBIDDEN]

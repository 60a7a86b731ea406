"""Frames of a Rapid, against literal bytes: a codec shared by both ends would otherwise share its bug."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import BadFrame, OurError
from drivers.magstim import codec
from drivers.magstim.framing import command_lengths
from drivers.stimulators import Refusal

Case = tuple[bytes, dict[str, Any], int]

FIRMWARES = (5, 8, 9, 11)
WIDTHS = {5: (4, 3, 4), 8: (4, 3, 4), 9: (5, 4, 4), 11: (5, 4, 5)}
"""Digits of pulses, duration and charge delay, typed from the public layouts."""

CODES = st.text("0123456789abcdefABCDEFQRE@D[-", min_size=16, max_size=16)


def reply_of(row: dict[str, Any]) -> codec.AnyReply:
    made = {
        "instrument": codec.Instrument,
        "rapid": codec.Rapid,
        "extended": codec.Extended,
        "refusal": Refusal,
    }
    fields = {name: made.get(name, lambda value: value)(value) for name, value in row.get("fields", {}).items()}
    reply: codec.AnyReply = getattr(codec, row["reply"])(**fields)
    return reply


@st.composite
def commands(draw: st.DrawFn, firmware: int) -> codec.Command:
    """Any command that this firmware can write."""
    pulses, duration, charge_delay = WIDTHS[firmware]
    numbered = [
        st.builds(codec.SetPower, st.integers(0, 999)),
        st.builds(codec.SetFrequency, st.integers(0, 9999)),
        st.builds(codec.SetPulses, st.integers(0, 10**pulses - 1)),
        st.builds(codec.SetDuration, st.integers(0, 10**duration - 1)),
        st.builds(codec.Operate, st.integers(0, 255)),
    ]
    bare = [
        codec.DisableRemote,
        codec.GetTemperature,
        codec.GetVersion,
        codec.GetSettings,
        codec.GetBasicSettings,
        codec.EnhancedPowerOn,
        codec.EnhancedPowerOff,
        codec.IgnoreCoilSwitch,
        codec.GetError,
    ]
    if firmware < 9:
        numbered.append(st.just(codec.EnableRemote()))
    else:
        bare += [codec.GetSystemStatus, codec.GetChargeDelay]
        numbered.append(st.builds(codec.SetChargeDelay, st.integers(0, 10**charge_delay - 1)))
        numbered.append(st.builds(codec.EnableRemote, CODES))
    command: codec.Command = draw(st.one_of(*numbered, st.sampled_from([command() for command in bare])))
    return command


def test_every_literal_command_is_read(command_case: Case) -> None:
    frame, row, firmware = command_case

    assert codec.parse_command(frame, firmware) == getattr(codec, row["command"])(**row.get("fields", {}))


def test_every_literal_command_is_written(command_case: Case) -> None:
    frame, row, firmware = command_case

    assert getattr(codec, row["command"])(**row.get("fields", {})).encode(firmware) == frame


def test_every_literal_reply_is_read(reply_case: Case) -> None:
    frame, row, firmware = reply_case

    assert codec.parse_reply(frame, firmware) == reply_of(row)


def test_every_literal_reply_is_written(reply_case: Case) -> None:
    frame, row, firmware = reply_case

    assert reply_of(row).encode(firmware) == frame


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_the_literal_frames_leave_no_command_out(firmware: int, all_vectors: dict[str, Any]) -> None:
    written = {bytes.fromhex(row["bytes"])[0] for row in all_vectors["command"] if firmware in row["firmware"]}

    assert written == set(command_lengths(firmware))


def test_the_literal_frames_leave_no_shape_of_reply_out(all_vectors: dict[str, Any]) -> None:
    shapes = {name for name in codec.__all__ if name.endswith("Reply") and name not in {"Reply", "AnyReply"}}

    assert {row["reply"] for row in all_vectors["reply"]} == shapes | {"Refused", "NotUnderstood"}


@pytest.mark.parametrize("firmware", FIRMWARES)
@given(data=st.data())
def test_every_command_survives_the_wire(firmware: int, data: st.DataObject) -> None:
    command = data.draw(commands(firmware))

    assert codec.parse_command(command.encode(firmware), firmware) == command


@pytest.mark.parametrize("firmware", FIRMWARES)
@given(data=st.data())
def test_any_single_wrong_byte_in_a_command_is_noticed(firmware: int, data: st.DataObject) -> None:
    command = data.draw(commands(firmware))
    frame = bytearray(command.encode(firmware))
    at = data.draw(st.integers(0, len(frame) - 1))
    frame[at] ^= data.draw(st.integers(1, 255))

    with pytest.raises(BadFrame):
        codec.parse_command(bytes(frame), firmware)


@pytest.mark.parametrize("firmware", FIRMWARES)
@given(frame=st.binary(max_size=40))
def test_any_bytes_are_a_command_or_a_bad_frame_and_nothing_else(firmware: int, frame: bytes) -> None:
    for sealed in (frame, codec.seal(frame)):
        for parse in (codec.parse_command, codec.parse_reply):
            try:
                parse(sealed, firmware)
            except BadFrame:
                continue


@pytest.mark.parametrize("firmware", FIRMWARES)
@given(data=st.data())
def test_every_settings_reply_survives_the_wire(firmware: int, data: st.DataObject) -> None:
    pulses, duration, _ = WIDTHS[firmware]
    reply = codec.SettingsReply(
        "\\",
        codec.Instrument(data.draw(st.integers(0, 255).filter(lambda status: status not in b"S?"))),
        codec.Rapid(data.draw(st.integers(0, 255))),
        data.draw(st.integers(0, 999)),
        data.draw(st.integers(0, 9999)),
        data.draw(st.integers(0, 10**pulses - 1)),
        data.draw(st.integers(0, 10**duration - 1)),
        data.draw(st.integers(0, 999)),
    )

    assert codec.parse_reply(reply.encode(firmware), firmware) == reply


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (b"", "nothing begins no command"),
        (b"z@\x45", "7a begins no command"),
        (b"x@G", "78 begins no command of firmware 8"),
        (b"@50*", "a '@' command has 5 bytes, got 4"),
        (b"@050+", "checksum"),
        (codec.seal(b"@0 5"), "expected 3 decimal digits, got 30 20 35"),
        (codec.seal(b"@-05"), "expected 3 decimal digits"),
        (codec.seal(b"B01.0"), "expected 4 decimal digits"),
    ],
)
def test_a_frame_that_is_no_command_says_why(frame: bytes, why: str) -> None:
    with pytest.raises(BadFrame, match=why):
        codec.parse_command(frame, 8)


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (b"", "checksum"),
        (codec.seal(b"z\x89"), "0x7a begins no reply"),
        (codec.seal(b"E\x89\x38"), "a 'E' reply has 3 bytes, got 4"),
        (codec.seal(b"I\x89X12"), "source is U, C or E"),
        (codec.seal(b"F\x8921022x"), "expected 3 decimal digits"),
        (codec.seal(b"NV9.0"), "ends with a NUL"),
        (codec.seal(b"NV9.0\0\0"), "ends with a NUL"),
        (codec.seal(b"NV\xe9\0"), "ASCII"),
        (codec.seal(b"N" + b"9" * 17 + b"\0"), "short"),
    ],
)
def test_a_frame_that_is_no_reply_says_why(frame: bytes, why: str) -> None:
    with pytest.raises(BadFrame, match=why):
        codec.parse_reply(frame, 8)


@pytest.mark.parametrize(
    ("command", "firmware"),
    [
        (codec.EnableRemote(), 9),
        (codec.EnableRemote("too short"), 11),
        (codec.EnableRemote("1234-12345678-aé"), 11),
        (codec.GetSystemStatus(), 8),
        (codec.GetChargeDelay(), 5),
        (codec.SetChargeDelay(100), 8),
        (codec.SetChargeDelay(10_000), 9),
        (codec.SetPower(1000), 11),
        (codec.SetPower(-1), 11),
        (codec.SetPulses(10_000), 8),
    ],
)
def test_what_a_firmware_cannot_write_is_our_own_error(command: codec.Command, firmware: int) -> None:
    with pytest.raises(OurError):
        command.encode(firmware)


def test_an_unlock_code_is_in_no_repr_and_in_no_error() -> None:
    code = "1234-12345678-ab"
    frame = bytearray(codec.EnableRemote(code).encode(11))
    assert "1234" not in repr(codec.EnableRemote(code))

    frame[5] ^= 0x80
    with pytest.raises(BadFrame) as caught:
        codec.parse_command(bytes(frame), 11)
    assert "1234" not in str(caught.value)
    with pytest.raises(BadFrame) as caught:
        codec.parse_command(codec.seal(bytes(frame[:-1])), 11)
    assert "1234" not in str(caught.value)


def test_a_command_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        codec.SetPower(50).percent = 60  # type: ignore[misc]


def test_the_device_ignores_padding_and_so_does_the_codec() -> None:
    assert codec.parse_command(codec.seal(b"\\x"), 8) == codec.GetSettings()

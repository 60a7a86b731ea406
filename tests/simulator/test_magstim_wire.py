"""What a simulated Rapid² says, as literal bytes: stimulation clients of others were seen to send these."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from drivers.catalogue import dialect
from drivers.magstim.framing import command_lengths, seal
from drivers.stimulators import Condition, EffectKind

MS, S = 1_000, 1_000_000
TalkTo = Callable[..., Any]


def hexed(reply: bytes) -> str:
    return reply.hex(" ").upper()


def test_a_rapid_of_firmware_8_answers_as_a_real_one_at_rest(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    assert hexed(talk.send(bytes.fromhex("51 40 6E"))) == "51 89 25"
    assert hexed(talk.send(bytes.fromhex("4E 44 6D"))) == "4E 56 38 2E 30 00 C5"
    assert hexed(talk.send(bytes.fromhex("5C 40 63"))) == hexed(seal(b"\x5c\x89\x38" + b"030000000000000001"))
    assert hexed(talk.send(bytes.fromhex("46 40 79"))) == hexed(seal(b"F\x89" + b"220220"))
    assert hexed(talk.send(bytes.fromhex("40 30 35 30 2A"))) == "40 89 36"
    assert hexed(talk.send(bytes.fromhex("4A 40 75"))) == hexed(seal(b"J\x89" + b"050000000"))
    assert hexed(talk.send(bytes.fromhex("49 40 76"))) == hexed(seal(b"I\x89" + b"E00"))


def test_a_rapid_of_firmware_11_answers_the_longer_forms(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=11, unlock_code="1234-12345678-ab")
    unlock = "51 31 32 33 34 2D 31 32 33 34 35 36 37 38 2D 61 62 23"
    assert hexed(talk.send(bytes.fromhex(unlock))) == "51 89 25"
    assert hexed(talk.send(bytes.fromhex("78 40 47"))) == hexed(seal(b"x\x89\x38\x00\x00"))
    assert hexed(talk.send(b"n00100\xa0")) == hexed(seal(b"n\x89\x38\x00\x00"))
    assert hexed(talk.send(b"o@P")) == hexed(seal(b"o\x89" + b"00100"))
    assert hexed(talk.send(bytes.fromhex("78 40 47"))) == hexed(seal(b"x\x89\x38\x00\x04"))
    assert hexed(talk.say("\\@")) == hexed(seal(b"\x5c\x89\x38" + b"03000000000000000001"))


def test_firmware_9_answers_a_charge_delay_in_its_own_form(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=9)
    talk.take_remote()
    assert hexed(talk.say("n0100")) == hexed(seal(b"n\x89\x38"))
    assert hexed(talk.say("o@")) == hexed(seal(b"o\x89" + b"0100"))


@pytest.mark.parametrize(("firmware", "length"), [(5, 21), (8, 22), (9, 24), (11, 24)])
def test_the_settings_reply_grows_with_the_firmware(talk_to: TalkTo, firmware: int, length: int) -> None:
    assert len(talk_to(firmware=firmware).say("\\@")) == length


def test_a_plus1_says_so_in_its_extended_status(talk_to: TalkTo) -> None:
    talk = talk_to(model="magstim-super-rapid2-plus1")
    talk.take_remote()
    assert talk.say("x@")[3:5] == b"\x00\x01"


def test_status_is_the_one_before_the_effect(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.take_remote()
    assert hexed(talk.send(b"EBx")) == "45 89 31"
    talk.stay(S)
    assert hexed(talk.send(b"EHr")) == "45 8C 2E"
    assert hexed(talk.send(b"EAy")) == "45 8A 30"
    assert hexed(talk.send(b"EAy")) == "45 89 31"


def test_remote_control_is_shown_after_the_effect(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    assert talk.say("Q@")[1] == 0x89
    talk.say("EB")
    assert talk.say("R@")[1] == 0x09
    assert talk.device.condition is Condition.STANDBY


@pytest.mark.parametrize("byte", [0x00, 0x3F, 0x53, 0x7A, 0xFC, 0xFF])
def test_an_unknown_byte_gets_a_lone_question_mark_and_costs_one_byte(talk_to: TalkTo, byte: int) -> None:
    talk = talk_to(firmware=8)
    assert talk.send(bytes([byte])) == b"?"
    assert talk.send(bytes([byte, byte]) + seal(b"Q@")) == b"??" + bytes.fromhex("51 89 25")


def test_a_wrong_checksum_gets_the_letter_and_a_question_mark_and_has_no_effect(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.take_remote()
    assert talk.send(b"@055\x2a") == seal(b"@?")
    assert talk.send(b"EB\x00") == seal(b"E?")
    assert talk.device.condition is Condition.STANDBY


@pytest.mark.parametrize("order", ["@101", "@1x0", "B1001", "B0301", "D0000", "D1001", "[101", "EC", "EI"])
def test_bad_data_gets_the_letter_and_a_question_mark(talk_to: TalkTo, order: str) -> None:
    talk = talk_to(firmware=8)
    talk.take_remote()
    assert talk.say(order) == seal(order[:1].encode() + b"?")


def test_a_command_against_the_state_gets_the_letter_and_an_s(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.take_remote()
    assert hexed(talk.send(b"EHr")) == "45 53 67"
    talk.say("EB")
    assert talk.say("EB") == seal(b"ES")


def test_arm_and_trigger_in_one_first_arms_and_then_fires(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.take_remote()
    assert hexed(talk.send(bytes.fromhex("45 4A 70"))) == "45 89 31"
    talk.stay(S)
    talk.send(bytes.fromhex("45 4A 70"))
    talk.rest(S)
    assert talk.world.pulses == 1


@pytest.mark.parametrize(("firmware", "answer"), [(5, b"@S"), (8, b"@S"), (9, b""), (11, b"")])
def test_without_remote_old_firmware_refuses_and_new_firmware_is_silent(
    talk_to: TalkTo, firmware: int, answer: bytes
) -> None:
    assert talk_to(firmware=firmware).say("@050") == (seal(answer) if answer else b"")


def test_silence_without_remote_is_an_option(talk_to: TalkTo) -> None:
    assert talk_to(firmware=11, silent_without_remote=False).say("EB") == seal(b"ES")
    assert talk_to(firmware=8, silent_without_remote=True).say("EB") == b""


def test_disarm_needs_no_remote_and_always_works(talk_to: TalkTo, firmware: int) -> None:
    talk = talk_to(firmware=firmware)
    talk.fault("panel-arm")
    assert talk.say("EA") == seal(b"E\x0a")
    assert talk.device.condition is Condition.STANDBY


def test_a_wrong_unlock_code_is_met_with_silence(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=11)
    assert talk.say("Q0000-00000000-00") == b""
    assert not talk.device.remote
    assert talk.take_remote() == bytes.fromhex("51 89 25")


def test_half_a_frame_waits_for_its_rest(talk_to: TalkTo, firmware: int) -> None:
    talk = talk_to(firmware=firmware)
    assert talk.send(b"E") == b""
    talk.rest(3 * S)
    assert talk.send(b"A") == b""
    assert talk.send(b"\x79") == seal(b"E\x09")


def test_half_a_frame_is_forgotten_when_the_device_is_switched_off(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.send(b"@05")
    talk.fault("power-cycle", off_ms=10)
    talk.rest(10 * MS)
    assert talk.take_remote() == bytes.fromhex("51 89 25")


def test_the_bytes_that_complete_a_half_frame_do_nothing_else(talk_to: TalkTo, firmware: int) -> None:
    speech = dialect("magstim-rapid2", firmware)
    for letter, length in command_lengths(firmware).items():
        for cut in range(1, length):
            talk = talk_to(firmware=firmware)
            talk.make_ready()
            whole = seal(bytes([letter]) + b"B" + b"1" * (length - 3)) if letter == ord("E") else None
            talk.send((whole or bytes([letter]) + b"0" * length)[:cut])
            replies = talk.send(speech.complete_half_frame)
            assert set(replies.replace(seal(bytes([letter]) + b"?"), b"")) <= {ord("?")}
            assert talk.device.condition is Condition.READY
            talk.send(speech.disarm)
            assert talk.device.condition is Condition.STANDBY


def test_whole_and_byte_by_byte_make_the_same_replies(talk_to: TalkTo, firmware: int) -> None:
    whole, pieces = talk_to(firmware=firmware), talk_to(firmware=firmware)
    frames = [seal(text.encode()) for text in ("F@", "EA", "\\@", "@050", "EB", "I@", "R@")]
    frames.insert(3, b"\xff\x00")
    unlock = seal(b"Q@") if firmware < 9 else seal(f"Q{whole.profile.unlock_code}".encode())
    stream = unlock + b"".join(frames)
    assert whole.send(stream) == b"".join(pieces.send(bytes([byte])) for byte in stream) != b""


def test_every_status_it_sends_reads_back_as_what_the_device_is(talk_to: TalkTo, firmware: int) -> None:
    talk = talk_to(firmware=firmware)
    speech = dialect("magstim-rapid2", firmware)
    talk.set_train(20, 100)
    talk.make_ready()
    talk.say("EH")
    talk.rest(550 * MS)
    reading = speech.reading(talk.send(speech.ask_status))
    assert (reading.condition, reading.train_running, reading.remote) == (Condition.ARMED, True, True)
    settings = speech.reading(talk.send(speech.ask_settings)).settings
    assert settings is not None
    assert (settings.level.tenths, settings.rate.tenths, settings.pulses) == (300, 100, 20)
    assert settings.duration_ms == 2000
    talk.stay(2 * S)
    assert speech.reading(talk.send(speech.ask_status)).train_running is False
    assert speech.reading(talk.send(speech.ask_temperature)).coil_tenths_celsius == talk.device.coil_tenths


def test_every_frame_that_renews_keeps_remote_control_and_a_refused_one_does_not(talk_to: TalkTo) -> None:
    speech = dialect("magstim-rapid2", 11)
    for text in ("x@", "F@", "\\@", "@040", "I@", "o@", "J@"):
        assert speech.effect(seal(text.encode())).renews
        talk = talk_to(firmware=11)
        talk.take_remote()
        talk.rest(9 * S)
        talk.say(text)
        talk.rest(9 * S)
        assert talk.device.remote, text
    talk = talk_to(firmware=11)
    talk.take_remote()
    talk.rest(9 * S)
    assert speech.effect(seal(b"EH")).kind is EffectKind.TRIGGER
    assert talk.say("EH") == seal(b"ES")
    talk.rest(S)
    assert not talk.device.remote


def test_garbage_never_fires_and_never_stops_it_from_answering(talk_to: TalkTo, firmware: int) -> None:
    talk = talk_to(firmware=firmware)
    for byte in range(256):
        talk.send(bytes([byte, byte ^ 0x5A, 0x13]))
    talk.send(bytes(18))
    assert talk.world.pulses == 0
    assert talk.say("F@").startswith(b"F")

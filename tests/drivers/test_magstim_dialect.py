"""A Rapid as the watchdog sees it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.catalogue import FIRMWARES, MODELS, SUPPLY_VOLTS, dialect
from drivers.errors import ConfigError
from drivers.magstim.codec import EnableRemote, Instrument, Rapid, SettingsReply, StatusReply, TemperatureReply, seal
from drivers.quantities import SINGLE, Hertz, PercentMso
from drivers.stimulators import Condition, Dialect, EffectKind, PieceKind, Reading, Refusal, Settings

Case = tuple[bytes, dict[str, Any], int]

every_firmware = pytest.mark.parametrize("firmware", FIRMWARES)


def rapid(firmware: int) -> Dialect:
    return dialect("magstim-rapid2", firmware)


def test_every_literal_reply_says_what_its_row_says(reply_case: Case) -> None:
    frame, row, firmware = reply_case
    says = dict(row["says"])
    if "condition" in says:
        says["condition"] = Condition(says["condition"])
    if "refused" in says:
        says["refused"] = Refusal(says["refused"])
    if "settings" in says:
        level, rate, pulses, duration_ms = says["settings"]
        says["settings"] = Settings(PercentMso(level), Hertz(rate), pulses, duration_ms)

    assert rapid(firmware).reading(frame) == Reading(**says)


@every_firmware
@given(reply=st.binary(max_size=30))
def test_no_reply_can_make_reading_fail(firmware: int, reply: bytes) -> None:
    for frame in (reply, seal(reply)):
        assert isinstance(rapid(firmware).reading(frame), Reading)


@pytest.mark.parametrize(
    ("claimed", "believed"),
    [
        (0x00, None),
        (0x01, Condition.STANDBY),
        (0x02, Condition.ARMED),
        (0x03, Condition.ARMED),
        (0x04, Condition.READY),
        (0x05, Condition.READY),
        (0x06, Condition.READY),
        (0x07, Condition.READY),
    ],
)
def test_of_several_states_claimed_the_one_nearest_to_a_pulse_is_believed(
    claimed: int, believed: Condition | None
) -> None:
    reply = StatusReply("E", Instrument(claimed)).encode(8)

    assert rapid(8).reading(reply).condition is believed


@pytest.mark.parametrize(("status", "fault"), [(0x00, False), (0x10, True), (0x20, True), (0x60, True), (0x40, False)])
def test_an_error_or_a_worn_coil_is_a_fault(status: int, fault: bool) -> None:
    assert rapid(8).reading(StatusReply("E", Instrument(status)).encode(8)).fault is fault


@pytest.mark.parametrize(("first", "second"), [(210, 399), (399, 210)])
def test_the_temperature_is_that_of_the_warmer_winding(first: int, second: int) -> None:
    reply = TemperatureReply("F", Instrument(0x89), first, second).encode(8)

    assert rapid(8).reading(reply).coil_tenths_celsius == 399


@every_firmware
def test_in_single_pulse_mode_the_train_settings_do_not_count(firmware: int) -> None:
    def settings(status: int) -> Settings | None:
        reply = SettingsReply("\\", Instrument(0x89), Rapid(status), 60, 100, 20, 20, 5)
        return rapid(firmware).reading(reply.encode(firmware)).settings

    assert settings(0x38) == Settings(PercentMso.of(60), SINGLE, pulses=1, duration_ms=0)
    assert settings(0x30) == Settings(PercentMso.of(60), Hertz.of(10), pulses=20, duration_ms=2000)


@every_firmware
def test_a_train_bit_is_believed_from_status_and_settings_replies_only(firmware: int) -> None:
    assert rapid(firmware).reading(seal(b"B\x89\x32")).train_running is None
    assert rapid(firmware).reading(seal(b"Q\x89")).train_running is None
    if firmware >= 9:
        assert rapid(firmware).reading(seal(b"x\x89\x32\0\0")).train_running is True
        assert rapid(firmware).reading(seal(b"x\x89\x30\0\0")).train_running is False


@every_firmware
def test_its_own_questions_change_nothing_and_its_disarm_disarms(firmware: int) -> None:
    speaks = rapid(firmware)

    for question in (speaks.ask_status, speaks.ask_settings, speaks.ask_temperature):
        assert speaks.effect(question).kind is EffectKind.QUERY
    assert speaks.effect(speaks.disarm).kind is EffectKind.DISARM
    assert speaks.ask_status == (b"x@G" if firmware >= 9 else b"\\@c")


@every_firmware
def test_half_a_frame_is_completed_by_18_zeros(firmware: int) -> None:
    assert rapid(firmware).complete_half_frame == bytes(18)


def test_a_reply_answers_its_own_letter_and_a_lone_refusal_answers_anything() -> None:
    speaks = rapid(8)

    assert speaks.answers(seal(b"E\x89"), b"EHr")
    assert speaks.answers(b"ESg", b"EHr")
    assert speaks.answers(b"?", b"EHr")
    assert not speaks.answers(seal(b"@\x89"), b"EHr")
    assert not speaks.answers(b"", b"EHr")
    assert not speaks.answers(b"ESg", b"")


@pytest.mark.parametrize(
    ("frame", "refusal"),
    [
        (b"EHr", b"ESg"),
        (b"b@]", b"bSJ"),
        (b"@050*", b"@Sl"),
        (b"@050+", b"@?\x80"),
        (seal(b"@0x0"), b"@?\x80"),
        (b"E", b"E?{"),
        (b"x@G", b"?"),
        (b"\0", b"?"),
        (b"", b"?"),
    ],
)
def test_it_refuses_as_the_device_would(frame: bytes, refusal: bytes) -> None:
    assert rapid(8).refusal(frame) == refusal


@every_firmware
def test_a_refusal_is_read_as_one_by_its_own_reader(firmware: int, all_vectors: dict[str, Any]) -> None:
    speaks = rapid(firmware)
    for row in all_vectors["command"]:
        if firmware in row["firmware"]:
            frame = bytes.fromhex(row["bytes"])
            (piece,) = speaks.reply_reader().feed(speaks.refusal(frame))
            assert piece.kind is PieceKind.FRAME
            assert speaks.answers(piece.data, frame)
            assert speaks.reading(piece.data) == Reading(refused=Refusal.CONFLICT)


def test_a_log_shows_commands_in_the_clear() -> None:
    assert rapid(8).redact(b"@050*") == "@050"
    assert rapid(8).redact(b"EHr") == "EH"
    assert rapid(8).redact(seal(b"E\x1b")) == "E\\x1b"
    assert rapid(8).redact(b"Q@n") == "Q@"
    assert rapid(8).redact(b"@050+") == "<5 bytes, no command>"


@pytest.mark.parametrize("firmware", [9, 11])
def test_two_unlock_codes_look_the_same_in_a_log_whole_cut_or_damaged(firmware: int) -> None:
    speaks = rapid(firmware)
    one, other = (EnableRemote(code).encode(firmware) for code in ("1234-12345678-ab", "ZEBD[@xn\\F9Q_-ff"))

    assert speaks.redact(one) == "Q<unlock code>"
    for start in range(len(one)):
        for end in range(start, len(one) + 1):
            assert speaks.redact(one[start:end]) == speaks.redact(other[start:end])
    for at in range(1, len(one)):
        damaged = [frame[:at] + bytes((frame[at] ^ 0x01,)) + frame[at + 1 :] for frame in (one, other)]
        assert len({speaks.redact(frame) for frame in damaged}) == 1


@pytest.mark.parametrize("firmware", FIRMWARES)
@pytest.mark.parametrize("volts", SUPPLY_VOLTS)
@pytest.mark.parametrize("model", MODELS)
def test_every_model_of_the_catalogue_says_what_it_is(model: str, volts: int, firmware: int) -> None:
    speaks = dialect(model, firmware, volts)

    assert speaks.capabilities.model == model
    assert speaks.capabilities.firmware == firmware
    assert speaks.capabilities.max_pulses_per_train == (6000 if firmware >= 9 else 1000)


@pytest.mark.parametrize(
    ("model", "firmware", "volts", "message"),
    [
        ("magstim-200", 11, 240, "model = 'magstim-200' .* one of magstim-rapid2, magstim-super-rapid2, "),
        ("magstim-rapid2", 10, 240, "firmware = 10 .* one of 5, 8, 9, 11"),
        ("magstim-rapid2", 11, 230, "supply_volts = 230 .* one of 240, 115"),
    ],
)
def test_a_unit_not_in_the_catalogue_is_refused_with_what_is(
    model: str, firmware: int, volts: int, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        dialect(model, firmware, volts)


def test_energy_is_the_models_own() -> None:
    level, rate = PercentMso.of(60), Hertz.of(50)

    assert "faster than the 18 Hz" in (dialect("magstim-rapid2", 11).refuses_energy(level, rate, 20) or "")
    assert dialect("magstim-super-rapid2-plus1", 11).refuses_energy(level, rate, 20) is None
    assert dialect("magstim-rapid2", 11, 115).refuses_energy(level, Hertz.of(15), 20) is not None
    assert dialect("magstim-rapid2", 11, 240).refuses_energy(level, Hertz.of(15), 20) is None
    assert rapid(8).minimum_wait_us(level, Hertz.of(10), 20) == 500_000

"""What each frame of a client does: the table that the watchdog stands on."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.magstim.codec import seal
from drivers.magstim.effects import effect
from drivers.stimulators import Effect, EffectKind, Field

Case = tuple[bytes, dict[str, Any], int]

FIRMWARES = (5, 8, 9, 11)
every_firmware = pytest.mark.parametrize("firmware", FIRMWARES)


def kind(body: bytes, firmware: int) -> EffectKind:
    return effect(seal(body), firmware).kind


def test_every_literal_command_has_its_effect(command_case: Case) -> None:
    frame, row, firmware = command_case
    says = row["effect"]
    found = effect(frame, firmware)

    assert found.kind is EffectKind(says["kind"])
    assert found.field is (Field(says["field"]) if "field" in says else None)
    assert found.value == says.get("value", 0)
    assert found.renews == says.get("renews", False)
    assert bool(found.why) == (found.kind is EffectKind.FORBIDDEN)


@every_firmware
def test_the_literal_commands_reach_every_effect(firmware: int, all_vectors: dict[str, Any]) -> None:
    rows = [row for row in all_vectors["command"] if firmware in row["firmware"]]

    assert {effect(bytes.fromhex(row["bytes"]), firmware).kind for row in rows} == set(EffectKind)


@every_firmware
def test_of_all_256_operations_three_are_allowed(firmware: int) -> None:
    kinds = {bits: kind(bytes((0x45, bits)), firmware) for bits in range(256)}

    assert kinds.pop(0x41) is EffectKind.DISARM
    assert kinds.pop(0x42) is EffectKind.ARM
    assert kinds.pop(0x48) is EffectKind.TRIGGER
    assert set(kinds.values()) == {EffectKind.FORBIDDEN}


RANGES = [
    (b"@", 3, 0, 110, FIRMWARES),
    (b"B", 4, 0, 1000, FIRMWARES),
    (b"D", 4, 1, 1000, (5, 8)),
    (b"D", 5, 1, 6000, (9, 11)),
    (b"[", 3, 0, 100, (5, 8)),
    (b"[", 4, 0, 6000, (9, 11)),
    (b"n", 4, 0, 2000, (9,)),
    (b"n", 5, 0, 10_000, (11,)),
]
"""Letter, digits, least and most that the unit takes, typed from the public layouts."""


@pytest.mark.parametrize(
    ("letter", "width", "least", "most", "firmware"),
    [(*row, firmware) for *row, firmwares in RANGES for firmware in firmwares],
)
def test_a_value_the_unit_does_not_take_is_forbidden_and_the_last_it_takes_is_not(
    letter: bytes, width: int, least: int, most: int, firmware: int
) -> None:
    def of(value: int) -> EffectKind:
        return kind(letter + b"%0*d" % (width, value), firmware)

    assert (of(least), of(most)) == (EffectKind.SETTING, EffectKind.SETTING)
    assert of(most + 1) is EffectKind.FORBIDDEN
    assert of(10**width - 1) is EffectKind.FORBIDDEN
    if least:
        assert of(least - 1) is EffectKind.FORBIDDEN


def test_a_forbidden_value_names_itself_and_its_bounds() -> None:
    assert effect(seal(b"@111"), 8).why == "level 1110 is outside 0..1100"


@every_firmware
def test_tenths_of_a_hertz_end_at_30_hz(firmware: int) -> None:
    assert kind(b"B0299", firmware) is EffectKind.SETTING
    assert kind(b"B0300", firmware) is EffectKind.SETTING
    assert kind(b"B0310", firmware) is EffectKind.SETTING
    assert kind(b"B0301", firmware) is EffectKind.FORBIDDEN


@every_firmware
@given(data=st.data())
def test_a_number_with_anything_but_digits_is_forbidden(firmware: int, data: st.DataObject) -> None:
    letter, width = data.draw(st.sampled_from([(r[0], r[1]) for r in RANGES if firmware in r[4]]))
    digits = bytearray(b"0" * (width - 1) + b"1")
    digits[data.draw(st.integers(0, width - 1))] = data.draw(
        st.integers(0, 255).filter(lambda b: b not in range(48, 58))
    )

    assert kind(letter + digits, firmware) is EffectKind.FORBIDDEN


@every_firmware
def test_a_query_with_other_padding_than_clients_send_is_forbidden(firmware: int) -> None:
    for letter in b"RFNEJI\\^_b":
        allowed = {pad for pad in range(256) if kind(bytes((letter, pad)), firmware) is not EffectKind.FORBIDDEN}
        assert allowed == {0x45: {0x41, 0x42, 0x48}, 0x62: set(), 0x4E: {0x44}}.get(letter, {0x40})


@every_firmware
@given(frame=st.binary(max_size=24))
def test_a_frame_whose_checksum_is_wrong_is_forbidden(firmware: int, frame: bytes) -> None:
    damaged = seal(frame)[:-1] + bytes((seal(frame)[-1] ^ 1,))

    assert effect(damaged, firmware).kind is EffectKind.FORBIDDEN


@every_firmware
def test_letters_no_rapid_knows_are_forbidden(firmware: int) -> None:
    known = set(b"QR@FNEJIBD[\\^_b") | (set(b"xno") if firmware >= 9 else set())

    for letter in set(range(256)) - known:
        for data in (b"@", b"050", b"0100", b"00100"):
            assert effect(seal(bytes((letter,)) + data), firmware).kind is EffectKind.FORBIDDEN


def test_an_effect_without_a_reason_is_never_forbidden() -> None:
    assert effect(b"", 8) == Effect(EffectKind.FORBIDDEN, why="nothing begins no command of firmware 8")

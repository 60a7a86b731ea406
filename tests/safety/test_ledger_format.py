"""Record version 1: pinned to literal bytes, strict in what it reads, exact in what it writes."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import OurError
from safety.ledger_errors import BadRecord, TornRecord
from safety.ledger_format import (
    HASH0,
    KEY0,
    RECORD_BYTES,
    By,
    Carry,
    Entry,
    Head,
    Kind,
    Record,
    Settled,
    carried_note,
    carried_when,
    digest,
    key,
    seal,
    seal_head,
    settled_note,
    settled_of,
    unseal,
    unseal_head,
)

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "ledger_v1.json").read_text())
BYTE_KEYS = ("subject", "session", "coil", "protocol", "note")

keys = st.binary(min_size=8, max_size=8)
u16, u32, u64 = (st.integers(0, 2**bits - 1) for bits in (16, 32, 64))
settled = st.builds(lambda low, more, by: Settled(low, low + more, by), st.integers(0, 2**31), u16, st.sampled_from(By))


@st.composite
def records(draw: st.DrawFn) -> Record:
    kind = draw(st.sampled_from(Kind))
    note = draw(st.binary(max_size=16)).rstrip(b"\0")
    if kind is Kind.SETTLE:
        note = settled_note(draw(settled)).rstrip(b"\0")
    return Record(
        kind=kind,
        pulses=draw(u32),
        level_tenths=draw(u16),
        rate_tenths=draw(u16),
        subject=draw(keys),
        session=draw(keys),
        coil=draw(keys),
        protocol=draw(keys),
        ref=draw(u64),
        code=draw(st.sampled_from(Carry) if kind is Kind.CARRIED else u16),
        simulated=draw(st.booleans()),
        boot_us=draw(u64),
        wall_us=draw(u64),
        note=note,
    )


def record_of(vector: dict[str, Any]) -> Record:
    fields = {name: bytes.fromhex(vector[name]) for name in BYTE_KEYS}
    numbers = {
        name: vector[name]
        for name in ("pulses", "level_tenths", "rate_tenths", "ref", "code", "simulated", "boot_us", "wall_us")
    }
    return Record(Kind[vector["kind"]], **numbers, **{**fields, "note": fields["note"].rstrip(b"\0")})


def resealed(block: bytes, at: int, value: int) -> bytes:
    """`block` with one byte changed and a CRC that holds again."""
    body = block[:at] + bytes([value]) + block[at + 1 : -4]
    return body + zlib.crc32(body).to_bytes(4, "little")


SOUND = seal(7, key("boot"), digest(b"before"), Record(Kind.RESERVE, pulses=20, simulated=True))


@pytest.mark.parametrize("vector", VECTORS["records"], ids=lambda vector: str(vector["kind"]))
def test_every_kind_is_written_and_read_as_its_literal_bytes(vector: dict[str, Any]) -> None:
    block = bytes.fromhex(vector["bytes"])
    boot, prev, record = bytes.fromhex(vector["boot"]), bytes.fromhex(vector["prev"]), record_of(vector)
    assert seal(vector["seq"], boot, prev, record) == block
    assert unseal(block) == Entry(vector["seq"], boot, prev, record)


def test_the_vectors_show_every_kind_and_form_one_chain() -> None:
    blocks = [bytes.fromhex(vector["bytes"]) for vector in VECTORS["records"]]
    assert {vector["kind"] for vector in VECTORS["records"]} == {kind.name for kind in Kind}
    assert [unseal(block).prev for block in blocks] == [HASH0, *(digest(block) for block in blocks[:-1])]
    head = Head(VECTORS["head"]["seq"], bytes.fromhex(VECTORS["head"]["hash"]))
    assert head.hash == digest(blocks[-1])
    assert seal_head(head) == bytes.fromhex(VECTORS["head"]["bytes"])


@given(u64, keys, st.binary(min_size=20, max_size=20), records())
def test_any_record_is_read_back_as_it_was_written(seq: int, boot: bytes, prev: bytes, record: Record) -> None:
    block = seal(seq, boot, prev, record)
    assert len(block) == RECORD_BYTES
    assert unseal(block) == Entry(seq, boot, prev, record)


@pytest.mark.parametrize("note", [b"", b"X", b" ", b"\0X", b"sixteen bytes XX"])
def test_a_note_loses_nothing_but_the_zeros_behind_it(note: bytes) -> None:
    block = seal(1, KEY0, HASH0, Record(Kind.TRIP, note=note + b"\0" * (len(note) < 16)))

    assert unseal(block).record.note == note


@given(st.binary(max_size=200))
def test_bytes_that_are_no_record_are_refused_and_raise_nothing_else(data: bytes) -> None:
    with pytest.raises(BadRecord):
        unseal(data)


def test_every_flipped_bit_makes_a_record_a_torn_one() -> None:
    for bit in range(RECORD_BYTES * 8):
        block = bytearray(SOUND)
        block[bit // 8] ^= 1 << bit % 8
        with pytest.raises(TornRecord):
            unseal(bytes(block))


def test_a_torn_record_says_whether_it_was_cut_or_damaged() -> None:
    with pytest.raises(TornRecord, match=r"^a ledger record has 128 bytes, not 127$"):
        unseal(SOUND[:-1])
    with pytest.raises(TornRecord, match=r"^its CRC does not hold$"):
        unseal(bytes(1) + SOUND[1:])


@pytest.mark.parametrize(
    ("at", "value", "says"),
    [
        (0, 0x00, "begins"),
        (2, 2, "version 2"),
        (3, 0, "kind 0"),
        (3, max(Kind) + 1, "kind 18"),
        (4, 0x02, "flags"),
        (4, 0x81, "flags"),
        (5, 1, "reserved"),
    ],
)
def test_what_version_1_does_not_know_is_refused_even_under_a_right_crc(at: int, value: int, says: str) -> None:
    with pytest.raises(BadRecord, match=says) as caught:
        unseal(resealed(SOUND, at, value))
    assert not isinstance(caught.value, TornRecord)
    assert unseal(resealed(SOUND, 3, Kind.OPEN)).record.kind is Kind.OPEN


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"subject": b"short"}, "^subject of a ledger record has 8 bytes, not 5$"),
        ({"session": bytes(9)}, "^session of a ledger record has 8 bytes, not 9$"),
        ({"coil": b""}, "^coil of a ledger record has 8 bytes, not 0$"),
        ({"protocol": bytes(7)}, "^protocol of a ledger record has 8 bytes, not 7$"),
        ({"note": bytes(17)}, "^note of a ledger record has at most 16 bytes, not 17$"),
        ({"pulses": -1}, "fit"),
        ({"pulses": 2**32}, "fit"),
        ({"level_tenths": 2**16}, "fit"),
        ({"rate_tenths": 2**16}, "fit"),
        ({"ref": 2**64}, "fit"),
        ({"code": 2**16}, "fit"),
        ({"boot_us": -1}, "fit"),
        ({"wall_us": 2**64}, "fit"),
        (
            {"kind": Kind.SETTLE},
            "^this ledger record says nothing: settlement of 0 to 0 pulses by evidence 0 is none of version 1$",
        ),
        (
            {"kind": Kind.CARRIED, "code": 9},
            "^this ledger record says nothing: carried code 9 is not of version 1$",
        ),
    ],
)
def test_a_record_that_does_not_fit_is_our_own_error(change: dict[str, Any], says: str) -> None:
    sound = Record(Kind.RESERVE, pulses=1)
    assert len(seal(1, KEY0, HASH0, sound)) == RECORD_BYTES
    with pytest.raises(OurError, match=says):
        seal(1, KEY0, HASH0, replace(sound, **change))


def test_boot_and_chain_have_their_own_lengths() -> None:
    with pytest.raises(OurError, match=r"^boot of a ledger record has 8 bytes, not 0$"):
        seal(1, b"", HASH0, Record(Kind.BOOT))
    with pytest.raises(OurError, match=r"^prev of a ledger record has 20 bytes, not 0$"):
        seal(1, KEY0, b"", Record(Kind.BOOT))


@given(settled)
def test_a_settlement_is_read_back_as_it_was_written(what: Settled) -> None:
    assert settled_of(Record(Kind.SETTLE, note=settled_note(what))) == what


@pytest.mark.parametrize("what", [Settled(3, 2, By.COUNTED)])
def test_an_empty_interval_settles_nothing(what: Settled) -> None:
    with pytest.raises(BadRecord, match="3 to 2"):
        settled_of(Record(Kind.SETTLE, note=settled_note(what)))
    assert settled_of(Record(Kind.SETTLE, note=settled_note(replace(what, high=3)))).high == 3


def test_evidence_of_an_unknown_sort_settles_nothing() -> None:
    with pytest.raises(BadRecord, match="evidence 5"):
        settled_of(Record(Kind.SETTLE, note=bytes(8) + b"\x05"))


def test_carried_pulses_have_their_own_time_or_that_of_their_record() -> None:
    assert carried_when(Record(Kind.CARRIED, wall_us=9, note=carried_note(5))) == 5
    assert carried_when(Record(Kind.CARRIED, wall_us=9)) == 9
    kept = seal(1, KEY0, HASH0, Record(Kind.CARRIED, wall_us=9, note=carried_note(5)))
    assert carried_when(unseal(kept).record) == 5


@given(u64, st.binary(min_size=20, max_size=20))
def test_a_head_is_read_back_and_a_damaged_one_is_none(seq: int, hashed: bytes) -> None:
    slot = seal_head(Head(seq, hashed))
    assert unseal_head(slot) == Head(seq, hashed)
    for at in range(len(slot)):
        assert unseal_head(slot[:at] + bytes([slot[at] ^ 1]) + slot[at + 1 :]) is None
    assert unseal_head(slot[:-1]) is None


def test_a_head_of_another_format_is_none() -> None:
    body = b"CLHEAD2\0" + seal_head(Head(1, HASH0))[8:-4]
    assert unseal_head(body + zlib.crc32(body).to_bytes(4, "little")) is None


def test_a_key_is_the_same_eight_bytes_for_ever() -> None:
    assert key("S1") == bytes.fromhex("4de8ba464725e0bd")


def test_keys_tell_texts_apart_and_are_never_the_empty_key() -> None:
    assert len({key(f"S{n}") for n in range(1000)} | {KEY0}) == 1001

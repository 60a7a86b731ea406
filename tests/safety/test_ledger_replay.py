"""A ledger is whole, torn at its end, or broken; then an engineer reads where it breaks, and what that means."""

from __future__ import annotations

import zlib
from dataclasses import replace

import pytest

from safety.ledger import HEAD, LOG
from safety.ledger_errors import LedgerBroken, WrongLedger
from safety.ledger_format import FORMAT_NOTE, HASH0, RECORD_BYTES, Head, Kind, Record, digest, seal
from safety.ledger_replay import HEAD_SLOT_BYTES, head_file, head_slot, heads_of, replay
from tests.safety.cached_folder import ANNA, BOOT, NOW, RESERVE, CachedFolder, opened, written

SOUND = CachedFolder()
written(SOUND, reserves=4)
SIX = [SOUND.read(LOG)[at : at + RECORD_BYTES] for at in range(0, 6 * RECORD_BYTES, RECORD_BYTES)]
KNOWS_ALL = SOUND.read(HEAD)
KNOWS_THREE = head_file(Head(3, digest(SIX[2])))
OF_ANOTHER_ROOM = head_file(Head(6, HASH0))

REAL_BEHIND_SIX = seal(7, BOOT, digest(SIX[-1]), replace(RESERVE, simulated=False))
OF_ANOTHER_CHAIN = seal(4, BOOT, HASH0, RESERVE)
NUMBER_LEFT_OUT = seal(5, BOOT, digest(SIX[2]), RESERVE)
FORMAT_OF_ANOTHER = seal(1, BOOT, HASH0, Record(Kind.GENESIS, simulated=True, note=b"coilward-ledger9"))
RESERVE_AT_THE_BEGINNING = seal(1, BOOT, HASH0, replace(RESERVE, note=FORMAT_NOTE))
SECOND_VERSION = SIX[5][:2] + b"\x02" + SIX[5][3:-4]
SECOND_VERSION += zlib.crc32(SECOND_VERSION).to_bytes(4, "little")


def damaged(block: bytes) -> bytes:
    return bytes([block[0] ^ 1]) + block[1:]


def test_the_six_records_and_their_head_are_sound() -> None:
    sound = replay(b"".join(SIX), KNOWS_ALL, simulated=True)

    assert [entry.record.kind for entry in sound.entries] == [Kind.GENESIS, Kind.OPEN, *[Kind.RESERVE] * 4]
    assert sound.head == Head(6, digest(SIX[5]))
    assert sound.torn is False
    assert sound.book().window(ANNA, NOW.wall_us, 1) == 4 * RESERVE.pulses


@pytest.mark.parametrize("whole", range(1, 6))
def test_a_cut_record_behind_any_whole_one_leaves_those_before_it(whole: int) -> None:
    log = b"".join(SIX[:whole]) + SIX[whole][:100]

    torn = replay(log, head_file(Head(whole, digest(SIX[whole - 1]))), simulated=True)

    assert torn.torn is True
    assert [entry.seq for entry in torn.entries] == list(range(1, whole + 1))
    assert torn.head == Head(whole, digest(SIX[whole - 1]))


def test_a_log_may_be_two_records_ahead_of_its_head() -> None:
    assert replay(b"".join(SIX), head_file(Head(4, digest(SIX[3]))), simulated=True).head.seq == 6


def test_the_two_head_slots_alternate() -> None:
    assert [head_slot(seq) for seq in (6, 7, 8, 9)] == [0, 4096, 0, 4096]


@pytest.mark.parametrize(
    ("blocks", "head", "sentence"),
    [
        pytest.param(
            [bytes(4096)],
            KNOWS_ALL,
            "the ledger file is there and holds nothing: its history is gone",
            id="zeros alone",
        ),
        pytest.param(
            [*SIX[:2], damaged(SIX[2]), *SIX[3:]],
            KNOWS_ALL,
            "record 3 in the file is damaged (its CRC does not hold), and others follow it",
            id="one in the middle is damaged",
        ),
        pytest.param(
            [damaged(SIX[0]), SIX[1]],
            KNOWS_ALL,
            "record 1 in the file is damaged (its CRC does not hold), and others follow it",
            id="the first of two is damaged",
        ),
        pytest.param(
            [damaged(SIX[0])],
            KNOWS_ALL,
            "record 1 in the file is damaged (its CRC does not hold), and it is the only one",
            id="the only one is damaged",
        ),
        pytest.param(
            [SIX[0][:100]],
            KNOWS_ALL,
            "record 1 in the file is damaged (a ledger record has 128 bytes, not 100), and it is the only one",
            id="the only one is cut",
        ),
        pytest.param(
            [*SIX[:5], SECOND_VERSION],
            KNOWS_ALL,
            "record 6 in the file is not of this program's version: "
            "it begins b'CL' version 2, and this program reads b'CL' version 1",
            id="written by a later program",
        ),
        pytest.param(
            SIX[1:],
            KNOWS_ALL,
            "the file does not begin with the first record of a ledger: its beginning was cut off",
            id="the first is missing",
        ),
        pytest.param(
            [FORMAT_OF_ANOTHER],
            KNOWS_ALL,
            "the file does not begin with the first record of a ledger: its beginning was cut off",
            id="begun in another format",
        ),
        pytest.param(
            [RESERVE_AT_THE_BEGINNING],
            KNOWS_ALL,
            "the file does not begin with the first record of a ledger: its beginning was cut off",
            id="begun by another kind with the note of the first",
        ),
        pytest.param(
            [*SIX[:2], *SIX[3:]],
            KNOWS_ALL,
            "record 3 in the file says it is number 4 and does not continue number 2: "
            "records were taken out, put in or altered",
            id="one is taken out",
        ),
        pytest.param(
            [*SIX[:3], OF_ANOTHER_CHAIN],
            KNOWS_THREE,
            "record 4 in the file says it is number 4 and does not continue number 3: "
            "records were taken out, put in or altered",
            id="the right number on another chain",
        ),
        pytest.param(
            [*SIX[:3], NUMBER_LEFT_OUT],
            KNOWS_THREE,
            "record 4 in the file says it is number 5 and does not continue number 3: "
            "records were taken out, put in or altered",
            id="the right chain with a number left out",
        ),
        pytest.param(
            [*SIX, REAL_BEHIND_SIX],
            KNOWS_ALL,
            "record 7 mixes simulated and real pulses",
            id="both sorts",
        ),
        pytest.param(
            SIX,
            bytes(2 * HEAD_SLOT_BYTES),
            "the head file holds no readable head: whether the log is whole cannot be known",
            id="no head",
        ),
        pytest.param(
            [*SIX[:5], damaged(SIX[5])],
            KNOWS_ALL,
            "record 6 was written and the log ends with 5: the last one is damaged",
            id="the last is damaged and the head knows it",
        ),
        pytest.param(
            SIX[:5],
            KNOWS_ALL,
            "record 6 was written and the log ends with 5: the log was cut or is an old copy",
            id="the last is missing",
        ),
        pytest.param(
            [*SIX[:4], damaged(SIX[4])],
            KNOWS_ALL,
            "record 6 was written and the log ends with 4: the log was cut or is an old copy",
            id="the last is missing and the one before it damaged",
        ),
        pytest.param(
            SIX,
            KNOWS_THREE,
            "the head knows record 3 and the log goes on to 6: the head is an old copy",
            id="an old head",
        ),
        pytest.param(
            SIX,
            OF_ANOTHER_ROOM,
            "record 6 is not the one that was written: the log is another copy or altered",
            id="the head of another room",
        ),
        pytest.param(
            SIX[:1],
            head_file(Head(1, HASH0)),
            "record 1 is not the one that was written: the log is another copy or altered",
            id="the head of another room, both of one record",
        ),
    ],
)
def test_a_broken_ledger_says_where_it_breaks_and_what_that_means(
    blocks: list[bytes], head: bytes, sentence: str
) -> None:
    with pytest.raises(LedgerBroken) as broken:
        replay(b"".join(blocks), head, simulated=True)

    assert str(broken.value) == sentence


@pytest.mark.parametrize(
    ("simulated", "counts", "stimulator"), [(True, "simulated", "real"), (False, "real", "simulated")]
)
def test_a_ledger_of_the_other_sort_names_both_sorts_and_the_remedy(
    simulated: bool, counts: str, stimulator: str
) -> None:
    folder = CachedFolder()
    opened(folder, simulated=simulated)[0].close()

    with pytest.raises(WrongLedger) as wrong:
        replay(folder.read(LOG), folder.read(HEAD), simulated=not simulated)

    assert str(wrong.value) == (
        f"this ledger counts {counts} pulses and the stimulator is {stimulator}: "
        "give the watchdog the state folder that belongs to its port"
    )


@pytest.mark.parametrize("head", [Head(6, HASH0), Head(7, HASH0)])
def test_a_new_head_file_has_two_slots_and_one_head(head: Head) -> None:
    file = head_file(head)

    assert len(file) == 8192
    assert heads_of(file) == (head,)

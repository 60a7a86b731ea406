"""What a disk can do to a ledger: torn, flipped, cut, or an old copy, it is never read as if nothing were lost."""

from __future__ import annotations

import zlib
from dataclasses import replace

import pytest

from safety.instant import Instant
from safety.ledger import HEAD, LOG, OpenReport, open_ledger, read_ledger
from safety.ledger_errors import LedgerBroken
from safety.ledger_format import HASH0, KEY0, RECORD_BYTES, Head, Kind, Record, digest, key, seal
from safety.ledger_replay import HEAD_SLOT_BYTES, Replay, head_file, replay
from tests.safety.cached_folder import (
    ANNA,
    BOOT,
    LARGEST,
    MORNING,
    NOW,
    OPEN,
    RESERVE,
    CachedFolder,
    counted,
    opened,
    written,
)

HOUR_US = 3_600_000_000


def torn(folder: CachedFolder, block: bytes) -> None:
    """Leave `block` behind the last record."""
    at = len(read_ledger(folder, simulated=True).entries) * RECORD_BYTES
    log = bytearray(folder.read(LOG))
    log[at : at + RECORD_BYTES] = block.ljust(RECORD_BYTES, b"\0")
    folder.put(LOG, bytes(log))


def test_a_torn_last_record_counts_as_the_largest_reserve_of_the_session_opened_last() -> None:
    folder = CachedFolder()
    written(folder, reserves=3)
    torn(folder, seal(6, BOOT, HASH0, RESERVE)[:100])
    assert read_ledger(folder, simulated=True).torn
    ledger, report = opened(folder)
    assert report == OpenReport(torn=True)
    assert ledger.head.seq == 6
    ledger.close()
    last = read_ledger(folder, simulated=True).entries[-1].record
    assert (last.kind, last.pulses, last.subject, last.session) == (Kind.LOST, LARGEST, ANNA, MORNING)
    assert counted(folder) == 60 + LARGEST


def test_a_torn_record_before_any_session_counts_against_everybody() -> None:
    folder = CachedFolder()
    opened(folder)[0].close()
    torn(folder, b"\x01")
    opened(folder)[0].close()
    found = read_ledger(folder, simulated=True)
    assert (found.entries[-1].record.subject, found.entries[-1].record.session) == (KEY0, KEY0)
    assert found.book().window(key("anybody"), NOW.wall_us, 1) == LARGEST


def test_a_torn_record_is_never_dated_before_the_last() -> None:
    folder = CachedFolder()
    ledger, _ = opened(folder)
    ledger.append(replace(OPEN, boot_us=NOW.us, wall_us=NOW.wall_us + 10**9))
    ledger.close()
    torn(folder, b"\x01")
    opened(folder)[0].close()
    assert read_ledger(folder, simulated=True).entries[-1].record.wall_us == NOW.wall_us + 10**9


def test_a_torn_record_is_dated_as_its_boot_runs_whatever_was_done_to_the_wall_clock() -> None:
    folder = CachedFolder()
    ledger, _ = opened(folder)
    ledger.append(replace(OPEN, boot_us=NOW.us))
    ledger.close()
    torn(folder, b"\x01")
    later = Instant(NOW.us + 10, NOW.wall_us + 25 * HOUR_US)
    open_ledger(folder, simulated=True, boot=BOOT, now=later, growth=8)[0].close()
    assert read_ledger(folder, simulated=True).entries[-1].record.wall_us == NOW.wall_us + 10


SMALL = CachedFolder()
written(SMALL, reserves=4, growth=8)
SMALL_LOG, SMALL_HEAD = SMALL.read(LOG), SMALL.read(HEAD)
USED = 6 * RECORD_BYTES


def verdict(log: bytes, head: bytes) -> Replay | None:
    """The ledger, or None for a lockout; any other exception fails the test."""
    try:
        return replay(log, head, simulated=True)
    except LedgerBroken:
        return None


def test_the_small_ledger_is_sound() -> None:
    sound = verdict(SMALL_LOG, SMALL_HEAD)
    assert sound is not None
    assert (len(sound.entries), sound.torn) == (6, False)


@pytest.mark.parametrize("place", range(len(SMALL_LOG) // RECORD_BYTES))
def test_every_flipped_bit_of_the_log_is_detected(place: int) -> None:
    """A record's is a lockout; the first one in the zeros behind looks like a torn record, which is harmless."""
    for bit in range(place * RECORD_BYTES * 8, (place + 1) * RECORD_BYTES * 8):
        log = bytearray(SMALL_LOG)
        log[bit // 8] ^= 1 << bit % 8
        found = verdict(bytes(log), SMALL_HEAD)
        assert found is None or (found.torn and place == 6)


def test_every_flipped_bit_of_the_head_is_detected_or_harmless() -> None:
    sound = verdict(SMALL_LOG, SMALL_HEAD)
    slots = [bit for at in (0, HEAD_SLOT_BYTES) for bit in range(at * 8, (at + 64) * 8)]
    for bit in (*slots, *range(64 * 8, len(SMALL_HEAD) * 8, 509)):
        head = bytearray(SMALL_HEAD)
        head[bit // 8] ^= 1 << bit % 8
        assert verdict(SMALL_LOG, bytes(head)) in (None, sound)


def test_both_heads_damaged_is_a_lockout_and_one_is_not() -> None:
    head = bytearray(SMALL_HEAD)
    head[0] ^= 1
    assert verdict(SMALL_LOG, bytes(head)) is not None
    head[HEAD_SLOT_BYTES] ^= 1
    assert verdict(SMALL_LOG, bytes(head)) is None


@pytest.mark.parametrize("size", range(0, USED, 16))
def test_a_log_cut_anywhere_before_its_end_is_a_lockout(size: int) -> None:
    for cut in range(size, size + 16):
        assert verdict(SMALL_LOG[:cut], SMALL_HEAD) is None
        assert verdict(SMALL_LOG[:cut].ljust(len(SMALL_LOG), b"\0"), SMALL_HEAD) is None


@pytest.mark.parametrize("size", [USED, USED + 1, len(SMALL_LOG) - 1])
def test_zeros_cut_off_behind_the_last_record_change_nothing(size: int) -> None:
    assert verdict(SMALL_LOG[:size], SMALL_HEAD) == verdict(SMALL_LOG, SMALL_HEAD)


BORDER = USED - RECORD_BYTES
BEHIND = head_file(Head(5, digest(SMALL_LOG[BORDER - RECORD_BYTES : BORDER])))
"""The head of a crash between the last record and its own head: it knows all the others."""


def counted_when_opened(log: bytes) -> tuple[OpenReport, int]:
    """What opening says of this log with its head one behind, and what the ledger counts from then on."""
    folder = CachedFolder()
    folder.put(LOG, log)
    folder.put(HEAD, BEHIND)
    ledger, report = opened(folder)
    ledger.close()
    return report, counted(folder)


@pytest.mark.parametrize("size", [0, len(SMALL_LOG)], ids=["the file ends", "zeros follow"])
def test_a_record_its_head_does_not_know_counts_as_the_worst_case_as_long_as_one_byte_of_it_is_left(size: int) -> None:
    for cut in range(BORDER + 1, USED):
        assert counted_when_opened(SMALL_LOG[:cut].ljust(size, b"\0")) == (OpenReport(torn=True), 60 + LARGEST)
    assert counted_when_opened(SMALL_LOG[:USED].ljust(size, b"\0")) == (OpenReport(), 80)


def test_a_whole_record_cut_off_before_its_head_was_written_cannot_be_told_from_one_never_written() -> None:
    """It is not counted. That it stays once it was confirmed, and so before any grant, `fdatasync` alone promises."""
    never = CachedFolder()
    written(never, reserves=3, growth=8)
    assert SMALL_LOG[:BORDER].ljust(len(SMALL_LOG), b"\0") == never.read(LOG)
    assert counted_when_opened(SMALL_LOG[:BORDER]) == counted_when_opened(never.read(LOG)) == (OpenReport(), 60)


@pytest.mark.parametrize("records", range(1, 6))
def test_an_old_copy_of_the_log_is_a_lockout(records: int) -> None:
    old = SMALL_LOG[: records * RECORD_BYTES].ljust(len(SMALL_LOG), b"\0")
    with pytest.raises(LedgerBroken, match=r"log was cut or is an old copy|is damaged"):
        replay(old, SMALL_HEAD, simulated=True)


def test_an_old_copy_of_the_head_is_a_lockout_once_it_is_older_than_a_crash_can_leave_it() -> None:
    heads = [Head(n, digest(SMALL_LOG[(n - 1) * RECORD_BYTES : n * RECORD_BYTES])) for n in range(1, 7)]
    sound = [verdict(SMALL_LOG, head_file(head)) is not None for head in heads]
    assert sound == [False, False, False, True, True, True]


def test_a_log_of_another_room_is_a_lockout() -> None:
    other = CachedFolder()
    ledger, _ = opened(other)
    for _ in range(5):
        ledger.append(replace(RESERVE, pulses=1))
    with pytest.raises(LedgerBroken, match="not the one that was written"):
        replay(other.read(LOG), SMALL_HEAD, simulated=True)


def blocks_of(log: bytes) -> list[bytes]:
    return [log[at : at + RECORD_BYTES] for at in range(0, USED, RECORD_BYTES)]


@pytest.mark.parametrize("place", range(1, 5))
def test_a_record_taken_out_doubled_or_put_in_is_a_lockout(place: int) -> None:
    blocks = blocks_of(SMALL_LOG)
    forged = seal(place + 1, BOOT, HASH0, RESERVE)
    for changed in (
        [*blocks[:place], *blocks[place + 1 :]],
        [*blocks[:place], blocks[place], *blocks[place:]],
        [*blocks[:place], forged, *blocks[place + 1 :]],
        [*blocks[:place], bytes(RECORD_BYTES), *blocks[place + 1 :]],
    ):
        assert verdict(b"".join(changed), SMALL_HEAD) is None


def test_a_log_without_its_first_record_is_a_lockout() -> None:
    with pytest.raises(LedgerBroken, match="beginning was cut off"):
        replay(SMALL_LOG[RECORD_BYTES:], SMALL_HEAD, simulated=True)
    genesis = seal(1, BOOT, HASH0, Record(Kind.GENESIS, simulated=True, note=b"another format"))
    with pytest.raises(LedgerBroken, match="beginning was cut off"):
        replay(genesis, head_file(Head(1, digest(genesis))), simulated=True)


def test_a_record_of_a_later_version_is_a_lockout_and_not_torn() -> None:
    block = bytearray(blocks_of(SMALL_LOG)[5])
    block[2] = 2
    body = bytes(block[:-4])
    newer = SMALL_LOG[: USED - RECORD_BYTES] + body + zlib.crc32(body).to_bytes(4, "little")
    with pytest.raises(LedgerBroken, match="not of this program's version"):
        replay(newer, SMALL_HEAD, simulated=True)


def test_a_ledger_that_mixes_simulated_and_real_records_is_a_lockout() -> None:
    blocks = blocks_of(SMALL_LOG)
    real = seal(7, BOOT, digest(blocks[-1]), replace(RESERVE, simulated=False))
    with pytest.raises(LedgerBroken, match="mixes"):
        replay(b"".join([*blocks, real]), head_file(Head(7, digest(real))), simulated=True)

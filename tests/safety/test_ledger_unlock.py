"""Ending a lockout: the worst case is booked, nothing is deleted, and being interrupted is harmless."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.errors import OperatorError
from safety.book import Book
from safety.instant import Instant
from safety.ledger import FAILED, HEAD, LOG, open_ledger, read_ledger
from safety.ledger_errors import LedgerBroken, LedgerBusy, WrongLedger
from safety.ledger_files import DiskFolder
from safety.ledger_format import HASH0, RECORD_BYTES, By, Kind, Record, Settled, digest, key, seal, settled_note
from safety.ledger_unlock import LARGEST_DAY, UNLOCKED, Engineer, Unlocked, salvage, unlock

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
BOOT = key("this boot")
START = 1_800_000_000 * SECOND
NOW = Instant(5 * SECOND, START + 2 * HOUR)
LARGEST = 600
WEEK = 7 * 24 * HOUR
ANNA, BRUNO, STRANGER = key("anna"), key("bruno"), key("a stranger")
MORNING, EVENING = key("morning"), key("evening")
TENS = key("ten hertz")
ENGINEER = Engineer("engineer", "the disk was changed")


def about(session: bytes, kind: Kind, minute: int, **fields: object) -> Record:
    subject = ANNA if session == MORNING else BRUNO
    record = Record(kind, subject=subject, session=session, protocol=TENS, simulated=True)
    return replace(record, wall_us=START + minute * 60 * SECOND, **fields)


HISTORY = (
    about(MORNING, Kind.OPEN, 0, pulses=100),
    about(MORNING, Kind.RESERVE, 1, pulses=40),
    about(MORNING, Kind.SETTLE, 2, pulses=30, ref=3, note=settled_note(Settled(29, 30, By.RUNNING))),
    about(MORNING, Kind.CLOSE, 3),
    about(EVENING, Kind.OPEN, 60, pulses=100),
    about(EVENING, Kind.RESERVE, 61, pulses=20),
    about(EVENING, Kind.BLOCK, 62),
)
"""Records 2 to 8; BRUNO's evening is under way."""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    ledger, _ = open_ledger(DiskFolder(folder), simulated=True, boot=BOOT, now=Instant(0, START), growth=16)
    for record in HISTORY:
        ledger.append(record)
    ledger.keep_head()
    ledger.close()
    return folder


def unlocked(state: Path, now: Instant = NOW) -> Unlocked:
    folder = DiskFolder(state)
    try:
        return unlock(folder, ENGINEER, simulated=True, now=now, boot=BOOT, largest=LARGEST)
    finally:
        folder.close()


def book(state: Path) -> Book:
    folder = DiskFolder(state)
    try:
        return read_ledger(folder, simulated=True).book()
    finally:
        folder.close()


def damage(state: Path, seq: int) -> None:
    log = bytearray((state / LOG).read_bytes())
    log[(seq - 1) * RECORD_BYTES + 50] ^= 1
    (state / LOG).write_bytes(log)


def weeks(book: Book) -> tuple[int, int, int]:
    return tuple(book.window(who, NOW.wall_us, WEEK) for who in (ANNA, BRUNO, STRANGER))  # type: ignore[return-value]


def test_a_sound_ledger_goes_on_with_the_worst_case_of_its_last_session(state: Path) -> None:
    assert unlocked(state) == Unlocked("", 0, LARGEST, everybody=False, kept="")
    after = book(state)
    assert weeks(after) == (30, 20 + LARGEST, 0)
    assert after.remaining(EVENING) == 0
    assert after.last_seq == 9


def test_a_torn_ledger_gets_one_worst_case_and_goes_on(state: Path) -> None:
    log = bytearray((state / LOG).read_bytes())
    log[8 * RECORD_BYTES] = 1
    (state / LOG).write_bytes(log)
    assert unlocked(state).missing == 1
    assert weeks(book(state)) == (30, 20 + LARGEST, 0)


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize(("boot", "dated_us"), [(BOOT, 62 * MINUTE + 5 * SECOND), (key("another boot"), 25 * HOUR)])
def test_an_unlock_is_dated_as_its_boot_runs_whatever_was_done_to_the_wall_clock(
    state: Path, boot: bytes, dated_us: int, *, broken: bool
) -> None:
    if broken:
        damage(state, 3)
    folder = DiskFolder(state)
    unlock(folder, ENGINEER, simulated=True, now=Instant(5 * SECOND, START + 25 * HOUR), boot=boot)
    folder.close()
    assert book(state).last_wall_us == START + dated_us


@pytest.mark.parametrize(
    ("seq", "loses", "expected"),
    [
        # A damaged record counts as the largest RESERVE of the session opened before it.
        (1, "the first", (30 + LARGEST, 20 + LARGEST, LARGEST)),
        (2, "an OPEN, before any other", (30 + LARGEST, 20 + LARGEST, LARGEST)),
        (3, "a RESERVE", (LARGEST, 20, 0)),
        (4, "a SETTLE", (40 + LARGEST, 20, 0)),
        (6, "an OPEN", (30 + LARGEST, 20, 0)),
        (8, "the last", (30, 20 + LARGEST, 0)),
    ],
)
def test_a_damaged_record_costs_its_worst_case_and_no_other(
    state: Path, seq: int, loses: str, expected: tuple[int, int, int]
) -> None:
    damage(state, seq)
    with pytest.raises(LedgerBroken):
        book(state)
    done = unlocked(state)
    assert (done.missing, done.lost) == (1, LARGEST), loses
    assert weeks(book(state)) == expected


def test_a_new_file_goes_on_with_the_old_numbers_and_names_the_old_files_hash(state: Path) -> None:
    damage(state, 4)
    before = (state / LOG).read_bytes()
    done = unlocked(state)
    folder = DiskFolder(state)
    found = read_ledger(folder, simulated=True)
    folder.close()
    first, last = found.entries[0], found.entries[-1]
    assert (first.seq, first.record.kind, first.record.ref, first.prev) == (9, Kind.GENESIS, 8, digest(before))
    assert (last.record.kind, last.record.note) == (Kind.LOST, key("engineer") + key("the disk was changed"))
    assert (state / f"{LOG}.{done.kept}").read_bytes() == before
    assert (state / f"{HEAD}.{done.kept}").exists()


def test_totals_and_blocks_are_carried_and_sessions_are_not(state: Path) -> None:
    damage(state, 5)
    unlocked(state)
    after = book(state)
    assert after.blocked(BRUNO)
    assert not after.blocked(ANNA)
    assert (after.course(ANNA, TENS), after.course(BRUNO, TENS)) == (30 + LARGEST, 20)
    assert (after.opened(EVENING), after.remaining(EVENING)) == (None, 0)
    assert after.window(ANNA, NOW.wall_us, HOUR) == LARGEST


def test_several_missing_records_count_against_everybody(state: Path) -> None:
    damage(state, 4)
    damage(state, 5)
    done = unlocked(state)
    assert (done.missing, done.lost, done.everybody) == (2, 2 * LARGEST, True)
    assert weeks(book(state)) == (40 + 2 * LARGEST, 20 + 2 * LARGEST, 2 * LARGEST)


def test_an_old_copy_costs_what_its_missing_records_may_have_held_up_to_what_a_day_allows(state: Path) -> None:
    old = (state / LOG).read_bytes()
    ledger, _ = open_ledger(DiskFolder(state), simulated=True, boot=BOOT, now=NOW, growth=16)
    for _ in range(100):
        ledger.append(about(EVENING, Kind.RESERVE, 63, pulses=1))
    ledger.keep_head()
    ledger.close()
    (state / LOG).write_bytes(old)
    done = unlocked(state)
    assert (done.missing, done.lost, done.everybody) == (100, 2 * LARGEST_DAY, True)
    assert book(state).last_seq > 108


@pytest.mark.parametrize("name", [LOG, HEAD])
def test_a_missing_file_counts_as_the_most_that_can_have_gone_out(state: Path, name: str) -> None:
    (state / name).unlink()
    done = unlocked(state)
    expected = (8, 8 * LARGEST) if name == LOG else (None, 2 * LARGEST_DAY)
    assert (done.missing, done.lost) == expected
    assert done.everybody
    booked = (0, 0, 0) if name == LOG else (30, 20, 0)
    assert weeks(book(state)) == tuple(pulses + done.lost for pulses in booked)


def test_a_disk_that_failed_is_free_again_and_its_mark_is_kept(state: Path) -> None:
    (state / FAILED).write_text("fdatasync")
    done = unlocked(state)
    assert "fdatasync" in done.why
    assert (state / f"{FAILED}.{done.kept}").read_text() == "fdatasync"
    assert weeks(book(state)) == (30, 20 + LARGEST, 0)


def test_an_unlocked_ledger_opens_appends_and_can_be_unlocked_again(state: Path) -> None:
    damage(state, 3)
    unlocked(state)
    ledger, _ = open_ledger(DiskFolder(state), simulated=True, boot=BOOT, now=NOW, growth=16)
    ledger.append(about(EVENING, Kind.RESERVE, 150, pulses=7))
    ledger.keep_head()
    ledger.close()
    damage(state, 3)
    unlocked(state, Instant(0, NOW.wall_us + HOUR))
    assert weeks(book(state))[1] >= 20 + 7
    assert len(list(state.glob(f"{LOG}.kept-*"))) == 2


def test_a_time_before_the_last_record_dates_nothing_back(state: Path) -> None:
    damage(state, 3)
    unlocked(state, Instant(0, START - 1000 * HOUR))
    assert book(state).last_wall_us == HISTORY[-1].wall_us


def test_what_everybody_may_have_had_is_carried_too(state: Path) -> None:
    damage(state, 4)
    damage(state, 5)
    unlocked(state)
    damage(state, 2)
    damage(state, 3)
    unlocked(state, Instant(0, NOW.wall_us + 1))
    assert book(state).window(STRANGER, NOW.wall_us, WEEK) >= 2 * LARGEST


def test_a_running_watchdog_cannot_be_unlocked_from_under(state: Path) -> None:
    ledger, _ = open_ledger(DiskFolder(state), simulated=True, boot=BOOT, now=NOW)
    with pytest.raises(LedgerBusy):
        unlocked(state)
    ledger.close()
    unlocked(state)


def test_a_ledger_of_the_other_kind_is_left_alone(state: Path) -> None:
    folder = DiskFolder(state)
    with pytest.raises(WrongLedger):
        unlock(folder, ENGINEER, simulated=False, now=NOW, boot=BOOT)
    damage(state, 4)
    with pytest.raises(WrongLedger):
        unlock(folder, ENGINEER, simulated=False, now=NOW, boot=BOOT)
    folder.close()
    assert not (state / UNLOCKED).exists()


def test_where_there_is_no_ledger_nothing_is_unlocked(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="nothing is locked"):
        unlocked(tmp_path)


def test_who_unlocked_and_why_is_written_down_each_time(state: Path) -> None:
    unlocked(state)
    damage(state, 4)
    unlocked(state)
    lines = [json.loads(line) for line in (state / UNLOCKED).read_text().splitlines()]
    assert [line["by"] for line in lines] == ["engineer", "engineer"]
    assert [line["reason"] for line in lines] == ["the disk was changed"] * 2
    assert [bool(line["kept"]) for line in lines] == [False, True]


class Interrupted(BaseException):
    """The machine is gone."""


@pytest.mark.parametrize("steps", range(8))
def test_an_unlock_cut_short_anywhere_leaves_a_locked_ledger_or_a_sound_one_that_counts_no_less(
    state: Path, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    damage(state, 4)
    (state / FAILED).write_text("fdatasync")
    left = steps

    def fragile(act: Callable[..., None]) -> Callable[..., None]:
        def acts(self: DiskFolder, *arguments: object) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Interrupted
            act(self, *arguments)

        return acts

    with monkeypatch.context() as patch:
        for name in ("put", "keep", "rename"):
            patch.setattr(DiskFolder, name, fragile(getattr(DiskFolder, name)))
        try:
            unlocked(state)
        except Interrupted:
            assert steps < 6
    try:
        after = book(state)
    except LedgerBroken:
        unlocked(state, Instant(0, NOW.wall_us + 1))
        after = book(state)
    assert weeks(after)[0] >= 40
    assert weeks(after)[1] >= 20


def test_salvage_reads_every_record_that_stands_for_itself() -> None:
    blocks = [seal(seq, BOOT, HASH0, Record(Kind.TRIP)) for seq in range(5, 12)]
    blocks[2] = bytes(RECORD_BYTES)
    saved = salvage(b"".join(blocks), b"")
    assert [entry.seq for entry in saved.entries] == [5, 6, 8, 9, 10, 11]
    assert (saved.first, saved.highest, saved.missing, saved.headless) == (5, 11, 1, True)
    assert [entry.seq for entry in saved.before_gap] == [5, 6]


def test_nothing_salvaged_is_nothing_known() -> None:
    saved = salvage(b"", b"")
    assert (saved.entries, saved.first, saved.highest, saved.missing) == ((), 1, 0, 0)

"""Opening a ledger and appending to it: one writer, one kind, records in order, and no half taken for the whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from drivers.errors import OurError
from safety.ledger import HEAD, LOG, OpenReport, read_ledger
from safety.ledger_errors import LedgerBroken, LedgerBusy, WrongLedger
from safety.ledger_files import DiskFolder, Folder
from safety.ledger_format import RECORD_BYTES, Kind
from tests.safety.cached_folder import (
    BOOT,
    OPEN,
    RESERVE,
    CachedFolder,
    opened,
    written,
)


@pytest.fixture(params=["disk", "memory"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    """The real folder and its twin, held to the same claims."""
    return DiskFolder(tmp_path / "state") if request.param == "disk" else CachedFolder()


def again(folder: Folder) -> Folder:
    """The same folder, opened anew."""
    return DiskFolder(folder._path) if isinstance(folder, DiskFolder) else folder


def test_a_new_room_begins_with_a_ledger_of_one_record(folder: Folder) -> None:
    ledger, report = opened(folder)
    assert report == OpenReport(created=True)
    assert ledger.head.seq == 1
    ledger.close()
    found = read_ledger(again(folder), simulated=True)
    assert [entry.record.kind for entry in found.entries] == [Kind.GENESIS]
    assert (found.simulated, found.torn) == (True, False)


def test_records_are_read_back_in_order_after_each_opening(folder: Folder) -> None:
    expected = []
    for n in range(5):
        ledger, report = opened(folder if n == 0 else again(folder))
        assert report == OpenReport(created=n == 0)
        expected.append(replace(RESERVE, pulses=n))
        assert ledger.append(expected[-1]) == n + 2
        ledger.keep_head()
        ledger.close()
    found = read_ledger(again(folder), simulated=True)
    assert [entry.record for entry in found.entries[1:]] == expected
    assert [entry.seq for entry in found.entries] == [1, 2, 3, 4, 5, 6]
    assert {entry.boot for entry in found.entries} == {BOOT}


def test_the_head_may_lag_by_the_one_record_that_was_acknowledged_before_it(folder: Folder) -> None:
    ledger, _ = opened(folder)
    ledger.append(OPEN)
    ledger.close()
    ledger, report = opened(again(folder))
    assert report == OpenReport()
    assert ledger.append(RESERVE) == 3
    ledger.close()


def test_the_file_grows_in_steps_of_zeros_and_records_run_on_through_them(folder: Folder) -> None:
    ledger, _ = opened(folder, growth=4)
    assert len(again(folder).read(LOG)) == 5 * RECORD_BYTES
    for n in range(2, 40):
        assert ledger.append(RESERVE) == n
    ledger.close()
    assert len(read_ledger(again(folder), simulated=True).entries) == 39


def test_room_is_made_at_opening_when_less_than_half_is_left(folder: Folder) -> None:
    written(folder, reserves=1, growth=8)
    sizes = []
    for _ in range(3):
        written(again(folder), reserves=1, growth=8)
        sizes.append(len(again(folder).read(LOG)) // RECORD_BYTES)
    assert sizes == [9, 9, 15]


def test_a_ledger_has_one_writer(folder: Folder) -> None:
    ledger, _ = opened(folder)
    with pytest.raises(LedgerBusy):
        opened(again(folder))
    ledger.close()
    opened(again(folder))[0].close()


@pytest.mark.parametrize("simulated", [True, False])
def test_simulated_and_real_ledgers_never_open_each_other(folder: Folder, *, simulated: bool) -> None:
    opened(folder, simulated=simulated)[0].close()
    refused = again(folder)
    with pytest.raises(WrongLedger, match="simulated"):
        opened(refused, simulated=not simulated)
    refused.close()
    opened(again(folder), simulated=simulated)[0].close()


def test_a_record_of_the_other_kind_is_our_own_error_and_changes_nothing(folder: Folder) -> None:
    ledger, _ = opened(folder)
    with pytest.raises(OurError, match="simulated"):
        ledger.append(replace(RESERVE, simulated=False))
    assert ledger.append(RESERVE) == 2
    ledger.close()


@pytest.mark.parametrize("name", [LOG, HEAD])
def test_one_file_of_two_is_no_ledger_and_no_empty_one(name: str) -> None:
    folder = CachedFolder()
    written(folder, reserves=3)
    del folder.files[name]
    with pytest.raises(LedgerBroken, match=f"{name} is missing"):
        opened(folder)


def test_an_empty_file_is_no_empty_ledger() -> None:
    folder = CachedFolder()
    written(folder, reserves=3)
    folder.put(LOG, bytes(4096))
    with pytest.raises(LedgerBroken, match="holds nothing"):
        opened(folder)

"""Power cuts before any operation: no acknowledged pulse is lost, and no ledger half made opens."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.ledger_errors import LedgerBroken, LedgerError
from safety.ledger_format import Kind
from tests.safety.cached_folder import (
    LARGEST,
    OPEN,
    RESERVE,
    CachedFolder,
    PowerCut,
    counted,
    opened,
)


@dataclass
class Life:
    """A room that reserves before it fires, through power cuts."""

    folder: CachedFolder
    fired: int = 0
    asked: int = 0

    def run(self, fuel: int, records: int) -> None:
        """Reserve and fire until the power fails, or `records` are written."""
        self.folder.fuel = fuel
        ledger, _ = opened(self.folder, growth=4)
        ledger.append(OPEN)
        for n in range(records):
            self.asked += 20
            ref = ledger.append(RESERVE)
            self.fired += 20
            ledger.keep_head()
            if n % 2:
                ledger.append(replace(RESERVE, kind=Kind.SETTLE, ref=ref, note=bytes([20, 0, 0, 0, 20, 0, 0, 0, 3])))


def cut_everywhere(make: Callable[[], CachedFolder], chances: int) -> list[tuple[int, int, int | None]]:
    """(fired, asked, counted) for a power cut before each operation of a short life, for several cache losses."""
    results: list[tuple[int, int, int | None]] = []
    for fuel in range(60):
        for chance in range(chances):
            life = Life(make())
            opened(life.folder, growth=4)[0].close()
            try:
                life.run(fuel, records=6)
            except PowerCut:
                life.folder.reboot(random.Random(f"{fuel} {chance}"))
            life.folder.fuel, life.folder.locked = 10**9, False
            try:
                opened(life.folder, growth=4)[0].close()
                results.append((life.fired, life.asked, counted(life.folder)))
            except LedgerBroken:
                results.append((life.fired, life.asked, None))
    return results


def test_no_power_cut_loses_an_acknowledged_pulse_or_locks_the_room() -> None:
    results = cut_everywhere(CachedFolder, chances=6)
    assert all(count is not None and count >= fired for fired, _, count in results)
    assert all(count is not None and count <= asked + LARGEST for _, asked, count in results)
    assert max(fired for fired, _, _ in results) == 120


def test_the_power_cuts_find_a_ledger_that_does_not_sync() -> None:
    """A planted bug: acknowledged pulses are lost, or what is left no longer reads as a ledger."""
    results = cut_everywhere(lambda: CachedFolder(lies=True), chances=6)
    assert any(count is None or count < fired for fired, _, count in results)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=6), st.integers(0, 2**32))
def test_a_life_of_many_power_cuts_never_counts_too_few(cuts: list[int], chance: int) -> None:
    life = Life(CachedFolder())
    opened(life.folder, growth=4)[0].close()
    dice = random.Random(chance)
    for fuel in cuts:
        try:
            life.run(fuel, records=4)
        except PowerCut:
            life.folder.reboot(dice)
        life.folder.fuel, life.folder.locked = 10**9, False
    opened(life.folder, growth=4)[0].close()
    assert life.fired <= counted(life.folder) <= life.asked + LARGEST * len(cuts)


def test_a_crash_while_a_room_is_made_leaves_no_half_ledger_that_opens() -> None:
    for fuel in range(2):
        folder = CachedFolder()
        folder.fuel = fuel
        with pytest.raises(PowerCut):
            opened(folder)
        folder.reboot(random.Random(0))
        try:
            ledger, report = opened(folder)
        except LedgerError:
            assert fuel == 1
        else:
            assert report.created
            assert ledger.head.seq == 1

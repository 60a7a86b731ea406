"""The watchdog's clock: what is done to the machine's changes no day, and a restart within a boot does not either."""

from __future__ import annotations

import time
from typing import Any

import pytest

from drivers.quantities import SECOND_US
from safety import clock, events
from safety.asking import Totals
from safety.book import EMPTY_BOOK, Book
from safety.clock import STEP_US, Clock, continued, machine
from safety.facts import totals
from safety.instant import Instant
from safety.ledger_format import HASH0, By, Entry, Kind, Record, Settled, key, settled_note
from safety.turn import Turn
from simulator.clock import VirtualClock
from tests.safety.conftest import WALL_US, VirtualRoom

S, HOUR = SECOND_US, 3600 * SECOND_US
SUBJECT, PROTOCOL = "S-0001", "mdd-10hz-37"
BOOT, BEFORE = key("this boot"), key("the boot before")


class Machine:
    """The machine's clocks: they run together, and only the wall clock can be set."""

    CLOCK_BOOTTIME = time.CLOCK_BOOTTIME

    def __init__(self, us: int) -> None:
        self.clock = VirtualClock(us)
        self.set_us = WALL_US - us
        """What the wall clock is ahead of BOOTTIME: whoever sets it changes this."""
        self.pause_us = 0
        """How long the program stands still before each reading of the wall clock, and after it."""

    @property
    def us(self) -> int:
        return self.clock.now_us()

    @property
    def wall_us(self) -> int:
        return self.us + self.set_us

    def passes(self, us: int) -> None:
        self.clock.advance_to(self.us + us)

    def clock_gettime_ns(self, which: int) -> int:
        assert which == time.CLOCK_BOOTTIME, "the one that runs on through a suspend"
        return self.us * 1000 + 999

    def time_ns(self) -> int:
        self.passes(self.pause_us)
        wall_us = self.wall_us
        self.passes(self.pause_us)
        return wall_us * 1000 + 999


@pytest.fixture(params=[5 * S, 2**31, 2**32 + 17, 10**15])
def here(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(request.param)
    monkeypatch.setattr(clock, "time", made)
    return made


# --- one boot -------------------------------------------------------------------------------------------------


def test_the_two_clocks_of_the_machine_are_read_as_they_stand(here: Machine) -> None:
    assert machine() == Instant(here.us, here.wall_us)


def test_the_machine_s_clocks_are_boottime_and_unix_time() -> None:
    before_us, now = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000, machine()

    assert before_us <= now.us <= time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
    assert abs(now.wall_us - time.time_ns() // 1000) < 60 * S


@pytest.mark.parametrize("step_us", [-25 * HOUR, -1, 0, 1, 25 * HOUR])
def test_wall_time_goes_on_with_boottime_whatever_is_done_to_the_machine_s(here: Machine, step_us: int) -> None:
    began = Instant(here.us, here.wall_us + 3 * S)  # not earlier than the ledger
    ours = Clock(began)

    here.set_us += step_us
    here.passes(7 * HOUR)

    assert ours.now() == (began.us + 7 * HOUR, began.wall_us + 7 * HOUR)


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_step_is_said_once_and_so_is_the_step_back(here: Machine, sign: int) -> None:
    ours = Clock(machine())
    assert ours.stepped() is None

    here.set_us += sign * STEP_US
    assert ours.stepped() is None
    here.set_us += sign
    assert ours.stepped() == sign * (STEP_US + 1)
    here.passes(HOUR)
    assert ours.stepped() is None

    here.set_us -= sign * (STEP_US + 1)
    assert ours.stepped() == 0
    assert ours.stepped() is None


def test_fifty_milliseconds_of_a_clock_are_a_step() -> None:
    assert STEP_US == 50_000


@pytest.mark.parametrize("step_us", [-HOUR, 0, HOUR])
def test_standing_still_between_two_readings_is_no_step(here: Machine, step_us: int) -> None:
    ours = Clock(machine())
    here.set_us += step_us
    here.pause_us = 10 * STEP_US

    said = ours.stepped()

    assert (said is None) == (step_us == 0)
    if said is not None:
        assert abs(said - step_us) <= here.pause_us
    assert ours.stepped() is None


# --- one boot, several starts ---------------------------------------------------------------------------------


def last(boot: bytes, us: int, wall_us: int) -> Entry:
    return Entry(9, boot, HASH0, Record(Kind.CLOSE, boot_us=us, wall_us=wall_us))


@pytest.mark.parametrize("step_us", [-25 * HOUR, 0, 25 * HOUR])
def test_a_start_within_the_boot_goes_on_from_the_last_record(step_us: int) -> None:
    now = Instant(70 * S, WALL_US + 60 * S + step_us)

    assert continued(last(BOOT, 10 * S, WALL_US), BOOT, now) == (70 * S, WALL_US + 60 * S)


def test_a_start_in_another_boot_goes_by_the_machine_s_clock_and_never_before_the_last_record() -> None:
    before = last(BEFORE, 10 * S, WALL_US)

    assert continued(before, BOOT, Instant(70 * S, WALL_US + HOUR)) == (70 * S, WALL_US + HOUR)
    assert continued(before, BOOT, Instant(70 * S, WALL_US - HOUR)) == (70 * S, WALL_US)


def test_a_boottime_that_was_set_back_takes_no_time_from_the_ledger() -> None:
    assert continued(last(BOOT, 70 * S, WALL_US), BOOT, Instant(10 * S, WALL_US)) == (10 * S, WALL_US)


# --- a day's dose ---------------------------------------------------------------------------------------------


class Keeping(VirtualRoom):
    """A room on this machine that goes by the watchdog's clock."""

    def __init__(self, here: Machine, book: Book, began: Instant | None = None) -> None:
        super().__init__(here.us, book=book)
        here.clock = self.clock
        self.ours = Clock(began or machine())
        self.start()

    @property
    def now(self) -> Instant:
        return self.ours.now()

    def totals(self) -> Totals:
        return totals(Turn(self.room, self.state, self.now), SUBJECT, key("before"))


def given(pulses: int) -> Book:
    """A day's dose, given at `WALL_US`."""
    about: dict[str, Any] = {
        "subject": key(SUBJECT), "session": key("before"), "protocol": key(PROTOCOL), "wall_us": WALL_US,
        "pulses": pulses,
    }  # fmt: skip
    book = EMPTY_BOOK.apply(1, Record(Kind.RESERVE, **about))
    note = settled_note(Settled(pulses, pulses, By.RUNNING))
    return book.apply(2, Record(Kind.SETTLE, ref=1, note=note, **about))


@pytest.mark.parametrize("hours", [-25, 25])
def test_a_clock_that_is_set_opens_no_second_dose_and_changes_no_total(here: Machine, hours: int) -> None:
    room = Keeping(here, given(3_000))
    before = room.totals()

    here.set_us += hours * HOUR
    room.feed(events.Tick())

    assert room.totals() == before == Totals(session=3_000, day=3_000, twelve_hours=3_000, week=3_000)
    answer = room.open(PROTOCOL)
    assert (answer["ok"], answer["reason"]) == (False, "day-full")


def test_a_day_of_boottime_through_a_suspend_opens_the_next_dose(here: Machine) -> None:
    room = Keeping(here, given(3_000))

    here.passes(25 * HOUR)
    room.feed(events.Tick())

    assert room.totals() == Totals(session=3_000, week=3_000)
    assert room.open(PROTOCOL)["ok"]


@pytest.mark.parametrize(("boot", "opens"), [(BOOT, False), (BEFORE, True)])
def test_a_clock_set_forward_before_a_restart_opens_no_second_dose_within_the_boot(
    here: Machine, boot: bytes, opens: bool
) -> None:
    newest = last(boot, here.us, WALL_US)
    here.passes(60 * S)
    here.set_us += 25 * HOUR

    room = Keeping(here, given(3_000), continued(newest, BOOT, machine()))

    assert room.open(PROTOCOL)["ok"] == opens

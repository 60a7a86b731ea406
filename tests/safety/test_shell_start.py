"""What the watchdog starts with: its room, the book and the trip its ledger holds, or a lockout without trust in it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from drivers.catalogue import dialect
from drivers.errors import ConfigError
from drivers.quantities import SINGLE, Train
from drivers.stimulators import Dialect
from safety import start
from safety.asking import Cutting, Past
from safety.book import EMPTY_BOOK, Book
from safety.clock import Clock
from safety.instant import Instant
from safety.ledger import OpenReport
from safety.ledger_errors import LedgerBroken, LedgerBusy
from safety.ledger_format import HASH0, Entry, Kind, Record, key
from safety.ledger_link import LedgerLink, Spawned
from safety.ledger_writer import boot_key
from safety.reasons import Reason
from safety.site import load_site
from safety.state import Phase
from tests.safety.conftest import VirtualRoom

EXAMPLES = Path(__file__).parents[2] / "examples"
HOUR_US = 3_600_000_000
NOW = Instant(5_000_000, 1_790_000_000_000_000)
LAST = Entry(1, key("the boot before"), HASH0, Record(Kind.GENESIS, simulated=True))


def test_a_simulated_room_is_made_of_its_site_file_with_its_deadlines_slackened() -> None:
    site = load_site(EXAMPLES / "site.toml")
    room = start.room_of(site)
    assert (room.simulated, room.slack, room.coil, room.zone) == (True, 4, "coil-1", site.zone)
    assert room.limits.timing == site.limits.timing.slackened(4)
    assert room.dialect.capabilities.firmware == 8
    assert room.lacks(None, NOW.wall_us) == ()


def test_a_room_knows_what_its_site_file_says_of_disarming() -> None:
    site = load_site(EXAMPLES / "site.toml")
    proven = replace(site, stimulator=replace(site.stimulator, disarm_cuts_train=Cutting.PROVEN))
    assert start.room_of(site).disarm_cuts_train is Cutting.ASSUMED
    assert start.room_of(proven).disarm_cuts_train is Cutting.PROVEN


def test_a_room_knows_daemon_and_arm_by_the_users_of_its_site_file() -> None:
    room = start.room_of(replace(load_site(EXAMPLES / "site.toml"), daemon_uid=1001, arm_uid=1002))
    assert (room.daemon_uid, room.arm_uid) == (1001, 1002)


def test_a_real_stimulator_in_a_simulated_room_is_refused() -> None:
    site = load_site(EXAMPLES / "site.toml")
    real = replace(site, stimulator=replace(site.stimulator, port="serial:/dev/ttyUSB0"))
    with pytest.raises(ConfigError, match="port must begin with pty:"):
        start.room_of(real)


def falling_asleep_after(lapse_us: int | None) -> Callable[[str, int, int], Dialect]:
    """A catalogue whose devices, once armed, disarm themselves when they have heard nothing for so long."""

    def dialect_of(model: str, firmware: int, supply_volts: int) -> Dialect:
        made = dialect(model, firmware, supply_volts)
        made.capabilities = replace(made.capabilities, keep_alive_armed_us=lapse_us)
        return made

    return dialect_of


@pytest.mark.parametrize("lapse_us", [None, 1_499_999])
def test_a_device_that_falls_asleep_between_two_unconfirmed_disarms_makes_a_room(lapse_us: int | None) -> None:
    site = load_site(EXAMPLES / "site.toml")
    assert start.room_of(site, dialect_of=falling_asleep_after(lapse_us)).limits.rows == site.limits.rows


@pytest.mark.parametrize("lapse_us", [1_500_000, 2_000_000])
def test_a_device_that_each_unconfirmed_disarm_would_keep_awake_makes_none(lapse_us: int) -> None:
    site = load_site(EXAMPLES / "site.toml")
    with pytest.raises(ConfigError) as caught:
        start.room_of(site, dialect_of=falling_asleep_after(lapse_us))

    assert str(caught.value) == (
        f"[limits] disarm_unconfirmed_repeat = 1500 ms: must be above {lapse_us // 1000} ms, when an armed "
        "magstim-rapid2 that hears nothing disarms itself; write a longer one"
    )


def test_a_room_of_a_study_lacks_every_signature_that_was_not_given(tmp_path: Path) -> None:
    text = (EXAMPLES / "site.toml").read_text("utf-8")
    for changed, to in (
        ('"simulation"', '"study"'),
        ("slack = 4", ""),
        ("pty:/run", "serial:/run"),
        ('authorisations = "authorisations"', ""),
    ):
        text = text.replace(changed, to, 1)
    path = tmp_path / "site.toml"
    path.write_text(text + '\n[study]\nethics = "EC"\nphysician = "a physician"\nuntil = 2026-12-31\n', "utf-8")
    room = start.room_of(load_site(path))
    assert not room.simulated
    assert room.lacks(None, NOW.wall_us)
    assert all(each.endswith("is not signed") for each in room.lacks(None, NOW.wall_us))


@pytest.fixture
def link() -> Iterator[LedgerLink]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        made = LedgerLink(ours)
        yield made
        made.close()


def spawning(link: LedgerLink, book: Book, last: Entry = LAST) -> Callable[..., Spawned]:
    return lambda _folder, **_options: Spawned(link, 1, book, last, OpenReport())


def ahead_us(clock: Clock) -> int:
    """How far a clock's wall time is ahead of its BOOTTIME."""
    now = clock.now()
    return now.wall_us - now.us


def test_a_fresh_ledger_starts_in_boot_with_nothing_behind_it(
    tmp_path: Path, room_at: Callable[..., VirtualRoom], link: LedgerLink
) -> None:
    state, given, _ = start.starting_state(room_at().room, tmp_path, NOW, spawning(link, EMPTY_BOOK))
    assert given is link
    assert (state.phase, state.trip, state.past, state.seen_us) == (Phase.BOOT, None, (), NOW.us)


def test_after_a_session_its_last_train_counts_as_just_ended(
    tmp_path: Path, room_at: Callable[..., VirtualRoom], link: LedgerLink
) -> None:
    book = EMPTY_BOOK.apply(1, Record(Kind.OPEN, pulses=5, subject=key("S-1"), session=key("one"), simulated=True))
    state, _, _ = start.starting_state(room_at().room, tmp_path, NOW, spawning(link, book))
    assert state.past == (Past(NOW.us, Train(1, SINGLE)),)
    assert state.book is book


def test_the_clock_goes_on_where_a_watchdog_of_this_boot_left_off_and_else_by_the_machine_s(
    tmp_path: Path, room_at: Callable[..., VirtualRoom], link: LedgerLink
) -> None:
    def ahead_after(boot: bytes) -> int:
        last = Entry(9, boot, HASH0, Record(Kind.CLOSE, boot_us=NOW.us - 1, wall_us=NOW.wall_us - 25 * HOUR_US))
        _, _, clock = start.starting_state(room_at().room, tmp_path, NOW, spawning(link, EMPTY_BOOK, last))
        return ahead_us(clock)

    assert ahead_after(boot_key()) == NOW.wall_us - NOW.us - 25 * HOUR_US + 1
    assert ahead_after(key("the boot before")) == NOW.wall_us - NOW.us


@pytest.mark.parametrize(("code", "reason"), [(Reason.PORT_LOST.code, Reason.PORT_LOST), (65_000, Reason.LATE_TICK)])
def test_a_trip_outlives_a_restart_even_one_of_a_reason_this_version_does_not_know(
    code: int, reason: Reason, tmp_path: Path, room_at: Callable[..., VirtualRoom], link: LedgerLink
) -> None:
    book = EMPTY_BOOK.apply(1, Record(Kind.TRIP, code=code, simulated=True))
    state, _, _ = start.starting_state(room_at().room, tmp_path, NOW, spawning(link, book))
    assert state.phase is Phase.TRIPPED
    assert state.trip is not None
    assert (state.trip.reason, state.trip.at_us) == (reason, NOW.us)


def test_a_ledger_that_cannot_be_trusted_locks_out_and_says_why(
    tmp_path: Path, room_at: Callable[..., VirtualRoom], capsys: pytest.CaptureFixture[str]
) -> None:
    def spawn(_folder: Path, **_options: bool) -> Spawned:
        raise LedgerBroken("record 3 does not follow record 2")

    handed: list[int] = []
    detach = socket.socket.detach

    def noted(sock: socket.socket) -> int:
        handed.append(detach(sock))
        return handed[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "detach", noted)
        state, nobody, ours = start.starting_state(room_at().room, tmp_path, NOW, spawn)
    try:
        assert (state.phase, state.seen_us) == (Phase.LOCKOUT, NOW.us)
        assert state.lockout == "record 3 does not follow record 2"
        assert ahead_us(ours) == NOW.wall_us - NOW.us
        assert "LOCKED: record 3 does not follow record 2" in capsys.readouterr().err
        assert nobody.receive() == [], "the link to nobody stays open and silent: no second failure is reported"
    finally:
        nobody.close()
        os.close(handed[0])


class Busy:
    """A ledger that another process keeps for some attempts, and a clock that moves while one waits."""

    def __init__(self, attempts: int, spawned: Spawned | None = None) -> None:
        self.attempts = attempts
        self.spawned = spawned
        self.now_s = 100.0

    def spawn(self, _folder: Path, **_options: bool) -> Spawned:
        if self.attempts:
            self.attempts -= 1
            raise LedgerBusy("another process writes the ledger")
        assert self.spawned is not None
        return self.spawned

    def pass_time(self, seconds: float) -> None:
        self.now_s += seconds


def waiting(busy: Busy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "time", SimpleNamespace(monotonic=lambda: busy.now_s, sleep=busy.pass_time))


def test_the_writer_of_a_killed_watchdog_is_waited_for(
    tmp_path: Path, room_at: Callable[..., VirtualRoom], link: LedgerLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = Busy(30, Spawned(link, 1, EMPTY_BOOK, LAST, OpenReport()))
    waiting(busy, monkeypatch)
    assert start.starting_state(room_at().room, tmp_path, NOW, busy.spawn)[1] is link
    assert busy.now_s == pytest.approx(103.0)


def test_a_ledger_that_stays_busy_is_no_lockout_but_no_start_either(
    tmp_path: Path, room_at: Callable[..., VirtualRoom], monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = Busy(1_000)
    waiting(busy, monkeypatch)
    with pytest.raises(LedgerBusy):
        start.starting_state(room_at().room, tmp_path, NOW, busy.spawn)
    assert 105.0 <= busy.now_s < 105.5

"""The watchdog's process around its loop: its names, its folder, what the kernel grants, what it starts with."""

from __future__ import annotations

import ctypes
import gc
import importlib.util
import os
import resource
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from drivers.errors import ConfigError
from drivers.quantities import SINGLE, Train
from safety import __main__ as process
from safety import ledger_cli, realtime, start
from safety.asking import Past
from safety.book import EMPTY_BOOK, Book
from safety.instant import Instant
from safety.ledger import OpenReport
from safety.ledger_errors import LedgerBroken, LedgerBusy
from safety.ledger_format import Kind, Record, key
from safety.ledger_link import LedgerLink, Spawned
from safety.reasons import Reason
from safety.site import load_site
from safety.state import Phase
from tests.safety.conftest import VirtualRoom

EXAMPLES = Path(__file__).parents[2] / "examples"
NOW = Instant(5_000_000, 1_790_000_000_000_000)


# --- whose names ----------------------------------------------------------------------------------------------


def test_the_names_of_this_house_are_its_own() -> None:
    process.names_are_ours()


@pytest.mark.parametrize("spec", [None, ModuleSpec("drivers", None), ModuleSpec("drivers", None, origin="/x/y.py")])
def test_a_name_that_belongs_to_another_distribution_is_refused(
    spec: ModuleSpec | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: spec)
    with pytest.raises(ConfigError, match="the package drivers is not coilward's"):
        process.names_are_ours()


# --- which folder ---------------------------------------------------------------------------------------------


def test_the_runtime_is_what_the_environment_says_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COILWARD_RUNTIME", "/somewhere")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert process.default_runtime() == Path("/somewhere")


def test_the_runtime_of_root_is_the_machine_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COILWARD_RUNTIME", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert process.default_runtime() == Path("/run/coilward")


def test_the_runtime_of_anybody_else_is_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COILWARD_RUNTIME", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    assert process.default_runtime() == Path("/run/user/1000/coilward")
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert process.default_runtime() == Path("/tmp/coilward-1000/coilward")


# --- the command line -----------------------------------------------------------------------------------------


def command(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["coilward-watchdog", *words])
    return process.main()


def test_the_site_file_and_the_runtime_given_are_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[Any] = []

    def serve(*what: Any) -> int:
        served.append(what)
        return 0

    monkeypatch.setattr(process, "serve", serve)
    assert command(monkeypatch, "--runtime", str(tmp_path), "--site", str(EXAMPLES / "site.toml")) == 0
    assert served == [(load_site(EXAMPLES / "site.toml"), tmp_path / "watchdog")]


def test_without_a_site_file_it_is_a_mistake_of_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command(monkeypatch)
    assert ended.value.code == 2
    assert "--site FILE is needed" in capsys.readouterr().err


def test_what_cannot_run_says_so_in_one_line_and_ends_with_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, "--site", str(tmp_path / "absent.toml")) == 1
    said = capsys.readouterr().err
    assert said.startswith("coilward-watchdog: ")
    assert said.count("\n") == 1


def test_a_ledger_command_needs_no_site_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_cli, "run", lambda args: {"ledger": 7}[args.command])
    assert command(monkeypatch, "ledger", "verify", "--state", str(tmp_path)) == 7


# --- one room, one watchdog -----------------------------------------------------------------------------------


def test_only_one_watchdog_holds_a_runtime_and_the_next_may_when_it_ended(tmp_path: Path) -> None:
    first = process.alone(tmp_path)
    descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  a folder that is no folder
    with pytest.raises(ConfigError, match="another watchdog runs in"):
        process.alone(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == descriptors, "the refused one keeps nothing open"  # noqa: PTH208
    os.close(first)
    os.close(process.alone(tmp_path))


def test_a_simulated_room_is_made_of_its_site_file_with_its_deadlines_slackened() -> None:
    site = load_site(EXAMPLES / "site.toml")
    room = process.room_of(site)
    assert (room.simulated, room.slack, room.coil, room.zone) == (True, 4, "coil-1", site.zone)
    assert room.limits.timing == site.limits.timing.slackened(4)
    assert room.dialect.capabilities.firmware == 8
    assert room.lacks(None, NOW.wall_us) == ()


def test_a_real_stimulator_in_a_simulated_room_is_refused() -> None:
    site = load_site(EXAMPLES / "site.toml")
    real = replace(site, stimulator=replace(site.stimulator, port="serial:/dev/ttyUSB0"))
    with pytest.raises(ConfigError, match="port must begin with pty:"):
        process.room_of(real)


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
    room = process.room_of(load_site(path))
    assert not room.simulated
    assert room.lacks(None, NOW.wall_us)
    assert all(each.endswith("is not signed") for each in room.lacks(None, NOW.wall_us))


class BriefWatchdog:
    """Stands in for the loop: runs once, as `during` says, and is closed."""

    def __init__(self, *made_of: Any) -> None:
        self.running = True
        self.closed = False
        self.state = SimpleNamespace(seen_us=10_000_000)
        self.made_of = made_of
        self.during: Callable[[], None] = lambda: None

    def run(self, after_each_turn: Callable[[], None]) -> None:
        after_each_turn()
        self.during()

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> Iterator[BriefWatchdog]:
    """`serve` with that watchdog, no writer process, and nothing asked of the kernel; signals as before afterwards."""
    made = BriefWatchdog()

    def make(*made_of: Any) -> BriefWatchdog:
        made.made_of = made_of
        return made

    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    monkeypatch.setattr(process, "Watchdog", make)
    monkeypatch.setattr(process, "starting_state", lambda _room, folder, _now, spawn: (folder.exists(), spawn))
    monkeypatch.setattr(realtime, "prepare", lambda: iter(["memory is not locked"]))
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    yield made
    for number, handler in handlers.items():
        signal.signal(number, handler)


def site_in(folder: Path, slack: int = 4) -> Any:
    return replace(load_site(EXAMPLES / "site.toml"), state=folder / "a" / "state", slack=slack)


def test_serving_says_what_was_refused_that_it_is_ready_and_ends_in_order(
    tmp_path: Path, brief: BriefWatchdog, capsys: pytest.CaptureFixture[str]
) -> None:
    assert process.serve(site_in(tmp_path), tmp_path / "run" / "watchdog") == 0
    said = capsys.readouterr()
    assert said.err == "coilward-watchdog: memory is not locked\n"
    assert "slack 4: deadlines" in said.out
    assert said.out.endswith(f"ready in {tmp_path}/run/watchdog\n")
    assert brief.closed
    assert brief.made_of[1] is True, "the ledger's folder is there before its writer starts"
    assert (tmp_path / "a" / "state").stat().st_mode & 0o777 == 0o700
    os.close(process.alone(tmp_path / "run" / "watchdog"))


def test_a_room_without_slack_says_nothing_of_it(
    tmp_path: Path, brief: BriefWatchdog, capsys: pytest.CaptureFixture[str]
) -> None:
    process.serve(site_in(tmp_path, slack=1), tmp_path / "w")
    assert "slack 1" not in capsys.readouterr().out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_asks_the_loop_to_end_and_nothing_more(
    number: signal.Signals, tmp_path: Path, brief: BriefWatchdog
) -> None:
    running: list[bool] = []

    def during() -> None:
        running.append(brief.running)
        signal.raise_signal(number)
        running.append(brief.running)
        assert not brief.closed, "the handler itself closes nothing"

    brief.during = during
    assert process.serve(site_in(tmp_path), tmp_path / "w") == 0
    assert running == [True, False]


def test_a_loop_that_fails_is_closed_and_lets_go_of_its_runtime(tmp_path: Path, brief: BriefWatchdog) -> None:
    def during() -> None:
        raise ZeroDivisionError

    brief.during = during
    with pytest.raises(ZeroDivisionError):
        process.serve(site_in(tmp_path), tmp_path / "w")
    assert brief.closed
    os.close(process.alone(tmp_path / "w"))


def test_the_clocks_of_the_start_are_the_machine_s() -> None:
    before_us = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
    now = process._now()
    assert before_us <= now.us <= time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
    assert abs(now.wall_us - time.time_ns() // 1000) < 60_000_000


# --- what the kernel grants -----------------------------------------------------------------------------------


class Kernel:
    """Takes the requests of `realtime.prepare` instead of the real one."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.locks = 0
        self.refuses: Exception | None = None

    def mlockall(self, flags: int) -> int:
        self.asked.append(("mlockall", flags))
        return self.locks

    def setrlimit(self, which: int, limits: tuple[int, int]) -> None:
        self.asked.append((which, limits))

    def sched_setscheduler(self, pid: int, policy: int, param: os.sched_param) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.asked.append((pid, policy, param.sched_priority))


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    made = Kernel()
    monkeypatch.setattr(ctypes, "CDLL", lambda _name, **_options: made)
    monkeypatch.setattr(resource, "setrlimit", made.setrlimit)
    monkeypatch.setattr(os, "sched_setscheduler", made.sched_setscheduler)
    yield made
    gc.unfreeze()
    gc.enable()


def test_with_every_right_memory_is_locked_and_the_loop_is_real_time_and_cannot_spin(kernel: Kernel) -> None:
    assert list(realtime.prepare()) == []
    assert kernel.asked == [
        ("mlockall", 3),
        (resource.RLIMIT_RTTIME, (500_000, 1_000_000)),
        (0, os.SCHED_FIFO, 10),
    ]
    assert not gc.isenabled()
    assert gc.get_freeze_count() > 0


@pytest.mark.parametrize("refusal", [PermissionError(), ValueError()])
def test_each_right_that_is_missing_is_said_in_a_sentence(kernel: Kernel, refusal: Exception) -> None:
    kernel.locks, kernel.refuses = -1, refusal
    memory, priority = realtime.prepare()
    assert "LimitMEMLOCK" in memory
    assert "LimitRTPRIO" in priority


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as listening:
        listening.bind(str(tmp_path / "n"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "n"))
        monkeypatch.setenv("WATCHDOG_USEC", "400000")
        yield listening


def heard(systemd: socket.socket) -> list[bytes]:
    words = []
    with suppress(BlockingIOError):
        while True:
            words.append(systemd.recv(100))
    return words


def test_the_working_loop_pings_four_times_per_deadline(systemd: socket.socket) -> None:
    notifier = realtime.Notifier()
    notifier.say("READY=1")
    for now_us in range(1_000_000, 1_400_000, 10_000):
        notifier.turned(now_us)
    assert heard(systemd) == [b"READY=1"] + [b"WATCHDOG=1"] * 4


def test_an_abstract_address_is_spoken_to_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as listening:
        listening.bind("")  # the kernel chooses an abstract name
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + listening.getsockname()[1:].decode())
        realtime.Notifier().say("READY=1")
        assert heard(listening) == [b"READY=1"]


def test_a_listener_that_is_gone_or_full_does_not_stop_the_loop(systemd: socket.socket, tmp_path: Path) -> None:
    notifier = realtime.Notifier()
    for _ in range(2_000):
        notifier.say("x" * 1_000)
    assert 0 < len(heard(systemd)) < 2_000
    (tmp_path / "n").unlink()
    notifier.say("READY=1")
    assert heard(systemd) == []


def test_without_systemd_nothing_is_said_to_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.setattr(socket, "socket", lambda *_: pytest.fail("spoke to somebody"))
    realtime.Notifier().say("READY=1")


# --- what it starts with --------------------------------------------------------------------------------------


@pytest.fixture
def link() -> Iterator[LedgerLink]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        made = LedgerLink(ours)
        yield made
        made.close()


def spawning(link: LedgerLink, book: Book) -> Callable[..., Spawned]:
    return lambda _folder, **_options: Spawned(link, 1, book, book.last_seq, OpenReport())


def test_a_fresh_ledger_starts_in_boot_with_nothing_behind_it(
    tmp_path: Path, room_at: Callable[..., VirtualRoom], link: LedgerLink
) -> None:
    state, given = start.starting_state(room_at().room, tmp_path, NOW, spawning(link, EMPTY_BOOK))
    assert given is link
    assert (state.phase, state.trip, state.past, state.seen_us) == (Phase.BOOT, None, (), NOW.us)


def test_after_a_session_its_last_train_counts_as_just_ended(
    tmp_path: Path, room_at: Callable[..., VirtualRoom], link: LedgerLink
) -> None:
    book = EMPTY_BOOK.apply(1, Record(Kind.OPEN, pulses=5, subject=key("S-1"), session=key("one"), simulated=True))
    state, _ = start.starting_state(room_at().room, tmp_path, NOW, spawning(link, book))
    assert state.past == (Past(NOW.us, Train(1, SINGLE)),)
    assert state.book is book


@pytest.mark.parametrize(("code", "reason"), [(Reason.PORT_LOST.code, Reason.PORT_LOST), (65_000, Reason.LATE_TICK)])
def test_a_trip_outlives_a_restart_even_one_of_a_reason_this_version_does_not_know(
    code: int, reason: Reason, tmp_path: Path, room_at: Callable[..., VirtualRoom], link: LedgerLink
) -> None:
    book = EMPTY_BOOK.apply(1, Record(Kind.TRIP, code=code, simulated=True))
    state, _ = start.starting_state(room_at().room, tmp_path, NOW, spawning(link, book))
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
        state, nobody = start.starting_state(room_at().room, tmp_path, NOW, spawn)
    try:
        assert (state.phase, state.seen_us) == (Phase.LOCKOUT, NOW.us)
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
    busy = Busy(30, Spawned(link, 1, EMPTY_BOOK, 0, OpenReport()))
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

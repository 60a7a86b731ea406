"""The writer process and its link: killed at any moment, on a disk that refuses, behind a watchdog that is gone."""

from __future__ import annotations

import os
import random
import resource
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from drivers.errors import BadFrame
from safety import ledger_link, ledger_writer
from safety.instant import Instant
from safety.ledger import FAILED, LOG, Ledger, OpenReport, open_ledger, read_ledger
from safety.ledger_errors import LedgerBroken, LedgerBusy, LedgerFailed, WrongLedger
from safety.ledger_files import DiskFolder
from safety.ledger_format import HASH0, RECORD_BYTES, Head, Kind, Record, key
from safety.ledger_link import CommitFailed, Committed, LedgerLink, spawn_writer
from safety.ledger_wire import ANSWER_BYTES, HELLO, Answer, answer_bytes, parse_answer, parse_request, request_bytes
from safety.ledger_writer import boot_key, clock, main, serve

RESERVE = Record(Kind.RESERVE, pulses=1, subject=key("anna"), session=key("morning"), simulated=True)
DEADLINE_S = 20.0


def pair() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def hear(link: LedgerLink, answers: int) -> list[Committed | CommitFailed]:
    """The next `answers` events."""
    events: list[Committed | CommitFailed] = []
    give_up = time.monotonic() + DEADLINE_S
    while len(events) < answers:
        assert time.monotonic() < give_up, f"only {events}"
        select.select([link], [], [], 1.0)
        events += link.receive()
    return events


def counted(state: Path) -> int:
    folder = DiskFolder(state)
    try:
        return read_ledger(folder, simulated=True).book().session(RESERVE.session)
    finally:
        folder.close()


# --- the wire ---------------------------------------------------------------------------------------------------


def test_a_request_and_an_answer_are_read_back_as_they_were_written() -> None:
    assert parse_request(request_bytes(7, RESERVE)) == (7, RESERVE)
    answer = Answer(9, Head(3, HASH0), OpenReport(created=True, torn=True))
    assert parse_answer(answer_bytes(answer)) == answer


@pytest.mark.parametrize("error", [LedgerFailed, LedgerBroken, LedgerBusy, WrongLedger])
def test_a_failure_keeps_its_kind_and_its_reason_on_the_wire(error: type[LedgerFailed]) -> None:
    heard = parse_answer(answer_bytes(Answer(1, Head(3, HASH0), OpenReport(), error("because"))))
    assert type(heard.error) is error
    assert str(heard.error) == "because"


def test_a_very_long_reason_is_cut_to_one_frame() -> None:
    frame = answer_bytes(Answer(1, Head(3, HASH0), OpenReport(), LedgerFailed("é" * 5000)))
    assert len(frame) == ANSWER_BYTES
    assert str(parse_answer(frame).error).startswith("ééé")


@pytest.mark.parametrize("frame", [b"", bytes(20)])
def test_frames_of_another_length_are_bad_frames(frame: bytes) -> None:
    with pytest.raises(BadFrame):
        parse_request(frame)
    with pytest.raises(BadFrame):
        parse_answer(frame)


# --- the process ------------------------------------------------------------------------------------------------


def test_records_are_committed_in_order_and_are_there_after_a_restart(tmp_path: Path) -> None:
    with_link = spawn_writer(tmp_path, simulated=True)
    assert (with_link.last_seq, with_link.opened, with_link.book.last_seq) == (1, OpenReport(created=True), 1)
    for token in range(1, 21):
        assert with_link.link.send(token, replace(RESERVE, pulses=token)) is None
    assert hear(with_link.link, 20) == [Committed(token, token + 1) for token in range(1, 21)]
    with_link.link.close()
    again = spawn_writer(tmp_path, simulated=True)
    assert (again.last_seq, again.opened) == (21, OpenReport())
    assert again.book.session(RESERVE.session) == sum(range(1, 21))
    again.link.close()


def test_ctrl_c_does_not_end_the_writer(tmp_path: Path) -> None:
    spawned = spawn_writer(tmp_path, simulated=True)
    os.kill(spawned.pid, signal.SIGINT)
    spawned.link.send(1, RESERVE)
    assert hear(spawned.link, 1) == [Committed(1, 2)]
    spawned.link.close()


def test_a_second_writer_is_refused_and_says_what_to_do(tmp_path: Path) -> None:
    first = spawn_writer(tmp_path, simulated=True)
    with pytest.raises(LedgerBusy, match="stop that watchdog"):
        spawn_writer(tmp_path, simulated=True)
    first.link.close()
    spawn_writer(tmp_path, simulated=True).link.close()


def test_a_ledger_of_the_other_kind_is_refused(tmp_path: Path) -> None:
    spawn_writer(tmp_path, simulated=True).link.close()
    with pytest.raises(WrongLedger):
        spawn_writer(tmp_path, simulated=False)


def test_a_missing_log_is_a_lockout(tmp_path: Path) -> None:
    spawn_writer(tmp_path, simulated=True).link.close()
    (tmp_path / LOG).unlink()
    with pytest.raises(LedgerBroken, match="missing"):
        spawn_writer(tmp_path, simulated=True)


def test_a_killed_writer_fails_everything_that_waits_and_says_that_it_ended(tmp_path: Path) -> None:
    spawned = spawn_writer(tmp_path, simulated=True)
    os.kill(spawned.pid, signal.SIGSTOP)
    spawned.link.send(1, RESERVE)
    spawned.link.send(2, RESERVE)
    os.kill(spawned.pid, signal.SIGKILL)
    ended = "the ledger writer ended"
    assert hear(spawned.link, 3) == [CommitFailed(token, ended) for token in (1, 2, HELLO)]
    assert spawned.link.receive() == []
    failed = spawned.link.send(3, RESERVE)
    assert failed is not None
    assert failed.token == 3
    spawned.link.close()


def test_what_a_writer_confirmed_before_it_died_is_heard() -> None:
    """It died with requests unread, which the kernel tells ahead of the answers."""
    ours, theirs = pair()
    link = LedgerLink(ours)
    for token in (1, 2):
        link.send(token, RESERVE)
    theirs.recv(ANSWER_BYTES)
    theirs.send(answer_bytes(Answer(1, Head(5, HASH0), OpenReport())))
    theirs.close()
    ended = "the ledger writer ended"
    assert hear(link, 3) == [Committed(1, 5), CommitFailed(2, ended), CommitFailed(HELLO, ended)]
    link.close()


def test_a_writer_that_hangs_never_blocks_the_watchdog_and_is_killed_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_link, "_END_S", 0.05)
    spawned = spawn_writer(tmp_path, simulated=True)
    os.kill(spawned.pid, signal.SIGSTOP)
    failures = [spawned.link.send(token, RESERVE) for token in range(1, 2000)]
    refused = [failure for failure in failures if failure is not None]
    assert refused
    assert "does not keep up" in refused[0].why
    assert failures[0] is None
    spawned.link.close()
    assert counted(tmp_path) >= 0


def in_thread(act: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=act)
    thread.start()
    return thread


@pytest.fixture
def _keeps_ctrl_c() -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_keeps_ctrl_c")
def test_the_entry_serves_until_the_other_end_closes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pair()
    heard: list[Answer] = []

    def watchdog() -> None:
        with ours:
            heard.append(parse_answer(ours.recv(ANSWER_BYTES)))
            ours.send(request_bytes(1, RESERVE))
            heard.append(parse_answer(ours.recv(ANSWER_BYTES)))

    thread = in_thread(watchdog)
    monkeypatch.setattr(sys, "argv", ["writer", "--fd", str(theirs.detach()), "--state", str(tmp_path), "--simulated"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(ledger_writer.__file__, run_name="__main__")
    thread.join()
    assert ended.value.code == 0
    assert [(answer.token, answer.head.seq, answer.error) for answer in heard] == [(HELLO, 1, None), (1, 2, None)]


@pytest.mark.usefixtures("_keeps_ctrl_c")
def test_the_entry_says_why_it_cannot_open(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    for state, error in ((tmp_path / "file", LedgerFailed), (tmp_path / "half", LedgerBroken)):
        if error is LedgerBroken:
            state.mkdir()
            (state / LOG).write_bytes(b"")
        ours, theirs = pair()
        assert main(["--fd", str(theirs.detach()), "--state", str(state)]) == 1
        hello = parse_answer(ours.recv(ANSWER_BYTES))
        assert (hello.token, type(hello.error)) == (HELLO, error)
        ours.close()


@pytest.mark.usefixtures("_keeps_ctrl_c")
def test_the_entry_ends_quietly_when_the_watchdog_is_gone_before_the_hello(tmp_path: Path) -> None:
    ours, theirs = pair()
    ours.close()
    assert main(["--fd", str(theirs.detach()), "--state", str(tmp_path)]) == 0


@dataclass
class Failing:
    """A ledger that fails where it is told to."""

    fails: str = ""
    head: Head = field(default_factory=lambda: Head(1, HASH0))

    def append(self, _record: Record) -> int:
        if self.fails == "append":
            raise LedgerFailed("append")
        self.head = Head(self.head.seq + 1, HASH0)
        return self.head.seq

    def keep_head(self) -> None:
        if self.fails == "head":
            raise LedgerFailed("head")


@pytest.mark.parametrize(
    ("ledger", "tells"),
    [
        (Failing(), [Committed(HELLO, 1), Committed(1, 2)]),
        (Failing("append"), [Committed(HELLO, 1), CommitFailed(1, "append")]),
        (Failing("head"), [Committed(HELLO, 1), Committed(1, 2), CommitFailed(HELLO, "head")]),
    ],
    ids=["sound", "append fails", "head fails"],
)
def test_a_failed_commit_and_a_failed_head_are_told_at_once(
    ledger: Failing, tells: list[Committed | CommitFailed]
) -> None:
    ours, theirs = pair()
    link = LedgerLink(ours)
    thread = in_thread(lambda: serve(theirs, cast(Ledger, ledger), OpenReport()))
    link.send(1, RESERVE)
    assert hear(link, len(tells)) == tells
    link.close()
    thread.join()
    theirs.close()


def test_a_record_that_must_not_be_here_fails_alone(tmp_path: Path) -> None:
    spawned = spawn_writer(tmp_path, simulated=True)
    spawned.link.send(1, replace(RESERVE, simulated=False))
    spawned.link.send(2, RESERVE)
    first, second = hear(spawned.link, 2)
    assert isinstance(first, CommitFailed)
    assert second == Committed(2, 2)
    spawned.link.close()


# --- starting ---------------------------------------------------------------------------------------------------


class Started:
    """In the place of Popen: a writer that says `hello`, if anything, and holds its end open if it says nothing."""

    pid = 1

    def __init__(self, hello: bytes | None) -> None:
        self.hello = hello

    def __call__(self, _command: list[str], *, pass_fds: tuple[int], **_: Any) -> Started:
        self.end = socket.socket(fileno=os.dup(pass_fds[0]))
        if self.hello is not None:
            with self.end:
                if self.hello:
                    self.end.send(self.hello)
        return self

    def wait(self, _timeout_s: float) -> int:
        return 0


def test_a_writer_that_sees_another_ledger_than_the_watchdog_is_a_lockout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawn_writer(tmp_path, simulated=True).link.close()
    monkeypatch.setattr(subprocess, "Popen", Started(answer_bytes(Answer(HELLO, Head(1, HASH0), OpenReport()))))
    with pytest.raises(LedgerBroken, match="do not see the same ledger"):
        spawn_writer(tmp_path, simulated=True)


def test_a_ledger_the_watchdog_cannot_read_is_a_lockout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spawn_writer(tmp_path, simulated=True).link.close()
    (tmp_path / LOG).unlink()
    (tmp_path / LOG).mkdir()
    monkeypatch.setattr(subprocess, "Popen", Started(answer_bytes(Answer(HELLO, Head(1, HASH0), OpenReport()))))
    with pytest.raises(LedgerBroken, match="cannot read"):
        spawn_writer(tmp_path, simulated=True)


def test_a_writer_that_says_nothing_has_a_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_link, "START_S", 0.01)
    silent = Started(None)
    monkeypatch.setattr(subprocess, "Popen", silent)
    with pytest.raises(LedgerFailed, match="said nothing"):
        spawn_writer(tmp_path, simulated=True)
    silent.end.close()


def test_a_writer_that_ends_before_its_hello_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", Started(b""))
    with pytest.raises(LedgerFailed, match="ended before"):
        spawn_writer(tmp_path, simulated=True)


# --- a disk that refuses, for real ------------------------------------------------------------------------------


def refused_after(state: Path, command: list[str], limit: Callable[[], None] | None = None) -> list[CommitFailed]:
    """Commit through a writer started as `command` until something fails, and once more; the failures."""
    ours, theirs = pair()
    entry = ["-m", "safety.ledger_writer", "--fd", str(theirs.fileno()), "--state", str(state), "--simulated"]
    with theirs:
        process = subprocess.Popen([*command, sys.executable, *entry], pass_fds=[theirs.fileno()], preexec_fn=limit)  # noqa: PLW1509  no threads here
    link = LedgerLink(ours, process)
    events = hear(link, 1)
    for token in range(1, 20):
        link.send(token, RESERVE)
        events += hear(link, 1)
    events += link.receive()
    link.close()
    return [event for event in events if isinstance(event, CommitFailed)]


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed; the size limit below fails too")
@pytest.mark.parametrize(
    "fault", ["fdatasync:error=EIO:when=9", "pwrite64:error=ENOSPC:when=10", "pwrite64:retval=7:when=9"]
)
def test_a_real_disk_error_fails_everything_from_then_on_and_locks_the_ledger(tmp_path: Path, fault: str) -> None:
    spawn_writer(tmp_path, simulated=True).link.close()
    call = fault.partition(":")[0]
    failures = refused_after(
        tmp_path, ["strace", "-f", "-o", os.devnull, "-e", f"trace={call}", "-e", f"inject={fault}"]
    )
    assert len({failure.why for failure in failures}) == 1
    assert "could not be made durable" in failures[0].why
    assert 10 <= len(failures) < 19
    assert (tmp_path / FAILED).exists()
    with pytest.raises(LedgerBroken, match="the disk failed before"):
        spawn_writer(tmp_path, simulated=True)


def test_a_file_that_may_not_grow_is_refused_before_the_first_record(tmp_path: Path) -> None:
    spawn_writer(tmp_path, simulated=True).link.close()
    half = (tmp_path / LOG).stat().st_size // 2 // RECORD_BYTES * RECORD_BYTES
    os.truncate(tmp_path / LOG, half)
    ours, theirs = pair()
    entry = ["-m", "safety.ledger_writer", "--fd", str(theirs.fileno()), "--state", str(tmp_path), "--simulated"]
    with theirs:
        process = subprocess.Popen(
            [sys.executable, *entry],
            pass_fds=[theirs.fileno()],
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (half, half)),  # noqa: PLW1509  no threads here
        )
    link = LedgerLink(ours, process)
    hello = parse_answer(waited(ours))
    assert isinstance(hello.error, LedgerFailed)
    assert "no room" in str(hello.error)
    link.close()


def waited(sock: socket.socket) -> bytes:
    assert select.select([sock], [], [], DEADLINE_S)[0]
    return sock.recv(ANSWER_BYTES)


# --- kill storms ------------------------------------------------------------------------------------------------


def forked_writer(state: Path, sock: socket.socket) -> int:
    """A writer process without the start of a new interpreter; its pid."""
    pid = os.fork()
    if pid:
        return pid
    try:
        now = Instant(clock().us, clock().wall_us)
        ledger, report = open_ledger(DiskFolder(state), simulated=True, boot=boot_key(), now=now, growth=256)
        serve(sock, ledger, report)
    finally:
        os._exit(0)


def storm(state: Path, kills: int, dice: random.Random) -> tuple[int, int]:
    """Kill -9 a writer again and again while it commits; pulses acknowledged and pulses asked for."""
    acknowledged = asked = 0
    for _ in range(kills):
        ours, theirs = pair()
        pid = forked_writer(state, theirs)
        theirs.close()
        link = LedgerLink(ours)
        hear(link, 1)
        wait_s = dice.random() * 0.01
        for token in range(1, 41):
            assert link.send(token, RESERVE) is None
            asked += 1
        time.sleep(wait_s)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        acknowledged += sum(isinstance(event, Committed) for event in link.receive())
        link.close()
        total = counted(state)
        assert acknowledged <= total <= asked
    return acknowledged, asked


def storms(folder: Path, kills: int, dice: random.Random) -> None:
    """A new ledger every 20 kills: an old one takes its time to read, and the age is not what is tried here."""
    results = [storm(folder / str(n), 20, dice) for n in range(kills // 20)]
    acknowledged, asked = (sum(column) for column in zip(*results, strict=True))
    assert 0 < acknowledged < asked


def test_200_kills_lose_no_acknowledged_pulse(tmp_path: Path) -> None:
    storms(tmp_path, 200, random.Random(2026))


@pytest.mark.storm
@pytest.mark.timeout(600)
def test_5000_kills_lose_no_acknowledged_pulse(tmp_path: Path) -> None:
    storms(tmp_path, 5000, random.Random())

"""The writer process and its link: records in order, one writer, and every failure told, whichever end is gone."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest

from safety import ledger_link
from safety.ledger import LOG, Ledger, OpenReport
from safety.ledger_errors import LedgerBroken, LedgerBusy, LedgerFailed, WrongLedger
from safety.ledger_format import HASH0, Head, Record
from safety.ledger_link import CommitFailed, Committed, LedgerLink, spawn_writer
from safety.ledger_wire import ANSWER_BYTES, HELLO, Answer, answer_bytes
from safety.ledger_writer import serve
from tests.safety.ledger_writer.watchdog_end import RESERVE, counted, hear, in_thread, pair


def test_records_are_committed_in_order_and_are_there_after_a_restart(tmp_path: Path) -> None:
    with_link = spawn_writer(tmp_path, simulated=True)
    assert (with_link.last.seq, with_link.opened, with_link.book.last_seq) == (1, OpenReport(created=True), 1)
    for token in range(1, 21):
        assert with_link.link.send(token, replace(RESERVE, pulses=token)) is None
    assert hear(with_link.link, 20) == [Committed(token, token + 1) for token in range(1, 21)]
    with_link.link.close()
    again = spawn_writer(tmp_path, simulated=True)
    assert (again.last.seq, again.opened) == (21, OpenReport())
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
    os.waitpid(spawned.pid, os.WUNTRACED)  # the signal is on its way for as long as a busy machine likes
    said = [spawned.link.send(token, RESERVE) for token in range(1, 2000)]
    spawned.link.close()
    taken = said.count(None)
    late = "the ledger writer does not keep up: its queue is full"
    assert said == [None] * taken + [CommitFailed(token, late) for token in range(taken + 1, 2000)]
    assert 0 < taken < 1999
    with pytest.raises(ProcessLookupError):
        os.kill(spawned.pid, 0)
    assert counted(tmp_path) == 0, "the ledger is sound, and holds nothing of what was never taken up"


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

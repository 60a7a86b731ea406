"""A disk that refuses, for real: everything fails from then on, and before the first record if there is no room."""

from __future__ import annotations

import os
import resource
import select
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from safety.ledger import FAILED, LOG
from safety.ledger_errors import LedgerBroken, LedgerFailed
from safety.ledger_format import RECORD_BYTES
from safety.ledger_link import CommitFailed, LedgerLink, spawn_writer
from safety.ledger_wire import ANSWER_BYTES, HELLO, parse_answer
from tests.safety.ledger_writer.watchdog_end import DEADLINE_S, RESERVE, hear, pair

ASKED = 19


def refused(state: Path, command: list[str]) -> list[CommitFailed]:
    """Ask a writer that `command` starts for some records, each when the one before is answered; what it failed."""
    ours, theirs = pair()
    entry = ["-m", "safety.ledger_writer", "--fd", str(theirs.fileno()), "--state", str(state), "--simulated"]
    with theirs:
        process = subprocess.Popen([*command, sys.executable, *entry], pass_fds=[theirs.fileno()])
    link = LedgerLink(ours, process)
    events = hear(link, 1)
    for token in range(1, ASKED + 1):
        link.send(token, RESERVE)
        while all(event.token != token for event in events):
            events += hear(link, 1)
    link.close()
    return [event for event in events if isinstance(event, CommitFailed)]


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed; the size limit below fails too")
@pytest.mark.parametrize(
    ("fault", "failed"),
    [
        ("fdatasync:error=EIO:when=9", [HELLO, *range(5, ASKED + 1)]),  # the head of the fourth
        ("pwrite64:error=ENOSPC:when=10", [*range(5, ASKED + 1)]),  # the fifth itself
        ("pwrite64:retval=7:when=9", [HELLO, *range(5, ASKED + 1)]),
    ],
)
def test_a_real_disk_error_fails_everything_from_then_on_and_locks_the_ledger(
    tmp_path: Path, fault: str, failed: list[int]
) -> None:
    spawn_writer(tmp_path, simulated=True).link.close()
    call = fault.partition(":")[0]
    failures = refused(tmp_path, ["strace", "-f", "-o", os.devnull, "-e", f"trace={call}", "-e", f"inject={fault}"])
    assert [failure.token for failure in failures] == failed
    assert len({failure.why for failure in failures}) == 1
    assert "could not be made durable" in failures[0].why
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

"""The watchdog's side of the ledger writer: starts it, asks it to commit, hears what became durable. Never blocks,
but while starting.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from safety.book import Book
from safety.events import Committed
from safety.ledger import LARGEST_RESERVE, OpenReport, read_ledger
from safety.ledger_errors import LedgerBroken, LedgerFailed
from safety.ledger_files import DiskFolder
from safety.ledger_format import Entry, Record
from safety.ledger_replay import Replay
from safety.ledger_wire import ANSWER_BYTES, HELLO, Answer, parse_answer, request_bytes

START_S = 30.0
"""How long the writer may take to open the ledger: years of records, or 4 MiB of zeros on an SD card (engineering
choice)."""
_END_S = 5.0
_NO_TOKEN = HELLO


@dataclass(frozen=True, slots=True)
class CommitFailed:
    """The record sent under `token` may be durable or not: it counts. Token 0: the ledger as a whole failed."""

    token: int
    why: str


class LedgerLink:
    """Commits in the order they were sent. Tokens count from 1 and are the caller's.

    After any failure everything further fails too: the ledger is locked out until an engineer has looked.
    """

    def __init__(self, sock: socket.socket, process: subprocess.Popen[bytes] | None = None) -> None:
        sock.setblocking(False)
        self._socket = sock
        self._process = process
        self._waiting: dict[int, None] = {}
        self._gone = False

    def fileno(self) -> int:
        """For the select loop: readable when `receive` has something to say."""
        return self._socket.fileno()

    def send(self, token: int, record: Record) -> CommitFailed | None:
        """Ask to commit `record`. None: on its way; else why it is not, said at once and not again."""
        try:
            self._socket.send(request_bytes(token, record))
        except BlockingIOError:
            return CommitFailed(token, "the ledger writer does not keep up: its queue is full")
        except OSError as error:
            return CommitFailed(token, f"the ledger writer is gone: {error}")
        self._waiting[token] = None
        return None

    def receive(self) -> list[Committed | CommitFailed]:
        """What became durable or failed since the last call; when the writer ended, everything still waiting failed."""
        events: list[Committed | CommitFailed] = []
        while not self._gone:
            try:
                frame = self._socket.recv(ANSWER_BYTES)
            except BlockingIOError:
                break
            except ConnectionError:
                continue  # said once, ahead of the answers it sent before it died: those are still to be read
            events += [self._heard(parse_answer(frame))] if frame else self._ended()
        return events

    def close(self) -> None:
        """End the writer: it finishes the record it is writing."""
        self._gone = True
        self._socket.close()
        if self._process is not None:
            try:
                self._process.wait(_END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _heard(self, answer: Answer) -> Committed | CommitFailed:
        self._waiting.pop(answer.token, None)
        if answer.error is not None:
            return CommitFailed(answer.token, str(answer.error))
        return Committed(answer.token, answer.head.seq)

    def _ended(self) -> list[Committed | CommitFailed]:
        self._gone = True
        tokens = [*self._waiting, _NO_TOKEN]
        self._waiting.clear()
        return [CommitFailed(token, "the ledger writer ended") for token in tokens]


class Spawned(NamedTuple):
    """A running writer and the book as it stands."""

    link: LedgerLink
    pid: int
    book: Book
    last: Entry
    """Its newest record."""
    opened: OpenReport


def spawn_writer(state: Path, *, simulated: bool, largest: int = LARGEST_RESERVE) -> Spawned:
    """Start the writer on the ledger in `state`, then read the ledger ourselves and check that both mean the same.

    Raises LedgerBroken (LOCKOUT), LedgerFailed, LedgerBusy, WrongLedger. Blocks for at most `START_S`.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "safety.ledger_writer", "--fd", str(theirs.fileno()), "--state", str(state)]
    command += ["--largest", str(largest), *(["--simulated"] if simulated else [])]
    with theirs:
        process = subprocess.Popen(command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL)
    link = LedgerLink(ours, process)
    try:
        hello = _hello(ours)
        found = _found(state, hello, simulated=simulated)
    except BaseException:
        link.close()
        raise
    return Spawned(link, process.pid, found.book(), found.entries[-1], hello.report)


def _hello(sock: socket.socket) -> Answer:
    sock.settimeout(START_S)
    try:
        frame = sock.recv(ANSWER_BYTES)
    except TimeoutError as error:
        raise LedgerFailed(f"the ledger writer said nothing for {START_S:g} s") from error
    finally:
        sock.setblocking(False)
    if not frame:
        raise LedgerFailed("the ledger writer ended before it opened the ledger")
    hello = parse_answer(frame)
    if hello.error is not None:
        raise hello.error
    return hello


def _found(state: Path, hello: Answer, *, simulated: bool) -> Replay:
    folder = DiskFolder(state)
    try:
        found = read_ledger(folder, simulated=simulated)
    except OSError as error:
        raise LedgerBroken(f"the watchdog cannot read the ledger its writer opened: {error}") from error
    finally:
        folder.close()
    if found.torn or found.head != hello.head:
        raise LedgerBroken(
            f"the writer stands at record {hello.head.seq} and the watchdog reads up to {found.head.seq}: "
            "they do not see the same ledger"
        )
    return found

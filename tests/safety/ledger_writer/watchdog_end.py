"""The watchdog's end of the link to the writer: what it sends, and what it hears before a deadline."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

from safety.ledger import read_ledger
from safety.ledger_files import DiskFolder
from safety.ledger_format import Kind, Record, key
from safety.ledger_link import CommitFailed, Committed, LedgerLink

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


def in_thread(act: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=act)
    thread.start()
    return thread

"""Kill storms: a writer killed at any moment loses no pulse it acknowledged."""

from __future__ import annotations

import os
import random
import signal
import socket
import time
from pathlib import Path

import pytest

from safety.clock import machine
from safety.ledger import open_ledger
from safety.ledger_files import DiskFolder
from safety.ledger_link import Committed, LedgerLink
from safety.ledger_writer import boot_key, serve
from tests.safety.ledger_writer.watchdog_end import RESERVE, counted, hear, pair


def forked_writer(state: Path, sock: socket.socket) -> int:
    """A writer process without the start of a new interpreter; its pid."""
    pid = os.fork()
    if pid:
        return pid
    try:
        ledger, report = open_ledger(DiskFolder(state), simulated=True, boot=boot_key(), now=machine(), growth=256)
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

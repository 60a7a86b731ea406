"""Starting the writer: what its entry says first, and what becomes of a first word that is wrong or never comes."""

from __future__ import annotations

import os
import runpy
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from safety import ledger_link, ledger_writer
from safety.ledger import LOG, OpenReport
from safety.ledger_errors import LedgerBroken, LedgerFailed
from safety.ledger_format import HASH0, Head
from safety.ledger_link import spawn_writer
from safety.ledger_wire import ANSWER_BYTES, HELLO, Answer, answer_bytes, parse_answer, request_bytes
from safety.ledger_writer import main
from tests.safety.ledger_writer.watchdog_end import RESERVE, in_thread, pair

# --- the entry ------------------------------------------------------------------------------------------------


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


# --- the watchdog's side --------------------------------------------------------------------------------------


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

"""Starting and steering the small client process of these tests."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from tests.system.processes import START_S, boot_us, end

SCRIPT = Path(__file__).with_name("client_process.py")
NOTHING: Mapping[str, Any] = MappingProxyType({})


class Guarded(Protocol):
    """Where a watchdog is, and what stands behind it."""

    folder: Path
    firmware: int
    prefix: Sequence[str]

    @property
    def control(self) -> Path: ...

    @property
    def pty(self) -> Path: ...

    @property
    def code(self) -> str: ...


class RunningClient:
    """One client process, and the words it has said so far."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self.log = log
        self.words: list[str] = []
        self.after_us: dict[str, int] = {}
        """When each word was heard, BOOTTIME µs."""

    def wait(self, word: str, deadline_s: float = START_S) -> None:
        """Returns once it has said `word`."""
        give_up_us = boot_us() + int(deadline_s * 1e6)
        while word not in self.words:
            assert boot_us() < give_up_us, f"the client did not say {word!r}, only {self.words}; {self.said()}"
            assert self._hear(0.1), f"the client ended before {word!r}: {self.words}; {self.said()}"

    def _hear(self, wait_s: float) -> bool:
        assert self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], wait_s)[0]:
            return True
        data = os.read(self.process.stdout.fileno(), 4096)
        for word in data.decode().split():
            self.words.append(word)
            self.after_us[word] = boot_us()
        return bool(data)

    def block(self, task: str) -> int:
        """One of its tasks turns no more; since when, BOOTTIME µs."""
        assert self.process.stdin is not None
        at_us = boot_us()
        self.process.stdin.write(f"block {task}\n".encode())
        self.process.stdin.flush()
        self.wait("blocked")
        return at_us

    def kill(self) -> int:
        """The kernel kills it; when, BOOTTIME µs."""
        at_us = boot_us()
        self.process.kill()
        return at_us

    def said(self) -> str:
        """What it complained about."""
        return self.log.read_text()


@contextlib.contextmanager
def client(
    room: Guarded,
    kind: str,
    subject: str,
    *,
    not_before_us: int = 0,
    linger_s: float = 0.0,
    continuing: Mapping[str, Any] = NOTHING,
    one_more: bool = False,
) -> Iterator[RunningClient]:
    """A client that opens a session of `kind`, runs one train, not before a time, and closes when it has lingered.

    `continuing`: fields of open-session that name the session to go on with. `one_more`: after the train it asks for
    one pulse and must be refused. It is ended here at the latest.
    """
    wanted = {
        "control": str(room.control), "pty": str(room.pty), "kind": kind, "firmware": room.firmware,
        "unlock": "Q" + (room.code or "@"), "subject": subject, "not_before_us": not_before_us, "linger_s": linger_s,
        "continuing": dict(continuing), "one_more": one_more,
    }  # fmt: skip
    log = room.folder / "client.log"
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [*room.prefix, sys.executable, str(SCRIPT), json.dumps(wanted)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
        )  # fmt: skip
    try:
        yield RunningClient(process, log)
    finally:
        end(process)

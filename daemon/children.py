"""Processes that live no longer than this one: started, proven ready, ended, each with a deadline.

A child gets a process group of its own, so that Ctrl-C at the terminal reaches only the parent, who ends the children
in the right order. Should the parent be killed, the kernel ends them.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from drivers.errors import DeadlinePassed, OperatorError

STOP_S = 5.0
"""From SIGTERM to SIGKILL (engineering choice; the watchdog's own last disarm takes at most 1 s)."""
POLL_S = 0.02
TAIL_LINES = 15
DEVICE_PRIORITY = 30
"""Real-time, above the arm's loop and the watchdog: what stands for a real device waits for nobody (engineering
choice)."""
DAEMON_PRIORITY = 5
"""Real-time, below both: a simulated room shares its machine, and a tracker's frame is old after 50 ms (engineering
choice)."""
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class ChildEnded(OperatorError):
    """A process ended before it was ready, or while it was needed: the end of its log says why."""


@dataclass
class Child:
    """One running process and its log."""

    name: str
    log: Path
    process: subprocess.Popen[bytes]
    command: tuple[str, ...] = ()
    priority: int | None = None

    @classmethod
    def start(cls, name: str, command: Sequence[str], log: Path) -> Child:
        """Starts `command`; what it prints goes into `log`. Raises `ChildEnded` when there is no such program."""
        parent = os.getpid()

        def die_with_parent() -> None:
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
            if os.getppid() != parent:  # it died before we could ask
                os._exit(1)

        log.parent.mkdir(parents=True, exist_ok=True)
        try:
            with log.open("wb") as out:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    # Only system calls after the fork: safe even with threads around.
                    preexec_fn=die_with_parent,  # noqa: PLW1509
                )
        except FileNotFoundError as missing:
            raise ChildEnded(f"{name} cannot be started: {missing}") from None
        return cls(name, log, process, tuple(command))

    def again(self) -> None:
        """Starts it anew after it has ended: the same command, the log begun anew, the same rank."""
        self.process = Child.start(self.name, self.command, self.log).process
        if self.priority is not None:
            self.outranks(self.priority)

    def outranks(self, priority: int) -> None:
        """Gives it a core whenever it wants one, where we may: other work on this machine waits instead."""
        self.priority = priority
        with contextlib.suppress(PermissionError, ProcessLookupError):
            os.sched_setscheduler(self.process.pid, os.SCHED_FIFO, os.sched_param(priority))

    @property
    def running(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def tail(self) -> str:
        """The last lines it printed."""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(f"    {line}" for line in lines[-TAIL_LINES:]) or "    (it printed nothing)"

    async def ready(self, probe: Callable[[], Awaitable[bool]], deadline_s: float) -> None:
        """Returns once `probe` says so. Raises `ChildEnded` or `DeadlinePassed`, both with the end of the log."""
        give_up = time.monotonic() + deadline_s
        while not await probe():
            if not self.running:
                raise ChildEnded(
                    f"{self.name} ended with {self.process.returncode} before it was ready:\n{self.tail()}"
                )
            if time.monotonic() > give_up:
                raise DeadlinePassed(f"{self.name} was not ready within {deadline_s} s:\n{self.tail()}")
            await asyncio.sleep(POLL_S)

    async def stop(self, deadline_s: float = STOP_S) -> None:
        """Ends it, kindly first. Returns once it is gone."""
        if self.running:
            self.process.send_signal(signal.SIGTERM)
        give_up = time.monotonic() + deadline_s
        while self.running and time.monotonic() < give_up:  # noqa: ASYNC110  another process sets no Event
            await asyncio.sleep(POLL_S)
        if self.running:
            self.process.kill()
        self.process.wait()


def cut_power(children: Sequence[Child]) -> None:
    """Kills all of them at once, as the dark does.

    The watchdog goes first: between two of the others it would see the stimulator leave, and latch a safety stop.
    """
    for child in sorted(children, key=lambda child: child.name != "watchdog"):
        child.process.kill()
    for child in children:
        child.process.wait()


async def stop_all(children: Sequence[Child]) -> None:
    """The last started first, each gone before the next is told."""
    for child in reversed(children):
        await child.stop()

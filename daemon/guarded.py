"""`coilward guarded -- COMMAND`: an unmodified program behind the watchdog's PTY door.

Opens a script session, releases it, beats while the program lives, and closes it when the program ends. The terminal
is the operator: when it hangs up, the session ends. Every refusal the program meets is explained on standard error,
because the program itself is only told what the stimulator would tell it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import select
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from daemon.guard_link import Allowed, Denied, GuardLink
from daemon.guard_words import CloseSession, OpenSession, Release, Stop, Threshold
from daemon.typed import message_of
from drivers.errors import CoilwardError, OperatorError
from safety.reasons import Reason

BEAT_S: Final = 0.05
NONCE_S: Final = 2.0
"""Longest wait for the watchdog's first status (it pushes four a second)."""
END_S: Final = 3.0
"""How long a program may take to end after it was asked to."""
PR_SET_CHILD_SUBREAPER: Final = 36
"""linux/prctl.h"""
REASONS: Final = {reason.json: reason for reason in Reason}
SHIM: Final = Path(__file__).parent / "pyserial_lines"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to run, and within which bounds."""

    command: Sequence[str]
    coil: str
    by: str
    subject: str = ""
    ceiling_tenths: int | None = None
    threshold: Threshold | None = None
    """Of this subject; none: the tables hold as for the highest intensity."""
    unattended: bool = False


async def run(runtime: Path, wanted: Wanted) -> int:
    """Runs the program; its exit code, 1 when the session ended under it.

    Raises OperatorError when the session is refused, PortNotFound and GuardLost when no watchdog answers.
    """
    link, hello = await GuardLink.connect(runtime / "watchdog" / "control", role="guarded")
    try:
        if wanted.unattended and hello["use"] != "simulation":
            raise OperatorError(
                "--unattended is for use simulation only: a person must be at the terminal. Leave it out."
            )
        if not wanted.unattended and not sys.stdin.isatty():
            raise OperatorError("No terminal: nobody is there to stop. Run it in a terminal, or simulate --unattended.")
        return await _session(link, runtime, wanted)
    finally:
        link.close()


async def _session(link: GuardLink, runtime: Path, wanted: Wanted) -> int:
    opened = _allowed(await link.ask(message_of(
        OpenSession, kind="script" if wanted.subject else "phantom", door="pty", by=wanted.by, coil=wanted.coil,
        subject=wanted.subject, ceiling_tenths=wanted.ceiling_tenths, threshold=wanted.threshold,
    )))  # fmt: skip
    understood = opened["understood"]
    threshold = understood["threshold_tenths"]
    print(
        f"guarded: {understood['kind']} session for {understood['subject'] or 'no subject'}, "
        f"{f'threshold {threshold / 10:g} % MSO, ' if threshold else ''}"
        f"at most {understood['ceiling_tenths'] / 10:g} % MSO, {understood['pulses_left']} pulses left",
        file=sys.stderr,
    )
    fresh: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    stop, terminal = asyncio.Event(), select.poll()
    if not wanted.unattended:
        terminal.register(sys.stdin, 0)
    beats, listener = asyncio.create_task(_beat(link, terminal, stop)), asyncio.create_task(_listen(link, fresh))
    try:
        async with asyncio.timeout(NONCE_S):
            nonce = await fresh
        _allowed(await link.ask(Release(hash=opened["hash"], nonce=nonce, by=wanted.by)))
        code = await _program(link, listener, runtime, wanted, stop)
        await link.ask(CloseSession(by=wanted.by, why="program ended"))
        return code
    finally:
        beats.cancel()
        listener.cancel()
        await asyncio.gather(beats, listener, return_exceptions=True)


def _allowed(answer: Allowed | Denied) -> Any:
    if isinstance(answer, Denied):
        raise OperatorError(_sentence(answer.reason, answer.detail))
    return answer.detail


async def _beat(link: GuardLink, terminal: select.poll, stop: asyncio.Event) -> None:
    """All there is to hang is this loop: both counters are its turns. The terminal being there is the presence.

    `terminal` is asked for nothing, so all it ever tells is that it hung up.
    """
    loop = asyncio.get_running_loop()
    turns, seen_s = 0, loop.time()
    while True:
        turns, now_s = turns + 1, loop.time()
        if terminal.poll(0):
            stop.set()
        else:
            seen_s = now_s
        link.beat(turns, turns, int((now_s - seen_s) * 1e6))
        await asyncio.sleep(BEAT_S)


async def _listen(link: GuardLink, fresh: asyncio.Future[str]) -> None:
    """Explains what the program cannot see."""
    async for push in link.pushes():
        if push.get("say") == "status" and not fresh.done() and push.get("nonce"):
            fresh.set_result(push["nonce"])
        elif push.get("kind") in ("refused", "stop", "trip", "hold"):
            frame = f" ({push['frame']})" if "frame" in push else ""
            print(f"guarded: {push['kind']}{frame}: {_sentence(push['reason'], push.get('detail'))}", file=sys.stderr)


def _sentence(reason: str, detail: object) -> str:
    return str(REASONS[reason].sentence.filled(detail if isinstance(detail, Mapping) else {}))


async def _program(
    link: GuardLink, listener: asyncio.Task[None], runtime: Path, wanted: Wanted, stop: asyncio.Event
) -> int:
    """Starts the program in our own process group, so that Ctrl-C reaches it; ends it when the watchdog is gone."""
    port = runtime / "watchdog" / "stimulator"
    paths = [str(SHIM), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"COILWARD_PORT": str(port), "PYTHONPATH": os.pathsep.join(paths)}
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        program = await asyncio.create_subprocess_exec(*wanted.command, env=environment)
    except OSError as error:
        raise OperatorError(f"{wanted.command[0]} cannot be started: {error.strerror}. Check the command.") from None
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    ended = asyncio.ensure_future(program.wait())
    asked = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({ended, asked, listener}, return_when=asyncio.FIRST_COMPLETED)
        if asked.done() and link.lost is None:
            await link.ask(Stop(by=wanted.by))
    finally:  # a watchdog that hangs or dies just then answers nothing: the program is ended all the same
        code = await _end(program, ended)
        await _end_orphans()
        asked.cancel()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)
    return code


async def _end_orphans() -> None:
    """Ends what the program started and left behind: it would go on talking to the port (magpy-tms's own helper does).

    They are this process's children, because it adopts the orphans among its descendants.
    """
    give_up = time.monotonic() + END_S
    number = signal.SIGTERM
    while (orphans := _children()) and time.monotonic() < give_up + END_S:
        for pid in orphans:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)  # noqa: ASYNC222  it returns at once
        if time.monotonic() > give_up:
            number = signal.SIGKILL
        await asyncio.sleep(BEAT_S)


def _children() -> list[int]:
    tasks = Path("/proc/self/task")
    while True:
        try:
            return [int(pid) for task in tasks.iterdir() for pid in (task / "children").read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue  # a thread ended while we looked: its children are another's now


async def _end(program: asyncio.subprocess.Process, ended: asyncio.Future[int]) -> int:
    """The program's exit code; one that still runs is asked to end, then made to."""
    if ended.done():
        return ended.result()
    program.terminate()
    done, _ = await asyncio.wait({ended}, timeout=END_S)
    if not done:
        program.kill()
        await ended
    return 1


def main(runtime: Path, wanted: Wanted) -> int:
    """Exit code for the command line; errors are said, not raised."""
    try:
        return asyncio.run(run(runtime, wanted))
    except CoilwardError as error:
        print(f"coilward guarded: {error}", file=sys.stderr)
        return 1

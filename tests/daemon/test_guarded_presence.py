"""`coilward guarded`: its terminal is the operator, who is there until it hangs up."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import select
from typing import Any

import pytest

from daemon.guarded import BEAT_S, _beat

pytestmark = pytest.mark.looptime(noop_cycles=0)


class Beats(list[int]):
    """Keeps what the watchdog is told of the operator."""

    def beat(self, session_turns: int, driver_turns: int, presence_us: int) -> None:
        assert session_turns == driver_turns == len(self) + 1
        self.append(presence_us)


async def beaten(terminal: select.poll, hang_up: Any) -> tuple[list[int], list[int], bool]:
    """Presence of ten beats before `hang_up` and of ten after it, and whether the session was to stop."""
    beats, stop = Beats(), asyncio.Event()
    beating = asyncio.create_task(_beat(beats, terminal, stop))  # type: ignore[arg-type]
    await asyncio.sleep(9.5 * BEAT_S)
    assert not stop.is_set()
    hang_up()
    await asyncio.sleep(10 * BEAT_S)
    beating.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await beating
    return beats[:10], beats[10:], stop.is_set()


async def test_presence_ends_with_the_terminal_and_the_session_is_stopped() -> None:
    master, slave = pty.openpty()
    terminal = select.poll()
    terminal.register(slave, 0)
    before, after, stopped = await beaten(terminal, lambda: os.close(master))
    os.close(slave)

    assert before == [0] * 10
    assert after == pytest.approx([50_000 * n for n in range(1, 11)], abs=1)
    assert stopped


async def test_what_is_typed_at_the_terminal_and_a_run_without_one_end_nothing() -> None:
    master, slave = pty.openpty()
    terminal = select.poll()
    terminal.register(slave, 0)
    typed = await beaten(terminal, lambda: os.write(master, b"\n"))
    alone = await beaten(select.poll(), lambda: None)
    os.close(master)
    os.close(slave)

    assert typed == alone == ([0] * 10, [0] * 10, False)

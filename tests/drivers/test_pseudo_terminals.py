"""Between two clients of a pseudo-terminal the one before leaves nothing, and the next is not undone."""

from __future__ import annotations

import os
import select
import termios
import tty
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from drivers.pseudo_terminals import drop_unread, raw_again

COOKED = [
    (0, termios.ICRNL), (0, termios.IXON), (0, termios.ISTRIP), (1, termios.OPOST), (3, termios.ECHO),
    (3, termios.ICANON), (3, termios.ISIG), (3, termios.IEXTEN),
]  # fmt: skip


@dataclass(frozen=True)
class Terminal:
    master: int
    name: str

    def opened(self) -> int:
        """A client of it."""
        return os.open(self.name, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    master, slave = os.openpty()
    name = os.ttyname(slave)
    tty.setraw(slave)
    os.close(slave)
    yield Terminal(master, name)
    os.close(master)


@pytest.mark.parametrize(("group", "mode"), COOKED)
def test_whatever_the_last_client_left_cooked_is_raw_again(terminal: Terminal, group: int, mode: int) -> None:
    slave = terminal.opened()
    attributes = termios.tcgetattr(slave)
    attributes[group] |= mode
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    os.close(slave)

    raw_again(terminal.master)

    slave = terminal.opened()
    assert not termios.tcgetattr(slave)[group] & mode
    os.close(slave)


@pytest.mark.parametrize("arrived", [True, False])
def test_what_the_last_client_did_not_read_is_not_for_the_next(terminal: Terminal, *, arrived: bool) -> None:
    slave = terminal.opened()
    os.write(terminal.master, b"old")
    if arrived:
        assert select.select([slave], [], [], 5)[0]
    os.close(slave)
    drop_unread(terminal.master)

    slave = terminal.opened()
    os.write(terminal.master, b"new")
    assert select.select([slave], [], [], 5)[0]
    assert os.read(slave, 99) == b"new"
    os.close(slave)


def test_a_client_that_has_come_already_keeps_its_speed_its_time_out_and_what_it_said(terminal: Terminal) -> None:
    slave = terminal.opened()
    attributes = termios.tcgetattr(slave)
    attributes[4] = attributes[5] = termios.B115200
    attributes[6][termios.VMIN], attributes[6][termios.VTIME] = 0, 7
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    os.write(slave, b"INIT:")

    raw_again(terminal.master)

    kept = termios.tcgetattr(slave)
    assert (kept[5], kept[6][termios.VMIN], kept[6][termios.VTIME]) == (termios.B115200, 0, 7)
    assert os.read(terminal.master, 99) == b"INIT:"
    os.close(slave)

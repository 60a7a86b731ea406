"""Between two clients of a pseudo-terminal the one before leaves nothing, and the next is not hung up on."""

from __future__ import annotations

import array
import fcntl
import os
import resource
import select
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from drivers.pseudo_terminals import LinkedTerminal

TIOCGEXCL = 0x80045440
"""Linux, asm-generic/ioctls.h: whether the exclusive mark is set. Root opens a marked terminal all the same."""
COOKED = [
    (0, termios.ICRNL), (0, termios.IXON), (0, termios.ISTRIP), (1, termios.OPOST), (3, termios.ECHO),
    (3, termios.ICANON), (3, termios.ISIG), (3, termios.IEXTEN),
]  # fmt: skip


@pytest.fixture
def link(tmp_path: Path) -> Path:
    return tmp_path / "port"


@pytest.fixture
def terminal(link: Path) -> Iterator[LinkedTerminal]:
    made = LinkedTerminal(link)
    yield made
    made.close()


@contextmanager
def client(link: Path) -> Iterator[int]:
    """A program that has it open."""
    fd = os.open(link, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        yield fd
    finally:
        os.close(fd)


def marked(fd: int) -> bool:
    flag = array.array("i", [0])
    fcntl.ioctl(fd, TIOCGEXCL, flag)
    return bool(flag[0])


def arrived(fd: int) -> bytes:
    assert select.select([fd], [], [], 5)[0], "nothing came"
    return os.read(fd, 99)


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize(("group", "mode"), COOKED)
def test_what_the_last_client_cooked_is_raw_for_the_next(
    terminal: LinkedTerminal, link: Path, group: int, mode: int
) -> None:
    with client(link) as last:
        attributes = termios.tcgetattr(last)
        attributes[group] |= mode
        termios.tcsetattr(last, termios.TCSANOW, attributes)
        assert termios.tcgetattr(last)[group] & mode

    assert terminal.renew()

    with client(link) as new:
        assert not termios.tcgetattr(new)[group] & mode


def test_the_last_clients_exclusive_mark_does_not_shut_out_the_next(terminal: LinkedTerminal, link: Path) -> None:
    with client(link) as last:
        fcntl.ioctl(last, termios.TIOCEXCL)
        assert marked(last)

    assert terminal.renew()

    with client(link) as new:
        assert not marked(new)


def test_output_that_the_last_client_stopped_flows_for_the_next(terminal: LinkedTerminal, link: Path) -> None:
    with client(link) as last:
        termios.tcflow(last, termios.TCOOFF)
        with pytest.raises(BlockingIOError):
            os.write(last, b"stopped")

    assert terminal.renew()

    with client(link) as new:
        assert os.write(new, b"flows") == 5
        assert arrived(terminal.master) == b"flows"


def test_what_the_last_client_did_not_read_is_not_for_the_next(terminal: LinkedTerminal, link: Path) -> None:
    with client(link) as last:
        os.write(terminal.master, b"old")
        assert select.select([last], [], [], 5)[0]

    assert terminal.renew()

    with client(link) as new:
        os.write(terminal.master, b"new")
        assert arrived(new) == b"new"


def test_each_terminal_knows_whether_a_program_has_it_open(terminal: LinkedTerminal, link: Path) -> None:
    for _ in range(2):
        assert not terminal.has_client()
        with client(link):
            assert terminal.has_client()
        assert not terminal.has_client()
        assert terminal.renew()


def test_a_client_that_has_come_already_stays_with_its_settings_and_what_it_said(
    terminal: LinkedTerminal, link: Path
) -> None:
    with client(link):
        pass
    with client(link) as new:
        attributes = termios.tcgetattr(new)
        attributes[4] = attributes[5] = termios.B115200
        termios.tcsetattr(new, termios.TCSANOW, attributes)
        os.write(new, b"INIT:")
        descriptors = open_descriptors()

        assert not terminal.renew()

        assert termios.tcgetattr(new)[5] == termios.B115200
        assert arrived(terminal.master) == b"INIT:"
        assert os.ttyname(new) == str(link.readlink()), "and whoever joins it finds it"
        assert open_descriptors() == descriptors


def test_whoever_opens_a_terminal_that_is_going_is_hung_up_on(
    terminal: LinkedTerminal, link: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that read the link before it changed, and opens what it read after the last look."""
    going, look = link.readlink(), terminal.has_client
    late: list[int] = []

    def come_after_the_look() -> bool:
        found = look()
        late.append(os.open(going, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK))
        return found

    monkeypatch.setattr(terminal, "has_client", come_after_the_look)
    assert terminal.renew()

    asked = select.poll()
    asked.register(late[0], 0)
    assert asked.poll(0)[0][1] & select.POLLHUP
    os.close(late[0])


def test_the_link_is_never_missing(terminal: LinkedTerminal, link: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old name stands until the moment in which the new one takes its place."""
    replace, stood = Path.replace, []

    def look_and_replace(fresh: Path, target: Path) -> Path:
        stood.append(target.readlink())
        return replace(fresh, target)

    monkeypatch.setattr(Path, "replace", look_and_replace)
    old = link.readlink()
    assert terminal.renew()

    assert stood == [old]
    assert link.readlink() != old


def no_descriptor(renew: Callable[[], bool], _: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        with pytest.raises(OSError, match=r"Too many|out of pty"):
            renew()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def no_link(renew: Callable[[], bool], link: Path) -> None:
    link.with_suffix(".new").mkdir()
    with pytest.raises(OSError, match=r"port\.new"):
        renew()


@pytest.mark.parametrize("refused", [no_descriptor, no_link])
def test_where_no_fresh_one_can_be_had_the_used_one_stays_and_nothing_is_left_open(
    terminal: LinkedTerminal, link: Path, refused: Callable[[Callable[[], bool], Path], None]
) -> None:
    descriptors = open_descriptors()
    refused(terminal.renew, link)

    assert open_descriptors() == descriptors
    with client(link) as new:
        os.write(new, b"still here")
        assert arrived(terminal.master) == b"still here"


def test_one_whose_link_cannot_be_put_in_place_is_not_left_open(tmp_path: Path) -> None:
    descriptors = open_descriptors()
    with pytest.raises(FileNotFoundError):
        LinkedTerminal(tmp_path / "missing" / "port")
    assert open_descriptors() == descriptors

"""Ports: how a device is reached, opened for one program alone and never waited for.

    serial:/dev/serial/by-id/usb-…-port0?baud=9600     a serial line, 8N1, no flow control
    pty:/run/coilward/sim/stimulator                   a pseudo-terminal: a simulated device
    tcp:127.0.0.1:4001                                 a serial device server

Everything here is synchronous and returns at once, so that a single loop (the watchdog's) can hold a port beside its
other descriptors. `drivers.streams` puts deadlines and `await` on top.

**Alone.** Every terminal is taken with `flock`, which other careful programs see; a real one with TIOCEXCL too, which
stops the careless ones. Never TIOCEXCL on a pseudo-terminal: there it outlives its holder.

**Modem lines.** RTS is wired to "fire" in some rooms. pyserial opens with RTS and DTR low, and HUPCL is cleared so
that closing does not move them either. The kernel still raises both for a moment while a tty opens: no program can
prevent it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Final

import serial

from drivers.errors import PortBusy, PortLost, PortNotFound, WireError
from drivers.port_urls import PortUrl

READ_AT_ONCE: Final = 4096
"""Bytes taken by one read (engineering choice: the size of a tty's own buffer)."""
DISCARD_AT_MOST: Final = 256 * READ_AT_ONCE
"""A port that still has more than this to discard is babbling: what follows is left to the reader's resynchronising."""
TCP_CONNECT_S: Final = 0.1
"""Longest a TCP port may take to connect (engineering choice: the device server stands in the room, and the watchdog's
loop, which calls this, counts 150 ms as late)."""
TCP_UNACKNOWLEDGED_MS: Final = 2000
"""A TCP peer that acknowledges nothing for this long is lost (engineering choice)."""

_UNIX98_PTY_MAJORS: Final = range(136, 144)  # Linux, Documentation/admin-guide/devices.txt: slaves of pseudo-terminals
_NOTHING_THERE: Final = {errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.ENXIO, errno.EIO, errno.ELOOP}
_TAKEN: Final = {errno.EBUSY, errno.EAGAIN}
_FORBIDDEN: Final = {errno.EACCES, errno.EPERM}


class Port:
    """An open descriptor that nothing waits on. Once its other end is gone, reading and writing raise PortLost."""

    def __init__(self, fd: int, url: str, *, is_pty: bool = False, release: Callable[[], None] | None = None) -> None:
        """Owns `fd`, already non-blocking, from here on; `release` closes it and lets go of what came with it."""
        self._fd = fd
        self._release = release or (lambda: os.close(fd))
        self.url: Final = url
        self.is_pty: Final = is_pty
        """True when no real device can be at the other end."""

    def fileno(self) -> int:
        """The descriptor, for `select` and its kin; PortLost when closed."""
        if self._fd < 0:
            raise PortLost(f"{self.url} is closed. Open it again.")
        return self._fd

    def read(self) -> bytes:
        """What has come, at most `READ_AT_ONCE` bytes; empty when nothing has. Raises PortLost."""
        try:
            data = os.read(self.fileno(), READ_AT_ONCE)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise self._lost(str(error)) from error
        if not data:
            raise self._lost("its other end hung up")
        return data

    def write(self, data: bytes) -> int:
        """Hands over what the port takes at once and returns how many bytes that was, 0 when full. Raises PortLost."""
        try:
            return os.write(self.fileno(), data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise self._lost(str(error)) from error

    def discard_input(self) -> bytes:
        """Takes away what has come unread, and returns it. Raises PortLost."""
        taken = b""
        while len(taken) < DISCARD_AT_MOST and (data := self.read()):
            taken += data
        return taken

    def close(self) -> None:
        """Lets go of the port at once; what a serial line has not sent is dropped. A second call does nothing."""
        if self._fd >= 0:
            self._fd = -1
            self._release()

    def _lost(self, why: str) -> PortLost:
        return PortLost(f"{self.url} went away: {why}. Check cable and power, then connect again.")


def open_port(url: str) -> Port:
    """Opens `url` for this program alone, raw, without waiting.

    Raises ConfigError (the URL itself), PortNotFound, PortBusy, or plain WireError where the user may not open it.
    """
    where = PortUrl.parse(url)
    if where.scheme == "tcp":
        return _open_tcp(where)
    is_pty = _is_pseudo_terminal(where)
    if where.scheme == "pty" and not is_pty:
        raise PortNotFound(f"{url}: {where.path} is no pseudo-terminal. A real port is written serial:{where.path}.")
    return _open_pty(where) if is_pty else _open_serial(where)


def _is_pseudo_terminal(where: PortUrl) -> bool:
    """Asks the device number, which no name and no symlink can disguise."""
    try:
        found = Path(where.path).stat()
    except OSError as error:
        raise _opening_failed(where, error.errno, str(error)) from error
    return stat.S_ISCHR(found.st_mode) and os.major(found.st_rdev) in _UNIX98_PTY_MAJORS


def _open_pty(where: PortUrl) -> Port:
    try:
        fd = os.open(where.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _opening_failed(where, error.errno, str(error)) from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        make_raw(fd)
    except (OSError, termios.error) as error:
        os.close(fd)
        raise _opening_failed(where, error.args[0], str(error)) from error
    return Port(fd, where.text, is_pty=True)


def make_raw(fd: int, speed: int = termios.B9600) -> None:
    """Makes a terminal carry bytes untouched, 8N1: no echo, no signals, no flow control. Raises termios.error.

    VMIN is 1 so that "nothing yet" and "hung up" read differently: with 0, both are an empty read.
    """
    attributes = termios.tcgetattr(fd)
    attributes[:6] = [0, 0, termios.CS8 | termios.CREAD | termios.CLOCAL, 0, speed, speed]
    attributes[6][termios.VMIN], attributes[6][termios.VTIME] = 1, 0
    termios.tcsetattr(fd, termios.TCSANOW, attributes)


def _open_serial(where: PortUrl) -> Port:
    line = serial.Serial(baudrate=where.baud, timeout=0, write_timeout=0, exclusive=True)
    line.port = where.path
    line.rts = line.dtr = False
    try:
        line.open()
        fd = line.fileno()
        fcntl.ioctl(fd, termios.TIOCEXCL)
        _keep_lines_on_close(fd)
    except (serial.SerialException, OSError, termios.error) as error:
        line.close()
        code = error.args[0] if error.args and isinstance(error.args[0], int) else None
        raise _opening_failed(where, code, str(error)) from error

    def release() -> None:
        try:
            # The kernel's close would wait up to 30 s for a blocked line to take the rest, and the loop with it:
            # `closing_wait` (Linux, drivers/tty/tty_port.c, tty_port_close_start).
            termios.tcflush(fd, termios.TCOFLUSH)
            fcntl.ioctl(fd, termios.TIOCNXCL)
        except (OSError, termios.error) as error:  # an unplugged adapter took its locks along
            if error.args[0] not in _NOTHING_THERE:
                raise
        finally:
            line.close()

    return Port(fd, where.text, release=release)


def _keep_lines_on_close(fd: int) -> None:
    attributes = termios.tcgetattr(fd)
    attributes[2] &= ~termios.HUPCL
    attributes[6][termios.VMIN] = 1  # as in `make_raw`
    termios.tcsetattr(fd, termios.TCSANOW, attributes)


def _open_tcp(where: PortUrl) -> Port:
    try:
        link = socket.create_connection((where.host, where.tcp_port), timeout=TCP_CONNECT_S)
    except OSError as error:
        raise PortNotFound(
            f"{where.text}: nothing answers there ({error}). Check address, port and power of the device server."
        ) from error
    link.setblocking(False)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, TCP_UNACKNOWLEDGED_MS)
    return port_from_socket(link, where.text)


def port_from_socket(link: socket.socket, name: str) -> Port:
    """A port on one end of a connected stream socket or socket pair, which it owns from here on."""
    link.setblocking(False)
    return Port(link.fileno(), name, release=link.close)


def _opening_failed(where: PortUrl, code: int | None, said: str) -> WireError:
    """Says what happened to whoever must mend it."""
    if code in _FORBIDDEN:
        return WireError(
            f"{where.text}: this user may not open it. A serial port belongs to the group dialout: add the user"
            " (usermod -aG dialout NAME) and log in again; the stimulator's belongs to the watchdog's user alone."
        )
    if code in _TAKEN:
        return PortBusy(f"{where.text} is in use by {_holder(where.path)}. End that program, then try again.")
    if code in _NOTHING_THERE:
        return PortNotFound(
            f"{where.text}: no such port, or nothing at its other end ({said})."
            " Plug the cable in, or start the simulator."
        )
    return PortNotFound(f"{where.text} is no serial port ({said}). Look in /dev/serial/by-id for the right name.")


def _holder(path: str) -> str:
    """Who holds the lock on `path`, as far as one small kernel table tells."""
    try:
        found = Path(path).stat()
        inode = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
        locks = [row.split() for row in Path("/proc/locks").read_text(encoding="ascii").splitlines()]
        pid = next(row[row.index(inode) - 1] for row in locks if inode in row and "FLOCK" in row)
        return f"{Path(f'/proc/{pid}/comm').read_text(encoding='utf-8').strip()} (process {pid})"
    except (OSError, StopIteration):  # no lock but TIOCEXCL, or a holder that ended just now or lives in a container
        return "another program"

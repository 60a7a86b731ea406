"""The listening socket, with a bound on who is in: whoever has not signed in makes room for who comes.

Counted where connections are accepted, before TLS and HTTP: half a handshake holds a place like any other, so that a
flood of them takes neither memory nor the descriptors that STOP needs.
"""

from __future__ import annotations

import contextlib
import socket
from typing import Any, Final

MOST: Final = 128
"""Connections at a time: a page takes about 30 for a moment while it loads, then 2 (engineering choice)."""
LEAVING: Final = 64
"""Of those told to go, how many may still be about it (engineering choice)."""


class Door(socket.socket):
    """As asyncio's server takes it: what is over the bound is refused in `accept`, as the kernel would."""

    def __init__(self, family: int, most: int = MOST, leaving: int = LEAVING) -> None:
        super().__init__(family, socket.SOCK_STREAM)
        self._most = most
        self._leaving = leaving
        self._strangers: dict[Any, socket.socket] = {}
        """Not signed in, the oldest first, by where they come from."""
        self._cut_off: dict[Any, socket.socket] = {}
        """Signed in once, and without the broker now."""
        self._signed_in: dict[Any, socket.socket] = {}
        self._told_to_go: list[socket.socket] = []

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection. Raises ConnectionAbortedError when it has to wait until others have left."""
        link, where = super().accept()
        self._forget_the_closed()
        if len(self._all) >= self._most and not self._made_room():
            link.close()
            raise ConnectionAbortedError
        self._strangers[where] = link
        return link, where

    def signed_in(self, where: Any) -> None:
        """Who comes from there keeps the place."""
        if (link := self._strangers.pop(where, None)) is not None:
            self._signed_in[where] = link

    def cut_off(self, where: Any) -> None:
        """Who comes from there has lost the broker: it stays for STOP, and goes before those who have it."""
        if (link := self._signed_in.pop(where, None)) is not None:
            self._cut_off[where] = link

    def send_away(self) -> None:
        """Ends every connection."""
        for link in self._all:
            _shut(link)

    @property
    def inside(self) -> int:
        """How many connections are open."""
        self._forget_the_closed()
        return len(self._all) + len(self._told_to_go)

    @property
    def _all(self) -> list[socket.socket]:
        return [*self._strangers.values(), *self._cut_off.values(), *self._signed_in.values()]

    def _made_room(self) -> bool:
        leaves = self._strangers or self._cut_off
        if not leaves or len(self._told_to_go) >= self._leaving:
            return False
        link = leaves.pop(next(iter(leaves)))
        self._told_to_go.append(link)
        _shut(link)
        return True

    def _forget_the_closed(self) -> None:
        for group in (self._strangers, self._cut_off, self._signed_in):
            for where in [where for where, link in group.items() if link.fileno() < 0]:
                del group[where]
        self._told_to_go = [link for link in self._told_to_go if link.fileno() >= 0]


def _shut(link: socket.socket) -> None:
    """Whoever serves it sees its end and closes it."""
    with contextlib.suppress(OSError):  # it hung up meanwhile
        link.shutdown(socket.SHUT_RDWR)


def listen(host: str, port: int) -> Door:
    """A door at an address of this machine. Raises OSError: it is taken, or not this machine's."""
    door = Door(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((host, port))
    except BaseException:
        door.close()
        raise
    return door

"""Whose page asks: only our own may, under a name of this machine that nobody else can point at it.

A browser says in `Host` which name it was given, and in `Origin` whose page opens a WebSocket. A name of somebody
else's that resolves to this machine (DNS rebinding) is in neither of our lists.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit


def is_ours(host: str | None, names: Collection[str]) -> bool:
    """Whether a Host header names this machine: an address, `localhost`, or a name of the site file."""
    try:
        name = urlsplit(f"//{host}").hostname if host else None
    except ValueError:
        return False
    if name is None:
        return False
    return name == "localhost" or name in names or _is_address(name)


def same_origin(origin: str | None, host: str | None, *, secure: bool) -> bool:
    """Whether the page that opens a WebSocket came from here."""
    return host is not None and origin == f"{'https' if secure else 'http'}://{host}"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True

"""Port URLs: the one text by which a site file names a port."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self
from urllib.parse import parse_qs

from drivers.errors import ConfigError

DEFAULT_BAUD: Final = 9600
"""What a Magstim speaks (magpy-tms 1.4)."""
_BAUDS: Final = range(50, 4_000_001)
_TCP_PORTS: Final = range(1, 0x10000)
_FORMS: Final = "serial:/dev/…?baud=9600, pty:/path or tcp:host:port"


@dataclass(frozen=True, slots=True)
class PortUrl:
    """A port URL in its parts; those of another scheme stay at their defaults."""

    text: str
    scheme: str
    path: str = ""
    baud: int = DEFAULT_BAUD
    host: str = ""
    tcp_port: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads one of the three forms; ConfigError names what does not fit."""
        scheme, _, rest = text.partition(":")
        if scheme == "tcp":
            return cls._tcp(text, rest)
        path, _, options = rest.partition("?")
        if scheme not in {"serial", "pty"} or not path.startswith("/"):
            raise ConfigError(f"{text!r} names no port. Write {_FORMS}.")
        if scheme == "pty" and options:
            raise ConfigError(f"{text!r}: a pseudo-terminal has no options. Leave out ?{options}.")
        return cls(text, scheme, path=path, baud=_baud(text, options))

    @classmethod
    def _tcp(cls, text: str, rest: str) -> Self:
        host, _, number = rest.rpartition(":")
        host = host.strip("[]")
        if _whole(number) not in _TCP_PORTS:
            raise ConfigError(f"{text!r}: {number!r} is no TCP port. Write tcp:host:port with a port from 1 to 65535.")
        try:
            address = "127.0.0.1" if host == "localhost" else str(ipaddress.ip_address(host))
        except ValueError as error:
            raise ConfigError(
                f"{text!r}: {host!r} is no address. Write the device server's numbers: looking up a name can stall."
            ) from error
        return cls(text, "tcp", host=address, tcp_port=int(number))


def stays_inside(text: str, folder: Path) -> bool:
    """Whether a port URL names a pseudo-terminal below `folder`: no device, and no other room's simulator."""
    scheme, _, name = text.partition(":")
    path = Path(name)
    return scheme == "pty" and ".." not in path.parts and folder.absolute() in path.parents


def _whole(digits: str) -> int:
    """The number that up to seven plain digits write; -1, which no bound contains, for anything else."""
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 7 else -1  # noqa: PLR2004


def _baud(text: str, options: str) -> int:
    if not options:
        return DEFAULT_BAUD
    given = parse_qs(options, keep_blank_values=True)
    if set(given) != {"baud"} or len(given["baud"]) != 1:
        raise ConfigError(f"{text!r}: the one option is baud, given once. Write {_FORMS}.")
    value = given["baud"][0]
    if _whole(value) not in _BAUDS:
        raise ConfigError(f"{text!r}: baud {value!r} is outside {_BAUDS.start} to {_BAUDS.stop - 1}.")
    return _whole(value)

"""Which room a command means, and as whom: the options every command shares."""

from __future__ import annotations

import os
import pwd
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

import typer

from daemon.client import Address, RoomClient, connect
from daemon.config import Site, load_site, read_secret
from daemon.runtime import Runtime
from drivers.errors import OperatorError
from drivers.runtime import RULE, default_runtime

BROKER_S = 3.0
"""For the broker to answer a person who waits (engineering choice; on one machine it takes 10 ms)."""
SYSTEM_SITE = Path("/etc/coilward/site.toml")
SHARED = ("--runtime", "--site", "--user", "--password-file")


@dataclass
class Place:
    """One room, as the options name it; files are read when they are first needed."""

    named_runtime: Path | None
    named_site: Path | None
    user: str
    named_password: Path | None

    @staticmethod
    def from_options(
        ctx: typer.Context,
        runtime: Annotated[
            Path | None, typer.Option(help=f"Folder of sockets (default: {RULE}).", envvar="COILWARD_RUNTIME")
        ] = None,
        site: Annotated[Path | None, typer.Option(help="The room's site file.", envvar="COILWARD_SITE")] = None,
        user: Annotated[str, typer.Option(help="Sign in as.", envvar="COILWARD_USER")] = "operator",
        password_file: Annotated[
            Path | None,
            typer.Option(help="File with the password.", envvar="COILWARD_PASSWORD_FILE"),
        ] = None,
    ) -> None:
        """Operate a TMS room: sessions, stop, status. Every refusal says what, why, and what to do next."""
        ctx.obj = Place(runtime, site, user, password_file)

    @cached_property
    def runtime(self) -> Runtime:
        """The folder of sockets. Raises ConfigError when there is none: commands that need none go on without."""
        return Runtime((self.named_runtime or default_runtime()).absolute())

    @property
    def site_file(self) -> Path:
        """The site file named, else the runtime's own, else the machine's."""
        if self.named_site is not None:
            return self.named_site
        return self.runtime.site if self.runtime.site.exists() else SYSTEM_SITE

    @cached_property
    def site(self) -> Site:
        """The site file. Raises ConfigError."""
        return load_site(self.site_file)

    @property
    def address(self) -> Address:
        """Where and as whom to sign in. Raises ConfigError for a site file or password that cannot be read."""
        broker = self.site.broker
        password = read_secret(self.named_password or self.runtime.password(self.user))
        return Address(broker.host, broker.port, self.user, password)

    @asynccontextmanager
    async def room(self) -> AsyncIterator[RoomClient]:
        """The room, connected. Raises BrokerLost, SignInRefused, ConfigError."""
        async with connect(self.address, self.site.site.room, deadline_s=BROKER_S) as client:
            yield client


def place(ctx: typer.Context) -> Place:
    """The place of this command."""
    found = ctx.find_object(Place)
    if found is None:
        raise OperatorError("no room is named: give --runtime or --site")
    return found


def hoisted(arguments: Sequence[str]) -> list[str]:
    """The options every command shares, wherever they stand before a `--`, moved to the front."""
    words = list(arguments)
    end = words.index("--") if "--" in words else len(words)
    front: list[str] = []
    rest: list[str] = []
    position = 0
    while position < end:
        word = words[position]
        if word in SHARED and position + 1 < end:
            front += [word, words[position + 1]]
            position += 1
        elif word.startswith(tuple(f"{option}=" for option in SHARED)):
            front.append(word)
        else:
            rest.append(word)
        position += 1
    return [*front, *rest, *words[end:]]


def first_word(words: Sequence[str]) -> str:
    """The first of hoisted words that is no option and no shared option's value: the command; empty without one."""
    left = iter(words)
    for word in left:
        if word in SHARED:
            next(left, None)
        elif not word.startswith("-"):
            return word
    return ""


def whoami() -> str:
    """The login name, for records that a person signs on this machine."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())

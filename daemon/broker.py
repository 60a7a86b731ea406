"""Mosquitto for one room: its configuration, passwords and access list, and the process itself.

The access list is made from the table of topics and the table of verbs: a person may publish their own commands, as far
as their role goes, and their own presence; only the daemon may say anything else. Mosquitto's own WebSocket listener is
never used: in 2.0 it listens on all interfaces whatever its address says.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import random
import secrets
import shutil
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from daemon.children import Child
from daemon.messages import Role
from daemon.topics import CHANNELS, PREFIX, Topics
from daemon.verbs import VERBS, may
from drivers.errors import ConfigError

DAEMON = "daemon"
"""The daemon's account."""
TRAINER = "trainer"
"""The account of who leads a trainee through a scenario; in practice rooms only."""
READY_S = 5.0
HASH_ROUNDS = 20_000
"""PBKDF2 rounds: about 25 ms of the single-threaded broker for each sign-in (engineering choice; long random
passwords need no more, and 210,000 rounds would stall everybody for 250 ms)."""
PORTS = range(20_000, 32_768)
"""Where Linux takes none by itself: between the draw and mosquitto's own bind only another draw could come."""
DRAWS = 20
"""Engineering choice: that many in a row are taken only where something holds nearly all."""
_PLACES = "/usr/local/sbin:/usr/sbin:/sbin"
"""Debian puts mosquitto where a user's PATH does not look."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who may sign in, and as what."""

    user: str
    role: Role


def find_mosquitto() -> str:
    """Path of the broker's program. Raises `ConfigError` when it is not installed."""
    found = shutil.which("mosquitto", path=os.pathsep.join((os.environ.get("PATH", ""), _PLACES)))
    if found is None:
        raise ConfigError("mosquitto is not installed: it is the MQTT broker. Install it: apt-get install mosquitto")
    return found


def configuration(folder: Path, host: str, port: int) -> str:
    """`mosquitto.conf` for one listener; passwords and access list lie beside it."""
    lines = [
        "per_listener_settings false",
        "allow_anonymous false",
        f"password_file {folder / 'passwords'}",
        f"acl_file {folder / 'acl'}",
        "set_tcp_nodelay true",
        "persistence false",
        "allow_zero_length_clientid false",
        "max_packet_size 65536",
        "max_keepalive 60",
        "max_inflight_messages 20",
        "max_queued_messages 1000",
        "persistent_client_expiration 1h",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
        "log_type notice",
        "log_type information",  # with it, that it runs
        f"listener {port} {host}",
    ]
    if os.geteuid() == 0:
        # It would drop to a user who cannot read a folder of root's.
        lines.insert(0, "user root")
    return "\n".join(lines) + "\n"


def access_list(room: str, people: Iterable[Person], *, practice: bool = False) -> str:
    """Mosquitto's `acl_file`: what each person may read and write. What is not named is refused."""
    topics = Topics(room)
    lines = [f"user {DAEMON}", f"topic readwrite {topics.everything}"]
    seen = [f"topic read {PREFIX}/{_filter(row.address, room)}" for row in CHANNELS if _for_everybody(row.address)]
    for person in people:
        lines += ["", f"user {person.user}", *seen]
        lines.append(f"topic read {PREFIX}/{room}/reply/{person.user}/#")
        lines.append(f"topic write {topics.of('presence', user=person.user)}")
        lines += [
            f"topic write {topics.command(person.user, verb.name)}" for verb in VERBS.values() if may(person.role, verb)
        ]
    if practice:
        lines += ["", f"user {TRAINER}", *seen, f"topic write {topics.of('practice')}"]
    return "\n".join(lines) + "\n"


def password_line(user: str, password: str) -> str:
    """One line of mosquitto's `password_file`: PBKDF2-HMAC-SHA512, as `mosquitto_passwd` writes it since 2.0."""
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, HASH_ROUNDS, 64)
    return f"{user}:$7${HASH_ROUNDS}${_base64(salt)}${_base64(digest)}"


def write_files(
    folder: Path, *, room: str, host: str, port: int, people: Iterable[Person], practice: bool = False
) -> Mapping[str, Path]:
    """Writes everything mosquitto needs, with fresh passwords; returns each user's password file (mode 0600)."""
    people = tuple(people)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    files: dict[str, Path] = {}
    lines = []
    for user in (DAEMON, *(person.user for person in people), *((TRAINER,) if practice else ())):
        password = secrets.token_urlsafe(24)
        files[user] = folder / f"{user}.password"
        _write_secret(files[user], password + "\n")
        lines.append(password_line(user, password))
    _write_secret(folder / "passwords", "\n".join(lines) + "\n")
    _write_secret(folder / "acl", access_list(room, people, practice=practice))
    _write_secret(folder / "mosquitto.conf", configuration(folder, host, port))
    return files


async def start_mosquitto(folder: Path) -> Child:
    """Starts mosquitto on the files of `folder`; returns once it listens.

    Raises `ConfigError` when it is not installed, `ChildEnded` or `DeadlinePassed` when it does not come up.
    """
    command = [find_mosquitto(), "-c", str(folder / "mosquitto.conf")]
    child = Child.start("mosquitto", command, folder / "mosquitto.log")
    try:
        await listening(child)
    except BaseException:
        await child.stop()
        raise
    return child


async def listening(child: Child) -> None:
    """Returns once a mosquitto that has just been started listens. Raises `ChildEnded` or `DeadlinePassed`."""

    async def says_so() -> bool:  # asked by connecting, another broker on its port would answer
        return " running" in child.log.read_text(errors="replace")

    await child.ready(says_so, READY_S)


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port nobody listens on now. Raises `ConfigError` when none of those drawn is free."""
    for port in random.sample(PORTS, DRAWS):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((host, port))
            return port
    raise ConfigError(f"{DRAWS} TCP ports of {host} were tried and all are taken: end what listens there")


def _for_everybody(address: str) -> bool:
    return "{user}" not in address


def _filter(address: str, room: str) -> str:
    return address.format(room=room, kind="+")


def _write_secret(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()

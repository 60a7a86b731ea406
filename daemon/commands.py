"""Whether a command may be carried out, judged in the moment it would be.

Two bounds keep old wishes from moving anything: a nonce of the watchdog's, at most 2 s old, proves that the command was
sent now; `state_seq` proves that its person decided about the room as it is. Neither needs synchronised clocks, and
the broker's own expiry is trusted for nothing: a frozen process thaws with everything still in its sockets.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from daemon.holder import Control
from daemon.messages import Code, Command, Role
from daemon.verbs import Verb, may

NONCE_LIFE_US = 2_000_000
"""Design, control panel: a command quotes a nonce at most 2 s old."""
ID_LIFE_US = 600_000_000
"""How long a command's id is remembered (engineering choice: far longer than any broker keeps a duplicate)."""
MOST_IDS = 4096
MOST_NONCES = 64


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why not: `reason` is a row of `words`, `fields` fill its sentence."""

    code: Code
    reason: str
    fields: Mapping[str, object] = field(default_factory=dict)


class Nonces:
    """The watchdog's nonces and when each was first seen here."""

    def __init__(self) -> None:
        self._first_seen: OrderedDict[str, int] = OrderedDict()

    def note(self, nonce: str | None, now_us: int) -> None:
        """To be called with the newest one, at least as often as it changes."""
        if nonce is None or nonce in self._first_seen:
            return
        self._first_seen[nonce] = now_us
        while len(self._first_seen) > MOST_NONCES:
            self._first_seen.popitem(last=False)

    def fresh(self, nonce: str | None, now_us: int) -> bool:
        """Whether it was given at most 2 s ago."""
        first = self._first_seen.get(nonce) if nonce else None
        return first is not None and now_us - first <= NONCE_LIFE_US


class Ids:
    """The ids of commands that have arrived."""

    def __init__(self) -> None:
        self._arrived: OrderedDict[tuple[str, str], int] = OrderedDict()

    def first(self, user: str, command_id: str, now_us: int) -> bool:
        """Whether this is the first command of that id; notes it."""
        while self._arrived:
            oldest = next(iter(self._arrived))
            if len(self._arrived) < MOST_IDS and now_us - self._arrived[oldest] <= ID_LIFE_US:
                break
            del self._arrived[oldest]
        if (user, command_id) in self._arrived:
            return False
        self._arrived[user, command_id] = now_us
        return True


@dataclass(frozen=True, slots=True)
class Now:
    """What a command is judged against."""

    us: int
    state_seq: int
    nonces: Nonces
    control: Control


def judge(command: Command, verb: Verb, user: str, role: Role | None, now: Now) -> Rejection | None:
    """None: carry it out. Whether it was retained, repeated or malformed was seen when it arrived."""
    if role is None:
        return Rejection(Code.FORBIDDEN, "unknown-user", {"verb": verb.name, "user": user})
    if not may(role, verb):
        fields = {"verb": verb.name, "user": user, "role": role.value, "needed": verb.role.value}
        return Rejection(Code.FORBIDDEN, "role", fields)
    if verb.nonce and not now.nonces.fresh(command.nonce, now.us):
        return Rejection(Code.STALE, "stale")
    if verb.state_seq and command.state_seq != now.state_seq:
        return Rejection(Code.CONFLICT, "conflict")
    if verb.control and now.control.holder != user:
        return Rejection(Code.FORBIDDEN, "no-control", {"verb": verb.name, "holder": now.control.holder or "nobody"})
    return None

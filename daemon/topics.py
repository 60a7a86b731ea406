"""The one table of topics: who writes, what it carries, whether it stays.

`coilward/v1/{room}/…`, lower-case kebab levels, one writer and one payload per topic. State stays with the broker
(retained), events and answers do not, and a command that stays is refused. The user's name is a level of the command's
own topic, so that the broker's access list proves who asks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from daemon import messages

PREFIX = "coilward/v1"
_NAME = re.compile(r"[a-z0-9-]{1,32}")


@dataclass(frozen=True, slots=True)
class Channel:
    """One row of the table."""

    name: str
    address: str
    """Template below `coilward/v1/`."""
    payload: type[messages.Payload] | None
    """None: depends on the verb (see `daemon.verbs`)."""
    writer: str
    """`daemon`; `{user}`: the person named in the topic and nobody else; `trainer`: in a practice room only."""
    qos: int
    retain: bool
    about: str


CHANNELS: tuple[Channel, ...] = (
    Channel("meta", "{room}/meta", messages.Meta, "daemon", 1, True, "what this room is"),
    Channel("availability", "{room}/availability", messages.Availability, "daemon", 1, True, "the daemon's will"),
    Channel("heartbeat", "{room}/heartbeat", messages.Heartbeat, "daemon", 0, False, "5 Hz; carries the nonce"),
    Channel("room", "{room}/state/room", messages.RoomState, "daemon", 1, True, "what a person decides on"),
    Channel("progress", "{room}/state/progress", messages.Progress, "daemon", 1, True, "how far the session is"),
    Channel("watchdog", "{room}/state/watchdog", messages.WatchdogState, "daemon", 1, True, "the watchdog's status"),
    Channel("arm", "{room}/state/arm", messages.ArmState, "daemon", 1, True, "the coil on its arm, if there is one"),
    Channel("event", "{room}/event/{kind}", messages.Event, "daemon", 1, False, "something that happened once"),
    Channel("command", "{room}/cmd/{user}/{verb}", None, "{user}", 1, False, "what a person asks"),
    Channel("reply", "{room}/reply/{user}/{client}", messages.Answer, "daemon", 1, False, "the answer to a command"),
    Channel("presence", "{room}/presence/{user}", messages.Presence, "{user}", 0, False, "the holder is here, 4 Hz"),
    Channel("practice", "{room}/practice", messages.Practice, "trainer", 1, True, "a trainee's task, and its result"),
)


class BadTopic(ValueError):
    """A level that is no name, or a topic of another shape."""


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one room. Raises `BadTopic` for a name that could be a wildcard or a path."""

    room: str

    def __post_init__(self) -> None:
        _checked(self.room)

    def of(self, channel: str, **levels: str) -> str:
        """The topic of a channel, its levels filled in and checked."""
        checked = {level: _checked(text) for level, text in levels.items()}
        return f"{PREFIX}/{self.row(channel).address.format(room=self.room, **checked)}"

    @staticmethod
    def row(channel: str) -> Channel:
        """The table's row of that name."""
        return next(row for row in CHANNELS if row.name == channel)

    def command(self, user: str, verb: str) -> str:
        """Where `user` asks for `verb`."""
        return self.of("command", user=user, verb=verb)

    def reply(self, user: str, client: str) -> str:
        """Where the answers for one connection of `user` go."""
        return self.of("reply", user=user, client=client)

    @property
    def commands(self) -> str:
        """Filter: every command of everybody."""
        return f"{PREFIX}/{self.room}/cmd/+/+"

    @property
    def presences(self) -> str:
        """Filter: everybody's presence."""
        return f"{PREFIX}/{self.room}/presence/+"

    @property
    def states(self) -> str:
        """Filter: every state document."""
        return f"{PREFIX}/{self.room}/state/+"

    @property
    def events(self) -> str:
        """Filter: every event."""
        return f"{PREFIX}/{self.room}/event/+"

    @property
    def everything(self) -> str:
        """Filter: all of the room."""
        return f"{PREFIX}/{self.room}/#"

    def command_of(self, topic: str) -> tuple[str, str]:
        """(user, verb) of a command's topic."""
        user, verb = self._below(topic, "cmd", 2)
        return user, verb

    def user_of(self, topic: str) -> str:
        """User of a presence topic."""
        (user,) = self._below(topic, "presence", 1)
        return user

    def _below(self, topic: str, branch: str, levels: int) -> list[str]:
        head = f"{PREFIX}/{self.room}/{branch}/"
        rest = topic.removeprefix(head).split("/")
        if not topic.startswith(head) or len(rest) != levels:
            raise BadTopic(f"{topic!r} is no topic under {head}")
        return [_checked(level) for level in rest]


def _checked(level: str) -> str:
    if not _NAME.fullmatch(level):
        raise BadTopic(f"{level!r} is no name: 1 to 32 of a-z, 0-9 and -")
    return level


def matches(pattern: str, topic: str) -> bool:
    """Whether an MQTT filter covers a topic (`+` one level, `#` the rest)."""
    wanted, levels = pattern.split("/"), topic.split("/")
    for index, want in enumerate(wanted):
        if want == "#":
            return True
        if index >= len(levels) or want not in ("+", levels[index]):
            return False
    return len(wanted) == len(levels)

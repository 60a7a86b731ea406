"""A room, from outside: the one client of it. Whatever commands or watches a room stands on this module.

    async with connect(Address("127.0.0.1", 1883, "olga", password), room="room1") as room:
        view = await room.known(deadline_s=5)            # raises RoomUnknown while nothing live is heard
        print(view.state.phase, view.state.sentence)

        await room.ask("take")                           # control
        async with room.present():                       # from here on, Ctrl-C or a lost network pauses the session
            answer = await room.ask("start", subject="S-01", protocol="demo", placement="left M1 hotspot")
            if not answer.ok:
                raise SystemExit(answer.sentence)        # what, why, next step
            print(answer.detail["understood"])           # what the watchdog understood, for a person to read
            await room.ask("release", hash=answer.detail["hash"])
            async for view in room.changes():
                if view is None:
                    print("UNKNOWN: believe the stimulator only")
                elif view.state.phase == "done":
                    break

What is known of a room is what a live heartbeat vouches for: `view` is None until one has been heard within a second
and quotes the `state_seq` of the state at hand. Ages run on this process's clock. Nothing here is ever sent twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import ValidationError

from daemon.background import background
from daemon.bus import BrokerLost, Bus, Message
from daemon.messages import (
    Answer,
    ArmState,
    Event,
    Heartbeat,
    Payload,
    Presence,
    Progress,
    RoomState,
    WatchdogState,
)
from daemon.mqtt_bus import Address, MqttBus
from daemon.topics import Topics
from daemon.typed import message_of
from daemon.verbs import VERBS
from drivers.errors import DeadlinePassed, WireError

__all__ = ["Address", "NoAnswer", "RoomClient", "RoomUnknown", "View", "connect"]

LIVE_S = 1.0
"""Silence after which nothing is known about the room: five heartbeats."""
PRESENCE_S = 0.25
"""Design, watchdog: presence is renewed every 250 ms."""
GRACE_S = 1.0
"""How much longer than the room's own deadline for a verb we wait for its answer."""
COMMAND_EXPIRY_S = 2
"""Courtesy to the broker; the nonce is what protects."""
MOST_EVENTS = 256

P = TypeVar("P", bound=Payload)
S = TypeVar("S", RoomState, Progress, WatchdogState, ArmState)


class RoomUnknown(WireError):
    """Nothing live is heard from the room, so nothing can be decided about it."""


class NoAnswer(DeadlinePassed):
    """A command was sent and not answered: whether it was carried out is only to be seen in the state."""


@dataclass(frozen=True, slots=True)
class View:
    """The room as a live heartbeat vouches for it."""

    state: RoomState
    progress: Progress | None
    """None in the moment between a new state and its counts."""
    watchdog: WatchdogState | None
    arm: ArmState | None = None
    """None in a room without an arm."""


@asynccontextmanager
async def connect(address: Address, room: str, *, deadline_s: float = 5.0) -> AsyncIterator[RoomClient]:
    """Connected to the broker, listening to the room; reconnects by itself.

    Raises `BrokerLost` when there is no broker there within the deadline, `SignInRefused` when it refuses this user.
    """
    async with MqttBus(address) as bus:
        await bus.wait_connected(deadline_s)
        client = RoomClient(bus, room, address.user)
        await client.listen()
        yield client


class RoomClient:
    """One person's connection to one room. Made by `connect`; over another bus: construct, then `listen`."""

    def __init__(self, bus: Bus, room: str, user: str) -> None:
        self._bus = bus
        self._topics = Topics(room)
        self._news = asyncio.Event()
        self._state: _Documents[RoomState] = _Documents()
        self._progress: _Documents[Progress] = _Documents()
        self._watchdog: _Documents[WatchdogState] = _Documents()
        self._arm: _Documents[ArmState] = _Documents()
        self._beat: Heartbeat | None = None
        self._beat_at = 0.0
        self._waiting: dict[str, asyncio.Future[Answer]] = {}
        self._followers: list[_Follower] = []
        self.user = user
        self.client = f"c-{secrets.token_hex(12)}"
        """This connection's own name: where its answers go."""

    async def listen(self) -> None:
        """Subscribes to everything the room says. Raises `SubscribeRefused` or `DeadlinePassed`."""
        topics = self._topics
        await self._bus.subscribe(topics.reply(self.user, self.client), self._on_answer, stored=False)
        await self._bus.subscribe(topics.states, self._on_state)
        await self._bus.subscribe(topics.events, self._on_event, stored=False)
        await self._bus.subscribe(topics.of("heartbeat"), self._on_beat, stored=False)

    # --- knowing ----------------------------------------------------------------------------------------------------

    @property
    def alive(self) -> bool:
        """Whether a heartbeat was heard within the last second."""
        return self._beat is not None and asyncio.get_running_loop().time() - self._beat_at <= LIVE_S

    @property
    def view(self) -> View | None:
        """The room now; None is UNKNOWN, whatever was heard before."""
        beat = self._beat
        if beat is None or not self.alive:
            return None
        state = self._state.at(beat.state_seq)
        if state is None:
            return None
        seq = beat.state_seq
        return View(state, self._progress.at(seq), self._watchdog.at(seq), self._arm.at(seq))

    async def known(self, deadline_s: float) -> View:
        """The room, once it is known. Raises `RoomUnknown` after the deadline."""
        with contextlib.suppress(DeadlinePassed):
            return await self.until(lambda _: True, deadline_s)
        heard = "its heartbeat is heard, its state is not" if self.alive else "no heartbeat is heard"
        raise RoomUnknown(
            f"room {self._topics.room} is unknown: {heard} on the broker. "
            "Is coilward-daemon running, and is the room's name right? `coilward doctor` looks."
        )

    async def changes(self) -> AsyncGenerator[View | None, None]:
        """The room now, then again whenever it differs (None: unknown). One that reads slowly skips what is between."""
        last: View | str | None = "nothing yet"
        while True:
            view = self.view
            if view != last:
                last = view
                yield view
            else:
                await self._some_news()

    async def until(self, enough: Callable[[View], bool], deadline_s: float) -> View:
        """The room, once it is as wanted. Raises `DeadlinePassed`."""
        try:
            async with asyncio.timeout(deadline_s):
                while (view := self.view) is None or not enough(view):
                    await self._some_news()
                return view
        except TimeoutError:
            now = f"is {self.view.state.phase}" if self.view else "is unknown"
            raise DeadlinePassed(
                f"The room {now} and has not become what was waited for within {deadline_s} s. "
                "Look at the stimulator, then run `coilward doctor`."
            ) from None

    async def _some_news(self) -> None:
        """Something was heard, or silence may have grown long enough to know nothing any more."""
        self._news.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LIVE_S / 4):
                await self._news.wait()

    async def events(self) -> AsyncGenerator[Event, None]:
        """What happens from now on; a reader that falls behind gets one `missed` with the number lost."""
        follower = _Follower()
        self._followers.append(follower)
        try:
            while True:
                yield await follower.next()
        finally:
            self._followers.remove(follower)

    # --- asking -----------------------------------------------------------------------------------------------------

    async def ask(self, verb: str, *, seen: int | None = None, **fields: object) -> Answer:
        """Asks for a verb of `daemon.verbs` and returns the room's answer, which may be a refusal with its sentence.

        After a decision was confirmed, `view` shows what it changed (if the room is heard at all).

        `seen` is the `state_seq` the person decided on (None: of the state at hand). Raises `RoomUnknown` when there is
        nothing live to decide on, `NoAnswer`, `PublishRefused`, `BrokerLost`, and `OperatorError` for fields that
        cannot be.
        """
        row = VERBS[verb]
        view = self.view
        if row.state_seq and seen is None:
            if view is None:
                raise RoomUnknown(f"{verb} was not sent: the room is unknown, so there is nothing to decide on")
            seen = view.state.state_seq
        nonce = await self._newest_nonce() if row.nonce else None
        command_id = secrets.token_hex(16)
        command = message_of(row.command, id=command_id, client=self.client, nonce=nonce, state_seq=seen, **fields)
        reply = self._topics.reply(self.user, self.client)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[command_id] = answer
        try:
            await self._bus.publish(
                self._topics.command(self.user, verb),
                command.encode(),
                reply_to=reply,
                correlation=command_id.encode(),
                expiry_s=COMMAND_EXPIRY_S,
            )
            async with asyncio.timeout(row.deadline_s + GRACE_S):
                answered = await answer
        except TimeoutError:
            raise NoAnswer(
                f"{verb} was not answered within {row.deadline_s + GRACE_S} s. Look at the state, and at the "
                "stimulator, before you do anything else."
            ) from None
        finally:
            del self._waiting[command_id]
        if answered.ok and row.state_seq:
            with contextlib.suppress(DeadlinePassed):
                await self.until(lambda view: view.state.state_seq >= answered.state_seq, LIVE_S)
        return answered

    async def _newest_nonce(self) -> str | None:
        """Of the live heartbeat. Of a watchdog that has only just come the state is known a moment before its first
        nonce, and a beat may be late: that moment is waited for. None where it does not come, and the room says what
        follows.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LIVE_S):
                while not self.alive or self._beat is None or self._beat.nonce is None:
                    await self._some_news()
        return self._beat.nonce if self.alive and self._beat is not None else None

    @asynccontextmanager
    async def present(self) -> AsyncIterator[None]:
        """While this lasts, the person at this client is here. Counts for the holder of control alone."""
        async with background(self._renew_presence()):
            yield

    async def _renew_presence(self) -> None:
        topic = self._topics.of("presence", user=self.user)
        while True:
            if self.alive and self._beat is not None and self._beat.nonce is not None:
                presence = Presence(nonce=self._beat.nonce)
                # Without a broker the room hears nothing, and that is what presence is for.
                with contextlib.suppress(BrokerLost):
                    await self._bus.publish(topic, presence.encode(), qos=0)
            await asyncio.sleep(PRESENCE_S)

    # --- hearing ----------------------------------------------------------------------------------------------------

    def _on_state(self, message: Message) -> None:
        match message.topic.rpartition("/")[2]:
            case "room":
                self._state.put(_read(RoomState, message))
            case "progress":
                self._progress.put(_read(Progress, message))
            case "watchdog":
                self._watchdog.put(_read(WatchdogState, message))
            case "arm":
                self._arm.put(_read(ArmState, message))
        self._news.set()

    def _on_beat(self, message: Message) -> None:
        beat = _read(Heartbeat, message)
        if beat is not None and not message.retained:
            self._beat, self._beat_at = beat, asyncio.get_running_loop().time()
            self._news.set()

    def _on_event(self, message: Message) -> None:
        event = _read(Event, message)
        if event is not None:
            for follower in self._followers:
                follower.put(event)

    def _on_answer(self, message: Message) -> None:
        answer = _read(Answer, message)
        waiting = self._waiting.get(answer.id) if answer is not None else None
        if answer is not None and waiting is not None and not waiting.done():
            waiting.set_result(answer)


class _Documents(Generic[S]):
    """The last two of a state document: the one the heartbeat vouches for, and its successor on the way in."""

    def __init__(self) -> None:
        self._newest: S | None = None
        self._before: S | None = None

    def put(self, document: S | None) -> None:
        if document is None or self._newest is None or document.state_seq != self._newest.state_seq:
            self._before = self._newest
        self._newest = document

    def at(self, state_seq: int) -> S | None:
        """The newest one of that number."""
        both = (self._newest, self._before)
        return next((document for document in both if document is not None and document.state_seq == state_seq), None)


class _Follower:
    """Events on their way to one reader, at most `MOST_EVENTS`."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque()
        self._missed = 0
        self._some = asyncio.Event()

    def put(self, event: Event) -> None:
        if len(self._events) >= MOST_EVENTS:
            self._missed += 1
        else:
            self._events.append(event)
        self._some.set()

    async def next(self) -> Event:
        if not self._events and self._missed:
            missed, self._missed = self._missed, 0
            return Event(kind="missed", detail={"count": missed})
        while not self._events:
            self._some.clear()
            await self._some.wait()
        return self._events.popleft()


def _read(model: type[P], message: Message) -> P | None:
    """The payload, or None for one we cannot read: then the room is unknown, which is the truth."""
    try:
        return model.model_validate_json(message.payload)
    except ValidationError:
        return None

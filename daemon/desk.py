"""The command desk: takes every command off the bus, judges it, has the room carry it out, and always answers.

Ordinary commands are carried out one after another and judged when their turn comes. Urgent ones overtake them; STOP
and an emergency are begun in the moment they arrive, before anything else about the message is looked at, and a second
one joins the first.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Mapping
from types import NoneType
from typing import Any, assert_never

from pydantic import ValidationError

from daemon import messages, wishes, words
from daemon.bus import BrokerLost, Bus, Message, PublishRefused
from daemon.commands import Ids, Rejection, judge
from daemon.decision import Decision
from daemon.messages import LARGEST_COMMAND, Answer, Code, Command, Role
from daemon.room import Answer as Outcome
from daemon.room import Done, Measured, Order, Recorded, Refused
from daemon.topics import BadTopic, Topics
from daemon.verbs import VERBS, Verb
from drivers.errors import DeadlinePassed, OurError
from drivers.poses import Pose

MOST_WAITING = 16
"""Commands at the desk at once; one more is answered `busy`."""
MOST_AT_ALL = 64
"""Commands and busy answers together; beyond that the broker does not take our answers, and the log counts."""

AT_ONCE = ("stop", "emergency")
"""What is begun before anything about it is read."""

log = logging.getLogger("coilward.desk")


class Desk:
    """`roles` come from the site file: the broker's access list is the first lock, this is the second."""

    def __init__(self, bus: Bus, topics: Topics, decision: Decision, roles: Mapping[str, Role]) -> None:
        self._bus = bus
        self._topics = topics
        self._decision = decision
        self._roles = roles
        self._ids = Ids()
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._stopping: dict[str, asyncio.Task[Outcome]] = {}
        self._handling: set[asyncio.Task[None]] = set()
        self._verbs: set[asyncio.Task[Outcome]] = set()
        self._fault: BaseException | None = None
        self.unanswered = 0
        """Commands that could not even be told that the desk is busy."""

    async def run(self) -> None:
        """Works until cancelled. Raises what a verb raised: a fault of ours ends the daemon."""
        try:
            async with asyncio.TaskGroup() as self._group:
                await self._bus.subscribe(self._topics.commands, self._receive, stored=False)
                await self._bus.subscribe(self._topics.presences, self._presence, stored=False)
                await asyncio.Event().wait()
        finally:
            for verb in self._verbs:
                verb.cancel()
            await asyncio.gather(*self._verbs, return_exceptions=True)

    # --- arriving -------------------------------------------------------------------------------------------------

    def _receive(self, message: Message) -> None:
        try:
            user, name = self._topics.command_of(message.topic)
        except BadTopic as problem:
            log.warning("a command nobody can answer: %s", problem)
            return
        # What lies with the broker to stay was meant for a day that is over: it stops, and blocks nobody.
        name = "stop" if name == "emergency" and message.retained else name
        stopping = self._begin_at_once(user, name) if name in AT_ONCE else None
        if len(self._handling) >= MOST_AT_ALL:
            self.unanswered += 1
            log.error("%d commands could not be answered: the broker does not take the answers", self.unanswered)
            return
        task = self._group.create_task(
            self._handle(message, user, name) if stopping is None else self._handle_stop(message, user, name, stopping)
        )
        self._handling.add(task)
        task.add_done_callback(self._handling.discard)

    def _presence(self, message: Message) -> None:
        try:
            user = self._topics.user_of(message.topic)
            presence = messages.Presence.model_validate_json(message.payload)
        except (BadTopic, ValidationError) as problem:
            log.warning("not a sign of presence: %s", problem)
            return
        now = self._decision.clock()
        if self._decision.nonces.fresh(presence.nonce, now) and self._decision.control.seen(user, now):
            self._decision.room.presence(user)

    async def _handle(self, message: Message, user: str, name: str) -> None:
        verb = VERBS.get(name)
        if verb is None:
            await self._answer(message, user, None, Rejection(Code.MALFORMED, "unknown-verb", {"verb": name}))
            return
        try:
            command = _read(message.payload, verb)
        except ValueError as problem:
            await self._answer(message, user, None, Rejection(Code.MALFORMED, "malformed", {"problem": problem}))
            return
        await self._answer(message, user, command, await self._outcome(message, user, verb, command))

    async def _handle_stop(self, message: Message, user: str, name: str, stopping: asyncio.Task[Outcome]) -> None:
        """A STOP nobody can read is a STOP; only its answer needs to know what it says."""
        verb = VERBS[name]
        command = None
        with contextlib.suppress(ValueError):
            command = _read(message.payload, verb)
        await self._answer(message, user, command, await self._bounded(verb, stopping))

    async def _outcome(self, message: Message, user: str, verb: Verb, command: Command) -> Outcome | Rejection:
        if message.retained:
            return Rejection(Code.STALE, "retained")
        if not self._ids.first(user, command.id, self._decision.clock()):
            return Rejection(Code.REPEATED, "repeated")
        if verb.urgent:
            return await self._judged(user, verb, command)
        if self._waiting >= MOST_WAITING:
            return Rejection(Code.BUSY, "busy")
        self._waiting += 1
        try:
            async with self._turn:
                return await self._judged(user, verb, command)
        finally:
            self._waiting -= 1

    # --- carrying out -----------------------------------------------------------------------------------------------

    async def _judged(self, user: str, verb: Verb, command: Command) -> Outcome | Rejection:
        rejection = judge(command, verb, user, self._roles.get(user), self._decision.now())
        if rejection is not None:
            return rejection
        if isinstance(command, wishes.Take | wishes.HandOver | wishes.LetGo):
            return self._about_control(command, user)
        if isinstance(command, wishes.Lower):
            present = self._decision.room.status().intensity_tenths
            if present is not None and command.intensity_tenths > present:
                fields = {"asked": _percent(command.intensity_tenths), "present": _percent(present)}
                return Rejection(Code.REJECTED, "not-lower", fields)
        return await self._bounded(verb, self._begin(self._ask_room(command, user)))

    def _begin_at_once(self, user: str, name: str) -> asyncio.Task[Outcome]:
        under_way = self._stopping.get(name)
        if under_way is None or under_way.done():
            room = self._decision.room
            under_way = self._stopping[name] = self._begin(room.stop(user) if name == "stop" else room.emergency(user))
        return under_way

    def _begin(self, verb: Coroutine[Any, Any, Outcome]) -> asyncio.Task[Outcome]:
        """Outside the group: a fault is answered first and raised then."""
        task = asyncio.get_running_loop().create_task(verb)
        self._verbs.add(task)
        task.add_done_callback(self._verbs.discard)
        return task

    async def _bounded(self, verb: Verb, task: asyncio.Task[Outcome]) -> Outcome | Rejection:
        """Answers in time, and leaves a slow verb to finish: half-carried-out is worse than late."""
        done, _ = await asyncio.wait({task}, timeout=verb.deadline_s)
        if not done:
            return Rejection(Code.ERROR, "no-answer", {"verb": verb.name, "seconds": verb.deadline_s})
        if (fault := task.exception()) is not None:
            self._fault = fault
            return Rejection(Code.ERROR, "fault", {"verb": verb.name})
        return task.result()

    def _about_control(self, command: wishes.Take | wishes.HandOver | wishes.LetGo, user: str) -> Outcome | Rejection:
        control = self._decision.control
        match command:
            case wishes.Take():
                if not control.take(user, self._decision.clock()):
                    return Rejection(Code.FORBIDDEN, "held-by", {"holder": control.holder})
            case wishes.HandOver():
                control.offer(command.to)
            case wishes.LetGo():
                control.let_go()
            case _:
                assert_never(command)
        return Done({"holder": control.holder, "offered_to": control.offered_to})

    async def _ask_room(self, command: Command, user: str) -> Outcome:
        room, nonce = self._decision.room, command.nonce or ""
        match command:
            case wishes.Pause():
                return await room.pause(user)
            case wishes.Lower() | wishes.Raise():
                return await room.lower(command.intensity_tenths, user)
            case wishes.Start():
                order = Order(command.subject, command.protocol, command.placement, command.intensity_tenths)
                return await room.start(order, user)
            case wishes.Continue():
                return await room.continue_session(command.session, command.reason, command.placement, user)
            case wishes.Resume():
                return await room.resume(command.hash, nonce, user)
            case wishes.Release():
                return await room.release(command.hash, nonce, user)
            case wishes.End():
                return await room.end(user)
            case wishes.Reset():
                return await room.reset(nonce, user)
            case wishes.Resolve():
                return await room.resolve(command.ref, command.why, nonce, user)
        return await self._outside_a_session(command, user)

    async def _outside_a_session(self, command: Command, user: str) -> Outcome:
        room = self._decision.room
        match command:
            case wishes.CoilAway():
                return await room.coil_away(user)
            case wishes.HandGuide():
                return await room.hand_guide(user)
            case wishes.Park():
                return await room.park(user)
            case wishes.FileRegistration():
                return await room.file_registration(command.subject, command.registration, user)
            case wishes.FileCalibration():
                return await room.file_calibration(command.calibration, user)
            case wishes.FileThreshold():
                found = (command.value_tenths, command.method, command.pulses, command.coil, command.sd_tenths)
                return await room.file_threshold(Measured(command.subject, *found), user)
            case wishes.FileTarget():
                return await room.file_target(_recorded(command), user)
        return await self._on_record(command, user)

    async def _on_record(self, command: Command, user: str) -> Outcome:
        room, nonce = self._decision.room, command.nonce or ""
        match command:
            case wishes.Note():
                return await room.note(command.kind, command.what, command.text, user)
            case wishes.History():
                return await room.history(command.before, command.most, user)
            case wishes.ReadReport():
                return await room.read_report(command.session, user)
            case wishes.ReadJournal():
                return await room.read_journal(command.session, command.before, command.most, command.kinds, user)
            case wishes.Dose():
                return await room.dose(command.subject, user)
            case wishes.Block():
                return await room.block(command.subject, command.reason, nonce, user)
            case wishes.Unblock():
                return await room.unblock(command.subject, command.physician, command.reason, nonce, user)
        raise OurError(f"{type(command).__name__} is in the table of verbs and nobody carries it out")

    # --- answering --------------------------------------------------------------------------------------------------

    async def _answer(self, message: Message, user: str, command: Command | None, outcome: Outcome | Rejection) -> None:
        topic = self._reply_topic(message, user, command)
        if topic is None:
            log.warning("a command of %s names nowhere to answer", user)
            return
        answer = _written(command.id if command else "", outcome, self._decision.seq)
        try:
            await self._bus.publish(topic, answer.encode(), correlation=message.correlation)
        except (BrokerLost, DeadlinePassed, PublishRefused) as problem:
            log.warning("the answer to %s of %s did not go out: %s", answer.id or "a command", user, problem)
        if self._fault is not None:
            raise self._fault

    def _reply_topic(self, message: Message, user: str, command: Command | None) -> str | None:
        """The response topic, if it is this user's own: nobody has the daemon publish elsewhere for them."""
        own = self._topics.reply(user, "x").removesuffix("x")
        if message.reply_to is not None and message.reply_to.startswith(own):
            return message.reply_to
        return self._topics.reply(user, command.client) if command else None


def _read(payload: bytes, verb: Verb) -> Command:
    if len(payload) > LARGEST_COMMAND:
        raise ValueError(f"it is longer than {LARGEST_COMMAND} bytes")
    try:
        return verb.command.model_validate_json(payload)
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(str(level) for level in first["loc"]) or "payload"
        raise ValueError(f"{where}: {first['msg']}") from None


def _written(command_id: str, outcome: Outcome | Rejection, seq: int) -> Answer:
    match outcome:
        case Done():
            return Answer(id=command_id, ok=True, code=Code.OK, state_seq=seq, detail=dict(outcome.detail))
        case Refused():
            sentence = words.split(outcome.sentence)
            code, reason, fields = Code.REJECTED, outcome.reason, outcome.fields
        case Rejection():
            sentence = words.ENGLISH.refusal(outcome.reason, **outcome.fields)
            code, reason, fields = outcome.code, outcome.reason, outcome.fields
    told = {name: value if isinstance(value, _FIGURES) else str(value) for name, value in fields.items()}
    return Answer(id=command_id, ok=False, code=code, reason=reason, sentence=sentence, fields=told, state_seq=seq)


_FIGURES = (str, int, float, list, dict, NoneType)
"""What JSON can say; anything else is said in words."""


def _recorded(told: wishes.FileTarget) -> Recorded:
    pose = Pose.of(told.head_from_target[:4], told.head_from_target[4:])
    return Recorded(
        told.subject, told.name, pose, told.air_gap_m,
        spread_mm=told.spread_mm, spread_deg=told.spread_deg, apart_mm=told.apart_mm, apart_deg=told.apart_deg,
        calibration=told.calibration,
    )  # fmt: skip


def _percent(tenths: int) -> str:
    return f"{tenths // 10}.{tenths % 10} % rMT"

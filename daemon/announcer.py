"""Tells operators what the room is: state when it changes, a heartbeat five times a second, events as they happen.

State goes out before the heartbeat that quotes its `state_seq`, so whoever hears the beat and holds that state knows
the room. While there is no broker the room goes on; the bus publishes what is retained again at its next connection.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from typing import Any

from daemon.bus import BrokerLost, Bus, PublishRefused
from daemon.decision import Decision
from daemon.messages import (
    ArmState,
    Availability,
    Counts,
    Emergent,
    Event,
    Heartbeat,
    Meta,
    Payload,
    Progress,
    RoomState,
    WatchdogState,
)
from daemon.room import Snapshot
from daemon.topics import Topics
from drivers.errors import DeadlinePassed

BEAT_S = 0.2
"""Design, control panel: 5 Hz."""
_NO_LEVEL = re.compile(r"[^a-z0-9-]")

log = logging.getLogger("coilward.announcer")


class Announcer:
    """`meta` is published once and stays."""

    def __init__(self, bus: Bus, topics: Topics, decision: Decision, meta: Meta) -> None:
        self._bus = bus
        self._topics = topics
        self._decision = decision
        self._meta = meta
        self._said: dict[str, Payload] = {}
        self._changed = asyncio.Event()
        self._silent = False

    async def run(self) -> None:
        """Speaks until cancelled."""
        await self._say("meta", self._meta)
        await self._say("availability", Availability(online=True))
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._follow())
                tasks.create_task(self._beat())
        finally:
            await self._say("availability", Availability(online=False))

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        due, beat_seq = loop.time(), 0
        while True:
            seq, snapshot = self._decision.look()
            await self._say("room", room_state(seq, snapshot, self._decision))
            await self._say("progress", progress(seq, snapshot))
            await self._say("watchdog", watchdog_state(seq, snapshot))
            if snapshot.arm is not None:
                await self._say("arm", ArmState(state_seq=seq, **snapshot.arm))
            if loop.time() >= due or seq != beat_seq:
                due, beat_seq = loop.time() + BEAT_S, seq
                nonce = snapshot.nonce if snapshot.linked else None
                await self._say("heartbeat", Heartbeat(state_seq=seq, nonce=nonce, phase=snapshot.phase))
            await self._wait_for_news(due - loop.time())

    async def _wait_for_news(self, longest_s: float) -> None:
        self._changed.clear()
        try:
            async with asyncio.timeout(max(longest_s, 0)):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _follow(self) -> None:
        async for happening in self._decision.room.follow():
            if happening.kind == "changed":
                self._changed.set()
                continue
            kind = _NO_LEVEL.sub("-", happening.kind.lower())[:32]
            await self._say("event", Event(kind=kind, detail=dict(happening.detail)), kind=kind)

    async def _say(self, channel: str, payload: Payload, **levels: str) -> None:
        """Once, unless it is an event or a beat: what stays is only said again when it differs."""
        row = self._topics.row(channel)
        if row.retain and self._said.get(channel) == payload:
            return
        try:
            await self._bus.publish(
                self._topics.of(channel, **levels), payload.encode(), qos=row.qos, retain=row.retain
            )
        except (BrokerLost, DeadlinePassed, PublishRefused) as problem:
            if not self._silent:
                log.warning("operators cannot be told: %s", problem)
            self._silent = True
            return
        self._silent = False
        if row.retain:
            self._said[channel] = payload


def room_state(seq: int, snapshot: Snapshot, decision: Decision) -> RoomState:
    """What a person decides on."""
    return RoomState(
        state_seq=seq,
        phase=snapshot.phase,
        sentence=snapshot.sentence,
        reason=snapshot.reason,
        fields=dict(snapshot.fields),
        coil_reason=snapshot.coil_reason,
        holder=decision.control.holder,
        offered_to=decision.control.offered_to,
        session=snapshot.session,
        hash=snapshot.hash,
        understood=dict(snapshot.understood),
        subject=snapshot.subject,
        protocol=snapshot.protocol,
        intensity_tenths=snapshot.intensity_tenths,
        level_tenths=snapshot.level_tenths,
        holds=snapshot.holds,
        trip=dict(snapshot.trip) if snapshot.trip is not None else None,
        unknown=snapshot.unknown,
        continuable=snapshot.continuable,
        report=snapshot.report,
        linked=snapshot.linked,
        stimulator=snapshot.stimulator,
        emergency=Emergent(**snapshot.emergency) if snapshot.emergency is not None else None,
        blocked=snapshot.blocked,
    )


def progress(seq: int, snapshot: Snapshot) -> Progress:
    """How far the session has come."""
    counts = snapshot.counts
    return Progress(
        state_seq=seq,
        train=snapshot.train,
        trains=snapshot.trains,
        next_train_in_us=snapshot.next_train_in_us,
        counts=Counts(
            planned=counts.planned, commanded=counts.commanded, settled=counts.settled, unknown=counts.unknown
        ),
    )


def watchdog_state(seq: int, snapshot: Snapshot) -> WatchdogState:
    """The watchdog's status; its nonce travels in the heartbeat alone."""
    status: Mapping[str, Any] = snapshot.watchdog
    return WatchdogState(
        state_seq=seq, linked=snapshot.linked, status={key: status[key] for key in status if key != "nonce"}
    )

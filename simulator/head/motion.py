"""A head in a room: its own motion and everything scripted, as one pose for every instant."""

from __future__ import annotations

from drivers.errors import OperatorError
from drivers.poses import Pose, Vector
from simulator.head.events import Event, turned_about_centre
from simulator.head.statistics import Motion
from simulator.head.wander import NOWHERE, Six, Wander

MOST_EVENTS = 1000
"""Events kept at one time; those that have come to rest are let go. An engineering choice."""
FORGOTTEN_US = 1_000_000
"""How long an event that has come to rest is still kept: nobody looks back further."""


class Head:
    """`pose(time)` depends on the motion, the seed and the events alone, never on what was asked before."""

    def __init__(self, room_from_skull: Pose, centre: Vector, motion: Motion, seed: int, start_us: int) -> None:
        """At rest in `room_from_skull` at `start_us`; `centre` is the head's centre in the frame of the skull."""
        self.motion, self.seed = motion, seed
        self._rest, self._start_us = room_from_skull, start_us
        self._centre = room_from_skull.apply(centre)
        self._wander = Wander(motion, seed)
        self._wandered = NOWHERE
        self.events: list[Event] = []

    def add(self, event: Event, now_us: int) -> None:
        """One more thing that it does. OperatorError when it does too much already."""
        forgotten_us = now_us - FORGOTTEN_US
        self.events = [each for each in self.events if each.rests_us is None or each.rests_us > forgotten_us]
        if len(self.events) >= MOST_EVENTS:
            raise OperatorError(f"the head has {MOST_EVENTS} events to do: give it no more, or start anew")
        self.events.append(event)

    def wander_as(self, motion: Motion, seed: int, now_us: int) -> None:
        """Another way to be still, from where its own motion has brought it."""
        self._wandered = self._own(now_us)
        self.motion, self.seed, self._start_us = motion, seed, now_us
        self._wander = Wander(motion, seed)

    def pose(self, time_us: int) -> Pose:
        """`room_from_skull`, untouched by any coil."""
        a, b, c, d, e, f = self._own(time_us)
        for event in self.events:
            x, y, z, u, v, w = event.at(time_us)
            a, b, c, d, e, f = a + x, b + y, c + z, d + u, e + v, f + w
        return turned_about_centre(self._centre, (a, b, c, d, e, f)) @ self._rest

    def _own(self, time_us: int) -> Six:
        a, b, c, d, e, f = self._wander.at((time_us - self._start_us) / 1e6)
        x, y, z, u, v, w = self._wandered
        return (a + x, b + y, c + z, d + u, e + v, f + w)

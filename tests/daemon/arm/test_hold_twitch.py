"""A pulse makes face and neck twitch, and the head with them: that is no reason to cut the train it belongs to."""

from __future__ import annotations

import pytest

from drivers.stimulators import Field
from simulator.stimulators.answers import Answer
from tests.daemon.arm.simulated_room import SimulatedRoom, on_target
from tests.simulator.rooms import S

SEEDS = range(2)
CHARGED_US = 2 * S
AGAIN_US = 1 * S
"""From the last pulse to the next train: its twitch, what the coil swings after it, and the dwell."""


def is_ready(room: SimulatedRoom, pulses: int, rate_hz: int) -> None:
    """A train is set and the stimulator charged."""
    device = room.talk.room.bench.device
    train = {Field.DURATION_MS: pulses * 1000 // rate_hz, Field.RATE: rate_hz * 10, Field.PULSES: pulses}
    assert {device.set(field, value) for field, value in train.items()} == {Answer.DONE}
    room.talk.say("panel-arm")
    room.run(CHARGED_US)


@pytest.mark.parametrize(("pulses", "rate_hz"), [(40, 10), (5, 1)])
def test_a_head_that_twitches_after_every_pulse_is_treated_to_the_end_of_its_train(pulses: int, rate_hz: int) -> None:
    for seed in SEEDS:
        with on_target(seed) as room:
            is_ready(room, pulses, rate_hz)
            room.talk.say("twitches")
            before = len(room.heard)
            room.talk.say("panel-trigger")
            room.run(pulses * S // rate_hz)

            assert room.talk.say("pulses") == {"pulses": pulses}
            assert {said["lease"] for said in room.heard[before:]} == {"begin", "continue"}, "it moves, and is not cut"
            assert room.run(AGAIN_US, lambda said: said["lease"] == "begin")["lease"] == "begin"

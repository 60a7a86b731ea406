"""The port comes and goes: what the status still says of a device that is not there, and when a Stop was heard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from drivers.magstim.framing import seal
from safety import control, events
from safety.events import Door
from tests.safety.conftest import VirtualRoom, new
from tests.safety.rooms import ready, released

MS, S = 1_000, 1_000_000


def shown(room: VirtualRoom) -> dict[str, Any]:
    device: dict[str, Any] = room.ask(control.Status())["status"]["device"]
    return device


def told_to_arm_and_not_answered() -> VirtualRoom:
    room = released(new)
    frame = seal(b"EB")
    room.feed(events.ClientFrame(Door.DAEMON, frame, room.dialect.effect(frame)))
    return room


def deaf_to_every_disarm() -> VirtualRoom:
    room = ready(new)
    room.fault("ignore-disarm", count=0)
    room.ask(control.Stop(by="operator"))
    room.pass_time(300 * MS)
    return room


def found_armed_at_the_start() -> VirtualRoom:
    room = VirtualRoom(firmware=11)
    room.bench.device.take_remote()
    room.bench.device.arm()
    room.fault("ignore-disarm", count=0)
    room.pass_time(500 * MS)
    room.feed(events.PortFound())
    room.ask(control.Hello(role="daemon"))
    room.pass_time(100 * MS)
    return room


def armed_at_its_own_panel() -> VirtualRoom:
    room = released(new)
    room.fault("ignore-disarm", count=0)
    room.fault("panel-arm")
    room.poke()
    return room


ARMED = [
    lambda: ready(new),
    told_to_arm_and_not_answered,
    deaf_to_every_disarm,
    found_armed_at_the_start,
    armed_at_its_own_panel,
]


@pytest.mark.parametrize("begin", ARMED)
def test_a_device_that_was_armed_when_its_port_went_may_be_armed_until_it_says_standby(
    begin: Callable[[], VirtualRoom],
) -> None:
    room = begin()
    room.feed(events.PortLost("unplugged"))
    lost = shown(room)
    room.feed(events.PortFound())
    found = shown(room)
    room.fault("reset")
    room.pass_time(2 * S)

    assert (lost["present"], lost["condition"], lost["may_be_armed"]) == (False, None, True)
    assert (found["present"], found["condition"], found["may_be_armed"]) == (True, None, True)
    assert (shown(room)["condition"], shown(room)["may_be_armed"]) == ("standby", False)


def disarmed_by_its_client() -> VirtualRoom:
    room = ready(new)
    room.frame("EA")
    room.pass_time(200 * MS)
    return room


def disarmed_by_itself() -> VirtualRoom:
    room = ready(new)
    room.fault("panel-disarm")
    room.stay(S)
    return room


@pytest.mark.parametrize("begin", [new, disarmed_by_its_client, disarmed_by_itself, VirtualRoom])
def test_a_device_that_said_standby_last_or_never_said_a_word_was_not_left_armed(
    begin: Callable[[], VirtualRoom],
) -> None:
    room = begin()
    room.ask(control.Hello(role="daemon"))
    room.feed(events.PortLost("unplugged"))

    lost = shown(room)

    assert (lost["present"], lost["condition"], lost["may_be_armed"]) == (False, None, False)


def test_a_stop_says_when_it_was_heard() -> None:
    room = ready(new)
    room.pass_time(S)

    assert room.ask(control.Stop(by="operator")) == {"ok": True, "at_us": room.now.us}

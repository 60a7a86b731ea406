"""Where the coil goes when the daemon has gone, or when the loop itself is told to end."""

from __future__ import annotations

import pytest

from daemon.arm.outputs import Command
from daemon.arm.reasons import ArmReason
from daemon.arm.table import HoldState, Verb
from tests.daemon.arm.loop_stand_ins import LoopRoom, at

# --- the daemon's end


HELD = [HoldState.APPROACH, HoldState.TRACK, HoldState.FREEZE]


@pytest.mark.parametrize("state", HELD)
def test_a_daemon_that_hangs_up_sends_the_coil_home(room: LoopRoom, state: HoldState) -> None:
    daemon = room.client("daemon")
    at(room, state)
    room.turn()
    daemon.close()
    room.turn()

    assert room.hold.verbs == [Verb.PARK]


@pytest.mark.parametrize("state", HELD)
def test_a_daemon_silent_for_a_second_sends_it_home_and_one_that_speaks_does_not(
    room: LoopRoom, state: HoldState
) -> None:
    daemon = room.client("daemon")
    at(room, state)
    for _ in range(5):
        daemon.send(do="status")
        room.turn()
        room.turn(1_000_000)
    assert room.hold.verbs == []

    room.turn(1)
    assert room.hold.verbs == [Verb.PARK]


@pytest.mark.parametrize("state", [HoldState.AWAY, HoldState.RETRACT])
@pytest.mark.parametrize("comes_off", [Command.RETRACT, Command.START])
def test_without_a_daemon_a_coil_that_is_off_the_head_goes_to_its_place_once_it_rests(
    room: LoopRoom, state: HoldState, comes_off: Command
) -> None:
    at(room, state, comes_off)
    room.turns(5)
    assert room.hold.verbs == []

    at(room, state, Command.REST)
    room.turns(2)
    assert Verb.PARK in room.hold.verbs


@pytest.mark.parametrize("state", [HoldState.HAND, HoldState.PARKED, HoldState.STOPPED, HoldState.FAULT])
def test_what_a_person_holds_or_has_stopped_stays_where_it_is_without_a_daemon(
    room: LoopRoom, state: HoldState
) -> None:
    at(room, state, Command.REST)
    room.turns(5, 1_000_001)

    assert room.hold.verbs == []


def test_where_going_home_is_refused_the_coil_at_least_comes_off(room: LoopRoom) -> None:
    room.hold.refuses[Verb.PARK] = ArmReason.NOT_NOW
    at(room, HoldState.TRACK)
    room.turns(2)

    assert room.hold.verbs[:2] == [Verb.PARK, Verb.STOP]


# --- the end


def test_told_to_end_it_takes_the_coil_off_the_head_before_it_goes(room: LoopRoom) -> None:
    at(room, HoldState.TRACK)
    room.turn()
    assert not room.loop.ended(room.now_us)

    room.loop.end(room.now_us)
    room.loop.end(room.now_us)
    at(room, HoldState.STOPPED, Command.RETRACT)
    room.turns(500)
    assert room.hold.verbs == [Verb.STOP]
    assert not room.loop.ended(room.now_us)

    at(room, HoldState.STOPPED, Command.REST)
    room.turn(200_000)
    assert not room.loop.ended(room.now_us)
    room.turn(1)
    assert room.loop.ended(room.now_us)


def test_an_arm_that_never_comes_to_rest_holds_the_end_up_for_five_seconds_only(room: LoopRoom) -> None:
    at(room, HoldState.STOPPED, Command.RETRACT)
    room.turn()
    room.loop.end(room.now_us)
    room.turn(5_000_000)
    assert not room.loop.ended(room.now_us)

    room.turn(1)
    assert room.loop.ended(room.now_us)


def test_while_it_ends_nothing_but_a_stop_is_obeyed(room: LoopRoom) -> None:
    daemon = room.client("daemon")
    room.loop.end(room.now_us)

    assert "ending" in daemon.ask(do="go", to="target")["why"]
    assert daemon.ask(do="stop")["ok"]
    assert room.hold.verbs == [Verb.STOP]

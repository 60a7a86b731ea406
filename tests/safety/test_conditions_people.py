"""What follows when a person or the arm is silent: cut, stop and hold each with their own reason, and clear again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drivers.quantities import Hertz, Train
from safety import conditions
from safety.events import Tell
from safety.reasons import Reason
from safety.state import Beats
from safety.turn import Turn
from tests.safety.conftest import VirtualRoom, new, tightened, turn_of
from tests.safety.rooms import ready, running

MS, S = 1_000, 1_000_000


@pytest.fixture(scope="module")
def firing() -> VirtualRoom:
    """A room with an arm, half a second into a train."""
    return running(new, profile="robot")


@pytest.fixture(scope="module")
def armed() -> VirtualRoom:
    """A room with an arm, ready for a train."""
    return ready(new, profile="robot")


def seen(room: VirtualRoom, *, present_ago_us: int = 0, **changes: Any) -> Turn:
    """Everything else was said a moment ago."""
    now_us = room.now.us
    turn = turn_of(room, beats=Beats(1, now_us, 1, now_us, now_us - present_ago_us), lease_at_us=now_us, **changes)
    turn.to(device=replace(turn.state.device, temperature_at_us=now_us))
    return turn


def said(turn: Turn) -> list[tuple[str, Any]]:
    bodies = [action.body for action in turn.actions if isinstance(action, Tell)]
    return [(body["kind"], body.get("reason")) for body in bodies if body["kind"] in ("hold", "cut", "stop", "clear")]


def test_an_operator_who_is_gone_for_long_is_a_cut_and_a_stop_for_that_reason(firing: VirtualRoom) -> None:
    turn = seen(firing, present_ago_us=firing.room.limits.timing.presence_cut_us + 1)
    conditions.watch(turn)

    assert said(turn) == [("hold", "presence-lost"), ("cut", "presence-lost"), ("stop", "presence-lost")]
    assert turn.state.disarming is not None
    assert turn.state.disarming.why is Reason.PRESENCE_LOST


def test_a_coil_that_left_its_target_cuts_a_train_that_runs(firing: VirtualRoom) -> None:
    turn = seen(firing, lease="none")
    conditions.watch(turn)

    assert said(turn) == [("hold", "lease-lost"), ("cut", "lease-lost")]
    assert turn.state.disarming is not None
    assert turn.state.disarming.why is Reason.LEASE_LOST


def test_a_coil_off_its_target_between_trains_is_a_hold_alone(armed: VirtualRoom) -> None:
    turn = seen(armed, lease="none")
    conditions.watch(turn)

    assert said(turn) == [("hold", "lease-missing")]
    assert (turn.state.hold, turn.state.disarming) == (Reason.LEASE_MISSING, None)


@pytest.mark.parametrize("lease", ["begin", "continue"])
def test_a_coil_on_its_target_or_near_it_holds_nothing(armed: VirtualRoom, firing: VirtualRoom, lease: str) -> None:
    for room in (armed, firing):
        turn = seen(room, lease=lease)
        conditions.watch(turn)

        assert said(turn) == []


@pytest.mark.parametrize(("early_us", "clear"), [(1, False), (0, True)])
def test_a_hold_is_over_and_said_to_be_once_all_has_been_well_for_the_dwell(
    armed: VirtualRoom, early_us: int, *, clear: bool
) -> None:
    since_us = armed.now.us - armed.room.limits.timing.dwell_us + early_us
    turn = seen(armed, hold=Reason.PRESENCE_OLD, good_since_us=since_us)
    conditions.watch(turn)

    assert said(turn) == ([("clear", None)] if clear else [])
    assert turn.state.hold is (None if clear else Reason.PRESENCE_OLD)


@pytest.mark.parametrize(("site", "tripped"), [({}, False), ({"beat": 100}, True), ({"beat_fast": 100}, True)])
def test_in_a_fast_train_the_shorter_of_both_beats_holds(
    firing: VirtualRoom, site: dict[str, object], *, tripped: bool
) -> None:
    """A site may tighten the one and leave the other."""
    assert firing.state.delivery is not None
    fast = replace(firing.state.delivery, train=Train(20, Hertz.of(25)))
    late_us = firing.now.us - 120 * 1_000
    turn = tightened(seen(firing, delivery=fast), **site)
    turn.to(beats=Beats(1, late_us, 1, late_us, firing.now.us))
    conditions.watch(turn)

    assert (turn.state.trip is not None) is tripped

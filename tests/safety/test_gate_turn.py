"""One turn of the gate by itself: what it has not, or may not do, is a mistake of ours and never passes quietly."""

from __future__ import annotations

import pytest

from safety import events
from safety.facts import facts
from safety.state import Phase
from tests.safety.conftest import new, turn_of


def test_what_only_follows_from_a_session_or_a_trigger_is_a_mistake_of_ours_without_one() -> None:
    turn = turn_of(new())
    with pytest.raises(AssertionError, match="no session"):
        facts(turn)
    with pytest.raises(AssertionError, match="no pulses"):
        _ = turn.delivery


def test_a_field_that_the_state_has_not_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError, match="phaze"):
        turn_of(new()).to(phaze=Phase.SAFE)


def test_a_move_that_is_not_in_the_table_locks_out_and_says_so() -> None:
    turn = turn_of(new())
    turn.move(Phase.FIRING)
    assert turn.state.phase is Phase.LOCKOUT
    told = turn.actions[0]
    assert isinstance(told, events.Tell)
    assert told.body["what"] == "safe to firing is not in the table"

"""Exhaustive enumeration of a small world over the real gate, and planted bugs that it must find.

The world: two trains of three pulses; every message, frame, fault, answer and time step of `DISTURBANCES`, up to a
stated number of them from each checkpoint of a treatment, with the device's and the ledger's honest answers free and
interleaved in every way. `oracle` holds what must never be.
"""

from __future__ import annotations

import inspect
import sys
import textwrap
from dataclasses import fields
from types import FunctionType, ModuleType
from typing import NamedTuple

import pytest

from safety import (
    blocks,
    conditions,
    disarm,
    evidence,
    frames,
    gate,
    outcomes,
    permits,
    rules_totals,
    rules_trains,
    sessions,
    wire,
)
from safety.state import State
from tests.small_world.oracle import InvariantBroken
from tests.small_world.search import Size, checkpoints, search

ORIGINS_US = {"fixed": 2**31, "robot": 10**15}
DEEP = "unknown, not yet written down"
"""Where a second disturbance matters most; `make storm` gives every checkpoint two."""


def reported(size: Size, record_property: object) -> Size:
    """What was covered, in the summary of the run."""
    assert callable(record_property)
    record_property("covered", str(size))
    return size


@pytest.mark.timeout(300)
@pytest.mark.parametrize("profile", ORIGINS_US)
def test_every_disturbance_at_every_checkpoint_keeps_the_invariants(profile: str, record_property: object) -> None:
    size = reported(search(checkpoints(profile, ORIGINS_US[profile]), 1), record_property)
    assert size.states > 3_000
    assert size.edges > 5_000


@pytest.mark.timeout(300)
def test_two_disturbances_after_a_trigger_keep_the_invariants(record_property: object) -> None:
    size = reported(search({DEEP: checkpoints("fixed", 2**32)[DEEP]}, 2), record_property)
    assert size.edges > 2_000


@pytest.mark.storm
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("profile", ORIGINS_US)
def test_two_disturbances_at_every_checkpoint_keep_the_invariants(profile: str, record_property: object) -> None:
    size = reported(search(checkpoints(profile, ORIGINS_US[profile]), 2), record_property)
    assert size.states > 100_000


TOLD_APART = {
    "phase", "trip", "wire", "device", "disarming", "daemon_attached", "speaker", "roles", "session", "pending",
    "permits", "delivery", "armed_at_us", "fired_since_arm", "standby_at_us", "train_ended_us", "status_asked_us",
    "past", "run", "beats", "lease", "lease_at_us", "hold", "good_since_us", "nonces", "stopped_us", "book", "commits",
    "unwanted", "emergency", "confirming",
}  # fmt: skip
NOT_TOLD_APART = {"seen_us", "pty_open", "lockout", "next_token", "next_permit"}
"""It is always the last step's time; the gate only shows them; numbers that only grow."""


def test_the_search_tells_states_apart_by_every_field_that_matters() -> None:
    """A new field of the gate's state has to be looked at here, or moments that differ in it would be taken for one."""
    assert {each.name for each in fields(State)} == TOLD_APART | NOT_TOLD_APART


# --- planted bugs -------------------------------------------------------------------------------------------------


class Bug(NamedTuple):
    """Lines of the gate replaced by others, and the checkpoint from which that shows."""

    edits: tuple[tuple[ModuleType, str, str, str], ...]
    checkpoint: str
    profile: str = "fixed"


def bug(module: ModuleType, function: str, old: str, new: str, checkpoint: str, *, profile: str = "fixed") -> Bug:
    """One line replaced."""
    return Bug(((module, function, old, new),), checkpoint, profile)


PLANTED = {
    "beats are never silent": bug(conditions, "_silent_beats", "return turn", "return False and turn", "charged"),
    "a permit never expires": Bug(
        (
            (permits, "expire", "if turn.now.us > until_us", "if False"),
            (permits, "judge_trigger", "turn.now.us > permit.expires_us", "False"),
        ),
        "granted",
    ),
    "no release is needed": bug(conditions, "standing", "if not session.released", "if False", "opened"),
    "stop takes no release back": bug(outcomes, "stop", "released=False", "released=session.released", "arming"),
    "a reservation is not awaited": bug(
        permits,
        "_reserve",
        "turn.to(pending=replace(pending, token=token, since_us=turn.now.us))",
        "_grant(turn, replace(pending, token=token), turn.state.book.last_seq + 1)",
        "charged",
    ),
    "an unknown pulse is ignored": Bug(
        (
            (conditions, "standing", "if state.unknowns", "if False"),
            (sessions, "release", "if state.unknowns", "if False"),
        ),
        "unknown, not yet written down",
    ),
    "an unknown pulse counts from when it is written down": Bug(
        (
            (conditions, "standing", "if state.unknowns", "if state.book.unknowns"),
            (sessions, "release", "if state.unknowns", "if state.book.unknowns"),
        ),
        "unknown, not yet written down",
    ),
    "the gap between trains is ignored": bug(
        rules_trains, "gap_kept", "if gap_us < least_us", "if False", "armed too early"
    ),
    "presence is ignored": bug(conditions, "_presence_age", "return turn.now.us -", "return 0 *", "operator away"),
    "a trip is not latched": bug(outcomes, "trip", "turn.move(Phase.TRIPPED)", "turn.state", "charged"),
    "a trip ends by itself": bug(
        gate, "_nonce", "turn.do(", "turn.to(phase=Phase.SAFE) or turn.do(", "tripped, two persons"
    ),
    "the second door passes": Bug(
        (
            (wire, "client_frame", "elif event.door is not state.speaker", "elif False"),
            (wire, "pump", "waiting.door is not turn.state.speaker", "False"),
        ),
        "released",
    ),
    "any answer confirms a disarm": bug(
        disarm,
        "answered",
        "if reading.condition is Condition.STANDBY",
        "if reading.condition",
        "disarmed with a permit",
    ),
    "disarm is written once": bug(disarm, "repeat", "write_now(turn, disarming)", "turn.state", "charged"),
    "a late answer to a disarm answers what comes next": bug(
        disarm, "_confirmed", "in disarming.unanswered_us", "in ()", "a disarm is answered late"
    ),
    "a lost trigger is sent again": bug(
        wire,
        "expire",
        "evidence.trigger_unanswered(turn)",
        "send(turn, exchange.frame, exchange.effect, None)",
        "triggered",
    ),
    "an accepted trigger is taken for a refused one": bug(
        evidence, "trigger_answered", "if reading.refused is not None", "if reading.refused is None", "triggered"
    ),
    "a cut train is settled at its least": bug(
        evidence, "_settle_cut", "_settle(turn, high,", "_settle(turn, least(delivery),", "cut"
    ),
    "a train that runs when the ledger fails is forgotten": bug(
        outcomes, "lock_out", "permits.drop(turn, Reason.LEDGER_FAILED)", "turn.to(permits=())", "triggered"
    ),
    "the treatment's total is ignored": bug(
        rules_totals, "session_total", "facts.totals.session", "0 * facts.totals.session", "done"
    ),
    "an old nonce is as good as a new one": bug(sessions, "nonce_is_fresh", "at_us >= oldest_us", "True", "opened"),
    "a trigger that waited passes": bug(
        frames, "_trigger", "permits.waited_for_its_permit(turn, waiting.since_us) or", "", "asking behind a question"
    ),
    "an emergency leaves its session open": bug(
        blocks, "_record", "sessions.end(turn,", "(lambda *_: None)(turn,", "charged"
    ),
    "an emergency writes no disarm": bug(
        blocks, "emergency", "sessions.stop(turn, control.Stop(message.by))", "sessions.Yes({})", "charged"
    ),
    "an emergency blocks nobody": bug(blocks, "_record", "subject=whose[1]", "subject=KEY0", "opened"),
    "an emergency blocks from when it is written down": bug(
        sessions,
        "_understand",
        "turn.state.blocked(message.subject)",
        "turn.state.book.blocked(key_of(message.subject))",
        "an emergency in a train",
    ),
    "an unblocking is confirmed before it is durable": bug(
        blocks, "request", "return None", "durable(turn, token)", "an emergency in a train"
    ),
    "a lease is not needed": bug(
        conditions, "_lease", "return turn.state.lease if fresh", "return 'begin' if fresh", "granted", profile="robot"
    ),
    "a permit is granted near the target": bug(
        permits, "_grant", "or conditions.off_target(turn)", "", "charged", profile="robot"
    ),
    "a first trigger goes out near the target": bug(
        permits, "judge_trigger", "if not permit.begun", "if False", "granted", profile="robot"
    ),
    "an old lease is as good as a new one": bug(
        conditions, "_lease", 'if fresh else "none"', 'or "none"', "granted, and the arm loop hangs", profile="robot"
    ),
}


def plant(patch: pytest.MonkeyPatch, module: ModuleType, name: str, old: str, new: str) -> None:
    """Puts another line into a function of the gate, wherever a table or a module holds it."""
    function = vars(module)[name]
    source = textwrap.dedent(inspect.getsource(function))
    assert old in source, f"{module.__name__}.{name} has no {old!r} any more"
    scope: dict[str, object] = {}
    exec(compile(source.replace(old, new), f"<planted in {name}>", "exec"), vars(module) | scope, scope)  # noqa: S102
    planted = scope[name]
    assert isinstance(planted, FunctionType)
    for each in [each for key, each in sys.modules.items() if key.startswith("safety.")]:
        for key, value in vars(each).items():
            if value is function:
                patch.setattr(each, key, planted)
            elif isinstance(value, dict) and function in value.values():
                patch.setattr(each, key, {k: planted if v is function else v for k, v in value.items()})
            elif isinstance(value, tuple) and function in value:
                patch.setattr(each, key, tuple(planted if v is function else v for v in value))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("planted", PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_bug_is_found(planted: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    start = checkpoints(planted.profile, 0)[planted.checkpoint]
    for edit in planted.edits:
        plant(monkeypatch, *edit)
    with pytest.raises(InvariantBroken):
        search({planted.checkpoint: start}, 2)

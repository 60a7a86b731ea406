"""Every verb in every state: what is answered is what happened."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from daemon.room import Done, Refused, Snapshot
from tests.daemon.guard_in_memory import HASH, NONCE

pytestmark = pytest.mark.looptime(noop_cycles=0)  # nothing here is outside the loop
Verb = Callable[[Any], Awaitable[Any]]

ASKED: dict[str, Verb] = {
    "start": lambda stage: stage.room.start(stage.order, "operator"),
    "continue": lambda stage: stage.room.continue_session(None, "a reason", "mark F3", "operator"),
    "release": lambda stage: stage.room.release(HASH, NONCE, "operator"),
    "pause": lambda stage: stage.room.pause("operator"),
    "lower": lambda stage: stage.room.lower(900, "operator"),
    "reset": lambda stage: stage.room.reset(NONCE, "operator"),
    "resolve": lambda stage: stage.room.resolve(next(iter(stage.guard.unknown), 7), "felt", NONCE, "operator"),
    "end": lambda stage: stage.room.end("operator"),
    "stop": lambda stage: stage.room.stop("operator"),
}
AT_REST = {"positioning", "paused", "tripped", "unknown-pulses"}
HAPPENED: dict[str, Callable[[Snapshot], bool]] = {
    "start": lambda room: room.phase == "positioning",
    "continue": lambda room: room.phase == "positioning",
    "release": lambda room: room.phase in ("gap", "arming", "armed"),
    "pause": lambda room: room.phase == "paused",
    "lower": lambda room: room.intensity_tenths == 900,
    "reset": lambda room: room.trip is None and room.phase == "paused",
    "resolve": lambda room: not room.unknown and room.phase == "paused",
    "end": lambda room: room.phase == "ended-early" and room.report is not None and Path(room.report).exists(),
    "stop": lambda room: room.phase in ("ended-early", "done", "idle"),
}
"""What must be so once a verb was answered with Done."""
DONE = {
    "idle": {"start", "stop"},
    "positioning": {"release", "pause", "lower", "end", "stop"},
    "gap": {"pause", "lower", "end", "stop"},
    "arming": {"pause", "lower", "end", "stop"},
    "armed": {"pause", "lower", "end", "stop"},
    "train": {"pause", "end", "stop"},
    "held": {"pause", "lower", "end", "stop"},
    "paused": {"release", "pause", "lower", "end", "stop"},
    "tripped": {"lower", "reset", "end", "stop"},
    "unknown-pulses": {"lower", "resolve", "end", "stop"},
    "done": {"start", "stop"},
    "ended-early": {"start", "continue", "stop"},
}


async def bring(stage: Any, state: str) -> None:
    """The room in one of its states."""
    if state == "idle":
        stage.task = asyncio.create_task(stage.room.run())
        stage.guard.push()
        return
    await stage.opened()
    if state == "unknown-pulses":
        stage.guard.deliver = lambda pulses: (pulses, "unknown")
    if state != "positioning":
        await stage.released()
    await go_on(stage, state)
    await stage.reaches(state)


async def go_on(stage: Any, state: str) -> None:
    """What brings a released session into a state it does not reach by itself."""
    match state:
        case "held":
            stage.guard.holding("presence-old")
        case "paused":
            await stage.room.pause("operator")
        case "tripped":
            await stage.reaches("armed")
            stage.guard.trip_with("late-tick")
        case "done":
            await stage.over()
        case "ended-early":
            await stage.room.end("operator")
        case "train":
            while not stage.guard.trigger_times_us:
                await asyncio.sleep(0.02)


@pytest.mark.parametrize(("state", "verb"), [(state, verb) for state in DONE for verb in sorted(DONE[state])])
async def test_a_verb_that_is_answered_with_done_was_done(stage: Any, state: str, verb: str) -> None:
    await bring(stage, state)
    answer = await ASKED[verb](stage)

    assert isinstance(answer, Done), answer
    assert HAPPENED[verb](stage.room.status())


@pytest.mark.parametrize("state", DONE)
async def test_a_verb_that_has_no_place_is_refused_with_a_sentence_and_changes_nothing(stage: Any, state: str) -> None:
    await bring(stage, state)
    for verb in set(ASKED) - DONE[state]:
        before = stage.room.status()
        if before.phase != state:
            break  # a train is over while we ask
        answer = await ASKED[verb](stage)
        after = stage.room.status()

        assert isinstance(answer, Refused), verb
        what, *rest = answer.sentence.split(". ")
        assert what, verb
        assert rest, f"{verb}: {answer.sentence!r} says no next step"
        assert (after.phase, after.session, after.trip, after.unknown) == (
            before.phase, before.session, before.trip, before.unknown,
        ), verb  # fmt: skip


async def test_a_pause_that_comes_with_the_last_pulse_says_that_the_session_is_complete(stage: Any) -> None:
    stage.guard.plan = stage.guard.plan[:1]
    stage.guard._drop = lambda *_: None  # too late: the train runs to its end
    await stage.begun()
    await stage.reaches("train")
    while not stage.guard.trigger_times_us:
        await asyncio.sleep(0.02)
    answer = await stage.room.pause("operator")

    assert isinstance(answer, Refused)
    assert "complete" in answer.sentence


async def test_a_pause_whose_train_is_not_accounted_for_says_so(stage: Any) -> None:
    stage.guard._settle = lambda *_: None
    stage.guard._drop = lambda *_: None
    await stage.begun()
    await stage.reaches("train")
    while not stage.guard.trigger_times_us:
        await asyncio.sleep(0.02)
    answer = await stage.room.pause("operator")

    assert isinstance(answer, Refused)
    assert "accounted for" in answer.sentence

"""The judge: what was done, from when it was due; settled is settled."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.practice.acts import KNOWN, Act
from daemon.practice.judge import Judged, due, happens_now, hint_due, judge, over, result
from daemon.practice.scenario import BEGIN, Scenario, load, names

S = 1_000_000
SNEEZE, SEIZURE = load("sneeze"), load("seizure")
CAME = {BEGIN: 0, "sneeze": 100 * S}
RELEASE = Act(50 * S, "release")
REASON = ("note", "reason", "sneeze")


def outcomes(judged: tuple[Judged, ...]) -> dict[str, str]:
    return {one.step.name: one.outcome for one in judged}


def test_a_trainee_who_does_it_all_in_time_misses_nothing() -> None:
    acts = (RELEASE, Act(103 * S, "pause"), Act(104 * S, *REASON), Act(120 * S, "resume"), Act(150 * S, "completed"))
    judged = judge(SNEEZE, CAME, acts, 151 * S)

    assert set(outcomes(judged).values()) == {"done"}
    assert [one.seconds for one in judged] == [50, 3, 4, 17, 30]
    assert over(SNEEZE, CAME, judged, 151 * S)


def test_what_comes_after_its_limit_is_late_and_what_never_comes_is_missed() -> None:
    acts = (RELEASE, Act(109 * S, "pause"))
    judged = judge(SNEEZE, CAME, acts, 140 * S)

    assert outcomes(judged) == {
        "begin-trains": "done", "pause": "late", "reason": "missed", "resume": "due", "complete": "waits",
    }  # fmt: skip
    assert judged[3].since_us == 108 * S, "from when the pause should have been"
    assert [step.outcome for step in result(SNEEZE, judged).steps] == ["done", "late", "missed", "missed", "missed"]


def test_what_was_done_before_it_was_called_for_does_not_count() -> None:
    early = (RELEASE, Act(60 * S, "pause"), Act(60 * S, *REASON))
    assert outcomes(judge(SNEEZE, CAME, early, 101 * S))["pause"] == "due"
    assert outcomes(judge(SNEEZE, {BEGIN: 0}, early, 101 * S))["pause"] == "waits"


@pytest.mark.parametrize("other", [("note", "reason", "moved"), ("note", "stamp", "onset"), ("pause", "", "")])
def test_another_note_is_not_the_one_that_was_due(other: tuple[str, str, str]) -> None:
    for act, outcome in ((other, "due"), (REASON, "done")):
        judged = judge(SNEEZE, CAME, (RELEASE, Act(104 * S, *act)), 105 * S)
        assert outcomes(judged)["reason"] == outcome


def test_the_time_to_stop_runs_from_what_called_for_it() -> None:
    came = {BEGIN: 0, "seizure": 200 * S}
    pressed = judge(SEIZURE, came, (RELEASE, Act(203_400_000, "emergency")), 210 * S)
    assert result(SEIZURE, pressed).stop_s == 3.4
    assert result(SEIZURE, judge(SEIZURE, came, (RELEASE,), 300 * S)).stop_s is None
    assert result(SNEEZE, judge(SNEEZE, CAME, (RELEASE, Act(103 * S, "pause")), 104 * S)).stop_s is None


def test_a_scenario_ends_by_itself() -> None:
    judged = judge(SNEEZE, {BEGIN: 0}, (), 60 * S)
    assert not over(SNEEZE, {BEGIN: 0}, judged, 60 * S)
    assert over(SNEEZE, {BEGIN: 0}, judged, 1201 * S)


def test_a_hint_is_due_after_half_the_time_or_half_a_minute() -> None:
    judged = judge(SNEEZE, {BEGIN: 0}, (), 29 * S)
    first = due(judged)
    assert first is not None
    assert first.step.name == "begin-trains"
    assert [hint_due(first, at * S) for at in (29, 30)] == [False, True]
    pause = due(judge(SNEEZE, CAME, (RELEASE,), 101 * S))
    assert pause is not None
    assert [hint_due(pause, at * S) for at in (103, 104)] == [False, True]
    assert not hint_due(judged[-1], 10**12)


# --- when something happens -------------------------------------------------------------------------------------------


def sneezes(phases: list[tuple[int, str]], now_us: int, *, acts: tuple[Act, ...] = (RELEASE,), pulses: int = 0) -> bool:
    judged = judge(SNEEZE, {BEGIN: 0}, acts, now_us)
    return happens_now(SNEEZE.happens[0], {BEGIN: 0}, judged, phases, pulses, now_us)


def test_a_happening_waits_for_its_phase_after_what_it_comes_after() -> None:
    train = [(60 * S, "train")]
    assert not sneezes([], 61 * S)
    assert not sneezes([(60 * S, "gap")], 61 * S)
    assert not sneezes([(40 * S, "train")], 61 * S), "before the release"
    assert not sneezes(train, 61 * S, acts=())
    assert not sneezes(train, 60 * S + 699_999)
    assert sneezes(train, 60 * S + 700_000)


def test_the_second_time_is_not_the_first() -> None:
    one = SEIZURE.happens[0]
    judged = judge(SEIZURE, {BEGIN: 0}, (RELEASE,), 100 * S)
    trains = [(60 * S, "train"), (70 * S, "train")]
    assert not happens_now(one, {BEGIN: 0}, judged, trains[:1], 0, 100 * S)
    assert happens_now(one, {BEGIN: 0}, judged, trains, 0, 100 * S)


def test_so_many_pulses_are_waited_for() -> None:
    one = SNEEZE.happens[0].model_copy(update={"when": SNEEZE.happens[0].when.model_copy(
        update={"after": BEGIN, "phase": None, "seconds": 0, "pulses": 30})})  # fmt: skip
    assert [happens_now(one, {BEGIN: 0}, (), [], pulses, S) for pulses in (29, 30)] == [False, True]


# --- what holds whatever is done --------------------------------------------------------------------------------------

NOTED = [step.note for name in names() for step in load(name).steps if step.note]
verbs = st.sampled_from(sorted(KNOWN - {"note"})).map(lambda verb: (verb, "", ""))
notes = st.sampled_from(NOTED).map(lambda note: ("note", *(*note, "other")[:2]))
times = st.integers(0, 1000).map(lambda tenths: tenths * 100_000)


@st.composite
def stories(draw: Any) -> tuple[Scenario, dict[str, int], tuple[Act, ...]]:
    scenario = load(draw(st.sampled_from(names())))
    came = {BEGIN: 0, **{one.name: draw(times) for one in scenario.happens if draw(st.booleans())}}
    acts = [Act(draw(times), *draw(verbs | notes)) for _ in range(draw(st.integers(0, 12)))]
    return scenario, came, tuple(sorted(acts, key=lambda act: act.at_us))


@given(stories(), times, times)
def test_a_step_that_is_settled_stays_as_it_is(
    story: tuple[Scenario, dict[str, int], tuple[Act, ...]], one_us: int, other_us: int
) -> None:
    """But for what comes late after all: that was missed, and is told as late."""
    scenario, came, acts = story
    early_us, late_us = sorted((one_us, other_us))
    before = judge(scenario, {name: at for name, at in came.items() if at <= early_us}, acts, early_us)
    for then, now in zip(before, judge(scenario, came, acts, late_us), strict=True):
        if then.outcome in ("done", "late"):
            assert now == then
        if then.outcome == "missed":
            assert now.outcome in ("missed", "late")
            assert now.settled_us == then.settled_us


@given(stories(), times)
def test_nothing_is_done_before_it_was_due_nor_after_now(
    story: tuple[Scenario, dict[str, int], tuple[Act, ...]], now_us: int
) -> None:
    scenario, came, acts = story
    for one in judge(scenario, came, acts, now_us):
        assert (one.done_us is not None) == (one.outcome in ("done", "late"))
        if one.done_us is not None and one.since_us is not None:
            assert one.since_us < one.done_us <= now_us
        if one.outcome == "waits":
            assert one.since_us is None
        if one.outcome == "done" and one.step.within_s is not None:
            assert one.seconds is not None
            assert one.seconds <= one.step.within_s + 0.05

"""The mutation gate itself: what it must not let pass, and the control that passes."""

from __future__ import annotations

import tomllib
from collections import Counter

import pytest

from tests.mutation.judgement import Mutant, complaints
from tests.mutation.tree import ROOT

SHELLS = {
    "__main__", "connections", "doors", "ledger", "ledger_bench", "ledger_cli", "ledger_files", "ledger_link",
    "ledger_show", "ledger_unlock", "ledger_writer", "realtime", "start", "watchdog",
}  # fmt: skip
"""Modules that do input and output: tested with real files, sockets and processes."""

NO_BODIES = {"__init__", "events", "instant", "ledger_errors", "reasons"}
"""Modules that are declarations: nothing in them for mutmut to change."""

CANARIES = [
    Mutant("safety.canary.x_watched__mutmut_1", "killed"),
    Mutant("safety.canary.x_unwatched__mutmut_1", "survived"),
]
KILLED = Mutant("safety.rules.x_judge__mutmut_1", "killed")
SURVIVOR = Mutant("safety.rules.x_judge__mutmut_2", "survived", "-    a < b\n+    a <= b")


def judged(*mutants: Mutant, explained: dict[str, str] | None = None, unevaluated: int = 0) -> list[str]:
    found = [*CANARIES, *mutants]
    made = Counter(mutant.module for mutant in found)
    made["safety.rules"] += unevaluated
    return complaints(found, made, explained or {})


def test_all_killed_and_both_canaries_as_they_should_be_passes() -> None:
    assert judged(KILLED) == []


def test_a_survivor_nobody_explained_fails() -> None:
    (complaint,) = judged(KILLED, SURVIVOR)

    assert SURVIVOR.name in complaint
    assert SURVIVOR.change in complaint


def test_a_survivor_that_is_explained_passes() -> None:
    assert judged(KILLED, SURVIVOR, explained={SURVIVOR.mark: "both ends are excluded by the caller"}) == []


def test_an_explanation_outlives_another_number_and_not_another_line() -> None:
    renumbered = Mutant("safety.rules.x_judge__mutmut_9", "survived", SURVIVOR.change)
    rewritten = Mutant(SURVIVOR.name, "survived", "-    a < c\n+    a <= c")

    assert renumbered.mark == SURVIVOR.mark
    assert rewritten.mark != SURVIVOR.mark


def test_an_explanation_that_explains_nothing_fails() -> None:
    (complaint,) = judged(KILLED, explained={SURVIVOR.mark: "once true"})

    assert "explained and does not survive" in complaint


@pytest.mark.parametrize("verdict", ["no test", "ended oddly (5)"])
def test_a_mutant_that_no_test_judged_fails(verdict: str) -> None:
    assert len(judged(Mutant(KILLED.name, verdict))) == 1


@pytest.mark.parametrize("verdict", ["timed out", "crashed"])
def test_a_mutant_that_hangs_or_crashes_counts_as_noticed(verdict: str) -> None:
    assert judged(Mutant(KILLED.name, verdict)) == []


def test_a_mutant_that_was_made_and_not_evaluated_fails() -> None:
    (complaint,) = judged(KILLED, unevaluated=2)

    assert "3 mutants were made and 1 evaluated" in complaint


def test_a_module_of_which_nothing_was_made_fails() -> None:
    assert judged() == ["safety.rules: 0 mutants were made and 0 evaluated"]


def test_a_watched_canary_that_survives_fails() -> None:
    both = [Mutant(canary.name, "survived") for canary in CANARIES]

    assert len(complaints(both, Counter({"safety.canary": 2}), {})) == 1


def test_an_unwatched_canary_that_is_killed_fails() -> None:
    both = [Mutant(canary.name, "killed") for canary in CANARIES]

    assert len(complaints(both, Counter({"safety.canary": 2}), {})) == 1


def test_a_run_without_canaries_fails() -> None:
    assert complaints([KILLED], Counter({"safety.rules": 1}), {}) == ["there was no canary"]


def test_every_module_of_safety_is_mutated_or_named_as_one_that_is_not() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    mutated = {
        pattern.removeprefix("safety/").removesuffix(".py") for pattern in settings["tool"]["mutmut"]["only_mutate"]
    }

    assert mutated | SHELLS | NO_BODIES == {path.stem for path in (ROOT / "safety").glob("*.py")}
    assert not mutated & (SHELLS | NO_BODIES)

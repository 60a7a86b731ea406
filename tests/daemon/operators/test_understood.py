"""What a person reads before they release: the trains that the watchdog understood, with their levels."""

from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console

from daemon.cli.show import understood
from daemon.messages import Answer, Code


def run(trains: int, level_tenths: int, pulses: int = 20, gap_us: int = 6_000_000) -> dict[str, int]:
    return {"trains": trains, "pulses": pulses, "rate_tenths": 100, "level_tenths": level_tenths, "gap_us": gap_us}


def row_shown(name: str, slow_tracker: str = "", **told: Any) -> str:
    detail = {"understood": told, "slow_tracker": slow_tracker}
    answer = Answer(id="1", ok=True, code=Code.OK, state_seq=1, detail=detail)
    console = Console(width=200)
    with console.capture() as shown:
        console.print(understood(answer))
    (row,) = [text for text in shown.get().splitlines() if name in text]
    return row.partition(name)[2].strip(" │")


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ([run(1, 500, gap_us=0), run(2, 500)], "3 x 20 pulses at 10 Hz, 50.0 % MSO, 6 s between"),
        (
            [run(1, 400, gap_us=0), run(1, 425), run(4, 500)],
            "6 x 20 pulses at 10 Hz, 40.0 → 42.5 → 50.0 % MSO, 6 s between",
        ),
        ([run(1, 400, gap_us=0), run(4, 500), run(1, 500, pulses=7)], "6 in 3 groups, 40.0 → 50.0 % MSO"),
    ],
)
def test_the_levels_of_a_plan_are_shown_in_the_order_they_come(plan: list[dict[str, int]], words: str) -> None:
    assert row_shown("trains", plan=plan) == words


def test_that_no_lab_has_shown_disarming_to_cut_a_train_is_read_before_the_release() -> None:
    assert row_shown("disarm", disarm_cuts_train="assumed") == "assumed to cut a running train; no lab has shown it"
    assert row_shown("disarm", disarm_cuts_train="no") == "does not cut a running train"


@pytest.mark.parametrize(
    ("noticed", "words"),
    [(False, "38999 pulses so far"), (True, "38999 pulses so far: a long course, ask whoever prescribed it")],
)
def test_a_long_course_is_shown_to_whoever_releases(*, noticed: bool, words: str) -> None:
    assert row_shown("course", course=38_999, course_notice=noticed) == words


def test_what_a_slow_tracker_costs_is_read_before_the_release() -> None:
    assert row_shown("tracker", slow_tracker="It sends 20 frames a second.") == "It sends 20 frames a second."

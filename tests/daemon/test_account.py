"""The account of a train: only what the watchdog told counts."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from daemon.account import Account, SetTo
from daemon.plan import How, Planned
from drivers.quantities import Hertz, PercentMso, PercentRmt, Train

DEVICE = Planned(Train(20, Hertz(100)), PercentRmt(1000), 6_000_000)
HOST = Planned(Train(5, Hertz(10)), PercentRmt(1000), 1_000_000, How.HOST)


def account(planned: Planned = DEVICE) -> Account:
    return Account(planned, 1, SetTo(PercentMso(500), PercentRmt(1000), "coil-1"))


def trigger(permit: int = 1, index: int = 0, at: int = 1_000_000, *, late: bool = False) -> dict[str, Any]:
    return {"kind": "trigger", "permit": permit, "index": index, "planned_us": at, "at_us": at, "late": late}


def settled(pulses: int, permit: int = 1, index: int = 0, outcome: str = "delivered", **more: Any) -> dict[str, Any]:
    told = {"low": pulses, "high": pulses, "by": "running", "outcome": outcome}
    return {"kind": "settled", "permit": permit, "index": index, "pulses": pulses, "at_us": 0, **told, **more}


def test_a_granted_train_is_open_until_it_is_settled() -> None:
    one = account()
    one.permitted(1, 20)
    assert not one.closed
    one.hear(trigger())
    assert not one.closed
    one.hear(settled(20))
    assert one.closed
    assert (one.commanded, one.settled, one.unknown) == (20, 20, 0)
    assert one.last_pulse_us == 2_900_000


def test_a_permit_told_twice_counts_once() -> None:
    one = account()
    one.permitted(1, 20)
    one.permitted(1, 20)

    assert one.permitted_pulses == 20


def test_a_permit_taken_back_before_its_trigger_closes_the_train_with_nothing() -> None:
    one = account()
    one.permitted(1, 20)
    one.hear({"kind": "withdrawn", "permit": 1})

    assert one.closed
    assert (one.commanded, one.settled, list(one.rows())) == (0, 0, [])


def test_a_stop_does_not_close_a_train_whose_pulses_are_under_way() -> None:
    one = account(HOST)
    one.permitted(1, 5)
    one.hear(trigger())
    one.hear({"kind": "stop", "reason": "stop-asked"})
    assert not one.closed
    one.hear(settled(1))
    assert one.closed
    assert one.settled == 1


def test_events_of_other_permits_are_nothing_to_it() -> None:
    one = account()
    one.permitted(1, 20)
    one.hear(trigger(permit=2))
    one.hear(settled(20, permit=2))

    assert not one.closed
    assert one.commanded == 0


def test_pulses_left_out_are_accounted_for_and_missing() -> None:
    one = account(HOST)
    one.permitted(1, 5)
    for index in range(5):
        if index == 2:
            one.hear({"kind": "left-out", "permit": 1, "index": index, "planned_us": 9})
        else:
            one.hear(trigger(index=index, late=index == 4))
            one.hear(settled(1, index=index, by="accepted"))
    rows = list(one.rows())

    assert one.closed
    assert (one.commanded, one.settled) == (4, 4)
    assert [row["flags"] for row in rows] == [[], [], ["missed"], [], ["late"]]
    assert rows[2]["verdict"] == "left-out"


def test_a_refused_trigger_is_proof_that_nothing_went_out() -> None:
    one = account()
    one.permitted(1, 20)
    one.hear(trigger())
    one.hear({"kind": "not-delivered", "permit": 1, "index": 0, "at_us": 5})

    assert one.closed
    assert one.settled == 0
    assert {row["verdict"] for row in one.rows()} == {"refused"}


def test_pulses_beyond_what_was_asked_have_their_rows() -> None:
    one = account()
    one.permitted(1, 20)
    one.hear(trigger())
    one.hear(settled(23))
    rows = list(one.rows())

    assert len(rows) == 23
    assert [row["flags"] for row in rows[19:]] == [[], ["extra"], ["extra"], ["extra"]]


def test_a_trigger_nobody_settled_is_unknown_in_every_row() -> None:
    one = account()
    one.permitted(1, 20)
    one.hear(trigger())

    assert {tuple(row["flags"]) for row in one.rows()} == {("unknown",)}


@given(st.integers(min_value=0, max_value=20), st.sampled_from(["delivered", "cut"]))
def test_every_commanded_pulse_has_one_row_and_the_missed_ones_say_so(pulses: int, outcome: str) -> None:
    one = account()
    one.permitted(1, 20)
    one.hear(trigger())
    one.hear(settled(pulses, outcome=outcome))
    rows = list(one.rows())

    assert [row["pulse"] for row in rows] == list(range(20))
    assert sum("missed" in row["flags"] for row in rows) == 20 - pulses
    assert [row["planned_us"] for row in rows] == list(DEVICE.train.pulse_times_us(1_000_000))


@given(st.permutations(["assumed", "accepted", "running", "counted", "something new"]))
def test_the_evidence_of_a_train_is_the_weakest_of_its_pulses(kinds: list[str]) -> None:
    one = account(HOST)
    one.permitted(1, 5)
    for index, kind in enumerate(kinds):
        one.hear(trigger(index=index))
        one.hear(settled(1, index=index, by=kind))

    assert one.evidence == "something new"

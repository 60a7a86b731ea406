"""Which commands move anything: each refusal beside the same command that passes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from daemon.commands import ID_LIFE_US, MOST_IDS, NONCE_LIFE_US, Ids, Nonces
from daemon.desk import MOST_WAITING
from daemon.messages import Code, Role
from daemon.room import Refused
from daemon.verbs import VERBS, may
from tests.daemon.operators.raw_commands import code_and_reason, in_memory, raw, until_asked


async def test_a_retained_command_is_refused(house: Any) -> None:
    olga = await raw(house)
    assert code_and_reason(await olga.send("start", retain=True)) == (Code.STALE, "retained")
    assert house.room.asked == []
    assert (await olga.send("start")).ok


async def test_a_second_command_with_the_same_id_is_refused(house: Any) -> None:
    olga = await raw(house)
    assert (await olga.send("pause", id="the-same-id")).ok
    assert code_and_reason(await olga.send("pause", id="the-same-id")) == (Code.REPEATED, "repeated")
    assert (await olga.send("pause", id="another-id")).ok
    assert len(house.room.asked) == 2


async def test_a_nonce_older_than_two_seconds_is_refused(house: Any) -> None:
    olga = await raw(house)
    old = house.room.snapshot.nonce
    house.clock.us += NONCE_LIFE_US
    assert (await olga.send("pause", nonce=old)).ok
    house.clock.us += 1
    assert code_and_reason(await olga.send("pause", nonce=old)) == (Code.STALE, "stale")
    house.nonce("1")
    assert (await olga.send("pause")).ok


@in_memory
@pytest.mark.parametrize("nonce", [None, "f" * 32])
async def test_a_nonce_the_watchdog_never_gave_is_refused(house: Any, nonce: str | None) -> None:
    olga = await raw(house)
    assert code_and_reason(await olga.send("release", nonce=nonce)) == (Code.STALE, "stale")


async def test_a_decision_about_a_room_that_has_changed_is_refused(house: Any) -> None:
    olga = await raw(house)
    seen = house.decision.seq
    house.room.show(phase="positioning")
    assert code_and_reason(await olga.send("release", state_seq=seen)) == (Code.CONFLICT, "conflict")
    assert (await olga.send("release")).ok


async def test_counts_do_not_make_a_decision_old(house: Any) -> None:
    olga = await raw(house)
    seen = house.decision.seq
    house.room.show(train=2, watchdog={"today": 60}, level_tenths=550)
    assert (await olga.send("release", state_seq=seen)).ok


@pytest.mark.parametrize("verb", ["pause", "lower"])
async def test_what_makes_the_room_safer_quotes_a_nonce_only(house: Any, verb: str) -> None:
    olga = await raw(house)
    assert (await olga.send(verb, state_seq=None)).ok
    assert code_and_reason(await olga.send(verb, nonce=None)) == (Code.STALE, "stale")


async def test_lower_does_not_raise(house: Any) -> None:
    olga = await raw(house)
    house.room.show(intensity_tenths=1000)
    assert code_and_reason(await olga.send("lower", intensity_tenths=1001)) == (Code.REJECTED, "not-lower")
    assert (await olga.send("lower", intensity_tenths=1000)).ok
    assert (await olga.send("raise", intensity_tenths=1001)).ok


@pytest.mark.parametrize("verb", ["stop", "emergency"])
async def test_stop_and_emergency_quote_nothing_and_need_no_control(house: Any, verb: str) -> None:
    vera = await raw(house, "vera", control=False)
    assert (await vera.send(verb, nonce=None, state_seq=None)).ok
    assert house.room.asked == [(verb, "vera")]


@pytest.mark.parametrize("body", [b"", b"STOP", b"{", b"[]", b"\xff" * 9000])
@pytest.mark.parametrize("verb", ["stop", "emergency"])
async def test_a_stop_nobody_can_read_stops(house: Any, verb: str, body: bytes) -> None:
    vera = await raw(house, "vera", control=False)
    assert (await vera.send(verb, body=body)).ok
    assert house.room.asked == [(verb, "vera")]


@in_memory
async def test_an_emergency_that_was_left_with_the_broker_stops_and_is_none(house: Any) -> None:
    vera = await raw(house, "vera", control=False)
    await vera.send("emergency", retain=True)
    assert house.room.asked == [("stop", "vera")]


@in_memory
async def test_an_emergency_does_not_wait_for_a_stop_that_hangs_and_a_second_joins_the_first(house: Any) -> None:
    vera, otto = await raw(house, "vera", control=False), await raw(house, "otto", control=False)
    house.room.gate.clear()
    sent = [asyncio.create_task(vera.send("stop"))]
    await until_asked(house, 1)
    sent.append(asyncio.create_task(vera.send("emergency")))
    await until_asked(house, 2)
    sent.append(asyncio.create_task(otto.send("emergency")))
    await asyncio.sleep(0.05)
    house.room.gate.set()
    assert all(answer.ok for answer in await asyncio.gather(*sent))
    assert [call[0] for call in house.room.asked] == ["stop", "emergency"]


async def test_a_stop_overtakes_a_start_that_hangs_and_a_second_joins_the_first(house: Any) -> None:
    olga = await raw(house)
    vera, otto, enzo = [await raw(house, user, control=False) for user in ("vera", "otto", "enzo")]
    house.room.gate.clear()
    sent = [asyncio.create_task(olga.send("start"))]
    await house.room.asked_again.wait()
    house.room.asked_again.clear()
    sent.append(asyncio.create_task(vera.send("stop")))
    await house.room.asked_again.wait()
    sent.append(asyncio.create_task(otto.send("stop")))
    assert code_and_reason(await enzo.send("pause", nonce=None)) == (Code.STALE, "stale"), "the second STOP is in"
    house.room.gate.set()
    assert all(answer.ok for answer in await asyncio.gather(*sent))
    assert [call[0] for call in house.room.asked] == ["start", "stop"]


@in_memory
@pytest.mark.parametrize(
    ("user", "verb", "passes"), [("vera", "stop", True), ("olga", "reset", True), ("enzo", "reset", True)]
)
async def test_roles_may_what_the_table_says(house: Any, user: str, verb: str, *, passes: bool) -> None:
    assert may({"vera": Role.VIEWER, "olga": Role.OPERATOR, "enzo": Role.ENGINEER}[user], VERBS[verb])
    assert (await (await raw(house, user, control=False)).send(verb)).ok is passes


def test_each_role_may_all_that_the_one_before_it_may() -> None:
    grants = {role: {name for name, verb in VERBS.items() if may(role, verb)} for role in Role}
    assert [role.value for role in Role] == ["viewer", "operator", "physician", "engineer"]
    assert grants[Role.VIEWER] < grants[Role.OPERATOR] <= grants[Role.PHYSICIAN] <= grants[Role.ENGINEER]


async def test_without_control_nothing_begins(house: Any) -> None:
    olga, otto = await raw(house), await raw(house, "otto", control=False)
    assert code_and_reason(await otto.send("start")) == (Code.FORBIDDEN, "no-control")
    assert code_and_reason(await otto.send("take")) == (Code.FORBIDDEN, "held-by")
    assert (await olga.send("hand-over")).ok
    assert (await olga.send("start")).ok, "control stays with the holder until it is taken"
    assert (await otto.send("take")).ok
    assert code_and_reason(await olga.send("start")) == (Code.FORBIDDEN, "no-control")
    assert (await otto.send("start")).ok


@in_memory
@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"{}", b'{"id":"command-x","client":"raw","surprise":1}', b'{"id":7,"client":"raw"}', b" " * 5000],
)
async def test_a_command_nobody_can_read_is_answered_and_moves_nothing(house: Any, body: bytes) -> None:
    olga = await raw(house)
    assert code_and_reason(await olga.send("pause", body=body)) == (Code.MALFORMED, "malformed")
    assert house.room.asked == []
    assert (await olga.send("pause")).ok


async def test_the_room_s_own_refusal_is_handed_on(house: Any) -> None:
    olga = await raw(house)
    house.room.answer = Refused("day-limit", "The day is full.")
    answer = await olga.send("start")
    assert (answer.code, answer.reason) == (Code.REJECTED, "day-limit")
    assert answer.sentence is not None
    assert answer.sentence.what == "The day is full."


async def test_more_commands_than_the_desk_holds_are_answered_busy(house: Any) -> None:
    olga = await raw(house)
    house.room.gate.clear()
    sent = [asyncio.create_task(olga.send("end")) for _ in range(MOST_WAITING + 1)]
    async with asyncio.timeout(5):
        first = (await asyncio.wait(sent, return_when=asyncio.FIRST_COMPLETED))[0].pop().result()
    assert code_and_reason(first) == (Code.BUSY, "busy")
    house.room.gate.set()
    others = await asyncio.gather(*sent)
    assert sum(answer.ok for answer in others) == MOST_WAITING


async def test_nobody_has_an_answer_sent_to_somebody_else(house: Any) -> None:
    olga, otto = await raw(house), await raw(house, "otto", control=False)
    await olga.bus.publish(
        "coilward/v1/room1/cmd/olga/pause", b"not readable", reply_to="coilward/v1/room1/reply/otto/raw"
    )
    assert (await otto.send("stop")).ok
    assert otto.answers.empty()


async def test_a_fault_of_ours_is_answered_and_then_ends_the_desk(house: Any) -> None:
    olga = await raw(house)
    house.room.fault = RuntimeError("a bug")
    assert code_and_reason(await olga.send("start")) == (Code.ERROR, "fault")
    ended, _ = await asyncio.wait([house.serving], timeout=5)
    assert ended, "the answer is under way before the desk has ended"


def test_only_so_many_nonces_are_remembered_and_an_old_one_cannot_become_new() -> None:
    nonces = Nonces()
    nonces.note("a", 0)
    nonces.note("a", NONCE_LIFE_US)
    assert nonces.fresh("a", NONCE_LIFE_US)
    assert not nonces.fresh("a", NONCE_LIFE_US + 1)
    for number in range(100):
        nonces.note(str(number), NONCE_LIFE_US)
    assert not nonces.fresh("0", NONCE_LIFE_US)
    assert nonces.fresh("99", NONCE_LIFE_US)


def test_ids_are_remembered_for_ten_minutes_by_user_and_at_most_so_many() -> None:
    ids = Ids()
    assert ids.first("olga", "x", 0)
    assert not ids.first("olga", "x", ID_LIFE_US)
    assert ids.first("otto", "x", ID_LIFE_US)
    assert ids.first("olga", "x", ID_LIFE_US + 1)
    for number in range(MOST_IDS):
        assert ids.first("olga", str(number), ID_LIFE_US + 1)
    assert ids.first("otto", "x", ID_LIFE_US + 1), "the oldest made room"

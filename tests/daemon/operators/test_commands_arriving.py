"""What was asked reaches the room as it was asked, and what nobody may ask does not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from daemon.messages import Code, Role
from daemon.room import Measured, Order, Recorded
from daemon.verbs import VERBS, may
from drivers.poses import Pose
from tests.daemon.calibration_world import calibrated
from tests.daemon.operators.raw_commands import code_and_reason, in_memory, raw, until_asked
from tests.daemon.registered_head import registration


@in_memory
@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in ("take", "hand-over", "let-go")])
async def test_every_verb_reaches_the_room_from_whoever_holds_control(house: Any, verb: str) -> None:
    user = "olga" if may(Role.OPERATOR, VERBS[verb]) else "paola"
    holder = await raw(house, user)
    answer = await holder.send(verb)
    assert answer.ok
    assert len(house.room.asked) == 1
    assert house.room.asked[0][-1] == user


@in_memory
async def test_what_is_noted_and_looked_up_arrives_as_it_was_asked_and_waits_for_nothing(house: Any) -> None:
    vera, otto = await raw(house, "vera", control=False), await raw(house, "otto", control=False)
    olga = await raw(house)
    house.room.gate.clear()
    hanging = asyncio.create_task(olga.send("start"))
    await until_asked(house, 1)
    sent = [
        asyncio.create_task(vera.send("history", before=7, most=3, nonce=None)),
        asyncio.create_task(otto.send("note", kind="adverse", what="headache", text="behind the left eye")),
    ]
    await until_asked(house, 3)
    house.room.gate.set()
    assert all(answer.ok for answer in await asyncio.gather(hanging, *sent))
    assert sorted(house.room.asked[1:]) == [
        ("history", 7, 3, "vera"),
        ("note", "adverse", "headache", "behind the left eye", "otto"),
    ]
    assert (await vera.send("read-journal", kinds=["note", "train"], before=9)).ok
    assert house.room.asked[-1] == ("read-journal", None, 9, 100, ("note", "train"), "vera")
    assert code_and_reason(await vera.send("note")) == (Code.FORBIDDEN, "role")


@in_memory
@pytest.mark.parametrize(
    "note",
    [
        {"kind": "reason", "what": "headache"},
        {"kind": "reason", "what": "../sneeze"},
        {"kind": "rumour", "what": "other"},
        {"text": "two\nlines"},
        {"text": "\x1b[2J"},
        {"text": "x" * 501},
    ],
)
async def test_a_note_off_the_list_or_with_what_nobody_can_read_is_refused(house: Any, note: dict[str, Any]) -> None:
    olga = await raw(house)
    assert code_and_reason(await olga.send("note", **note)) == (Code.MALFORMED, "malformed")
    assert (await olga.send("note", text="x" * 500)).ok


@in_memory
@pytest.mark.parametrize("session", ["../../etc/pass", "ab", "AB" * 8, "*", ""])
async def test_a_report_is_asked_for_by_a_session_s_key_and_nothing_else(house: Any, session: str) -> None:
    vera = await raw(house, "vera", control=False)
    assert code_and_reason(await vera.send("read-report", session=session)) == (Code.MALFORMED, "malformed")
    assert code_and_reason(await vera.send("read-journal", session=session)) == (Code.MALFORMED, "malformed")


@in_memory
async def test_unblocking_takes_a_physician_and_no_control(house: Any) -> None:
    olga, paola = await raw(house), await raw(house, "paola", control=False)
    assert code_and_reason(await olga.send("unblock")) == (Code.FORBIDDEN, "role")
    assert (await paola.send("unblock")).ok
    assert house.room.asked == [("unblock", "S-01", "dr. Bianchi", "seen and well", house.room.snapshot.nonce, "paola")]
    assert (await olga.send("block")).ok


async def test_what_was_asked_arrives_as_it_was_asked(house: Any) -> None:
    olga = await raw(house)
    await olga.send("start", placement="C3", intensity_tenths=900)
    assert house.room.asked == [("start", Order("S-01", "demo", "C3", 900), "olga")]


@in_memory
async def test_a_threshold_is_filed_by_any_operator_who_asks_now(house: Any) -> None:
    await raw(house)
    otto = await raw(house, "otto", control=False)
    assert (await otto.send("file-threshold", state_seq=None, sd_tenths=12)).ok
    assert code_and_reason(await otto.send("file-threshold", nonce=None)) == (Code.STALE, "stale")
    assert code_and_reason(await otto.send("file-threshold", value_tenths=1001)) == (Code.MALFORMED, "malformed")
    vera = await raw(house, "vera", control=False)
    assert code_and_reason(await vera.send("file-threshold")) == (Code.FORBIDDEN, "role")

    assert house.room.asked == [("file-threshold", Measured("S-01", 425, "emg", 20, "coil-1", 12), "otto")]


@in_memory
async def test_what_places_the_coil_is_filed_by_the_holder_of_control_and_arrives_to_the_last_digit(house: Any) -> None:
    olga = await raw(house)
    otto = await raw(house, "otto", control=False)
    found, head = calibrated(), registration()
    for verb in ("file-calibration", "file-registration", "file-target"):
        assert code_and_reason(await otto.send(verb)) == (Code.FORBIDDEN, "no-control")
    assert (await olga.send("file-calibration", state_seq=None, calibration=found.model_dump(mode="json"))).ok
    sent = {"subject": "S-01", "registration": head.model_dump(mode="json")}
    assert (await olga.send("file-registration", state_seq=None, **sent)).ok
    assert code_and_reason(await olga.send("file-registration", subject="../S-01")) == (Code.MALFORMED, "malformed")
    assert (await olga.send("file-target", state_seq=None)).ok
    assert code_and_reason(await olga.send("file-target", nonce=None)) == (Code.STALE, "stale")

    place = Pose((0.0, 1.0, 0.0, 0.0), (0.03, 0.02, 0.11))
    assert house.room.asked == [
        ("file-calibration", found, "olga"), ("file-registration", "S-01", head, "olga"),
        ("file-target", Recorded("S-01", "left-m1", place, 0.005, 0.1, 0.2, 0.3, 0.4, "5e" * 32), "olga"),
    ]  # fmt: skip


@in_memory
@pytest.mark.parametrize(
    "change",
    [
        {"head_from_target": [0.0, 1.0, 0.0, 0.0, 0.31, 0.0, 0.0]},
        {"head_from_target": [2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.1]},
        {"head_from_target": [0.0, 1.0, 0.0, 0.0, 0.1, 0.0]},
        {"air_gap_m": 5.0},
        {"subject": "../S-01"},
        {"name": "left M1"},
        {"spread_mm": -0.1},
        {"calibration": "5e"},
    ],
)
async def test_a_place_that_is_on_no_head_is_malformed(house: Any, change: dict[str, Any]) -> None:
    olga = await raw(house)

    assert code_and_reason(await olga.send("file-target", **change)) == (Code.MALFORMED, "malformed")
    assert house.room.asked == []


@in_memory
async def test_the_coil_is_sent_away_by_any_operator_and_moved_otherwise_by_the_holder_alone(house: Any) -> None:
    await raw(house)
    otto = await raw(house, "otto", control=False)
    assert (await otto.send("coil-away", state_seq=None)).ok
    assert code_and_reason(await otto.send("park")) == (Code.FORBIDDEN, "no-control")
    assert code_and_reason(await otto.send("hand-guide")) == (Code.FORBIDDEN, "no-control")
    vera = await raw(house, "vera", control=False)
    assert code_and_reason(await vera.send("coil-away")) == (Code.FORBIDDEN, "role")

    assert house.room.asked == [("coil-away", "otto")]

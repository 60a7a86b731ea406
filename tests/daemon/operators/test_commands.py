"""Which commands move anything: each refusal beside the same command that passes."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from daemon.commands import ID_LIFE_US, MOST_IDS, NONCE_LIFE_US, Ids, Nonces
from daemon.desk import MOST_WAITING
from daemon.messages import Answer, Code, Role
from daemon.room import Measured, Order, Recorded, Refused
from daemon.verbs import VERBS, may
from drivers.poses import Pose
from tests.daemon.calibration_world import calibrated
from tests.daemon.registered_head import registration

HASH = "ab" * 16
FIELDS: dict[str, dict[str, Any]] = {
    "lower": {"intensity_tenths": 800},
    "raise": {"intensity_tenths": 1100},
    "hand-over": {"to": "otto"},
    "start": {"subject": "S-01", "protocol": "demo"},
    "continue": {"reason": "the fire alarm went off"},
    "release": {"hash": HASH},
    "resume": {"hash": HASH},
    "resolve": {"ref": 3, "why": "the coil clicked"},
    "note": {"kind": "reason", "what": "sneeze"},
    "read-report": {"session": "ab" * 8},
    "dose": {"subject": "S-01"},
    "block": {"subject": "S-01", "reason": "a new implant"},
    "unblock": {"subject": "S-01", "physician": "dr. Bianchi", "reason": "seen and well"},
    "file-registration": {"subject": "S-01"},
    "file-threshold": {"subject": "S-01", "value_tenths": 425, "method": "emg", "pulses": 20, "coil": "coil-1"},
    "file-target": {
        "subject": "S-01",
        "name": "left-m1",
        "head_from_target": [0.0, 1.0, 0.0, 0.0, 0.03, 0.02, 0.11],
        "air_gap_m": 0.005,
        "spread_mm": 0.1,
        "spread_deg": 0.2,
        "apart_mm": 0.3,
        "apart_deg": 0.4,
        "calibration": "5e" * 32,
    },
}


class Raw:
    """A client that may send anything, to the letter."""

    def __init__(self, house: Any, bus: Any, user: str) -> None:
        self.house, self.bus, self.user = house, bus, user
        self.answers: asyncio.Queue[Answer] = asyncio.Queue()
        self.reply_to = f"coilward/v1/room1/reply/{user}/raw"
        self.count = 0

    async def listen(self) -> None:
        topic = f"coilward/v1/room1/reply/{self.user}/raw"
        await self.bus.subscribe(
            topic, lambda message: self.answers.put_nowait(Answer.model_validate_json(message.payload))
        )

    async def send(self, verb: str, *, retain: bool = False, body: bytes | None = None, **changes: Any) -> Answer:
        self.count += 1
        command = {"id": f"command-{self.count}", "client": "raw", **FIELDS.get(verb, {})}
        command |= {"nonce": self.house.room.snapshot.nonce, "state_seq": self.house.decision.seq}
        payload = body if body is not None else json.dumps(command | changes).encode()
        topic = f"coilward/v1/room1/cmd/{self.user}/{verb}"
        await self.bus.publish(topic, payload, retain=retain, reply_to=self.reply_to)
        async with asyncio.timeout(5):
            return await self.answers.get()


in_memory = pytest.mark.parametrize("ground", ["memory"], indirect=True)
"""Tables of cases: one bus is as good as the other (test_bus_conformance), and this one costs nothing."""


async def raw(house: Any, user: str = "olga", *, control: bool = True) -> Raw:
    client = Raw(house, await house.ground.bus(user), user)
    await client.listen()
    if control:
        assert (await client.send("take")).ok
    return client


def code_and_reason(answer: Answer) -> tuple[Code, str]:
    assert answer.sentence is not None
    assert all((answer.sentence.what, answer.sentence.why, answer.sentence.next))
    return answer.code, answer.reason


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


async def until_asked(house: Any, count: int) -> None:
    async with asyncio.timeout(5):
        while len(house.room.asked) < count:
            house.room.asked_again.clear()
            await house.room.asked_again.wait()


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

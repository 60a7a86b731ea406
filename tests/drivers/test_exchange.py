"""One question, its own answer, or none: one thing at a time that may happen on a line."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from drivers.errors import DeadlinePassed, PortLost
from drivers.exchange import HALF_S, LATE_S, REPEAT_S, Exchange, NotAsked
from drivers.magstim.codec import ARM, DISARM, TRIGGER, GetBasicSettings, GetSettings, GetTemperature, StatusReply
from drivers.memory_stream import memory_pair
from drivers.stimulators import Piece, PieceKind
from drivers.streams import ByteStream
from tests.drivers.numbered_replies import FIRMWARE, RAPID, STATUS, numbered

TEMPERATURE = GetTemperature().encode(FIRMWARE)
BASIC = GetBasicSettings().encode(FIRMWARE)
SOON_S = 0.1


@dataclass
class Bench:
    """An exchange, the device's end of its line, and what the exchange reported."""

    exchange: Exchange
    device: ByteStream
    strays: list[Piece] = field(default_factory=list)

    async def say_after(self, delay_s: float, data: bytes) -> None:
        await asyncio.sleep(delay_s)
        await self.device.write(data, SOON_S)

    async def asked(self) -> bytes:
        return await self.device.read(SOON_S)


@pytest.fixture
async def bench() -> Bench:
    near, far = memory_pair()
    strays: list[Piece] = []
    return Bench(Exchange(near, RAPID.reply_reader(), RAPID.answers, strays.append), far, strays)


virtual_time = pytest.mark.looptime


@virtual_time
async def test_a_question_gets_its_answer(bench: Bench) -> None:
    asking = asyncio.create_task(bench.exchange.ask(TEMPERATURE, SOON_S))
    assert await bench.asked() == TEMPERATURE
    await bench.device.write(numbered("F", 7), SOON_S)
    assert await asking == numbered("F", 7)
    assert bench.strays == []


@virtual_time
async def test_an_answer_cut_in_pieces_is_read_whole(bench: Bench) -> None:
    asking = asyncio.create_task(bench.exchange.ask(TEMPERATURE, SOON_S))
    await bench.asked()
    for byte in numbered("F", 7):
        await bench.say_after(0.001, bytes((byte,)))
    assert await asking == numbered("F", 7)


@virtual_time
async def test_silence_ends_at_the_deadline(bench: Bench) -> None:
    with pytest.raises(DeadlinePassed, match="no answer to 'F'"):
        await bench.exchange.ask(TEMPERATURE, SOON_S)
    assert asyncio.get_running_loop().time() == pytest.approx(SOON_S)


@virtual_time
async def test_a_late_answer_never_reaches_the_next_question_of_its_letter(bench: Bench) -> None:
    with pytest.raises(DeadlinePassed):
        await bench.exchange.ask(TEMPERATURE, SOON_S)
    await bench.asked()
    late = asyncio.create_task(bench.say_after(LATE_S - SOON_S, numbered("F", 1)))
    asking = asyncio.create_task(bench.exchange.ask(TEMPERATURE, 1.0))
    await late
    assert await bench.asked() == TEMPERATURE
    await bench.device.write(numbered("F", 2), SOON_S)
    assert await asking == numbered("F", 2)
    assert [piece.data for piece in bench.strays] == [numbered("F", 1)]


@virtual_time
async def test_while_a_letter_is_owed_a_short_question_with_it_is_not_sent_and_others_are(bench: Bench) -> None:
    with pytest.raises(DeadlinePassed):
        await bench.exchange.ask(TEMPERATURE, SOON_S)
    await bench.asked()
    with pytest.raises(NotAsked, match=r"Ask again in 0\.62 s"):
        await bench.exchange.ask(TEMPERATURE, SOON_S)
    asking = asyncio.create_task(bench.exchange.ask(BASIC, SOON_S))
    assert await bench.asked() == BASIC
    await bench.device.write(numbered("J", 3), SOON_S)
    assert await asking == numbered("J", 3)


@virtual_time
async def test_a_caller_who_gives_up_leaves_the_letter_owed(bench: Bench) -> None:
    asking = asyncio.create_task(bench.exchange.ask(TEMPERATURE, 1.0))
    await bench.asked()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert bench.exchange.free_in_s(TEMPERATURE) == pytest.approx(LATE_S + REPEAT_S)


@virtual_time
async def test_a_doubled_answer_never_reaches_the_next_question_of_its_letter(bench: Bench) -> None:
    first = asyncio.create_task(bench.exchange.ask(TEMPERATURE, SOON_S))
    await bench.asked()
    await bench.device.write(numbered("F", 1), SOON_S)
    await first
    doubled = asyncio.create_task(bench.say_after(REPEAT_S * 0.9, numbered("F", 1)))
    second = asyncio.create_task(bench.exchange.ask(TEMPERATURE, SOON_S))
    await doubled
    await bench.asked()
    await bench.device.write(numbered("F", 2), SOON_S)
    assert await second == numbered("F", 2)
    assert [piece.data for piece in bench.strays] == [numbered("F", 1)]


@virtual_time
async def test_an_answer_with_another_letter_is_dropped_and_reported(bench: Bench) -> None:
    asking = asyncio.create_task(bench.exchange.ask(TEMPERATURE, SOON_S))
    await bench.asked()
    await bench.device.write(numbered("J", 1) + numbered("F", 2), SOON_S)
    assert await asking == numbered("F", 2)
    assert [piece.data for piece in bench.strays] == [numbered("J", 1)]


@virtual_time
async def test_what_comes_unasked_is_dropped_and_reported(bench: Bench) -> None:
    await bench.device.write(numbered("F", 1), SOON_S)
    asking = asyncio.create_task(bench.exchange.ask(TEMPERATURE, SOON_S))
    await bench.asked()
    await bench.device.write(numbered("F", 2), SOON_S)
    assert await asking == numbered("F", 2)
    assert bench.strays == [Piece(PieceKind.FRAME, numbered("F", 1))]


@virtual_time
async def test_a_damaged_answer_is_none(bench: Bench) -> None:
    damaged = numbered("F", 1)[:-1] + b"\x00"
    asking = asyncio.create_task(bench.exchange.ask(TEMPERATURE, SOON_S))
    await bench.asked()
    await bench.device.write(damaged, SOON_S)
    with pytest.raises(DeadlinePassed):
        await asking
    assert b"".join(piece.data for piece in bench.strays) == damaged


@virtual_time
async def test_a_lone_question_mark_answers_no_question_for_it_names_none(bench: Bench) -> None:
    asking = asyncio.create_task(bench.exchange.ask(TEMPERATURE, SOON_S))
    await bench.asked()
    await bench.device.write(b"?", SOON_S)
    with pytest.raises(DeadlinePassed):
        await asking
    assert bench.strays == [Piece(PieceKind.FRAME, b"?")]


@virtual_time
async def test_half_an_answer_does_not_swallow_the_next(bench: Bench) -> None:
    first = asyncio.create_task(bench.exchange.ask(BASIC, SOON_S))
    await bench.asked()
    await bench.device.write(numbered("\\", 1)[:10], SOON_S)
    await bench.say_after(HALF_S * 1.1, numbered("J", 2))
    assert await first == numbered("J", 2)
    assert [piece.data for piece in bench.strays] == [numbered("\\", 1)[:10]]


@virtual_time
async def test_half_an_answer_that_came_too_late_swallows_no_later_one(bench: Bench) -> None:
    half = numbered("\\", 1)[:5]  # and the nine bytes of a temperature are fewer than what it lacks
    with pytest.raises(DeadlinePassed):
        await bench.exchange.ask(GetSettings().encode(FIRMWARE), SOON_S)
    await bench.asked()
    await bench.say_after(0.01, half)
    await asyncio.sleep(0.72)
    asking = asyncio.create_task(bench.exchange.ask(TEMPERATURE, SOON_S))
    await bench.asked()
    await bench.device.write(numbered("F", 2), SOON_S)
    assert await asking == numbered("F", 2)
    assert bench.strays == [Piece(PieceKind.BAD_CHECKSUM, half)]


@virtual_time
async def test_a_late_answer_of_which_half_has_come_is_dropped_whole_before_the_next(bench: Bench) -> None:
    late = numbered("\\", 1)
    with pytest.raises(DeadlinePassed):
        await bench.exchange.ask(GetSettings().encode(FIRMWARE), SOON_S)
    await bench.asked()
    await bench.say_after(0.01, late[:5])
    asking = asyncio.create_task(bench.exchange.ask(TEMPERATURE, SOON_S))
    await bench.asked()
    await bench.say_after(0.01, late[5:] + numbered("F", 2))
    assert await asking == numbered("F", 2)
    assert bench.strays == [Piece(PieceKind.FRAME, late)]


@virtual_time
async def test_two_tasks_take_turns(bench: Bench) -> None:
    first = asyncio.create_task(bench.exchange.ask(TEMPERATURE, SOON_S))
    second = asyncio.create_task(bench.exchange.ask(BASIC, SOON_S))
    assert await bench.asked() == TEMPERATURE
    await bench.device.write(numbered("F", 1), SOON_S)
    assert await first == numbered("F", 1)
    assert await bench.asked() == BASIC
    await bench.device.write(numbered("J", 2), SOON_S)
    assert await second == numbered("J", 2)


@virtual_time
async def test_a_question_that_gets_no_turn_is_not_sent(bench: Bench) -> None:
    first = asyncio.create_task(bench.exchange.ask(TEMPERATURE, 2 * SOON_S))
    await asyncio.sleep(0)
    with pytest.raises(NotAsked, match="busy"):
        await bench.exchange.ask(BASIC, SOON_S)
    with pytest.raises(DeadlinePassed):
        await first
    assert await bench.asked() == TEMPERATURE


@virtual_time
async def test_what_must_go_out_now_goes_out_although_its_letter_is_owed_and_trusts_no_answer(bench: Bench) -> None:
    trigger, disarm = TRIGGER.encode(FIRMWARE), DISARM.encode(FIRMWARE)
    with pytest.raises(DeadlinePassed):
        await bench.exchange.ask(trigger, SOON_S)
    assert await bench.asked() == trigger
    assert await bench.exchange.insist(disarm, SOON_S) is None
    assert await bench.asked() == disarm


@virtual_time
async def test_what_must_go_out_now_waits_no_longer_than_its_deadline_for_a_question_under_way(bench: Bench) -> None:
    disarm = DISARM.encode(FIRMWARE)
    asking = asyncio.create_task(bench.exchange.ask(TEMPERATURE, 1.0))
    assert await bench.asked() == TEMPERATURE
    assert await bench.exchange.insist(disarm, SOON_S) is None
    assert await bench.asked() == disarm
    assert asyncio.get_running_loop().time() == pytest.approx(SOON_S)
    await bench.device.write(numbered("F", 1), SOON_S)
    assert await asking == numbered("F", 1)


@virtual_time
async def test_an_answer_that_may_belong_to_either_of_two_frames_belongs_to_none(bench: Bench) -> None:
    trigger, disarm = TRIGGER.encode(FIRMWARE), DISARM.encode(FIRMWARE)
    asking = asyncio.create_task(bench.exchange.ask(trigger, 0.3))
    await bench.asked()
    await bench.exchange.insist(disarm, SOON_S)
    await bench.device.write(StatusReply("E", STATUS).encode(FIRMWARE), SOON_S)
    with pytest.raises(DeadlinePassed):
        await asking


@virtual_time
async def test_what_must_go_out_now_has_an_answer_when_the_line_is_free(bench: Bench) -> None:
    insisting = asyncio.create_task(bench.exchange.insist(DISARM.encode(FIRMWARE), SOON_S))
    await bench.asked()
    reply = StatusReply("E", STATUS).encode(FIRMWARE)
    await bench.device.write(reply, SOON_S)
    assert await insisting == reply


@virtual_time
async def test_a_lost_port_ends_the_question(bench: Bench) -> None:
    asking = asyncio.create_task(bench.exchange.ask(ARM.encode(FIRMWARE), 1.0))
    await bench.asked()
    await bench.device.close()
    with pytest.raises(PortLost):
        await asking

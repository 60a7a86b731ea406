"""One question, its own answer, or none: over a good line, and over worse and worse ones."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import looptime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.catalogue import dialect
from drivers.errors import DeadlinePassed, PortLost
from drivers.exchange import HALF_S, LATE_S, REPEAT_S, Exchange, NotAsked
from drivers.magstim.codec import (
    ARM,
    DISARM,
    TRIGGER,
    BasicSettingsReply,
    ChargeDelayReply,
    Command,
    GetBasicSettings,
    GetChargeDelay,
    GetSettings,
    GetTemperature,
    Instrument,
    Rapid,
    Reply,
    SettingsReply,
    StatusReply,
    TemperatureReply,
    parse_reply,
)
from drivers.memory_stream import memory_pair
from drivers.stimulators import Piece, PieceKind
from drivers.streams import ByteStream

FIRMWARE = 11
RAPID = dialect("magstim-rapid2", FIRMWARE)
STATUS = Instrument.REMOTE | Instrument.COIL_PRESENT | Instrument.STANDBY
TEMPERATURE = GetTemperature().encode(FIRMWARE)
BASIC = GetBasicSettings().encode(FIRMWARE)
SOON_S = 0.1


def numbered(letter: str, number: int) -> bytes:
    """A true reply of this letter that carries `number`, so that a test can tell whose it is."""
    replies: dict[str, Reply] = {
        "F": TemperatureReply("F", STATUS, number, number),
        "J": BasicSettingsReply("J", STATUS, 0, 0, number),
        "\\": SettingsReply("\\", STATUS, Rapid.SINGLE_PULSE, 30, 0, number, 0, 1),
        "o": ChargeDelayReply("o", STATUS, number),
    }
    return replies[letter].encode(FIRMWARE)


QUESTIONS: tuple[Command, ...] = (GetTemperature(), GetBasicSettings(), GetSettings(), GetChargeDelay())


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
    await bench.device.write(numbered("\\", 1)[:10], SOON_S)
    first = asyncio.create_task(bench.exchange.ask(BASIC, SOON_S))
    await bench.asked()
    await bench.say_after(HALF_S * 1.1, numbered("J", 2))
    assert await first == numbered("J", 2)
    assert [piece.data for piece in bench.strays] == [numbered("\\", 1)[:10]]


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


# ── worse and worse lines ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Fate:
    """What the line does to one reply."""

    lost: bool = False
    delay_s: float = 0.0
    doubled_after_s: float | None = None
    byte_by_byte: bool = False
    damaged: tuple[int, int] | None = None
    """Position and the bits flipped there."""
    noise: bytes = b""
    """What the line adds in front."""

    def copies(self, reply: bytes) -> list[tuple[float, bytes]]:
        """When the line delivers what, from the moment of the request."""
        if self.damaged:
            at, bits = self.damaged[0] % len(reply), self.damaged[1]
            reply = reply[:at] + bytes((reply[at] ^ bits,)) + reply[at + 1 :]
        data = self.noise + reply
        copies = [] if self.lost else [(self.delay_s, data)]
        if copies and self.doubled_after_s is not None:
            copies.append((self.delay_s + self.doubled_after_s, data))
        if self.byte_by_byte:
            copies = [(at + n * 1e-4, data[n : n + 1]) for at, data in copies for n in range(len(data))]
        return copies


@dataclass(frozen=True)
class Ask:
    """One question of a conversation, and what becomes of its answer."""

    question: int
    pause_s: float
    deadline_s: float
    fate: Fate


moments = st.floats(0, LATE_S - 0.01)
GOOD = st.just(Fate())
BYTE_BY_BYTE = st.just(Fate(byte_by_byte=True))
LOSSY = st.builds(Fate, lost=st.booleans(), byte_by_byte=st.booleans())
LATE = st.builds(Fate, lost=st.booleans(), delay_s=moments)
DOUBLING = st.builds(
    Fate, lost=st.booleans(), delay_s=moments, doubled_after_s=st.none() | st.floats(0, REPEAT_S * 0.9)
)
GARBLING = st.builds(
    Fate,
    lost=st.booleans(),
    delay_s=moments,
    doubled_after_s=st.none() | st.floats(0, REPEAT_S * 0.8),
    byte_by_byte=st.booleans(),
    damaged=st.none() | st.tuples(st.integers(0, 30), st.integers(1, 255)),
    noise=st.binary(max_size=6),
)


def conversations(fates: st.SearchStrategy[Fate]) -> st.SearchStrategy[list[Ask]]:
    ask = st.builds(
        Ask,
        question=st.integers(0, len(QUESTIONS) - 1),
        pause_s=st.sampled_from((0.0, 0.005, 0.05, 0.4)),
        deadline_s=st.sampled_from((0.02, 0.15, 0.3, 0.9)),
        fate=fates,
    )
    return st.lists(ask, min_size=2, max_size=8)


async def converse(asks: list[Ask]) -> list[int | None]:
    """Asks them all; what each answer proved to be about: its own number, a stranger's, or None."""
    near, far = memory_pair()
    exchange = Exchange(near, RAPID.reply_reader(), RAPID.answers, lambda _: None)
    on_the_line: set[asyncio.Task[None]] = set()
    sent: list[int] = []

    async def deliver(after_s: float, data: bytes) -> None:
        await asyncio.sleep(after_s)
        await far.write(data, 1.0)

    async def device() -> None:
        reader = RAPID.command_reader()
        while True:
            for piece in reader.feed(await far.read(3600.0)):
                number = len(sent)
                fate = asks[waiting[0]].fate
                sent.append(waiting[0])
                for at_s, data in fate.copies(numbered(chr(piece.data[0]), number)):
                    on_the_line.add(asyncio.create_task(deliver(at_s, data)))

    waiting = [0]
    serving = asyncio.create_task(device())
    outcomes: list[int | None] = []
    for index, ask in enumerate(asks):
        await asyncio.sleep(ask.pause_s)
        waiting[0] = index
        try:
            reply = parse_reply(await exchange.ask(QUESTIONS[ask.question].encode(FIRMWARE), ask.deadline_s), FIRMWARE)
        except DeadlinePassed:
            outcomes.append(None)
            continue
        outcomes.append(sent[number_in(reply)])
    await ended(serving, *on_the_line)
    return outcomes


async def ended(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def number_in(reply: object) -> int:
    match reply:
        case TemperatureReply():
            return reply.first_tenths_celsius
        case BasicSettingsReply():
            return reply.interval
        case SettingsReply():
            return reply.pulses
        case ChargeDelayReply():
            return reply.milliseconds
    raise AssertionError(reply)


def in_virtual_time(job: Callable[[], Awaitable[list[int | None]]]) -> list[int | None]:
    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        return runner.run(job())  # type: ignore[arg-type]


@given(asks=conversations(GOOD))
def test_on_a_good_line_every_question_that_is_sent_gets_its_answer(asks: list[Ask]) -> None:
    outcomes = in_virtual_time(lambda: converse(asks))
    assert all(answer == index for index, answer in enumerate(outcomes) if asks[index].deadline_s > 2 * REPEAT_S)


@pytest.mark.parametrize("fates", [BYTE_BY_BYTE, LOSSY, LATE, DOUBLING, GARBLING])
@given(data=st.data())
def test_on_worse_and_worse_lines_every_answer_is_the_right_one_or_none(
    fates: st.SearchStrategy[Fate], data: st.DataObject
) -> None:
    asks = data.draw(conversations(fates))
    outcomes = in_virtual_time(lambda: converse(asks))
    assert all(answer in {index, None} for index, answer in enumerate(outcomes))

"""Whole conversations over a good line, and over worse and worse ones: every answer is the right one, or none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import looptime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import DeadlinePassed
from drivers.exchange import LATE_S, REPEAT_S, Exchange
from drivers.magstim.codec import Command, GetBasicSettings, GetChargeDelay, GetSettings, GetTemperature, parse_reply
from drivers.memory_stream import memory_pair
from tests.drivers.numbered_replies import FIRMWARE, RAPID, number_in, numbered

QUESTIONS: tuple[Command, ...] = (GetTemperature(), GetBasicSettings(), GetSettings(), GetChargeDelay())


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

    def arrives_within(self, deadline_s: float) -> bool:
        """Whether a reply comes whole, with nothing in front of it, and in time."""
        last_byte_s = self.delay_s + (0.01 if self.byte_by_byte else 0.0)
        return not (self.lost or self.damaged or self.noise) and last_byte_s < deadline_s

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


def conversations(
    fates: st.SearchStrategy[Fate], deadlines_s: tuple[float, ...] = (0.02, 0.15, 0.3, 0.9)
) -> st.SearchStrategy[list[Ask]]:
    ask = st.builds(
        Ask,
        question=st.integers(0, len(QUESTIONS) - 1),
        pause_s=st.sampled_from((0.0, 0.005, 0.05, 0.4)),
        deadline_s=st.sampled_from(deadlines_s),
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


def in_virtual_time(job: Callable[[], Awaitable[list[int | None]]]) -> list[int | None]:
    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        return runner.run(job())  # type: ignore[arg-type]


@given(asks=conversations(GOOD))
def test_on_a_good_line_every_question_that_is_sent_gets_its_answer(asks: list[Ask]) -> None:
    outcomes = in_virtual_time(lambda: converse(asks))
    assert all(answer == index for index, answer in enumerate(outcomes) if asks[index].deadline_s > 2 * REPEAT_S)


@given(asks=conversations(BYTE_BY_BYTE, deadlines_s=(0.15, 0.3, 0.9)))
def test_on_a_line_that_carries_answers_byte_by_byte_every_question_gets_its_answer(asks: list[Ask]) -> None:
    assert in_virtual_time(lambda: converse(asks)) == list(range(len(asks)))


@pytest.mark.parametrize("fates", [LOSSY, LATE, DOUBLING, GARBLING])
@given(data=st.data())
def test_on_worse_and_worse_lines_every_answer_is_the_right_one_or_none(
    fates: st.SearchStrategy[Fate], data: st.DataObject
) -> None:
    asks = data.draw(conversations(fates))
    good_again = Ask(question=0, pause_s=1.0, deadline_s=0.02, fate=Fate())
    *outcomes, last = in_virtual_time(lambda: converse([*asks, good_again]))
    assert all(answer in {index, None} for index, answer in enumerate(outcomes))
    assert outcomes[0] == 0 or not asks[0].fate.arrives_within(asks[0].deadline_s), "nothing is owed before the first"
    assert last == len(asks), "whatever was lost, a good line has its answers again"

"""The metronome on a clock of the test's, one real sleep, and a log that nobody reads."""

from __future__ import annotations

import os
import random
import time

import pytest

from daemon.arm.realtime import Metronome, Voice, monotonic_ns, sleep_until

PERIOD_NS = 2_000_000


class Clock:
    """A clock that moves only when the metronome sleeps, and then a little too far."""

    def __init__(self, oversleeps_ns: int = 0) -> None:
        self.now_ns = self.start_ns = random.randrange(10**15)
        self.oversleeps_ns = oversleeps_ns
        self.interrupted = 0

    def __call__(self) -> int:
        return self.now_ns

    def sleep(self, until_ns: int) -> None:
        assert until_ns > self.now_ns
        if self.interrupted:
            self.interrupted -= 1
            self.now_ns += 1
        else:
            self.now_ns = until_ns + self.oversleeps_ns


def metronome(clock: Clock) -> Metronome:
    return Metronome(500, clock, clock.sleep)


def test_deadlines_are_one_period_apart_however_late_each_waking_is() -> None:
    clock = Clock(oversleeps_ns=300_000)
    beat = metronome(clock)

    woken = [beat.wait() for _ in range(1000)]

    assert {late_us for _, late_us, _ in woken} == {300}
    assert {missed for *_, missed in woken} == {0}
    assert clock.now_ns == clock.start_ns + 1000 * PERIOD_NS + 300_000


def test_what_takes_600_us_is_begun_only_while_that_is_left_before_the_next_turn() -> None:
    clock = Clock()
    beat = metronome(clock)
    beat.wait()

    assert beat.spare_s == pytest.approx(0.0014)
    clock.now_ns += 1_390_000
    assert beat.spare_s > 0
    clock.now_ns += 20_000
    assert beat.spare_s < 0


def test_a_turn_that_took_too_long_is_said_late_and_no_turn_is_made_up() -> None:
    clock = Clock()
    beat = metronome(clock)
    beat.wait()
    clock.now_ns += 5 * PERIOD_NS + 400_000

    _, late_us, missed = beat.wait()
    after, late_after_us, missed_after = beat.wait()

    assert (late_us, missed) == (4 * 2000 + 400, 4)
    assert (late_after_us, missed_after) == (0, 0)
    assert after == (clock.start_ns + 7 * PERIOD_NS) // 1000


def test_a_signal_that_ends_the_sleep_does_not_begin_the_turn() -> None:
    clock = Clock()
    beat = metronome(clock)
    clock.interrupted = 3

    now_us, late_us, _ = beat.wait()

    assert late_us == 0
    assert now_us == (clock.start_ns + PERIOD_NS) // 1000


def test_the_kernel_wakes_at_the_deadline_and_not_before() -> None:
    deadline_ns = monotonic_ns() + 3_000_000
    sleep_until(deadline_ns)

    assert monotonic_ns() >= deadline_ns


def test_a_deadline_that_has_passed_is_no_sleep() -> None:
    began = time.monotonic()
    sleep_until(monotonic_ns() - 10**9)

    assert time.monotonic() - began < 0.5


def test_a_deadline_the_kernel_does_not_understand_is_no_deadline() -> None:
    with pytest.raises(OSError, match="Invalid"):
        sleep_until(-(10**18))


def test_a_log_that_nobody_reads_loses_lines_and_stops_nobody() -> None:
    reader, writer = os.pipe()
    voice = Voice(writer)
    for n in range(5000):
        voice.say(f"line {n} of many")
    taken = os.read(reader, 1 << 20).count(b"\n")
    voice.say("the reader is back")
    said = os.read(reader, 1 << 20).decode()
    os.close(reader)
    voice.say("and is gone again")
    os.close(writer)

    assert said == f"coilward-arm: the reader is back ({5000 - taken} lines before this one were not taken)\n"

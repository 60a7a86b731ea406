"""Long walks through the small world, and one judge for every trigger, whoever asks.

A walk mostly does what a client would do next, so that it gets somewhere; in between anything happens. The oracle of
the enumeration looks at every step.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.quantities import Hertz, PercentMso, Train
from drivers.stimulators import Settings
from safety import control, events, permits
from safety.asking import Past, SessionKind
from safety.frames import No
from safety.instant import Instant
from safety.reasons import Reason
from safety.state import Phase
from safety.turn import Turn
from tests.safety.refusal_situations import SITUATIONS
from tests.safety.test_refusals import ELSEWHERE
from tests.small_world.device import ARM, MS, TRIGGER, S
from tests.small_world.moves import DISTURBANCES, LEASES, Move
from tests.small_world.search import checkpoints
from tests.small_world.variations import OPENINGS, REQUESTS
from tests.small_world.world import ARM_LOOP, SUBJECT, WALL_US, World, room

ORIGINS_BELOW_US = (S, 10**15)
"""Machines that have just started, and up to thirty years old."""
ROUNDS, STEPS = settings().max_examples // 5, 14
"""Of walks from each checkpoint, and of moves in a walk."""


def sensible(world: World) -> World:
    """What a client and its operator would do next, and the time it takes."""
    state, session = world.gate, world.gate.session
    if not state.device.present:
        return world._replace(line=()).feed(events.PortFound()).passed(300 * MS, prompt=True)
    if not world.connected:
        return world._replace(turning=(True, True)).attached().passed(50 * MS, prompt=True)
    if state.phase is Phase.TRIPPED:
        return _reset(world)
    if session is None and world.profile == "robot" and ARM_LOOP not in dict(state.roles):
        return world.asked(control.Hello(role="lease"), ARM_LOOP)
    if session is None and world.gate.blocked(SUBJECT):
        return DISTURBANCES["unblock"](world.with_nonce().settled_down()) or world
    if session is None:
        return world.opened().settled_down().passed(50 * MS, prompt=True)
    if not session.released:
        rested = world._replace(present=True, lease="begin", turning=(True, True)).passed(1_100 * MS, prompt=True)
        return rested.with_nonce().released().settled_down()
    if state.phase is Phase.SAFE:
        return world.passed(4_500 * MS, every_us=140 * MS, prompt=True).sent(ARM).passed(1_600 * MS, prompt=True)
    if not state.permits:
        return world.wants_a_train().passed(60 * MS, prompt=True)
    return world.sent(TRIGGER).passed(60 * MS, every_us=20 * MS, prompt=True)


def gone_on(world: World, chance: Random) -> World:
    """Mostly what comes next, sometimes something else that is asked at such a moment, and sometimes anything."""
    closed = world.gate.session is None and world.gate.device.present
    astray = OPENINGS if closed else REQUESTS
    anything = DISTURBANCES | (LEASES if world.profile == "robot" else {})
    kinds: list[dict[str, Move]] = [{"go on": sensible}, astray, anything]
    (moves,) = chance.choices(kinds, [1, 4, 1] if closed else [3, 1, 1])
    return moves[chance.choice(sorted(moves))](world) or world


def walked(world: World, chance: Random) -> tuple[World, bool]:
    """The world some steps later, and whether anything fired on the way."""
    fires = False
    for _ in range(STEPS):
        world = gone_on(world, chance)
        fires = fires or world.books.under_way or world.device.fired(world.now_us) > 0
    return world, fires


def _reset(world: World) -> World:
    world = world.passed(300 * MS, prompt=True).with_nonce()
    return DISTURBANCES["reset by bob"](DISTURBANCES["reset by ann"](world) or world) or world


BY_LUCK_OR_NEVER = {
    # needs another library, another site, a history of days, or a person who is not this one
    Reason.COURSE_FULL, Reason.DAY_FULL, Reason.TWELVE_HOURS_FULL, Reason.WEEK_FULL,
    Reason.PROTOCOL_NOT_AUTHORISED, Reason.USE_FORBIDS, Reason.STUDY_INCOMPLETE, Reason.THRESHOLD_SIMULATED,
    Reason.THRESHOLD_VISUAL,
    # what two trains of three pulses never come near, or a stricter rule says first
    Reason.AUTONOMY, Reason.BLOCK_TOO_LARGE, Reason.ENERGY, Reason.PERMIT_TOO_SOON, Reason.PULSES_TOO_CLOSE,
    Reason.RATE_OVER_LIMIT, Reason.TRAIN_TOO_LONG, Reason.WINDOW_FULL, Reason.WITNESS_TOO_WEAK, Reason.NOTHING_LEFT,
    Reason.HUNT_TOO_STRONG,
    # a device that misbehaves in its own way, or people who do so six times
    Reason.DEVICE_FAULT, Reason.EVIDENCE_CONTRADICTS, Reason.READ_BACK_DIFFERS, Reason.READ_BACK_STALE,
    Reason.REMOTE_LOST, Reason.TEMPERATURE_UNREAD, Reason.TRAIN_NOT_TRIGGERED, Reason.TOO_MANY_CUTS,
    # two rare things in a row
    Reason.ARMED_ELSEWHERE, Reason.ARMED_IDLE, Reason.BLOCK_LATE, Reason.COIL_TOO_HOT, Reason.LEASE_LOST,
    Reason.LEDGER_LATE, Reason.PORT_ABSENT, Reason.RESET_CONDITIONS, Reason.RESOLVE_CONDITIONS, Reason.THRESHOLD_OLD,
    Reason.THRESHOLD_POOR, Reason.TRIGGER_REFUSED,
}  # fmt: skip
"""Reasons a walk may miss; each has its situation in `tests/safety/refusals`, or its test where that one says."""


@pytest.mark.timeout(300)
def test_walks_from_anywhere_keep_the_invariants_reach_firing_often_and_meet_the_refusals() -> None:
    fired: list[bool] = []
    met: set[str] = set()
    for number in range(ROUNDS):
        chance = Random(f"round {number}")
        origin_us = chance.randrange(chance.choice(ORIGINS_BELOW_US))
        for start, world in checkpoints(chance.choice(["fixed", "fixed", "robot"]), origin_us).items():
            try:
                after, fires = walked(world, chance)
            except Exception as broken:
                broken.add_note(f"round {number}, from {start!r}, clock from {origin_us} µs")
                raise
            fired.append(fires)
            met |= after.books.reasons

    assert sum(fired) / len(fired) >= 0.6, f"{sum(fired)} of {len(fired)} walks reached firing"
    assert met <= {reason.json for reason in Reason}
    assert {reason.json for reason in set(Reason) - BY_LUCK_OR_NEVER} - met == set()


def test_what_walks_may_miss_is_brought_about_one_by_one() -> None:
    assert set(SITUATIONS) | set(ELSEWHERE) >= BY_LUCK_OR_NEVER  # from any origin: test_refusals_from_anywhere.py


# --- one judge ------------------------------------------------------------------------------------------------

OF_TREATMENTS = {Reason.NOT_IN_PROTOCOL, Reason.SESSION_FULL, Reason.GAP_TOO_SHORT, Reason.THRESHOLD_MISSING}
"""Rules that a treatment's prescription adds; everything else asks nobody's name."""


@settings(max_examples=400)
@given(
    level=st.integers(1, 1000),
    rate=st.sampled_from([10, 50, 90, 100, 110, 200, 300]),
    pulses=st.integers(1, 60),
    read_level=st.sampled_from([0, 0, 0, 10]),
    condition_age_us=st.integers(0, 1_200 * MS),
    read_back_age_us=st.integers(0, 1_200 * MS),
    coil_tenths=st.integers(250, 420),
    last_us=st.none() | st.integers(200 * MS, 70 * S),
    presence_age_us=st.integers(0, 1_500 * MS),
    ceiling=st.sampled_from([300, 450, 1000]),
    intensity=st.sampled_from([450, 600]),
)
def test_a_script_s_trigger_and_a_treatment_s_get_the_same_verdict_from_the_same_snapshot(
    *,
    level: int,
    rate: int,
    pulses: int,
    read_level: int,
    condition_age_us: int,
    read_back_age_us: int,
    coil_tenths: int,
    last_us: int | None,
    presence_age_us: int,
    ceiling: int,
    intensity: int,
) -> None:
    granted = GRANTED.gate
    session, permit = granted.session, granted.permits[0]
    assert session is not None
    assert session.threshold is not None
    now = Instant(GRANTED.now_us, WALL_US + GRANTED.now_us)
    train = Train(pulses, Hertz(rate if pulses > 1 else 0))
    duration_ms = -(-pulses * 100 // rate) * 100 if pulses > 1 else 0
    shown = Settings(PercentMso(level + read_level), train.rate, pulses, duration_ms)
    device = replace(
        granted.device, confirmed=shown, settings=shown, condition_at_us=now.us - condition_age_us,
        settings_at_us=now.us - read_back_age_us, temperature_tenths=coil_tenths,
    )  # fmt: skip
    past = () if last_us is None else (Past(now.us - last_us, Train(3, Hertz.of(10))),)
    state = replace(
        granted,
        device=device,
        past=past,
        beats=replace(granted.beats, presence_at_us=now.us - presence_age_us),
        permits=(replace(permit, level=PercentMso(level), train=train, block=replace(permit.block, reserved=60)),),
    )

    def verdict(kind: SessionKind) -> No | None:
        threshold = replace(session.threshold, value=PercentMso(intensity)) if session.threshold else None
        who = replace(session, kind=kind, ceiling=PercentMso(ceiling), threshold=threshold)
        return permits.judge_trigger(Turn(room("fixed"), replace(state, session=who), now))

    treatment, anybody = verdict(SessionKind.TREATMENT), verdict(SessionKind.SCRIPT)
    if treatment is None or treatment.reason not in OF_TREATMENTS:
        assert anybody == treatment


GRANTED = checkpoints("fixed", 12_345_678_901)["granted"]

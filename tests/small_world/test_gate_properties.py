"""Long walks through the small world, and one judge for every trigger, whoever asks.

A walk mostly does what a client would do next, so that it gets somewhere; in between anything happens. The oracle of
the enumeration looks at every step.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.quantities import Hertz, PercentMso, Train
from drivers.stimulators import Settings
from safety import events, permits
from safety.asking import Past, SessionKind
from safety.frames import No
from safety.instant import Instant
from safety.reasons import Reason
from safety.state import Phase, State
from safety.turn import Turn
from tests.small_world.oracle import Books
from tests.small_world.search import checkpoints
from tests.small_world.world import ARM, DISTURBANCES, LEASES, MS, TRIGGER, WALL_US, S, World, room

ORIGINS_US = (0, 2**31, 2**32, 10**15)
STEPS = 18


def sensible(world: World) -> World:
    """What a client and its operator would do next, and the time it takes."""
    state, session = world.gate, world.gate.session
    if not state.device.present:
        return world._replace(line=()).feed(events.PortFound()).passed(300 * MS, prompt=True)
    if not world.connected:
        return world._replace(turning=(True, True)).attached().passed(50 * MS, prompt=True)
    if state.phase is Phase.TRIPPED:
        return _reset(world)
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


def _reset(world: World) -> World:
    world = world.passed(300 * MS, prompt=True).with_nonce()
    return DISTURBANCES["reset by bob"](DISTURBANCES["reset by ann"](world) or world) or world


def begun(profile: str, origin_us: int) -> World:
    """A room before anything."""
    world = World(profile, State(seen_us=origin_us), Books(seen_us=origin_us), origin_us, origin_us)
    return checkpoints(profile, origin_us)["no session"] if origin_us % 2 else world


REASONS_MET = 20
"""Of the reasons these walks meet, at least; which ones is chance. test_refusals brings about every one of them."""


@pytest.mark.timeout(300)
def test_walks_reach_firing_often_keep_the_invariants_and_meet_the_refusals() -> None:
    fired: list[bool] = []
    met: Counter[str] = Counter()

    @settings(max_examples=120, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def walk(data: st.DataObject) -> None:
        profile = data.draw(st.sampled_from(["fixed", "fixed", "robot"]))
        moves = DISTURBANCES | (LEASES if profile == "robot" else {})
        world = begun(profile, data.draw(st.sampled_from(ORIGINS_US)) + data.draw(st.integers(0, 1)))
        firing = False
        for _ in range(STEPS):
            name = data.draw(st.sampled_from([*sorted(moves), *["go on"] * (len(moves) * 3)]))
            after = sensible(world) if name == "go on" else moves[name](world)
            world = after or world
            firing = firing or world.books.under_way or world.device.fired(world.now_us) > 0
            met.update(world.books.reasons)
        fired.append(firing)

    walk()
    assert sum(fired) / len(fired) >= 0.3, f"{sum(fired)} of {len(fired)} walks reached firing"
    assert len(met) >= REASONS_MET, sorted(met)
    assert set(met) <= {reason.json for reason in Reason}


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


GRANTED = checkpoints("fixed", 0)["granted"]

"""The judge: what was to be done, what was done, in what time. Pure; a step that is settled stays as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from daemon.messages import PracticeResult, PracticeStep
from daemon.practice.acts import Act
from daemon.practice.scenario import BEGIN, Happening, Scenario, Step
from drivers.quantities import SECOND_US

MINUTE_US: Final = 60 * SECOND_US
HINT_US: Final = 30 * SECOND_US
"""Unasked, after so long, or after half the time a step has (engineering choice)."""
STOPS: Final = frozenset({"stop", "emergency"})
Outcome = Literal["waits", "due", "done", "late", "missed"]
_ENDS_AS: Final[Mapping[Outcome, Literal["done", "late", "missed"]]] = {
    "waits": "missed", "due": "missed", "done": "done", "late": "late", "missed": "missed",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judged:
    """One step as it stands."""

    step: Step
    outcome: Outcome
    since_us: int | None = None
    """From when it was due."""
    done_us: int | None = None

    @property
    def settled_us(self) -> int | None:
        """When what comes after it became due: when it was done, or when its time was over."""
        if self.outcome in ("waits", "due") or self.since_us is None:
            return None
        if self.outcome == "done":
            return self.done_us
        return self.since_us + _limit_us(self.step)

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        if self.done_us is None or self.since_us is None:
            return None
        return round((self.done_us - self.since_us) / SECOND_US, 1)


def judge(scenario: Scenario, came: Mapping[str, int], acts: Sequence[Act], now_us: int) -> tuple[Judged, ...]:
    """Every step. `came` has when each happening came, and when it all began; `acts` are in their order."""
    marks, judged = dict(came), []
    for step in scenario.steps:
        one = _judged(step, marks.get(scenario.after[step.name]), acts, now_us)
        judged.append(one)
        if one.settled_us is not None:
            marks[step.name] = one.settled_us
    return tuple(judged)


def _judged(step: Step, since_us: int | None, acts: Sequence[Act], now_us: int) -> Judged:
    if since_us is None or since_us > now_us:
        return Judged(step, "waits")
    done_us = next((act.at_us for act in acts if since_us < act.at_us <= now_us and _fits(step, act)), None)
    ends_us = since_us + _limit_us(step) if step.within_s is not None else None
    if done_us is not None:
        late = ends_us is not None and done_us > ends_us
        return Judged(step, "late" if late else "done", since_us, done_us)
    over = ends_us is not None and now_us > ends_us
    return Judged(step, "missed" if over else "due", since_us)


def _fits(step: Step, act: Act) -> bool:
    if act.verb not in step.verbs:
        return False
    return act.verb != "note" or (act.kind, act.what)[: len(step.note)] == step.note


def _limit_us(step: Step) -> int:
    return round((step.within_s or 0) * SECOND_US)


def over(scenario: Scenario, came: Mapping[str, int], judged: Sequence[Judged], now_us: int) -> bool:
    """Whether there is nothing left to wait for."""
    settled = all(one.outcome not in ("waits", "due") for one in judged)
    return settled or now_us - came[BEGIN] > scenario.minutes * MINUTE_US


def happens_now(  # noqa: PLR0917  what a happening may wait for, each of another source
    one: Happening,
    came: Mapping[str, int],
    judged: Sequence[Judged],
    phases: Sequence[tuple[int, str]],
    pulses: int,
    now_us: int,
) -> bool:
    """Whether it is time for this one, which has not come yet."""
    settled = {each.step.name: each.settled_us for each in judged}
    since_us = came.get(one.when.after, settled.get(one.when.after))
    if since_us is None or pulses < one.when.pulses:
        return False
    if one.when.phase is not None:
        entered = [at_us for at_us, phase in phases if at_us > since_us and phase == one.when.phase]
        if len(entered) < one.when.times:
            return False
        since_us = entered[one.when.times - 1]
    return now_us - since_us >= one.when.seconds * SECOND_US


def due(judged: Sequence[Judged]) -> Judged | None:
    """What the trainee is to do now, the first of it."""
    return next((one for one in judged if one.outcome == "due"), None)


def hint_due(one: Judged, now_us: int) -> bool:
    """Whether it is taking long."""
    if one.since_us is None:
        return False
    patience_us = HINT_US if one.step.within_s is None else min(HINT_US, _limit_us(one.step) // 2)
    return now_us - one.since_us >= patience_us


def result(scenario: Scenario, judged: Sequence[Judged]) -> PracticeResult:
    """How it went; what was still due when it ended was missed."""
    stops = [one.seconds for one in judged if set(one.step.verbs) <= STOPS and one.seconds is not None]
    steps = tuple(
        PracticeStep(
            what=one.step.what,
            outcome=_ENDS_AS[one.outcome],
            seconds=one.seconds,
            within_s=one.step.within_s,
        )
        for one in judged
    )
    return PracticeResult(stop_s=min(stops, default=None), steps=steps, read=scenario.read)

"""What a permit is asked for: a whole train that the stimulator runs, or a block of single pulses on a timer."""

from __future__ import annotations

from daemon.guard_words import AskPermit
from daemon.plan import Planned
from drivers.quantities import SINGLE, PercentMso, PercentRmt, Train
from safety.threshold import MotorThreshold

Setting = tuple[PercentMso, Train]


def wanted(planned: Planned, threshold: MotorThreshold, intensity: PercentRmt) -> Setting:
    """What the stimulator has to be set to."""
    train = Train(1, SINGLE) if planned.single else planned.train
    return planned.level(threshold, intensity), train


def whole(setting: Setting, attempt: int) -> AskPermit:
    """Leave for one train; `attempt` is its number in the record."""
    level, train = setting
    rate = train.rate.tenths if train.pulses > 1 else 0
    return AskPermit(level_tenths=level.tenths, rate_tenths=rate, pulses=train.pulses, train=attempt)


def block(setting: Setting, planned: Planned, times_us: tuple[int, ...], attempt: int) -> AskPermit:
    """Leave for single pulses, each so long after the grant."""
    spacing_us = planned.train.rate.period_us if len(times_us) > 1 else 0
    return AskPermit(
        level_tenths=setting[0].tenths, rate_tenths=0, pulses=1, triggers=len(times_us),
        spacing_us=spacing_us, times_us=times_us, train=attempt,
    )  # fmt: skip

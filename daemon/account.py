"""What became of one train: every permit, trigger and settlement the watchdog told of, and the pulse rows they make.

The watchdog's events are the only source: the daemon's own intentions never count as delivered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from daemon.guard_view import pulses_left
from daemon.plan import Planned
from drivers.quantities import PercentMso, PercentRmt

Event = Mapping[str, Any]
UNSEEN: Event = MappingProxyType({})
"""The status of a watchdog that has shown none."""


@dataclass(frozen=True, slots=True)
class SetTo:
    """What all pulses of a train have in common."""

    level: PercentMso
    intensity: PercentRmt
    """What that level is to this subject."""
    coil: str
    """Id in the site file."""


@dataclass(slots=True)
class Trigger:
    """One trigger and the pulses it stands for."""

    first: int
    """0-based index of its first pulse in the train."""
    asked: int
    """Pulses it was to deliver."""
    shown: Event
    """The watchdog's newest status when it was written, or left out."""
    planned_us: int = 0
    written_us: int | None = None
    """BOOTTIME of the write; None: it was never written."""
    late: bool = False
    settled: Event | None = None
    """The watchdog's settlement, or None while there is none."""
    left_out: bool = False

    @property
    def fate(self) -> Event:
        """What became of its pulses, as far as it is known: what nobody settled is unknown, and counts."""
        if self.left_out:
            return {"pulses": 0, "by": "none", "outcome": "left-out"}
        return self.settled or {"pulses": self.asked, "by": "none", "outcome": "unknown"}

    @property
    def closed(self) -> bool:
        """Nothing more will be heard of it."""
        return self.left_out or self.settled is not None


@dataclass(slots=True)
class _Permit:
    number: int
    first: int
    triggers: int
    ended: bool = False
    """Withdrawn or dropped: no further trigger will be written."""
    written: dict[int, Trigger] = field(default_factory=dict)


@dataclass(slots=True)
class Account:
    """One train under way. `hear` takes every event of the watchdog's, in order."""

    planned: Planned
    number: int
    set_to: SetTo
    attempt: int = 0
    """The number its permits are asked under."""
    _permits: dict[int, _Permit] = field(default_factory=dict)

    @property
    def per_trigger(self) -> int:
        """Pulses one trigger delivers."""
        return 1 if self.planned.single else self.planned.train.pulses

    def permitted(self, permit: int, pulses: int) -> None:
        """A permit was granted for the train's next `pulses` pulses. Told twice, it counts once."""
        if permit not in self._permits:
            self._permits[permit] = _Permit(permit, self.permitted_pulses, pulses // self.per_trigger)

    def hear(self, event: Event, shown: Event = UNSEEN) -> None:
        """Takes in one event, and the newest status; events of other permits are nothing to this train."""
        kind = event.get("kind")
        if kind == "granted" and event.get("train") == self.attempt:
            self.permitted(int(event["permit"]), int(event["pulses"]))
        if kind in ("stop", "trip", "disarmed", "lockout"):
            for one in self._permits.values():
                one.ended = True
            return
        permit = self._permits.get(event.get("permit", -1))
        if permit is None:
            return
        if kind == "withdrawn":
            permit.ended = True
        elif kind in ("trigger", "settled", "not-delivered", "left-out"):
            self._take(permit, event, shown)

    def _take(self, permit: _Permit, event: Event, shown: Event) -> None:
        kind = event["kind"]
        index = int(event["index"])
        first = permit.first + index * self.per_trigger
        trigger = permit.written.setdefault(index, Trigger(first, self.per_trigger, shown))
        if kind == "trigger":
            trigger.planned_us = int(event["planned_us"])
            trigger.written_us = int(event["at_us"])
            trigger.late = bool(event.get("late"))
        elif kind == "left-out":
            trigger.planned_us, trigger.left_out = int(event["planned_us"]), True
        elif kind == "not-delivered":
            trigger.settled = {"pulses": 0, "low": 0, "high": 0, "by": "accepted", "outcome": "refused", **event}
        else:
            trigger.settled = event

    @property
    def closed(self) -> bool:
        """Every trigger of every permit is accounted for, or will never be written."""
        return all(
            all(trigger.closed for trigger in permit.written.values())
            and (permit.ended or len(permit.written) >= permit.triggers)
            for permit in self._permits.values()
        )

    @property
    def triggers(self) -> list[Trigger]:
        """All that were written or left out, in the order of their pulses."""
        every = [trigger for permit in self._permits.values() for trigger in permit.written.values()]
        return sorted(every, key=lambda trigger: trigger.first)

    @property
    def permitted_pulses(self) -> int:
        """Pulses of the train that permits were granted for."""
        return sum(permit.triggers for permit in self._permits.values()) * self.per_trigger

    @property
    def commanded(self) -> int:
        """Pulses whose trigger was written."""
        return sum(trigger.asked for trigger in self.triggers if trigger.written_us is not None)

    @property
    def settled(self) -> int:
        """Pulses booked as delivered."""
        return sum(int(trigger.settled["pulses"]) for trigger in self.triggers if trigger.settled)

    @property
    def unknown(self) -> int:
        """Of those, pulses nobody can vouch for."""
        return sum(
            int(trigger.settled["pulses"])
            for trigger in self.triggers
            if trigger.settled and trigger.settled["outcome"] == "unknown"
        )

    @property
    def interval(self) -> tuple[int, int]:
        """(low, high) of the evidence over the whole train."""
        known = [trigger.settled for trigger in self.triggers if trigger.settled]
        return sum(int(one["low"]) for one in known), sum(int(one["high"]) for one in known)

    @property
    def evidence(self) -> str:
        """The weakest kind of evidence any of its pulses has."""
        order = ("assumed", "accepted", "running", "counted")
        kinds = {str(trigger.settled["by"]) for trigger in self.triggers if trigger.settled}
        return min(kinds, key=lambda kind: order.index(kind) if kind in order else -1, default="none")

    @property
    def last_pulse_us(self) -> int | None:
        """BOOTTIME of the last pulse that may have gone out, on the late side; None when there was none."""
        ends = [self._end_us(trigger) for trigger in self.triggers if trigger.written_us is not None]
        return max(ends, default=None)

    def _end_us(self, trigger: Trigger) -> int:
        duration_us = 0 if self.planned.single else self.planned.train.duration_us
        return (trigger.written_us or 0) + duration_us

    @property
    def total(self) -> dict[str, Any]:
        """The train's own row. What was permitted and never settled is unknown, and counts."""
        low, high = self.interval
        unsettled = 0 if self.closed else self.permitted_pulses - self.settled
        return {
            "train": self.number,
            "commanded": self.commanded,
            "pulses": self.settled + unsettled,
            "low": low,
            "high": high + unsettled,
            "by": self.evidence,
            "unknown": self.unknown + unsettled,
        }

    def rows(self) -> Iterator[dict[str, Any]]:
        """One row per pulse that was commanded, left out, or delivered beyond what was asked.

        `commanded_us` is the write of its trigger, and null for pulses that the device timed by itself; `planned_us`
        of those follows from the trigger. `sensed_us` is null: this room has no pickup. What the watchdog showed last
        before the trigger was shown at `shown_us`: read-back, temperature, condition, the session's hash, and what its
        ledger left of the treatment.
        """
        offsets = (0,) if self.planned.single else self.planned.train.pulse_times_us()
        for trigger in self.triggers:
            settled, device = trigger.fate, trigger.shown.get("device") or {}
            delivered = int(settled["pulses"])
            for n in range(max(trigger.asked, delivered)):
                flags = [
                    name
                    for name, holds in (
                        ("late", trigger.late and n == 0),
                        ("missed", n >= delivered),
                        ("extra", n >= trigger.asked),
                        ("unknown", settled["outcome"] == "unknown"),
                    )
                    if holds
                ]
                yield {
                    "train": self.number,
                    "pulse": trigger.first + n,
                    "planned_us": trigger.planned_us + offsets[n] if n < len(offsets) else None,
                    "commanded_us": trigger.written_us if n == 0 else None,
                    "sensed_us": None,
                    "clock": "boottime",
                    "level_set_tenths": self.set_to.level.tenths,
                    "level_read_back_tenths": (device.get("settings") or {}).get("level_tenths"),
                    "intensity_tenths": self.set_to.intensity.tenths,
                    "coil": self.set_to.coil,
                    "coil_tenths_celsius": device.get("temperature_tenths"),
                    "condition": device.get("condition"),
                    "hash": (trigger.shown.get("session") or {}).get("hash"),
                    "left": pulses_left(trigger.shown),
                    "shown_us": trigger.shown.get("at_us"),
                    "verdict": settled["outcome"],
                    "evidence": settled["by"],
                    "flags": flags,
                }

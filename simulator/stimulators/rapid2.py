"""A Magstim Rapid² as a physical thing: it charges, waits, fires, warms and lapses. It knows no bytes.

`step_to` moves it through time; every act happens at the time it was last stepped to. Conditions and what leads
from one to the next::

    STANDBY ──arm──▶ ARMED ──charged──▶ READY ──trigger──▶ train ──last pulse──▶ ARMED (wait) ──▶ READY
       ▲               │                  │                  │
       └── disarm, keep-alive lapse, 60 s without a pulse, hot coil, coil pulled: from everywhere ──┘
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from drivers.errors import OurError
from drivers.quantities import SECOND_US, Hertz
from drivers.stimulators import Condition
from simulator.stimulators.capacitor import TENTHS_PER_PERCENT, Capacitor
from simulator.stimulators.coil import Coil
from simulator.stimulators.profile import NEW_FIRMWARE, Profile
from simulator.world import Happening, Kind, World

MS_US = 1_000
POWER_UP_PERCENT = 30
FULL_PERCENT, ENHANCED_PERCENT = 100, 110
WHOLE_HERTZ_FROM_TENTHS = 300
"""Decimals of a rate are taken up to 30 Hz (magpy-tms 1.4)."""
FOR_EVER = -1


class Answer(Enum):
    """What the device makes of an order."""

    DONE = "done"
    BAD_DATA = "bad data"
    """Outside the range of the field."""
    CONFLICT = "conflict"
    """Valid, and against the present state."""


@dataclass(slots=True)
class Defects:
    """What is broken in this device. All zero: nothing."""

    disarms_ignored: int = 0
    """Orders to disarm still to be ignored; `FOR_EVER` for all."""
    extra_pulses: int = 0
    """Added to every train; negative: left out."""
    output_offset_tenths: int = 0
    """Real output less what is set, invisible from outside."""
    setting_offset_percent: int = 0
    """Added to every level set from now on, visible when read back."""
    train_bit_stuck: bool = False
    error_code: str = ""
    """Source letter and two digits; empty: no error."""


@dataclass(slots=True)
class _RunningTrain:
    number: int
    start_us: int
    rate: Hertz
    pulses: int
    """What really goes out, defects included."""
    bit_until_us: int
    single: bool
    delivered: int = 0

    def next_us(self) -> int | None:
        """When the next pulse is due; None when all are out."""
        if self.delivered >= self.pulses:
            return None
        return self.start_us + (self.delivered * 10 * SECOND_US // self.rate.tenths if self.delivered else 0)


DEFECT_RATE = Hertz.of(10)
"""At which pulses follow that nobody ordered after a single one (an engineering choice)."""


class Rapid2:
    """The device between its serial socket and its coil."""

    def __init__(self, profile: Profile, world: World) -> None:
        self.profile = profile
        self.defects = Defects()
        self._world = world
        self._now_us = world.clock.now_us()
        self._triggers = 0
        self.power_ups = 0
        self.coil = Coil(profile, self._now_us)
        self._on_at_us: int | None = None
        self._off_after_pulses: tuple[int, int] | None = None
        self._power_up()

    def _power_up(self) -> None:
        self.power_ups += 1
        self.remote = False
        self.enhanced = False
        self.switch_ignored = False
        self.repetitive = False
        self.level_percent = POWER_UP_PERCENT
        self.rate_tenths = self.pulses = self.duration_ms = self.charge_delay_ms = 0
        self._capacitor = Capacitor(self.profile, POWER_UP_PERCENT * TENTHS_PER_PERCENT, self._now_us)
        self._armed = False
        self._armed_us = self._fired_us = self._heard_us = self._busy_until_us = self._recharged_us = self._now_us
        self._train: _RunningTrain | None = None

    # ── time ────────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def now_us(self) -> int:
        """The time it was last stepped to."""
        return self._now_us

    def step_to(self, now_us: int) -> None:
        """Lets everything happen that is due by `now_us`, each at its own time. OurError when time runs back."""
        if now_us < self._now_us:
            raise OurError(f"a device cannot step back: it is at {self._now_us} µs and was sent to {now_us} µs")
        while (due := self._next_event()) and due[0] <= now_us:
            self._now_us = max(self._now_us, due[0])
            due[1]()
        self._now_us = now_us

    @property
    def next_event_us(self) -> int | None:
        """When something will happen by itself: a pulse, a lapse. None: never."""
        due = self._next_event()
        return due[0] if due else None

    def _next_event(self) -> tuple[int, Callable[[], None]] | None:
        if self._on_at_us is not None:
            return self._on_at_us, self._switch_on
        events: list[tuple[int, Callable[[], None]]] = []
        if self._train:
            pulse_us = self._train.next_us()
            events.append((self._train.bit_until_us, self._end_train) if pulse_us is None else (pulse_us, self._pulse))
        if self.remote:
            limit = self.profile.keep_alive_armed_us if self._armed else self.profile.keep_alive_standby_us
            events.append((self._heard_us + limit, self._lapse))
        if self._armed and not self._train:
            events.append((max(self._armed_us, self._fired_us) + self.profile.auto_disarm_us, self.auto_disarm))
        return min(events, key=lambda event: event[0]) if events else None

    # ── what it shows ───────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def powered(self) -> bool:
        """Whether mains are on."""
        return self._on_at_us is None

    @property
    def condition(self) -> Condition:
        """Standby, armed, or armed and charged."""
        if not self._armed:
            return Condition.STANDBY
        return Condition.READY if self._charged else Condition.ARMED

    @property
    def _charged(self) -> bool:
        ready_us = max(
            self._armed_us + self.profile.arming_us,
            self._capacitor.settled_us,
            self._recharged_us,
            self._busy_until_us,
        )
        return self._train is None and self._now_us >= ready_us and self.coil.present and self._switch_ok

    @property
    def _switch_ok(self) -> bool:
        return self.coil.switch_closed or self.switch_ignored or not self.profile.has_coil_switch

    @property
    def train_running(self) -> bool:
        """The train bit: from the first pulse on; single pulses have none."""
        running = self._train is not None and not self._train.single and self._now_us >= self._train.start_us
        return running or self.defects.train_bit_stuck

    @property
    def waiting(self) -> bool:
        """The wait bit: a train has just ended and parameters cannot change."""
        return self._now_us < self._busy_until_us

    @property
    def wait_ms(self) -> int:
        """The wait between trains it shows among its settings."""
        return self.profile.wait_after_train_us // MS_US if self.repetitive else self.profile.wait_shown_single_ms

    @property
    def coil_tenths(self) -> int:
        """What the coil's sensor says, 0.1 °C."""
        return self.coil.read_tenths(self._now_us)

    @property
    def coil_ready(self) -> bool:
        """Plugged in, switch pressed or ignored, cool enough."""
        return self.coil.present and self._switch_ok and not self.coil.refused(self._now_us)

    # ── settings ────────────────────────────────────────────────────────────────────────────────────────────────────

    def renew(self) -> None:
        """It heard from its controller."""
        self._heard_us = self._now_us

    def take_remote(self) -> None:
        """Serial control from now on, renewed from now on."""
        self.remote = True
        self.renew()

    def set_level(self, percent: int) -> Answer:
        """0..100 %, to 110 % with enhanced power."""
        if percent > (ENHANCED_PERCENT if self.enhanced else FULL_PERCENT):
            return Answer.BAD_DATA
        if not self._settable:
            return Answer.CONFLICT
        self._move_level(min(max(0, percent + self.defects.setting_offset_percent), ENHANCED_PERCENT))
        return Answer.DONE

    def _move_level(self, percent: int) -> None:
        self.level_percent = percent
        self._capacitor.set(percent * TENTHS_PER_PERCENT, self._now_us)

    def set_rate(self, tenths: int) -> Answer:
        """0.1 Hz: to 100 Hz at 240 V, 60 Hz at 115 V, decimals to 30 Hz (magpy-tms 1.4)."""
        top = 1000 if self.profile.supply_volts == 240 else 600  # noqa: PLR2004  the two mains of the world
        if tenths > top or (tenths > WHOLE_HERTZ_FROM_TENTHS and tenths % 10):
            return Answer.BAD_DATA
        return self._set("rate_tenths", tenths)

    def set_pulses(self, pulses: int) -> Answer:
        """Pulses per train: to 6000, before firmware 9 to 1000 (magpy-tms 1.4)."""
        top = 6000 if self.profile.firmware >= NEW_FIRMWARE else 1000
        return Answer.BAD_DATA if not 1 <= pulses <= top else self._set("pulses", pulses)

    def set_duration_ms(self, duration_ms: int) -> Answer:
        """0 leaves repetitive mode, anything else enters it: to 600 s, before firmware 9 to 10 s (magpy-tms 1.4)."""
        top = 600_000 if self.profile.firmware >= NEW_FIRMWARE else 10_000
        if duration_ms > top:
            return Answer.BAD_DATA
        changes_mode = self.repetitive != bool(duration_ms)
        if changes_mode and (self._armed or self.enhanced):
            return Answer.CONFLICT
        answer = self._set("duration_ms", duration_ms)
        if answer is Answer.DONE:
            self.repetitive = bool(duration_ms)
        return answer

    def set_charge_delay_ms(self, delay_ms: int) -> Answer:
        """Time before recharging: to 10 s, on firmware 9 to 2 s (magpy-tms 1.4)."""
        top = 2_000 if self.profile.firmware == NEW_FIRMWARE else 10_000
        return Answer.BAD_DATA if delay_ms > top else self._set("charge_delay_ms", delay_ms)

    def set_enhanced(self, *, on: bool) -> Answer:
        """Enhanced power: in standby and single-pulse mode only (magpy-tms 1.4)."""
        if self._armed or self.repetitive or not self._settable:
            return Answer.CONFLICT
        self.enhanced = on
        if self.level_percent > FULL_PERCENT and not on:
            self._move_level(FULL_PERCENT)
        return Answer.DONE

    def ignore_coil_switch(self) -> Answer:
        """The coil's own button no longer counts."""
        self.switch_ignored = True
        return Answer.DONE

    @property
    def _settable(self) -> bool:
        return self._train is None and not self.waiting

    def _set(self, name: str, value: int) -> Answer:
        if not self._settable:
            return Answer.CONFLICT
        setattr(self, name, value)
        return Answer.DONE

    # ── acts ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def arm(self) -> Answer:
        """Starts charging; `CONFLICT` when armed already, without coil, or with a hot one."""
        if self._armed or self._train or not self.coil.present or self.coil.refused(self._now_us):
            return Answer.CONFLICT
        self._armed, self._armed_us = True, self._now_us
        self._happened(Kind.ARMED)
        return Answer.DONE

    def order_disarm(self) -> Answer:
        """Disarms, unless this device is broken in exactly that."""
        if self.defects.disarms_ignored:
            self.defects.disarms_ignored -= self.defects.disarms_ignored > 0
        else:
            self.disarm("ordered")
        return Answer.DONE

    def order_drop_remote(self) -> None:
        """Back to the front panel; disarms first (magpy-tms 1.4)."""
        self.order_disarm()
        self.remote = False

    def disarm(self, why: str) -> None:
        """To standby, from whatever state."""
        if self._train and self.profile.disarm_cuts_train:
            self._end_train()
        if self._armed:
            self._armed = False
            self._happened(Kind.DISARMED, note=why)

    def arm_and_trigger(self) -> Answer:
        """Both at once: arms when in standby, and fires when charged."""
        return self.arm() if self.condition is Condition.STANDBY else self.trigger()

    def trigger(self) -> Answer:
        """One pulse, or the train that is set; `CONFLICT` unless READY and set."""
        if self.condition is not Condition.READY or (self.repetitive and not (self.rate_tenths and self.pulses)):
            return Answer.CONFLICT
        self._triggers += 1
        start_us = self._now_us + self.profile.trigger_latency_us
        pulses = max(0, self._pulses_set() + self.defects.extra_pulses)
        rate = Hertz(self.rate_tenths) if self.repetitive else DEFECT_RATE
        self._train = _RunningTrain(
            number=self._triggers,
            start_us=start_us,
            rate=rate,
            pulses=pulses,
            bit_until_us=self._bit_until_us(start_us, rate, pulses),
            single=not self.repetitive,
        )
        return Answer.DONE

    def _pulses_set(self) -> int:
        if not self.repetitive:
            return 1
        if self.profile.train_ends_by == "shorter":
            return min(self.pulses, max(1, self.duration_ms * self.rate_tenths // (MS_US * 10)))
        return self.pulses

    def _bit_until_us(self, start_us: int, rate: Hertz, pulses: int) -> int:
        if self.repetitive and self.profile.train_bit_until == "duration":
            return start_us + self.duration_ms * MS_US
        return start_us + (pulses - 1) * 10 * SECOND_US // rate.tenths if pulses > 1 else start_us

    # ── what happens by itself ──────────────────────────────────────────────────────────────────────────────────────

    def _happened(self, kind: Kind, **facts: int | str) -> None:
        self._world.happened(Happening(self._now_us, kind, **facts))  # type: ignore[arg-type]

    def _pulse(self) -> None:
        train = self._train
        if train is None:
            raise OurError("a pulse without a train")
        train.delivered += 1
        self._fired_us = self._now_us
        level_tenths = max(0, self._capacitor.at(self._now_us) + self.defects.output_offset_tenths)
        self._happened(Kind.PULSE, level_tenths=level_tenths, train=train.number, index=train.delivered)
        self.coil.pulse(level_tenths, self._now_us)
        if train.delivered == train.pulses and self._now_us >= train.bit_until_us:
            self._end_train()
        if self.coil.refused(self._now_us):
            self._happened(Kind.HOT, note=f"{self.coil_tenths / 10:.1f} °C")
            self.disarm("coil hot")
        self._maybe_lose_power()

    def _end_train(self) -> None:
        train, self._train = self._train, None
        if train is None:
            raise OurError("the end of a train that does not run")
        if train.single:
            over = self.level_percent > FULL_PERCENT
            recharge_us = self.profile.enhanced_recharge_us if over else self.profile.single_recharge_us
            self._recharged_us = self._fired_us + recharge_us + self.charge_delay_ms * MS_US
        else:
            self._busy_until_us = self._now_us + self.profile.wait_after_train_us

    def _lapse(self) -> None:
        self._happened(Kind.LAPSE)
        self.remote = False
        self.disarm("keep-alive lapsed")

    def auto_disarm(self) -> None:
        """Armed too long without a pulse."""
        self.disarm("armed without a pulse for too long")

    # ── hands and accidents ─────────────────────────────────────────────────────────────────────────────────────────

    def plug_coil(self, *, present: bool) -> None:
        """Plugs the coil in or pulls it; pulling disarms."""
        if self.coil.present != present:
            self.coil.present = present
            self._happened(Kind.COIL, note="plugged in" if present else "pulled")
        if not present:
            self.disarm("coil pulled")

    def warm_coil(self, tenths: int) -> None:
        """Makes the coil as warm as that, 0.1 °C; above its limit the device disarms."""
        self.coil.set_tenths(tenths, self._now_us)
        if self.coil.refused(self._now_us):
            self._happened(Kind.HOT, note=f"{self.coil_tenths / 10:.1f} °C")
            self.disarm("coil hot")

    def turn_level(self, percent: int) -> None:
        """The knob of the front panel, whatever the serial side thinks."""
        self._move_level(percent)

    def force_wait(self, us: int) -> None:
        """The device is busy for `us` as after a train."""
        self._busy_until_us = self._now_us + us

    def power_off(self, off_us: int, *, after_pulses: int = 0) -> None:
        """Mains fail for `off_us`: now, or right after the next `after_pulses` pulses. It comes back as new."""
        self._off_after_pulses = (after_pulses, off_us)
        if not after_pulses:
            self._maybe_lose_power(counted=0)

    def _maybe_lose_power(self, counted: int = 1) -> None:
        if self._off_after_pulses is None:
            return
        left, off_us = self._off_after_pulses[0] - counted, self._off_after_pulses[1]
        self._off_after_pulses = (left, off_us) if left > 0 else None
        if left <= 0:
            self._happened(Kind.POWER, note="off")
            self._power_up()
            self._on_at_us = self._now_us + off_us

    def _switch_on(self) -> None:
        self._on_at_us = None
        self._power_up()
        self._happened(Kind.POWER, note="on")

    def restore(self) -> None:
        """Repaired, cool, coil plugged in, as after switching on."""
        self.defects = Defects()
        self._off_after_pulses = self._on_at_us = None
        self.coil = Coil(self.profile, self._now_us)
        self.disarm("restored")
        self._power_up()

"""A Magstim Rapid² as a physical thing: it charges, waits, fires, warms and lapses. It knows no bytes.

`step_to` moves it through time; every act happens at the time it was last stepped to. Conditions and what leads
from one to the next::

    STANDBY ──arm──▶ ARMED ──charged──▶ READY ──trigger──▶ train ──last pulse──▶ ARMED (wait) ──▶ READY
       ▲               │                  │                  │
       └── disarm, keep-alive lapse, 60 s without a pulse, hot coil, coil pulled: from everywhere ──┘
"""

from __future__ import annotations

from collections.abc import Callable

from drivers.energy import EnergyRules
from drivers.errors import OurError
from drivers.magstim.energy_table import energy_rules
from drivers.quantities import SECOND_US, PercentMso
from drivers.stimulators import Condition, Field
from simulator.stimulators.answers import Answer
from simulator.stimulators.capacitor import Capacitor
from simulator.stimulators.coil import Coil
from simulator.stimulators.defects import Defects
from simulator.stimulators.profile import Profile
from simulator.stimulators.settings import ENHANCED_TENTHS, FULL_TENTHS, POWER_UP_TENTHS, Settings
from simulator.stimulators.train import DEFECT_RATE, RunningTrain
from simulator.world import Happening, Kind, World

MS_US = 1_000


class Rapid2:
    """The device between its serial socket and its coil."""

    def __init__(self, profile: Profile, world: World) -> None:
        self.profile = profile
        self._world = world
        self._energy: EnergyRules = energy_rules(profile.model, profile.supply_volts, profile.max_pulses)
        self._now_us = world.clock.now_us()
        self._triggers = 0
        self.power_ups = 0
        self.restore()

    def restore(self) -> None:
        """Repaired, cool, coil plugged in, as after switching on."""
        self.defects = Defects()
        self.coil = Coil(self.profile, self._now_us)
        self._power_up()

    def _power_up(self) -> None:
        self.power_ups += 1
        self._on_at_us: int | None = None
        self.remote = False
        self.switch_ignored = False
        self.settings = Settings(self.profile)
        self._capacitor = Capacitor(self.profile, POWER_UP_TENTHS, self._now_us)
        self._armed = False
        self._armed_us = self._fired_us = self._heard_us = self._now_us
        self._busy_until_us = self._recharged_us = self._rested_us = self._now_us
        self._train: RunningTrain | None = None

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
        """The soonest of what is to come; at one time a pulse goes before what would prevent it."""
        if self._on_at_us is not None:
            return self._on_at_us, self._switch_on
        soonest: tuple[int, Callable[[], None]] | None = None
        if self._train:
            pulse_us = self._train.next_us
            soonest = (self._train.ends_us, self._end_train) if pulse_us is None else (pulse_us, self._pulse)
        elif self._armed:
            idle_since_us = max(self._armed_us, self._fired_us)
            soonest = (idle_since_us + self.profile.auto_disarm_us, self.auto_disarm)
        if self.remote:
            limit_us = self.profile.keep_alive_armed_us if self._armed else self.profile.keep_alive_standby_us
            if soonest is None or self._heard_us + limit_us < soonest[0]:
                soonest = (self._heard_us + limit_us, self._lapse)
        if self.defects.creep_tenths and (soonest is None or self.defects.creeps_at_us < soonest[0]):
            soonest = (self.defects.creeps_at_us, self._creep)
        return soonest

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
        charged_us = max(self._armed_us + self.profile.arming_us, self._capacitor.settled_us, self._recharged_us)
        free = self._train is None and not self.waiting
        return self._now_us >= charged_us and free and self.coil.present and self._switch_ok

    @property
    def _switch_ok(self) -> bool:
        return self.coil.switch_closed or self.switch_ignored or not self.profile.has_coil_switch

    @property
    def busy(self) -> bool:
        """A train runs or has just ended: nothing can be set."""
        return (self._train is not None and not self._train.single) or self.waiting

    @property
    def train_running(self) -> bool:
        """The train bit: from the first pulse on; single pulses have none."""
        running = self._train is not None and not self._train.single and self._now_us >= self._train.start_us
        return running or self.defects.train_bit_stuck

    @property
    def waiting(self) -> bool:
        """The wait bit: a train has just ended."""
        return self._now_us < self._busy_until_us

    @property
    def wait_ms(self) -> int:
        """The wait between trains it shows among its settings."""
        repetitive = self.settings.repetitive
        return self.profile.wait_after_train_us // MS_US if repetitive else self.profile.wait_shown_single_ms

    @property
    def coil_tenths(self) -> int:
        """What the coil's sensor says, 0.1 °C."""
        return self.coil.read_tenths(self._now_us)

    @property
    def coil_ready(self) -> bool:
        """Plugged in, switch pressed or ignored, cool enough."""
        return self.coil.present and self._switch_ok and not self.coil.refused(self._now_us)

    @property
    def unlock_code(self) -> str:
        """What gives remote control of the unit that stands here."""
        return self.defects.unlock_code or self.profile.unlock_code

    # ── orders ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def renew(self) -> None:
        """It heard from its controller."""
        self._heard_us = self._now_us

    def take_remote(self) -> Answer:
        """Serial control from now on, renewed from now on."""
        self.remote = True
        self.renew()
        return Answer.DONE

    def drop_remote(self) -> Answer:
        """Back to the front panel; disarms first (magpy-tms 1.4)."""
        self.order_disarm()
        self.remote = False
        return Answer.DONE

    def set(self, field: Field, value: int) -> Answer:
        """Sets one field, in the unit of `Field`."""
        if not self.settings.fits(field, value):
            return Answer.BAD_DATA
        changes_mode = self.settings.changes_mode(field, value)
        if self.busy or self.settings.excludes(field, value) or (changes_mode and self._armed):
            return Answer.CONFLICT
        if field is Field.LEVEL:
            self._come_out_at(value + self.defects.setting_offset_tenths)
            return Answer.DONE
        self.settings[field] = value
        if field is Field.ENHANCED and not value and self.settings[Field.LEVEL] > FULL_TENTHS:
            self.turn_level(FULL_TENTHS)
        return Answer.DONE

    def ignore_coil_switch(self) -> Answer:
        """The coil's own button no longer counts."""
        self.switch_ignored = True
        return Answer.DONE

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

    def arm_and_trigger(self) -> Answer:
        """Both at once: arms when in standby, and fires when charged."""
        return self.arm() if self.condition is Condition.STANDBY else self.trigger()

    def trigger(self) -> Answer:
        """One pulse, or the train that is set; `CONFLICT` unless READY and set."""
        if self.condition is not Condition.READY or not self.settings.pulses:
            return Answer.CONFLICT
        if strain := self._strain():
            if self.profile.enforces_energy:
                return Answer.CONFLICT
            self._happened(Kind.STRAIN, strain)
        self._triggers += 1
        single = not self.settings.repetitive
        self._train = RunningTrain(
            number=self._triggers,
            start_us=self._now_us + self.profile.trigger_latency_us,
            rate=DEFECT_RATE if single else self.settings.rate,
            pulses=max(0, self.settings.pulses + self.defects.extra_pulses),
            single=single,
            shown_us=self.settings[Field.DURATION_MS] * MS_US if self.profile.train_bit_until == "duration" else 0,
        )
        return Answer.DONE

    def _strain(self) -> str | None:
        """Why its supply would suffer from what a trigger would start now."""
        if not self.settings.repetitive:
            return None
        if self._now_us < self._rested_us:
            return f"{self._rested_us - self._now_us} µs before the supply has paid back the last train"
        return self._energy.refuses(PercentMso(self.settings[Field.LEVEL]), self.settings.rate, self.settings.pulses)

    # ── what happens by itself ──────────────────────────────────────────────────────────────────────────────────────

    def _happened(self, kind: Kind, note: str = "") -> None:
        self._world.happened(Happening(self._now_us, kind, note=note))

    def _pulse(self) -> None:
        train = self._running()
        train.delivered += 1
        self._fired_us = self._now_us
        level_tenths = max(0, self._capacitor.at(self._now_us) + self.defects.output_offset_tenths)
        self._world.happened(Happening(self._now_us, Kind.PULSE, level_tenths, train.number, train.delivered))
        self.coil.pulse(level_tenths, self._now_us)
        if train.delivered == train.pulses and self._now_us >= train.ends_us:
            self._end_train()
        self._check_heat()
        if self.defects.power_fails_after is not None:
            self.defects.power_fails_after -= 1
            if self.defects.power_fails_after <= 0:
                self.power_off(self.defects.power_off_us)

    def _creep(self) -> None:
        self.defects.creeps_at_us += SECOND_US
        self._come_out_at(self.settings[Field.LEVEL] + self.defects.creep_tenths)

    def _come_out_at(self, tenths: int) -> None:
        self.turn_level(min(max(0, tenths), ENHANCED_TENTHS))

    def _running(self) -> RunningTrain:
        if self._train is None:
            raise OurError("no train runs")
        return self._train

    def _end_train(self) -> None:
        train = self._running()
        self._train = None
        if train.single:
            over = self.settings[Field.LEVEL] > FULL_TENTHS
            recharge_us = self.profile.enhanced_recharge_us if over else self.profile.single_recharge_us
            self._recharged_us = self._fired_us + recharge_us + self.settings[Field.CHARGE_DELAY_MS] * MS_US
            return
        self._busy_until_us = self._now_us + self.profile.wait_after_train_us
        if train.delivered:
            level = PercentMso(self.settings[Field.LEVEL])
            self._rested_us = self._fired_us + self._energy.minimum_wait_us(level, train.rate, train.delivered)

    def disarm(self, why: str) -> None:
        """To standby, from whatever state."""
        if self._train and self.profile.disarm_cuts_train:
            self._train.cut()
            if self._train.next_us is None:
                self._end_train()
        if self._armed:
            self._armed = False
            self._happened(Kind.DISARMED, why)

    def _lapse(self) -> None:
        self._happened(Kind.LAPSE)
        self.remote = False
        self.disarm("keep-alive lapsed")

    def auto_disarm(self) -> None:
        """Armed too long without a pulse."""
        self.disarm("armed without a pulse for too long")

    def _check_heat(self) -> None:
        if self.coil.refused(self._now_us):
            self._happened(Kind.HOT, f"{self.coil_tenths / 10:.1f} °C")
            self.disarm("coil hot")

    # ── hands and accidents ─────────────────────────────────────────────────────────────────────────────────────────

    def turn_level(self, tenths: int) -> None:
        """Sets the level, 0.1 %, whoever turns it."""
        self.settings[Field.LEVEL] = tenths
        self._capacitor.set(tenths, self._now_us)

    def creep(self, tenths: int) -> None:
        """From now on the level changes by so much each second, nobody knows why; 0 ends it."""
        self.defects.creep_tenths, self.defects.creeps_at_us = tenths, self._now_us + SECOND_US

    def give_way(self, unlock_code: str) -> None:
        """Another unit of its kind stands in its place, just switched on, with its own code."""
        self._happened(Kind.POWER, "another unit")
        self._power_up()
        self.defects.unlock_code = unlock_code

    def plug_coil(self, *, present: bool) -> None:
        """Plugs the coil in or pulls it; pulling disarms."""
        if self.coil.present != present:
            self.coil.present = present
            self._happened(Kind.COIL, "plugged in" if present else "pulled")
        if not present:
            self.disarm("coil pulled")

    def warm_coil(self, tenths: int) -> None:
        """Makes the coil as warm as that, 0.1 °C; above its limit the device disarms."""
        self.coil.set_tenths(tenths, self._now_us)
        self._check_heat()

    def force_wait(self, us: int) -> None:
        """The device is busy for `us` as after a train."""
        self._busy_until_us = self._now_us + us

    def power_off(self, off_us: int) -> None:
        """Mains fail, a running train with them, and are back after `off_us`, everything set as at first."""
        self._happened(Kind.POWER, "off")
        self._power_up()
        self.defects.power_fails_after = None
        self._on_at_us = self._now_us + off_us

    def _switch_on(self) -> None:
        self._power_up()
        self._happened(Kind.POWER, "on")

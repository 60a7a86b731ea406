"""Every fault and accident of a simulated stimulator, by name: one function each, its docstring the line of help.

A switch's parameters are its arguments on the back door and on the command line, with their types checked there.
`count` 0 means until `reset`; `of` is how the command begins (`E`, `EH`), empty for every command.
"""

from __future__ import annotations

from drivers.errors import OperatorError
from drivers.stimulators import Condition, Field
from simulator.bench import Bench
from simulator.faults import FOR_EVER, LineFault, Spoil
from simulator.stimulators import defects
from simulator.stimulators.answers import Answer
from simulator.stimulators.settings import ENHANCED_TENTHS
from simulator.switch import Facts, Switches

MS_US = 1_000
LOG_LINES = 200
"""Most happenings in one answer, so that an answer stays below 64 KiB."""

SWITCHES = Switches()
_switch = SWITCHES.add


def turn(bench: Bench, name: str, /, **arguments: object) -> Facts:
    """Turns the switch `name`; OperatorError when there is none, or its arguments do not fit."""
    switch = SWITCHES.find(name)
    switch.check(arguments)
    bench.advance()
    return switch.run(bench, **arguments) or {}


# ── looking ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@_switch
def status(bench: Bench) -> Facts:
    """The device as it really is, and what is wrong with it."""
    device, port = bench.device, bench.port
    return {
        "at_us": device.now_us,
        "model": bench.profile.model,
        "firmware": bench.profile.firmware,
        "powered": device.powered,
        "condition": device.condition.value,
        "remote": device.remote,
        "settings": {field.value: device.settings[field] for field in Field},
        "repetitive": device.settings.repetitive,
        "train_running": device.train_running,
        "waiting": device.waiting,
        "coil_present": device.coil.present,
        "coil_tenths": round(device.coil.true_tenths(device.now_us)),
        "coil_shown_tenths": device.coil_tenths,
        "pulses": bench.world.pulses,
        "cable": port.present,
        "silent": port.silent,
        "stalled": port.stalled,
        "line_faults": [f"{fault.spoil.name.lower()} of {fault.of.decode() or 'all'}" for fault in port.faults.active],
    }


@_switch
def pulses(bench: Bench) -> Facts:
    """How many pulses physically went out since the start."""
    return {"pulses": bench.world.pulses}


@_switch
def log(bench: Bench, since: int = 0) -> Facts:
    """What physically happened, from happening number `since` on, at most 200 of them."""
    world = bench.world
    start = max(since, world.forgotten) - world.forgotten
    lines = [happening.as_json() for happening in list(world.log)[start : start + LOG_LINES]]
    first = world.forgotten + start
    return {"first": first, "next": first + len(lines), "total": world.counts.total(), "happenings": lines}


@_switch
def reset(bench: Bench) -> None:
    """Ends every fault: good cable, device as after switching on, cool coil; the log stays."""
    bench.restore()


# ── the line ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _spoil(bench: Bench, spoil: Spoil, of: str, count: int, *, ms: float = 0, at: int = 1) -> None:
    if count < 0 or ms < 0 or at < 0:
        raise OperatorError("count, ms and at are not negative")
    bench.port.faults.add(LineFault(spoil, of.encode(), count, round(ms * MS_US), at))


@_switch
def lose_command(bench: Bench, of: str = "", count: int = 1) -> None:
    """The next commands never reach the device: no effect, no reply."""
    _spoil(bench, Spoil.LOSE_COMMAND, of, count)


@_switch
def swallow_disarm(bench: Bench, count: int = 1) -> None:
    """The next disarms never reach the device."""
    _spoil(bench, Spoil.LOSE_COMMAND, "EA", count)


@_switch
def lose_reply(bench: Bench, of: str = "", count: int = 1) -> None:
    """The next commands take effect, and their replies are lost."""
    _spoil(bench, Spoil.LOSE_REPLY, of, count)


@_switch
def delay_reply(bench: Bench, ms: float, of: str = "", count: int = 1) -> None:
    """The next replies leave `ms` late, perhaps after those of later commands."""
    _spoil(bench, Spoil.DELAY, of, count, ms=ms)


@_switch
def duplicate_reply(bench: Bench, of: str = "", count: int = 1) -> None:
    """The next replies come twice."""
    _spoil(bench, Spoil.DUPLICATE, of, count)


@_switch
def flip_byte(bench: Bench, at: int = 1, of: str = "", count: int = 1) -> None:
    """One bit of byte `at` of the next replies is wrong."""
    _spoil(bench, Spoil.FLIP, of, count, at=at)


@_switch
def drop_byte(bench: Bench, at: int = 1, of: str = "", count: int = 1) -> None:
    """Byte `at` of the next replies is missing."""
    _spoil(bench, Spoil.DROP, of, count, at=at)


@_switch
def insert_byte(bench: Bench, at: int = 1, of: str = "", count: int = 1) -> None:
    """The next replies have a byte too many before byte `at`."""
    _spoil(bench, Spoil.INSERT, of, count, at=at)


@_switch
def swap_replies(bench: Bench, of: str = "", count: int = 1) -> None:
    """The next reply waits and comes after the one that follows it."""
    _spoil(bench, Spoil.SWAP, of, count)


@_switch
def split_reply(bench: Bench, ms: float = 20, at: int = 1, of: str = "", count: int = 1) -> None:
    """The next replies pause for `ms` before byte `at`."""
    _spoil(bench, Spoil.SPLIT, of, count, ms=ms, at=at)


@_switch
def slow_replies(bench: Bench, ms: float) -> None:
    """Every reply leaves `ms` late from now on; 0 ends it."""
    bench.port.slow_us = round(ms * MS_US)


@_switch
def silent(bench: Bench, on: bool = True) -> None:
    """The device hears nothing and says nothing; its physics goes on."""
    bench.port.silent = on


@_switch
def stall(bench: Bench, on: bool = True) -> None:
    """The device takes no bytes: a client's writes fill up and block."""
    bench.port.stalled = on


@_switch
def vanish(bench: Bench) -> None:
    """The cable is pulled: link and PTY disappear, clients get a hang-up."""
    bench.port.pull()


@_switch
def come_back(bench: Bench, other_code: str = "") -> None:
    """The cable is plugged in again: a new PTY under the old link. With a code, into another unit that has this one."""
    if other_code:
        bench.device.give_way(other_code)
    bench.port.plug()


# ── the device ──────────────────────────────────────────────────────────────────────────────────────────────────────


@_switch
def power_cycle(bench: Bench, off_ms: float = 1000, after_pulses: int = 0) -> None:
    """The device resets, now or right after the next `after_pulses` pulses; silent for `off_ms`, then as new."""
    off_us = round(off_ms * MS_US)
    if after_pulses:
        bench.device.defects.power_fails_after, bench.device.defects.power_off_us = after_pulses, off_us
    else:
        bench.device.power_off(off_us)


@_switch
def ignore_disarm(bench: Bench, count: int = FOR_EVER) -> None:
    """The device answers the next disarms and stays armed; count 0: all of them."""
    bench.device.defects.disarms_ignored = count or defects.FOR_EVER


@_switch
def over_fire(bench: Bench, pulses: int = 1) -> None:
    """Every trigger delivers `pulses` more than set."""
    bench.device.defects.extra_pulses = pulses


@_switch
def under_fire(bench: Bench, pulses: int = 1) -> None:
    """Every trigger delivers `pulses` fewer than set."""
    bench.device.defects.extra_pulses = -pulses


@_switch
def offset_output(bench: Bench, tenths: int) -> None:
    """Pulses are stronger by `tenths` (0.1 %) than every setting and reading says."""
    bench.device.defects.output_offset_tenths = tenths


@_switch
def drift_level(bench: Bench, percent: int) -> None:
    """Every level set from now on comes out `percent` higher, and reads back so."""
    bench.device.defects.setting_offset_tenths = percent * 10


@_switch
def creep_level(bench: Bench, tenths: int) -> None:
    """The level changes by `tenths` (0.1 %) each second by itself, and reads back so; 0 ends it."""
    bench.device.creep(tenths)


@_switch
def stick_train_bit(bench: Bench, on: bool = True) -> None:
    """The train bit stays set."""
    bench.device.defects.train_bit_stuck = on


@_switch
def error_code(bench: Bench, code: str) -> None:
    """The device reports an error such as C12 (source U, C or E and two digits); empty ends it."""
    if code and not (code[0] in "UCE" and len(code) == len("C12") and code[1:].isdecimal()):
        raise OperatorError(f"an error code is U, C or E and two digits, not {code!r}")
    bench.device.defects.error_code = code


@_switch
def wait(bench: Bench, ms: float = 500) -> None:
    """The device is busy for `ms` as after a train: parameters cannot change, nothing fires."""
    bench.device.force_wait(round(ms * MS_US))


@_switch
def auto_disarm(bench: Bench) -> None:
    """The device disarms itself now."""
    bench.device.auto_disarm()


# ── the coil ────────────────────────────────────────────────────────────────────────────────────────────────────────


@_switch
def unplug_coil(bench: Bench) -> None:
    """The coil is pulled out."""
    bench.device.plug_coil(present=False)


@_switch
def plug_coil(bench: Bench) -> None:
    """The coil is plugged in."""
    bench.device.plug_coil(present=True)


@_switch
def coil_switch(bench: Bench, closed: bool = True) -> None:
    """The coil's own button is pressed, or let go."""
    bench.device.coil.switch_closed = closed


@_switch
def coil_temperature(bench: Bench, celsius: float) -> None:
    """The coil is that warm now, and cools or warms from there."""
    bench.device.warm_coil(round(celsius * 10))


@_switch
def freeze_sensor(bench: Bench, celsius: float = -1.0) -> None:
    """The coil's sensor says `celsius` for ever; without it, what it says now."""
    device = bench.device
    device.coil.frozen_tenths = device.coil_tenths if celsius < 0 else round(celsius * 10)


# ── hands at the front panel ────────────────────────────────────────────────────────────────────────────────────────


@_switch
def panel_arm(bench: Bench) -> None:
    """Somebody arms the device at its panel."""
    if bench.device.arm() is not Answer.DONE:
        raise OperatorError(f"it cannot be armed now: it is in {bench.device.condition.value}")


@_switch
def panel_disarm(bench: Bench) -> None:
    """Somebody presses STOP on the stimulator: always works."""
    bench.device.disarm("STOP pressed on the panel")


@_switch
def panel_trigger(bench: Bench) -> None:
    """Somebody fires at the device, with hand or foot switch."""
    if bench.device.trigger() is not Answer.DONE:
        condition = bench.device.condition
        why = "no train is set" if condition is Condition.READY else f"it is in {condition.value}"
        raise OperatorError(f"it cannot fire now: {why}")


@_switch
def panel_level(bench: Bench, percent: int) -> None:
    """Somebody turns the level at the panel."""
    if not 0 <= percent * 10 <= ENHANCED_TENTHS:
        raise OperatorError(f"the knob goes from 0 to {ENHANCED_TENTHS // 10} %, not to {percent}")
    bench.device.turn_level(percent * 10)

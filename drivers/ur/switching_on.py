"""From a controller that has booted to an arm whose brakes are open: what a person may ask for, step by step."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from drivers.errors import DeadlinePassed, DeviceRefused
from drivers.robots import SafetyMode
from drivers.ur.dashboard import Dashboard
from drivers.ur.site import UrSite

LOOK_S: Final = 0.2
"""Between two looks at the mode; the arm takes seconds."""
MODES_WITH_POWER: Final = ("IDLE", "RUNNING")
"""IDLE: powered, brakes closed."""


def switch_on(site: UrSite, deadline_s: float = 30.0, pause: Callable[[float], None] = time.sleep) -> None:
    """Powers the arm and opens its brakes, when it stands in no stop and is in remote control; waits until it is so.

    Raises DeviceRefused, naming what a person has to do, DeadlinePassed, PortNotFound, PortLost.
    """
    ends_at = time.monotonic() + deadline_s
    with Dashboard.dial(site) as dashboard:
        refuse_when_stopped(dashboard.safety_status())
        if not dashboard.in_remote_control():
            raise DeviceRefused(
                "The robot is in local control and takes nothing from the network. Choose Remote Control at the top"
                " right of its pendant."
            )
        if dashboard.robot_mode() not in MODES_WITH_POWER:
            dashboard.power_on()
            _wait(dashboard, MODES_WITH_POWER, ends_at, pause)
        if dashboard.robot_mode() != "RUNNING":
            dashboard.brake_release()
            _wait(dashboard, ("RUNNING",), ends_at, pause)


def refuse_when_stopped(safety: SafetyMode) -> None:
    """Raises DeviceRefused, with what to do, in every safety mode in which the arm cannot move."""
    if safety in (SafetyMode.NORMAL, SafetyMode.REDUCED):
        return
    remedy = {
        SafetyMode.PROTECTIVE_STOP: "Look what stopped it, then unlock it with your name.",
        SafetyMode.EMERGENCY_STOP: "Turn the emergency-stop button to release it, and confirm at the pendant.",
        SafetyMode.SAFEGUARD_STOP: "Close the safeguard, or hold the enabling device.",
        SafetyMode.RECOVERY: "Move the arm back inside its limits at the pendant.",
    }.get(safety, "Look at its pendant; its safety system has to be restarted there.")
    raise DeviceRefused(f"The robot's safety system says {safety.value}. {remedy}")


def _wait(dashboard: Dashboard, modes: tuple[str, ...], ends_at: float, pause: Callable[[float], None]) -> None:
    while (mode := dashboard.robot_mode()) not in modes:
        if time.monotonic() > ends_at:
            raise DeadlinePassed(f"The robot is still {mode} and does not become {modes[-1]}. Look at its pendant.")
        pause(LOOK_S)

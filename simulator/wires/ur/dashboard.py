"""The dashboard server of a controller: a line in, a line out (dashboard manual, e-Series 5.12)."""

from __future__ import annotations

from collections.abc import Callable

from drivers.errors import DeviceRefused
from simulator.wires.ur.controller import Controller
from simulator.wires.ur.modes import RobotMode

GREETING = "Connected: Universal Robots Dashboard Server"
QUIT = "quit"
MOST_LINE_BYTES = 4096


class Dashboard:
    """Answers for one controller; knows no connection."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        major, minor, bugfix, build = controller.version
        said = {
            "polyscopeversion": lambda: f"URSoftware {major}.{minor}.{bugfix}.{build} (Jan 01 2022)",
            "version": lambda: f"{major}.{minor}.{bugfix}.{build}",
            "get serial number": lambda: controller.serial,
            "get robot model": lambda: controller.arm.profile.model.rstrip("e"),
            "is in remote control": lambda: str(controller.remote).lower(),
            "robotmode": lambda: f"Robotmode: {controller.mode.name}",
            "safetymode": lambda: f"Safetymode: {controller.safety.name}",
            "safetystatus": lambda: f"Safetystatus: {controller.safety.name}",
            "running": lambda: f"Program running: {str(controller.program is not None).lower()}",
            "programstate": self._program_state,
            "close popup": lambda: "closing popup",
            "close safety popup": lambda: "closing safety popup",
            QUIT: lambda: "Disconnected",
        }
        done = {
            "stop": self._stop,
            "play": self._play,
            "unlock protective stop": self._unlock,
            "power on": lambda: self._power(RobotMode.IDLE, "Powering on"),
            "power off": lambda: self._power(RobotMode.POWER_OFF, "Powering off"),
            "brake release": lambda: self._power(RobotMode.RUNNING, "Brake releasing"),
        }
        self._answers: dict[str, Callable[[], str]] = said
        self._acts: dict[str, Callable[[], str]] = done

    def answer(self, line: str) -> str:
        """The line that answers this one."""
        order = line.strip()
        asked = order.lower()
        if asked in self._answers:
            return self._answers[asked]()
        if asked not in self._acts:
            return f'could not understand: "{order}"'
        if not self._controller.remote:
            return f'Command is not allowed due to safety reasons. The robot is not in remote control: "{order}"'
        return self._acts[asked]()

    def _program_state(self) -> str:
        program = self._controller.program
        return f"PLAYING {program.name}" if program else "STOPPED <unnamed>"

    def _stop(self) -> str:
        if self._controller.program is None:
            return "Failed to execute: stop"
        self._controller.stop_program("stopped at the dashboard")
        return "Stopped"

    def _play(self) -> str:
        return "Failed to execute: play"

    def _unlock(self) -> str:
        try:
            self._controller.unlock()
        except DeviceRefused as refused:
            return str(refused)
        return "Protective stop releasing"

    def _power(self, mode: RobotMode, said: str) -> str:
        if self._controller.emergency:
            return f"Failed to execute: {said}"
        off = self._controller.mode is RobotMode.POWER_OFF
        if mode is RobotMode.RUNNING and off:
            return "Failed to execute: brake release"
        if mode is not RobotMode.IDLE or off:
            self._controller.power(mode)
        return said

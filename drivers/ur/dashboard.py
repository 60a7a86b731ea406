"""The controller's dashboard port: power, brakes, what it says of itself, and the one act that needs a person's name.

One line there, one line back; used while nothing moves, so calls wait, each with a deadline. A protective stop is never
left by software alone: `unlock_protective_stop` is a call of its own and takes the name of the operator who looked.
"""

from __future__ import annotations

import contextlib
import re
import socket
import time
from collections.abc import Iterator
from typing import Final

from drivers.errors import BadFrame, DeadlinePassed, DeviceRefused, OperatorError, PortLost, PortNotFound
from drivers.robots import SafetyMode
from drivers.ur.site import UrSite

ANSWER_S: Final = 2.0
"""Longest wait for a line (engineering choice: twice what the maker's own client waits)."""
LONGEST_LINE: Final = 4096
LONGEST_NAME: Final = 80

_SAFETY: Final = {
    "NORMAL": SafetyMode.NORMAL,
    "REDUCED": SafetyMode.REDUCED,
    "PROTECTIVE_STOP": SafetyMode.PROTECTIVE_STOP,
    "RECOVERY": SafetyMode.RECOVERY,
    "SAFEGUARD_STOP": SafetyMode.SAFEGUARD_STOP,
    "AUTOMATIC_MODE_SAFEGUARD_STOP": SafetyMode.SAFEGUARD_STOP,
    "SYSTEM_THREE_POSITION_ENABLING_STOP": SafetyMode.SAFEGUARD_STOP,
    "SYSTEM_EMERGENCY_STOP": SafetyMode.EMERGENCY_STOP,
    "ROBOT_EMERGENCY_STOP": SafetyMode.EMERGENCY_STOP,
    "VIOLATION": SafetyMode.VIOLATION,
    "FAULT": SafetyMode.FAULT,
}


class Dashboard:
    """An open dashboard. Every call raises PortLost, DeadlinePassed, and DeviceRefused when the controller says no."""

    def __init__(self, link: socket.socket) -> None:
        """Owns `link` from here on; `dial` makes one."""
        self._socket = link
        self._unread = b""

    @classmethod
    @contextlib.contextmanager
    def dial(cls, site: UrSite) -> Iterator[Dashboard]:
        """Connected and greeted. Raises PortNotFound when no dashboard answers."""
        try:
            link = socket.create_connection((site.host, site.ports.dashboard), timeout=ANSWER_S)
        except OSError as error:
            raise PortNotFound(
                f"No dashboard answers at {site.host}:{site.ports.dashboard} ({error}). Check that the controller has"
                " booted; PolyScope X has none: switch the arm on at its pendant."
            ) from error
        with link:
            dashboard = cls(link)
            dashboard._line()  # it speaks first
            yield dashboard

    def power_on(self) -> None:
        """Switches the arm's power on; its brakes stay closed."""
        self._expect("power on", "Powering on")

    def brake_release(self) -> None:
        """Opens the brakes, which lets every joint move by a little."""
        self._expect("brake release", "Brake releasing")

    def robot_mode(self) -> str:
        """As the controller names it: POWER_OFF, IDLE, RUNNING, …"""
        return self._told("robotmode", r"Robotmode: (\w+)")

    def safety_status(self) -> SafetyMode:
        """What the safety system says; a word that is not known counts as a fault."""
        said = self.ask("safetystatus")
        if not said.startswith("Safetystatus:"):  # before 5.4
            said = self.ask("safetymode")
        found = re.fullmatch(r"Safety(?:status|mode): (\w+)", said)
        return _SAFETY.get(found[1], SafetyMode.FAULT) if found else SafetyMode.FAULT

    def in_remote_control(self) -> bool:
        """Whether it takes programs from the network. A CB3 knows no such question and always does."""
        said = self.ask("is in remote control")
        return said.lower() == "true" or said.lower().startswith("could not understand")

    def unlock_protective_stop(self, operator: str) -> None:
        """Ends a protective stop, on the word of the person named, who has looked why it came.

        Raises OperatorError without a usable name, DeviceRefused when the stop is younger than 5 s or is none.
        """
        name = operator.strip()
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            raise OperatorError(
                "A protective stop is unlocked by a person. Look why the arm stopped, then give your name, at most"
                f" {LONGEST_NAME} printable characters."
            )
        self.ask(f"addToLog coilward: protective stop unlocked by {name}")
        self.ask("close safety popup")
        said = self.ask("unlock protective stop")
        if said != "Protective stop releasing":
            raise DeviceRefused(
                f"The robot keeps its stop: {said!r}. Wait until 5 s have passed since it came, and look what its"
                " pendant shows."
            )

    def ask(self, command: str) -> str:
        """The answer to one command, without its line end."""
        try:
            self._socket.settimeout(ANSWER_S)
            self._socket.sendall(command.encode() + b"\n")
        except OSError as error:
            raise self._gone(str(error)) from error
        return self._line()

    def _expect(self, command: str, answer: str) -> None:
        said = self.ask(command)
        if said != answer:
            raise DeviceRefused(
                f"The robot refuses '{command}': {said!r}. Look at its pendant, and check that it is in remote control."
            )

    def _told(self, command: str, pattern: str) -> str:
        said = self.ask(command)
        found = re.fullmatch(pattern, said)
        if found is None:
            raise BadFrame(f"The robot's dashboard answers '{command}' with {said!r}. Check the port, 29999.")
        return found[1]

    def _line(self) -> str:
        give_up = time.monotonic() + ANSWER_S
        while b"\n" not in self._unread:
            self._socket.settimeout(max(1e-3, give_up - time.monotonic()))
            try:
                data = self._socket.recv(LONGEST_LINE)
            except TimeoutError:
                raise DeadlinePassed(
                    f"The robot's dashboard says nothing within {ANSWER_S:g} s. Look at its pendant."
                ) from None
            except OSError as error:
                raise self._gone(str(error)) from error
            if not data:
                raise self._gone("it hung up")
            self._unread += data
            if len(self._unread) > LONGEST_LINE:
                raise BadFrame("The robot's dashboard sends a line without an end. Check the port, 29999.")
        line, _, self._unread = self._unread.partition(b"\n")
        return line.decode(errors="replace").strip()

    def _gone(self, why: str) -> PortLost:
        return PortLost(f"The robot's dashboard is gone: {why}. Check the controller's power and network cable.")

"""What ur_rtde's uploaded script does, as a state machine: the contract of another project's text (`robot.md` 3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.wires.ur.programs import Ended

if TYPE_CHECKING:
    from simulator.wires.ur.controller import Controller


class UrRtdeProgram:
    """The program, from its upload to `stopScript`."""

    name = "rtde_control"

    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    @staticmethod
    def is_in(text: str) -> bool:
        """Whether the text is ur_rtde's script."""
        return text.lstrip().startswith("def rtde_control()")

    def step(self) -> None:
        """One tick."""
        raise Ended(f"{self.name} is not served yet")

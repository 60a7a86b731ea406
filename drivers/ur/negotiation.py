"""How an RTDE connection is set up: version, software, outputs, inputs, start; each asked once the last is answered.

Pure: replies in, the next request out. The same every time, so a connection that comes back owns its inputs again and
has its own recipes, which the controller forgets with the connection.
"""

from __future__ import annotations

from enum import Enum, auto

from drivers.errors import BadFrame, DeviceRefused, OurError
from drivers.ur.fields import IN_USE, NOT_FOUND, FieldType, Recipe
from drivers.ur.packets import (
    ControllerVersion,
    InputsAnswer,
    OutputsAnswer,
    Reply,
    RequestControllerVersion,
    RequestVersion,
    SetupInputs,
    SetupOutputs,
    Start,
    StartAnswer,
    VersionAnswer,
)
from drivers.ur.registers import INPUTS, OUTPUTS

FIRST_E_SERIES = 5
E_SERIES_HZ = 500.0
CB3_HZ = 125.0
"""The rate of each controller's own loop, and the most it streams."""
OLDEST_CB3 = (3, 15)
OLDEST_E_SERIES = (5, 10)
"""First software that can say whether a pose can be reached (NOTES.md); registers 24 to 47 it has since 3.9 and 5.3."""


class InputsTaken(DeviceRefused):
    """Another RTDE client owns a register that this driver must write."""


class Asked(Enum):
    """Whose answer is due."""

    VERSION = auto()
    CONTROLLER = auto()
    OUTPUTS = auto()
    INPUTS = auto()
    START = auto()
    NOTHING = auto()


class Negotiation:
    """One set-up. Send `begin`, then whatever `hear` returns, until `done`."""

    def __init__(self, most_hz: float = E_SERIES_HZ) -> None:
        self._most_hz = most_hz
        self._asked = Asked.VERSION
        self.rate_hz = 0.0
        """Packets per second asked for; known once the controller has told its software."""
        self._controller: ControllerVersion | None = None
        self._outputs: Recipe | None = None
        self._inputs: Recipe | None = None

    @property
    def done(self) -> bool:
        """Whether the stream has begun."""
        return self._asked is Asked.NOTHING

    @property
    def outputs(self) -> Recipe:
        """How the controller packs its states. OurError before it has told."""
        return _settled(self._outputs)

    @property
    def inputs(self) -> Recipe:
        """How set-points are packed. OurError before the controller has told."""
        return _settled(self._inputs)

    def begin(self) -> bytes:
        """The first request."""
        return RequestVersion().to_bytes()

    def hear(self, reply: Reply) -> bytes:
        """The next request; empty when the stream has begun.

        Raises DeviceRefused (InputsTaken) when the controller cannot or will not, BadFrame for an answer nobody asked.
        """
        match self._asked, reply:
            case Asked.VERSION, VersionAnswer(accepted=accepted):
                return self._after_version(accepted)
            case Asked.CONTROLLER, ControllerVersion() as controller:
                return self._after_controller(controller)
            case Asked.OUTPUTS, OutputsAnswer() as answer:
                self._outputs = Recipe(answer.recipe_id, _told(OUTPUTS, answer.types))
                self._asked = Asked.INPUTS
                return SetupInputs(tuple(name for name, _ in INPUTS)).to_bytes()
            case Asked.INPUTS, InputsAnswer() as answer:
                self._inputs = Recipe(answer.recipe_id, _told(INPUTS, answer.types))
                self._asked = Asked.START
                return Start().to_bytes()
            case Asked.START, StartAnswer(accepted=accepted):
                if not accepted:
                    raise DeviceRefused(
                        "The robot's controller does not start its RTDE stream. Wait until it has booted, then"
                        " reconnect."
                    )
                self._asked = Asked.NOTHING
                return b""
        raise BadFrame(f"RTDE answers {type(reply).__name__} where {self._asked.name} was asked. Reconnect.")

    def _after_version(self, accepted: bool) -> bytes:
        if not accepted:
            raise DeviceRefused(
                "The robot's controller does not speak RTDE version 2. Update its software to 3.15 (CB3) or 5.10"
                " (e-Series) or later."
            )
        self._asked = Asked.CONTROLLER
        return RequestControllerVersion().to_bytes()

    def _after_controller(self, controller: ControllerVersion) -> bytes:
        e_series = controller.major >= FIRST_E_SERIES
        if (controller.major, controller.minor) < (OLDEST_E_SERIES if e_series else OLDEST_CB3):
            raise DeviceRefused(
                f"The robot's controller runs software {controller}, which cannot say whether a pose can be"
                " reached. Update it to 3.15 (CB3) or 5.10 (e-Series) or later."
            )
        self.rate_hz = min(self._most_hz, E_SERIES_HZ if e_series else CB3_HZ)
        self._asked = Asked.OUTPUTS
        return SetupOutputs(self.rate_hz, tuple(name for name, _ in OUTPUTS)).to_bytes()


def _settled(recipe: Recipe | None) -> Recipe:
    if recipe is None:
        raise OurError("a recipe was used before the controller had told it")
    return recipe


def _told(wanted: tuple[tuple[str, FieldType], ...], types: tuple[str, ...]) -> tuple[tuple[str, FieldType], ...]:
    """The fields, when the controller gives each with its type; raises for what it does not."""
    taken = [name for (name, _), told in zip(wanted, types, strict=False) if told == IN_USE]
    if taken:
        raise InputsTaken(
            f"The robot's registers {', '.join(taken)} belong to another program that is connected to the controller:"
            " another coilward-arm, a script with ur_rtde, the ROS driver, or a URCap. Stop that program and"
            " reconnect; if none runs, restart the controller."
        )
    unknown = [name for (name, _), told in zip(wanted, types, strict=False) if told == NOT_FOUND]
    if unknown:
        raise DeviceRefused(
            f"The robot's controller does not know {', '.join(unknown)}. Update its software; for PolyScope X ask"
            " which of these it still has."
        )
    if types != tuple(kind.wire_name for _, kind in wanted):
        raise BadFrame(f"RTDE gives types {','.join(types)} for {len(wanted)} fields that it has always told otherwise")
    return wanted

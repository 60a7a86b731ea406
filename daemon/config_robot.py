"""The sections of a robot room: the tracker that sees the head, and the arm that holds the coil."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from daemon.config_parts import Port, Section, SitePath
from drivers.poses import Pose

TrackerModel = Literal["polaris-vicra", "polaris-spectra", "polaris-vega"]
RobotModel = Literal["ur3", "ur5", "ur10", "ur3e", "ur5e", "ur10e", "ur16e"]
ToolName = Literal["head", "coil", "pointer"]


def _with_head_and_coil(tools: dict[ToolName, SitePath]) -> dict[ToolName, SitePath]:
    if "head" not in tools:
        raise ValueError("must have the tool `head`: the coil follows it")
    if "coil" not in tools:
        raise ValueError("must have the tool `coil`: no train begins unless the camera sees it on its target")
    return tools


class TrackerSection(Section):
    """`[tracker]`: the camera that sees head and coil; only with `profile = "robot"`."""

    model: TrackerModel = Field(description="model of the tracker", examples=["polaris-vicra"])
    port: Port = Field(
        description="where the tracker is plugged in", examples=["serial:/dev/serial/by-id/usb-…", "tcp:10.0.0.7:8765"]
    )
    tools: Annotated[dict[ToolName, SitePath], AfterValidator(_with_head_and_coil)] = Field(
        description="tool files (.rom) by what carries the marker: head, coil, and pointer if there is one",
        examples=[{"head": "head.rom", "coil": "coil.rom"}],
    )
    registration_hours: float = Field(
        default=12.0, gt=0.0, le=24.0, examples=[4],
        description="how long a registration holds: no longer than the marker stays on the head",
    )  # fmt: skip


def _an_address(text: str) -> str:
    try:
        return "127.0.0.1" if text == "localhost" else str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("must be an address in numbers: looking up a name can stall the arm") from None


class RobotSection(Section):
    """`[robot]`: the arm that holds the coil; only with `profile = "robot"`."""

    model: RobotModel = Field(description="model of the arm", examples=["ur5e"])
    host: Annotated[str, AfterValidator(_an_address)] = Field(
        description="address of the arm's controller", examples=["192.168.0.10"]
    )
    rate_hz: int = Field(
        default=500, ge=125, le=500, description="set-points a second; 125 for a CB3 controller", examples=[500]
    )
    park: tuple[float, float, float, float, float, float] = Field(
        description="robot_from_tcp where the coil rests away from the subject: x, y, z in m, rotation vector in rad",
        examples=[[-0.2, -0.4, 0.5, 0.0, 3.14, 0.0]],
    )
    tool: tuple[float, float, float, float, float, float] = Field(
        default=(0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        description="flange_from_tcp, the coil's face centre on the flange: x, y, z in m, rotation vector in rad",
        examples=[[0.0, 0.0, 0.12, 0.0, 0.0, 0.0]],
    )
    payload_kg: float = Field(
        default=1.0, ge=0.0, le=16.0, description="mass of coil, holder and cable on the flange", examples=[2.1]
    )
    payload_centre: tuple[float, float, float] = Field(
        default=(0.0, 0.0, 0.0),
        description="their centre of mass, from the flange: x, y, z in m; the force limits need it right",
        examples=[[0.0, 0.0, 0.06]],
    )
    box_low: tuple[float, float, float] = Field(
        default=(-0.85, -0.85, -0.1),
        description="lower corner of the box the coil's face may be in, in the robot's base: x, y, z in m",
        examples=[[-0.85, -0.85, -0.1]],
    )
    box_high: tuple[float, float, float] = Field(
        default=(0.85, 0.85, 1.2), description="the box's upper corner", examples=[[0.85, 0.85, 1.2]]
    )
    calibration: SitePath = Field(
        description="file of what `coilward calibrate run` found, which the daemon writes: where camera and marker are",
        examples=["calibration.json"],
    )

    @model_validator(mode="after")
    def _parked_inside_the_box(self) -> Self:
        for axis, low, at, high in zip("xyz", self.box_low, self.park[:3], self.box_high, strict=True):
            if not low < high:
                raise ValueError(
                    f"box_low and box_high leave no room along {axis}: {low:g} to {high:g} m. Swap or widen them"
                )
            if not low <= at <= high:
                raise ValueError(
                    f"park lies outside the box along {axis}: {at:g} m, and the box goes from {low:g} to {high:g} m."
                    " Move park, or widen box_low and box_high"
                )
        return self

    @property
    def park_pose(self) -> Pose:
        """`robot_from_tcp` at rest."""
        return Pose.turned(self.park[3:], self.park[:3])

    @property
    def flange_from_tcp(self) -> Pose:
        """The tool as the controller is told."""
        return Pose.turned(self.tool[3:], self.tool[:3])

    @property
    def simulated(self) -> bool:
        """A controller on this machine's own loopback is a simulated one."""
        return ipaddress.ip_address(self.host).is_loopback

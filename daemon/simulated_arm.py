"""What a simulated room with an arm needs in writing: tool files and calibration, as the simulator stands; and what is
recorded there of a subject: registration and target.

The simulator is asked at its back door how everything is placed, which in a real room registration and calibration
find out. Nothing of the simulator is imported here.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any

from daemon.calibration_file import Calibration, Misfit, Spread, read_calibration
from daemon.calibration_seal import now
from daemon.config import Site
from daemon.config_robot import RobotSection
from daemon.registration_file import MeasuredScalp, Registration, Touched, read_registration
from daemon.registrations import file_of
from daemon.runtime import Runtime
from daemon.scalp import Scalp
from daemon.simulator_line import turn
from daemon.target import DEFAULT_GAP_M
from drivers.polaris import tool_files
from drivers.poses import Pose

TOOLS = ("head", "coil", "pointer")
RATE_HZ = 125
"""Turns of the arm's loop: a shared machine without real-time rights keeps this up (engineering choice)."""
TARGET = "left-m1"
REGISTRATION, PLACE = "registration.json", "place.json"
"""Beside the calibration: of a head that nobody has been named for yet, and where on it the simulator's target is."""
_EXACT = Misfit(rms_mm=0, rms_deg=0, worst_mm=0, worst_deg=0)


@dataclass(frozen=True, slots=True)
class SimulatedArm:
    """The part of a simulated room that only a robot room has."""

    host: str
    head: str = "rest"
    """How still the head is kept: `still`, `restrained`, `rest` or `free`."""
    seed: int = 0

    @property
    def arguments(self) -> list[str]:
        """For the simulator's command line."""
        return ["--room", "robot", "--arm-host", self.host, "--head", self.head, "--seed", str(self.seed)]


def some_host() -> str:
    """A loopback address of this room's own: a controller's ports are fixed, and two rooms may run at once."""
    return f"127.{64 + secrets.randbelow(64)}.{secrets.randbelow(256)}.{1 + secrets.randbelow(254)}"


def write_placement(runtime: Runtime, arm: SimulatedArm) -> str:
    """Asks the simulator how the room stands, files it, and gives the sections for the site file.

    Raises DeadlinePassed when it does not answer. Blocks.
    """
    truth = turn(runtime.simulator_control, "room-truth")
    folder = runtime.folder / "room"
    folder.mkdir(exist_ok=True)
    for tool in TOOLS:
        (folder / f"{tool}.rom").write_bytes(tool_files.made_up(tool))
    _calibration(truth).write(folder / "calibration.json")
    (folder / PLACE).write_text(json.dumps(truth["head_from_target"]))
    _registration(truth).write(folder / REGISTRATION)
    tools = ", ".join(f'{tool} = "{folder / f"{tool}.rom"}"' for tool in TOOLS)
    return f"""
[tracker]
model = "polaris-vega"
port = "pty:{runtime.tracker}"
tools = {{ {tools} }}

[robot]
model = "ur5e"
host = "{arm.host}"
rate_hz = {RATE_HZ}
park = {_six(truth["robot_from_parked"])}
tool = {_six(truth["flange_from_tcp"])}
calibration = "{folder / "calibration.json"}"
"""


def register_simulated(site: Site, subject: str) -> None:
    """Files what `coilward register` would find for a subject of a simulated room; nothing in one without an arm."""
    if site.robot is None:
        return
    found = read_registration(site.robot.calibration.with_name(REGISTRATION))
    file = file_of(site.daemon.state, subject)
    file.parent.mkdir(parents=True, exist_ok=True)
    found.model_copy(update={"subject": subject, "made": now()}).write(file)


def recorded_target(robot: RobotSection) -> dict[str, Any]:
    """The fields of `file-target` that `coilward target record` would find with the coil on the simulator's target."""
    place = json.loads(robot.calibration.with_name(PLACE).read_text())
    return {
        "name": TARGET, "head_from_target": tuple(place), "air_gap_m": DEFAULT_GAP_M,
        "spread_mm": 0.0, "spread_deg": 0.0, "apart_mm": 0.0, "apart_deg": 0.0,
        "calibration": read_calibration(robot.calibration).hash,
    }  # fmt: skip


def _pose(numbers: list[float]) -> Pose:
    return Pose.of(numbers[:4], numbers[4:])


def _six(numbers: list[float]) -> list[float]:
    pose = _pose(numbers)
    return [*pose.translation, *pose.rotation_vector]


def _calibration(truth: dict[str, Any]) -> Calibration:
    return Calibration(
        made=now(), by="coilward try", simulated=True, poses=1, condition=1, residual=_EXACT, held_out=_EXACT,
        robot_from_camera=_pose(truth["robot_from_camera"]), tcp_from_coil=_pose(truth["tcp_from_coil"]),
        spread=Spread(turns_deg=(0, 0, 0), shifts_mm=(0, 0, 0)),
    )  # fmt: skip


def _registration(truth: dict[str, Any]) -> Registration:
    head_from_skull = _pose(truth["head_from_skull"])
    found = {
        name.lower(): Touched(
            point_m=head_from_skull.apply(point), touches=1, spread_mm=0, apart_mm=0, error_mm=0,
        )
        for name, point in truth["fiducials"].items()
    }  # fmt: skip
    return Registration(
        made=now(), by="coilward try", subject="", simulated=True, head_from_skull=head_from_skull,
        head_from_image=None, residual_mm=0, marker_below=False, nas=found["nas"], lpa=found["lpa"], rpa=found["rpa"],
        scalp=MeasuredScalp(shape=Scalp.model_validate(truth["scalp_in_skull"]), points=12, residual_mm=0),
    )  # fmt: skip

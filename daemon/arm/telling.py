"""What the arm says of itself, 20 times a second and when something changes, in millimetres and degrees."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from daemon.arm.lateness import Lateness
from daemon.arm.messages import numbers_of
from daemon.arm.outputs import Output
from drivers.robots import RobotState
from drivers.trackers import Frame


@dataclass(frozen=True, slots=True)
class Moment:
    """What changes seldom: a new one is said at once."""

    state: str
    why: str | None
    lease: str
    mode: str
    safety: str
    program: str


def moment_of(output: Output, robot: RobotState | None) -> Moment:
    """The words of this turn."""
    return Moment(
        state=output.state.value,
        why=None if output.why is None else output.why.json,
        lease=output.lease.value,
        mode="unreachable" if robot is None else robot.mode.value,
        safety="unknown" if robot is None else robot.safety.value,
        program="absent" if robot is None else robot.program.value,
    )


def state_body(
    now_us: int,
    output: Output,
    robot: RobotState | None,
    *,
    frame: Frame | None,
    lateness: Lateness,
    calibration: str,
    trouble: str,
) -> dict[str, Any]:
    """The message. Figures are rounded to what an instrument resolves, so that a packet stays short."""
    moment = moment_of(output, robot)
    tcp = None if robot is None else [round(number, 7) for number in numbers_of(robot.robot_from_tcp)]
    return {
        "say": "state",
        "at_us": now_us,
        "state": moment.state,
        "why": moment.why,
        "lease": moment.lease,
        "error": _error(output),
        "head_speed_mm_s": round(output.head_speed_m_s * 1000, 2),
        "frame": None if frame is None else _seen(frame),
        "frame_age_ms": None if frame is None else round((now_us - frame.source_us) / 1000, 1),
        "calibration": calibration,
        "robot": {"mode": moment.mode, "safety": moment.safety, "program": moment.program, "tcp": tcp},
        "trouble": trouble,
        "late_us": {**asdict(lateness.recent), "counts": lateness.recent_counts},
    }


def figures(*, late: Lateness, goal: Lateness, frame: Lateness) -> dict[str, Any]:
    """What an answer to `status` carries besides: figures of the last ten seconds, and since the start."""
    return {
        "late_us": asdict(late.recent),
        "late_ever_us": asdict(late.since_start()),
        # From the waking to the goal on the socket, and from a frame's last byte to the first goal that knows of it.
        "goal_us": asdict(goal.recent),
        "frame_us": asdict(frame.recent),
        "turns": late.ever.total,
        "missed": late.missed,
    }


def _seen(frame: Frame) -> dict[str, Any]:
    """The newest frame as it came: registration and calibration read what the tracker sees from here."""
    tools = {
        tool.value: numbers_of(sight.pose) if sight.pose else {"missing": sight.missing and sight.missing.value}
        for tool, sight in frame.tools.items()
    }
    return {
        "n": frame.number,
        "source_us": frame.source_us,
        "received_us": frame.received_us,
        "tools": tools,
        "fault": frame.fault,
    }


def _error(output: Output) -> dict[str, float] | None:
    if output.error is None:
        return None
    return {
        "lateral_mm": round(output.error.lateral_m * 1000, 3),
        "depth_mm": round(output.error.depth_m * 1000, 3),
        "tilt_deg": round(math.degrees(output.error.tilt_rad), 3),
        "twist_deg": round(math.degrees(output.error.twist_rad), 3),
    }

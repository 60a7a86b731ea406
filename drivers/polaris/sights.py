"""From a tracker's report to the words of the house, and back for the simulator: sans-io."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from drivers.errors import BadFrame
from drivers.polaris.reports import PortStatus, Report, SystemStatus, ToolReport, Transform
from drivers.poses import Pose
from drivers.trackers import Missing, Sight, Tool

MM: Final = 1e-3
"""Millimetres of the wire in metres."""

BITS: Final = {
    Missing.OUT_OF_VOLUME: PortStatus.OUT_OF_VOLUME,
    Missing.INTERFERENCE: PortStatus.INTERFERENCE,
    Missing.FELL_BEHIND: PortStatus.FELL_BEHIND,
    Missing.FAULT: PortStatus.EXCEPTION,
}
"""Why a tool is missing, as far as a port status tells it; the first that fits is taken."""

BEYOND: Final = 9
"""BX2's number for out of the volume."""
CODES: Final = {
    3: Missing.OUT_OF_VOLUME,
    BEYOND: Missing.OUT_OF_VOLUME,
    13: Missing.PARTLY_SEEN,
    14: Missing.INTERFERENCE,
    17: Missing.BAD_FIT,
    18: Missing.FELL_BEHIND,
    19: Missing.FELL_BEHIND,
    20: Missing.FELL_BEHIND,
    21: Missing.FAULT,
    22: Missing.FAULT,
    31: Missing.NOT_SEEN,
    32: Missing.NOT_ENABLED,
    33: Missing.NOT_ENABLED,
}
"""Why a tool is missing, by the numbers of BX2 (ndicapi.h). 3, partly out of the volume, comes with a pose too."""

FAULTS: Final = {
    SystemStatus.TOO_MUCH_INFRARED: "too much other infrared light: shade windows and lamps",
    SystemStatus.HARDWARE_FAILURE: "the tracker reports a hardware failure: switch it off and on, or call its service",
    SystemStatus.SYNC_ERROR: "the tracker lost step with its tools: check the cables of wired ones",
    SystemStatus.RECOVERABLE: "the tracker reports a fault that it may recover from by itself",
    SystemStatus.HARDWARE_CHANGE: "the tracker's hardware changed: connect again",
}
ALERT_FAULT, ALERT_WARNING = 1, 2


def frame_number(report: Report) -> int | None:
    """The newest frame in a report; None when it has none."""
    return max((tool.frame for tool in report.tools if tool.frame is not None), default=None)


def fault(report: Report) -> str:
    """What the tracker says is wrong with itself, for people; empty when nothing is."""
    said = [text for bit, text in FAULTS.items() if bit in report.system]
    said += [f"the tracker reports fault {code}" for kind, code in report.alerts if kind == ALERT_FAULT]
    said += [f"the tracker reports alert {code}" for kind, code in report.alerts if kind == ALERT_WARNING]
    return "; ".join(said)


def sights(report: Report, handles: Mapping[int, Tool]) -> dict[Tool, Sight]:
    """What a report shows of each tool of ours. BadFrame when a transform is no pose.

    A tool whose last frame is older than the report's newest was not looked at in this one: not seen. A tool that the
    report leaves out was not enabled.
    """
    newest = frame_number(report)
    seen = {handle: Sight(None, missing=Missing.NOT_ENABLED) for handle in handles}
    for tool in report.tools:
        if tool.handle in handles and tool.frame is not None:
            current = tool.frame == newest
            seen[tool.handle] = _sight(tool, report.system) if current else Sight(None, missing=Missing.NOT_SEEN)
    return {handles[handle]: sight for handle, sight in seen.items()}


def _sight(tool: ToolReport, system: SystemStatus) -> Sight:
    if tool.transform is None:
        return Sight(None, missing=_why(tool, system))
    if PortStatus.OUT_OF_VOLUME in tool.status or tool.code == BEYOND:
        return Sight(None, missing=Missing.OUT_OF_VOLUME)  # nobody vouches for how exact it is there
    made = tool.transform
    try:
        pose = Pose.of(made.quaternion, [part * MM for part in made.translation_mm])
    except ValueError as error:
        raise BadFrame(f"tool {tool.handle:02X} comes with {error}") from error
    return Sight(pose, error_m=max(0.0, made.error_mm * MM))


def _why(tool: ToolReport, system: SystemStatus) -> Missing:
    if tool.code:
        return CODES.get(tool.code, Missing.NOT_SEEN)
    told = next((missing for missing, bit in BITS.items() if bit in tool.status), None)
    if told is None and SystemStatus.TOO_MUCH_INFRARED in system:
        return Missing.INTERFERENCE
    return told or Missing.NOT_SEEN


def tool_report(handle: int, sight: Sight, status: PortStatus, frame: int) -> ToolReport:
    """What a tracker reports of a sight."""
    if sight.missing is Missing.NOT_ENABLED:
        return ToolReport(handle, None)
    if sight.pose is None:
        missing = sight.missing or Missing.NOT_SEEN
        return ToolReport(handle, None, status | BITS.get(missing, PortStatus(0)), frame, _code(missing))
    shift = sight.pose.translation
    transform = Transform(
        sight.pose.quaternion, (shift[0] / MM, shift[1] / MM, shift[2] / MM), error_mm=sight.error_m / MM
    )
    return ToolReport(handle, transform, status, frame)


def _code(missing: Missing) -> int:
    found: Iterable[int] = (code for code, why in CODES.items() if why is missing)
    return max(found, default=31)

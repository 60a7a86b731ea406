"""The text reply to TX with option 0001 (transforms and status): sans-io.

    NN, then for each handle HH and one of
      51 characters of transform  8 of port status  8 of frame number  LF
      MISSING                     8 of port status  8 of frame number  LF
      DISABLED                                                         LF
      UNOCCUPIED                                                       LF      (some firmwares: 16 more characters)
    then 4 of system status

Rounded to 0.01 mm and 1e-4 of a quaternion (0.006°, 15 µm at 150 mm).
"""

from __future__ import annotations

import re
from typing import Final

from drivers.errors import BadFrame, OurError
from drivers.polaris.reports import PortStatus, Report, SystemStatus, ToolReport, Transform

_TURN: Final = r"[+-]\d{5}"
_SHIFT: Final = r"[+-]\d{6}"
_TOOL: Final = re.compile(
    rf"([0-9A-F]{{2}})(?:(DISABLED)|(UNOCCUPIED)[0-9A-F]*"
    rf"|(?:(MISSING)|((?:{_TURN}){{4}}(?:{_SHIFT}){{3}}{_TURN}))([0-9A-F]{{8}})([0-9A-F]{{8}}))\n"
)
_LEAST: Final = 2 + 4
MOST_MM: Final = 9999.99


def parse(text: str) -> Report:
    """The reply without its checksum. BadFrame when it is not of this form."""
    if len(text) < _LEAST or re.fullmatch(r"[0-9A-F]{2}", text[:2]) is None:
        raise BadFrame(f"no reply to TX: {text[:40]!r}")
    at, tools = 2, []
    for _ in range(int(text[:2], 16)):
        found = _TOOL.match(text, at)
        if found is None:
            raise BadFrame(f"a reply to TX that breaks off: {text[at : at + 40]!r}")
        at = found.end()
        if not found[3]:
            tools.append(_tool(found))
    if re.fullmatch(r"[0-9A-F]{4}", text[at:]) is None:
        raise BadFrame(f"a reply to TX that ends wrongly: {text[at : at + 40]!r}")
    return Report(tuple(tools), SystemStatus(int(text[at:], 16)))


def _tool(found: re.Match[str]) -> ToolReport:
    handle = int(found[1], 16)
    if found[2]:
        return ToolReport(handle, None)
    status, frame = PortStatus(int(found[6], 16)), int(found[7], 16)
    if found[4]:
        return ToolReport(handle, None, status, frame)
    w, x, y, z = (int(found[5][n : n + 6]) / 1e4 for n in range(0, 24, 6))
    u, v, t = (int(found[5][n : n + 7]) / 1e2 for n in range(24, 45, 7))
    return ToolReport(handle, Transform((w, x, y, z), (u, v, t), int(found[5][45:]) / 1e4), status, frame)


def encode(report: Report) -> str:
    """The reply without its checksum. OurError when a number does not fit."""
    rows = [f"{tool.handle:02X}{_encoded(tool)}\n" for tool in report.tools]
    return f"{len(rows):02X}{''.join(rows)}{report.system:04X}"


def _encoded(tool: ToolReport) -> str:
    if tool.frame is None:
        return "DISABLED"
    tail = f"{tool.status:08X}{tool.frame:08X}"
    if tool.transform is None:
        return "MISSING" + tail
    made = tool.transform
    if max(map(abs, made.translation_mm)) > MOST_MM or not 0 <= made.error_mm < 10:  # noqa: PLR2004  five digits
        raise OurError(f"{made} does not fit into a reply to TX")
    turns = "".join(f"{round(part * 1e4):+06d}" for part in made.quaternion)
    shifts = "".join(f"{round(part * 1e2):+07d}" for part in made.translation_mm)
    return f"{turns}{shifts}{round(made.error_mm * 1e4):+06d}{tail}"

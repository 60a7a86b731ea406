"""The binary reply to BX with option 0001 (transforms and status): sans-io. Little endian.

count u8, then for each handle: handle u8, then
  01 valid     8 float32 (Q0 Qx Qy Qz Tx Ty Tz error), port status u32, frame number u32
  02 missing   port status u32, frame number u32
  04 disabled  nothing
then system status u16
"""

from __future__ import annotations

import struct
from typing import Final

from drivers.errors import BadFrame
from drivers.polaris.reports import PortStatus, Report, SystemStatus, ToolReport, Transform

VALID: Final = 0x01
MISSING: Final = 0x02
DISABLED: Final = 0x04

TRANSFORM: Final = struct.Struct("<8f")
_TAIL: Final = struct.Struct("<II")
_SYSTEM: Final = struct.Struct("<H")


def parse(body: bytes) -> Report:
    """The body of the reply. BadFrame when it is not of this form."""
    try:
        report, end = _parse(body)
    except (struct.error, IndexError) as error:
        raise BadFrame(f"a reply to BX that breaks off after {len(body)} bytes") from error
    if end != len(body):
        raise BadFrame(f"a reply to BX with {len(body) - end} bytes too many")
    return report


def _parse(body: bytes) -> tuple[Report, int]:
    at, tools = 1, []
    for _ in range(body[0]):
        handle, state = body[at], body[at + 1]
        at += 2
        if state == DISABLED:
            tools.append(ToolReport(handle, None))
            continue
        if state not in (VALID, MISSING):
            raise BadFrame(f"a reply to BX with a tool in state {state:#04x}")
        transform = None
        if state == VALID:
            transform = transform_from(body, at)
            at += TRANSFORM.size
        status, frame = _TAIL.unpack_from(body, at)
        at += _TAIL.size
        tools.append(ToolReport(handle, transform, PortStatus(status), frame))
    (system,) = _SYSTEM.unpack_from(body, at)
    return Report(tuple(tools), SystemStatus(system)), at + _SYSTEM.size


def transform_from(data: bytes, at: int) -> Transform:
    """The eight numbers at `at`. struct.error when there are fewer."""
    w, x, y, z, u, v, t, error = TRANSFORM.unpack_from(data, at)
    return Transform((w, x, y, z), (u, v, t), error)


def transform_bytes(transform: Transform) -> bytes:
    """The eight numbers of a transform."""
    return TRANSFORM.pack(*transform.quaternion, *transform.translation_mm, transform.error_mm)


def encode(report: Report) -> bytes:
    """The body of the reply."""
    body = bytearray((len(report.tools),))
    for tool in report.tools:
        if tool.frame is None:
            body += bytes((tool.handle, DISABLED))
            continue
        body += bytes((tool.handle, VALID if tool.transform else MISSING))
        if tool.transform:
            body += transform_bytes(tool.transform)
        body += _TAIL.pack(tool.status, tool.frame)
    return bytes(body + _SYSTEM.pack(report.system))

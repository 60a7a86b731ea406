"""The binary reply to `BX2:--6d=tools`, of Vega and newer units: sans-io. Little endian.

The body is a list of components, which may hold lists again::

    list       version u16, count u16, components
    component  type u16, size u32 (these 12 bytes included), option u16, items u32, then the items
    1 frame    type u8, sequence u8, status u16, number u32, seconds u32, nanoseconds u32, then a list
    2 6D       handle u16, status u16, then 8 float32 unless bit 8 of the status says missing
    0x12 alert class u16 (1 fault, 2 alert, 4 event), code u16

Unlike TX and BX it says why a tool is missing: the low eight bits of the status.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from drivers.errors import BadFrame
from drivers.polaris.bx import TRANSFORM, transform_bytes, transform_from
from drivers.polaris.reports import PortStatus, Report, ToolReport

FRAME: Final = 1
SIX_D: Final = 2
ALERT: Final = 0x12

PASSIVE: Final = 2
"""Type of a frame that saw passive markers."""
MISSING: Final = 0x0100

_LIST: Final = struct.Struct("<HH")
_COMPONENT: Final = struct.Struct("<HIHI")
_FRAME: Final = struct.Struct("<BBHIII")
_ITEM: Final = struct.Struct("<HH")


def parse(body: bytes) -> Report:
    """The body of the reply; a report without tools where no frame came since the last one. BadFrame."""
    tools: list[ToolReport] = []
    alerts: list[tuple[int, int]] = []
    try:
        for kind, items, count in _components(body, 0, len(body)):
            if kind == FRAME:
                tools += _frames(items, count)
            elif kind == ALERT:
                alerts += [_ITEM.unpack_from(items, n * _ITEM.size) for n in range(count)]
    except struct.error as error:
        raise BadFrame(f"a reply to BX2 that breaks off after {len(body)} bytes") from error
    return Report(tuple(tools), alerts=tuple(alerts))


def _components(data: bytes, at: int, end: int) -> Iterator[tuple[int, bytes, int]]:
    """Type, bytes of the items, number of items."""
    _, count = _LIST.unpack_from(data, at)
    at += _LIST.size
    for _ in range(count):
        kind, size, _, items = _COMPONENT.unpack_from(data, at)
        if size < _COMPONENT.size or at + size > end:
            raise BadFrame(f"a reply to BX2 with a component of {size} bytes where {end - at} are left")
        if items > size:
            raise BadFrame(f"a reply to BX2 with {items} items in {size} bytes")
        yield kind, data[at + _COMPONENT.size : at + size], items
        at += size


def _frames(items: bytes, count: int) -> list[ToolReport]:
    """The tools of a frame component. It is read as one frame: more than one never came from any unit seen."""
    if count != 1:
        raise BadFrame(f"a reply to BX2 with {count} frames in one component")
    _, _, _, number, _, _ = _FRAME.unpack_from(items)
    tools: list[ToolReport] = []
    for kind, inner, inside in _components(items, _FRAME.size, len(items)):
        if kind == SIX_D:
            tools += _tools(inner, inside, number)
    return tools


def _tools(items: bytes, count: int, frame: int) -> Iterator[ToolReport]:
    at = 0
    for _ in range(count):
        handle, status = _ITEM.unpack_from(items, at)
        at += _ITEM.size
        code, transform = status & 0xFF, None
        if not status & MISSING:
            transform = transform_from(items, at)
            at += TRANSFORM.size
        yield ToolReport(handle, transform, PortStatus(0), frame, code)


def encode(report: Report) -> bytes:
    """The body of the reply. Tools without a frame number are left out, as a tracker does with disabled ones."""
    seen = [tool for tool in report.tools if tool.frame is not None]
    components = []
    if seen:
        six_d = b"".join(_item(tool) for tool in seen)
        inner = _LIST.pack(1, 1) + _component(SIX_D, six_d, len(seen))
        components.append(_component(FRAME, _FRAME.pack(PASSIVE, 0, 0, seen[0].frame, 0, 0) + inner, 1))
    if report.alerts:
        pairs = b"".join(_ITEM.pack(*alert) for alert in report.alerts)
        components.append(_component(ALERT, pairs, len(report.alerts)))
    return _LIST.pack(1, len(components)) + b"".join(components)


def _component(kind: int, items: bytes, count: int) -> bytes:
    return _COMPONENT.pack(kind, _COMPONENT.size + len(items), 0, count) + items


def _item(tool: ToolReport) -> bytes:
    if tool.transform is None:
        return _ITEM.pack(tool.handle, MISSING | tool.code)
    return _ITEM.pack(tool.handle, tool.code) + transform_bytes(tool.transform)

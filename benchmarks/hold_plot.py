"""Curves as a PNG without a plotting library: the file format asks for 20 lines, and a dependency for 60 MB."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

WIDTH, HEIGHT, EDGE = 900, 360, 10
COLOURS = ((150, 150, 150), (40, 90, 200), (240, 150, 30), (210, 30, 40), (20, 150, 70))
LINE, GROUND = (225, 225, 225), (255, 255, 255)


def traces(curves: Sequence[Sequence[float]], top: float, *, every: float = 1.0) -> bytes:
    """Each curve from left to right, 0 at the bottom, `top` at the top; a thin line at each multiple of `every`."""
    pixels = [[GROUND] * WIDTH for _ in range(HEIGHT)]
    level = every
    while level < top:
        pixels[_row(level, top)] = [LINE] * WIDTH
        level += every
    for curve, colour in zip(curves, COLOURS, strict=True):
        last = _row(curve[0], top)
        for column in range(EDGE, WIDTH - EDGE):
            at = curve[(column - EDGE) * (len(curve) - 1) // (WIDTH - 2 * EDGE - 1)]
            row = _row(at, top)
            for each in range(min(last, row), max(last, row) + 2):
                pixels[min(HEIGHT - 1, each)][column] = colour
            last = row
    return png(pixels)


def _row(value: float, top: float) -> int:
    share = min(1.0, max(0.0, value / top))
    return round(HEIGHT - EDGE - 1 - share * (HEIGHT - 2 * EDGE - 1))


def png(pixels: Sequence[Sequence[tuple[int, int, int]]]) -> bytes:
    """Rows of red, green and blue (PNG specification, ISO/IEC 15948: 8 bit, colour type 2, no filter)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", len(pixels[0]), len(pixels), 8, 2, 0, 0, 0)
    body = b"".join(b"\0" + bytes(part for pixel in row for part in pixel) for row in pixels)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(body, 9)) + chunk(b"IEND", b"")

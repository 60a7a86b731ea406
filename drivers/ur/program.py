"""Our program for the controller: the text of `coil_hold.script` with the site's values, and a checksum as its version.

The checksum covers every character that is sent, so the number the controller shows proves which text runs there, with
which tool, payload, box and time-outs.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from drivers.errors import OurError
from drivers.poses import Pose, Vector
from drivers.ur.site import UrSite

WAIT_MOVING_S = 0.020
"""Silence after which the program stops and withdraws while it follows: what the maker's own driver allows."""
WAIT_RESTING_S = 0.200
"""The same while it rests."""


@dataclass(frozen=True, slots=True)
class CoilHold:
    """The text to send and the version it will show in output register 27."""

    text: str
    version: int


def coil_hold(site: UrSite) -> CoilHold:
    """The program for this site."""
    text = _script()
    for line, value in (
        ("set_tcp", f"set_tcp({_pose(site.flange_from_tcp)})"),
        ("set_payload", f"set_payload({_number(site.payload_kg)}, {_list(site.payload_centre_m)})"),
        ("global low", f"global low = {_list(site.box.low)}"),
        ("global high", f"global high = {_list(site.box.high)}"),
        ("global wait_moving", f"global wait_moving = {_number(WAIT_MOVING_S * site.slack)}"),
        ("global wait_resting", f"global wait_resting = {_number(WAIT_RESTING_S * site.slack)}"),
    ):
        text = _replaced(text, line, value)
    version = zlib.crc32(text.encode()) & 0x7FFF_FFFF
    return CoilHold(
        _replaced(text, "write_output_integer_register(27,", f"write_output_integer_register(27, {version})"), version
    )


@cache
def _script() -> str:
    return files("drivers.ur").joinpath("coil_hold.script").read_text(encoding="ascii")


def _replaced(text: str, begins: str, statement: str) -> str:
    """`text` with the one statement that begins so replaced. OurError when there is not exactly one."""
    changed, count = re.subn(rf"(?m)^  {re.escape(begins)}.*$", lambda _: f"  {statement}", text)
    if count != 1:
        raise OurError(f"coil_hold.script has {count} statements that begin with {begins!r}, not one")
    return changed


def _number(value: float) -> str:
    return f"{value:.9f}"


def _list(values: Vector) -> str:
    return "[" + ", ".join(_number(value) for value in values) + "]"


def _pose(pose: Pose) -> str:
    return "p[" + ", ".join(_number(value) for value in (*pose.translation, *pose.rotation_vector)) + "]"

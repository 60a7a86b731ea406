"""What can go wrong between a head and its tracker, by name."""

from __future__ import annotations

import math

from drivers.errors import OperatorError
from drivers.poses import Pose
from drivers.trackers import Tool
from simulator.directions import direction_of, lasting_us
from simulator.room import Room
from simulator.switch import Switches
from simulator.tracking import FAULTS, Freeze

TRACKER_SWITCHES = Switches()
_switch = TRACKER_SWITCHES.add


def _until_us(room: Room, seconds: float) -> int:
    return room.world.clock.now_us() + lasting_us(seconds)


def _tools(name: str) -> list[Tool]:
    if name == "all":
        return list(Tool)
    if name not in [tool.value for tool in Tool]:
        raise OperatorError(f"a tool is {', '.join(tool.value for tool in Tool)} or all, not {name!r}")
    return [Tool(name)]


def _knock(room: Room, mm: float, deg: float) -> Pose:
    x, y, z = (part * mm / 1e3 for part in direction_of(room, "any"))
    turned = [part * math.radians(deg) for part in direction_of(room, "any")]
    return Pose.turned(turned, (x, y, z))


@_switch
def hide(room: Room, s: float = 0.3, tool: str = "head") -> None:
    """Somebody stands between camera and tool (head, coil, pointer, all) for `s` seconds."""
    for each in _tools(tool):
        room.tracker.faults.hidden_until_us[each] = _until_us(room, s)


@_switch
def lose_sights(room: Room, percent: float = 10) -> None:
    """That share of the sights of every tool is lost from now on; 0 ends it."""
    if not 0 <= percent <= 100:  # noqa: PLR2004
        raise OperatorError(f"a share is 0 to 100 percent, not {percent}")
    room.tracker.faults.dropout = percent / 100


@_switch
def freeze_tracker(room: Room, how: str = "poses", s: float = 3600) -> None:
    """The tracker hangs: `poses` (numbers run on), `numbers` (the last frame for ever), or `silent` (no frames)."""
    if how not in [each.value for each in Freeze]:
        raise OperatorError(f"a tracker freezes its {', '.join(each.value for each in Freeze)}, not {how!r}")
    room.tracker.faults.frozen = (Freeze(how), _until_us(room, s))


@_switch
def swap_markers(room: Room, a: str = "head", b: str = "coil", s: float = 3600) -> None:
    """The tracker takes one marker for the other."""
    (first,), (second,) = _tools(a), _tools(b)
    room.tracker.faults.swapped = (first, second, _until_us(room, s))


@_switch
def jump_marker(room: Room, mm: float = 40, deg: float = 0, s: float = 3600, tool: str = "head") -> None:
    """A tool is seen `mm` from where it is, and turned by `deg`: a wrong fit."""
    for each in _tools(tool):
        room.tracker.faults.jumps[each] = (_knock(room, mm, deg), _until_us(room, s))


@_switch
def late_frames(room: Room, ms: float = 50) -> None:
    """Every frame comes `ms` later than it should; 0 ends it."""
    room.tracker.faults.extra_latency_us = max(0, round(ms * 1e3))


@_switch
def tracker_says(room: Room, fault: str = "hardware-failure", s: float = 3600) -> None:
    """The tracker reports a fault of its own: too-much-infrared, hardware-failure and the like."""
    if fault not in FAULTS:
        raise OperatorError(f"a tracker reports {', '.join(FAULTS)}, not {fault!r}")
    room.tracker.faults.fault = (fault, _until_us(room, s))


@_switch
def pull_tracker(room: Room) -> None:
    """The tracker's cables are pulled, its power too: its PTY and its port disappear, clients get a hang-up."""
    room.tracker_plugged = False


@_switch
def plug_tracker(room: Room) -> None:
    """They are plugged in again: the tracker comes up and counts its frames from nothing."""
    room.tracker_plugged = True


@_switch
def bump_camera(room: Room, mm: float = 10, deg: float = 1) -> None:
    """Somebody knocks against the camera: it stands elsewhere from now on, and nobody has told it."""
    room.bumps.camera = _about(room.room_from_camera, _knock(room, mm, deg)) @ room.bumps.camera


@_switch
def bump_base(room: Room, mm: float = 10, deg: float = 1) -> None:
    """Somebody knocks against the robot's stand: its base, arm and coil stand elsewhere from now on."""
    room.bumps.base = _about(room.room_from_robot, _knock(room, mm, deg)) @ room.bumps.base


def _about(place: Pose, knock: Pose) -> Pose:
    """The knock as a motion of the room about that place, so that a turn does not throw it across the room."""
    x, y, z = place.translation
    a, b, c = Pose(knock.quaternion).rotate((x, y, z))
    u, v, w = knock.translation
    return Pose(knock.quaternion, (x - a + u, y - b + v, z - c + w))

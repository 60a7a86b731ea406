"""Looking at the truth of a room, and moving the head in it, by name."""

from __future__ import annotations

import math

from drivers.errors import OperatorError
from simulator.directions import direction_of, lasting_us, pose_of, seven
from simulator.head.events import Breath, Leave, Nod, Shift, cough, startle
from simulator.head.statistics import Motion
from simulator.placement import held_at
from simulator.room import Peaks, Room
from simulator.switch import Facts, Switches

HEAD_SWITCHES = Switches()
_switch = HEAD_SWITCHES.add

# ── the truth ───────────────────────────────────────────────────────────────────────────────────────────────────────


@_switch
def room(room: Room) -> Facts:
    """How head, coil and tracker really stand, and the worst since `forget-peaks`."""
    at_us = room.world.clock.now_us()
    head = room.room_from_skull(at_us)
    return {
        "at_us": at_us,
        "motion": room.head.motion.value,
        "seed": room.head.seed,
        "coil": room.coil_place(at_us).as_json(),
        "room_from_skull": seven(head),
        "head_speed_mm_s": round(room.head_speed(at_us) * 1e3, 3),
        "frame": room.tracker.newest.number if room.tracker.newest else 0,
        "peak_force_n": round(room.peaks.force_n, 3),
        "touches": room.peaks.touches,
        "late_ms": room.peaks.late_us // 1000,
        "pulses": room.world.pulses,
    }


@_switch
def forget_peaks(room: Room) -> None:
    """The worst force and the count of touches begin anew."""
    room.peaks = Peaks()


@_switch
def room_truth(room: Room) -> Facts:
    """How everything is fixed and placed: what registration and calibration would find without error."""
    place = room.placement
    scalp = place.scalp_in_head
    return {
        "robot_from_camera": seven(room.room_from_robot.inverse() @ room.room_from_camera),
        "head_from_target": seven(room.head_from_target),
        "head_from_skull": seven(place.skull_from_head.inverse()),
        "flange_from_tcp": seven(place.flange_from_tcp),
        "tcp_from_coil": seven(place.tcp_from_coil),
        "robot_from_parked": seven(place.robot_from_parked),
        "pointer_from_tip": seven(place.pointer_from_tip),
        "fiducials": {name: list(point) for name, point in place.fiducials.items()},
        "scalp": {"centre": list(scalp.centre), "radii": list(scalp.radii)},
        "scalp_in_skull": {"centre": list(place.scalp.centre), "radii": list(place.scalp.radii)},
        "robot_from_skull": seven(room.room_from_robot.inverse() @ room.room_from_skull(room.world.clock.now_us())),
        "tracker_model": room.tracker_model,
        "ports": room.ports,
    }


@_switch
def aim_truth(room: Room, head_from_target: str) -> None:
    """Pulses are judged against this target from now on: w,x,y,z,x,y,z in the frame of the head's marker, metres."""
    room.head_from_target = pose_of(head_from_target)


@_switch
def hold_pointer(room: Room, at: str = "NAS", x: float = 0, y: float = 0, z: float = 0) -> None:
    """Somebody holds the pointer's tip at NAS, LPA, RPA or `point` (x, y, z in mm of the skull); `none`: away."""
    points = room.placement.fiducials | {"point": (x / 1e3, y / 1e3, z / 1e3)}
    if at != "none" and at not in points:
        raise OperatorError(f"the pointer is held at {', '.join(points)} or none, not at {at!r}")
    room.pointer = None if at == "none" else held_at(points[at]) @ room.placement.pointer_from_tip.inverse()


# ── the head ────────────────────────────────────────────────────────────────────────────────────────────────────────


@_switch
def head(room: Room, motion: str, seed: int = 0) -> None:
    """How still the head is from now on: still, restrained, rest or free."""
    if motion not in [each.value for each in Motion]:
        raise OperatorError(f"a head is {', '.join(each.value for each in Motion)}, not {motion!r}")
    room.head.wander_as(Motion(motion), seed, room.world.clock.now_us())


@_switch
def shift(room: Room, mm: float = 30, s: float = 0.6, direction: str = "forward", deg: float = 0) -> None:
    """The head moves by `mm` in `s` seconds and stays there, turned by `deg` about the vertical."""
    x, y, z = (part * mm / 1e3 for part in direction_of(room, direction))
    turned = (0.0, 0.0, math.radians(deg))
    room.head.add(Shift(_now(room), (x, y, z), lasting_us(s), turned), _now(room))


@_switch
def nod(room: Room, deg: float = 8, s: float = 1, times: int = 1) -> None:
    """The head nods about the neck and comes back."""
    if times < 1:
        raise OperatorError(f"a head nods at least once, not {times} times")
    room.head.add(Nod(_now(room), math.radians(deg), lasting_us(s), times), _now(room))


@_switch
def breathe(room: Room, hz: float = 0.3, mm: float = 1, s: float = 60) -> None:
    """The head goes with deep breaths for a time."""
    room.head.add(Breath(_now(room), hz, mm / 1e3, lasting_us(s)), _now(room))


@_switch
def coughs(room: Room, deg: float = 3, times: int = 3) -> None:
    """The head coughs: small quick nods."""
    room.head.add(cough(_now(room), math.radians(deg), max(1, times)), _now(room))


@_switch
def startles(room: Room, mm_s: float = 150, direction: str = "any") -> None:
    """The head is startled: away within 0.25 s at this peak speed, back within a second."""
    room.head.add(startle(_now(room), direction_of(room, direction), mm_s / 1e3), _now(room))


@_switch
def twitches(room: Room, mm: float = 1) -> None:
    """Every pulse from now on makes the head twitch by `mm`; 0 ends it."""
    room.twitch_m = mm / 1e3


@_switch
def leave(room: Room, s: float = 10, missed_mm: float = 15) -> None:
    """The patient gets up, stays away for `s` seconds and sits down again, `missed_mm` beside the old place."""
    x, y, z = (part * missed_mm / 1e3 for part in direction_of(room, "any"))
    room.head.add(Leave(_now(room), 2_500_000, lasting_us(s), (x, y, z)), _now(room))


@_switch
def stiffness(room: Room, neck_n_mm: float = 5, skull_n_mm: float = 150) -> None:
    """How hard the head is to push, in N/mm."""
    if min(neck_n_mm, skull_n_mm) <= 0:
        raise OperatorError("a stiffness is above zero")
    room.stiffness.neck_n_m, room.stiffness.skull_n_m = neck_n_mm * 1e3, skull_n_mm * 1e3


@_switch
def reset(room: Room) -> None:
    """Ends every fault of stimulator, tracker and room; the head goes on, the log stays."""
    room.restore()


def _now(room: Room) -> int:
    return room.world.clock.now_us()

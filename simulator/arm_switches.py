"""What a person does at the arm's controller, and what goes wrong with it, by name."""

from __future__ import annotations

import math

from drivers.errors import DeviceRefused, OperatorError
from drivers.poses import Pose
from simulator.directions import direction_of, pose_of, seven
from simulator.room import Room
from simulator.switch import Facts, Switches

ARM_SWITCHES = Switches()
_switch = ARM_SWITCHES.add


@_switch
def arm(room: Room) -> Facts:
    """The arm as it really is, and what its controller says of itself."""
    body, controller = room.arm, room.controller
    return {
        "robot_from_tcp": seven(body.robot_from_tcp),
        "tcp_speed_mm_s": round(math.hypot(*body.tcp_speed[:3]) * 1e3, 3),
        "force_n": [round(part, 3) for part in body.touch[:3]],
        "joints_deg": [round(math.degrees(joint), 3) for joint in body.body.joints],
        "mode": controller.mode.name.lower(),
        "safety": controller.safety.name.lower(),
        "program": controller.program.name if controller.program else "",
        "notes": [f"{note.at_us} {note.text}" for note in list(controller.notes)[-10:]],
    }


@_switch
def protective_stop(room: Room) -> None:
    """The arm's own safety stops it, out of nothing."""
    room.controller.protective_stop()


@_switch
def unlock(room: Room) -> None:
    """Somebody ends the protective stop on the arm's panel; not before 5 s have passed."""
    try:
        room.controller.unlock()
    except DeviceRefused as refused:
        raise OperatorError(str(refused)) from refused


@_switch
def emergency_stop(room: Room, pressed: bool = True) -> None:
    """Somebody presses the arm's red button, or turns it free."""
    room.controller.emergency_stop(pressed=pressed)


@_switch
def kill_program(room: Room) -> None:
    """The program in the controller ends in the middle of what it does."""
    room.controller.kill_program()


@_switch
def freeze_rtde(room: Room, on: bool = True) -> None:
    """RTDE says nothing any more; its connections stay open and the program runs on."""
    room.controller.freeze_stream(frozen=on)


@_switch
def drop_rtde(room: Room) -> None:
    """Every RTDE connection is cut off; clients may connect again."""
    room.controller.drop_rtde()


@_switch
def slow_arm(room: Room, percent: float = 30) -> None:
    """The arm moves at this share of the speed asked for; 100 ends it."""
    room.controller.slow(percent / 100)


@_switch
def lead_arm(room: Room, mm: float = 50, direction: str = "up", to: str = "") -> None:
    """A hand leads the tool `mm` away, or `to` w,x,y,z,x,y,z of the robot's base, once it can be led; 0 lets go."""
    if to:
        room.arm.led_to = pose_of(to)
        return
    if not mm:
        room.arm.led_to = None
        return
    shift = tuple(part * mm / 1e3 for part in direction_of(room, direction))
    x, y, z = room.room_from_robot.inverse().rotate(shift)
    here = room.arm.robot_from_tcp
    u, v, w = here.translation
    room.arm.led_to = Pose(here.quaternion, (u + x, v + y, w + z))

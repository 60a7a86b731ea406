"""What the site file makes of this room's arm: what the hold is told, and how the controller is spoken to."""

from __future__ import annotations

from daemon.arm.limits import ArmLimits, Box
from daemon.arm.setup import Setup
from daemon.calibration_file import Calibration, read_calibration
from daemon.config import Site
from daemon.config_robot import RobotSection, TrackerSection
from drivers.arms import arm
from drivers.errors import ConfigError
from drivers.polaris.models import model
from drivers.robots import ArmInRoom, ArmPlace


def sections_of(site: Site) -> tuple[TrackerSection, RobotSection]:
    """The two that only a robot room has. Raises ConfigError."""
    if site.tracker is None or site.robot is None:
        raise ConfigError('this room has no arm: coilward-arm is for profile = "robot". Disable it here.')
    return site.tracker, site.robot


def arm_of(site: Site) -> ArmInRoom:
    """The arm of this room. Raises ConfigError."""
    _, robot = sections_of(site)
    return arm(robot.model, place_of(site, robot))


def place_of(site: Site, robot: RobotSection) -> ArmPlace:
    """What the site file says of the arm; only a simulated room has patience."""
    return ArmPlace(
        host=robot.host,
        flange_from_tcp=robot.flange_from_tcp,
        payload_kg=robot.payload_kg,
        payload_centre_m=robot.payload_centre,
        box_low=robot.box_low,
        box_high=robot.box_high,
        slack=site.watchdog.slack if site.site.use == "simulation" else 1,
    )


def setup_of(site: Site) -> Setup:
    """What the hold is told at the start, by the calibration on file. Raises ConfigError when that is broken.

    A room that is not calibrated yet has an arm all the same: the hold then goes to no target.
    """
    _, robot = sections_of(site)
    return setup_by(site, read_calibration(robot.calibration) if robot.calibration.exists() else None)


def setup_by(site: Site, calibration: Calibration | None) -> Setup:
    """What the hold is told by this calibration. Raises ConfigError for one of a simulation in a real room."""
    tracker, robot = sections_of(site)
    place, arm_can = place_of(site, robot), arm_of(site).capabilities
    if calibration is not None and calibration.simulated and not robot.simulated:
        raise ConfigError(f"{robot.calibration} was made in a simulation: calibrate this room's own arm.")
    if robot.rate_hz > arm_can.rate_hz:
        raise ConfigError(
            f"[robot] rate_hz = {robot.rate_hz}: a {robot.model} takes {arm_can.rate_hz:g} set-points a second."
            f" Write rate_hz = {arm_can.rate_hz:g}."
        )
    unsure_m, unsure_rad = (0.0, 0.0) if calibration is None else calibration.unsure
    return Setup(
        robot_from_camera=None if calibration is None else calibration.robot_from_camera,
        park=robot.park_pose,
        tracker=model(tracker.model).capabilities,
        robot=arm_can,
        limits=ArmLimits(box=Box(place.box_low, place.box_high)),
        rate_hz=robot.rate_hz,
        tcp_from_coil=None if calibration is None else calibration.tcp_from_coil,
        unsure_m=unsure_m,
        unsure_rad=unsure_rad,
        calibration="" if calibration is None else calibration.hash,
        slack=place.slack,
    )

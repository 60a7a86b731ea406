"""A Universal Robots arm in one room: `drivers.robots.ArmInRoom`."""

from __future__ import annotations

from drivers.robots import ArmPlace
from drivers.ur.arm import UrArm
from drivers.ur.dashboard import Dashboard
from drivers.ur.site import Box, UrSite, capabilities
from drivers.ur.switching_on import switch_on


class UrInRoom:
    """One arm of one room. Raises ConfigError for what it cannot be."""

    def __init__(self, model: str, place: ArmPlace) -> None:
        self.site = UrSite(
            host=place.host,
            model=model,
            flange_from_tcp=place.flange_from_tcp,
            payload_kg=place.payload_kg,
            payload_centre_m=place.payload_centre_m,
            box=Box(place.box_low, place.box_high),
            slack=place.slack,
        )
        self.capabilities = capabilities(self.site)

    def dial(self, now_us: int, *, start: bool) -> UrArm:
        """As `ArmInRoom.dial`."""
        return UrArm.dial(self.site, now_us, start=start)

    def switch_on(self) -> None:
        """As `ArmInRoom.switch_on`."""
        switch_on(self.site)

    def unlock(self, by: str) -> None:
        """As `ArmInRoom.unlock`."""
        with Dashboard.dial(self.site) as dashboard:
            dashboard.unlock_protective_stop(by)

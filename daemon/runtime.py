"""Where the processes of one room meet on this machine: sockets, links, passwords."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Runtime:
    """The paths below one runtime folder."""

    folder: Path

    @property
    def site(self) -> Path:
        """A site file that lies with the runtime: `coilward try` puts its own here."""
        return self.folder / "site.toml"

    @property
    def stimulator(self) -> Path:
        """The simulated stimulator's port."""
        return self.folder / "sim" / "stimulator"

    @property
    def simulator_control(self) -> Path:
        """The simulator's back door."""
        return self.folder / "sim" / "control"

    @property
    def watchdog_control(self) -> Path:
        """The watchdog's socket."""
        return self.folder / "watchdog" / "control"

    @property
    def arm_control(self) -> Path:
        """The socket of the process that moves the arm."""
        return self.folder / "arm" / "control"

    @property
    def tracker(self) -> Path:
        """The simulated tracker's port."""
        return self.folder / "sim" / "tracker"

    @property
    def guarded_port(self) -> Path:
        """The watchdog's own port, for other programs."""
        return self.folder / "watchdog" / "stimulator"

    @property
    def broker(self) -> Path:
        """Configuration and passwords of a broker of ours."""
        return self.folder / "broker"

    def password(self, user: str) -> Path:
        """The password file of a person on a broker of ours."""
        return self.broker / f"{user}.password"

    @property
    def panel_address(self) -> Path:
        """Where the panel listens, as HOST:PORT, while it does."""
        return self.folder / "panel" / "address"

    @property
    def panel_codes(self) -> Path:
        """Sign-in codes that nobody has used yet."""
        return self.folder / "panel" / "codes"

    def log(self, name: str) -> Path:
        """What a child process printed."""
        return self.folder / "log" / f"{name}.log"

"""The registrations of a room's subjects: which one a session may go by, and in what words one may not.

A registration holds until the marker on the head is moved, and nobody sees that happen. What is known is when it was
made: an older one than a visit lasts was made of another placement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from daemon.registration_file import MOST_RESIDUAL_M, Registration, read_registration
from daemon.room import Refused
from drivers.errors import ConfigError

FOLDER = "registrations"
AHEAD_S = 60.0
"""A registration from the future, by no more than this, was made by another clock (engineering choice)."""


def file_of(state: Path, subject: str) -> Path:
    """Where the registration of a subject is kept. `state` is the daemon's."""
    return state / FOLDER / f"{subject}.json"


@dataclass(frozen=True, slots=True)
class Registrations:
    """`now_s` gives unix seconds."""

    state: Path
    simulated: bool
    """Whether the room is: one that was made in a simulation holds nowhere else."""
    hours: float
    """The longest a marker stays on a head."""
    now_s: Callable[[], float]

    def path_of(self, subject: str) -> Path:
        """Where the subject's is kept."""
        return file_of(self.state, subject)

    def filed(self, subject: str) -> Registration | None:
        """As its file has it now, good or not; None when there is none that can be read."""
        try:
            return read_registration(self.path_of(subject))
        except ConfigError:
            return None

    def of(self, subject: str) -> Registration | Refused:
        """The subject's registration, or why there is none to go by."""
        path, again = self.path_of(subject), f"Register the head: `coilward register {subject}`."
        if not path.exists():
            return Refused(
                "registration-missing",
                f"No session was opened. Nobody has registered the head of {subject}, so nobody knows where the "
                f"target is under the marker. {again}",
                {"subject": subject},
            )
        try:
            found = read_registration(path)
        except ConfigError as wrong:
            return Refused("registration-unread", f"No session was opened. {wrong}", {"problem": str(wrong)})
        if found.subject != subject or (found.simulated and not self.simulated):
            whose = "made in a simulation" if found.subject == subject else f"that of {found.subject}"
            return Refused(
                "registration-of-another", f"No session was opened. The registration is {whose}. {again}",
                {"subject": subject, "of": found.subject, "simulated": found.simulated},
            )  # fmt: skip
        if found.residual_mm > MOST_RESIDUAL_M * 1000:
            return Refused(
                "registration-poor",
                f"No session was opened. The registration misses by {found.residual_mm:.1f} mm; "
                f"{MOST_RESIDUAL_M * 1000:.0f} mm are allowed. {again}",
                {"subject": subject, "mm": round(found.residual_mm, 1), "allowed_mm": MOST_RESIDUAL_M * 1000},
            )
        age_s = self.now_s() - datetime.fromisoformat(found.made).timestamp()
        if not -AHEAD_S <= age_s <= self.hours * 3600:
            return Refused(
                "registration-old",
                f"No session was opened. The registration was made {age_s / 3600:.1f} h ago; a marker stays on a head "
                f"for {self.hours:g} h at most, so it was made of another placement. {again}",
                {"subject": subject, "hours": round(age_s / 3600, 1), "allowed_hours": self.hours},
            )
        return found

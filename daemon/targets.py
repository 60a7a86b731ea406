"""The targets of a room's subjects: how one is filed, which one a session may use, and in what words one may not.

A target on the skull holds at every visit. One in the frame of the head's marker holds until that marker is moved,
which nobody sees: it is believed no longer than a marker stays on a head, and not once the head was registered anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from daemon import words
from daemon.arm.lease import AGREES_M, AGREES_RAD
from daemon.registration_file import Registration
from daemon.room import Recorded, Refused
from daemon.target import Target, read_target
from drivers.errors import ConfigError

FOLDER: Final = "targets"
MOST_SPREAD_M, MOST_SPREAD_RAD = 0.0005, math.radians(0.5)
"""RMS of coil against head while it is recorded: a quarter, and a sixth, of what a train may begin with (engineering
choice)."""
NOT_OPENED: Final = "No session was opened."


def file_of(state: Path, subject: str) -> Path:
    """Where the target of a subject is kept. `state` is the daemon's."""
    return state / FOLDER / f"{subject}.json"


@dataclass(frozen=True, slots=True)
class Targets:
    """The store of one room. `now_s` gives unix seconds."""

    state: Path
    simulated: bool
    """Whether the room is: a target that was recorded in a simulation holds nowhere else."""
    persons: bool
    """Whether people are treated here, whose marker is placed anew at each visit."""
    hours: float
    """The longest a marker stays on a head."""
    now_s: Callable[[], float]

    def file(self, recorded: Recorded, by: str, registered: Registration | Refused) -> Target | Refused:
        """Puts what was recorded on file: on the skull where the head is registered. Blocks until it is written."""
        if recorded.spread_mm > MOST_SPREAD_M * 1000 or recorded.spread_deg > math.degrees(MOST_SPREAD_RAD):
            return Refused(
                "target-unsteady",
                f"The target was not filed. Coil and head moved by {recorded.spread_mm:.1f} mm and "
                f"{recorded.spread_deg:.1f}° against each other. Record it again: `coilward target record`.",
                {"spread_mm": round(recorded.spread_mm, 1), "spread_deg": round(recorded.spread_deg, 1)},
            )
        if recorded.apart_mm > AGREES_M * 1000 or recorded.apart_deg > math.degrees(AGREES_RAD):
            return Refused(
                "target-disagreed",
                f"The target was not filed. Robot and camera disagree about the coil by {recorded.apart_mm:.1f} mm and "
                f"{recorded.apart_deg:.1f}°. Find out what has shifted: `coilward calibrate check`.",
                {"apart_mm": round(recorded.apart_mm, 1), "apart_deg": round(recorded.apart_deg, 1)},
            )
        if isinstance(registered, Refused) and self.persons:
            return Refused(
                "target-on-marker",
                f"The target was not filed. {words.split(registered.sentence).why} Without it the target would hold "
                "only until the marker on the head is moved, which is too short where persons are treated. "
                f"Register the head, then record again: `coilward register {recorded.subject}`.",
                {"subject": recorded.subject, "registration": registered.reason, **registered.fields},
            )
        target = self._made(recorded, by, registered)
        path = file_of(self.state, recorded.subject)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            target.write(path)
        except OSError as wrong:
            return Refused(
                "target-not-filed",
                f"The target was not filed. {path} cannot be written: {wrong.strerror}. "
                "Check its owner, the user of coilward-daemon, and the space on its disk.",
                {"path": str(path), "problem": wrong.strerror},
            )
        return target

    def _made(self, recorded: Recorded, by: str, registered: Registration | Refused) -> Target:
        found = None if isinstance(registered, Refused) else registered
        pose = recorded.head_from_target
        return Target(
            made=datetime.fromtimestamp(self.now_s(), UTC).isoformat(timespec="seconds"),
            by=by,
            subject=recorded.subject,
            simulated=self.simulated,
            name=recorded.name,
            skull_from_target=found.head_from_skull.inverse() @ pose if found else None,
            head_from_target=None if found else pose,
            air_gap_m=recorded.air_gap_m,
            spread_mm=recorded.spread_mm,
            spread_deg=recorded.spread_deg,
            apart_mm=recorded.apart_mm,
            apart_deg=recorded.apart_deg,
            calibration=recorded.calibration,
            registration=found.hash if found else "",
            registered_mm=found.residual_mm if found else None,
        )

    def filed(self, subject: str) -> Target | None:
        """As its file has it now, good or not; None when there is none that can be read."""
        try:
            return read_target(file_of(self.state, subject))
        except ConfigError:
            return None

    def of(self, subject: str) -> Target | Refused:
        """The subject's own target, or why there is none to go by."""
        path = file_of(self.state, subject)
        again = f"Lead the coil there and record it: `coilward target record {subject}`."
        if not path.exists():
            return Refused(
                "target-missing", f"{NOT_OPENED} {subject} has no target on file. {again}", {"subject": subject}
            )
        try:
            found = read_target(path)
        except ConfigError as wrong:
            return Refused("target-unread", f"{NOT_OPENED} {wrong}", {"problem": str(wrong)})
        if found.subject != subject or (found.simulated and not self.simulated):
            whose = "recorded in a simulation" if found.subject == subject else f"that of {found.subject}"
            return Refused("target-of-another", f"{NOT_OPENED} The target is {whose}. {again}",
                           {"subject": subject, "of": found.subject, "simulated": found.simulated})  # fmt: skip
        return found if found.on_skull else self._on_marker(found, again)

    def _on_marker(self, found: Target, again: str) -> Target | Refused:
        age_s = self.now_s() - datetime.fromisoformat(found.made).timestamp()
        if not self.persons and age_s <= self.hours * 3600:
            return found
        return Refused(
            "target-old",
            f"{NOT_OPENED} The target was recorded {age_s / 3600:.1f} h ago under the marker on the head, not on the "
            f"skull, and holds only while that stays where it was. Register the head first. {again}",
            {"subject": found.subject, "hours": round(age_s / 3600, 1)},
        )

"""What places the coil on a head and is measured in the room: the subjects' registrations and targets, and the arm's
calibration.

The daemon alone writes them, like all that a session goes by. Whoever measures asks before the first touch whether the
result would be taken, and nobody is touched, and no arm moved, for a file that cannot be written.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from daemon import words
from daemon.calibration_file import Calibration, read_calibration
from daemon.journal import Journal
from daemon.registration_file import Registration
from daemon.registrations import Registrations
from daemon.room import Answer, Done, Recorded, Refused
from daemon.targets import Targets


@dataclass(frozen=True, slots=True)
class PlacementFiles:
    """Those of one room."""

    registrations: Registrations
    targets: Targets
    calibration: Path
    """Where the site file says that it lies."""
    simulated: bool
    """Whether the arm is: a calibration that was made in a simulation moves no other."""
    journal: Journal

    def calibrated(self) -> Calibration | None:
        """By the one on file; None when nobody has calibrated yet. Raises ConfigError."""
        return read_calibration(self.calibration) if self.calibration.exists() else None

    async def file_registration(self, subject: str, found: Registration | None, by: str) -> Answer:
        """Puts it in place of the subject's one before, or (None) says whether it could."""
        path = self.registrations.path_of(subject)
        if found is None:
            return await _unwritten(path, _probe) or Done()
        if found.subject != subject:
            return Refused(
                "registration-of-another",
                f"Nothing was filed. It is the registration of {found.subject}. Register the head of {subject}.",
                {"subject": subject, "of": found.subject, "simulated": found.simulated},
            )
        found = found.model_copy(update={"by": by})
        if refused := await _unwritten(path, found.write):
            return refused
        told = {"subject": subject, "sha256": found.hash, "residual_mm": found.residual_mm}
        self.journal.write("registration", by=by, **told)
        return Done({"file": str(path), "sha256": found.hash})

    async def file_target(self, recorded: Recorded, by: str) -> Answer:
        """Puts where the coil stood in place of the subject's target before."""
        registered = self.registrations.of(recorded.subject)
        target = await asyncio.to_thread(self.targets.file, recorded, by, registered)
        if isinstance(target, Refused):
            return target
        told = target.model_dump(mode="json", exclude={"skull_from_target", "head_from_target"})
        self.journal.write("target", **told, words=target.words, sha256=target.hash)
        why = words.split(registered.sentence).why if isinstance(registered, Refused) else ""
        return Done({**target.model_dump(mode="json"), "words": target.words, "sha256": target.hash, "why": why})

    async def file_calibration(self, found: Calibration | None, by: str) -> Answer:
        """Puts it in place of the one before, or (None) says whether it could."""
        if found is None:
            return await _unwritten(self.calibration, _probe) or Done()
        if found.simulated and not self.simulated:
            return Refused(
                "calibration-simulated",
                "Nothing was filed. The calibration was made in a simulation, and this arm is real. "
                "Calibrate here: `coilward calibrate run`.",
            )
        found = found.model_copy(update={"by": by})
        if refused := await _unwritten(self.calibration, found.write):
            return refused
        self.journal.write("calibration", by=by, sha256=found.hash)
        return Done({"file": str(self.calibration), "sha256": found.hash})


async def _unwritten(path: Path, write: Callable[[Path], object]) -> Refused | None:
    """Writes in a thread, because a stalled disk must not stall the beats; why it could not, None once it is done."""

    def make() -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path)

    try:
        await asyncio.to_thread(make)
    except OSError as wrong:
        return Refused(
            "not-filed",
            f"Nothing was filed. {path} cannot be written: {wrong.strerror}. "
            "Give its folder to the user of coilward-daemon, and see that its disk has space.",
            {"path": str(path), "problem": wrong.strerror},
        )
    return None


def _probe(path: Path) -> None:
    with tempfile.TemporaryFile(dir=path.parent):
        pass

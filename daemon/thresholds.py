"""Motor threshold records: append-only, by subject, newest for a coil.

The record is what the operator measured and vouches for; whether it is good enough to treat on is the watchdog's
judgement, at each opening.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from daemon.guard_words import Text, Threshold
from daemon.json_lines import AppendOnly, encode, read_rows
from drivers.errors import ConfigError, OperatorError
from drivers.quantities import PercentMso
from safety.threshold import MotorThreshold, ThresholdMethod

FILE_NAME = "thresholds.jsonl"
_WHOLE_OUTPUT = 1000


class Filed(BaseModel):
    """One record as it stands in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    subject: Text = Field(description="pseudonym")
    by: Text = Field(description="who filed it")
    threshold: Threshold


class Thresholds:
    """The store of one room."""

    def __init__(self, state: Path) -> None:
        self.path = state / FILE_NAME

    def file(self, subject: str, threshold: Threshold, by: str) -> Filed:
        """Adds a record. Raises ConfigError when a name does not hold, OSError when it cannot be written."""
        try:
            filed = Filed(subject=subject, by=by, threshold=threshold)
        except ValidationError as wrong:
            raise ConfigError(f"{self.path}: {wrong.errors()[0]['loc'][0]} is no name. Use up to 64 letters.") from None
        out = AppendOnly(self.path)
        try:
            out.append(encode(filed.model_dump(mode="json")))
        finally:
            out.close()
        return filed

    def all(self) -> tuple[Filed, ...]:
        """Every record, oldest first.

        Raises ConfigError when a line cannot be read: the damaged line might be the newest threshold of somebody.
        """
        contents = read_rows(self.path)
        if contents.damaged:
            raise ConfigError(
                f"{self.path}: {contents.damaged} damaged lines. File the threshold of whoever was measured last "
                "again, then remove the damaged lines."
            )
        try:
            return tuple(Filed.model_validate(row) for row in contents.rows)
        except ValidationError as wrong:
            raise ConfigError(f"{self.path}: a record does not hold: {wrong.errors()[0]['msg']}.") from None

    def latest(self, subject: str, coil: str) -> Threshold | None:
        """The newest record of a subject for a coil, or None."""
        mine = (filed.threshold for filed in self.all() if filed.subject == subject)
        return max((one for one in mine if one.coil == coil), key=lambda one: one.taken_wall_us, default=None)


def as_motor_threshold(filed: Threshold) -> MotorThreshold:
    """The record in the words of the rules."""
    return MotorThreshold(
        value=PercentMso(filed.value_tenths),
        method=ThresholdMethod(filed.method),
        pulses=filed.pulses,
        sd_tenths=filed.sd_tenths,
        coil=filed.coil,
        taken_wall_us=filed.taken_wall_us,
        simulated=filed.simulated,
    )


def mso_tenths(typed: str) -> int:
    """0.1 % MSO of what a person typed, such as "42" or "42.5". Raises OperatorError."""
    try:
        tenths = PercentMso.of(typed).tenths
    except (ValueError, ArithmeticError):
        tenths = 0
    if not 1 <= tenths <= _WHOLE_OUTPUT:
        raise OperatorError(f"{typed!r} is no % MSO. Write 0.1 to 100 with at most one decimal, such as 42 or 42.5.")
    return tenths

"""What a rule answers, and how its numbers are written for people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from safety.asking import Ask, Facts
from safety.limits import DAY_US, Limits
from safety.reasons import Reason


@dataclass(frozen=True, slots=True)
class Allowed:
    """A rule has nothing against what is asked."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why not, with the numbers that `reason.sentence` names."""

    reason: Reason
    detail: dict[str, str] = field(default_factory=dict)


Verdict = Allowed | Refused
Rule = Callable[[Ask, Facts, Limits], Verdict]
ALLOWED = Allowed()


def refused(reason: Reason, asked: object, allowed: object, **more: str) -> Refused:
    """Refused, with what was asked and what would have been allowed."""
    return Refused(reason, {"asked": str(asked), "allowed": str(allowed), **more})


def seconds(us: int) -> str:
    """`us` for people, to the millisecond: 3.2 s."""
    whole, thousandths = divmod(round(us / 1000), 1000)
    return f"{whole}.{f'{thousandths:03}'.rstrip('0') or '0'} s"


def days(us: int) -> str:
    """`us` for people, to a tenth of a day."""
    return f"{us / DAY_US:.1f} days"

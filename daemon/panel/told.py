"""What a person reads in the panel's log: each loss and each return once, however often it is met."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Told:
    """Who is away, by what was last said about them."""

    away: dict[str, str] = field(default_factory=dict)

    def lost(self, who: str, why: str) -> None:
        """Somebody is not there; the same again is not told again."""
        if self.away.get(who) != why:
            self.away[who] = why
            say(why)

    def back(self, who: str) -> None:
        """They are there again."""
        if self.away.pop(who, None) is not None:
            say(f"the {who} is there again")


def say(what: str) -> None:
    """One line of the log."""
    print(f"coilward-panel: {what}", flush=True)

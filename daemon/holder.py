"""Who holds control of the room: one person, seen four times a second.

Control is what an operator takes, holds and hands over; it is not the arm's lease and not the release of a session.
Holding it ends by handing over, by letting go, or by somebody else's taking it after an absence.
"""

from __future__ import annotations

from dataclasses import dataclass

ABSENT_AFTER_US = 3_000_000
"""From here on another operator may take control; the session has long paused by then (design's presence limit)."""


@dataclass
class Control:
    """The present holder. Times are microseconds of one clock, handed in."""

    holder: str | None = None
    offered_to: str | None = None
    seen_us: int = 0

    def take(self, user: str, now_us: int) -> bool:
        """False while somebody else holds it, is present, and has not offered it to `user`."""
        absent = now_us - self.seen_us > ABSENT_AFTER_US
        if self.holder not in (None, user) and self.offered_to != user and not absent:
            return False
        self.holder, self.offered_to, self.seen_us = user, None, now_us
        return True

    def offer(self, to: str) -> None:
        """The holder hands over; it stays theirs until `to` takes it."""
        self.offered_to = to

    def let_go(self) -> None:
        """Nobody holds control."""
        self.holder = self.offered_to = None

    def seen(self, user: str, now_us: int) -> bool:
        """Notes a sign of presence. False when it is not the holder's: it counts for nothing."""
        if self.holder != user:
            return False
        self.seen_us = now_us
        return True

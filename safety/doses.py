"""What the ledger counts against a subject in each window, beside what is allowed there: for people to look at."""

from __future__ import annotations

from safety import control
from safety.authorisations import authorised
from safety.facts import totals
from safety.ledger_format import key
from safety.rules_totals import day_allowed
from safety.sessions import Yes
from safety.turn import Turn


def dose(turn: Turn, message: control.Dose) -> Yes:
    """Pulses of the day, 12 hours and 7 days; for each protocol what they may come to, and its course."""
    room, subject, wall_us = turn.room, message.subject, turn.now.wall_us
    counted = totals(turn, subject, b"")
    protocols = {}
    for protocol in room.protocols.values():
        day = day_allowed(
            protocol, authorised=authorised(room.authorisations, subject, protocol, wall_us), limits=room.limits
        )
        protocols[protocol.id] = {
            "day": day,
            "week": day * room.limits.week_days,
            "course": room.limits.course_pulses,
            "counted": turn.state.book.course(key(subject), key(protocol.id)),
        }
    return Yes({
        "day": counted.day, "twelve_hours": counted.twelve_hours, "week": counted.week,
        "blocked": turn.state.blocked(subject), "allowed": protocols,
    })  # fmt: skip

"""What the ledger counts against a subject in each window, beside what is allowed there: for people to look at."""

from __future__ import annotations

from safety import control
from safety.authorisations import authorised
from safety.facts import HALF_DAY_US, WEEK_US
from safety.ledger_format import key
from safety.rules_totals import day_allowed
from safety.sessions import Yes
from safety.turn import Turn


def dose(turn: Turn, message: control.Dose) -> Yes:
    """Pulses of the day, 12 hours and 7 days; for each protocol what they may come to, and its course."""
    room, book, wall_us, who = turn.room, turn.state.book, turn.now.wall_us, key(message.subject)
    allowed = {}
    for protocol in room.protocols.values():
        may = authorised(room.authorisations, message.subject, protocol, wall_us)
        day = day_allowed(protocol, authorised=may, limits=room.limits)
        allowed[protocol.id] = {
            "day": day,
            "week": day * room.limits.week_days,
            "course": room.limits.course_pulses,
            "counted": book.course(who, key(protocol.id)),
        }
    return Yes({
        "day": book.day(who, wall_us, room.zone),
        "twelve_hours": book.window(who, wall_us, HALF_DAY_US),
        "week": book.window(who, wall_us, WEEK_US),
        "blocked": turn.state.blocked(message.subject),
        "allowed": allowed,
    })  # fmt: skip

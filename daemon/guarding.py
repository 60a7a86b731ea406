"""The watchdog as operators' verbs ask it: every failure on the way becomes a refusal that a person can read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from pydantic import ValidationError

from daemon.guard_link import Allowed, Denied
from daemon.guard_view import sentence
from daemon.guard_words import Request
from daemon.journal import Journal
from daemon.room import Answer, Done, Refused
from daemon.session import Refusal
from daemon.session_table import State, situation
from daemon.typed import wrong_field
from drivers.errors import CoilwardError


class Guard(Protocol):
    """The link, as the room uses it."""

    async def ask(self, request: Request, deadline_s: float = 1.0) -> Allowed | Denied:
        """The watchdog's answer; raises GuardLost or DeadlinePassed."""

    def beat(self, session_turns: int, driver_turns: int, presence_us: int) -> None:
        """Says that both loops turn; raises GuardLost."""


async def ask(guard: Guard | None, journal: Journal, build: Callable[[], Request]) -> Answer:
    """The watchdog's answer to what `build` makes; never raises for what an operator or the watchdog did."""
    if guard is None:
        return away("watchdog")
    try:
        request = build()
        journal.write("asked", verb=request.do, by=getattr(request, "by", ""))
        answer = await guard.ask(request)
    except ValidationError as wrong:
        return Refused("malformed", told := wrong_field(wrong), {"problem": told})
    except CoilwardError as wrong:
        return Refused("watchdog-away", str(wrong), {"problem": str(wrong)})
    if isinstance(answer, Allowed):
        journal.write("allowed", verb=request.do)
        return Done(answer.detail)
    journal.write("refused", verb=request.do, reason=answer.reason, detail=dict(answer.detail))
    return Refused(answer.reason, sentence(answer.reason, answer.detail), answer.detail)


async def look(guard: Guard | None, build: Callable[[], Request]) -> Answer:
    """As `ask`, for what changes nothing: no row in the journal tells that somebody looked."""
    if guard is None:
        return away("watchdog")
    try:
        answer = await guard.ask(build())
    except ValidationError as wrong:
        return Refused("malformed", told := wrong_field(wrong), {"problem": told})
    except CoilwardError as wrong:
        return Refused("watchdog-away", str(wrong), {"problem": str(wrong)})
    if isinstance(answer, Allowed):
        return Done(answer.detail)
    return Refused(answer.reason, sentence(answer.reason, answer.detail), answer.detail)


def away(who: str) -> Refused:
    """Nobody there: `watchdog` or `stimulator`."""
    what = "The watchdog does not answer" if who == "watchdog" else "No stimulator is connected"
    return Refused(
        f"{who}-away",
        f"Nothing was done. {what}. Wait until it is back; if it stays away, see `coilward doctor`.",
        {"problem": f"{what}."},
    )


def no_session() -> Refused:
    """A verb that needs a session, and there is none."""
    return Refused("no-session", "Nothing was done. No session is open. Start one first.")


def overtaken(verb: str, state: State) -> Refused:
    """The session took the verb, and something else happened before it was done."""
    return Refused(
        f"{verb}-overtaken", f"The session did not come to its {verb}. {situation(state)}", {"phase": state.value}
    )


def out_of_place(refusal: Refusal) -> Refused:
    """The session machine's own refusal, as an answer."""
    return Refused(refusal.reason, refusal.sentence, refusal.fields)

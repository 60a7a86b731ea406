"""What a situation is: it takes `new`, which makes a started room, and returns what was said of the refusal and
whether its control passed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from safety.reasons import Reason
from tests.safety.conftest import VirtualRoom
from tests.safety.rooms import New


class Said(NamedTuple):
    """A reason with its detail, as it reaches a client."""

    reason: str
    detail: Mapping[str, Any]


Situation = Callable[[New], tuple[Said, bool]]


def filing(situations: dict[Reason, Situation]) -> Callable[[Reason], Callable[[Situation], Situation]]:
    """What files a situation there, under the reason it leads to; two for one reason are a mistake."""

    def comes_about(reason: Reason) -> Callable[[Situation], Situation]:
        def file(situation: Situation) -> Situation:
            assert reason not in situations, f"{reason.json} has two situations, and only the second would be looked at"
            situations[reason] = situation
            return situation

        return file

    return comes_about


def together(areas: Iterable[Mapping[Reason, Situation]]) -> dict[Reason, Situation]:
    """The situations of several areas, with no reason in two of them."""
    situations: dict[Reason, Situation] = {}
    for area in areas:
        for reason, situation in area.items():
            filing(situations)(reason)(situation)
    return situations


def answer(body: Mapping[str, Any]) -> Said:
    """A refused request."""
    assert body.get("ok") is False, body
    return Said(body["reason"], body["detail"])


def told(room: VirtualRoom, kind: str = "refused") -> Said:
    """The last event of a kind."""
    body = room.last(kind)
    detail = body.get("detail", {})
    return Said(body["reason"], detail if isinstance(detail, dict) else {})


def opened(room: VirtualRoom, **threshold: Any) -> dict[str, Any]:
    """An answer to opening the demo with another threshold."""
    return room.open(threshold=room.threshold(**threshold))

"""Whatever the wire says and whatever is typed ends on the page as text: it runs nothing and breaks nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from daemon.simulated_room import OPERATOR
from tests.browser import visit
from tests.browser.conftest import Opens
from tests.browser.scenes import SCENES, SESSIONS, treatment
from tests.browser.screen import Screen
from tests.browser.told_room import PROGRESS, ROOM, STATUS, Document, ToldRoom

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
LONGEST = 60_000
"""Characters in one document: the broker takes 64 KiB."""
HOSTILE = {
    "markup": "<img src=x onerror='window.hit = 1'><script>window.hit = 1</script>",
    "template": "${window.hit = 1} {{window.hit = 1}} {subject} javascript:window.hit=1",
    "right to left": "\u202e<b>gnihton\u2066 \u05e9\u05dc\u05d5\u05dd",
    "emoji": "👩🏽‍⚕️🧠\u0000\ufffd\ud83d",
    "quotes": "\"'`&quot;&lt;/b&gt;\\\n\t--%>",
}
KEPT = frozenset({"phase", "holder", "stimulator", "nonce"})
"""What decides which view is shown; hostile ones have a test of their own."""
RAN = "'hit' in window || document.querySelectorAll('img, iframe, object, embed, #app script').length > 0"


def with_strings(document: Any, text: str, kept: frozenset[str] = KEPT) -> Any:
    """Every string below, but for those kept, is this one; so are the names of what has any."""
    match document:
        case str():
            return text
        case Mapping():
            return {
                name: value if name in kept else with_strings(value, text, kept) for name, value in document.items()
            }
        case list() | tuple():
            return [with_strings(value, text, kept) for value in document]
    return document


async def is_text(told: ToldRoom, person: Screen) -> None:
    """The page is alive, knows this state, and nothing ran."""
    await told.publish()
    await person.page.wait_for_timeout(60)
    assert not await person.page.evaluate(RAN)


@pytest.mark.parametrize("kind", HOSTILE)
async def test_whatever_the_room_says_ends_as_text_in_every_view(kind: str, told: ToldRoom, opens_told: Opens) -> None:
    text = HOSTILE[kind].encode("utf-8", "replace").decode()
    told.answers = lambda verb, _: {
        "ok": False, "code": "rejected", "reason": text, "fields": {"subject": text}, "detail": {"why": text},
        "sentence": {"what": text, "why": text, "next": text},
    } if verb != "history" else {"detail": {"sessions": with_strings(SESSIONS, text)}}  # fmt: skip
    person = await opens_told()
    await person.shows("step-control")
    for scene in SCENES:
        told.room = ROOM | with_strings(dict(scene.room), text) | {"state_seq": told.room["state_seq"] + 1}
        told.progress = PROGRESS | dict(scene.progress) | {"state_seq": told.room["state_seq"]}
        told.status = with_strings(STATUS | dict(scene.status), text)
        told.arm = with_strings(dict(scene.arm), text) | {"state_seq": told.room["state_seq"]} if scene.arm else None
        await is_text(told, person)
        await told.happens("train", with_strings({"reason": "", "detail": {"what": ""}, "list": [""]}, text))
    told.room = ROOM | treatment("gap", subject=text) | {"state_seq": told.room["state_seq"] + 1, "holder": OPERATOR}
    told.progress = PROGRESS | {"state_seq": told.room["state_seq"]}
    await is_text(told, person)
    shown = await person.find("visit").inner_text()
    assert text.split()[0].strip("\u202e\u2066\u0000")[:12] in shown
    await person.press("pause")
    await person.shows("told")
    for view in ("alarms", "history", "help", "treat"):
        await person.press(f"nav-{view}")
        await is_text(told, person)


@pytest.mark.parametrize("name", ["phase", "sentence", "reason", "subject", "protocol", "holder", "stimulator"])
async def test_a_string_of_60_000_characters_neither_hangs_nor_widens_the_page(
    name: str, told: ToldRoom, opens_told: Opens
) -> None:
    person = await opens_told()
    await person.shows("step-control")
    for text in ("W" * LONGEST, "<b>" * (LONGEST // 3)):
        told.room = ROOM | treatment("gap") | {name: text, "state_seq": told.room["state_seq"] + 1}
        await is_text(told, person)
        await person.page.wait_for_timeout(300)
        assert await person.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        box = await person.find("stop").bounding_box()
        assert box is not None
        size = person.page.viewport_size
        assert size is not None
        assert box["y"] + box["height"] <= size["height"]
        assert box["x"] + box["width"] <= size["width"]


@pytest.mark.parametrize("kind", HOSTILE)
async def test_whatever_is_typed_is_sent_as_it_is_and_comes_back_as_text(
    kind: str, told: ToldRoom, opens_told: Opens
) -> None:
    text = HOSTILE[kind].encode("utf-8", "replace").decode().replace("\n", " ").replace("\0", "")
    person = await opens_told()
    await told.tell({"holder": OPERATOR})
    await person.fill("subject", text)
    await person.press("protocols-demo")
    await person.reads("step-subject", "code")
    await person.fill("subject", visit.SUBJECT)
    await person.press("subject-next")
    await person.fill("check-remark", text)
    await visit.checks_and_places(person, text)
    await person.fill("threshold", "45")
    await person.fill("threshold-pulses", "20")
    await person.press("threshold-method-emg")
    await person.press("open-session")
    started = await told.heard("start")
    assert started["placement"] == text.strip()
    await told.tell(understood_as(text))
    await is_text(told, person)
    await person.reads("understood", text.split()[0].strip("\u202e\u2066")[:12])


def understood_as(placement: str) -> Document:
    """What the watchdog answers."""
    told = treatment("positioning")
    return told | {"understood": told["understood"] | {"placement": placement}}

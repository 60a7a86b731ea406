"""A whole visit by clicks: from taking control to the report, in both languages, and how many presses that takes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from daemon.client import connect
from daemon.simulated_room import ROOM, new_subject
from tests.browser import visit
from tests.browser.conftest import Opens
from tests.browser.rooms import PanelRoom
from tests.browser.screen import LANGUAGES, Language

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
MOST_RETURNING = 12
MOST_NEW = 30
"""Interactions, each one press, one choice or one field, up to the first train."""
DEMO_PULSES = 60
Said = Callable[[str, object], None]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_new_subject_is_treated_by_clicks_up_to_the_report(
    language: Language, room: PanelRoom, opens: Opens, record_property: Said
) -> None:
    person = await opens(language=language)
    await visit.comes_to_a_train(person)
    pressed = person.interactions

    await person.shows("step-finish", visit.SESSION_S)
    await person.press("open-report")
    await person.reads("report-page", str(DEMO_PULSES))
    await person.reads("report-page", visit.SUBJECT)

    assert pressed <= MOST_NEW
    assert await room.pulses() == DEMO_PULSES
    record_property("covered", f"{pressed} interactions to the first train of a new subject")


async def test_a_returning_subject_comes_to_the_first_train_in_few_presses(
    room: PanelRoom, opens: Opens, record_property: Said
) -> None:
    await has_been_here(room, visit.SUBJECT)
    person = await opens()
    await person.press("take-control")
    await person.press("finish")  # of the visit before
    person.interactions -= 1
    await person.press(f"recent-{visit.SUBJECT}")
    await visit.checks_and_places(person, placement=None)
    await visit.opens(person)
    await person.hold("release")
    await person.is_in("train", visit.TRAIN_S)

    assert person.interactions <= MOST_RETURNING
    record_property("covered", f"{person.interactions} interactions to the first train of a returning subject")


async def has_been_here(room: PanelRoom, subject: str) -> None:
    """Treated by somebody else before, who left before the first train."""
    async with connect(room.room.address, ROOM) as client:
        await client.known(5)
        assert (await client.ask("take")).ok
        async with client.present():
            await new_subject(client, room.room.site, subject)
            opened = await client.ask("start", subject=subject, protocol="demo", placement=visit.PLACEMENT)
            assert opened.ok, opened
            ended = await client.ask("end")
            assert ended.ok, ended
            assert (await client.ask("let-go")).ok

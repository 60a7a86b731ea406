"""The power goes, in mid-train, for everything in the room: what the page says afterwards, and how it goes on."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack

import pytest
from playwright.async_api import Browser

from daemon.runtime import Runtime
from tests.browser import visit
from tests.browser.rooms import panel_room
from tests.browser.screen import NO_LINK, screen

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
DEMO_PULSES = 60


async def test_after_a_power_cut_in_mid_train_the_page_says_what_was_given_and_goes_on_to_the_last_pulse(
    browser: Browser, runtime: Runtime, windows: AsyncExitStack
) -> None:
    async with panel_room(runtime) as room, screen(browser, room.url()) as before:
        before.forgive(NO_LINK)
        await visit.comes_to_a_train(before)
        given = await room.pulses()
        room.cut_power()
    again = await windows.enter_async_context(panel_room(runtime))
    person = await windows.enter_async_context(screen(browser, again.url()))
    await person.press("take-control")
    await visit.resolves(person)
    await person.reads("interrupted-what", visit.SUBJECT)
    delivered, unknown, missing = await figures_of(await person.text("interrupted-what"))
    await person.fill("continue-reason", "the power was cut")
    await person.fill("continue-placement", visit.PLACEMENT)
    await person.press("continue")
    await person.shows("step-release")
    await person.hold("release")
    await person.shows("step-finish", visit.SESSION_S)
    await person.press("open-report")
    await person.reads("report-facts", visit.SUBJECT)
    rest = await again.pulses()

    assert delivered >= given, "what may have gone out counts"
    assert delivered + missing == DEMO_PULSES
    assert unknown <= delivered
    assert given + rest <= DEMO_PULSES
    assert rest == missing


async def figures_of(sentence: str) -> tuple[int, int, int]:
    """Delivered, in doubt, missing."""
    found = re.search(r"Delivered (\d+), in doubt (\d+), missing (\d+) pulses", sentence)
    assert found is not None, sentence
    delivered, unknown, missing = found.groups()
    return int(delivered), int(unknown), int(missing)

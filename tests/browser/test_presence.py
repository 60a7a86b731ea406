"""Who counts as present: a page in the background does, one that hangs does not, one that is loaded anew does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.async_api import Page

from daemon.runtime import Runtime
from tests.browser import visit
from tests.browser.conftest import Opens
from tests.browser.rooms import FIXED, PanelRoom, panel_room

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]
LOST_MS = 3_000
"""Without presence a session pauses."""
SLACK = 2
HIDDEN = """() => {
  const [later, every] = [setTimeout, setInterval];
  globalThis.setTimeout = (act, ms = 0, ...given) => later(act, Math.max(1000, ms), ...given);
  globalThis.setInterval = (act, ms = 0, ...given) => every(act, Math.max(1000, ms), ...given);
  globalThis.requestAnimationFrame = () => 0;
  Object.defineProperty(document, "hidden", { get: () => true });
  Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
"""Timers once a second at most, no frames, and the page is told."""
HANGS_MS = 4 * LOST_MS * SLACK


@pytest.fixture
async def room(runtime: Runtime) -> object:
    async with panel_room(runtime, replace(FIXED, slack=SLACK)) as running:
        yield running


async def test_a_page_in_the_background_is_present(room: PanelRoom, opens: Opens) -> None:
    person = await opens()
    await visit.comes_to_a_train(person)

    await goes_to_the_background(person.page)
    await person.shows("step-finish", visit.SESSION_S)

    assert "phases:paused" not in {each["phase"] for each in await person.phases()}


async def test_a_page_that_hangs_is_an_operator_who_is_not_there(room: PanelRoom, opens: Opens) -> None:
    person, viewer = await opens(), await opens("viewer")
    await visit.comes_to_a_train(person, protocol="mdd-10hz-5-25")

    hang = f"setTimeout(() => {{ const end = Date.now() + {HANGS_MS}; while (Date.now() < end); }})"
    await person.page.evaluate(hang)

    await viewer.is_in("paused", HANGS_MS / 1000)


async def test_a_page_that_is_loaded_anew_in_mid_train_keeps_its_session(room: PanelRoom, opens: Opens) -> None:
    person, viewer = await opens(), await opens("viewer")
    await visit.comes_to_a_train(person)

    await person.page.reload()
    await person.shows("pause")
    await person.reads("holder", "You have control")
    await person.shows("step-finish", visit.SESSION_S)

    assert "phases:paused" not in {each["phase"] for each in await viewer.phases()}


async def goes_to_the_background(page: Page) -> None:
    """A headless browser hides no page, whatever lies over it: what is done to a hidden one is done to it here."""
    await page.evaluate(HIDDEN)

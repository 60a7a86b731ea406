"""Two people at two panels: one of them holds control, the other asks, is offered it, and takes it over."""

from __future__ import annotations

import pytest

from daemon.runtime import Runtime
from tests.browser import visit
from tests.browser.conftest import Opens
from tests.browser.rooms import FOR_TWO, SECOND, PanelRoom, panel_room

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


@pytest.fixture
async def room(runtime: Runtime) -> object:
    async with panel_room(runtime, FOR_TWO) as running:
        yield running


async def test_of_two_who_press_at_once_one_has_control_and_the_other_is_told_who(
    room: PanelRoom, opens: Opens
) -> None:
    first, second = await opens(), await opens(SECOND)
    await first.press("take-control")
    await first.shows("step-subject")

    await second.press("take-control")

    await second.reads("told", "operator")
    await second.shows("step-control")
    await first.shows("step-subject")


async def test_control_is_handed_over_in_two_presses_while_the_session_goes_on(room: PanelRoom, opens: Opens) -> None:
    first, second = await opens(), await opens(SECOND)
    await visit.comes_to_a_train(first)

    await first.press("hand-over")
    await first.fill("hand-over-to", SECOND)
    await first.press("hand-over-offer")
    before = second.interactions
    await second.press("accept-control")
    await second.reads("holder", "You have control")
    await second.shows("pause")

    assert second.interactions - before == 1
    shown = {each["phase"] for each in await second.phases()}
    assert "phases:paused" not in shown
    await first.page.close()
    await second.shows("step-finish", visit.SESSION_S)
    assert "phases:paused" not in {each["phase"] for each in await second.phases()}


async def test_of_one_person_at_two_windows_either_runs_the_session(room: PanelRoom, opens: Opens) -> None:
    first, second = await opens(), await opens()
    await visit.comes_to_a_train(first)

    await second.press("pause")

    await first.is_in("paused")

"""What only a person can lift: a safety stop, an emergency, a block."""

from __future__ import annotations

import re
import signal

import pytest
from playwright.async_api import expect

from tests.browser import visit
from tests.browser.conftest import Opens
from tests.browser.rooms import PanelRoom
from tests.browser.screen import NO_LINK, Screen
from tests.system.processes import boot_us

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
DISARMED_S = 2.0
LOOK_AT_SUBJECT_MS = 2_500
"""What a person does before they go on; what held the session clears meanwhile, and changes what they decide on."""


async def test_after_a_safety_stop_the_page_says_what_to_check_and_goes_on_after_a_reset(
    room: PanelRoom, opens: Opens
) -> None:
    person = await opens()
    await visit.comes_to_a_train(person)

    room.world("panel-level", percent=30)
    await person.is_in("tripped", 20)
    await person.reads("trip-what", "changed at the stimulator while armed")
    await person.reads("trip-check", re.compile(r"\w"))
    await person.reads("trip-who", "An operator may reset")
    await person.page.wait_for_timeout(LOOK_AT_SUBJECT_MS)
    await person.press("reset")
    await person.is_in("paused")
    await person.page.wait_for_timeout(LOOK_AT_SUBJECT_MS)
    await visit.goes_on(person)
    await person.shows("step-finish", visit.SESSION_S)


async def is_declared(room: PanelRoom, person: Screen) -> None:
    """An emergency, in mid-train."""
    at_us = boot_us()
    await person.press("emergency")
    await room.disarmed_after(at_us, DISARMED_S)
    await person.shows("emergency-page")
    await person.reads("emergency-state", "The stimulator is disarmed")


async def test_an_emergency_disarms_ends_the_session_for_good_and_blocks_until_a_physician_unblocks(
    room: PanelRoom, opens: Opens
) -> None:
    person, physician = await opens(), await opens("physician")
    await visit.comes_to_a_train(person)
    await is_declared(room, person)

    await person.reads("emergency-steps", "Protect the head")
    await person.reads("telephones", "112")
    await person.press("stamp-onset")
    await person.press("stamp-help-called")
    await person.reads("stamp-list", "Onset")
    await person.press("emergency-back")
    await person.shows("step-finish")
    await expect(person.find("resume").or_(person.find("continue"))).to_have_count(0)
    await person.press("finish")
    await visit.prepares(person, taking=False)
    await person.press("open-session")
    await person.reads("told", "blocked")
    await physician.press("nav-emergency")
    await physician.fill("unblock-physician", "Dr Bianchi")
    await physician.fill("unblock-reason", "seen, and fit to be treated")
    await physician.press("unblock")
    await physician.shows("unblocked")
    await person.press("open-session")
    await person.shows("step-release")


async def test_an_emergency_is_carried_out_with_the_broker_gone(room: PanelRoom, opens: Opens) -> None:
    person = await opens()
    person.forgive(NO_LINK)
    await visit.comes_to_a_train(person)

    room.signal("mosquitto", signal.SIGKILL)
    await is_declared(room, person)
    await person.reads("emergency-steps", "Protect the head")

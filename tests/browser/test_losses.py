"""What the page shows when somebody behind it is gone: UNKNOWN, never the last value. Nothing is kept to be sent."""

from __future__ import annotations

import asyncio
import signal
import time

import pytest
from playwright.async_api import expect

from daemon.broker import start_mosquitto
from tests.browser import visit
from tests.browser.conftest import Opens
from tests.browser.rooms import PanelRoom
from tests.browser.screen import NO_LINK
from tests.browser.told_room import ToldRoom

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]
UNKNOWN_MS = 10 * 1_000
"""Ten times the second that a heartbeat is believed, for a machine that stalls; the second itself is a unit test's."""
LOOKS = {"history"}
"""What a page that is back asks by itself: only to read."""
AGAIN_S = 15.0
"""For a page that asks for a new connection every two seconds."""


async def test_a_frozen_daemon_is_unknown_at_once_and_no_figure_of_its_stays(
    room: PanelRoom, opens: Opens, record_property: object
) -> None:
    person = await opens()
    await visit.comes_to_a_train(person)
    await person.shows("glance")

    frozen_ms = time.time() * 1000
    room.signal("daemon", signal.SIGSTOP)
    await person.is_in("unknown", UNKNOWN_MS / 1000)
    took_ms = await person.shown_at("unknown", frozen_ms) - frozen_ms
    await expect(person.find("glance")).to_have_count(0)
    await person.shows("step-unknown")
    room.signal("daemon", signal.SIGCONT)
    await expect(person.find("glance")).to_be_visible(timeout=AGAIN_S * 1000)

    assert took_ms <= UNKNOWN_MS
    record_property("covered", f"UNKNOWN {took_ms:.0f} ms after the daemon froze")  # type: ignore[operator]


async def test_a_broker_that_is_cut_off_is_unknown_and_comes_back_without_a_press(
    room: PanelRoom, opens: Opens
) -> None:
    person = await opens()
    person.forgive(NO_LINK)
    await person.press("take-control")
    await person.shows("step-subject")

    room.signal("mosquitto", signal.SIGKILL)
    await person.is_in("unknown", UNKNOWN_MS / 1000)
    await person.reads("sentence", "The connection is lost")
    broker = await start_mosquitto(room.room.runtime.broker)
    try:
        await person.is_in("idle", AGAIN_S)
        await person.shows("step-subject")
    finally:
        await broker.stop()


async def test_a_frozen_broker_is_unknown_too(room: PanelRoom, opens: Opens) -> None:
    person = await opens()
    await person.is_in("idle")

    room.signal("mosquitto", signal.SIGSTOP)
    await person.is_in("unknown", UNKNOWN_MS / 1000)
    room.signal("mosquitto", signal.SIGCONT)

    await person.is_in("idle", AGAIN_S)


async def test_nothing_is_sent_while_offline_and_nothing_that_was_pressed_is_sent_later(
    told: ToldRoom, opens_told: Opens
) -> None:
    person = await opens_told()
    person.forgive(NO_LINK)
    await person.shows("take-control")

    await told.lobby.cut_broker()
    await person.press("take-control")
    await person.reads("told", "Not sent: there is no connection")
    await person.is_in("unknown", UNKNOWN_MS / 1000)
    await told.lobby.bring_broker_back()
    await person.is_in("idle", AGAIN_S)
    await asyncio.sleep(2)
    late = [verb for _, verb, _ in told.commands if verb not in LOOKS]
    await person.press("take-control")
    await told.heard("take")

    assert late == []

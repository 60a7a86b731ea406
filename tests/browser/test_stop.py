"""STOP from the page: by click and by Esc, whatever has the focus, whoever is gone, and what it says about itself."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable

import pytest

from tests.browser import visit
from tests.browser.conftest import Opens, Seats
from tests.browser.rooms import PanelRoom
from tests.browser.scenes import SCENES, Scene
from tests.browser.screen import NO_LINK, TABLET, Screen
from tests.browser.told_room import ToldRoom
from tests.system.processes import boot_us

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
DISARMED_S = 2.0
"""Ten times and more what STOP takes on a quiet machine; `make bench` measures it."""
FOCUSABLE = "a[href], button, input, textarea, select, summary, [tabindex]:not([tabindex='-1'])"
NAMED = """(which) => [...document.querySelectorAll(which)]
  .filter((each) => each.checkVisibility())
  .map((each) => ({ name: each.dataset.test ?? "", html: each.outerHTML }))"""
ANSWERED_MS = 300
"""For what was asked on the way into a view; some buttons are there only until its answer."""
Said = Callable[[str, object], None]


async def is_stopped_by(room: PanelRoom, person: Screen, act: Awaitable[object]) -> None:
    """In mid-train, by what is awaited; the world and the person's page say so."""
    before = await room.pulses()
    at_us = boot_us()
    await act
    await room.disarmed_after(at_us, DISARMED_S)
    await person.reads("stop-news", "STOP confirmed")
    await person.is_in("ended-early")
    given = await room.pulses()
    assert given - before <= DISARMED_S * 10
    await asyncio.sleep(0.5)
    assert await room.pulses() == given


async def test_stop_is_carried_out_in_mid_train_and_confirmed_by_click(room: PanelRoom, opens: Opens) -> None:
    person = await opens()
    await visit.comes_to_a_train(person)

    await is_stopped_by(room, person, person.press("stop"))


async def test_stop_fires_when_the_finger_comes_down(room: PanelRoom, opens: Opens) -> None:
    person = await opens()
    await visit.comes_to_a_train(person)

    await is_stopped_by(room, person, person.touch_down("stop"))
    await person.page.mouse.up()


async def test_stop_has_the_focus_when_a_train_is_near_and_space_presses_it(room: PanelRoom, opens: Opens) -> None:
    person = await opens()
    await visit.comes_to_a_train(person)

    assert await person.find("stop").evaluate("stop => stop === document.activeElement")
    await is_stopped_by(room, person, person.page.keyboard.press("Space"))


async def test_escape_stops_a_running_train_whatever_kind_of_thing_has_the_focus(room: PanelRoom, opens: Opens) -> None:
    """A train for each kind; every control of every view has a test without trains."""
    person = await opens()
    await visit.comes_to_a_train(person)
    for names in (("stop",), ("pause",), ("hand-over", "hand-over-to"), ("nav-history",), ()):
        for name in names[:-1]:
            await person.press(name)
        await (person.find(names[-1]).focus() if names else person.page.evaluate("document.activeElement.blur()"))
        await is_stopped_by(room, person, person.page.keyboard.press("Escape"))
        await visit.continues(person)


async def test_escape_is_stop_with_the_focus_on_every_control_of_every_view_of_an_open_session(
    seats: Seats, told: ToldRoom, record_property: Said
) -> None:
    players = seats(language="it", scheme="dark", size=TABLET)
    pressed: set[tuple[str, str]] = set()
    for scene in (each for each in SCENES if is_open(each)):
        person = await players.play(scene)
        await person.page.wait_for_timeout(ANSWERED_MS)
        for name in await focusable(person):
            told.commands.clear()
            await person.page.locator(FOCUSABLE).and_(person.find(name)).focus()
            await person.page.keyboard.press("Escape")
            pressed.add((scene.name, name))
            try:
                await told.heard("stop")
            except AssertionError as unheard:
                raise AssertionError(f"Esc on {name} in {scene.name}") from unheard

    assert {"stop", "pause", "reset", "resolve-why", "end-sure"} <= {name for _, name in pressed}
    record_property("covered", f"{len(pressed)} controls in {len({scene for scene, _ in pressed})} views")


def is_open(scene: Scene) -> bool:
    """Whether a session is under way in it, for all that the page knows."""
    return bool(scene.room.get("session")) and scene.room["phase"] not in {"done", "ended-early", "refused"}


async def focusable(person: Screen) -> list[str]:
    """Names of everything that takes the focus now; one without a name fails."""
    found: list[dict[str, str]] = await person.page.evaluate(NAMED, FOCUSABLE)
    assert [each["html"] for each in found if not each["name"]] == []
    return [each["name"] for each in found]


async def test_a_viewer_stops_too_and_does_nothing_else(room: PanelRoom, opens: Opens) -> None:
    person, viewer = await opens(), await opens("viewer")
    await visit.comes_to_a_train(person)
    await viewer.is_in("train")
    await viewer.shows("step-viewer")

    await is_stopped_by(room, viewer, viewer.press("stop"))
    await person.is_in("ended-early")


async def test_with_the_broker_gone_stop_goes_past_it_and_is_confirmed(room: PanelRoom, opens: Opens) -> None:
    person = await opens()
    person.forgive(NO_LINK)
    await visit.comes_to_a_train(person)

    at_us = boot_us()
    room.signal("mosquitto", signal.SIGKILL)
    await person.press("stop")
    await room.disarmed_after(at_us, DISARMED_S)
    await person.reads("stop-news", "STOP confirmed")
    with room.watchdog() as line:
        assert line.event("stop-asked", at_us)["by"] == "operator"


async def test_with_nobody_there_stop_says_not_confirmed_and_where_the_red_button_is(
    room: PanelRoom, opens: Opens
) -> None:
    person = await opens()
    person.forgive(NO_LINK)
    await visit.comes_to_a_train(person)

    for name in ("mosquitto", "watchdog"):
        room.signal(name, signal.SIGKILL)
    await person.press("stop")

    await person.reads("stop-news", "STOP NOT CONFIRMED. Use the red button: On the wall behind you")


async def test_with_no_session_escape_stops_nothing_and_the_button_still_does(room: PanelRoom, opens: Opens) -> None:
    person = await opens()
    await person.shows("step-control")

    with room.watchdog() as line:
        await person.page.keyboard.press("Escape")
        await person.page.keyboard.press("Escape")
        await asyncio.sleep(0.5)
        line.listen()
        escaped = line.seen("stop-asked")
        at_us = boot_us()
        await person.press("stop")
        await asyncio.to_thread(line.event, "stop-asked", at_us)
        await person.reads("stop-news", "STOP confirmed")

    assert escaped == []

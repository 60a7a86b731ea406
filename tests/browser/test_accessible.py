"""Every state of the panel, light and dark, in both languages, by axe-core's rules and by size."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.axe import violations
from tests.browser.conftest import Opens, Seats
from tests.browser.scenes import SCENES
from tests.browser.screen import LANGUAGES, SCHEMES, TABLET, Language, Scheme, Screen
from tests.browser.told_room import ToldRoom

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
LEAST_PX = 44
"""A finger in a glove."""
LEAST_STOP_PX = 88
SIZES = """
() => [...document.querySelectorAll("button, input, a[href]")]
  .filter((each) => each.checkVisibility())
  .map((each) => ({ name: each.dataset.test ?? each.outerHTML, box: each.getBoundingClientRect() }))
  .map(({ name, box }) => [name, Math.round(box.width), Math.round(box.height)])
"""


@pytest.mark.parametrize(("language", "scheme"), [*zip(LANGUAGES, SCHEMES, strict=True)])
async def test_no_state_breaks_a_rule_or_is_too_small_for_a_glove_and_stop_stays_where_it_is(
    seats: Seats, language: Language, scheme: Scheme, record_property: Callable[[str, object], None]
) -> None:
    players = seats(language=language, scheme=scheme, size=TABLET)
    broken: dict[str, list[str]] = {}
    small: dict[str, list[list[object]]] = {}
    places: set[tuple[float, ...]] = set()
    for scene in SCENES:
        person = await players.play(scene)
        if found := await violations(person):
            broken[scene.name] = found
        sizes = await person.page.evaluate(SIZES)
        if too_small := [each for each in sizes if min(each[1:]) < LEAST_PX]:
            small[scene.name] = too_small
        if scene.user is not None:
            places.add(await place_of_stop(person))

    assert broken == {}
    assert small == {}
    assert len(places) == 1, places
    record_property("covered", f"{len(SCENES)} states, axe-core clean")


async def place_of_stop(person: Screen) -> tuple[float, ...]:
    """Twice as large as the rest, and not below the edge of the page."""
    box = await person.find("stop").bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= LEAST_STOP_PX
    assert box["y"] + box["height"] <= TABLET[1]
    return tuple(box.values())


async def test_the_file_of_rules_is_noticed_when_a_page_breaks_one(told: ToldRoom, opens_told: Opens) -> None:
    person = await opens_told()
    await person.shows("step-control")
    await person.page.evaluate("document.querySelector('[data-test=take-control]').textContent = ''")

    assert any(each.startswith("button-name") for each in await violations(person))

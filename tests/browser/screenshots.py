"""Every state of the panel in pictures: `python -m tests.browser.screenshots`, one contact sheet for each state.

A sheet holds both languages, light and dark, tablet and desktop. Single pictures lie beside it in a folder of its name.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

from playwright.async_api import Browser

from tests.browser import guide_pictures
from tests.browser.chromium import MISSING, PROGRAM, chromium
from tests.browser.rooms import lobby, short_folder
from tests.browser.scenes import SCENES, Players, Scene
from tests.browser.screen import DESKTOP, LANGUAGES, SCHEMES, TABLET, snapshot
from tests.browser.told_room import told_room

INTO = Path(__file__).parents[2] / "build" / "screenshots"
SIZES = {"tablet": TABLET, "desktop": DESKTOP}
SETTLED_MS = 700
"""For what is drawn after the state is there: charts, the head, a STOP that is not answered."""
THUMBNAIL_PX = 900
SHEET = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 12px; font: 20px sans-serif; background: #888 }}
body {{ display: grid; grid-template-columns: repeat(2, {width}px); gap: 12px }}
h1 {{ grid-column: 1 / -1; margin: 0 }}
figure {{ margin: 0; background: #fff }}
img {{ width: {width}px; display: block }}
</style><h1>{name}</h1>{figures}"""
FIGURE = '<figure><img src="{url}.png"><figcaption>{look}</figcaption></figure>'


class Look(NamedTuple):
    """One of the eight ways in which a page is seen."""

    language: str
    scheme: str
    device: str


LOOKS = tuple(Look(*each) for each in itertools.product(LANGUAGES, SCHEMES, SIZES))


async def shoot(scenes: Sequence[Scene], into: Path) -> None:
    """All pictures, then all sheets."""
    async with AsyncExitStack() as stack:
        runtime = stack.enter_context(short_folder())
        told = await stack.enter_async_context(told_room(await stack.enter_async_context(lobby(runtime))))
        browser = await stack.enter_async_context(chromium())
        for look in LOOKS:
            async with AsyncExitStack() as windows:
                size = {"language": look.language, "scheme": look.scheme, "size": SIZES[look.device]}
                players = Players(told, browser, windows, size)
                for scene in scenes:
                    person = await players.play(scene)
                    await person.page.wait_for_timeout(SETTLED_MS)
                    folder = into / scene.name
                    folder.mkdir(parents=True, exist_ok=True)
                    await snapshot(person.page, folder / f"{'-'.join(look)}.png")
        for scene in scenes:
            await sheet(browser, scene.name, into)


async def illustrate() -> None:
    """The guide's and the README's."""
    async with AsyncExitStack() as stack:
        runtime = stack.enter_context(short_folder())
        told = await stack.enter_async_context(told_room(await stack.enter_async_context(lobby(runtime))))
        await guide_pictures.draw(told, await stack.enter_async_context(chromium()))


async def sheet(browser: Browser, name: str, into: Path) -> None:
    """Eight pictures on one page."""
    urls = {look: (into / name / "-".join(look)).as_uri() for look in LOOKS}
    figures = "".join(FIGURE.format(url=url, look=", ".join(look)) for look, url in urls.items())
    page_file = into / f"{name}.html"
    page_file.write_text(SHEET.format(width=THUMBNAIL_PX, name=name, figures=figures))
    page = await browser.new_page(viewport={"width": 2 * THUMBNAIL_PX + 36, "height": 800})
    await page.goto(page_file.as_uri())
    await page.screenshot(path=into / f"{name}.png", full_page=True)
    await page.close()
    page_file.unlink()


def main() -> int:
    """What is named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.screenshots", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="STATE", help=", ".join(scene.name for scene in SCENES))
    parser.add_argument("--into", type=Path, default=INTO, metavar="FOLDER", help="default: build/screenshots")
    parser.add_argument("--guide", action="store_true", help="the pictures of guide and README instead")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - {scene.name for scene in SCENES}:
        parser.error(f"no state is called {', '.join(sorted(unknown))}")
    if not PROGRAM.exists():
        print(f"screenshots: {MISSING}", file=sys.stderr)
        return 1
    if arguments.guide:
        asyncio.run(illustrate())
        print(f"{len(guide_pictures.PICTURES)} pictures in {guide_pictures.INTO}")
        return 0
    scenes = [scene for scene in SCENES if not arguments.names or scene.name in arguments.names]
    asyncio.run(shoot(scenes, arguments.into.resolve()))
    print(f"{len(scenes)} sheets of {len(LOOKS)} pictures in {arguments.into}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The pictures of the operator's guide and of the README, written where they lie: `make screenshots ARGS=--guide`."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.async_api import Browser, Page

from tests.browser.scenes import SCENES, Players
from tests.browser.screen import LANGUAGES, TABLET, Language
from tests.browser.told_room import ToldRoom

INTO: Final = Path(__file__).parents[2] / "docs" / "guide" / "pictures"
COLOURS: Final = 128
"""Of a picture with few of them: a quarter of the bytes, and nothing that a person would see."""
SETTLED_MS: Final = 700

Badge = tuple[str, float, float]
"""Of which element, and where in it, as shares of its width and height."""


@dataclass(frozen=True)
class Picture:
    """One file for each language it is wanted in."""

    name: str
    scene: str
    of: str | None = None
    """The element that is shown; None: the whole page."""
    badges: Sequence[Badge] = ()
    """Numbered from 1, as the guide's table is."""
    languages: Sequence[Language] = LANGUAGES


PICTURES: Final = (
    Picture("panel", "train", languages=("en",)),
    Picture(
        "page",
        "gap",
        badges=(
            ("band", 0.015, 0.2), ("band", 0.967, 0.5), ("alarm-strip", 0.5, 0.5), ("next-train", 0.86, 0.76),
            ("intensity", 0.86, 0.76), ("on-target", 0.8, 0.24), ("temperature", 0.86, 0.76), ("withheld", 0.86, 0.76),
            ("visit", 0.93, 0.2), ("path", 0.97, 0.5), ("step-run", 0.95, 0.1), ("stop-news", 0.5, 0.05),
            ("coil-away", 0.5, -0.04), ("nav-help", 1.35, 0.5), ("hand-over", 1.2, 0.5),
        ),
    ),
    Picture("start", "positioning", "step-release"),
    Picture("pause", "paused", "step-paused"),
    Picture("stop", "stop-not-confirmed", "stop-bar"),
    Picture("emergency", "emergency"),
    Picture("interrupted", "interrupted", "step-interrupted"),
)  # fmt: skip

DRAW: Final = """
(badges) => badges.forEach(([name, x, y], index) => {
  const box = document.querySelector(`[data-test="${name}"]`).getBoundingClientRect();
  const badge = document.createElement("div");
  badge.textContent = index + 1;
  Object.assign(badge.style, {
    position: "fixed", zIndex: 1000, width: "38px", height: "38px", borderRadius: "50%", border: "3px solid #000",
    boxSizing: "border-box", background: "#ffd200", color: "#000", font: "bold 20px/32px sans-serif",
    textAlign: "center",
    left: `${Math.max(0, box.left + x * box.width - 19)}px`, top: `${box.top + y * box.height - 19}px`,
  });
  document.body.append(badge);
})
"""


async def draw(told: ToldRoom, browser: Browser) -> None:
    """All of them, as a tablet shows them by day."""
    scenes = {scene.name: scene for scene in SCENES}
    for language in LANGUAGES:
        async with AsyncExitStack() as windows:
            looks = {"language": language, "scheme": "light", "size": TABLET}
            players = Players(told, browser, windows, looks)
            for picture in (each for each in PICTURES if language in each.languages):
                person = await players.play(scenes[picture.scene])
                await person.page.evaluate(DRAW, picture.badges)
                await person.page.wait_for_timeout(SETTLED_MS)
                keep(await taken(person.page, picture.of), INTO / f"{picture.name}.{language}.png")


async def taken(page: Page, of: str | None) -> bytes:
    """The page, or one element of it, motion stilled."""
    shown = page if of is None else page.locator(f'[data-test="{of}"]')
    return await shown.screenshot(animations="disabled", caret="hide")


def keep(png: bytes, path: Path) -> None:
    """In few colours."""
    Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)

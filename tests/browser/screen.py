"""One person at one window: a page of the panel, every complaint its browser had, and how often the person acted."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from playwright.async_api import Browser, BrowserContext, Locator, Page, Response, expect

Language: TypeAlias = Literal["en", "it"]
Scheme: TypeAlias = Literal["light", "dark"]
LANGUAGES: tuple[Language, ...] = ("en", "it")
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
DESKTOP = (1920, 1080)
TABLET = (1280, 800)
"""A tablet of 10 inches, held across, in CSS pixels."""
SHOWN_S = 10.0
"""For what a page shows within milliseconds, on a machine that may be busy (engineering choice)."""
LOCALES = {"en": "en-GB", "it": "it-IT"}
NO_LINK = r"WebSocket connection to '.*' failed|net::ERR_CONNECTION_REFUSED|net::ERR_CONNECTION_RESET"
"""What a browser says of a server that is not there."""

WATCH = """
(() => {
  globalThis.seen = [];
  const look = () => {
    const phase = document.querySelector('[data-test="state"]')?.dataset.phase ?? "";
    if (seen.at(-1)?.phase !== phase) seen.push({ phase, at_ms: Date.now() });
    if (seen.length > 1000) seen.shift();
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, attributeFilter: ["data-phase"] });
})();
"""
"""Notes in the page when its state became another."""


@dataclass
class Screen:
    """Made by `screen`."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    forgiven: list[str] = field(default_factory=list)
    interactions: int = 0
    """Presses, choices and fields."""

    # --- looking ----------------------------------------------------------------------------------------------------

    def find(self, name: str) -> Locator:
        """The element of that `data-test`."""
        return self.page.locator(f'[data-test="{name}"]')

    async def shows(self, name: str, deadline_s: float = SHOWN_S) -> None:
        """Returns once it can be seen."""
        await expect(self.find(name)).to_be_visible(timeout=deadline_s * 1000)

    async def hides(self, name: str, deadline_s: float = SHOWN_S) -> None:
        """Returns once it can be seen no more."""
        await expect(self.find(name)).to_be_hidden(timeout=deadline_s * 1000)

    async def reads(self, name: str, text: str | re.Pattern[str], deadline_s: float = SHOWN_S) -> None:
        """Returns once it says so."""
        await expect(self.find(name)).to_contain_text(text, timeout=deadline_s * 1000)

    async def text(self, name: str) -> str:
        """What it says now."""
        return (await self.find(name).inner_text()).strip()

    async def is_in(self, phase: str | re.Pattern[str], deadline_s: float = SHOWN_S) -> None:
        """Returns once the page shows the room in this phase; `unknown` is one."""
        wanted = phase if isinstance(phase, re.Pattern) else re.compile(rf"^(phases:)?{re.escape(phase)}$")
        await expect(self.find("state")).to_have_attribute("data-phase", wanted, timeout=deadline_s * 1000)

    async def knows(self) -> None:
        """Returns once the page knows the room."""
        await expect(self.find("state")).not_to_have_attribute("data-phase", "unknown", timeout=SHOWN_S * 1000)

    async def phases(self) -> list[dict[str, Any]]:
        """What the page has shown so far, each with the time it came, unix ms."""
        seen: list[dict[str, Any]] = await self.page.evaluate("seen")
        return seen

    async def shown_at(self, phase: str, after_ms: float = 0) -> float:
        """When the page first showed that phase after a time, unix ms; AssertionError when it did not."""
        seen = await self.phases()
        found = [each["at_ms"] for each in seen if each["phase"].endswith(phase) and each["at_ms"] >= after_ms]
        assert found, f"{phase} was not shown: {seen}"
        return float(found[0])

    # --- acting: each of these is one interaction -------------------------------------------------------------------

    async def press(self, name: str) -> None:
        """One press."""
        self.interactions += 1
        await self.find(name).click(timeout=SHOWN_S * 1000)

    async def fill(self, name: str, text: str) -> None:
        """One field."""
        self.interactions += 1
        await self.page.locator(f'input[data-test="{name}"]').fill(text, timeout=SHOWN_S * 1000)

    async def hold(self, name: str) -> None:
        """One press, held until the page has taken it."""
        self.interactions += 1
        await self.find(name).hover(timeout=SHOWN_S * 1000)
        await self.page.mouse.down()
        held = self.page.locator(f'[data-test="{name}"].holding')
        await expect(held).to_have_count(1, timeout=SHOWN_S * 1000)
        await expect(held).to_have_count(0, timeout=SHOWN_S * 1000)
        await self.page.mouse.up()

    async def touch_down(self, name: str) -> None:
        """The finger comes down, and has not been lifted yet."""
        self.interactions += 1
        await self.find(name).hover(timeout=SHOWN_S * 1000)
        await self.page.mouse.down()

    # --- complaints -------------------------------------------------------------------------------------------------

    def forgive(self, pattern: str) -> None:
        """Complaints that a test brings about on purpose."""
        self.forgiven.append(pattern)

    def unforgiven(self) -> list[str]:
        """What remains."""
        return [each for each in self.complaints if not any(re.search(pattern, each) for pattern in self.forgiven)]

    def watch(self, context: BrowserContext) -> None:
        """Hears every complaint of the page, of its workers, and of the policy of its content."""
        context.on(
            "console",
            lambda said: self.complaints.append(f"{said.type}: {said.text}") if said.type == "error" else None,
        )
        context.on("weberror", lambda raised: self.complaints.append(f"raised: {raised.error}"))
        context.on("response", self._judge)

    def _judge(self, response: Response) -> None:
        if response.status >= 400:
            self.complaints.append(f"{response.status}: {response.url}")


@asynccontextmanager
async def screen(
    browser: Browser,
    url: str,
    *,
    language: Language = "en",
    scheme: Scheme = "light",
    size: tuple[int, int] = DESKTOP,
    scale: float = 1,
) -> AsyncIterator[Screen]:
    """A window of its own: no other's storage, no other's sign-in. Fails at its end when its browser complained."""
    width, height = size
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=scale,
        locale=LOCALES[language],
        color_scheme=scheme,
        service_workers="block",
    )
    context.set_default_timeout(SHOWN_S * 1000)
    await context.add_init_script(WATCH)
    try:
        page = await context.new_page()
        opened = Screen(page)
        opened.watch(context)
        await page.goto(url)
        yield opened
        assert not opened.unforgiven(), "the browser complained: " + "; ".join(opened.unforgiven())
    finally:
        await context.close()


async def snapshot(page: Page, path: Path) -> None:
    """A picture of the window as a person sees it, motion stilled."""
    await page.screenshot(path=path, animations="disabled", caret="hide")

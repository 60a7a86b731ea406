"""Debian's Chromium, headless: one browser for one test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, async_playwright

PROGRAM = Path("/usr/bin/chromium")
MISSING = f"needs Debian's Chromium at {PROGRAM}: .ci/setup chromium"
ARGUMENTS = (
    "--no-sandbox",  # continuous integration runs as root, where the sandbox does not start; it opens only our page
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-precise-memory-info",
    "--js-flags=--expose-gc",
)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Started, and ended with everything it started."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=PROGRAM, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            await browser.close()

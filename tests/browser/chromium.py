"""Debian's Chromium, headless: one browser for one test."""

from __future__ import annotations

import os
import tempfile
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


MODEST = f"""#!/bin/sh
exec setpriv --bounding-set=-sys_nice --inh-caps=-sys_nice {PROGRAM} "$@"
"""
"""As root it raises its own processes to nice -8, above the kernel's threads that carry a terminal's bytes: a simulated
stimulator on the same two cores then answers its watchdog too late."""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Started, and ended with everything it started."""
    async with async_playwright() as playwright:
        with tempfile.TemporaryDirectory() as folder:
            program = PROGRAM
            if os.geteuid() == 0:
                program = Path(folder) / "chromium"
                program.write_text(MODEST)
                program.chmod(0o755)
            browser = await playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            await browser.close()

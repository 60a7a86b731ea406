"""A browser, a room and a signed-in page for one test."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol

import pytest
from playwright.async_api import Browser

from daemon.runtime import Runtime
from daemon.simulated_room import OPERATOR
from tests.browser.chromium import MISSING, PROGRAM, chromium
from tests.browser.rooms import Lobby, PanelRoom, lobby, panel_room, short_folder
from tests.browser.scenes import Players
from tests.browser.screen import DESKTOP, Language, Scheme, Screen, screen, snapshot
from tests.browser.told_room import ToldRoom, told_room

FAILED = pytest.StashKey[bool]()
PICTURES = Path(__file__).parents[2] / "build" / "browser-failures"


class Opens(Protocol):
    """Opens one more window; `user` is signed in there."""

    async def __call__(
        self,
        user: str = OPERATOR,
        *,
        language: Language = "en",
        scheme: Scheme = "light",
        size: tuple[int, int] = DESKTOP,
    ) -> Screen: ...


class Seats(Protocol):
    """People who look alike, for every scene."""

    def __call__(self, *, language: Language, scheme: Scheme, size: tuple[int, int]) -> Players: ...


@pytest.fixture
def runtime() -> Iterator[Runtime]:
    with short_folder() as made:
        yield made


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    if not PROGRAM.exists():
        pytest.skip(MISSING)
    async with chromium() as running:
        yield running


@pytest.fixture
async def room(runtime: Runtime) -> AsyncIterator[PanelRoom]:
    async with panel_room(runtime) as running:
        yield running


@pytest.fixture
async def nobody(runtime: Runtime) -> AsyncIterator[Lobby]:
    async with lobby(runtime) as running:
        yield running


@pytest.fixture
async def told(nobody: Lobby) -> AsyncIterator[ToldRoom]:
    async with told_room(nobody) as running:
        yield running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture
async def windows(request: pytest.FixtureRequest, browser: Browser) -> AsyncIterator[AsyncExitStack]:
    """Closed before the room is: a panel that ends is no complaint of theirs. Of a failure a picture is left."""
    async with AsyncExitStack() as stack:
        yield stack
        if request.node.stash.get(FAILED, False):
            PICTURES.mkdir(parents=True, exist_ok=True)
            name = re.sub(r"\W+", "-", request.node.name)[:120]
            for number, page in enumerate(page for context in browser.contexts for page in context.pages):
                await snapshot(page, PICTURES / f"{name}-{number}.png")


@pytest.fixture
async def opens(browser: Browser, room: PanelRoom, windows: AsyncExitStack) -> Opens:
    """Windows on the real room."""

    async def one(
        user: str = OPERATOR, *, language: Language = "en", scheme: Scheme = "light", size: tuple[int, int] = DESKTOP
    ) -> Screen:
        opening = screen(browser, room.url(user), language=language, scheme=scheme, size=size)
        return await windows.enter_async_context(opening)

    return one


@pytest.fixture
async def opens_told(browser: Browser, nobody: Lobby, windows: AsyncExitStack) -> Opens:
    """Windows on the told room."""

    async def one(
        user: str = OPERATOR, *, language: Language = "en", scheme: Scheme = "light", size: tuple[int, int] = DESKTOP
    ) -> Screen:
        opening = screen(browser, nobody.url(user), language=language, scheme=scheme, size=size)
        return await windows.enter_async_context(opening)

    return one


@pytest.fixture
async def seats(told: ToldRoom, browser: Browser, windows: AsyncExitStack) -> Seats:
    """Windows on every scene."""

    def players(*, language: Language, scheme: Scheme, size: tuple[int, int]) -> Players:
        return Players(told, browser, windows, {"language": language, "scheme": scheme, "size": size})

    return players

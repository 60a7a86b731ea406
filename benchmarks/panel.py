"""STOP at the operator's panel: from the finger to the stimulator's disarming, beside a bare MQTT round trip.

A real Chromium, the real room, the simulator's own log: pressed in mid-train, once in each of several sessions. The
press is the time that the browser gives the event, so what Playwright takes to bring it about is not in it. Right after
each press one message of the same size goes to the room's broker and back, by a client that does nothing else. There is
no budget: design §10 has none, and the figure is reported.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import aiomqtt

from benchmarks.figures import Figures, Row, ratios
from daemon.topics import PREFIX
from tests.browser import visit
from tests.browser.chromium import MISSING, PROGRAM, chromium
from tests.browser.rooms import PanelRoom, panel_room, short_folder
from tests.browser.screen import Screen, screen

PRESSES = 30
WITHIN_S = 2.0
BYTES = 150
"""A STOP as a command document, about (its fields are `daemon/messages.py`'s)."""
WATCH = """
(() => {
  globalThis.stopped = {};
  const unixMs = () => performance.timeOrigin + performance.now();
  addEventListener("pointerdown", (event) => {
    if (event.target.closest?.('[data-test="stop"]')) stopped = { pressed: performance.timeOrigin + event.timeStamp };
  }, { capture: true });
  new MutationObserver(() => {
    const kind = document.querySelector('[data-test="stop-news"]')?.dataset.kind;
    if (kind === "confirmed" && stopped.pressed) stopped.confirmed ??= unixMs();
  }).observe(document, { subtree: true, childList: true, attributeFilter: ["data-kind"] });
})();
"""


def rows(share: float = 1.0) -> Iterator[Row]:
    """From the press to the disarming, and to the page's word that it is confirmed."""
    if not PROGRAM.exists():
        yield Row("STOP pressed → disarmed", f"not measured: {MISSING}", "", None, "", "", None)
        return
    disarmed, confirmed, bare = asyncio.run(_measure(max(2, round(PRESSES * share))))
    for path, figures in (("disarmed", disarmed), ("confirmed on the page", confirmed)):
        yield Row(f"STOP pressed → {path}", figures, "bare MQTT round trip", bare, ratios(figures, bare), "", None)


async def _measure(presses: int) -> tuple[Figures, Figures, Figures]:
    disarmed: list[float] = []
    confirmed: list[float] = []
    bare: list[float] = []
    with short_folder() as runtime:
        async with panel_room(runtime) as room, chromium() as browser, screen(browser, room.url()) as person:
            await person.page.evaluate(WATCH)
            for number in range(presses):
                await visit.prepares(person, f"B-{number:04}", taking=not number)
                await visit.opens(person)
                await person.hold("release")
                await person.is_in("train", visit.TRAIN_S)
                after_us, page_us = await _press(room, person)
                disarmed.append(after_us)
                confirmed.append(page_us)
                bare.append(await _round_trip(room))
                await person.press("finish")
    return Figures.of(disarmed), Figures.of(confirmed), Figures.of(bare)


async def _press(room: PanelRoom, person: Screen) -> tuple[float, float]:
    """To the disarming as the world saw it, and to the page's confirmation; µs."""
    await person.press("stop")
    await person.reads("stop-news", "STOP confirmed")
    await person.is_in("ended-early")
    told = await person.page.evaluate("stopped")
    boot_less_wall_us = (time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.time_ns()) // 1000
    after_us = await room.disarmed_after(round(told["pressed"] * 1000) + boot_less_wall_us, WITHIN_S)
    return after_us, (told["confirmed"] - told["pressed"]) * 1000


async def _round_trip(room: PanelRoom) -> float:
    """One message to the broker and back, µs."""
    signed_in = room.room.address_of("daemon")
    topic = f"{PREFIX}/{room.room.site.site.room}/benchmark"
    async with aiomqtt.Client(
        signed_in.host,
        signed_in.port,
        username=signed_in.user,
        password=signed_in.password,
        identifier="benchmark",
        protocol=aiomqtt.ProtocolVersion.V5,
    ) as client:
        await client.subscribe(topic)
        began_ns = time.monotonic_ns()
        await client.publish(topic, bytes(BYTES))
        await anext(aiter(client.messages))
        return (time.monotonic_ns() - began_ns) / 1000

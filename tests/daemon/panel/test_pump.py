"""A page's connection to the broker, and STOP past it: whatever the broker does, and whatever the page does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from daemon import direct_stop, watchdog_line
from daemon.panel import pump, server
from tests.daemon.panel.conftest import WAIT_S, Serve, Served, heard, told
from tests.daemon.panel.packets import CONNECT, NO, WITH_WILL, YES


@asynccontextmanager
async def signed_in(served: Served) -> AsyncIterator[ClientConnection]:
    async with served.page() as page:
        await page.send(CONNECT)
        assert await heard(page) == YES
        yield page


async def until(true: Any) -> None:
    async with asyncio.timeout(WAIT_S):
        while not true():
            await asyncio.sleep(0)


async def closed(page: ClientConnection) -> int:
    """The code it is closed with, whatever comes before."""
    async with asyncio.timeout(WAIT_S):
        with contextlib.suppress(ConnectionClosed):
            while True:
                await page.recv()
    assert page.close_code is not None
    return page.close_code


async def test_bytes_pass_both_ways_unchanged(serve: Serve) -> None:
    large = bytes(range(256)) * 400
    async with serve() as served, signed_in(served) as page:
        for at in range(0, len(large), 4096):
            await page.send(large[at : at + 4096])
        await until(lambda: len(served.broker.heard) == len(CONNECT) + len(large))
        served.broker.say(large)
        back = b""
        while len(back) < len(large):
            back += await heard(page)

    assert bytes(served.broker.heard) == CONNECT + large
    assert back == large


async def test_a_stop_goes_to_the_watchdog_by_name_and_is_confirmed_by_its_standby_alone(serve: Serve) -> None:
    async with serve() as served, signed_in(served) as page:
        served.watchdog.condition = "ready"
        await page.send("STOP")
        first = await told(page)
        served.watchdog.condition = "standby"
        second = await told(page)

    assert [(asked["by"]) for asked in served.watchdog.of("stop")] == ["olga"]
    assert first == {"direct": "STOP", "watchdog": "sent"}
    assert second == {"direct": "STOP", "watchdog": "confirmed", "arm": "none"}


async def test_an_emergency_is_one_to_the_watchdog_too(serve: Serve) -> None:
    async with serve() as served, signed_in(served) as page:
        await page.send("EMERGENCY")
        both = [await told(page), await told(page)]

    assert [asked["by"] for asked in served.watchdog.of("emergency")] == ["olga"]
    assert served.watchdog.of("stop") == []
    assert both[1] == {"direct": "EMERGENCY", "watchdog": "confirmed", "arm": "none"}


@pytest.mark.parametrize("word", ["STOP", "EMERGENCY"])
async def test_with_an_arm_the_coil_is_told_to_leave_as_well(serve: Serve, word: str) -> None:
    async with serve(arm=True) as served, signed_in(served) as page:
        await page.send(word)
        both = [await told(page), await told(page)]

        assert served.arm is not None
        assert len(served.arm.of("stop")) == 1
        assert [(asked["do"], asked["by"]) for asked in served.watchdog.asked if asked["do"] != "hello"] == [
            (word.lower(), "olga")
        ]
    assert both == [{"direct": word, "watchdog": "sent"}, {"direct": word, "watchdog": "confirmed", "arm": "away"}]


async def test_an_arm_that_is_away_hides_no_confirmed_stop(serve: Serve) -> None:
    async with serve(arm=True) as served, signed_in(served) as page:
        assert served.arm is not None
        served.arm.close()
        await page.send("STOP")
        assert await told(page) == {"direct": "STOP", "watchdog": "sent"}
        assert await told(page) == {"direct": "STOP", "watchdog": "confirmed", "arm": "unreachable"}


async def test_a_stimulator_that_stays_armed_is_not_confirmed(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct_stop, "STANDBY_S", 0.5)
    async with serve() as served, signed_in(served) as page:
        served.watchdog.condition = "ready"
        await page.send("STOP")
        assert await told(page) == {"direct": "STOP", "watchdog": "sent"}
        second = await told(page)

    assert second == {"direct": "STOP", "watchdog": "not-confirmed", "why": "disarm-unconfirmed", "arm": "none"}


async def test_a_watchdog_that_hangs_is_unreachable_and_never_sent(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog_line, "DEADLINE_S", 0.05)
    async with serve() as served, signed_in(served) as page:
        served.watchdog.mute = True
        await page.send("STOP")

        assert await told(page) == {"direct": "STOP", "watchdog": "unreachable", "arm": "none"}


@pytest.mark.parametrize("word", ["STOP", "EMERGENCY"])
async def test_who_has_not_signed_in_is_refused(serve: Serve, word: str) -> None:
    async with serve() as served, served.page() as page:
        await page.send(word)
        assert await told(page) == {"direct": word, "refused": "not-signed-in"}
        await page.send(CONNECT)
        assert await heard(page) == YES
        await page.send(word)
        assert (await told(page))["watchdog"] == "sent"


async def test_a_sign_in_that_the_broker_refuses_is_shown_and_opens_nothing(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump, "SIGN_IN_S", 2 * WAIT_S)
    async with serve() as served, served.page() as page:
        served.broker.answer = NO
        await page.send(CONNECT)
        assert await heard(page) == NO
        assert await closed(page) == 1008

    assert served.watchdog.asked == []


async def test_sign_ins_are_judged_one_after_another_and_who_has_left_is_not(serve: Serve) -> None:
    async with serve() as served, served.page() as first, served.page() as second, served.page() as third:
        served.broker.answer = b""
        await first.send(CONNECT)
        await until(lambda: served.broker.heard == CONNECT)
        await second.send(CONNECT)
        second.transport.abort()
        await third.send(WITH_WILL)
        for _ in range(3):
            await served.get("/site.json")
        while_judged = bytes(served.broker.heard)
        served.broker.pages[0].write(YES)
        await until(lambda: len(served.broker.heard) > len(CONNECT))
        after = bytes(served.broker.heard)

    assert while_judged == CONNECT
    assert after == CONNECT + WITH_WILL


async def test_a_broker_that_does_not_judge_keeps_the_next_one_waiting_a_while_only(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump, "JUDGE_S", 0.05)
    async with serve() as served, served.page() as first, served.page() as second:
        served.broker.answer = b""
        await first.send(CONNECT)
        await second.send(CONNECT)
        await until(lambda: served.broker.heard == CONNECT * 2)


async def test_a_refused_sign_in_keeps_nobody_waiting(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pump, "JUDGE_S", 2 * WAIT_S)
    async with serve() as served, served.page() as first, served.page() as second:
        served.broker.answer = NO
        await first.send(CONNECT)
        assert await heard(first) == NO
        served.broker.answer = YES
        await second.send(CONNECT)
        assert await heard(second) == YES


async def test_a_sign_in_goes_to_the_broker_whole_however_it_came(serve: Serve) -> None:
    async with serve() as served, served.page() as page:
        for one in CONNECT:
            await page.send(bytes([one]))
        assert await heard(page) == YES

    assert served.broker.heard == CONNECT


async def test_another_text_does_nothing(serve: Serve) -> None:
    async with serve() as served, signed_in(served) as page:
        for text in ("stop", "STOP ", "START", ""):
            await page.send(text)
            assert await told(page) == {"refused": "unknown-word"}

    assert served.watchdog.asked == []
    assert bytes(served.broker.heard) == CONNECT


async def test_a_page_that_does_not_speak_mqtt_is_not_pumped(serve: Serve) -> None:
    async with serve() as served, served.page(subprotocols=None) as page:
        assert await closed(page) == 1002

    assert served.broker.pages == []


# --- a broker that fails --------------------------------------------------------------------------------------


async def test_without_a_broker_a_page_is_told_and_may_try_again(serve: Serve) -> None:
    async with serve(broker=False) as served, served.page() as page:
        assert await told(page) == {"broker": "lost"}
        assert await closed(page) == 1013


async def test_a_page_that_was_signed_in_stops_after_the_broker_is_gone(
    serve: Serve, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    async with serve() as served, signed_in(served) as page, signed_in(served) as other:
        served.broker.die()
        assert await told(page) == await told(other) == {"broker": "lost"}
        for _ in range(10):
            await page.send(b"\xc0\x00")
        await page.send("STOP")
        assert await told(page) == {"direct": "STOP", "watchdog": "sent"}
        assert await told(page) == {"direct": "STOP", "watchdog": "confirmed", "arm": "none"}

    assert "socket.send" not in caplog.text
    assert capsys.readouterr().out.splitlines() == ["coilward-panel: the broker has hung up on a page"]


async def test_a_page_that_was_not_signed_in_leaves_with_the_broker(serve: Serve) -> None:
    async with serve() as served, served.page() as page:
        served.broker.answer = b""
        await page.send(CONNECT)
        await until(lambda: served.broker.heard == CONNECT)
        served.broker.die()
        assert await closed(page) == 1008


async def test_a_broker_that_takes_nothing_is_cut_off_and_no_stop_stands_behind_it(serve: Serve) -> None:
    async with serve() as served, signed_in(served) as page:
        served.broker.pages[-1].transport.pause_reading()
        flood = bytes(16_000)
        for _ in range(2000):
            await page.send(flood)
        await page.send("STOP")
        answers = [await told(page) for _ in range(3)]

    assert {"broker": "lost"} in answers
    assert {"direct": "STOP", "watchdog": "confirmed", "arm": "none"} in answers


# --- a page that fails, or means harm ----------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [b"", b"\x10", CONNECT[:20]])
async def test_half_a_sign_in_is_waited_for_a_while_only(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(pump, "SIGN_IN_S", 0.05)
    async with serve() as served, served.page() as page:
        await page.send(sent)
        assert await closed(page) == 1008


async def test_who_is_signed_in_stays(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pump, "SIGN_IN_S", 0.05)
    async with serve() as served, signed_in(served) as page, served.page() as other:
        assert await closed(other) == 1008
        await page.send("STOP")
        assert (await told(page))["watchdog"] == "sent"


@pytest.mark.parametrize("sent", [b"GET / HTTP/1.1\r\n", b"\x30\x00", CONNECT[:8] + b"\x04" + CONNECT[9:]])
async def test_what_is_no_sign_in_is_cut_off(serve: Serve, sent: bytes) -> None:
    async with serve() as served, served.page() as page:
        await page.send(sent)
        assert await closed(page) == 1008

    assert served.broker.heard == b""


async def test_a_frame_that_is_too_large_closes_its_page_and_no_other(serve: Serve) -> None:
    async with serve() as served, signed_in(served) as page, signed_in(served) as other:
        await page.send(bytes(16_385))
        assert await closed(page) == 1009
        await other.send(bytes(16_384))
        await other.send("STOP")
        assert (await told(other))["watchdog"] == "sent"


async def test_a_page_that_does_not_read_is_let_go_and_holds_nobody_up(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump, "SEND_S", 0.05)
    async with serve() as served, signed_in(served) as page, signed_in(served) as other:
        page.transport.pause_reading()
        first, second = served.broker.pages
        for _ in range(200):
            first.write(bytes(65_536))
        second.write(b"\xd0\x00")
        assert await heard(other) == b"\xd0\x00"
        await until(first.transport.is_closing)
        page.transport.resume_reading()
        assert await closed(page) == 1006


async def test_of_many_presses_a_few_are_carried_out_at_a_time(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serve() as served, signed_in(served) as page:
        served.watchdog.condition = "ready"
        for _ in range(100):
            await page.send("STOP")
        for _ in range(pump.MOST_PRESSES):
            assert await told(page) == {"direct": "STOP", "watchdog": "sent"}
        served.watchdog.condition = "standby"
        for _ in range(pump.MOST_PRESSES):
            assert (await told(page))["watchdog"] == "confirmed"
        await page.send("STOP")
        assert (await told(page))["watchdog"] == "sent"

    assert len(served.watchdog.of("stop")) == pump.MOST_PRESSES + 1


async def test_a_page_that_hangs_does_not_hold_up_the_end(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "LEAVE_S", 0.05)
    clock = asyncio.get_running_loop().time
    async with contextlib.AsyncExitStack() as pages:
        async with serve() as served:
            page = await pages.enter_async_context(signed_in(served))
            page.transport.pause_reading()
            told_to_end_s = clock()
        took_s = clock() - told_to_end_s
        page.transport.abort()

    assert took_s < server.CLOSE_S / 2


async def test_a_press_is_carried_out_although_its_page_is_gone(serve: Serve) -> None:
    async with serve() as served:
        served.watchdog.condition = "ready"
        async with signed_in(served) as page:
            await page.send("STOP")
            page.transport.abort()
        await until(lambda: served.watchdog.of("stop"))
        served.watchdog.condition = "standby"

"""What may be asked for over HTTP, by whom, and what comes with every answer."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from daemon.panel import server
from daemon.panel.replies import GUARDS
from tests.daemon.panel.conftest import WAIT_S, Serve

PAGE = "<!doctype html><title>coilward</title>" + " " * 500
SCRIPT = "export const one = 1;\n" * 50


@pytest.fixture(autouse=True)
def _files(tmp_path: Path) -> None:
    static = tmp_path / "static"
    (static / "vendor").mkdir(parents=True)
    (static / "index.html").write_text(PAGE)
    (static / "app.js").write_text(SCRIPT)
    (static / "vendor" / "three.js").write_text(SCRIPT * 2)
    (static / "dot.png").write_bytes(bytes(400))
    (static / ".hidden.js").write_text("secret")
    (static / "notes.md").write_text("secret")
    (static / "out.js").symlink_to(tmp_path / "outside.js")
    (tmp_path / "outside.js").write_text("secret")


@pytest.mark.parametrize(
    ("path", "kind", "body"),
    [
        ("/", "text/html; charset=utf-8", PAGE),
        ("/?x=1", "text/html; charset=utf-8", PAGE),
        ("/app/app.js", "text/javascript; charset=utf-8", SCRIPT),
        ("/app/vendor/three.js", "text/javascript; charset=utf-8", SCRIPT * 2),
    ],
)
async def test_the_page_and_its_files_are_given_out(serve: Serve, path: str, kind: str, body: str) -> None:
    async with serve() as served:
        status, headers, got = await served.get(path)

    assert (status, headers["content-type"], got.decode()) == (200, kind, body)
    assert headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/", "/app/none.js", "/site.json", "/mqtt"])
async def test_every_answer_carries_the_guards(serve: Serve, path: str) -> None:
    async with serve() as served:
        _, headers, _ = await served.get(path, f"Origin: http://{served.here}")

    assert {name: headers.get(name.lower()) for name in GUARDS} == GUARDS


@pytest.mark.parametrize(
    "path",
    [
        "/app/../outside.js",
        "/app/vendor/../../outside.js",
        "/app/%2e%2e/outside.js",
        "/app/..%2foutside.js",
        "/app//etc/passwd",
        "/app/vendor",
        "/app/vendor/",
        "/app/.hidden.js",
        "/app/notes.md",
        "/app/out.js",
        "/app/app.js%00",
        "/app/",
        "/app",
        "/index.html",
        "app/app.js",
        "/words/de.json",
        "/words/../site.json",
        "//",
    ],
)
async def test_nothing_else_is_there(serve: Serve, path: str) -> None:
    async with serve() as served:
        status, _, body = await served.get(path)

    assert status == 404
    assert b"secret" not in body


async def test_a_file_goes_out_compressed_where_that_is_understood(serve: Serve) -> None:
    async with serve() as served:
        _, plain, body = await served.get("/app/app.js", "Accept-Encoding: gzip;q=0, br")
        _, packed, less = await served.get("/app/app.js", "Accept-Encoding: br, gzip")
        _, image, _ = await served.get("/app/dot.png", "Accept-Encoding: gzip")

    assert ("content-encoding" in plain, packed["content-encoding"]) == (False, "gzip")
    assert gzip.decompress(less) == body
    assert "content-encoding" not in image, "compressed already"


async def test_a_browser_that_has_a_file_is_told_so_until_it_changes(serve: Serve, tmp_path: Path) -> None:
    async with serve() as served:
        _, first, _ = await served.get("/app/app.js")
        again = await served.get("/app/app.js", f'If-None-Match: "other", {first["etag"]}')
        (tmp_path / "static" / "app.js").write_text("changed")
        os.utime(tmp_path / "static" / "app.js", ns=(1, 1))
        changed = await served.get("/app/app.js", f"If-None-Match: {first['etag']}")

    assert (again[0], again[2]) == (304, b"")
    assert (changed[0], changed[2]) == (200, b"changed")


@pytest.mark.parametrize("method", ["POST", "HEAD", "PUT", "OPTIONS"])
async def test_other_methods_are_refused(serve: Serve, method: str) -> None:
    async with serve() as served:
        assert (await served.get("/", method=method))[0] == 405


async def test_half_a_request_is_waited_for_a_while_only(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "OPEN_S", 0.05)
    async with serve() as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: ")
        async with asyncio.timeout(WAIT_S):
            answer = await reader.read()
        writer.close()

    assert answer == b""


@pytest.mark.parametrize(
    ("lines", "passes"), [(["X: " + "y" * 9000], False), (["X: y"] * 200, False), (["X: y"] * 50, True)]
)
async def test_a_head_that_is_too_large_is_refused(serve: Serve, lines: list[str], passes: bool) -> None:
    async with serve() as served:
        status, _, _ = await served.get("/", *lines)

    assert (status == 200) is passes


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1", "[::1]:8480", "192.168.0.7", "room1.example.org:8480"])
async def test_a_name_of_this_machine_is_answered(serve: Serve, host: str) -> None:
    async with serve('names = ["room1.example.org"]') as served:
        assert (await served.get("/", host=host))[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "room1.example.org.evil.example", "127.0.0.1.evil.example", "[", "@", "a b"]
)
async def test_a_name_that_somebody_else_pointed_here_is_refused(serve: Serve, host: str) -> None:
    async with serve('names = ["room1.example.org"]') as served:
        assert (await served.get("/site.json", host=host))[0] == 403


async def test_two_names_at_once_are_refused(serve: Serve) -> None:
    async with serve() as served:
        assert (await served.get("/", f"Host: {served.here}"))[0] == 403


@pytest.mark.parametrize("path", ["/mqtt", "/sign-in"])
@pytest.mark.parametrize(
    "origin",
    [None, "null", "http://evil.example", "https://{here}", "http://127.0.0.1:1", "http://{here}.evil.example"],
)
async def test_a_page_of_somebody_else_opens_no_websocket(serve: Serve, path: str, origin: str | None) -> None:
    async with serve() as served:
        theirs = origin.format(here=served.here) if origin else None
        with pytest.raises(InvalidStatus) as refused:
            async with served.page(path, origin=theirs):
                pass
        async with served.page(path):
            pass

    assert refused.value.response.status_code == 403


async def test_a_page_learns_of_its_room_what_no_secret_is(serve: Serve) -> None:
    text = 'red_button = { en = "By the door.", it = "Alla porta." }\n'
    text += '[panel.emergency]\nen = ["Call."]\nit = ["Chiama."]\n'
    async with serve(text + '[[panel.telephones]]\nname = "Ward"\nnumber = "112"\n') as served:
        _, _, body = await served.get("/site.json")
    told = json.loads(body)

    assert (told["room"], told["use"], told["practice"], told["coil"]) == ("room1", "simulation", False, "coil-1")
    assert told["languages"] == ["en", "it"]
    assert told["red_button"] == {"en": "By the door.", "it": "Alla porta."}
    assert told["emergency"] == {"en": ["Call."], "it": ["Chiama."], "telephones": [{"name": "Ward", "number": "112"}]}
    assert told["verbs"]["stop"] == {"role": "viewer", "nonce": False, "state_seq": False, "control": False}
    demo = next(one for one in told["protocols"] if one["id"] == "demo")
    assert (demo["trains"], demo["pulses"], demo["side"]) == (3, 60, "left")
    assert (told["resets"]["beats-lost"], told["resets"]["evidence-contradicts"]) == ("operator", "two")
    assert "olga" not in body.decode()
    assert "password" not in body.decode()


@pytest.mark.parametrize("language", ["en", "it"])
async def test_every_language_is_given_out(serve: Serve, language: str) -> None:
    async with serve() as served:
        _, _, body = await served.get(f"/words/{language}.json")

    assert json.loads(body)["language"] == language

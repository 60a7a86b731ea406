"""The panel's server, built in one place: what a request comes to, and who serves a WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import ssl
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from daemon.config import Site, read_secret
from daemon.config_panel import PanelSection
from daemon.panel import replies
from daemon.panel.direct import Direct
from daemon.panel.documents import site_json, words_json
from daemon.panel.door import Door, listen
from daemon.panel.files import Document, Files
from daemon.panel.origin import is_ours, same_origin
from daemon.panel.pump import Pump
from daemon.panel.sign_in import Codes
from daemon.panel.told import Told
from daemon.runtime import Runtime
from daemon.words import LANGUAGES
from drivers.errors import ConfigError
from safety.protocols import load_protocols

OPEN_S: Final = 5.0
"""For TLS, and then for a whole request (engineering choice)."""
CLOSE_S: Final = 5.0
"""For a browser to take a file, and to answer a close (engineering choice: 200 kB, also over slow Wi-Fi)."""
LEAVE_S: Final = 1.0
"""For the pages to take leave when the panel ends (engineering choice)."""
MOST_MESSAGE_BYTES: Final = 16_384
"""From a page; its commands have at most 4 KiB."""
MOST_FRAMES: Final = 4
MQTT: Final = Subprotocol("mqtt")
SOCKETS: Final = ("/mqtt", "/sign-in")


class Requests:
    """What may be asked for over HTTP."""

    def __init__(self, site: Site, files: Files) -> None:
        self._panel = site.panel
        self._files = files
        self._made: Mapping[str, Document] = {
            "/site.json": _json(site_json(site, load_protocols().values())),
            **{f"/words/{language}.json": _json(words_json(language)) for language in LANGUAGES},
        }

    async def answer(self, _: ServerConnection, request: Request) -> Response | None:
        """None: it is one for a WebSocket, from our own page."""
        if request.method != "GET":
            return replies.refused(HTTPStatus.METHOD_NOT_ALLOWED)
        host, origin = _only(request, "Host"), _only(request, "Origin")
        if not is_ours(host, self._panel.names):
            return replies.refused(HTTPStatus.FORBIDDEN)
        path = request.path.partition("?")[0]
        if path in SOCKETS:
            ours = same_origin(origin, host, secure=self._panel.secure)
            return None if ours else replies.refused(HTTPStatus.FORBIDDEN)
        document = self._made.get(path) or await asyncio.to_thread(self._file, path)
        return replies.found(request, document) if document else replies.refused(HTTPStatus.NOT_FOUND)

    def _file(self, path: str) -> Document | None:
        if path == "/":
            return self._files.read("index.html")
        return self._files.read(path.removeprefix("/app/")) if path.startswith("/app/") else None


def _only(request: Request, name: str) -> str | None:
    """A header that stands there once."""
    values = request.headers.get_all(name)
    return values[0] if len(values) == 1 else None


def guarded(_: ServerConnection, __: Request, response: Response) -> Response:
    """The library's own answers carry the same headers as ours."""
    for name, value in replies.GUARDS.items():
        if name not in response.headers:
            response.headers[name] = value
    return response


def spoken(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """MQTT where a page offers it; the way to sign in speaks none."""
    return MQTT if MQTT in offered else None


class Sockets:
    """Who serves which WebSocket."""

    def __init__(self, pump: Pump, codes: Codes) -> None:
        self._pump = pump
        self._codes = codes

    async def serve(self, page: ServerConnection) -> None:
        """Until it is closed."""
        path = page.request.path.partition("?")[0] if page.request else ""
        if path == "/sign-in":
            await self._sign_in(page)
        elif page.subprotocol == MQTT:
            await self._pump.serve(page)
        else:
            await page.close(CloseCode.PROTOCOL_ERROR)

    async def _sign_in(self, page: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            async with asyncio.timeout(OPEN_S):
                message = await page.recv()
                answer = await asyncio.to_thread(self._codes.answer, message, time.time())
                await page.send(json.dumps(answer))


@asynccontextmanager
async def panel(site: Site, runtime: Runtime, files: Files | None = None) -> AsyncIterator[tuple[str, int]]:
    """Serves, and gives the address it listens on. Raises ConfigError: it cannot."""
    told = Told()
    requests = Requests(site, files or Files())
    context = tls(site.panel)
    door = _door(site.panel)
    direct = Direct(runtime, told, with_arm=site.robot is not None)
    sockets = Sockets(Pump(site.broker, direct, door, told), Codes(runtime, site))
    try:
        async with serve(
            sockets.serve,
            sock=door,
            ssl=context,
            process_request=requests.answer,
            process_response=guarded,
            select_subprotocol=spoken,
            compression=None,
            server_header=None,
            open_timeout=OPEN_S,
            close_timeout=CLOSE_S,
            max_size=MOST_MESSAGE_BYTES,
            max_queue=MOST_FRAMES,
            logger=_log(),
        ) as server:
            host, port, *_ = door.getsockname()
            try:
                yield host, port
            finally:
                await _ended(server, door)
    finally:
        await direct.close()
        door.close()


async def _ended(server: Server, door: Door) -> None:
    """Takes leave of the pages; who does not answer is left in mid-word."""
    server.close()
    try:
        async with asyncio.timeout(LEAVE_S):
            await server.wait_closed()
    except TimeoutError:
        door.send_away()


def tls(section: PanelSection) -> ssl.SSLContext | None:
    """From its certificate, if it has one. Raises ConfigError: the files do not fit, or others may read the key."""
    if section.certificate is None or section.key is None:
        return None
    read_secret(section.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(section.certificate, section.key)
    except (OSError, ssl.SSLError) as wrong:
        raise ConfigError(
            f"{section.certificate} and {section.key} cannot be used: {wrong}. "
            "Give [panel] a certificate and its own key, both PEM."
        ) from None
    return context


def _door(section: PanelSection) -> Door:
    try:
        return listen(section.host, section.port)
    except OSError as wrong:
        raise ConfigError(
            f"the panel cannot listen at {section.host}:{section.port}: {wrong.strerror}. "
            "End what listens there, or write another [panel] port."
        ) from None


def _json(body: bytes) -> Document:
    return Document.of("application/json", body)


def _log() -> logging.Logger:
    """What strangers send is not told; a fault of our own is."""
    log = logging.getLogger("coilward-panel")
    log.addFilter(lambda record: record.getMessage() == "connection handler failed")
    return log

"""What a browser is told with every answer, and how an answer is made of a document."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from daemon.panel.files import Document

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Everything is refused but our own files: nothing inline, nothing from elsewhere, in nobody's frame."""
GUARDS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def found(request: Request, document: Document) -> Response:
    """The document, compressed where the browser takes it; or that it has it already."""
    packed = document.packed if _takes_gzip(request) else None
    tag = f'"{document.tag}{"-gz" if packed is not None else ""}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if tag in _values(request, "If-None-Match"):
        return _response(HTTPStatus.NOT_MODIFIED, headers, b"")
    headers["Content-Type"] = document.type
    if packed is not None:
        headers["Content-Encoding"] = "gzip"
    return _response(HTTPStatus.OK, headers, document.body if packed is None else packed)


def refused(status: HTTPStatus) -> Response:
    """No, and nothing more: what is asked for is never said again."""
    headers = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}
    return _response(status, headers, f"{status.value} {status.phrase}\n".encode())


def _response(status: HTTPStatus, own: dict[str, str], body: bytes) -> Response:
    headers = Headers({**GUARDS, **own, "Connection": "close"})
    if status is not HTTPStatus.NOT_MODIFIED:
        headers["Content-Length"] = str(len(body))
    return Response(status.value, status.phrase, headers, body)


def _takes_gzip(request: Request) -> bool:
    for offer in _values(request, "Accept-Encoding"):
        coding, _, weight = offer.partition(";")
        if coding.strip() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _values(request: Request, name: str) -> list[str]:
    return [value.strip() for line in request.headers.get_all(name) for value in line.split(",")]

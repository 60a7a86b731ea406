"""The page's files, as they go out: type, compressed form and tag, made once for each version of a file."""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

STATIC: Final = Path(__file__).parent / "static"
TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}
"""What is not in here is not given out."""
PACKED: Final = frozenset({".png", ".ico", ".woff2"})
"""Compressed already."""
_PART: Final = r"[A-Za-z0-9_-][A-Za-z0-9_.-]*"
_NAME: Final = re.compile(rf"{_PART}(?:/{_PART})*")
"""No part begins with a dot, so none leads up; nothing is decoded, so nothing hides."""


@dataclass(frozen=True, slots=True)
class Document:
    """Bytes with their type, and the same compressed where that is worth it."""

    type: str
    body: bytes
    packed: bytes | None = field(default=None)

    @classmethod
    def of(cls, kind: str, body: bytes, *, pack: bool = True) -> Document:
        """A document of these bytes."""
        packed = gzip.compress(body, 9, mtime=0) if pack else b""
        return cls(kind, body, packed if pack and len(packed) < len(body) else None)

    @property
    def tag(self) -> str:
        """Differs when the bytes do."""
        return hashlib.sha256(self.body).hexdigest()[:32]


class Files:
    """The files below one folder, each read again when it has changed."""

    def __init__(self, folder: Path = STATIC) -> None:
        self._folder = folder.resolve()
        self._known: dict[str, tuple[tuple[int, int], Document]] = {}

    def read(self, name: str) -> Document | None:
        """The file of that name; None: there is none that may be given out. Blocks on the disk."""
        if not _NAME.fullmatch(name):
            return None
        path = self._folder / name
        kind = TYPES.get(path.suffix)
        if kind is None or not path.is_file() or not path.resolve().is_relative_to(self._folder):
            return None
        status = path.stat()
        version = (status.st_mtime_ns, status.st_size)
        known = self._known.get(name)
        if known is None or known[0] != version:
            known = version, Document.of(kind, path.read_bytes(), pack=path.suffix not in PACKED)
            self._known[name] = known
        return known[1]

"""Something that speaks the watchdog's protocol at its socket, for one connection."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Told = Callable[[dict[str, Any]], list[dict[str, Any]]]


@contextmanager
def watchdog(path: Path, answer: Told) -> Iterator[list[dict[str, Any]]]:
    """One connection to something that speaks the watchdog's protocol."""
    heard: list[dict[str, Any]] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as lines:
                for line in lines:
                    heard.append(json.loads(line))
                    replies = answer(heard[-1])
                    if not replies:
                        return
                    connection.sendall(b"".join(json.dumps(reply).encode() + b"\n" for reply in replies))

        thread = threading.Thread(target=serve)
        thread.start()
        yield heard
        thread.join()

"""`panel`: where the operator's page is, and a code that signs one person in."""

from __future__ import annotations

import socket
import time

import typer

from daemon.cli import show
from daemon.cli.place import place
from daemon.cli.safety import Json
from daemon.config import Site
from daemon.panel.sign_in import LIFE_S, draw
from daemon.runtime import Runtime
from drivers.errors import PortNotFound

CONNECT_S = 1.0


def panel(ctx: typer.Context, as_json: Json = False) -> None:
    """Print the panel's address with a code that signs --user in, once and within ten minutes."""
    where = place(ctx)
    url = fresh_url(where.runtime, where.site, where.user)
    if as_json:
        show.as_json({"url": url, "user": where.user, "expires_in_s": LIFE_S})
    else:
        show.out.print(url, soft_wrap=True, highlight=False)


def fresh_url(runtime: Runtime, site: Site, user: str) -> str:
    """What a browser is given. Raises PortNotFound: no panel runs; OperatorError: no code for this person."""
    host, port = _listening(runtime)
    code = draw(runtime, site, user, time.time())
    name = site.panel.names[0] if site.panel.names else host
    return f"{'https' if site.panel.secure else 'http'}://{name}:{port}/#code={code}"


def _listening(runtime: Runtime) -> tuple[str, int]:
    try:
        host, _, port = runtime.panel_address.read_text(encoding="utf-8").strip().rpartition(":")
        address = host.strip("[]"), int(port)
        socket.create_connection(address, CONNECT_S).close()
    except (OSError, ValueError):
        raise PortNotFound(
            f"No panel answers for {runtime.folder}. It is not running, or its runtime is another. "
            "Start coilward-panel, or give --runtime."
        ) from None
    return ("127.0.0.1" if host in ("0.0.0.0", "[::]") else host), int(port)  # noqa: S104  told apart, not bound

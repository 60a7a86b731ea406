"""A panel that other machines reach: over TLS, with a certificate that fits, and not without."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from drivers.errors import ConfigError
from tests.daemon.panel.certificates import certified, opened, trusting
from tests.daemon.panel.conftest import Serve
from tests.daemon.panel.packets import YES


async def test_a_page_speaks_over_tls_with_the_certificate_of_the_site_file(serve: Serve, tmp_path: Path) -> None:
    async with serve(certified(tmp_path, "room")) as served:
        answer = await opened(served, trusting(tmp_path), f"https://{served.here}")
        with pytest.raises(InvalidStatus):
            await opened(served, trusting(tmp_path), f"http://{served.here}")
        with pytest.raises(ssl.SSLCertVerificationError):
            await opened(served, ssl.create_default_context(), f"https://{served.here}")

    assert answer == YES


async def test_a_key_of_another_certificate_is_refused_with_what_to_give(serve: Serve, tmp_path: Path) -> None:
    ours, theirs = certified(tmp_path, "room"), certified(tmp_path, "other")
    mixed = "\n".join((ours.splitlines()[0], theirs.splitlines()[1]))

    with pytest.raises(ConfigError, match=r"Give \[panel\] a certificate and its own key, both PEM"):
        async with serve(mixed):
            pass


async def test_a_key_that_others_may_read_is_refused(serve: Serve, tmp_path: Path) -> None:
    text = certified(tmp_path, "room")
    (tmp_path / "room.key").chmod(0o640)

    with pytest.raises(ConfigError, match="chmod 600"):
        async with serve(text):
            pass


async def test_an_address_that_is_taken_is_said_with_what_to_do(serve: Serve) -> None:
    async with serve() as served:
        with pytest.raises(ConfigError, match=f"cannot listen at 127.0.0.1:{served.port}: Address already in use"):
            async with serve(f"port = {served.port}"):
                pass

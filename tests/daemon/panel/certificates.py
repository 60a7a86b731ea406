"""Certificates for a test, and pages that trust them."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.client import connect

from daemon.panel.server import MQTT
from tests.daemon.panel.conftest import WAIT_S, Served, heard
from tests.daemon.panel.packets import CONNECT


def certified(folder: Path, name: str) -> str:
    """A certificate for this machine's loopback and its key; what `[panel]` says of them."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret = folder / f"{name}.key"
    secret.touch(mode=0o600)
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return f'certificate = "{folder / name}.pem"\nkey = "{secret}"'


def trusting(folder: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(folder / "room.pem"))


async def opened(served: Served, trust: ssl.SSLContext, origin: str) -> bytes:
    """What a page gets for its CONNECT."""
    url = f"wss://{served.here}/mqtt"
    async with connect(url, ssl=trust, origin=origin, subprotocols=[MQTT], open_timeout=WAIT_S) as page:
        await page.send(CONNECT)
        answer: bytes = await heard(page)
        return answer

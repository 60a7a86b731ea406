"""Packets of MQTT 5, to the byte."""

from __future__ import annotations

CONNECT = bytes.fromhex(
    "10 27"  # CONNECT, 39 bytes
    "00 04 4d 51 54 54 05"  # MQTT 5
    "c2 00 3c"  # user name, password, clean start; keep alive 60 s
    "03 21 00 14"  # receive maximum 20
    "00 05 70 2d 31 32 33"  # p-123
    "00 04 6f 6c 67 61"  # olga
    "00 0a 73 65 63 72 65 74 2d 31 32 33"  # secret-123
)
WITH_WILL = bytes.fromhex(
    "10 29 00 04 4d 51 54 54 05 c6 00 3c 00"
    "00 01 63"  # client c
    "05 02 00 00 00 0a"  # will properties: expiry
    "00 03 61 2f 62"  # will topic a/b
    "00 02 68 69"  # will payload
    "00 04 76 65 72 61"  # vera
    "00 04 70 77 70 77"
)
YES = bytes.fromhex("20 06 00 00 03 22 00 0a")
NO = bytes.fromhex("20 03 00 87 00")


def connect_packet(client: str, user: str, password: str) -> bytes:
    """CONNECT of a person, as a page sends it."""
    fields = b"".join(len(each).to_bytes(2, "big") + each.encode() for each in (client, user, password))
    body = bytes.fromhex("00 04 4d 51 54 54 05 c2 00 3c 00") + fields
    assert len(body) < 128
    return bytes([0x10, len(body)]) + body

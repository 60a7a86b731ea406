"""Who signs in, read in passing: the bytes are those of the MQTT 5 standard, in any pieces."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.panel.connect_peek import MOST_CONNECT_BYTES, ConnectPeek, NoSignIn
from tests.daemon.panel.packets import CONNECT, NO, WITH_WILL, YES


def peeked(connect: bytes, answer: bytes = YES) -> str | None:
    """Who is signed in after these bytes, both ways in single bytes."""
    peek = ConnectPeek()
    for one in connect:
        peek.sent(bytes([one]))
    for one in answer:
        peek.answered(bytes([one]))
    return peek.user


def changed(connect: bytes, at: int, to: int) -> bytes:
    return connect[:at] + bytes([to]) + connect[at + 1 :]


@pytest.mark.parametrize(("connect", "user"), [(CONNECT, "olga"), (WITH_WILL, "vera")])
def test_a_name_is_known_once_the_broker_has_said_yes(connect: bytes, user: str) -> None:
    peek = ConnectPeek()
    peek.sent(connect)
    before = peek.user
    peek.answered(YES)

    assert (before, peek.user, peeked(connect)) == (None, user, user)


def test_what_follows_is_nobodys_name() -> None:
    peek = ConnectPeek()
    peek.sent(CONNECT + WITH_WILL)
    peek.answered(YES + NO)
    peek.sent(WITH_WILL)
    peek.answered(NO)

    assert peek.user == "olga"


def test_a_no_of_the_broker_signs_nobody_in() -> None:
    peek = ConnectPeek()
    peek.sent(CONNECT)
    with pytest.raises(NoSignIn):
        peek.answered(NO)

    assert peek.user is None


def test_a_yes_before_the_whole_name_came_is_no_yes_to_it() -> None:
    peek = ConnectPeek()
    peek.sent(CONNECT[:-1])
    with pytest.raises(NoSignIn):
        peek.answered(YES)

    assert peek.user is None


@pytest.mark.parametrize(
    "connect",
    [
        changed(CONNECT, 0, 0x30),  # PUBLISH first
        changed(CONNECT, 8, 4),  # MQTT 3.1.1
        changed(CONNECT, 9, 0x82),  # a name without a password
        changed(CONNECT, 9, 0x42),  # a password without a name
        changed(CONNECT, 25, ord("O")),  # Olga: no name of ours
        changed(CONNECT, 25, ord("/")),
        changed(CONNECT, 1, 0x26),  # one byte short of its fields
        changed(CONNECT, 24, 0x1E),  # a name longer than what is left
        CONNECT[:1] + b"\x80\x80\x80\x80\x01" + CONNECT[2:],  # a length without end
        CONNECT[:1] + b"\x81\x20" + CONNECT[2:],  # MOST_CONNECT_BYTES + 1
        changed(CONNECT, 1, 0x28) + b"\0",  # one byte more than its fields
        changed(CONNECT, 12, 0x7F),  # properties longer than the packet
    ],
)
def test_what_is_no_connect_of_a_named_person_is_refused(connect: bytes) -> None:
    with pytest.raises(NoSignIn):
        peeked(connect)


def test_a_connect_of_the_greatest_length_is_waited_for_and_one_more_byte_is_not() -> None:
    ConnectPeek().sent(b"\x10\x80\x20")
    with pytest.raises(NoSignIn):
        ConnectPeek().sent(b"\x10\x81\x20")

    assert MOST_CONNECT_BYTES == 0x20 << 7


@given(st.lists(st.binary(max_size=600), max_size=20), st.booleans())
def test_garbage_signs_nobody_in_and_is_not_kept(pieces: list[bytes], begun: bool) -> None:
    peek = ConnectPeek()
    try:
        for piece in ([CONNECT[:20]] if begun else []) + pieces:
            peek.sent(piece)
    except NoSignIn:
        return
    finally:
        assert peek.user is None
    assert len(peek._sent or b"") <= MOST_CONNECT_BYTES + 5 + 600


@given(st.integers(0, len(CONNECT) - 1), st.integers(0, 255))
def test_whatever_one_byte_becomes_nobody_gets_a_name_that_is_none(at: int, to: int) -> None:
    try:
        user = peeked(changed(CONNECT, at, to))
    except NoSignIn:
        return
    assert user is None or re.fullmatch(r"[a-z0-9-]{1,32}", user)


@given(st.binary(max_size=40))
def test_no_answer_but_a_yes_signs_in(answer: bytes) -> None:
    peek = ConnectPeek()
    peek.sent(CONNECT)
    try:
        peek.answered(answer)
    except NoSignIn:
        assert peek.user is None
        return
    assert peek.user is None or answer[:1] == b"\x20"

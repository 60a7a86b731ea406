"""Control connections of the loop: every client is answered, and one that floods, is deaf or has ended is let go."""

from __future__ import annotations

import os
import resource

import pytest

from safety import connections, control, events
from safety.events import Door
from tests.safety.loop.conftest import Client, Shell

MS = 1_000


def test_a_line_that_is_no_message_is_answered_and_its_sender_is_still_listened_to(shell: Shell) -> None:
    client = shell.client()
    client.sock.send(b"nonsense\n")
    answer = client.answer(None)
    assert (answer["ok"], answer["reason"]) == (False, "malformed-message")
    assert client.ask("hello", role="cli")["ok"]


def test_an_endless_line_is_hung_up_on(shell: Shell) -> None:
    client, other = shell.client(), shell.client()
    client.sock.send(b"x" * (control.MAX_LINE_BYTES + 1))
    other.sock.send(b"x" * control.MAX_LINE_BYTES)
    shell.turn(control.MAX_LINE_BYTES // connections.READ_BYTES + 2)
    assert client.gone()
    other.sock.send(b"\n")
    assert other.answer(None)["reason"] == "malformed-message"


def test_the_seventeenth_connection_is_turned_away_and_a_free_place_is_given_again(shell: Shell) -> None:
    others = [shell.client() for _ in range(connections.MAX_CONNECTIONS)]
    assert shell.client().gone()
    others[3].sock.close()
    shell.turn()
    assert shell.client("cli").ask("status")["ok"]


def test_whoever_does_not_say_hello_gives_its_place_up(shell: Shell) -> None:
    stranger, other = shell.client(), shell.client("cli")
    shell.turn(38, 50 * MS)
    assert not stranger.gone()
    shell.turn(4, 50 * MS)
    assert stranger.gone()
    assert other.ask("status")["ok"]


def test_with_no_descriptors_left_a_client_waits_and_gets_in_later(shell: Shell) -> None:
    shell.turn()
    client = Client(shell)
    shell.clients.append(client)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, limits[1]))
    try:
        shell.loop.turn()
        assert not shell.loop._connections
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    shell.turn()
    assert client.ask("hello", role="cli")["ok"]


def test_a_client_that_never_reads_is_let_go(shell: Shell) -> None:
    deaf = shell.client("cli")
    other = shell.client("cli")
    for _ in range(20_000):
        if len(shell.loop._connections) == 1:
            break
        shell.loop._broadcast({"say": "x" * 1_000})
        other.read()
    assert deaf.gone()
    assert other.ask("status")["ok"]


def test_a_slow_client_gets_the_rest_when_it_speaks_again(shell: Shell) -> None:
    slow = shell.client("cli")
    sent = 0
    while not shell.loop._connections[1].wants_to_send:
        shell.loop._broadcast({"say": "long", "x": "x" * 10_000})
        sent += 1
    slow.read()
    slow.ask("status")
    assert sum(body.get("say") == "long" for body in slow.read()) == sent


def test_a_slow_client_that_ends_is_let_go(shell: Shell) -> None:
    slow = shell.client("cli")
    while not shell.loop._connections[1].wants_to_send:
        shell.loop._broadcast({"say": "x" * 10_000})
    slow.sock.close()
    shell.turn()
    assert not shell.loop._connections


def test_what_a_client_asked_after_the_answer_that_found_it_gone_is_not_done(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.started()
    client = shell.client()
    client.read()  # else the kernel throws away what it asked when it ends
    client.send("hello", role="cli")
    client.send("stop", by="nobody")
    client.sock.close()
    heard: list[events.Input] = []
    feed = shell.loop.feed

    def note(event: events.Input) -> None:
        heard.append(event)
        feed(event)

    monkeypatch.setattr(shell.loop, "feed", note)
    shell.turn()
    assert [type(each.message) for each in heard if isinstance(each, events.Requested)] == [control.Hello]
    assert sum(isinstance(each, events.Disconnected) for each in heard) == 1
    assert not shell.loop._connections
    assert shell.loop.state.roles == ()


def test_two_that_end_together_are_let_go_once_each(shell: Shell) -> None:
    """The first one's end is told to the second, which has ended too."""
    shell.plugged = False
    shell.turn()
    daemon, other = shell.client("daemon"), shell.client("cli")
    daemon.attach()
    shell.turn()
    assert shell.loop.state.speaker is Door.DAEMON
    daemon.sock.close()
    other.sock.close()
    shell.loop._broadcast({"say": "anything"})
    assert shell.told("speaker")[-1]["door"] == "pty"
    assert not shell.loop._connections
    assert shell.loop.state.roles == ()


def test_events_since_a_number_are_the_later_ones(shell: Shell) -> None:
    shell.started()
    client = shell.client("cli")
    everything = client.ask("events")["events"]
    assert [event["n"] for event in everything] == list(range(1, len(everything) + 1))
    assert client.ask("events", since=everything[0]["n"])["events"] == everything[1:]

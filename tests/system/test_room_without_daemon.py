"""A room of a watchdog and guarded programs alone: no broker, no daemon, and a person at the machine has a way out."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from safety.ledger_format import Kind, key
from tests.system.clients import client
from tests.system.processes import ANSWER_S, START_S, until
from tests.system.room import RealRoom, real_room

pytestmark = [pytest.mark.system, pytest.mark.timeout(90)]
ME = f"uid {os.geteuid()}"


@pytest.fixture
def room() -> Iterator[RealRoom]:
    with real_room() as made:
        made.start_watchdog()
        yield made


def coilward(room: RealRoom, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What a person at the room's machine types, and what comes of it."""
    where = ("--runtime", str(room.folder), "--site", str(room.site))
    return subprocess.run(
        [sys.executable, "-c", "from daemon.cli import main; main()", *arguments, *where],
        env=os.environ | {"COLUMNS": "400"}, capture_output=True, text=True, timeout=START_S, check=False,
    )  # fmt: skip


def last_note(room: RealRoom, kind: Kind) -> bytes:
    """The ledger's, once a record of that kind is on the disk."""
    until(lambda: bool(room.records(kind)), ANSWER_S, f"a record {kind.name}")
    return room.records(kind)[-1].note


def opens(room: RealRoom) -> str:
    """What comes of opening a session now."""
    assert room.line is not None
    answer = room.line.ask("open-session", kind="phantom", door="pty", by="x", coil="coil-1")
    return str(answer.get("reason", "opened"))


def test_a_room_that_is_locked_out_is_named_with_the_commands_that_end_it(room: RealRoom) -> None:
    assert room.line is not None
    sound = coilward(room, "doctor")
    room.end_watchdog()
    (room.folder / "state" / "ledger.head").unlink()
    room.start_watchdog(phase="lockout")
    locked = coilward(room, "doctor")

    assert "The system is locked." not in sound.stdout
    assert locked.returncode == 1
    assert "The system is locked." in locked.stdout
    assert "The file ledger.head is missing: the history is gone, or half of it." in locked.stdout
    assert "`coilward-watchdog ledger unlock` ends it." in locked.stdout


def test_a_pulse_nobody_knows_the_fate_of_is_named_and_resolved_by_a_person_at_the_machine(room: RealRoom) -> None:
    assert room.line is not None
    with client(room, "script", "S-1") as running:
        running.wait("armed")
        room.simulator.control("lose-reply", of="E", count=1)
        settled = room.line.event("settled")
        running.kill()
    room.line.event("session-closed")
    until(lambda: room.line is not None and room.line.phase() == "safe", ANSWER_S, "the watchdog at rest")
    before, looked = opens(room), coilward(room, "doctor")
    ref = room.line.ask("status")["status"]["unknown"][0]
    nothing = coilward(room, "resolve", str(ref + 1), "--why", "the coil clicked")
    resolved = coilward(room, "resolve", str(ref), "--why", "the coil clicked")

    assert settled["outcome"] == "unknown"
    assert before == "unknown-open"
    assert f"`coilward resolve {ref} --why …`" in looked.stdout
    assert (nothing.returncode, "No pulse with this number is in doubt." in nothing.stderr) == (1, True)
    assert (resolved.returncode, resolved.stdout) == (0, "Booked as delivered.\n"), resolved.stderr
    assert last_note(room, Kind.RESOLVE) == key(ME) + key("the coil clicked")
    assert opens(room) == "opened"


def test_a_trip_is_lifted_by_a_person_at_the_machine(room: RealRoom) -> None:
    assert room.line is not None
    with client(room, "script", "S-1") as running:
        running.wait("armed")
        room.simulator.control("vanish")
        room.line.event("trip")
    room.simulator.control("come-back")
    room.wait_standby(ANSWER_S)
    told = coilward(room, "reset")

    assert (told.returncode, told.stdout) == (0, "The safety stop is lifted.\n"), told.stderr
    assert last_note(room, Kind.RESET) == key(ME)
    assert room.line.phase() == "safe"

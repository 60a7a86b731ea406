"""An emergency against real processes: by the watchdog's socket with nothing else there, and in a whole room."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.client import RoomClient, connect
from daemon.runtime import Runtime
from daemon.simulated_room import ROOM, Simulated, simulated_room
from safety.ledger_format import Kind, key
from tests.system.clients import client
from tests.system.operating import treat
from tests.system.processes import START_S
from tests.system.room import RealRoom, real_room

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]
COILWARD = [sys.executable, "-c", "from daemon.cli import main; main()"]


@pytest.fixture
def room() -> Iterator[RealRoom]:
    with real_room() as made:
        yield made


def coilward(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What a person at the room's machine does."""
    where = ("--runtime", str(folder), "--site", str(folder / "site.toml"))
    wide = os.environ | {"COLUMNS": "400"}
    return subprocess.run(
        [*COILWARD, *words, *where], env=wide, capture_output=True, text=True, timeout=START_S, check=False
    )


def test_without_broker_and_daemon_it_disarms_ends_the_session_and_blocks_until_a_physician_unblocks(
    room: RealRoom,
) -> None:
    room.start_watchdog()
    with client(room, "treatment", "S-1") as running:
        running.wait("armed")
        told = coilward(room.folder, "emergency")

    assert told.returncode == 0, told.stderr
    assert "DISARMED. The session is over for good." in told.stdout
    assert room.condition() == "standby"
    (pressed,) = room.records(Kind.EMERGENCY)
    assert pressed.subject == key("S-1")
    assert room.book().closed_for_good(pressed.session)

    room.kill_watchdog()
    line = room.start_watchdog()
    status = line.ask("status")["status"]
    assert (status["emergency"]["session"], status["blocked"]) == (pressed.session.hex(), True), "through a restart"
    words = ("subject", "unblock", "S-1", "--by", "Dr. Bianchi", "--reason", "seen and well")
    unblocked = coilward(room.folder, *words)
    assert unblocked.returncode == 0, unblocked.stderr
    (record,) = room.records(Kind.UNBLOCK)
    assert record.note == key("Dr. Bianchi") + key("seen and well")
    again = coilward(room.folder, *words)
    assert again.returncode == 1
    assert "No block stands against S-1." in again.stderr


async def emergency_in_a_train(viewer: RoomClient, operator: RoomClient) -> str:
    view = await operator.until(lambda view: bool(view.progress and view.progress.counts.commanded), START_S)
    await asyncio.sleep(0.5)
    answer = await viewer.ask("emergency")
    assert answer.ok, answer
    assert answer.detail["outcome"] == "emergency"
    return str(view.state.session)


async def test_a_viewer_ends_a_treatment_in_its_train_and_the_room_keeps_it_ended(runtime: Runtime) -> None:
    async with (
        simulated_room(runtime, Simulated(pacing=False), lambda _: None) as made,
        connect(made.address, ROOM) as operator,
        connect(made.address_of("viewer"), ROOM) as viewer,
        connect(made.address_of("physician"), ROOM) as physician,
    ):
        async with operator.present():
            await treat(operator, made.site, "demo", "sim-0001")
            session = await emergency_in_a_train(viewer, operator)
            await operator.ask("note", kind="stamp", what="help-called", text="12:03:04")
        ended = await operator.until(lambda view: view.state.emergency is not None and view.state.blocked, START_S)
        report = (await viewer.ask("read-report", session=session)).detail
        listed = (await viewer.ask("history")).detail["sessions"]
        dose = (await viewer.ask("dose", subject="sim-0001")).detail
        rows = (await viewer.ask("read-journal", kinds=("emergency", "note"))).detail["rows"]
        again = {"subject": "sim-0001", "protocol": "demo", "placement": "there is no head"}
        refused = await operator.ask("start", **again)
        for _ in range(20):
            if report["incident"] and report["incident"]["notes"]:
                break
            await asyncio.sleep(0.25)
            report = (await viewer.ask("read-report", session=session)).detail
        unblocked = await physician.ask("unblock", subject="sim-0001", physician="Dr. Bianchi", reason="seen and well")
        free = await operator.until(lambda view: view.state.emergency is None, START_S)
        opened = await operator.ask("start", **again)

    assert ended.state.emergency is not None
    assert (ended.state.emergency.by, ended.state.emergency.subject) == ("viewer", "sim-0001")
    assert (ended.state.blocked, ended.state.continuable) == (True, None)
    assert report["report"]["outcome"] == "emergency"
    assert [note["what"] for note in report["report"]["notes"]] == ["help-called"]
    assert [note["what"] for note in report["incident"]["notes"]] == ["help-called"]
    assert report["incident"]["pulses_before"] > 0, report
    assert [one["session"] for one in listed] == [session]
    assert dose["day"] == listed[0]["pulses"]["settled"]
    assert dose["blocked"]
    assert [row["kind"] for row in rows] == ["note", "emergency"]
    assert refused.reason == "subject-blocked"
    assert unblocked.ok, unblocked
    assert not free.state.blocked
    assert opened.ok, opened


async def test_pressed_while_the_daemon_hangs_it_is_shown_once_the_daemon_turns_again(runtime: Runtime) -> None:
    async with (
        simulated_room(runtime, Simulated(pacing=False), lambda _: None) as made,
        connect(made.address, ROOM) as operator,
    ):
        async with operator.present():
            await treat(operator, made.site, "demo", "sim-0001")
            await operator.until(lambda view: view.state.phase == "train", START_S)
        daemon = next(child for child in made.children if child.name == "daemon")
        os.kill(daemon.process.pid, signal.SIGSTOP)
        told = await asyncio.to_thread(coilward, made.runtime.folder, "emergency", "--json")
        os.kill(daemon.process.pid, signal.SIGCONT)
        shown = await operator.until(lambda view: view.state.emergency is not None, START_S)
        ended = await operator.until(lambda view: view.state.report is not None, START_S)

    assert json.loads(told.stdout)["watchdog"] is True, told
    assert shown.state.emergency is not None
    assert shown.state.emergency.subject == "sim-0001"
    assert json.loads(Path(str(ended.state.report)).read_text())["outcome"] == "emergency"
